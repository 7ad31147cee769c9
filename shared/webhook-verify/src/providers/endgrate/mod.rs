//! Endgrate: integration events. `X-Endgrate-Signature: <padded base64 of HMAC-SHA1>` under the API key.
//!
//! The MAC covers Python's `json.dumps(data)` of the parsed body. The body that is sent usually has
//! exactly these bytes, but this is not certain. So the signature is checked over the raw body and
//! over its Python form, starting with the more likely one. Many bodies have the same Python form, so
//! the text that the MAC covered is what is hashed and queued. Source: "Webhook Security" in
//! Endgrate's webhook guide. No timestamp, nonce, id or version is signed or sent: only the
//! idempotency record stops a replay.
//!
//! The body does not name its event type; its members show it. Source: the payloads in Endgrate's API
//! reference ("callbacks").

use std::{borrow::Cow, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    delivery::Delivery,
    error::{Malformed, VerifyError},
    event::{Event, Retention, idempotency_key, key_of_signed},
    json::{PythonForm, RawValue, python_form, read_object},
    mac::{HmacSha1, verify},
    provider::Provider,
    scheme::Scheme,
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
    verified::{Unverified, Verified},
};

pub(crate) mod sign;

#[cfg(test)]
mod tests;

/// Endgrate, which signs the default Python form of the body.
pub struct Endgrate;

pub(crate) const SIGNATURE: &str = "x-endgrate-signature";
pub(crate) const FORM: PythonForm = PythonForm::Default;

/// How long a configuration event is remembered. A configuration may change from A to B and back to A,
/// with equal bodies, and the last one must win. So the record lives only as long as an SQS FIFO queue
/// deduplicates (five minutes from the send), and a minute more for the send.
const CONFIGURATION_RETENTION: Duration = Duration::from_mins(6);

impl Provider for Endgrate {
    const NAME: &'static str = "endgrate";
    const SCHEMES: &'static [Scheme] = &[Scheme::Endgrate];
    const SIGNS_TIME: bool = false;

    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError> {
        let value = delivery.header(SIGNATURE)?;
        // The 20 bytes of an HMAC-SHA1 in padded base64. The engine refuses missing padding and
        // trailing bits that are not zero.
        let tag = if value.len() == 28 { BASE64_STANDARD.decode(value).ok() } else { None };
        let tag = tag.filter(|tag| tag.len() == 20).ok_or(VerifyError::HeaderMalformed(SIGNATURE))?;
        Ok(Unverified { delivery, scheme: Scheme::Endgrate, tags: vec![tag], timestamp: None })
    }

    fn verify<'d>(
        &self,
        unverified: &Unverified<'d>,
        secrets: &SigningSecrets,
        _now: UnixSeconds,
        _tolerance: Tolerance,
    ) -> Result<Verified<'d>, VerifyError> {
        let body = unverified.delivery.body();
        // Both texts are tried, since under another secret either may match. The more likely one comes
        // first, because a miss costs a MAC of the whole body.
        let raw_first = has_pythons_spaces(body);
        for is_raw in [raw_first, !raw_first] {
            let message = if is_raw {
                Cow::Borrowed(body)
            } else if let Ok(form) = python_form(body, FORM) {
                Cow::Owned(form)
            } else {
                continue;
            };
            if let Ok(proof) = verify::<HmacSha1>(secrets, &unverified.tags, &[&message]) {
                return Ok(Verified::new(unverified, proof, message));
            }
        }
        Err(VerifyError::SignatureMismatch)
    }

    fn event<'v>(&self, verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
        let paths: [&[&str]; 7] = [
            &["session_id"],
            &["pk"],
            &["error_type"],
            &["schemas"],
            &["passthrough_schemas"],
            &["endgrate", "provider"],
            &["transfer_data"],
        ];
        let [session, error_key, error_type, schemas, passthrough, chosen, transfer] =
            read_object(verified.signed(), paths).map_err(|_| Malformed::NotAnObject)?;
        let any = |members: &[Option<RawValue<'_>>]| members.iter().flatten().any(|value| !value.is_null());
        let (event_type, retention) = if any(&[error_key, error_type]) {
            ("error", Retention::Configured)
        } else if any(&[schemas, passthrough, chosen]) {
            ("configuration", Retention::Fixed(CONFIGURATION_RETENTION))
        } else if any(&[transfer]) {
            ("data", Retention::Configured)
        } else {
            ("completed", Retention::Configured)
        };
        let key = key_of_signed(verified.scheme(), verified.signed());
        Ok(Event {
            provider: Self::NAME,
            scheme: verified.scheme(),
            secret: verified.secret(),
            signed_at: None,
            group: session.and_then(RawValue::text).map_or_else(|| key.clone(), Cow::into_owned),
            idempotency_key: idempotency_key(Self::NAME, &key),
            id: key,
            event_type: event_type.to_owned(),
            delivery_id: None,
            unsigned_fields: None,
            retention,
            data: verified.signed().into(),
        })
    }
}

/// Guesses whether the raw body is what was signed: returns whether a space follows the first colon
/// after a name, as Python writes it, and `true` if there is no such colon near the start.
fn has_pythons_spaces(body: &[u8]) -> bool {
    let start = &body[..body.len().min(256)];
    start.windows(3).find(|window| window.starts_with(b"\":")).is_none_or(|window| window[2] == b' ')
}
