//! Says whether a delivery verifies and, if it does not, what would have to be different for it to verify.
//!
//! A hypothesis is a small change of one part of the delivery: its headers, its body, the secret, the URL. It fits if the changed
//! delivery verifies by the receiver's own verifier, so nothing is guessed: a MAC cannot be right by chance. All that it knows of
//! providers is in their descriptions. Two changes may be needed. Then the first is the cause, and the
//! detail names the other.
//!
//! The crate uses no clock, no I/O and no network. What it returns has no byte of a secret or of a signature. Its work is bounded:
//! at most 4,096 changed deliveries, and at most 512 MiB of bodies in all, are checked.
//!
//! ```
//! use webhook_explain::{Cause, GivenSecret, Question, explain};
//! use webhook_verify::{SigningSecret, Tolerance, UnixSeconds, catalogue::GITHUB, sign::Signer};
//!
//! let now = UnixSeconds(1_700_000_000);
//! let secret = SigningSecret::new(b"It's a Secret to Everybody".to_vec())?;
//! let headers = Signer::new(&GITHUB.schemes()[0], &secret, now).sign(b"{\"a\":1}")?;
//!
//! let explanation = explain(&Question {
//!     provider: GITHUB,
//!     headers: &headers,
//!     body: b"{\"a\": 1}",
//!     secrets: &[GivenSecret { label: "secret.txt".to_owned(), value: b"It's a Secret to Everybody".to_vec().into() }],
//!     now,
//!     tolerance: Tolerance::of(GITHUB),
//!     accepted: None,
//!     public_url: None,
//! });
//! assert_eq!(explanation.cause, Some(Cause::BodyReserialized));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod body;
mod cause;
mod change;
mod diagnosis;
mod header;
mod header_lines;
mod lenient;
mod scheme;
mod search;
mod secret;
mod time;
mod trial;
mod words;

use std::fmt;

use serde::Serialize;
use webhook_verify::{Header, Provider, Scheme, Tolerance, UnixSeconds};
use zeroize::Zeroizing;

pub use cause::Cause;
pub use header_lines::{NotHeaders, read_headers};
pub use secret::MOST_SECRETS;

/// A delivery, and what its receiver is configured with.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// Whose delivery it should be.
    pub provider: &'static Provider,
    /// As received, repeated ones included.
    pub headers: &'q [Header],
    /// As received; of a Lambda event, after its base64.
    pub body: &'q [u8],
    /// The first is the receiver's current one; others are a previous one, or guesses. [`MOST_SECRETS`] are looked at.
    pub secrets: &'q [GivenSecret],
    /// When the delivery was received.
    pub now: UnixSeconds,
    /// How far in the past a signed time may lie.
    pub tolerance: Tolerance,
    /// The provider's schemes that the receiver accepts; `None` for all.
    pub accepted: Option<&'q [&'static Scheme]>,
    /// The URL that the receiver is registered under.
    pub public_url: Option<&'q str>,
}

/// Without what a sender, a customer or a configuration may have secret in it.
impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("provider", &self.provider.name())
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

impl Question<'_> {
    pub(crate) fn accepts(&self, scheme: &Scheme) -> bool {
        self.accepted.is_none_or(|accepted| accepted.contains(&scheme))
    }
}

/// A secret as it is stored: the text itself, or a JSON object with `signing_secret`.
#[derive(Clone)]
pub struct GivenSecret {
    /// What it is called, such as a file's name. It is shown.
    pub label: String,
    /// Its bytes. They are never shown.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for GivenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenSecret({:?}, redacted)", self.label)
    }
}

/// Whether the receiver accepts a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Authentic, and an event or a challenge.
    Verified,
    /// Answered with an error.
    Refused,
}

/// What was found. Serialises as the object that `cargo webhook explain --json` prints.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the receiver accepts the delivery.
    pub verdict: Verdict,
    /// The reason of a refusal, as the log has it.
    pub reason: Option<&'static str>,
    /// What would have to be different.
    pub cause: Option<Cause>,
    /// The same in plain words.
    pub detail: String,
    /// How to mend it; empty if there is nothing to mend.
    pub fix: String,
}

impl Explanation {
    /// Returns one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts and words can always be serialised.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Says whether the delivery verifies, and why not.
#[must_use]
pub fn explain(question: &Question<'_>) -> Explanation {
    match trial::receive(question) {
        Ok(scheme) => Explanation {
            verdict: Verdict::Verified,
            reason: None,
            cause: None,
            detail: if trial::is_development(question) {
                format!(
                    "The signature is right, by the scheme {}. The secret is the public development secret, which is accepted in \
                     the emulator alone.",
                    scheme.name
                )
            } else {
                format!("The signature is right, by the scheme {}.", scheme.name)
            },
            fix: String::new(),
        },
        Err(refusal) => diagnosis::diagnose(question, &refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_debugged_without_its_contents() {
        let provider = webhook_verify::catalogue::GITHUB;
        let secret = GivenSecret { label: "a\nb".to_owned(), value: b"c0ffee".to_vec().into() };
        let question = Question {
            provider,
            headers: &[Header::new("x-token", "c0ffee")],
            body: b"c0ffee",
            secrets: &[secret],
            now: UnixSeconds(0),
            tolerance: Tolerance::of(provider),
            accepted: None,
            public_url: Some("https://c0ffee@example.com"),
        };
        let expected = format!(
            "Question {{ provider: {:?}, headers: 1, body_bytes: 6, secrets: [GivenSecret({:?}, redacted)], .. }}",
            provider.name(),
            "a\nb"
        );
        assert_eq!(format!("{question:?}"), expected);
    }
}
