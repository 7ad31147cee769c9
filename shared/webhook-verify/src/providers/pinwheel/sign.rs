//! Signs as Pinwheel does.

use super::{DELIVERY_ID, FORM, PAYLOAD, SIGNATURE, TIMESTAMP};
use crate::{
    delivery::Header,
    json::{NoPythonForm, python_form_of_member},
    mac::{HmacSha256, tag},
    secret::SigningSecret,
    time::UnixSeconds,
};

/// Returns the headers of Pinwheel's version 2, which signs the raw body.
#[must_use]
pub fn pinwheel_v2(secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> [Header; 2] {
    headers("v2", secret, at, body)
}

/// Returns the headers of Pinwheel's version 1, which signs the compact Python form of the body's
/// `payload`.
///
/// # Errors
/// [`NoPythonForm`] if the body is not an object with a `payload`, or cannot be re-serialised.
pub fn pinwheel_v1(secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> Result<[Header; 2], NoPythonForm> {
    Ok(headers("v1", secret, at, &python_form_of_member(body, PAYLOAD, FORM)?))
}

/// Returns the header of Pinwheel's version 1 that has the delivery's id. It is not signed.
#[must_use]
pub fn pinwheel_delivery_id(id: &str) -> Header {
    Header::new(DELIVERY_ID, id)
}

fn headers(version: &str, secret: &SigningSecret, at: UnixSeconds, signed: &[u8]) -> [Header; 2] {
    let timestamp = at.0.to_string();
    let message = [version.as_bytes(), b":", timestamp.as_bytes(), b":", signed];
    let digits = hex::encode(tag::<HmacSha256>(secret, &message));
    [Header::new(SIGNATURE, format!("{version}={digits}")), Header::new(TIMESTAMP, timestamp)]
}
