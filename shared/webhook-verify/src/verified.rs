//! A delivery before and after its proof.

use std::{fmt, sync::OnceLock};

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
    signed: Signed,
    scheme: Scheme,
    signed_at: Option<UnixSeconds>,
    secret: SecretVersion,
    delivery: Delivery<'d>,
}

/// The bytes that the MAC covered, without version and timestamp.
pub(crate) enum Signed {
    /// The body.
    Body,
    /// A text that is made of it, so far only for the MAC, which takes it piece by piece: a forgery must not cost the heap of a
    /// text that is up to six times its body.
    Respelled { respell: Respell, length: usize, text: OnceLock<Vec<u8>> },
}

/// Appends the text that is made of a body.
type Respell = fn(body: &[u8], text: &mut Vec<u8>);

impl Signed {
    /// What `respell` makes of the body: `length` bytes. It is called once, when somebody asks for the text.
    pub(crate) fn respelled(respell: Respell, length: usize) -> Self {
        Self::Respelled { respell, length, text: OnceLock::new() }
    }
}

impl<'d> Verified<'d> {
    #[expect(clippy::needless_pass_by_value, reason = "the proof is spent: one check, one `Verified`")]
    pub(crate) fn new(unverified: &Unverified<'d>, proof: Proof, signed: Signed) -> Self {
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
        let body = self.delivery.body();
        match &self.signed {
            Signed::Body => body,
            Signed::Respelled { respell, length, text } => text.get_or_init(|| {
                let mut text = Vec::with_capacity(*length);
                respell(body, &mut text);
                debug_assert_eq!(text.len(), *length, "what the MAC covered");
                text
            }),
        }
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
        write!(f, "Verified({}, {} bytes)", self.scheme.name(), self.signed().len())
    }
}
