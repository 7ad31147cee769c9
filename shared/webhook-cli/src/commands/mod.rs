//! One file for each command. A command writes its result to `out`, and says whether the answer was yes.

mod event;
mod pinwheel;
mod record;
mod redrive;
mod replay;
mod send;
mod sign;

use std::io::Write;

use crate::{Command, Error};

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// As wished.
    Done,
    /// The answer was no: not a 2xx, no such record.
    Refused,
}

pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<Outcome, Error> {
    match command {
        Command::Sign(args) => sign::run(args, out),
        Command::Send(args) => send::run(args, out),
        Command::Event(args) => event::run(args, out),
        Command::Record(args) => record::run(args, out),
        Command::Redrive(args) => redrive::run(args, out),
        Command::Replay(args) => replay::run(args, out),
        Command::Pinwheel(args) => pinwheel::run(args, out),
    }
}
