//! Events, read from the bytes that a MAC covered.

use std::{borrow::Cow, fmt, time::Duration};

use sha2::{Digest, Sha256};

use crate::{description::Scheme, mac::SecretVersion, time::UnixSeconds};

/// The most bytes that a name or an id may have in keys and record fields. A longer one is replaced
/// by its SHA-256. `DynamoDB` accepts keys of up to 2,048 bytes; half of that leaves room for
/// prefixes.
pub const MAX_NAME_BYTES: usize = 1024;

/// An event, ready to be claimed and queued. Only [`Verified::event`](crate::Verified::event) makes
/// one.
#[expect(
    clippy::struct_field_names,
    reason = "`event_type` is its name in the table and in messages"
)]
pub struct Event<'v> {
    pub(crate) provider: &'static str,
    pub(crate) scheme: &'static Scheme,
    pub(crate) secret: SecretVersion,
    pub(crate) signed_at: Option<UnixSeconds>,
    pub(crate) idempotency_key: String,
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) group: String,
    pub(crate) delivery_id: Option<String>,
    pub(crate) unsigned_fields: Option<String>,
    pub(crate) retention: Retention,
    pub(crate) data: Cow<'v, [u8]>,
}

/// What a description's own function says about an event: its name, and how long it is remembered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventKind {
    /// The event's name without the provider's prefix.
    pub name: &'static str,
    /// How long its idempotency record is kept.
    pub retention: Retention,
}

/// How long an idempotency record is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retention {
    /// As long as the receiver's configuration says.
    Configured,
    /// Exactly this long: an equal body that arrives later is a new event.
    Fixed(Duration),
}

impl Event<'_> {
    /// Returns the provider's name, as in its path.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// Returns the idempotency key, `<provider>#<key>`. It is the same for all deliveries of one
    /// event, and comes from signed bytes only. The part after `#` has at most [`MAX_NAME_BYTES`].
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }

    /// Returns the event's id: the provider's own signed id or, if it signs none, the idempotency
    /// key without the provider's prefix.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the event's name without the provider's prefix, or `unknown` if it has none.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Returns what the event is about, such as an account or a session. Events of one group keep
    /// their order on a FIFO queue.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Returns the id of the delivery, if it has one that no signature covers. It is recorded and
    /// compared, but never trusted.
    #[must_use]
    pub fn delivery_id(&self) -> Option<&str> {
        self.delivery_id.as_deref()
    }

    /// Returns the names of the event's fields that no signature covers, separated by commas.
    #[must_use]
    pub fn unsigned_fields(&self) -> Option<&str> {
        self.unsigned_fields.as_deref()
    }

    /// Returns how long the event's idempotency record is kept.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.retention
    }

    /// Returns the scheme of the signature.
    #[must_use]
    pub fn scheme(&self) -> &'static Scheme {
        self.scheme
    }

    /// Returns which secret verified the signature.
    #[must_use]
    pub fn secret(&self) -> SecretVersion {
        self.secret
    }

    /// Returns when the provider signed, if its scheme signs a time.
    #[must_use]
    pub fn signed_at(&self) -> Option<UnixSeconds> {
        self.signed_at
    }

    /// Returns the provider's whole body as a JSON object: exactly the signed bytes or, if only a
    /// member is signed, a body rebuilt around it.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Shows only the scheme and the size. Code that logs an id names it explicitly, and payloads are
/// never logged.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {} bytes)", self.scheme.name, self.data.len())
    }
}

/// The prefixes of keys that are hashes. A provider's id that starts with one of them is hashed
/// too, so that different kinds of keys cannot collide.
const HASHED_PREFIXES: [&str; 3] = [ID_PREFIX, BODY_PREFIX, PAYLOAD_PREFIX];
const ID_PREFIX: &str = "id-sha256:";
const BODY_PREFIX: &str = "body-sha256:";
const PAYLOAD_PREFIX: &str = "payload-sha256:";

/// Returns the idempotency key, given the provider and the event's key within it.
pub(crate) fn idempotency_key(provider: &str, key: &str) -> String {
    format!("{provider}#{key}")
}

/// Returns the key of an event with a signed id: the id itself, or its hash if it does not fit.
pub(crate) fn key_of_id(id: &str) -> String {
    if id.len() > MAX_NAME_BYTES || HASHED_PREFIXES.iter().any(|prefix| id.starts_with(prefix)) {
        format!("{ID_PREFIX}{}", sha256_hex(id.as_bytes()))
    } else {
        id.to_owned()
    }
}

/// Returns the key of an event without a signed id: the hash of the signed part of its body. A
/// member and a whole body get different prefixes, because they are different events even if their
/// texts are equal.
pub(crate) fn key_of_signed(scheme: &Scheme, signed: &[u8]) -> String {
    let prefix = if scheme.signed_member().is_some() { PAYLOAD_PREFIX } else { BODY_PREFIX };
    format!("{prefix}{}", sha256_hex(signed))
}

/// Returns the name, or its SHA-256 in hex if it is longer than [`MAX_NAME_BYTES`].
#[must_use]
pub fn bounded_name(name: &str) -> Cow<'_, str> {
    if name.len() > MAX_NAME_BYTES { sha256_hex(name.as_bytes()).into() } else { name.into() }
}

/// Returns the SHA-256 of `bytes` in lower-case hex. It replaces names and ids that do not fit.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_1024_bytes_stays_and_a_longer_one_is_hashed() {
        let longest = "é".repeat(512);
        assert_eq!(bounded_name(&longest), longest);
        let too_long = format!("{longest}a");
        assert_eq!(bounded_name(&too_long), sha256_hex(too_long.as_bytes()));
        assert_eq!(bounded_name(""), "");
    }

    #[test]
    fn an_id_that_is_too_long_or_looks_like_a_hash_is_hashed() {
        assert_eq!(key_of_id("evt_1"), "evt_1");
        let longest = "a".repeat(1024);
        assert_eq!(key_of_id(&longest), longest);
        let too_long = "a".repeat(1025);
        assert_eq!(key_of_id(&too_long), format!("id-sha256:{}", sha256_hex(too_long.as_bytes())));
        for prefix in HASHED_PREFIXES {
            let imitation = format!("{prefix}{}", "0".repeat(64));
            assert_eq!(
                key_of_id(&imitation),
                format!("id-sha256:{}", sha256_hex(imitation.as_bytes()))
            );
        }
    }
}
