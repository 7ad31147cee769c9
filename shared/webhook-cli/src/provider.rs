//! The providers as the command line names them, and what a developer signs with.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use webhook_ingest::DEVELOPMENT_SECRET;
use webhook_verify::{
    Provider,
    catalogue::CATALOGUE,
    providers::{self, PROVIDERS},
};

/// Returns the development secret, written as the provider writes its secrets.
#[must_use]
pub fn development_secret(provider: &Provider) -> String {
    provider.key().write(DEVELOPMENT_SECRET)
}

/// Returns the URL of the samples' receiver, for providers that sign the URL.
#[must_use]
pub fn development_url(provider: &Provider) -> String {
    format!("https://example.com/webhooks/{}", provider.name())
}

/// Reads the name of a provider. The help lists the names.
pub(crate) fn provider_name() -> impl TypedValueParser<Value = &'static Provider> {
    PossibleValuesParser::new(PROVIDERS.iter().map(|provider| provider.name()))
        .map(|name| providers::named(&name).expect("a possible value is the name of a provider"))
}

/// Reads the name of a provider or of a scheme of the catalogue, for commands that need no deployed
/// provider.
pub(crate) fn described_name() -> impl TypedValueParser<Value = &'static Provider> {
    let in_catalogue =
        CATALOGUE.iter().copied().filter(|entry| providers::named(entry.name()).is_none());
    let all: Vec<_> = PROVIDERS.iter().copied().chain(in_catalogue).collect();
    PossibleValuesParser::new(all.iter().map(|provider| provider.name())).map(move |name| {
        *all.iter().find(|provider| provider.name() == name).expect("a possible value is a name")
    })
}

/// Returns a help text with a provider's name in place of `{provider}`, so that examples can be run
/// as they are.
pub(crate) fn with_example_provider(help: &str) -> String {
    help.replace("{provider}", PROVIDERS[0].name())
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{GITHUB, STANDARD_WEBHOOKS};

    use super::*;

    #[test]
    fn the_development_secret_is_spelled_as_the_provider_spells_secrets() {
        assert_eq!(development_secret(GITHUB), "development-secret-for-local-use-only");
        assert_eq!(
            development_secret(STANDARD_WEBHOOKS),
            "whsec_ZGV2ZWxvcG1lbnQtc2VjcmV0LWZvci1sb2NhbC11c2Utb25seQ=="
        );
    }

    #[test]
    fn examples_name_a_provider_that_is_deployed() {
        let name = PROVIDERS[0].name();
        assert_eq!(
            with_example_provider("sign {provider} /{provider}"),
            format!("sign {name} /{name}")
        );
    }
}
