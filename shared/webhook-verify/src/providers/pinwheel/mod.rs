//! Pinwheel: payroll events. `X-Pinwheel-Signature: v2=<lower-case hex>`, or `v1=`, and `X-Timestamp: <Unix seconds>`.
//!
//! - v2: HMAC-SHA256 over `v2:<timestamp>:<raw body>`.
//!   Source: <https://docs.pinwheelapi.com/public/docs/webhook-signature-verification>.
//! - v1: HMAC-SHA256 over `v1:<timestamp>:<compact JSON of the body's payload>`. Compact JSON is Python's
//!   `json.dumps(payload, separators=(",", ":"), ensure_ascii=False)`, so the body that is sent has
//!   spaces that the signed text has not. `event`, `webhook_id` and the UUID header are not signed:
//!   they are passed on, marked as unsigned, and never identify an event.
//!
//! `x-pinwheel-webhook-id` is ignored: it is the id of the registration, and equal for all events.

use std::borrow::Cow;

use crate::{
    delivery::Delivery,
    error::{Malformed, VerifyError},
    event::{Event, MAX_NAME_BYTES, Retention, idempotency_key, key_of_id, key_of_signed},
    json::{PythonForm, RawValue, python_form_of_member, read_object},
    mac::{HmacSha256, verify},
    provider::Provider,
    scheme::Scheme,
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
    verified::{Timestamp, Unverified, Verified},
};

pub(crate) mod sign;

#[cfg(test)]
mod tests;

/// Pinwheel, which signs a version, a time, and the body (v2) or its payload (v1).
pub struct Pinwheel;

pub(crate) const SIGNATURE: &str = "x-pinwheel-signature";
pub(crate) const TIMESTAMP: &str = "x-timestamp";
pub(crate) const DELIVERY_ID: &str = "x-pinwheel-webhook-uuid";
pub(crate) const PAYLOAD: &str = "payload";
pub(crate) const FORM: PythonForm = PythonForm::Compact;

/// The fields of a v1 message that no signature covers.
const UNSIGNED_FIELDS: &str = "type,deliveryid,event,webhook_id";

impl Provider for Pinwheel {
    const NAME: &'static str = "pinwheel";
    const SCHEMES: &'static [Scheme] = &[Scheme::PinwheelV1, Scheme::PinwheelV2];
    const SIGNS_TIME: bool = true;

    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError> {
        let (scheme, tag) = parse_signature(delivery.header(SIGNATURE)?)?;
        let text = delivery.header(TIMESTAMP)?;
        let value = UnixSeconds::from_digits(text).ok_or(VerifyError::HeaderMalformed(TIMESTAMP))?;
        Ok(Unverified { delivery, scheme, tags: vec![tag], timestamp: Some(Timestamp { text, value }) })
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
        let (version, signed): (&[u8], Cow<'d, [u8]>) = if unverified.scheme == Scheme::PinwheelV1 {
            let payload = python_form_of_member(body, PAYLOAD, FORM).map_err(VerifyError::NoSignedText)?;
            (b"v1:", payload.into())
        } else {
            (b"v2:", body.into())
        };
        let message = [version, timestamp.text, b":", &signed];
        let proof = verify::<HmacSha256>(secrets, &unverified.tags, &message)?;
        timestamp.value.check(now, tolerance)?;
        Ok(Verified::new(unverified, proof, signed))
    }

    fn event<'v>(&self, verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
        if verified.scheme() == Scheme::PinwheelV1 { event_v1(verified) } else { event_v2(verified) }
    }
}

/// Reads `v1=` or `v2=` and 64 lower-case hexadecimal digits, as Pinwheel writes them.
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

/// Reads an event of version 2: the whole body is signed.
fn event_v2<'v>(verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
    let paths: [&[&str]; 4] = [&["event_id"], &["event"], &[PAYLOAD, "account_id"], &[PAYLOAD, "end_user_id"]];
    let [event_id, event, account, end_user] =
        read_object(verified.signed(), paths).map_err(|_| Malformed::NotAnObject)?;
    let event_id = text(event_id);
    let key = event_id.as_deref().map_or_else(|| key_of_signed(verified.scheme(), verified.signed()), key_of_id);
    let id = event_id.unwrap_or_else(|| key.clone());
    Ok(Event {
        provider: Pinwheel::NAME,
        scheme: verified.scheme(),
        secret: verified.secret(),
        signed_at: verified.signed_at(),
        group: text(account).or_else(|| text(end_user)).unwrap_or_else(|| id.clone()),
        idempotency_key: idempotency_key(Pinwheel::NAME, &key),
        id,
        event_type: event_name(text(event)),
        delivery_id: None,
        unsigned_fields: None,
        retention: Retention::Configured,
        data: verified.signed().into(),
    })
}

/// Reads an event of version 1: only the payload is signed. The body must be an object; the payload
/// need not be one.
fn event_v1<'v>(verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed> {
    let delivery = verified.unsigned_delivery();
    let [event, webhook_id] =
        read_object(delivery.body(), [&["event"], &["webhook_id"]]).map_err(|_| Malformed::NotAnObject)?;
    let (event_text, webhook_id_text) = (unsigned_text(event)?, unsigned_text(webhook_id)?);
    let [account, end_user] =
        read_object(verified.signed(), [&["account_id"], &["end_user_id"]]).unwrap_or([None, None]);
    let key = key_of_signed(verified.scheme(), verified.signed());
    let uuid = delivery.header(DELIVERY_ID).ok().and_then(|value| str::from_utf8(value).ok());
    Ok(Event {
        provider: Pinwheel::NAME,
        scheme: verified.scheme(),
        secret: verified.secret(),
        signed_at: verified.signed_at(),
        group: text(account).or_else(|| text(end_user)).unwrap_or_else(|| key.clone()),
        idempotency_key: idempotency_key(Pinwheel::NAME, &key),
        id: key,
        event_type: event_name(event_text),
        delivery_id: uuid.filter(|uuid| !uuid.is_empty()).map(str::to_owned).or(webhook_id_text),
        unsigned_fields: Some(UNSIGNED_FIELDS),
        retention: Retention::Configured,
        data: rebuilt(event, webhook_id, verified.signed()).into(),
    })
}

/// Returns the body with the signed text as its payload. Unsigned texts keep their spelling; anything
/// else becomes null.
fn rebuilt(event: Option<RawValue<'_>>, webhook_id: Option<RawValue<'_>>, payload: &[u8]) -> Vec<u8> {
    let spelling = |value: Option<RawValue<'_>>| match value {
        Some(value) if value.text().is_some() => value.bytes().to_vec(),
        Some(_) | None => b"null".to_vec(),
    };
    [b"{\"event\":", &*spelling(event), b",\"webhook_id\":", &*spelling(webhook_id), b",\"payload\":", payload, b"}"]
        .concat()
}

fn event_name(event: Option<String>) -> String {
    event.unwrap_or_else(|| "unknown".to_owned())
}

/// Returns the text of a field that no signature covers. Its length is limited, so that nobody can
/// make a captured delivery larger.
fn unsigned_text(value: Option<RawValue<'_>>) -> Result<Option<String>, Malformed> {
    let text = text(value);
    if text.as_ref().is_some_and(|text| text.len() > MAX_NAME_BYTES) {
        return Err(Malformed::UnsignedFieldTooLong);
    }
    Ok(text)
}

fn text(value: Option<RawValue<'_>>) -> Option<String> {
    value.and_then(RawValue::text).map(Cow::into_owned)
}
