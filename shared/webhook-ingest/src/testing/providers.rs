//! Invented providers that differ in what makes a difference to the pipeline. So its tests do not
//! depend on which providers are deployed.

use std::time::Duration;

use webhook_verify::{
    EventKind, Key, Provider, Retention, Scheme,
    catalogue::SLACK,
    description::{
        Body, Encoding, EventType, Facts, Form, Hash, Id, Message, Piece, Signature, Time,
        TimeSource, TimeUnit, Unsigned,
    },
    json::{NotAnObject, PythonForm, read_object},
};

/// Signs a time, and the body (`acme-v2`) or one of its members (`acme-v1`).
pub const ACME: &Provider = &Provider::new("acme", Key::Text, &[ACME_V1, ACME_V2]);

const ACME_V1: Scheme = Scheme {
    name: "acme-v1",
    signature: Signature { form: Form::Prefixed("v1="), ..ACME_V2.signature },
    messages: &[Message {
        before: &[Piece::Text("v1:"), Piece::Timestamp, Piece::Text(":")],
        body: Body::PythonFormOfMember("payload", PythonForm::Compact),
        after: &[],
    }],
    facts: Facts {
        event_type: EventType::Unsigned(Unsigned::Member("event")),
        group: &["/account_id"],
        delivery_id: &[Unsigned::Header("x-acme-delivery"), Unsigned::Member("webhook_id")],
        unsigned_members: &["event", "webhook_id"],
        ..Facts::NONE
    },
    ..ACME_V2
};

const ACME_V2: Scheme = Scheme {
    name: "acme-v2",
    documentation: "",
    signature: Signature {
        header: &["x-acme-signature"],
        form: Form::Prefixed("v2="),
        encoding: Encoding::Hex,
        hash: Hash::Sha256,
    },
    time: Some(Time {
        source: TimeSource::Header(&["x-acme-timestamp"]),
        unit: TimeUnit::Seconds,
        tolerance: Duration::from_hours(24),
    }),
    messages: &[Message {
        before: &[Piece::Text("v2:"), Piece::Timestamp, Piece::Text(":")],
        body: Body::Raw,
        after: &[],
    }],
    facts: Facts {
        id: Id::Signed(&["/event_id"]),
        event_type: EventType::Signed(&["/event"]),
        group: &["/payload/account_id"],
        challenge: SLACK.schemes()[0].facts.challenge,
        ..Facts::NONE
    },
};

/// Signs the body or its Python form, without a time or an id. Events with a `state` are remembered
/// for six minutes.
pub const BETA: &Provider = &Provider::new(
    "beta",
    Key::Text,
    &[Scheme {
        name: "beta",
        documentation: "",
        signature: Signature {
            header: &["x-beta-signature"],
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
            event_type: EventType::Derived(kind),
            group: &["/session_id"],
            ..Facts::NONE
        },
    }],
);

fn kind(body: &[u8]) -> Result<EventKind, NotAnObject> {
    let [state] = read_object(body, [&["state"]])?;
    Ok(match state {
        Some(_) => EventKind { name: "state", retention: Retention::Fixed(Duration::from_mins(6)) },
        None => EventKind { name: "data", retention: Retention::Configured },
    })
}
