//! Standard Webhooks: `webhook-signature: v1,<base64>` (several, separated by spaces) over
//! `<id>.<time>.<body>`. The customers of Svix send the same in headers named `svix-*`.
//!
//! The tolerance is that of the reference libraries. The id is sent in a header, and is signed.
//! Everything that is read is signed.

use std::time::Duration;

use crate::description::{
    Body, Encoding, EventType, Facts, Form, Hash, HeaderNames, Id, Key, Message, Piece, Provider,
    Scheme, Signature, Time, TimeSource, TimeUnit,
};

const ID: HeaderNames = &["webhook-id", "svix-id"];

/// Standard Webhooks.
pub const STANDARD_WEBHOOKS: &Provider = &Provider::new(
    "standard-webhooks",
    Key::Base64AfterPrefix("whsec_"),
    &[Scheme {
        name: "standard-webhooks",
        documentation: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
        signature: Signature {
            header: &["webhook-signature", "svix-signature"],
            form: Form::Labelled { separator: ' ', assign: ',', label: "v1" },
            encoding: Encoding::Base64,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Header(&["webhook-timestamp", "svix-timestamp"]),
            unit: TimeUnit::Seconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Header(ID), Piece::Text("."), Piece::Timestamp, Piece::Text(".")],
            body: Body::Raw,
            after: &[],
        }],
        facts: Facts {
            id: Id::SignedHeader(ID),
            event_type: EventType::Signed(&["/type"]),
            ..Facts::NONE
        },
    }],
);
