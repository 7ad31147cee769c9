//! Asks the real verifier what the receiver makes of a delivery, and of changed ones.

use webhook_ingest::{DEVELOPMENT_SECRET, Fault, SecretError, StoredSecret, stored_secret_text};
use webhook_verify::{
    Delivery, Header, Malformed, Provider, Scheme, SigningSecret, SigningSecrets, VerifyError,
    json::read_object,
};
use zeroize::Zeroizing;

use crate::{GivenSecret, Question};

/// The most changed deliveries that are tried.
const MOST_TRIALS: usize = 4_096;
/// The most bytes of their bodies that are checked in all.
const MOST_BYTES: usize = 512 << 20;

/// Why the receiver refuses a delivery.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    TooLarge,
    Verify(VerifyError),
    Secret(SecretError),
    Malformed(Malformed),
}

impl Refusal {
    /// Returns the reason as in the log.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Verify(error) => error.reason(),
            Self::Secret(error) => Fault::Secret(error.clone()).reason(),
            Self::Malformed(malformed) => malformed.reason(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the body has more than 6 MiB"),
            Self::Verify(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

/// Why a delivery is refused although its MAC is right, or before its MAC is checked.
pub(crate) enum LaterRefusal {
    NotAccepted(&'static Scheme),
    Outside(Skew),
    Malformed(Malformed),
}

/// How far a signed time is from the given one.
#[derive(Clone, Copy)]
pub(crate) struct Skew {
    pub(crate) seconds: u64,
    pub(crate) is_past: bool,
}

impl LaterRefusal {
    /// Returns `None` if the MAC is wrong, or if the delivery was refused before the MAC was
    /// checked.
    pub(crate) fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::Verify(error) => Self::of_error(error),
            Refusal::Malformed(malformed) => Some(Self::Malformed(*malformed)),
            Refusal::TooLarge | Refusal::Secret(_) => None,
        }
    }

    fn of_error(error: &VerifyError) -> Option<Self> {
        match *error {
            VerifyError::SchemeNotAccepted(scheme) => Some(Self::NotAccepted(scheme)),
            VerifyError::TimestampTooOld { skew_s } => {
                Some(Self::Outside(Skew { seconds: skew_s, is_past: true }))
            }
            VerifyError::TimestampInFuture { skew_s } => {
                Some(Self::Outside(Skew { seconds: skew_s, is_past: false }))
            }
            VerifyError::HeaderMissing(_)
            | VerifyError::HeaderRepeated(_)
            | VerifyError::HeaderMalformed(_)
            | VerifyError::SchemeUnknown(_)
            | VerifyError::SignatureMismatch
            | VerifyError::NoSignedText(_) => None,
        }
    }
}

/// The signing secret that a delivery is tried with.
pub(crate) struct Secret(SigningSecrets);

impl Secret {
    pub(crate) fn new(key: SigningSecret) -> Self {
        Self(SigningSecrets::new(key, None))
    }

    /// Returns a secret of these bytes, or `None` if there are no bytes.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        SigningSecret::new(key.to_vec()).ok().map(Self::new)
    }
}

/// The parts of a delivery that may be changed.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    pub(crate) provider: &'static Provider,
    pub(crate) headers: &'p [Header],
    pub(crate) body: &'p [u8],
    pub(crate) secret: &'p Secret,
    pub(crate) public_url: Option<&'p str>,
}

/// Tries changed deliveries, up to a limit.
pub(crate) struct Trials<'q> {
    pub(crate) question: &'q Question<'q>,
    left: usize,
    bytes_left: usize,
}

/// A delivery whose MAC is right.
pub(crate) struct Authentic {
    /// Why it is refused even so, if it is.
    pub(crate) refusal: Option<LaterRefusal>,
}

impl<'q> Trials<'q> {
    pub(crate) fn new(question: &'q Question<'q>) -> Self {
        Self { question, left: MOST_TRIALS, bytes_left: MOST_BYTES }
    }

    /// Returns whether the limit is reached. Then some changes may be untried.
    pub(crate) fn are_used_up(&self) -> bool {
        self.left == 0 || self.bytes_left == 0
    }

