//! Why a command did nothing, in sentences for the user.

use std::{io, path::PathBuf};

use webhook_verify::json::NoPythonForm;

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
    /// Nothing came back: no connection, no TLS, no HTTP, or not in time.
    #[error("no answer from {url}: {reason}")]
    NoAnswer {
        /// As the user wrote it.
        url: String,
        /// What failed on the way.
        reason: String,
    },
    /// The result was made, and could not be printed.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
}
