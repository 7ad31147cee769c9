//! The idempotency record, and the results that a claim can have.
//!
//! ```text
//!            claim                complete
//!  (absent) ───────▶ IN_PROGRESS ─────────▶ ENQUEUED ──▶ (expired)
//!      ▲                │   ▲                               │
//!      └────────────────┘   └───────────────────────────────┘
//!            release                      claim
//! ```
//!
//! A claim also takes over a record in progress whose lease has ended.

use std::fmt;

use uuid::Uuid;
use webhook_verify::{Event, Retention, bounded_name};

use crate::{clock::UnixMillis, envelope::cloud_event_text, settings::Settings};

/// The fencing token: unique per claim, so that an owner whose lease has ended cannot change the
/// record of its successor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimToken(String);

impl ClaimToken {
    /// Returns a random token (UUID version 4).
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Returns a token with this text, for tests that must be repeatable.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Claimed; not known to be queued.
    InProgress,
    /// On the queue.
    Enqueued,
}

impl Status {
    /// Returns the status as it is written in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Enqueued => "ENQUEUED",
        }
    }

    /// Reads a status as it is written in the table.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::InProgress, Self::Enqueued].into_iter().find(|status| status.as_str() == text)
    }
}

/// A record to write if the event is free to claim. Holds no payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewClaim {
    /// Equal for all deliveries of one event.
    pub idempotency_key: String,
    pub token: ClaimToken,
    /// The current time by the claimer's clock. It decides whether a lease or record has expired.
    pub now: UnixMillis,
    /// When this claim ends by itself.
    pub lease_expires_at: UnixMillis,
    /// When the record may be deleted, in Unix seconds: always after the lease ends.
    pub expires_at_s: i64,
    /// The event's name without the provider's prefix, at most 1,024 bytes.
    pub event_type: String,
    /// The event's id, at most 1,024 bytes.
    pub event_id: String,
    /// The unsigned id of the delivery, if the scheme has one; at most 1,024 bytes.
    pub delivery_id: Option<String>,
}

impl NewClaim {
    pub(crate) fn new(
        event: &Event<'_>,
        token: ClaimToken,
        now: UnixMillis,
        lease_expires_at: UnixMillis,
        settings: &Settings,
    ) -> Self {
        let expires_at_s = expires_at_s(event, now, settings);
        Self {
            idempotency_key: event.idempotency_key().to_owned(),
            token,
            now,
            lease_expires_at,
            // An expired record is free to claim, so a record must not expire before its lease.
            expires_at_s: expires_at_s.max(lease_expires_at.seconds().0.saturating_add(1)),
            event_type: bounded_name(event.event_type()).into_owned(),
            event_id: bounded_name(&cloud_event_text(event.id())).into_owned(),
            delivery_id: event.delivery_id().map(|id| bounded_name(id).into_owned()),
        }
    }

    /// Returns when the delivery was received, as RFC 3339.
    #[must_use]
    pub fn received_at(&self) -> String {
        self.now.rfc3339()
    }
}

/// The result of a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClaimResult {
    /// The event is ours to send.
    Claimed {
        /// Whether the lease of another delivery had ended: its process died, or its `complete` was
        /// lost.
        taken_over: bool,
    },
    /// Another delivery of the event is in flight.
    InProgress {
        /// When the lease of that delivery ends.
        lease_expires_at: UnixMillis,
        /// The delivery id in the record.
        delivery_id: Option<String>,
        /// The event type in the record.
        event_type: Option<String>,
    },
    /// The event is on the queue.
    Enqueued {
        /// The delivery id in the record.
        delivery_id: Option<String>,
        /// The event type in the record.
        event_type: Option<String>,
    },
}

/// Returns when the record of an event that is sent `now` may be deleted, in Unix seconds.
///
/// The record always outlives the signature. A signature that is dated ahead of our clock verifies
/// for longer than the tolerance, and with the shortest retention it could otherwise outlive the
/// record. One minute is added because clocks differ.
pub(crate) fn expires_at_s(event: &Event<'_>, now: UnixMillis, settings: &Settings) -> i64 {
    let retention = match event.retention() {
        Retention::Configured => settings.retention,
        Retention::Fixed(retention) => retention,
    };
    let remembered_until = now.plus(retention).seconds().0;
    let tolerance_s = i64::try_from(settings.tolerance.past.as_secs()).unwrap_or(i64::MAX);
    let verifies_until = event
        .signed_at()
        .map(|signed_at| signed_at.0.saturating_add(tolerance_s).saturating_add(60));
    verifies_until.map_or(remembered_until, |until| until.max(remembered_until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_token_shows_its_name() {
        let token = ClaimToken::named("t1");
        assert_eq!((token.as_str(), token.to_string().as_str()), ("t1", "t1"));
    }

    #[test]
    fn two_random_tokens_differ() {
        assert_ne!(ClaimToken::random(), ClaimToken::random());
    }

    #[test]
    fn a_status_is_written_as_in_the_contract() {
        assert_eq!(
            [Status::InProgress, Status::Enqueued].map(Status::as_str),
            ["IN_PROGRESS", "ENQUEUED"]
        );
    }

    #[test]
    fn received_at_is_the_time_of_the_claim_as_rfc_3339() {
        let claim = NewClaim {
            idempotency_key: "acme#1".to_owned(),
            token: ClaimToken::named("t1"),
            now: UnixMillis(1_795_297_388_123),
            lease_expires_at: UnixMillis(1_795_297_408_123),
            expires_at_s: 1_797_889_388,
            event_type: "a".to_owned(),
            event_id: "1".to_owned(),
            delivery_id: None,
        };
        assert_eq!(claim.received_at(), "2026-11-21T21:43:08.123Z");
    }

    #[test]
    fn a_status_is_read_from_its_own_text_only() {
        for status in [Status::InProgress, Status::Enqueued] {
            assert_eq!(Status::from_text(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_text("COMPLETED"), None);
    }
}
