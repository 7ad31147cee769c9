//! `cargo webhook`: runs the command line of `webhook_cli`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    webhook_cli::run(&webhook_cli::Cli::parse())
}
