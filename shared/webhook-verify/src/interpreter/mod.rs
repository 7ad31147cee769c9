//! Verifies and reads deliveries by a provider's description: one file for each step, and one for
//! challenges.

mod challenge;
mod event;
mod parse;
mod verify;

pub use challenge::ChallengeAnswer;
pub(crate) use verify::{Pieces, pieces, signed};
