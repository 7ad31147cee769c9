//! Challenges: signed deliveries with which a provider asks whether the receiver is alive and has
//! the secret. They are answered, and nothing is written.

use std::fmt;

use crate::{
    description::Hash,
    event::MAX_NAME_BYTES,
    json::{RawValue, read_pointers},
    mac::{SecretVersion, tag},
    secret::SigningSecrets,
    verified::Verified,
};

/// The answer to a challenge: a JSON object.
#[derive(Clone, Eq, PartialEq)]
pub struct ChallengeAnswer(String);

impl ChallengeAnswer {
    /// Returns the answer's body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0
    }
}

/// Shows only the size: the sender chose the token.
impl fmt::Debug for ChallengeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChallengeAnswer({} bytes)", self.0.len())
    }
}

impl Verified<'_> {
    /// Returns the answer if the delivery is a challenge. `secrets` are those that verified it.
    #[must_use]
    pub fn challenge(&self, secrets: &SigningSecrets) -> Option<ChallengeAnswer> {
        let challenge = self.scheme().facts.challenge?;
        let values = read_pointers(self.signed(), &[challenge.kind, challenge.token]).ok()?;
        let [kind, token] = values[..] else { return None };
        if kind.and_then(RawValue::text)? != challenge.is {
            return None;
        }
        let token = token?;
        let text = token.text().filter(|text| text.len() <= MAX_NAME_BYTES)?;
        let mac = match challenge.answer_mac {
            // The answer must not double as the signature of a delivery. What a delivery signs
            // always has characters other than these.
            Some(_)
                if !text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte)) =>
            {
                return None;
            }
            Some(member) => {
                format!(",\"{member}\":\"{}\"", hex::encode(self.mac_of(&text, secrets)?))
            }
            None => String::new(),
        };
        let spelling = String::from_utf8_lossy(token.bytes());
        Some(ChallengeAnswer(format!("{{\"{}\":{spelling}{mac}}}", challenge.answer)))
    }

    /// Returns the MAC of the token under the secret that verified the delivery.
    fn mac_of(&self, token: &str, secrets: &SigningSecrets) -> Option<Vec<u8>> {
        let secret = match self.secret() {
            SecretVersion::Current => Some(&secrets.current),
            SecretVersion::Previous => secrets.previous.as_ref(),
        };
        Some(tag(Hash::Sha256, secret?, &[token.as_bytes()]))
    }
}
