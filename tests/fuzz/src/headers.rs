//! Each provider's reading of any headers against the form that its documentation gives.

use base64::{Engine, prelude::BASE64_STANDARD};
use webhook_verify::{
    Delivery, Provider,
    providers::{Endgrate, Pinwheel},
};

use crate::sample::{delivery, only};

/// # Panics
/// Headers are taken that no provider sends, or refused though they have the form.
pub fn check(input: &[u8]) {
    let (headers, body) = delivery(input);
    let Ok(delivery) = Delivery::new(&headers, body) else { return };

    let signature = only(&headers, "x-pinwheel-signature");
    let timestamp = only(&headers, "x-timestamp");
    let expected = signature.is_some_and(is_versioned_hex) && timestamp.is_some_and(is_timestamp);
    assert_eq!(Pinwheel.parse(delivery).is_ok(), expected);

    let expected = only(&headers, "x-endgrate-signature").is_some_and(is_base64_of_20_bytes);
    assert_eq!(Endgrate.parse(delivery).is_ok(), expected);
}

fn is_versioned_hex(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"v1=").or_else(|| value.strip_prefix(b"v2="));
    digits.is_some_and(|digits| digits.len() == 64 && digits.iter().all(|digit| b"0123456789abcdef".contains(digit)))
}

fn is_timestamp(value: &[u8]) -> bool {
    let significant = value.iter().skip_while(|digit| **digit == b'0').copied().collect::<Vec<u8>>();
    let longest = i64::MAX.to_string();
    let fits = significant.len() < longest.len()
        || (significant.len() == longest.len() && significant.as_slice() <= longest.as_bytes());
    !value.is_empty() && value.iter().all(u8::is_ascii_digit) && fits
}

/// There is one spelling of each tag: so decoding and encoding gives the value again.
fn is_base64_of_20_bytes(value: &[u8]) -> bool {
    let tag = BASE64_STANDARD.decode(value).ok().filter(|tag| tag.len() == 20);
    tag.is_some_and(|tag| BASE64_STANDARD.encode(tag).as_bytes() == value)
}
