//! What came of a delivery: the answer, and what an operator wants to know of it.

use std::time::Duration;

use webhook_verify::{SecretVersion, VerifyError};

use crate::{CallError, SecretError};

/// The answer to a delivery. The edge gives each its HTTP status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Queued now.
    Accepted {
        /// The message's id.
        id: String,
    },
    /// Queued before.
    Duplicate {
        /// The message's id.
        id: String,
    },
    /// Another delivery of the event is in flight.
    InProgress {
        /// Until the other's lease ends, in whole seconds, at least 1.
        retry_after_s: u64,
    },
    /// The sender is not proven.
    Refused(VerifyError),
    /// Authentic, but not a JSON object.
    Malformed,
    /// The body is over the limit.
    TooLarge,
    /// A fault of ours.
    Unavailable(Fault),
}

impl Outcome {
    /// A short, fixed name for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Duplicate { .. } => "duplicate",
            Self::InProgress { .. } => "in_progress",
            Self::Refused(_) => "refused",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// Which call failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Writing the idempotency record.
    Claim,
    /// Putting the message on the queue.
    Send,
    /// Marking the record as enqueued.
    Complete,
    /// Giving the claim back after a failed send.
    Release,
}

impl Step {
    /// A short, fixed name for logs and metrics.
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

/// Why no better answer could be given. Holds no byte of the delivery.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// No signing secret to verify with.
    #[error("the signing secret cannot be had: {0}")]
    Secret(#[from] SecretError),
    /// A call failed.
    #[error("{}: {error}", step.name())]
    Call {
        /// Which.
        step: Step,
        /// How.
        error: CallError,
    },
    /// Too little time is left to begin.
    #[error("too little time is left before the deadline")]
    DeadlineNear,
}

impl Fault {
    /// A short, fixed name for a metric's dimension.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Call { step, .. } => step.name(),
            Self::DeadlineNear => "deadline_near",
        }
    }
}

/// What came of a delivery, and how.
#[derive(Clone, Debug)]
pub struct Report {
    /// The answer.
    pub outcome: Outcome,
    /// What is worth logging of the way to it.
    pub trail: Trail,
}

/// What an operator wants to know of the way to an outcome. Holds no payload, header, signature or secret; ids and the
/// event's name are in it on purpose.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// The scheme that the headers name.
    pub scheme: Option<&'static str>,
    /// The secret that verified.
    pub secret: Option<SecretVersion>,
    /// The event's name without the provider's prefix, at most 1,024 bytes.
    pub event_type: Option<String>,
    /// The message's id, at most 1,024 bytes.
    pub event_id: Option<String>,
    /// The table's key.
    pub idempotency_key: Option<String>,
    /// The queue's id of the message.
    pub message_id: Option<String>,
    /// Another invocation's lease had run out.
    pub taken_over: bool,
    /// An event that is in flight or queued came again under another unsigned delivery id: a replay, or a provider that
    /// numbers its retries.
    pub delivery_id_changed: bool,
    /// A call that failed without changing the answer, such as `complete` after a send.
    pub warning: Option<Fault>,
    /// The fetch of the secret that this delivery caused.
    pub secret_fetch: SecretFetch,
    /// How long each part took.
    pub durations: Durations,
}

/// The fetch of the secret that a delivery causes: one at most.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum SecretFetch {
    /// The cached one served.
    #[default]
    NotDue,
    /// The cached one's time was over, or there was none.
    Routine,
    /// The signature did not match the cached one.
    AfterMismatch,
    /// It failed, whether or not the cached one served on.
    Failed(SecretError),
}

/// How long the parts of a delivery took; `None` for those that did not happen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Durations {
    /// Getting the secret, checking the signature, reading the event.
    pub verify: Option<Duration>,
    /// The claim.
    pub claim: Option<Duration>,
    /// The send.
    pub send: Option<Duration>,
    /// The complete, or the release.
    pub close: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_the_reason_that_alarms_and_dashboards_know_it_by() {
        let call = |step| Fault::Call { step, error: CallError::NoPayloadBucket };
        for (fault, reason) in [
            (Fault::Secret(SecretError::Empty), "secret"),
            (call(Step::Claim), "claim"),
            (call(Step::Send), "send"),
            (call(Step::Complete), "complete"),
            (call(Step::Release), "release"),
            (Fault::DeadlineNear, "deadline_near"),
        ] {
            assert_eq!(fault.reason(), reason);
        }
    }
}
