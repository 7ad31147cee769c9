//! Square: `x-square-hmacsha256-signature: <base64>` over the registered URL and the body.
//!
//! The URL must equal that of the subscription, character for character: set `PUBLIC_URL` to it.
//! Square signs no time, so only the idempotency record stops a replay. Everything that is read is
//! signed.

use crate::description::{
    Body, Encoding, EventType, Facts, Form, Hash, Id, Key, Message, Piece, Provider, Scheme,
    Signature,
};

/// Square.
pub const SQUARE: &Provider = &Provider::new(
    "square",
    Key::Text,
    &[Scheme {
        name: "square",
        documentation: "https://developer.squareup.com/docs/webhooks/step3validate",
        signature: Signature {
            header: &["x-square-hmacsha256-signature"],
            form: Form::Bare,
            encoding: Encoding::Base64,
            hash: Hash::Sha256,
        },
        time: None,
        messages: &[Message { before: &[Piece::PublicUrl], body: Body::Raw, after: &[] }],
        facts: Facts {
            id: Id::Signed(&["/event_id"]),
            event_type: EventType::Signed(&["/type"]),
            group: &["/merchant_id"],
            ..Facts::NONE
        },
    }],
);
