//! The names of an idempotency record's attributes.

/// The partition key, a string: `<provider>#<key>`.
pub const ID: &str = "id";
/// `IN_PROGRESS` or `ENQUEUED`.
pub const STATUS: &str = "status";
/// The fencing token: unique per claim.
pub const CLAIM_TOKEN: &str = "claim_token";
/// When the claim ends by itself: Unix milliseconds.
pub const LEASE_EXPIRES_AT_MS: &str = "lease_expires_at_ms";
/// The TTL attribute: Unix seconds.
pub const EXPIRES_AT_S: &str = "expires_at_s";
/// The event's name without the provider's prefix.
pub const EVENT_TYPE: &str = "event_type";
/// The event's id as in the envelope, or its SHA-256 if it is over 1,024 bytes.
pub const EVENT_ID: &str = "event_id";
/// When the delivery was received, in RFC 3339.
pub const RECEIVED_AT: &str = "received_at";
/// The unsigned id of the delivery, if the scheme has one.
pub const DELIVERY_ID: &str = "delivery_id";
/// The queue's id for the message.
pub const MESSAGE_ID: &str = "message_id";

/// All names, in the order in which a record is shown to people.
pub const ALL: [&str; 10] = [
    ID,
    STATUS,
    EVENT_TYPE,
    EVENT_ID,
    RECEIVED_AT,
    DELIVERY_ID,
    MESSAGE_ID,
    CLAIM_TOKEN,
    LEASE_EXPIRES_AT_MS,
    EXPIRES_AT_S,
];
