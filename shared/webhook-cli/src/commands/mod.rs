//! One file for each command. A command writes its result to `out`, and says whether the receiver took it.

mod event;
mod send;
mod sign;

use std::io::Write;

use crate::{Command, Error};

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// As wished.
    Done,
    /// The receiver's answer was not a 2xx.
    Refused,
}

pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<Outcome, Error> {
    match command {
        Command::Sign(args) => sign::run(args, out),
        Command::Send(args) => send::run(args, out),
        Command::Event(args) => event::run(args, out),
    }
}
