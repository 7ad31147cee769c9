//! Zoom: `x-zm-signature: v0=<hex>` over `v0:<time>:<body>`, and `x-zm-request-timestamp`.
//!
//! The tolerance is Slack's, whose scheme it is. Zoom signs no id: two deliveries with
//! equal bodies are one event. Nothing that is read is unsigned.

use std::time::Duration;

use crate::description::{
    Body, Challenge, Encoding, EventType, Facts, Form, Hash, Key, Message, Piece, Provider, Scheme, Signature, Time,
    TimeSource, TimeUnit,
};

/// Zoom.
pub const ZOOM: &Provider = &Provider::new(
    "zoom",
    Key::Text,
    &[Scheme {
        name: "zoom",
        documentation: "https://developers.zoom.us/docs/api/webhooks/",
        signature: Signature {
            header: &["x-zm-signature"],
            form: Form::Prefixed("v0="),
            encoding: Encoding::Hex,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Header(&["x-zm-request-timestamp"]),
            unit: TimeUnit::Seconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Text("v0:"), Piece::Timestamp, Piece::Text(":")],
            body: Body::Raw,
            after: &[],
        }],
        facts: Facts {
            event_type: EventType::Signed(&["/event"]),
            group: &["/payload/object/uuid", "/payload/account_id"],
            challenge: Some(Challenge {
                kind: "/event",
                is: "endpoint.url_validation",
                token: "/payload/plainToken",
                answer: "plainToken",
                answer_mac: Some("encryptedToken"),
            }),
            ..Facts::NONE
        },
    }],
);
