//! One file per provider, each with the same items in the same order: the provider, its headers, its tests.

pub(crate) mod endgrate;
pub(crate) mod pinwheel;

pub use endgrate::Endgrate;
pub use pinwheel::Pinwheel;

use crate::{
    Delivery, Event, Malformed, Scheme, SigningSecrets, Tolerance, UnixSeconds, Unverified, Verified, VerifyError,
};

/// How one provider signs, and what its events mean.
pub trait Provider: Send + Sync {
    /// The name in paths (`/webhooks/<name>`), keys, messages and logs.
    const NAME: &'static str;

    /// Whether the provider signs a time. Where it does, a record must outlive the tolerance, or else a captured delivery
    /// could be sent again after its record is gone.
    const SIGNS_TIME: bool;

    /// The schemes of its signatures.
    const SCHEMES: &'static [Scheme];

    /// Reads the headers: one signature of a known scheme, one timestamp where the scheme has one. Needs no secret, so a
    /// delivery that cannot be authentic costs no call.
    ///
    /// # Errors
    /// A header is missing, repeated or malformed, or names an unknown scheme.
    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError>;

    /// Checks the MAC, and then the clock: only after the MAC is a timestamp the provider's word.
    ///
    /// # Errors
    /// [`VerifyError::SignatureMismatch`], [`VerifyError::NoSignedText`] or a time outside `tolerance`.
    fn verify<'d>(
        &self,
        unverified: &Unverified<'d>,
        secrets: &SigningSecrets,
        now: UnixSeconds,
        tolerance: Tolerance,
    ) -> Result<Verified<'d>, VerifyError>;

    /// Reads what happened from the signed bytes.
    ///
    /// # Errors
    /// [`Malformed`] where they are not a JSON object.
    fn event<'v>(&self, verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed>;
}
