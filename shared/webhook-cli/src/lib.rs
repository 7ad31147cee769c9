//! `cargo webhook`: commands for senders, operators and developers.
//!
//! Senders sign a body as a provider would (with `webhook_verify::sign`), send it, or print it as a
//! Lambda event. Operators look at records, redrive, replay, register at a provider, and examine a
//! stack. Developers list, add and remove providers, and ask why a delivery is refused.
//!
//! `commands/` has one file for each command, with its arguments, help and tests; the other files
//! have what commands share. `doctor/` examines a deployed stack. `scaffold/` knows every place
//! that names a provider. The samples and the tests use [`OutgoingDelivery`] too.

#![forbid(unsafe_code)]

mod aws;
mod commands;
mod delivery;
mod doctor;
mod error;
mod exit_status;
mod http;
mod input;
mod lambda_event;
mod provider;
mod replayed;
mod scaffold;
mod signing;
mod terminal;
mod values;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use webhook_aws::Environment;
pub use webhook_ingest::DEVELOPMENT_SECRET;

pub use commands::Cli;
pub use delivery::{OutgoingDelivery, Sender};
pub use error::CliError;
pub use lambda_event::BodyEncoding;
pub use provider::{development_secret, development_url};
pub use replayed::NotReplayable;
pub use scaffold::ScaffoldError;

use crate::{exit_status::ExitStatus, terminal::notice};

/// Runs a command. Its result goes to standard output; notices and errors go to standard error.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    let mut out = io::stdout().lock();
    let status = match cli.exec(&Environment::of_process(), &mut out) {
        Ok(status) => out.flush().map(|()| status).map_err(CliError::Stdout),
        Err(error) => Err(error),
    };
    match status {
        Ok(status) => status.into(),
        // A reader such as `head` closes the pipe when it has seen enough.
        Err(CliError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitStatus::PipeClosed.into()
        }
        Err(error) => {
            notice(&format!("error: {error}"));
            ExitStatus::Failed.into()
        }
    }
}
