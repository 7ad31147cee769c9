//! What must hold in every schedule: what the other simulation checks, and more, which can be said
//! because every schedule is walked.
//!
//! The window of promise 3 is asserted in both directions. An event is on the queue twice if and
//! only if
//!
//! 1. it was on the queue,
//! 2. its record does not say so when another attempt claims it, and
//! 3. that attempt's send reaches the queue over five minutes after the message before.

use std::fmt;

use webhook_ingest::{ClaimResult, Fenced, Outcome};

use super::schedule::Ended;
use crate::{
    agenda::Moment,
    checks::{Counts, Violation, check_so_far},
    network::{Effect, Fate, Operation},
    run::End,
    services::DEDUPLICATES_FOR_MS,
};

/// What is wrong with a schedule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Broken {
    Promise(Violation),
    /// A delivery that was refused, or told that its event is in flight or queued, has changed
    /// something.
    RefusedChanges {
        invocation: usize,
    },
    /// An event is on the queue twice outside of the window.
    OutsideWindow {
        message: usize,
    },
    /// An attempt in the window does not queue the event again.
    NotTwice {
        invocation: usize,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise(violation) => violation.fmt(f),
            Self::RefusedChanges { invocation } => {
                write!(f, "#{invocation} is not let through, and changes something")
            }
            Self::OutsideWindow { message } => {
                write!(f, "message {message} is a second one, outside of the window")
            }
            Self::NotTwice { invocation } => {
                write!(f, "#{invocation} is in the window, and does not queue the event again")
            }
        }
    }
}

/// The attempt came within the five minutes, but its send reached the queue after them.
pub(crate) const CAME_EARLIER: &str = "second message, by an attempt that came within five minutes";
pub(crate) const CAME_LATER: &str = "second message, by an attempt that came after five minutes";

/// Judges a schedule, as far as it goes.
pub(crate) fn judge(ended: &Ended, counts: &mut Counts) -> Result<(), Broken> {
    check_so_far(&ended.finished, counts).map_err(Broken::Promise)?;
    refused_change_nothing(ended)?;
    only_in_window(ended, counts)?;
    always_in_window(ended)
}

fn refused_change_nothing(ended: &Ended) -> Result<(), Broken> {
    for (number, invocation) in ended.finished.invocations.iter().enumerate() {
        let Some((at, End::Answered(outcome))) = &invocation.end else { continue };
        let own = ended.finished.exchanges.iter().filter(|exchange| exchange.invocation == number);
        // A delivery that found its event in flight or queued may have claimed it earlier: by a
        // request whose reply was lost, and whose lease ended.
        let refused = !matches!(outcome, Outcome::Duplicate { .. } | Outcome::InProgress { .. });
        let changes = |effect: &Effect| match effect {
            Effect::Claimed { result, .. } => {
                refused && matches!(result, ClaimResult::Claimed { .. })
            }
            Effect::Completed(fenced) | Effect::Released(fenced) => *fenced == Fenced::Applied,
            Effect::Sent { .. } => true,
            Effect::Looked(_) | Effect::Fetched(_) => false,
        };
        let mut effective =
            own.filter(|exchange| exchange.effect.as_ref().is_some_and(|(when, _)| when < at));
        let let_through = matches!(outcome, Outcome::Accepted { .. } | Outcome::Unavailable(_));
        if !let_through
            && effective
                .any(|exchange| exchange.effect.as_ref().is_some_and(|(_, effect)| changes(effect)))
        {
            return Err(Broken::RefusedChanges { invocation: number });
        }
    }
    Ok(())
}

/// Returns the places of the messages of each event, in order.
fn messages(ended: &Ended) -> impl Iterator<Item = Vec<usize>> {
    let run = &ended.finished;
    run.events.iter().map(|event| {
        let own = run.messages.iter().enumerate().filter(|(_, message)| event.is_in(&message.body));
        own.map(|(place, _)| place).collect()
    })
}

fn only_in_window(ended: &Ended, counts: &mut Counts) -> Result<(), Broken> {
    for messages in messages(ended) {
        for pair in messages.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(|place| &ended.finished.messages[place]);
            let arrival = ended.arrivals[second.invocation];
            if arrival.recorded_at_claim || second.at.ms - first.at.ms < DEDUPLICATES_FOR_MS {
                return Err(Broken::OutsideWindow { message: pair[1] });
            }
            let came_ms = arrival.queued_for_ms.unwrap_or(0);
            *counts
                .entry(if came_ms < DEDUPLICATES_FOR_MS { CAME_EARLIER } else { CAME_LATER })
                .or_default() += 1;
        }
    }
    Ok(())
}

fn always_in_window(ended: &Ended) -> Result<(), Broken> {
    let run = &ended.finished;
    for (number, invocation) in run.invocations.iter().enumerate() {
        let arrival = ended.arrivals[number];
        let late_enough = arrival.queued_for_ms.is_some_and(|ms| ms >= DEDUPLICATES_FOR_MS);
        if !late_enough || arrival.recorded || arrival.leased || !arrival.alone {
            continue;
        }
        let Some((at, End::Answered(_))) = &invocation.end else { continue };
        let overtaken = |&(began, _): &(Moment, usize)| invocation.arrived < began && began < *at;
        let others =
            run.invocations.iter().enumerate().map(|(other, entry)| (entry.arrived, other));
        let own = || run.exchanges.iter().filter(|exchange| exchange.invocation == number);
        // A delivery that is refused, or cannot be verified for lack of a secret, claims nothing.
        let undisturbed = own().any(|exchange| exchange.operation == Operation::Claim)
            && own().all(|exchange| exchange.fate == Fate::Fine)
            && !others.filter(|&(_, other)| other != number).any(|other| overtaken(&other));
        if undisturbed && !run.messages.iter().any(|message| message.invocation == number) {
            return Err(Broken::NotTwice { invocation: number });
        }
    }
    Ok(())
}
