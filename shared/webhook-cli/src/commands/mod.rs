//! One file for each command, with its arguments, its help and its `exec`, which writes the result
//! to `out`.

mod doctor;
mod event;
mod explain;
mod pinwheel;
mod provider;
mod record;
mod redrive;
mod replay;
mod send;
mod sign;

use std::io::Write;

use clap::{Parser, Subcommand};
use webhook_aws::Environment;

use crate::{error::CliError, exit_status::ExitStatus};

/// Signs and sends webhooks to test a receiver, operates a deployed one, and adds providers to it
#[derive(Debug, Parser)]
#[command(name = "webhook", version, after_help = "`cargo webhook <COMMAND> --help` has examples.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sign(sign::SignArgs),
    Send(send::SendArgs),
    Event(event::EventArgs),
    Explain(explain::ExplainArgs),
    Doctor(doctor::DoctorArgs),
    Record(record::RecordArgs),
    Redrive(redrive::RedriveArgs),
    Replay(replay::ReplayArgs),
    Provider(provider::ProviderArgs),
    Pinwheel(pinwheel::PinwheelArgs),
}

impl Cli {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        match &self.command {
            Command::Sign(args) => args.exec(environment, out),
            Command::Send(args) => args.exec(environment, out),
            Command::Event(args) => args.exec(environment, out),
            Command::Explain(args) => args.exec(environment, out),
            Command::Doctor(args) => args.exec(environment, out),
            Command::Record(args) => args.exec(environment, out),
            Command::Redrive(args) => args.exec(out),
            Command::Replay(args) => args.exec(environment, out),
            Command::Provider(args) => args.exec(out),
            Command::Pinwheel(args) => args.exec(environment, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_says_what_it_does() {
        let commands = Cli::command();
        let about = commands.get_subcommands().map(|command| {
            (
                command.get_name().to_owned(),
                command.get_about().map(ToString::to_string).unwrap_or_default(),
            )
        });
        let expected = [
            ("sign", "Prints the headers that sign a body, one per line"),
            ("send", "Signs a body, sends it to a receiver and prints the answer"),
            (
                "event",
                "Signs a body and prints it as the Lambda event of an HTTP API (payload format \
                 2.0)",
            ),
            (
                "explain",
                "Says whether a delivery verifies and, if it does not, why, and how to fix that",
            ),
            ("doctor", "Checks a deployed stack, and prints one line for each check"),
            ("record", "Shows, finds or deletes an event's idempotency record"),
            (
                "redrive",
                "Puts the messages of a dead-letter queue back on the queue that they came from",
            ),
            ("replay", "Puts an event on the queue again although consumers have handled it"),
            ("provider", "Lists, adds or removes the providers whose webhooks are received"),
            ("pinwheel", "Calls Pinwheel's API"),
        ];
        let expected = expected.map(|(name, about)| (name.to_owned(), about.to_owned()));
        assert_eq!(about.collect::<Vec<_>>(), expected);
    }
}
