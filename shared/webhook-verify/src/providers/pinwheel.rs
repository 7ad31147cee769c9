//! Pinwheel: payroll events. `X-Pinwheel-Signature: v2=<lower-case hex>`, or `v1=`, and `X-Timestamp: <Unix seconds>`.
//!
//! - v2: HMAC-SHA256 over `v2:<timestamp>:<raw body>`.
//!   Source: <https://docs.pinwheelapi.com/public/docs/webhook-signature-verification>.
//! - v1: HMAC-SHA256 over `v1:<timestamp>:<compact JSON of the body's payload>`, where "compact JSON" is Python's
//!   `json.dumps(payload, separators=(",", ":"), ensure_ascii=False)`: the wire has spaces that the signed text has not.
//!   `event`, `webhook_id` and the UUID header are not signed: they are passed on, marked so, and identify nothing.
//!
//! `x-pinwheel-webhook-id` is the id of the registration, equal for all events: it is not looked at.

use std::{borrow::Cow, cell::Cell};

use crate::{
    Delivery, Event, Malformed, Provider, Retention, Scheme, SigningSecrets, Tolerance, UnixSeconds, Unverified,
    Verified, VerifyError,
    event::{key_of_id, key_of_signed},
    json::{PythonForm, RawValue, python_form_of_member, read_object},
    mac::{HmacSha256, pieces, verify},
    verified::{Signed, Timestamp},
};
use hmac::Mac as _;

/// Signs a version, a time and the body (v2) or its payload (v1).
pub struct Pinwheel;

pub(crate) const SIGNATURE: &str = "x-pinwheel-signature";
pub(crate) const TIMESTAMP: &str = "x-timestamp";
pub(crate) const DELIVERY_ID: &str = "x-pinwheel-webhook-uuid";
pub(crate) const PAYLOAD: &str = "payload";
pub(crate) const FORM: PythonForm = PythonForm::Compact;

/// What of a v1 message no signature covers.
const UNSIGNED_FIELDS: &str = "type,deliveryid,event,webhook_id";

impl Provider for Pinwheel {
    const NAME: &'static str = "pinwheel";
    const SIGNS_TIME: bool = true;
    const SCHEMES: &'static [Scheme] = &[Scheme::PinwheelV1, Scheme::PinwheelV2];

    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError> {
        let (scheme, tag) = parse_signature(delivery.header(SIGNATURE)?)?;
        let text = delivery.header(TIMESTAMP)?;
        let value = UnixSeconds::from_digits(text).ok_or(VerifyError::HeaderMalformed(TIMESTAMP))?;
        Ok(Unverified { delivery, scheme, tag, timestamp: Some(Timestamp { text, value }) })
    }

    fn verify<'d>(
        &self,
        unverified: &Unverified<'d>,
        secrets: &SigningSecrets,
        now: UnixSeconds,
        tolerance: Tolerance,
    ) -> Result<Verified<'d>, VerifyError> {
        let timestamp = unverified.timestamp.ok_or(VerifyError::HeaderMissing(TIMESTAMP))?;
        let body = unverified.delivery.body();
        let (proof, signed) = if unverified.scheme == Scheme::PinwheelV1 {
            let length = Cell::new(0);
            let feed = |mac: &mut HmacSha256| {
                pieces(&[b"v1:", timestamp.text, b":"])(mac)?;
                length.set(0);
                let sink = |piece: &[u8]| {
                    mac.update(piece);
                    length.update(|length| length + piece.len());
                };
                python_form_of_member(body, PAYLOAD, FORM, sink).map_err(VerifyError::NoSignedText)
            };
            (verify(secrets, &unverified.tag, feed)?, Signed::respelled(respell, length.get()))
        } else {
            let message: [&[u8]; 4] = [b"v2:", timestamp.text, b":", body];
            (verify(secrets, &unverified.tag, pieces::<HmacSha256>(&message))?, Signed::Body)
        };
        timestamp.value.check(now, tolerance)?;
        Ok(Verified::new(unverified, proof, signed))
    }

    fn event<'v>(&self, verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
        if verified.scheme() == Scheme::PinwheelV1 { event_v1(verified) } else { event_v2(verified) }
    }
}

fn respell(body: &[u8], text: &mut Vec<u8>) {
    python_form_of_member(body, PAYLOAD, FORM, |piece| text.extend_from_slice(piece))
        .expect("the MAC covered the form of this very body");
}

