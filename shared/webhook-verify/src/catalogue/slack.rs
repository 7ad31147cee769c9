//! Slack's Events API: `X-Slack-Signature: v0=<hex>` over `v0:<time>:<body>`, and
//! `X-Slack-Request-Timestamp: <Unix seconds>`.
//!
//! The tolerance is that of Slack's own libraries: 5 minutes. Everything that is read is signed.
//! Commands and interactions come as forms, which are not JSON objects and get 400.

use std::time::Duration;

use crate::description::{
    Body, Challenge, Encoding, EventType, Facts, Form, Hash, Id, Key, Message, Piece, Provider,
    Scheme, Signature, Time, TimeSource, TimeUnit,
};

/// Slack.
pub const SLACK: &Provider = &Provider::new(
    "slack",
    Key::Text,
    &[Scheme {
        name: "slack",
        documentation: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
        signature: Signature {
            header: &["x-slack-signature"],
            form: Form::Prefixed("v0="),
            encoding: Encoding::Hex,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Header(&["x-slack-request-timestamp"]),
            unit: TimeUnit::Seconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Text("v0:"), Piece::Timestamp, Piece::Text(":")],
            body: Body::Raw,
            after: &[],
        }],
        facts: Facts {
            id: Id::Signed(&["/event_id"]),
            event_type: EventType::Signed(&["/event/type", "/type"]),
            group: &["/event/channel", "/team_id"],
            challenge: Some(Challenge {
                kind: "/type",
                is: "url_verification",
                token: "/challenge",
                answer: "challenge",
                answer_mac: None,
            }),
            ..Facts::NONE
        },
    }],
);
