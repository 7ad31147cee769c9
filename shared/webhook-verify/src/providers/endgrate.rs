//! Endgrate: integration events. `X-Endgrate-Signature: <padded base64 of HMAC-SHA1>` under the API key.
//!
//! The MAC covers Python's `json.dumps(data)` of the parsed body. Mostly the wire carries just these bytes, but not surely:
//! so it is tried over the raw bytes and over the Python form of the body, first over the likelier of the two. Many bodies
//! share one Python form, so what is hashed and queued is the text that the MAC covered, whichever it was.
//! Source: "Webhook Security" in Endgrate's webhook guide. No timestamp, nonce, id or version is signed or sent: a replay is
//! caught by the idempotency record alone.
//!
//! A body names no type; its members tell. Source: the payloads in Endgrate's API reference ("callbacks").

use std::{borrow::Cow, cell::Cell, time::Duration};

use crate::{
    Delivery, Event, Malformed, Provider, Retention, Scheme, SigningSecrets, Tolerance, UnixSeconds, Unverified,
    Verified, VerifyError,
    event::key_of_signed,
    json::{PythonForm, RawValue, python_form, read_object},
    mac::{HmacSha1, pieces, verify},
    verified::Signed,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::Mac as _;

/// Signs the body's default Python form.
pub struct Endgrate;

pub(crate) const SIGNATURE: &str = "x-endgrate-signature";
pub(crate) const FORM: PythonForm = PythonForm::Default;

/// Life of a configuration event's record. Configurations may go A, B, A with equal bodies, and the last must win: so no
/// longer than an SQS FIFO queue deduplicates by itself (five minutes from the send), and a minute for the send.
const CONFIGURATION_RETENTION: Duration = Duration::from_mins(6);

impl Provider for Endgrate {
    const NAME: &'static str = "endgrate";
    const SIGNS_TIME: bool = false;
    const SCHEMES: &'static [Scheme] = &[Scheme::Endgrate];

    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError> {
        let value = delivery.header(SIGNATURE)?;
        // 20 bytes of HMAC-SHA1 in padded base64. The engine refuses missing padding and stray trailing bits.
        let tag = if value.len() == 28 { BASE64_STANDARD.decode(value).ok() } else { None };
        let tag = tag.filter(|tag| tag.len() == 20).ok_or(VerifyError::HeaderMalformed(SIGNATURE))?;
        Ok(Unverified { delivery, scheme: Scheme::Endgrate, tag, timestamp: None })
    }

    fn verify<'d>(
        &self,
        unverified: &Unverified<'d>,
        secrets: &SigningSecrets,
        _now: UnixSeconds,
        _tolerance: Tolerance,
    ) -> Result<Verified<'d>, VerifyError> {
        let body = unverified.delivery.body();
        let raw = || {
            let proof = verify(secrets, &unverified.tag, pieces::<HmacSha1>(&[body]))?;
            Ok(Verified::new(unverified, proof, Signed::Body))
        };
        let respelled = || {
            let length = Cell::new(0);
            let feed = |mac: &mut HmacSha1| {
                length.set(0);
                let sink = |piece: &[u8]| {
                    mac.update(piece);
                    length.update(|length| length + piece.len());
                };
                // A body without a Python form is a mismatch like any other: under another secret its raw bytes may match.
                python_form(body, FORM, sink).map_err(|_| VerifyError::SignatureMismatch)
            };
            let proof = verify(secrets, &unverified.tag, feed)?;
            Ok(Verified::new(unverified, proof, Signed::respelled(respell, length.get())))
        };
        // Both are tried; the likelier one first, because a miss costs a MAC of the whole body.
        if has_pythons_spaces(body) { raw().or_else(|_| respelled()) } else { respelled().or_else(|_| raw()) }
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
            read_object(verified.signed(), paths).map_err(|_| Malformed)?;
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
        let key = key_of_signed(verified);
        Ok(Event {
            provider: Self::NAME,
            scheme: verified.scheme(),
            secret: verified.secret(),
            signed_at: None,
            group: session.and_then(RawValue::text).map_or_else(|| key.clone(), Cow::into_owned),
            idempotency_key: format!("{}#{key}", Self::NAME),
            id: key,
            event_type: event_type.to_owned(),
            delivery_id: None,
            unsigned_fields: None,
            retention,
            data: verified.signed().into(),
        })
    }
}

fn respell(body: &[u8], text: &mut Vec<u8>) {
    python_form(body, FORM, |piece| text.extend_from_slice(piece)).expect("the MAC covered the form of this very body");
}

/// Whether the first colon after a name has a space after it, as Python writes it; also where there is no such colon near
/// the start. A guess at which text was signed.
fn has_pythons_spaces(body: &[u8]) -> bool {
    let start = &body[..body.len().min(256)];
    start.windows(3).find(|window| window.starts_with(b"\":")).is_none_or(|window| window[2] == b' ')
}

#[cfg(test)]
mod tests;
