//! What an operator can set.

use std::time::Duration;

use webhook_verify::{MAX_BODY_BYTES, Provider, Scheme, Tolerance};

/// 30 days.
const RETENTION: Duration = Duration::from_hours(720);

/// The settings of one provider's pipeline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How far in the past a signed timestamp may lie.
    pub tolerance: Tolerance,
    /// The provider's schemes that are accepted.
    pub schemes: Vec<&'static Scheme>,
    /// How long a record is kept, unless the event's type fixes it.
    pub retention: Duration,
    /// Largest body that is accepted, in bytes after decoding.
    pub max_body_bytes: usize,
    /// The URL that the receiver is registered under, for schemes that sign it.
    pub public_url: Option<String>,
}

impl Settings {
    /// Returns the settings that apply if an operator sets nothing.
    #[must_use]
    pub fn default_of(provider: &Provider) -> Self {
        Self {
            tolerance: Tolerance::of(provider),
            schemes: provider.schemes().iter().collect(),
            retention: RETENTION,
            max_body_bytes: MAX_BODY_BYTES,
            public_url: None,
        }
    }
}
