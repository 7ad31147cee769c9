//! Pinwheel: payroll events. `X-Pinwheel-Signature: v2=<lower-case hex>`, or `v1=`, and
//! `X-Timestamp: <Unix seconds>`.
//!
//! - v2: HMAC-SHA256 over `v2:<timestamp>:<raw body>`.
//! - v1: HMAC-SHA256 over `v1:<timestamp>:<compact JSON of the body's payload>`. Compact JSON is
//!   Python's `json.dumps(payload, separators=(",", ":"), ensure_ascii=False)`, so the body that is
//!   sent has spaces that the signed text does not have. `event`, `webhook_id` and the UUID header
//!   are not signed: they are passed on, marked as unsigned, and never identify an event.
//!
//! `x-pinwheel-webhook-id` is ignored: it is the id of the registration, the same for all events.

use std::time::Duration;

use crate::{
    description::{
        Body, Encoding, EventType, Facts, Form, Hash, Id, Key, Message, Piece, Provider, Scheme,
        Signature, Time, TimeSource, TimeUnit, Unsigned,
    },
    json::PythonForm,
};

#[cfg(test)]
mod tests;

/// Pinwheel, which signs a version, a time, and the body (v2) or its payload (v1).
pub const PINWHEEL: &Provider = &Provider::new("pinwheel", Key::Text, &[V1, V2]).also_sends(&[
    ("user-agent", "python-requests/2.31.0"),
    ("pinwheel-version", "2023-11-22"),
    ("x-pinwheel-webhook-id", "0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10"),
]);

const SIGNATURE: Signature = Signature {
    header: &["x-pinwheel-signature"],
    form: Form::Prefixed("v1="),
    encoding: Encoding::Hex,
    hash: Hash::Sha256,
};

/// Pinwheel does not say whether it signs a retry again, so a tolerance under 24 hours might refuse
/// honest retries. The idempotency record stops replays.
const TIME: Time = Time {
    source: TimeSource::Header(&["x-timestamp"]),
    unit: TimeUnit::Seconds,
    tolerance: Duration::from_hours(24),
};

const V1: Scheme = Scheme {
    name: "pinwheel-v1",
    documentation: "https://docs.pinwheelapi.com/public/docs/webhook-signature-verification",
    signature: SIGNATURE,
    time: Some(TIME),
    messages: &[Message {
        before: &[Piece::Text("v1:"), Piece::Timestamp, Piece::Text(":")],
        body: Body::PythonFormOfMember("payload", PythonForm::Compact),
        after: &[],
    }],
    facts: Facts {
        event_type: EventType::Unsigned(Unsigned::Member("event")),
        group: &["/account_id", "/end_user_id"],
        delivery_id: &[Unsigned::Header("x-pinwheel-webhook-uuid"), Unsigned::Member("webhook_id")],
        unsigned_members: &["event", "webhook_id"],
        ..Facts::NONE
    },
};

const V2: Scheme = Scheme {
    name: "pinwheel-v2",
    documentation: "https://docs.pinwheelapi.com/public/docs/webhook-signature-verification",
    signature: Signature { form: Form::Prefixed("v2="), ..SIGNATURE },
    time: Some(TIME),
    messages: &[Message {
        before: &[Piece::Text("v2:"), Piece::Timestamp, Piece::Text(":")],
        body: Body::Raw,
        after: &[],
    }],
    facts: Facts {
        id: Id::Signed(&["/event_id"]),
        event_type: EventType::Signed(&["/event"]),
        group: &["/payload/account_id", "/payload/end_user_id"],
        ..Facts::NONE
    },
};
