//! A delivery before and after its proof.

use std::{borrow::Cow, fmt};

use crate::{Delivery, SecretVersion, UnixSeconds, mac::Proof};

/// How a delivery is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// HMAC-SHA256 over version, timestamp and the compact Python form of the body's `payload`.
    PinwheelV1,
    /// HMAC-SHA256 over version, timestamp and the raw body.
    PinwheelV2,
    /// HMAC-SHA1 over the raw body, or over its default Python form.
    Endgrate,
}

impl Scheme {
    /// The name in messages and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PinwheelV1 => "pinwheel-v1",
            Self::PinwheelV2 => "pinwheel-v2",
            Self::Endgrate => "endgrate",
        }
    }
}

/// What a delivery's headers claim, well formed and not yet believed.
pub struct Unverified<'d> {
    pub(crate) delivery: Delivery<'d>,
    pub(crate) scheme: Scheme,
    pub(crate) tag: Vec<u8>,
    pub(crate) timestamp: Option<Timestamp<'d>>,
}

/// A timestamp as the MAC covers it (the text) and as a number.
#[derive(Clone, Copy)]
pub(crate) struct Timestamp<'d> {
    pub(crate) text: &'d [u8],
    pub(crate) value: UnixSeconds,
}

impl Unverified<'_> {
    /// The scheme that the headers name.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({}, {:?})", self.scheme.name(), self.delivery)
    }
}

/// A delivery whose sender is proven: the one thing from which an [`crate::Event`] is read. Only a [`crate::Provider`]'s
/// `verify` makes it, and it cannot be cloned.
pub struct Verified<'d> {
    signed: Cow<'d, [u8]>,
    scheme: Scheme,
    signed_at: Option<UnixSeconds>,
    secret: SecretVersion,
    delivery: Delivery<'d>,
}

impl<'d> Verified<'d> {
    /// `signed`: the bytes that the MAC covered, without version and timestamp.
    #[expect(clippy::needless_pass_by_value, reason = "the proof is spent: one check, one `Verified`")]
    pub(crate) fn new(unverified: &Unverified<'d>, proof: Proof, signed: Cow<'d, [u8]>) -> Self {
        Self {
            signed,
            scheme: unverified.scheme,
            signed_at: unverified.timestamp.map(|timestamp| timestamp.value),
            secret: proof.secret(),
            delivery: unverified.delivery,
        }
    }

    /// The bytes that the MAC covered (of Pinwheel's schemes without version and timestamp).
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The scheme of the signature.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// When the provider signed, where its scheme says so.
    #[must_use]
    pub fn signed_at(&self) -> Option<UnixSeconds> {
        self.signed_at
    }

    /// Which secret verified.
    #[must_use]
    pub fn secret(&self) -> SecretVersion {
        self.secret
    }

    /// The whole delivery: what of it lies outside [`Self::signed`] is not proven.
    pub(crate) fn unsigned_delivery(&self) -> Delivery<'d> {
        self.delivery
    }
}

/// Sizes only: the signed bytes are the payload.
impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({}, {} bytes)", self.scheme.name(), self.signed.len())
    }
}
