//! The signature schemes that this crate verifies.

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
    /// Returns the name that messages, logs and the configuration use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PinwheelV1 => "pinwheel-v1",
            Self::PinwheelV2 => "pinwheel-v2",
            Self::Endgrate => "endgrate",
        }
    }
}