    /// Says which limit was reached, if one was.
    pub(crate) fn cut_short(&self) -> Option<&'static str> {
        if self.bytes_left == 0 {
            Some(" The body is large, so not all of that was tried.")
        } else if self.left == 0 {
            Some(" The search ended after 4,096 changed deliveries, so not all of that was tried.")
        } else {
            None
        }
    }

    /// Verifies changed parts. Returns `None` if the MAC is wrong, or if the limit is reached.
    pub(crate) fn authentic(&mut self, parts: Parts<'_>) -> Option<Authentic> {
        // A refusal of the headers costs next to nothing, so it is not counted.
        let unverified =
            parts.provider.parse(Delivery::new(parts.headers, parts.body).ok()?).ok()?;
        if self.are_used_up() {
            return None;
        }
        self.left -= 1;
        let messages = unverified.scheme().messages.len();
        self.bytes_left = self.bytes_left.saturating_sub(messages * parts.body.len());
        let Question { now, tolerance, .. } = *self.question;
        let verified = match unverified.verify(&parts.secret.0, now, tolerance, parts.public_url) {
            Ok(verified) => verified,
            Err(error) => {
                return LaterRefusal::of_error(&error)
                    .map(|refusal| Authentic { refusal: Some(refusal) });
            }
        };
        if parts.provider.name() == self.question.provider.name()
            && !self.question.accepts(unverified.scheme())
        {
            return Some(Authentic {
                refusal: Some(LaterRefusal::NotAccepted(unverified.scheme())),
            });
        }
        if verified.challenge(&parts.secret.0).is_some() {
            return Some(Authentic { refusal: None });
        }
        Some(Authentic { refusal: verified.event().err().map(LaterRefusal::Malformed) })
    }
}

/// Answers as a receiver that has the first secret. The checks are in the pipeline's order.
pub(crate) fn receive(question: &Question<'_>) -> Result<&'static Scheme, Refusal> {
    let Question { provider, headers, body, now, tolerance, public_url, .. } = *question;
    let delivery = Delivery::new(headers, body).map_err(|_| Refusal::TooLarge)?;
    let unverified = provider.parse(delivery).map_err(Refusal::Verify)?;
    let scheme = unverified.scheme();
    if !question.accepts(scheme) {
        return Err(Refusal::Verify(VerifyError::SchemeNotAccepted(scheme)));
    }
    let Secret(secrets) = match question.secrets.first() {
        Some(given) => read(provider, given).map_err(Refusal::Secret)?,
        None => return Err(Refusal::Secret(SecretError::Empty)),
    };
    let verified =
        unverified.verify(&secrets, now, tolerance, public_url).map_err(Refusal::Verify)?;
    if verified.challenge(&secrets).is_none() {
        verified.event().map_err(Refusal::Malformed)?;
    }
    Ok(scheme)
}

/// Reads a secret as the receiver does.
pub(crate) fn read(provider: &Provider, given: &GivenSecret) -> Result<Secret, SecretError> {
    let text = stored_text(given)?;
    provider.key().read(&text).map(Secret::new).map_err(SecretError::Spelling)
}

/// Returns whether the receiver's secret is the public one of the samples.
pub(crate) fn is_development(question: &Question<'_>) -> bool {
    let text = question.secrets.first().and_then(|given| stored_text(given).ok());
    text.is_some_and(|text| *text == question.provider.key().write(DEVELOPMENT_SECRET))
}

/// Returns the text that the receiver takes for the secret.
pub(crate) fn stored_text(given: &GivenSecret) -> Result<Zeroizing<String>, SecretError> {
    let stored = match str::from_utf8(&given.value) {
        Ok(text) => StoredSecret::Text(Zeroizing::new(text.to_owned())),
        Err(_) => StoredSecret::NotText,
    };
    stored_secret_text(&stored).map(|(text, _)| text)
}

/// Returns whether the receiver would queue the body if it were authentic.
pub(crate) fn is_object(body: &[u8]) -> bool {
    read_object(body, []).is_ok()
}

#[cfg(test)]
mod tests {
    use webhook_verify::{Tolerance, UnixSeconds, catalogue::GITHUB};

    use super::*;

    #[test]
    fn the_limit_that_was_reached_is_named() {
        let question = Question {
            provider: GITHUB,
            headers: &[],
            body: b"{}",
            secrets: &[],
            now: UnixSeconds(0),
            tolerance: Tolerance::of(GITHUB),
            accepted: None,
            public_url: None,
        };
        let told = |left, bytes_left| Trials { question: &question, left, bytes_left }.cut_short();
        assert_eq!(told(1, 1), None);
        assert_eq!(told(1, 0), Some(" The body is large, so not all of that was tried."));
        assert_eq!(
            told(0, 1),
            Some(" The search ended after 4,096 changed deliveries, so not all of that was tried.")
        );
    }
}
