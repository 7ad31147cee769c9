//! What the pipeline needs of the world.
//!
//! A port answers for the call itself; time limits are the pipeline's, which drops a future that takes too long. Whether the
//! call of a dropped or failed future took effect is unknown, and nothing here assumes either.

use zeroize::Zeroizing;

use crate::{ClaimResult, ClaimToken, Message, NewClaim};

/// A call to the outside failed. Its effect may have happened all the same.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The service answered with an error. The code is its own name for it, such as `AccessDeniedException`.
    #[error("the service answered {0}")]
    Service(String),
    /// No answer came, or none in time.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
    /// The answer, or the record in it, was not of the form that it must have.
    #[error("the answer is not understood: {0}")]
    Answer(&'static str),
    /// The message is too large for the queue, and there is no bucket to put it in.
    #[error("the message is over the queue's limit and PAYLOAD_BUCKET is not set")]
    NoPayloadBucket,
}

/// Whether a step that is fenced by a claim token was still the owner's to take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fenced {
    /// The record bore our token, and the step is done.
    Done,
    /// The record is gone or bears another token: nothing was changed.
    Lost,
}

/// Idempotency records with conditional writes.
pub trait IdempotencyStore: Send + Sync {
    /// Writes the record if there is none, or one that has expired, or one in progress whose lease has run out. A record that
    /// already bears this claim's token is ours: a reply was lost.
    fn claim(&self, claim: &NewClaim) -> impl Future<Output = Result<ClaimResult, CallError>> + Send;

    /// Marks the record as enqueued, if it bears `token`. May be repeated.
    fn complete(
        &self,
        id: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> impl Future<Output = Result<Fenced, CallError>> + Send;

    /// Deletes the record, if it bears `token`.
    fn release(&self, id: &str, token: &ClaimToken) -> impl Future<Output = Result<Fenced, CallError>> + Send;
}

/// The queue that consumers read.
pub trait EventQueue: Send + Sync {
    /// Puts the message on the queue and returns the queue's id for it. May be repeated: within the queue's own window of
    /// deduplication, that is one message.
    fn send(&self, message: &Message) -> impl Future<Output = Result<String, CallError>> + Send;
}

/// A secret as stored: text, or something that is none.
pub enum StoredSecret {
    /// The text of the secret, not yet looked into.
    Text(Zeroizing<String>),
    /// Binary, or without any value.
    NoText,
}

/// Both versions of a secret.
pub struct StoredSecrets {
    /// `AWSCURRENT`.
    pub current: StoredSecret,
    /// `AWSPREVIOUS`: `Ok(None)` where there is none.
    pub previous: Result<Option<StoredSecret>, CallError>,
}

/// Where the signing secret is kept.
pub trait SecretStore: Send + Sync {
    /// Reads both versions.
    fn fetch(&self) -> impl Future<Output = Result<StoredSecrets, CallError>> + Send;

    /// Reads the current version alone, where that is cheaper.
    fn fetch_current(&self) -> impl Future<Output = Result<StoredSecret, CallError>> + Send {
        async { Ok(self.fetch().await?.current) }
    }
}
