//! Endgrate: integration events. `X-Endgrate-Signature: <padded base64 of HMAC-SHA1>` under the API
//! key.
//!
//! The MAC covers Python's `json.dumps(data)` of the parsed body. The body that is sent usually has
//! exactly these bytes, but this is not certain. So the signature is checked over the raw body and
//! over its Python form. Many bodies have the same Python form, so the text that the MAC covered is
//! what is hashed and queued. No timestamp, nonce, id or version is signed or sent: only the
//! idempotency record stops a replay.
//!
//! The body does not name its event type; its members show it. Source: the payloads in Endgrate's
//! API reference ("callbacks").

use std::time::Duration;

use crate::{
    description::{
        Body, Encoding, EventType, Facts, Form, Hash, Key, Message, Provider, Scheme, Signature,
    },
    event::{EventKind, Retention},
    json::{NotAnObject, PythonForm, RawValue, read_object},
};

#[cfg(test)]
mod tests;

/// Endgrate, which signs the default Python form of the body.
pub const ENDGRATE: &Provider = &Provider::new(
    "endgrate",
    Key::Text,
    &[Scheme {
        name: "endgrate",
        documentation: "https://documentation.endgrate.com/docs/webhooks",
        signature: Signature {
            header: &["x-endgrate-signature"],
            form: Form::Bare,
            encoding: Encoding::Base64,
            hash: Hash::Sha1,
        },
        time: None,
        messages: &[
            Message::RAW_BODY,
            Message { before: &[], body: Body::PythonForm(PythonForm::Default), after: &[] },
        ],
        facts: Facts {
            event_type: EventType::Derived(event_kind),
            group: &["/session_id"],
            ..Facts::NONE
        },
    }],
)
.also_sends(&[("user-agent", "python-requests/2.31.0")]);

/// How long a configuration event is remembered. A configuration may change from A to B and back to
/// A, with the same body as before. The second A must win, and must not be dropped as a duplicate,
/// so the record lives only as long as an SQS FIFO queue deduplicates (five minutes from the send),
/// plus a minute for the send.
const CONFIGURATION_RETENTION: Duration = Duration::from_mins(6);

/// Derives the event's type from the members that are present and not null.
fn event_kind(body: &[u8]) -> Result<EventKind, NotAnObject> {
    let paths: [&[&str]; 6] = [
        &["pk"],
        &["error_type"],
        &["schemas"],
        &["passthrough_schemas"],
        &["endgrate", "provider"],
        &["transfer_data"],
    ];
    let [error_key, error_type, schemas, passthrough, chosen, transfer] = read_object(body, paths)?;
    let any =
        |members: &[Option<RawValue<'_>>]| members.iter().flatten().any(|value| !value.is_null());
    let (name, retention) = if any(&[error_key, error_type]) {
        ("error", Retention::Configured)
    } else if any(&[schemas, passthrough, chosen]) {
        ("configuration", Retention::Fixed(CONFIGURATION_RETENTION))
    } else if any(&[transfer]) {
        ("data", Retention::Configured)
    } else {
        ("completed", Retention::Configured)
    };
    Ok(EventKind { name, retention })
}
