//! Signs as Endgrate does.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{FORM, SIGNATURE};
use crate::{
    delivery::Header,
    json::{NoPythonForm, python_form},
    mac::{HmacSha1, tag},
    secret::SigningSecret,
};

/// Returns Endgrate's header for a body that is sent exactly as it was signed.
#[must_use]
pub fn endgrate(secret: &SigningSecret, body: &[u8]) -> [Header; 1] {
    [Header::new(SIGNATURE, BASE64_STANDARD.encode(tag::<HmacSha1>(secret, &[body])))]
}

/// Returns Endgrate's header for a body that is not spelled as it was signed: over the body's
/// default Python form.
///
/// # Errors
/// [`NoPythonForm`] if the body cannot be re-serialised.
pub fn endgrate_python_form(secret: &SigningSecret, body: &[u8]) -> Result<[Header; 1], NoPythonForm> {
    Ok(endgrate(secret, &python_form(body, FORM)?))
}
