//! The body: its signed part, its spelling, and bodies that are not events.

use std::ops::Range;

use super::{AT, ID, Suite};
use crate::{
    description::Scheme,
    error::{Malformed, VerifyError},
    sign::malformed_body,
    suite::{Answer, Attempt, Identity},
};

impl Suite {
    /// Checks that each byte of the signed part of the body matters.
    pub(super) fn body(&mut self, good: &Attempt, identity: &Identity) {
        let signed = signed_range(self.scheme, &good.body);
        for index in 0..good.body.len() {
            let mut changed = good.clone();
            changed.body[index] ^= 1;
            match self.receive(&changed) {
                Answer::Refused(VerifyError::SignatureMismatch | VerifyError::NoSignedText(_)) => {}
                Answer::Accepted { identity: other, .. }
                    if !signed.contains(&index) && other == *identity => {}
                Answer::Accepted { .. } | Answer::Refused(_) | Answer::Malformed(_) => {
                    self.report("a changed byte of the body is not a mismatch");
                }
            }
        }
        let text = String::from_utf8_lossy(&good.body).into_owned();
        for other in [format!("{text} "), format!(" {text}"), text.replace(": ", ":")] {
            let respelled = Attempt { body: other.into_bytes(), ..good.clone() };
            if self.respelled || self.scheme.signed_member().is_some() {
                if self.identity(&respelled).as_ref() != Some(identity) {
                    self.report(
                        "a respelled body is a different event although its Python form is signed",
                    );
                }
            } else if self.has_form && self.identity(&respelled).as_ref() == Some(identity) {
                // The body is its own Python form.
            } else {
                self.expect_mismatch(&respelled, "a respelled body is not a mismatch");
            }
        }
        for other in ["", "{}", "[]", &text[1..], &text[..text.len() - 1], &format!("{text}{text}")]
        {
            let replaced = Attempt { body: other.as_bytes().to_vec(), ..good.clone() };
            self.expect_refused(&replaced, "a different body is accepted");
        }
    }

    /// Checks that a signed body that is not an object is not an event.
    pub(super) fn not_an_object(&mut self, good: &Attempt) {
        for body in ["[]", "null", "\"text\"", "7"] {
            if self.scheme.signed_member().is_some() {
                let attempt = Attempt { body: body.as_bytes().to_vec(), ..good.clone() };
                self.expect_refused(&attempt, "a body without the signed member is accepted");
            } else {
                let attempt = self.attempt(body, AT, ID);
                let malformed = Answer::Malformed(Malformed::NotAnObject);
                self.expect(
                    &attempt,
                    &malformed,
                    "a signed body that is not an object is not malformed",
                );
            }
        }
    }

    /// Checks the body that a deployment is tested with: it queues nothing, and its answer shows
    /// that the secret is right.
    pub(super) fn malformed_body(&mut self) {
        let Some(body) = malformed_body(self.scheme) else { return };
        let attempt = self.attempt(&body, AT, ID);
        let expected = if self.scheme.signed_member().is_some() {
            Malformed::UnsignedFieldTooLong
        } else {
            Malformed::NotAnObject
        };
        self.expect(
            &attempt,
            &Answer::Malformed(expected),
            "a malformed body is not answered as malformed",
        );
    }
}

/// Returns the range of the signed text in an example body.
pub(super) fn signed_range(scheme: &Scheme, body: &[u8]) -> Range<usize> {
    let Some(member) = scheme.signed_member() else { return 0..body.len() };
    let name = format!("\"{member}\": ");
    let start =
        str::from_utf8(body).expect("text").find(&name).expect("the member is there") + name.len();
    start..body.len() - 1
}
