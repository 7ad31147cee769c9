//! What happened, as read from the bytes that a MAC covered.

use std::{borrow::Cow, fmt, time::Duration};

use sha2::{Digest, Sha256};

use crate::{Scheme, SecretVersion, UnixSeconds, Verified};

/// A name or id of more bytes than this is replaced by its SHA-256 in keys and record fields. `DynamoDB` takes keys of up to
/// 2,048 bytes; half of it leaves room for prefixes.
pub const MAX_NAME_BYTES: usize = 1024;

/// An event, ready to be claimed and queued. Only a [`crate::Provider`] makes it, from a [`Verified`].
#[expect(clippy::struct_field_names, reason = "`event_type` is its name in the table and in messages")]
pub struct Event<'v> {
    pub(crate) provider: &'static str,
    pub(crate) scheme: Scheme,
    pub(crate) secret: SecretVersion,
    pub(crate) signed_at: Option<UnixSeconds>,
    pub(crate) idempotency_key: String,
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) group: String,
    pub(crate) delivery_id: Option<String>,
    pub(crate) unsigned_fields: Option<&'static str>,
    pub(crate) retention: Retention,
    pub(crate) data: Cow<'v, [u8]>,
}

/// How long an idempotency record must live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retention {
    /// As long as the receiver is configured to remember.
    Configured,
    /// So long and no longer, because an equal event later is a new one.
    Fixed(Duration),
}

impl Event<'_> {
    /// The provider's name, as in its path.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// The idempotency key, `<provider>#<key>`: equal for all deliveries of one event, from signed bytes alone.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }

    /// The event's id for consumers: the provider's own signed id or, where it signs none, the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The event's name without the provider's prefix; `unknown` where it has none.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What the event is about (an account, a session): events of one group keep their order on a FIFO queue.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The unsigned id of the delivery (Pinwheel v1 only): recorded and compared, never trusted.
    #[must_use]
    pub fn delivery_id(&self) -> Option<&str> {
        self.delivery_id.as_deref()
    }

    /// Names, separated by commas, of the message's fields that no signature covers.
    #[must_use]
    pub fn unsigned_fields(&self) -> Option<&'static str> {
        self.unsigned_fields
    }

    /// How long its record must live.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.retention
    }

    /// The scheme of the signature.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Which secret verified.
    #[must_use]
    pub fn secret(&self) -> SecretVersion {
        self.secret
    }

    /// When the provider signed, where its scheme says so.
    #[must_use]
    pub fn signed_at(&self) -> Option<UnixSeconds> {
        self.signed_at
    }

    /// The provider's whole body as a JSON object: the signed bytes as they are, or (Pinwheel v1) rebuilt round them.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Provider and sizes only: ids are logged on purpose, one by one, and payloads never.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {} bytes)", self.scheme.name(), self.data.len())
    }
}

/// Prefixes of keys that are hashes. A provider's own id that starts with one of them is hashed as well, so that keys of
/// different making cannot collide.
const HASHED_PREFIXES: [&str; 3] = [ID_PREFIX, BODY_PREFIX, PAYLOAD_PREFIX];
const ID_PREFIX: &str = "id-sha256:";
const BODY_PREFIX: &str = "body-sha256:";
const PAYLOAD_PREFIX: &str = "payload-sha256:";

/// The key of an event that carries a signed id: the id itself, where a key can hold it.
pub(crate) fn key_of_id(id: &str) -> String {
    if id.len() > MAX_NAME_BYTES || HASHED_PREFIXES.iter().any(|prefix| id.starts_with(prefix)) {
        format!("{ID_PREFIX}{}", sha256_hex(id.as_bytes()))
    } else {
        id.to_owned()
    }
}

/// The key of an event without a signed id: the hash of what the MAC covered. A part of a body (`PinwheelV1`) and a whole
/// body get different prefixes, since equal texts of the two are different events.
pub(crate) fn key_of_signed(verified: &Verified<'_>) -> String {
    let prefix = match verified.scheme() {
        Scheme::PinwheelV1 => PAYLOAD_PREFIX,
        Scheme::PinwheelV2 | Scheme::Endgrate => BODY_PREFIX,
    };
    format!("{prefix}{}", sha256_hex(verified.signed()))
}

/// Returns the name, or its SHA-256 in hex if it is longer than [`MAX_NAME_BYTES`].
#[must_use]
pub fn bounded_name(name: &str) -> std::borrow::Cow<'_, str> {
    if name.len() > MAX_NAME_BYTES { sha256_hex(name.as_bytes()).into() } else { name.into() }
}

/// SHA-256 in lower-case hexadecimal: what stands for a name or id that does not fit where it goes.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_own_key_unless_it_is_too_long_or_looks_like_a_hashed_one() {
        assert_eq!(key_of_id("evt_1"), "evt_1");
        let longest = "a".repeat(1024);
        assert_eq!(key_of_id(&longest), longest);
        let too_long = "a".repeat(1025);
        assert_eq!(key_of_id(&too_long), format!("id-sha256:{}", sha256_hex(too_long.as_bytes())));
        for prefix in HASHED_PREFIXES {
            let imitation = format!("{prefix}{}", "0".repeat(64));
            assert_eq!(key_of_id(&imitation), format!("id-sha256:{}", sha256_hex(imitation.as_bytes())));
        }
    }
}
