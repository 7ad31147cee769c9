//! Zoom: `x-zm-signature: v0=<hex>` over `v0:<time>:<body>`, and `x-zm-request-timestamp`.
//!
//! The scheme is Slack's, and so is the tolerance. Zoom signs no id: two deliveries with equal
//! bodies are one event. Everything that is read is signed.

use std::time::Duration;

use crate::{
    catalogue::SLACK,
    description::{
        Challenge, EventType, Facts, Key, Provider, Scheme, Signature, Time, TimeSource, TimeUnit,
    },
};

/// Zoom.
pub const ZOOM: &Provider = &Provider::new("zoom", Key::Text, &[SCHEME]);

const SCHEME: Scheme = Scheme {
    name: "zoom",
    documentation: "https://developers.zoom.us/docs/api/webhooks/",
    signature: Signature { header: &["x-zm-signature"], ..SLACK.schemes()[0].signature },
    time: Some(Time {
        source: TimeSource::Header(&["x-zm-request-timestamp"]),
        unit: TimeUnit::Seconds,
        tolerance: Duration::from_mins(5),
    }),
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
    ..SLACK.schemes()[0]
};
