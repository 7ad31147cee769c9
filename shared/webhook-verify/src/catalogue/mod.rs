//! Well-known schemes, ready to be made a provider: `cargo webhook provider add NAME --scheme stripe`.
//! None of them is deployed.
//!
//! Each names its documentation, what of a delivery it leaves unsigned, and why its tolerance is what
//! it is. All of them are verified by the same interpreter, and tests check them against vectors.

mod github;
mod shopify;
mod slack;
mod square;
mod standard_webhooks;
mod stripe;
mod zoom;

#[cfg(test)]
pub(crate) mod tests;

pub use github::GITHUB;
pub use shopify::SHOPIFY;
pub use slack::SLACK;
pub use square::SQUARE;
pub use standard_webhooks::STANDARD_WEBHOOKS;
pub use stripe::STRIPE;
pub use zoom::ZOOM;

use crate::description::Provider;

/// Every entry, by name.
pub const CATALOGUE: &[&Provider] =
    &[GITHUB, SHOPIFY, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE, ZOOM];
