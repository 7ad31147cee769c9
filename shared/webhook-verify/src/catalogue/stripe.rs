//! Stripe: `Stripe-Signature: t=<Unix seconds>,v1=<hex>` (several `v1` while a secret is rotated)
//! over `<time>.<body>`. Fintoc signs the same way, under `Fintoc-Signature`.
//!
//! The tolerance is that of Stripe's libraries. They accept any time in the future, but this crate
//! does not. The whole text of the secret is the key, `whsec_` included. Everything that is read is
//! signed.

use std::time::Duration;

use crate::description::{
    Body, Encoding, EventType, Facts, Form, Hash, Id, Key, Message, Piece, Provider, Scheme,
    Signature, Time, TimeSource, TimeUnit,
};

/// Stripe.
pub const STRIPE: &Provider = &Provider::new(
    "stripe",
    Key::Text,
    &[Scheme {
        name: "stripe",
        documentation: "https://docs.stripe.com/webhooks/signature",
        signature: Signature {
            header: &["stripe-signature"],
            form: Form::Labelled { separator: ',', assign: '=', label: "v1" },
            encoding: Encoding::Hex,
            hash: Hash::Sha256,
        },
        time: Some(Time {
            source: TimeSource::Label("t"),
            unit: TimeUnit::Seconds,
            tolerance: Duration::from_mins(5),
        }),
        messages: &[Message {
            before: &[Piece::Timestamp, Piece::Text(".")],
            body: Body::Raw,
            after: &[],
        }],
        facts: Facts {
            id: Id::Signed(&["/id"]),
            event_type: EventType::Signed(&["/type"]),
            group: &["/data/object/id"],
            ..Facts::NONE
        },
    }],
);
