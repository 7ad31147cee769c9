//! Well-known schemes, ready to use: `cargo webhook provider add NAME --scheme stripe` adds a
//! provider with one of them. None of them is deployed.
//!
//! Each file links the provider's documentation, and says what is unsigned in a delivery and why
//! the tolerance was chosen. The same interpreter verifies all of them, and tests check them
//! against vectors.

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

/// Every entry, sorted by name.
pub const CATALOGUE: &[&Provider] =
    &[GITHUB, SHOPIFY, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE, ZOOM];
