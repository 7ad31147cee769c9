//! Why a delivery is refused. Nothing here holds a byte of a secret, a signature or a payload, so all of it may be logged.

use crate::{Scheme, json::NoPythonForm};

/// Why the sender of a delivery is not proven: all of them are one answer to the outside (401), and a reason of their own
/// in log and metric.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// The header is not there.
    #[error("header `{0}` is missing")]
    HeaderMissing(&'static str),
    /// The header is there more than once.
    #[error("header `{0}` is repeated")]
    HeaderRepeated(&'static str),
    /// The header is not of the form that the provider sends.
    #[error("header `{0}` is malformed")]
    HeaderMalformed(&'static str),
    /// The signature names a scheme that this crate does not know.
    #[error("header `{0}` names an unknown signature scheme")]
    SchemeUnknown(&'static str),
    /// The signature's scheme is known, but the receiver is set to refuse it.
    #[error("signature scheme `{}` is not accepted here", .0.name())]
    SchemeNotAccepted(Scheme),
    /// No secret makes this signature over this body.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The signed text is a re-serialised one, and the body has none: no secret could make any signature match.
    #[error("the body has no text that could have been signed: {0}")]
    NoSignedText(NoPythonForm),
    /// Signed too long ago.
    #[error("signed {skew_s} s ago, further back than the tolerance")]
    TimestampTooOld {
        /// Seconds between the signature and now.
        skew_s: u64,
    },
    /// Signed too far ahead of our clock.
    #[error("signed {skew_s} s in the future, further ahead than the tolerance")]
    TimestampInFuture {
        /// Seconds between now and the signature.
        skew_s: u64,
    },
}

impl VerifyError {
    /// A short, fixed name of the reason, for a metric's dimension.
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

/// The sender is proven, but what it sent is not a JSON object by RFC 8259 (or nests deeper than 128 levels).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the authentic body is not a JSON object")]
pub struct Malformed;
