//! What a scheme signs, in words.

use webhook_verify::{
    Scheme,
    description::{Body, Hash, Message, Piece},
};

/// Returns the hash and the signed message, such as `HMAC-SHA256 of the time + "." + the body`.
pub(crate) fn what_is_signed(scheme: &Scheme) -> String {
    let hash = match scheme.signature.hash {
        Hash::Sha1 => "SHA1",
        Hash::Sha256 => "SHA256",
        Hash::Sha512 => "SHA512",
    };
    let messages: Vec<_> = scheme.messages.iter().map(message).collect();
    format!("HMAC-{hash} of {}", messages.join(" or "))
}

fn message(message: &Message) -> String {
    let body = match message.body {
        Body::Raw => "the body".to_owned(),
        Body::PythonForm(_) => "the body's Python form".to_owned(),
        Body::PythonFormOfMember(name, _) => format!("the Python form of the body's `{name}`"),
    };
    let before = message.before.iter().map(piece);
    let pieces: Vec<_> = before.chain([body]).chain(message.after.iter().map(piece)).collect();
    pieces.join(" + ")
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => format!("\"{text}\""),
        Piece::Timestamp => "the time".to_owned(),
        Piece::Header(names) => names[0].to_owned(),
        Piece::PublicUrl => "the URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use webhook_verify::{
        catalogue::{SQUARE, STANDARD_WEBHOOKS},
        json::PythonForm,
    };

    use super::*;

    #[test]
    fn the_signed_message_is_named_piece_by_piece() {
        let member = Message {
            body: Body::PythonFormOfMember("data", PythonForm::Compact),
            ..Message::RAW_BODY
        };
        let form = Message { body: Body::PythonForm(PythonForm::Default), ..Message::RAW_BODY };
        assert_eq!(
            what_is_signed(&STANDARD_WEBHOOKS.schemes()[0]),
            "HMAC-SHA256 of webhook-id + \".\" + the time + \".\" + the body"
        );
        assert_eq!(what_is_signed(&SQUARE.schemes()[0]), "HMAC-SHA256 of the URL + the body");
        assert_eq!(message(&member), "the Python form of the body's `data`");
        assert_eq!(message(&form), "the body's Python form");
    }
}
