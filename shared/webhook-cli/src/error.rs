//! Why a command failed, in sentences for the user.

use std::{io, path::PathBuf};

use webhook_aws::StartError;
use webhook_explain::NotHeaders;
use webhook_ingest::{CallError, SecretError};
use webhook_verify::json::NoPythonForm;

use crate::{replayed::NotReplayable, scaffold::ScaffoldError};

/// Why a command failed. Holds no secret and no body.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file named on the command line cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// As the user wrote it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The headers in a file cannot be read.
    #[error("{path}: {reason}")]
    Headers {
        /// As the user wrote it.
        path: PathBuf,
        /// What is wrong.
        reason: NotHeaders,
    },
    /// A file does not have the event of a delivery.
    #[error("{path}: {reason}")]
    Event {
        /// As the user wrote it.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// The body cannot be read from standard input.
    #[error("cannot read the body from standard input: {0}")]
    Stdin(io::Error),
    /// A file or a variable has no usable secret.
    #[error("{origin}: {reason}")]
    Secret {
        /// The file's path, or the variable's name.
        origin: String,
        /// What is wrong, and what to do.
        reason: SecretError,
    },
    /// A secret in UTF-16. It could sign, but no receiver has these bytes as its secret.
    #[error(
        "{0}: the value is UTF-16 text, as PowerShell's `>` writes it: save it as UTF-8 without a \
         byte-order mark"
    )]
    SecretUtf16(String),
    /// An option that would have no effect.
    #[error("{option} cannot be used here: {reason}")]
    OptionMisplaced {
        /// With its dashes.
        option: &'static str,
        /// Why it has none.
        reason: String,
    },
    /// The provider has no scheme of this name.
    #[error("{provider} has no scheme {name}: its schemes are {known}")]
    UnknownScheme {
        /// As the user wrote it.
        name: String,
        /// The provider's name.
        provider: &'static str,
        /// The names of its schemes.
        known: String,
    },
    /// The scheme signs a re-serialised form of the body, and this body has none.
    #[error("this scheme signs a re-serialised form of the body, and this body has none: {0}")]
    NoSignedText(#[from] NoPythonForm),
    /// JSON cannot hold the bytes as text.
    #[error("the body is not UTF-8, so the event cannot hold it as text: use --base64")]
    BodyNotText,
    /// The event cannot be dated.
    #[error("the timestamp is after the year 9999, so the event cannot be dated")]
    TimeOutOfRange,
    /// HTTP cannot express the URL or a header.
    #[error("the request cannot be built: {0}")]
    InvalidRequest(String),
    /// There was no connection, no TLS or no HTTP, or the answer did not come in time.
    #[error("no answer from {url}: {reason}")]
    NoAnswer {
        /// As the user wrote it.
        url: String,
        /// What failed on the way, and what to do.
        reason: String,
    },
    /// Neither an option nor a variable names the table, queue or bucket.
    #[error("{option} is missing: give it, or set {variable}")]
    NotNamed {
        /// With its dashes.
        option: &'static str,
        /// An environment variable.
        variable: &'static str,
    },
    /// A provider's API needs a secret, and would refuse the development secret.
    #[error("no API secret: name its file with --secret-file, or put it into the variable {0}")]
    NoApiSecret(&'static str),
    /// A header cannot hold such a secret.
    #[error("the API secret has characters other than visible ASCII: is it the right file?")]
    InvalidApiSecret,
    /// The user did not confirm the deletion.
    #[error("nothing was deleted: add --yes to delete this record")]
    NotConfirmed,
    /// Only a queue of the same kind keeps group and order.
    #[error("--from and --to must be two different queues of the same kind: both FIFO, or neither")]
    QueuesDoNotMatch,
    /// The SDK found no region.
    #[error("no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one")]
    NoRegion,
    /// The SDK found no credentials, or could not load them.
    #[error(
        "no AWS credentials, or they have expired: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// An environment variable cannot be used, or the system refuses something that calls need.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The stack to examine does not exist.
    #[error(
        "there is no stack {0} in this region and account: check the name, AWS_REGION and \
         AWS_PROFILE"
    )]
    NoStack(String),
    /// A call to AWS failed.
    #[error("cannot {call}: {source}")]
    Aws {
        /// What the call was to do.
        call: &'static str,
        /// The service's own name for the failure.
        source: CallError,
    },
    /// A message is on both queues.
    #[error(
        "message {id} was sent but could not be deleted: {source}. It is now on both queues: run \
         this again within five minutes, or consumers get it twice (with the same idempotency key)"
    )]
    NotDeleted {
        /// In the dead-letter queue.
        id: String,
        /// Why.
        source: CallError,
    },
    /// The input is not the body of an event's message.
    #[error("this cannot be replayed: {0}")]
    NotReplayable(#[from] NotReplayable),
    /// A provider cannot be added or removed.
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
    /// The result could not be printed.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
}
