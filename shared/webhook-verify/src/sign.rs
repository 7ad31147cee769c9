//! The sender's side: the headers that a provider would send with a body. For tests, samples and tools.
//!
//! Verification shares with it only the MAC and the Python form, and both are held by vectors of their own.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Header, SigningSecret, UnixSeconds,
    json::{NoPythonForm, python_form, python_form_of_member},
    mac::{HmacSha1, HmacSha256, tag},
    providers::{endgrate, pinwheel},
};

/// Pinwheel's version 2: over the raw body.
#[must_use]
pub fn pinwheel_v2(secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> [Header; 2] {
    pinwheel_headers("v2", secret, at, body)
}

/// Pinwheel's version 1: over the compact Python form of the body's `payload`.
///
/// # Errors
/// [`NoPythonForm`] where the body is not an object with a `payload`, or cannot be re-serialised.
pub fn pinwheel_v1(secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> Result<[Header; 2], NoPythonForm> {
    let mut payload = Vec::new();
    python_form_of_member(body, pinwheel::PAYLOAD, pinwheel::FORM, |piece| payload.extend_from_slice(piece))?;
    Ok(pinwheel_headers("v1", secret, at, &payload))
}

/// The header of Pinwheel's version 1 that numbers the delivery: not signed.
#[must_use]
pub fn pinwheel_delivery_id(id: &str) -> Header {
    Header::new(pinwheel::DELIVERY_ID, id)
}

/// Endgrate, for a body that travels as it was signed.
#[must_use]
pub fn endgrate(secret: &SigningSecret, body: &[u8]) -> [Header; 1] {
    [Header::new(endgrate::SIGNATURE, BASE64_STANDARD.encode(tag::<HmacSha1>(secret, &[body])))]
}

/// Endgrate, for a body whose spelling changed on the way: over its default Python form.
///
/// # Errors
/// [`NoPythonForm`] where the body cannot be re-serialised.
pub fn endgrate_python_form(secret: &SigningSecret, body: &[u8]) -> Result<[Header; 1], NoPythonForm> {
    let mut signed = Vec::new();
    python_form(body, endgrate::FORM, |piece| signed.extend_from_slice(piece))?;
    Ok(endgrate(secret, &signed))
}

fn pinwheel_headers(version: &str, secret: &SigningSecret, at: UnixSeconds, signed: &[u8]) -> [Header; 2] {
    let timestamp = at.0.to_string();
    let pieces = [version.as_bytes(), b":", timestamp.as_bytes(), b":", signed];
    let digits = hex::encode(tag::<HmacSha256>(secret, &pieces));
    [Header::new(pinwheel::SIGNATURE, format!("{version}={digits}")), Header::new(pinwheel::TIMESTAMP, timestamp)]
}
