//! The outcome of a delivery, and what an operator wants to know about it.

use std::time::Duration;

use webhook_verify::{ChallengeAnswer, Malformed, SecretVersion, VerifyError};

use crate::{
    ports::CallError,
    secrets::{SecretError, SecretFetch, SecretWarning},
};

/// How a delivery is answered. The edge gives each outcome its HTTP status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Queued now.
    Accepted {
        /// The event's id, at most 1,024 bytes.
        id: String,
    },
    /// Queued before.
    Duplicate {
        /// The event's id, at most 1,024 bytes.
        id: String,
    },
    /// Another delivery of the event is in flight.
    InProgress {
        /// Whole seconds until the lease of that delivery ends, at least 1.
        retry_after_s: u64,
    },
    /// Authentic, but a challenge to answer, not an event. Nothing is written.
    Challenge(ChallengeAnswer),
    /// Not proven to come from the provider.
    Refused(VerifyError),
    /// Authentic, but not an event.
    Malformed(Malformed),
    /// The body is over the limit.
    TooLarge,
    /// A fault of ours.
    Unavailable(Fault),
}

impl Outcome {
    /// Returns a short, fixed name for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Duplicate { .. } => "duplicate",
            Self::InProgress { .. } => "in_progress",
            Self::Challenge(_) => "challenge",
            Self::Refused(_) => "refused",
            Self::Malformed(_) => "malformed",
            Self::TooLarge => "too_large",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// A call that the pipeline makes for a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    /// Writing the idempotency record.
    Claim,
    /// Putting the message on the queue.
    Send,
    /// Marking the record as enqueued.
    Complete,
    /// Giving the claim back after a failed claim or send.
    Release,
}

impl Call {
    /// Returns a short, fixed name for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Send => "send",
            Self::Complete => "complete",
            Self::Release => "release",
        }
    }
}

/// A fault of ours. Holds no byte of the delivery.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// There is no signing secret to verify with.
    #[error("could not get the signing secret: {0}")]
    Secret(#[from] SecretError),
    /// A call failed.
    #[error("{}: {error}", call.name())]
    Call { call: Call, error: CallError },
    /// Too little time is left to begin a call.
    #[error("too little time is left before the deadline")]
    DeadlineNear,
}

impl Fault {
    /// Returns a short, fixed name for a metric's dimension.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Call { call, .. } => call.name(),
            Self::DeadlineNear => "deadline_near",
        }
    }
}

/// The outcome of a delivery, and how it came about.
#[derive(Clone, Debug)]
pub struct Report {
    pub outcome: Outcome,
    /// What is worth logging.
    pub trail: Trail,
}

/// What an operator wants to know about how an outcome came about. Holds no payload, header,
/// signature or secret. It has the ids and the event's name on purpose.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// The scheme that the headers name.
    pub scheme: Option<&'static str>,
    /// The secret that verified.
    pub secret: Option<SecretVersion>,
    /// The event's name without the provider's prefix, at most 1,024 bytes.
    pub event_type: Option<String>,
    /// The event's id, at most 1,024 bytes.
    pub event_id: Option<String>,
    /// The idempotency key, at most 1,024 bytes.
    pub idempotency_key: Option<String>,
    /// Names of the message's fields that no signature covers.
    pub unsigned_fields: Option<String>,
    /// The queue's id of the message.
    pub message_id: Option<String>,
    /// Whether the lease of another invocation had ended, so that this one took over its claim.
    pub taken_over: bool,
    /// An event that is in flight or queued came again with a different unsigned delivery id: a
    /// replay, or a provider that numbers its retries.
    pub delivery_id_changed: bool,
    /// An event that is in flight or queued came again with a different unsigned event type:
    /// somebody changed it.
    pub event_type_changed: bool,
    /// A call that failed without changing the outcome, such as `complete` after a send.
    pub warning: Option<Fault>,
    /// The fetch of the secret that this delivery caused.
    pub secret_fetch: SecretFetch,
    /// What looks wrong with the secret that this delivery fetched.
    pub secret_warnings: Vec<SecretWarning>,
    pub durations: Durations,
}

/// How long the parts of a delivery took; `None` for a part that did not happen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Durations {
    /// Getting the secret, checking the signature, reading the event.
    pub verify: Option<Duration>,
    pub claim: Option<Duration>,
    pub send: Option<Duration>,
    /// The complete or the release.
    pub close: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_the_reason_that_alarms_and_dashboards_use() {
        let call = |call| Fault::Call { call, error: CallError::MessageTooLarge };
        for (fault, reason) in [
            (Fault::Secret(SecretError::Empty), "secret"),
            (call(Call::Claim), "claim"),
            (call(Call::Send), "send"),
            (call(Call::Complete), "complete"),
            (call(Call::Release), "release"),
            (Fault::DeadlineNear, "deadline_near"),
        ] {
            assert_eq!(fault.reason(), reason);
        }
    }
}
