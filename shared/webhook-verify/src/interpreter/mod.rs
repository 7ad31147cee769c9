//! Verifies and reads deliveries by a provider's description: one file for each step.

mod challenge;
mod event;
mod parse;
mod verify;

pub use challenge::ChallengeAnswer;
pub(crate) use verify::{Pieces, pieces, signed};
