//! The second step: checks the MAC, and then the clock.

use std::borrow::Cow;

use crate::{
    delivery::Delivery,
    description::{Body, Message, Piece},
    error::VerifyError,
    json::{NoPythonForm, python_form, python_form_of_member},
    mac::{Proof, verify},
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
    verified::{Unverified, Verified},
};

impl<'d> Unverified<'d> {
    /// Checks the MAC and then the clock: before the MAC is verified, anyone may have written the
    /// time. `public_url` is the URL that the receiver is registered under. Without it, a scheme
    /// that signs the URL refuses everything: a signature over the body alone must not pass.
    ///
    /// # Errors
    /// [`VerifyError::SignatureMismatch`], [`VerifyError::NoSignedText`], or a time outside
    /// `tolerance`.
    pub fn verify(
        &self,
        secrets: &SigningSecrets,
        now: UnixSeconds,
        tolerance: Tolerance,
        public_url: Option<&str>,
    ) -> Result<Verified<'d>, VerifyError> {
        let (proof, signed) = self.prove(secrets, public_url.filter(|url| !url.is_empty()))?;
        if let Some(timestamp) = self.timestamp {
            timestamp.value.check(now, tolerance)?;
        }
        Ok(Verified::new(self, proof, signed))
    }

    fn prove(
        &self,
        secrets: &SigningSecrets,
        public_url: Option<&str>,
    ) -> Result<(Proof, Cow<'d, [u8]>), VerifyError> {
        if let [message] = self.scheme.messages {
            let signed =
                signed(message, self.delivery.body()).map_err(VerifyError::NoSignedText)?;
            return Ok((self.check(message, &signed, secrets, public_url)?, signed));
        }
        for message in self.likely_first() {
            let Ok(signed) = signed(message, self.delivery.body()) else { continue };
            if let Ok(proof) = self.check(message, &signed, secrets, public_url) {
                return Ok((proof, signed));
            }
        }
        Err(VerifyError::SignatureMismatch)
    }

    /// Returns all messages, the most likely first, because each miss costs a MAC over the whole
    /// body. Descriptions list them in the order for a body that Python wrote; other bodies are
    /// tried in the reverse order.
    fn likely_first(&self) -> Vec<&'static Message> {
        let mut messages: Vec<_> = self.scheme.messages.iter().collect();
        if !has_pythons_spaces(self.delivery.body()) {
            messages.reverse();
        }
        messages
    }

    fn check(
        &self,
        message: &Message,
        signed: &[u8],
        secrets: &SigningSecrets,
        public_url: Option<&str>,
    ) -> Result<Proof, VerifyError> {
        let timestamp = self.timestamp.map(|timestamp| timestamp.text);
        let pieces =
            pieces(message, signed, &Pieces { delivery: self.delivery, timestamp, public_url })?;
        verify(self.scheme.signature.hash, secrets, &self.tags, &pieces)
    }
}

/// The parts of a delivery and of the configuration that the pieces of a message come from.
pub(crate) struct Pieces<'p> {
    pub(crate) delivery: Delivery<'p>,
    pub(crate) timestamp: Option<&'p [u8]>,
    pub(crate) public_url: Option<&'p str>,
}

/// Returns the part of the body that a message signs, in the form that is signed.
pub(crate) fn signed<'d>(message: &Message, body: &'d [u8]) -> Result<Cow<'d, [u8]>, NoPythonForm> {
    match message.body {
        Body::Raw => Ok(body.into()),
        Body::PythonForm(form) => python_form(body, form).map(Cow::Owned),
        Body::PythonFormOfMember(name, form) => {
            python_form_of_member(body, name, form).map(Cow::Owned)
        }
    }
}

/// Returns the whole signed message, in pieces.
pub(crate) fn pieces<'p>(
    message: &Message,
    signed: &'p [u8],
    from: &Pieces<'p>,
) -> Result<Vec<&'p [u8]>, VerifyError> {
    let piece = |piece: &Piece| match *piece {
        Piece::Text(text) => Ok(text.as_bytes()),
        // If a message has a time, its scheme has one, and `parse` has read it.
        Piece::Timestamp => Ok(from.timestamp.unwrap_or_default()),
        Piece::Header(names) => from.delivery.header(names).map(|(_, value)| value),
        Piece::PublicUrl => {
            from.public_url.map(str::as_bytes).ok_or(VerifyError::SignatureMismatch)
        }
    };
    let before = message.before.iter().map(piece);
    before.chain([Ok(signed)]).chain(message.after.iter().map(piece)).collect()
}

/// Returns whether the body looks as Python wrote it, so that the raw body was probably signed: a
/// space follows the first colon after a name, or the start of the body has no such colon.
fn has_pythons_spaces(body: &[u8]) -> bool {
    let start = &body[..body.len().min(256)];
    start
        .windows(3)
        .find(|window| window.starts_with(b"\":"))
        .is_none_or(|window| window[2] == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::tests::schemes::RARE, sign::Signer};

    /// The second message of the scheme signs the Python form of the body.
    #[test]
    fn a_body_without_pythons_spaces_is_tried_in_the_reverse_order() {
        let scheme = &RARE.schemes()[0];
        let secret = RARE.key().read(&RARE.key().write("s3cret")).expect("not empty");
        for (body, expected) in [(r#"{"a": 1}"#, [0, 1]), (r#"{"a":1}"#, [1, 0])] {
            let signer = Signer::new(scheme, &secret, UnixSeconds(0));
            let headers = signer.sign(body.as_bytes()).expect("the body can be signed");
            let delivery = Delivery::new(&headers, body.as_bytes()).expect("small");
            let unverified = RARE.parse(delivery).expect("well formed");
            let order: Vec<_> = unverified
                .likely_first()
                .into_iter()
                .map(|tried| {
                    scheme.messages.iter().position(|message| std::ptr::eq(message, tried))
                })
                .collect();
            assert_eq!(order, expected.map(Some), "{body}");
        }
    }

    #[test]
    fn the_byte_after_the_first_colon_decides_what_is_tried_first() {
        let late = format!("[\"{}\", {{\"a\":1}}]", "x".repeat(246));
        for (body, expected) in [
            (r#"{"a": 1}"#, true),
            (r#"{"a":1,"b": 2}"#, false),
            (r#"{"a:b": {"c":1}}"#, true),
            (r#"{"a" : 1}"#, true),
            (r#"{"a":"#, true),
            ("[1,2]", true),
            ("", true),
            (&late, true),
            (&late[1..], false),
        ] {
            assert_eq!(has_pythons_spaces(body.as_bytes()), expected, "{body}");
        }
    }
}
