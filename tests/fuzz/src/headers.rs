//! Each provider's reading of any headers against what its description says.

use webhook_verify::Delivery;

use crate::{
    oracle::{providers, read},
    sample::delivery,
};

/// # Panics
/// Headers are accepted that no provider sends, or refused although they have the form.
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
