//! Checks how each provider reads any headers, against what its description says.

use webhook_verify::Delivery;

use crate::{
    oracle::{providers, read},
    sample::delivery,
};

/// # Panics
/// Panics if headers are accepted that the provider does not send, or refused although they have
/// the described form.
pub fn check(input: &[u8]) {
    let (headers, body) = delivery(input);
    let Ok(delivery) = Delivery::new(&headers, body) else { return };
    for provider in providers() {
        assert_eq!(
            provider.parse(delivery).is_ok(),
            read(provider, &headers).is_some(),
            "{provider:?}"
        );
    }
}
