//! `cargo webhook`: the command line of `webhook_cli`, and nothing else.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    webhook_cli::run(&webhook_cli::Cli::parse())
}
