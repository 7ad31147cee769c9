//! A delivery before and after its signature is verified.

use std::{borrow::Cow, fmt};

use crate::{
    delivery::Delivery,
    description::{Provider, Scheme},
    mac::{Proof, SecretVersion},
    time::UnixSeconds,
};

/// A delivery with well-formed signature headers, whose signature has not been verified.
pub struct Unverified<'d> {
    pub(crate) provider: &'static Provider,
    pub(crate) scheme: &'static Scheme,
    pub(crate) delivery: Delivery<'d>,
    /// The signatures in the header, decoded. One that matches is enough.
    pub(crate) tags: Vec<Vec<u8>>,
    pub(crate) timestamp: Option<Timestamp<'d>>,
}

/// A timestamp as text, which the MAC covers, and as a number.
#[derive(Clone, Copy)]
pub(crate) struct Timestamp<'d> {
    pub(crate) text: &'d [u8],
    pub(crate) value: UnixSeconds,
}

impl Unverified<'_> {
    /// Returns the scheme that the headers name.
    #[must_use]
    pub fn scheme(&self) -> &'static Scheme {
        self.scheme
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({}, {:?})", self.scheme.name, self.delivery)
    }
}

/// A delivery whose sender is proven. Only [`Unverified::verify`] makes it, and it cannot be
/// cloned. Events are read from it, and from nothing else.
pub struct Verified<'d> {
    signed: Cow<'d, [u8]>,
    provider: &'static Provider,
    scheme: &'static Scheme,
    signed_at: Option<UnixSeconds>,
    secret: SecretVersion,
    delivery: Delivery<'d>,
}

impl<'d> Verified<'d> {
    #[expect(clippy::needless_pass_by_value, reason = "a proof makes one `Verified` at most")]
    pub(crate) fn new(unverified: &Unverified<'d>, proof: Proof, signed: Cow<'d, [u8]>) -> Self {
        Self {
            signed,
            provider: unverified.provider,
            scheme: unverified.scheme,
            signed_at: unverified.timestamp.map(|timestamp| timestamp.value),
            secret: proof.secret(),
            delivery: unverified.delivery,
        }
    }

    /// Returns the part of the body that the MAC covered: all of it, as it was sent or in its
    /// Python form, or the Python form of the member that the scheme signs.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// Returns the provider that signed the delivery.
    #[must_use]
    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Returns the scheme of the signature.
    #[must_use]
    pub fn scheme(&self) -> &'static Scheme {
        self.scheme
    }

    /// Returns when the provider signed, if its scheme signs a time.
    #[must_use]
    pub fn signed_at(&self) -> Option<UnixSeconds> {
        self.signed_at
    }

    /// Returns which secret verified the signature.
    #[must_use]
    pub fn secret(&self) -> SecretVersion {
        self.secret
    }

    /// Returns the whole delivery. Of its body, only what [`Self::signed`] returns is proven.
    pub(crate) fn unsigned_delivery(&self) -> Delivery<'d> {
        self.delivery
    }
}

/// Shows only the size: the signed bytes are the payload.
impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({}, {} bytes)", self.scheme.name, self.signed().len())
    }
}
