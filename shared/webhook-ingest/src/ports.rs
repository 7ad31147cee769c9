//! What the pipeline needs from the outside world.
//!
//! A port makes a call and knows no time limit: the pipeline drops a future that takes too long. A
//! call that failed or was dropped may or may not have taken effect, and the pipeline assumes
//! neither.

use zeroize::Zeroizing;

use crate::{
    message::Message,
    record::{ClaimResult, ClaimToken, NewClaim},
};

/// Why a call to a service failed. The call may have taken effect all the same. Holds nothing of
/// the request, so it may be logged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The service refused the call, and would refuse it again: no permission, no such resource.
    /// Holds the service's own name for the error, such as `AccessDeniedException`.
    #[error("the service refused the call: {0}")]
    Refused(String),
    /// The service failed or throttled the call, and may accept it later. Holds the service's own
    /// name for the error.
    #[error("the service failed: {0}")]
    Failed(String),
    /// No response came, or it came too late.
    #[error("no response: {0}")]
    NoResponse(&'static str),
    /// The response, or the record in it, does not have the expected form.
    #[error("unexpected response: {0}")]
    UnexpectedResponse(&'static str),
    /// The message is too large for the queue, and there is no bucket to put it into.
    #[error("the message is over the queue's limit and PAYLOAD_BUCKET is not set")]
    MessageTooLarge,
}

/// The result of a write that only the owner of a claim may make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fenced {
    /// The record has our token, and the write is done.
    Applied,
    /// The record is gone or has another token: nothing was changed.
    NotOwner,
}

/// Keeps idempotency records, by conditional writes.
pub trait IdempotencyStore: Send + Sync {
    /// Writes the record, unless there is one that has not expired and is either enqueued, or in
    /// progress under a lease that has not ended. A record in progress that already has this
    /// claim's token is ours: an earlier reply was lost.
    fn claim(
        &self,
        claim: &NewClaim,
    ) -> impl Future<Output = Result<ClaimResult, CallError>> + Send;

    /// Marks the record as enqueued if it has `token`. May be repeated.
    fn complete(
        &self,
        idempotency_key: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> impl Future<Output = Result<Fenced, CallError>> + Send;

    /// Deletes the record if it has `token`.
    fn release(
        &self,
        idempotency_key: &str,
        token: &ClaimToken,
    ) -> impl Future<Output = Result<Fenced, CallError>> + Send;
}

/// Sends messages to the queue that consumers read.
pub trait EventQueue: Send + Sync {
    /// Puts the message on the queue and returns the queue's id for it. May be repeated: within the
    /// queue's deduplication window, messages with the same idempotency key are one message.
    fn send(&self, message: &Message) -> impl Future<Output = Result<String, CallError>> + Send;
}

/// A stored secret: text, or a value that is not text.
pub enum StoredSecret {
    /// The text, not yet parsed.
    Text(Zeroizing<String>),
    /// Binary, or without a value.
    NotText,
}

/// Both versions of a secret.
pub struct StoredSecrets {
    /// The current version.
    pub current: StoredSecret,
    /// The version before it; `Ok(None)` if there is no such version.
    pub previous: Result<Option<StoredSecret>, CallError>,
}

/// Where the signing secret is kept.
pub trait SecretStore: Send + Sync {
    /// Reads both versions.
    fn fetch(&self) -> impl Future<Output = Result<StoredSecrets, CallError>> + Send;

    /// Reads the current version alone, which may be cheaper.
    fn fetch_current(&self) -> impl Future<Output = Result<StoredSecret, CallError>> + Send {
        async { Ok(self.fetch().await?.current) }
    }
}
