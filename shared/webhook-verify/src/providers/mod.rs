//! The providers that are deployed: one folder each, and the only list of them. Everything that is
//! done for each provider is a loop over this list.

mod endgrate;
mod pinwheel;

pub use endgrate::ENDGRATE;
pub use pinwheel::PINWHEEL;

use crate::description::Provider;

/// Every provider, sorted by name.
pub const PROVIDERS: &[&Provider] = &[ENDGRATE, PINWHEEL];

/// Returns the provider with this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_found_by_its_name() {
        for provider in PROVIDERS {
            assert_eq!(named(provider.name()).map(Provider::name), Some(provider.name()));
        }
        assert!(named("no-such-provider").is_none());
    }
}
