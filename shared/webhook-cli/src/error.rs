//! Why a command did nothing, in sentences for the user.

use std::{io, path::PathBuf};

use webhook_ingest::CallError;
use webhook_verify::json::NoPythonForm;

use crate::NotReplayable;

/// What kept a command from its work. Holds no secret and no body.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file named on the command line.
    #[error("cannot read {path}: {source}")]
    File {
        /// As the user wrote it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The body was to come from standard input.
    #[error("cannot read the body from standard input: {0}")]
    Stdin(io::Error),
    /// A signature under an empty key proves nothing, and no receiver here takes one. A variable that is set and empty
    /// is more likely a mistake than a wish for the development secret.
    #[error("{0} holds no signing secret: it is empty")]
    SecretEmpty(String),
    /// An option that would have no effect.
    #[error("{option} does not fit here: {reason}")]
    OptionMisplaced {
        /// With its dashes.
        option: &'static str,
        /// What it is for.
        reason: &'static str,
    },
    /// The scheme signs a re-serialised text, which this body has not.
    #[error("this scheme signs a re-serialised text, and the body has none: {0}")]
    NoSignedText(#[from] NoPythonForm),
    /// JSON cannot hold the bytes as text.
    #[error("the body is not UTF-8, so the event cannot hold it as text: use --base64")]
    BodyNotText,
    /// Past the year 9999.
    #[error("the timestamp lies past the year 9999, so the event cannot be dated")]
    TimeOutOfRange,
    /// The system's clock stands before 1970.
    #[error("the system's clock stands before 1970: set it, or use --timestamp")]
    ClockBeforeEpoch,
    /// A header or URL that HTTP has no place for.
    #[error("the request cannot be made: {0}")]
    RequestUnfit(String),
    /// Nothing came back: no connection, no TLS, no HTTP, or not in time.
    #[error("no answer from {url}: {reason}")]
    NoAnswer {
        /// As the user wrote it.
        url: String,
        /// What failed on the way.
        reason: String,
    },
    /// A table, queue or bucket that neither an option nor a variable names.
    #[error("name it with {option}, or in {variable}")]
    NotNamed {
        /// With its dashes.
        option: &'static str,
        /// An environment variable.
        variable: &'static str,
    },
    /// The secret of a provider's API is needed, and the development secret is none.
    #[error("name the file with the API secret with --secret-file, or put the secret into {0}")]
    NoApiSecret(&'static str),
    /// A header cannot hold a line break.
    #[error("the API secret is no text of visible ASCII characters: is it the right file?")]
    ApiSecretUnfit,
    /// A delete that was not meant, perhaps.
    #[error("nothing was deleted: add --yes to delete this record")]
    NotConfirmed,
    /// Only a queue of the same kind takes over group and order.
    #[error("the two queues must be different ones of the same kind: both FIFO, or neither")]
    QueuesUnfit,
    /// The SDK found no region.
    #[error("no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one")]
    NoRegion,
    /// The SDK found no credentials, or they cannot be had.
    #[error(
        "no AWS credentials, or they have expired: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// Endpoint or certificates.
    #[error(transparent)]
    Config(#[from] webhook_aws::ConfigError),
    /// The system refuses what asynchronous calls need.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// A call to AWS failed.
    #[error("cannot {what}: {source}")]
    Aws {
        /// What the call was to do.
        what: &'static str,
        /// The service's own name for the failure.
        source: CallError,
    },
    /// A message is on both queues.
    #[error(
        "message {id} was sent and cannot be deleted: {source}. It is on both queues: run this again within five minutes, \
         or consumers get it twice (with the same idempotency key)"
    )]
    NotDeleted {
        /// In the dead-letter queue.
        id: String,
        /// Why.
        source: CallError,
    },
    /// What was given is not the body of an event's message.
    #[error("this cannot be replayed: {0}")]
    NotReplayable(#[from] NotReplayable),
    /// The result was made, and could not be printed.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
}
