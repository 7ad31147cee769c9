//! Why a delivery is refused. No error holds a byte of a secret, a signature or a payload, so all
//! of them may be logged.

use crate::{description::Scheme, json::NoPythonForm};

/// Why a delivery is not proven to come from its provider. The sender gets the same answer (401)
/// for all of these; the log and the metric name the reason.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// A required header is missing.
    #[error("header `{0}` is missing")]
    HeaderMissing(&'static str),
    /// A header that must be unique is repeated.
    #[error("header `{0}` is repeated")]
    HeaderRepeated(&'static str),
    /// A header does not have the form that the provider sends.
    #[error("header `{0}` is malformed")]
    HeaderMalformed(&'static str),
    /// The signature names a scheme that this crate does not know.
    #[error("header `{0}` names an unknown signature scheme")]
    SchemeUnknown(&'static str),
    /// The receiver is configured to refuse this scheme.
    #[error("signature scheme `{}` is not among the accepted schemes", .0.name)]
    SchemeNotAccepted(&'static Scheme),
    /// The signature is not valid for this delivery under either secret.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The provider signs a Python form and the body has none, so no signature can match.
    #[error("the body has no Python form to verify: {0}")]
    NoSignedText(NoPythonForm),
    /// The signature is older than the tolerance.
    #[error("signed {skew_s} s ago, which is longer than the tolerance")]
    TimestampTooOld {
        /// Seconds between the signature and now.
        skew_s: u64,
    },
    /// The signature is dated further ahead of our clock than the tolerance.
    #[error("signed {skew_s} s in the future, which is further ahead than the tolerance")]
    TimestampInFuture {
        /// Seconds between now and the signature.
        skew_s: u64,
    },
}

impl VerifyError {
    /// Returns a short, fixed name of the reason, for a metric's dimension.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::HeaderMissing(_) => "header_missing",
            Self::HeaderRepeated(_) => "header_repeated",
            Self::HeaderMalformed(_) => "header_malformed",
            Self::SchemeUnknown(_) => "scheme_unknown",
            Self::SchemeNotAccepted(_) => "scheme_not_accepted",
            Self::SignatureMismatch => "signature_mismatch",
            Self::NoSignedText(_) => "no_signed_text",
            Self::TimestampTooOld { .. } => "timestamp_too_old",
            Self::TimestampInFuture { .. } => "timestamp_in_future",
        }
    }
}

/// Why an authentic body is refused (400).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// The body is not a JSON object by RFC 8259, or is nested deeper than 128 levels.
    #[error("the authentic body is not a JSON object")]
    NotAnObject,
    /// A field that no signature covers is longer than [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES).
    #[error("a field that no signature covers is longer than 1,024 bytes")]
    UnsignedFieldTooLong,
}

impl Malformed {
    /// Returns a short, fixed name of the reason, for a metric's dimension.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::UnsignedFieldTooLong => "unsigned_field_too_long",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::STRIPE;

    #[test]
    fn an_error_names_the_scheme_that_is_not_accepted() {
        let error = VerifyError::SchemeNotAccepted(&STRIPE.schemes()[0]);
        assert_eq!(
            error.to_string(),
            "signature scheme `stripe` is not among the accepted schemes"
        );
        assert_eq!(error.reason(), "scheme_not_accepted");
    }

    #[test]
    fn reasons_of_malformed_bodies_have_fixed_names() {
        assert_eq!(Malformed::NotAnObject.reason(), "not_an_object");
        assert_eq!(Malformed::UnsignedFieldTooLong.reason(), "unsigned_field_too_long");
    }
}
