//! Says whether a delivery verifies and, if it does not, what would have to be different.
//!
//! It tries hypotheses. Each is a small change of one part of the delivery: its headers, its body,
//! the secret or the URL. A hypothesis fits if the receiver's own verifier accepts the changed
//! delivery, so nothing is guessed: a MAC cannot be right by chance. If two changes are needed, the
//! first is the cause, and the detail names the second. All that the crate knows about providers is
//! in their descriptions.
//!
//! The crate uses no clock, no I/O and no network. What it returns has no byte of a secret or of a
//! signature. Its work is bounded: it checks at most 4,096 changed deliveries, with at most 512 MiB
//! of bodies in all.
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
//!     secrets: &[GivenSecret {
//!         label: "secret.txt".to_owned(),
//!         value: b"It's a Secret to Everybody".to_vec().into(),
//!     }],
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
    /// The provider that should have sent the delivery.
    pub provider: &'static Provider,
    /// The headers as received, including repeated ones.
    pub headers: &'q [Header],
    /// The body as received. The body of a Lambda event must have been decoded from base64.
    pub body: &'q [u8],
    /// The receiver's current secret, then others to try, such as its previous one. No more than
    /// [`MOST_SECRETS`] are tried.
    pub secrets: &'q [GivenSecret],
    /// When the delivery was received.
    pub now: UnixSeconds,
    /// How old a signed time may be.
    pub tolerance: Tolerance,
    /// The provider's schemes that the receiver accepts; `None` for all.
    pub accepted: Option<&'q [&'static Scheme]>,
    /// The URL that the receiver is registered under.
    pub public_url: Option<&'q str>,
}

/// Leaves out headers, body and URL: a sender, a customer or a configuration may have put secrets
/// there.
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

/// A stored secret: the text itself, or a JSON object with `signing_secret`.
#[derive(Clone)]
pub struct GivenSecret {
    /// A name for the secret, such as its file's. It is shown.
    pub label: String,
    /// The bytes of the secret. They are never shown.
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
    /// The delivery is authentic, and is an event or a challenge.
    Verified,
    /// The receiver answers with an error.
    Refused,
}

/// Why a delivery is refused, if it is. Serialises as the object that
/// `cargo webhook explain --json` prints.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the receiver accepts the delivery.
    pub verdict: Verdict,
    /// The reason for the refusal, as in the log.
    pub reason: Option<&'static str>,
    /// What would have to be different.
    pub cause: Option<Cause>,
    /// The verdict and its cause in sentences. They are shown as they are, so they have no markup.
    pub detail: String,
    /// What to do about it; empty if the delivery verifies.
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
                    "The signature is valid (scheme {}). The secret is the public development \
                     secret, which is accepted only in the emulator.",
                    scheme.name
                )
            } else {
                format!("The signature is valid (scheme {}).", scheme.name)
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
    fn debug_of_a_question_shows_none_of_its_contents() {
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
            "Question {{ provider: {:?}, headers: 1, body_bytes: 6, \
             secrets: [GivenSecret({:?}, redacted)], .. }}",
            provider.name(),
            "a\nb"
        );
        assert_eq!(format!("{question:?}"), expected);
    }
}
