//! `cargo webhook`. The sender's side: signs a body as a provider would, sends it, or prints it as a Lambda event; what is
//! signed, and how, is `webhook_verify::sign`'s business. And the operator's: records, redrive, replay, registration.
//!
//! `args.rs` says what can be asked for, `commands/` has one file for each command, and the library's other files do
//! what the commands share. Samples and tests use the same parts.

#![forbid(unsafe_code)]

mod args;
mod aws;
mod commands;
mod delivery;
mod error;
mod event;
mod http;
mod input;
mod provider;
mod replay;

use std::{
    io::{self, Write},
    process::ExitCode,
};

pub use args::{
    AddArgs, Cli, Command, Environment, EventArgs, FindArgs, PinwheelApiArgs, PinwheelArgs, PinwheelSubject, PurgeArgs,
    RecordAction, RecordArgs, RedriveArgs, RemoveArgs, ReplayArgs, SendArgs, ShowArgs, SignArgs, SigningArgs,
    TableArgs, WebhooksAction, WebhooksArgs,
};
pub use delivery::{OutgoingDelivery, Sender};
pub use error::Error;
pub use event::BodyEncoding;
pub use input::SECRET_VARIABLE;
pub use provider::{ProviderName, SchemeName};
pub use replay::NotReplayable;

/// Signs the samples and whatever is sent without another secret. For development only: it is public, so a receiver
/// that takes it believes everybody. No deployed stack may have it.
pub const DEVELOPMENT_SECRET: &str = "development-secret-for-local-use-only";

/// The answer was no: not a 2xx, no such record.
const EXIT_REFUSED: u8 = 1;

/// Nothing was made or sent, or nobody answered, or a call failed. Wrong usage, which `clap` reports, has the same code.
const EXIT_ERROR: u8 = 2;

/// Runs a command: its result goes to standard output, a sentence about what went wrong to standard error.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match commands::run(&cli.command, &mut io::stdout().lock()) {
        Ok(commands::Outcome::Done) => ExitCode::SUCCESS,
        Ok(commands::Outcome::Refused) => EXIT_REFUSED.into(),
        Err(error) => {
            notice(&format!("error: {error}"));
            EXIT_ERROR.into()
        }
    }
}

/// A line for the user, beside the result. Where even standard error is closed there is nobody to tell.
fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
