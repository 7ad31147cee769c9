//! Schemes that are not in the catalogue, to show that descriptions can express them.

use std::time::Duration;

use crate::{
    catalogue::SHOPIFY,
    description::{
        Body, Encoding, EventType, Facts, Form, Hash, Id, Key, Message, Piece, Provider, Scheme,
        Signature, Time, TimeSource, TimeUnit,
    },
    json::PythonForm,
};

/// LINE signs as Shopify does, under a header of its own.
pub(crate) const LINE: &Provider = &Provider::new("line", Key::Text, &[LINE_SCHEME]);

const LINE_SCHEME: Scheme = Scheme {
    name: "line",
    documentation: "https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
    signature: Signature { header: &["x-line-signature"], ..SHOPIFY.schemes()[0].signature },
    facts: Facts { group: &["/destination"], ..Facts::NONE },
    ..SHOPIFY.schemes()[0]
};

/// Paddle signs as Stripe does, with other separators and labels.
pub(crate) const PADDLE: &Provider = &Provider::new(
    "paddle",
    Key::Text,
    &[Scheme {
        name: "paddle",
        documentation: "https://developer.paddle.com/webhooks/signature-verification",
        signature: Signature {
            header: &["paddle-signature"],
            form: Form::Labelled { separator: ';', assign: '=', label: "h1" },
            encoding: Encoding::Hex,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Label("ts"),
            unit: TimeUnit::Seconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Timestamp, Piece::Text(":")],
            body: Body::Raw,
            after: &[],
        }],
        facts: Facts {
            id: Id::Signed(&["/event_id"]),
            event_type: EventType::Signed(&["/event_type"]),
            ..Facts::NONE
        },
    }],
);

/// `HubSpot` signs the method and the URL before the body, and a time in milliseconds after it.
pub(crate) const HUBSPOT: &Provider = &Provider::new(
    "hubspot",
    Key::Text,
    &[Scheme {
        name: "hubspot-v3",
        documentation: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
        signature: Signature {
            header: &["x-hubspot-signature-v3"],
            form: Form::Bare,
            encoding: Encoding::Base64,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Header(&["x-hubspot-request-timestamp"]),
            unit: TimeUnit::Milliseconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Text("POST"), Piece::PublicUrl],
            body: Body::Raw,
            after: &[Piece::Timestamp],
        }],
        facts: Facts::NONE,
    }],
);

/// An invented scheme with everything that no other scheme here has: it signs the body or its
/// compact form and then a header, with SHA-512, base64 for URLs, and a labelled time in
/// milliseconds.
pub(crate) const RARE: &Provider = &Provider::new(
    "rare",
    Key::Hex,
    &[Scheme {
        name: "rare",
        documentation: "",
        signature: Signature {
            header: &["x-rare-signature"],
            form: Form::Labelled { separator: ' ', assign: ':', label: "sha512" },
            encoding: Encoding::Base64Url,
            hash: Hash::Sha512,
        },
        time: Some(Time {
            source: TimeSource::Label("ms"),
            unit: TimeUnit::Milliseconds,
            tolerance: Duration::from_hours(1),
        }),
        messages: &[
            Message { before: &[Piece::Timestamp], body: Body::Raw, after: AFTER },
            Message {
                before: &[Piece::Timestamp],
                body: Body::PythonForm(PythonForm::Compact),
                after: AFTER,
            },
        ],
        facts: Facts { id: Id::SignedHeader(&["x-rare-id"]), ..Facts::NONE },
    }],
);

const AFTER: &[Piece] = &[Piece::Text("|"), Piece::Header(&["x-rare-id"])];