/// `v1=` or `v2=` and 64 lower-case hexadecimal digits, as Pinwheel writes them; nothing else.
fn parse_signature(value: &[u8]) -> Result<(Scheme, Vec<u8>), VerifyError> {
    let text = str::from_utf8(value).map_err(|_| VerifyError::HeaderMalformed(SIGNATURE))?;
    let (version, digits) = text.split_once('=').ok_or(VerifyError::HeaderMalformed(SIGNATURE))?;
    let scheme = match version {
        "v1" => Scheme::PinwheelV1,
        "v2" => Scheme::PinwheelV2,
        _ => return Err(VerifyError::SchemeUnknown(SIGNATURE)),
    };
    if digits.len() != 64 || digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return Err(VerifyError::HeaderMalformed(SIGNATURE));
    }
    let mut tag = vec![0; 32];
    hex::decode_to_slice(digits, &mut tag).map_err(|_| VerifyError::HeaderMalformed(SIGNATURE))?;
    Ok((scheme, tag))
}

/// All of the body is signed.
fn event_v2<'v>(verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
    let paths: [&[&str]; 4] = [&["event_id"], &["event"], &[PAYLOAD, "account_id"], &[PAYLOAD, "end_user_id"]];
    let [event_id, event, account, end_user] = read_object(verified.signed(), paths).map_err(|_| Malformed)?;
    let event_id = text(event_id);
    let key = event_id.as_deref().map_or_else(|| key_of_signed(verified), key_of_id);
    let id = event_id.unwrap_or_else(|| key.clone());
    Ok(Event {
        provider: Pinwheel::NAME,
        scheme: verified.scheme(),
        secret: verified.secret(),
        signed_at: verified.signed_at(),
        group: text(account).or_else(|| text(end_user)).unwrap_or_else(|| id.clone()),
        idempotency_key: format!("{}#{key}", Pinwheel::NAME),
        id,
        event_type: event_name(event),
        delivery_id: None,
        unsigned_fields: None,
        retention: Retention::Configured,
        data: verified.signed().into(),
    })
}

/// Only the payload is signed. A payload need not be an object for the event to count: the body is one.
fn event_v1<'v>(verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
    let delivery = verified.unsigned_delivery();
    let [event, webhook_id] = read_object(delivery.body(), [&["event"], &["webhook_id"]]).map_err(|_| Malformed)?;
    let [account, end_user] =
        read_object(verified.signed(), [&["account_id"], &["end_user_id"]]).unwrap_or([None, None]);
    let key = key_of_signed(verified);
    let uuid = delivery.header(DELIVERY_ID).ok().and_then(|value| str::from_utf8(value).ok());
    Ok(Event {
        provider: Pinwheel::NAME,
        scheme: verified.scheme(),
        secret: verified.secret(),
        signed_at: verified.signed_at(),
        group: text(account).or_else(|| text(end_user)).unwrap_or_else(|| key.clone()),
        idempotency_key: format!("{}#{key}", Pinwheel::NAME),
        id: key,
        event_type: event_name(event),
        delivery_id: uuid.filter(|uuid| !uuid.is_empty()).map(str::to_owned).or_else(|| text(webhook_id)),
        unsigned_fields: Some(UNSIGNED_FIELDS),
        retention: Retention::Configured,
        data: rebuilt(event, webhook_id, verified.signed()).into(),
    })
}

/// The body with the signed text as its payload. Texts keep their spelling; what is no text becomes null.
fn rebuilt(event: Option<RawValue<'_>>, webhook_id: Option<RawValue<'_>>, payload: &[u8]) -> Vec<u8> {
    let spelling = |value: Option<RawValue<'_>>| match value {
        Some(value) if value.text().is_some() => value.bytes().to_vec(),
        Some(_) | None => b"null".to_vec(),
    };
    [b"{\"event\":", &*spelling(event), b",\"webhook_id\":", &*spelling(webhook_id), b",\"payload\":", payload, b"}"]
        .concat()
}

fn event_name(event: Option<RawValue<'_>>) -> String {
    text(event).unwrap_or_else(|| "unknown".to_owned())
}

fn text(value: Option<RawValue<'_>>) -> Option<String> {
    value.and_then(RawValue::text).map(Cow::into_owned)
}

#[cfg(test)]
mod tests;
