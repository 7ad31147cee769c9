//! What every provider has: how it signs, and what its events mean.

use crate::{
    delivery::Delivery,
    error::{Malformed, VerifyError},
    event::Event,
    scheme::Scheme,
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
    verified::{Unverified, Verified},
};

/// A provider of webhooks. A delivery is parsed, then verified, and then read as an event.
pub trait Provider: Send + Sync {
    /// The provider's name in paths (`/webhooks/<name>`), keys, messages and logs.
    const NAME: &'static str;

    /// The schemes that the provider's signatures may have.
    const SCHEMES: &'static [Scheme];

    /// Whether the provider signs a time. If it does, an idempotency record must outlive the
    /// tolerance: otherwise a captured delivery could be sent again after its record has expired.
    const SIGNS_TIME: bool;

    /// Reads the headers: one signature of a known scheme, and one timestamp if the scheme has one.
    /// Needs no secret, so a delivery that cannot be authentic costs no call.
    ///
    /// # Errors
    /// A header is missing, repeated or malformed, or names an unknown scheme.
    fn parse<'d>(&self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError>;

    /// Checks the MAC and then the clock: before the MAC is verified, anyone may have written the
    /// timestamp.
    ///
    /// # Errors
    /// [`VerifyError::SignatureMismatch`], [`VerifyError::NoSignedText`], or a time outside
    /// `tolerance`.
    fn verify<'d>(
        &self,
        unverified: &Unverified<'d>,
        secrets: &SigningSecrets,
        now: UnixSeconds,
        tolerance: Tolerance,
    ) -> Result<Verified<'d>, VerifyError>;

    /// Reads the event from the signed bytes.
    ///
    /// # Errors
    /// [`Malformed`] if the body is not a JSON object, or if one of its unsigned fields is too long.
    fn event<'v>(&self, verified: &'v Verified<'_>) -> Result<Event<'v>, Malformed>;
}
