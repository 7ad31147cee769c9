//! How a command ends.

use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExitStatus {
    /// The command did what it was asked to.
    Success,
    /// The answer was no: not a 2xx, no such record.
    Refused,
    /// Nothing was made or sent, or nobody answered, or a call failed. clap exits with the same
    /// code after a usage error.
    Failed,
    /// The reader of standard output has gone.
    PipeClosed,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Refused => 1,
            ExitStatus::Failed => 2,
            // What a shell reports of a program that SIGPIPE (13) ended.
            ExitStatus::PipeClosed => 128 + 13,
        })
    }
}
