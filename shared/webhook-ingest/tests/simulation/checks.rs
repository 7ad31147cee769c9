//! What must hold after every run, judged from the run's own history.
//!
//! An event may be on the queue a second time in only two cases, and the history must show one of
//! them:
//!
//! - *A new event.* The record was marked as enqueued and its retention is over, so an equal event
//!   is a new one. This does not excuse a captured delivery whose signature has a time: it must
//!   have become too old before the record expired.
//! - *The window.* The record is not marked, and each invocation that sent the event before has a
//!   reason why it could not mark it: it died, the reply to its send was lost, or each of its
//!   `complete`s failed. On a FIFO queue, the message before is at least five minutes old, or the
//!   queue would have dropped the second one.

use std::{collections::BTreeMap, fmt};

use webhook_ingest::{ClaimResult, Fenced, Outcome};

use crate::{
    agenda::Moment,
    network::{Effect, Exchange, Fate, Operation},
    run::{End, Finished, MOST_ATTEMPTS, status},
    services::DEDUPLICATES_FOR_MS,
    traffic::Origin,
};

/// A broken promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Violation {
    AnsweredAndNotQueued { invocation: usize },
    NeverQueued { event: usize },
    NeverAnswered { sender: usize },
    Forged { message: usize },
    ForgedTouches { invocation: usize },
    HonestRefused { invocation: usize },
    Twice { event: usize, message: usize, why: &'static str },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnsweredAndNotQueued { invocation } => {
                write!(f, "#{invocation} was answered 200, and its event is not on the queue")
            }
            Self::NeverQueued { event } => write!(f, "honest event e{event} is not on the queue"),
            Self::NeverAnswered { sender } => {
                write!(f, "sender s{sender} has tried {MOST_ATTEMPTS} times without a 200")
            }
            Self::Forged { message } => write!(f, "nobody signed what message {message} carries"),
            Self::ForgedTouches { invocation } => {
                write!(f, "#{invocation} is forged, and got further than the verification")
            }
            Self::HonestRefused { invocation } => {
                write!(f, "#{invocation} is honest, and got a 4xx for good")
            }
            Self::Twice { event, message, why } => {
                write!(f, "e{event} is on the queue again as message {message}: {why}")
            }
        }
    }
}

/// Why an invocation that has sent an event could not mark its record.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Doubt {
    Died,
    ReplyLost,
    CompleteFailed,
}

impl Doubt {
    pub(crate) const ALL: [Self; 3] = [Self::Died, Self::ReplyLost, Self::CompleteFailed];

    /// Returns the name under which doubles on a FIFO queue are counted if this excuses them.
    pub(crate) fn window(self) -> &'static str {
        match self {
            Self::Died => "window: died after its send",
            Self::ReplyLost => "window: the reply to its send was lost",
            Self::CompleteFailed => "window: its complete failed for good",
        }
    }
}

/// The name of a double on a standard queue, which does not deduplicate.
const STANDARD: &str = "double on a standard queue";

/// How often each outcome and each excuse occurred.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// Records expire at whole seconds.
const SECOND_MS: u64 = 1_000;
/// How far ahead a signature may be dated.
const FUTURE_MS: u64 = 300_000;
/// The shortest time between two refetches of a secret by one instance.
const BETWEEN_REFETCHES_MS: u64 = 10_000;

/// What the requests of one invocation did.
#[derive(Default)]
struct Facts<'r> {
    exchanges: Vec<&'r Exchange>,
    granted: Option<Moment>,
    recorded: Option<Moment>,
    /// When it first called `complete`: the record's retention counts from then.
    completes_from_ms: Option<u64>,
    sent: Option<Moment>,
    released: Option<Moment>,
}

struct Checker<'r> {
    run: &'r Finished,
    facts: Vec<Facts<'r>>,
    /// The event in each message.
    carried: Vec<Option<usize>>,
}

/// Checks a run that may not be over: its senders may still have to try again.
pub(crate) fn check_so_far(run: &Finished, counts: &mut Counts) -> Result<(), Violation> {
    Checker::new(run).check_so_far(counts)
}

/// Checks a run that is over.
pub(crate) fn check(run: &Finished, counts: &mut Counts) -> Result<(), Violation> {
    let checker = Checker::new(run);
    checker.check_so_far(counts)?;
    for (number, sender) in run.senders.iter().enumerate() {
        if !sender.done {
            return Err(Violation::NeverAnswered { sender: number });
        }
        if !checker.carried.contains(&Some(sender.event)) {
            return Err(Violation::NeverQueued { event: sender.event });
        }
    }
    Ok(())
}

impl<'r> Checker<'r> {
    fn new(run: &'r Finished) -> Self {
        let mut facts: Vec<Facts<'r>> = Vec::new();
        facts.resize_with(run.invocations.len(), Facts::default);
        for exchange in &run.exchanges {
            let facts = &mut facts[exchange.invocation];
            facts.exchanges.push(exchange);
            if exchange.operation == Operation::Complete {
                facts.completes_from_ms.get_or_insert(exchange.left.ms);
            }
            let Some((at, effect)) = &exchange.effect else { continue };
            let first = |moment: &mut Option<Moment>| {
                *moment = Some(moment.map_or(*at, |known| known.min(*at)));
            };
            match effect {
                Effect::Claimed { result: ClaimResult::Claimed { .. }, .. } => {
                    first(&mut facts.granted);
                }
                Effect::Completed(Fenced::Applied) => first(&mut facts.recorded),
                Effect::Sent { .. } => first(&mut facts.sent),
                Effect::Released(Fenced::Applied) => first(&mut facts.released),
                _ => {}
            }
        }
        let carried = run
            .messages
            .iter()
            .map(|message| run.events.iter().position(|event| event.is_in(&message.body)))
            .collect();
        Self { run, facts, carried }
    }

    fn check_so_far(&self, counts: &mut Counts) -> Result<(), Violation> {
        self.nothing_forged_gets_through()?;
        for (invocation, entry) in self.run.invocations.iter().enumerate() {
            if let Some((at, End::Answered(outcome))) = &entry.end {
                self.answer_is_right(invocation, *at, outcome, counts)?;
            }
        }
        (0..self.run.events.len()).try_for_each(|event| self.nothing_is_twice(event, counts))
    }

    fn nothing_forged_gets_through(&self) -> Result<(), Violation> {
        if let Some(message) = self.carried.iter().position(Option::is_none) {
            return Err(Violation::Forged { message });
        }
        let touches = self.run.exchanges.iter().find(|exchange| {
            exchange.operation != Operation::Fetch
                && self.run.invocations[exchange.invocation].sent.is_forged()
        });
        touches.map_or(Ok(()), |exchange| {
            Err(Violation::ForgedTouches { invocation: exchange.invocation })
        })
    }

    fn answer_is_right(
        &self,
        invocation: usize,
        at: Moment,
        outcome: &Outcome,
        counts: &mut Counts,
    ) -> Result<(), Violation> {
        let entry = &self.run.invocations[invocation];
        *counts.entry(outcome.name()).or_default() += 1;
        match (entry.sent.origin, status(outcome)) {
            (Origin::Forged(_), 200) => Err(Violation::ForgedTouches { invocation }),
            (_, 200) if !self.is_queued(invocation, at, outcome) => {
                Err(Violation::AnsweredAndNotQueued { invocation })
            }
            (Origin::Honest, 400..=499)
                if status(outcome) != 409 && !self.may_not_know_the_key(invocation) =>
            {
                Err(Violation::HonestRefused { invocation })
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the event that was answered 200 is on the queue itself, and not only an
    /// equal one before it whose record expired long ago.
    fn is_queued(&self, invocation: usize, at: Moment, outcome: &Outcome) -> bool {
        let entry = &self.run.invocations[invocation];
        let event = entry.sent.event;
        let retention_ms = self.run.plan.retention_ms(&self.run.events[event]);
        let longest_ms = self.run.plan.longest_retention_ms(&self.run.events[event]);
        let queued = self.messages(event).filter(|&(_, queued_at)| queued_at < at);
        let Some(newest_ms) = queued.map(|(_, queued_at)| queued_at.ms).max() else { return false };
        if matches!(outcome, Outcome::Duplicate { .. }) {
            // The record of the first delivery must not have expired yet by every clock.
            let from_ms = self
                .recorded(event, None, at)
                .map_or(newest_ms, |(from_ms, _)| from_ms.max(newest_ms));
            return entry.arrived.ms <= from_ms + longest_ms + SECOND_MS + self.slack_ms();
        }
        // A claim after the record has expired by every clock is for a new event, which must have a
        // message of its own.
        let granted = self.facts[invocation].granted.unwrap_or(at);
        let over = self.recorded(event, Some(invocation), granted).filter(|(from_ms, _)| {
            entry.arrived.ms > from_ms + longest_ms + SECOND_MS + self.slack_ms()
        });
        over.is_none_or(|(from_ms, _)| newest_ms >= from_ms + retention_ms - self.slack_ms())
    }

    /// Returns how far apart two clocks may be.
    fn slack_ms(&self) -> u64 {
        let [first, last] = self.run.plan.clocks_ahead_ms;
        first.abs_diff(last)
    }

    /// Returns whether the instance may not know the new secret yet: if it asked for a newer one
    /// just before the operator stored it, it does not ask again for 10 s.
    fn may_not_know_the_key(&self, invocation: usize) -> bool {
        let entry = &self.run.invocations[invocation];
        let stored_ms =
            self.run.plan.rotations_ms[entry.sent.provider].map(|[stored_ms, _]| stored_ms);
        entry.sent.newer_key
            && stored_ms
                .is_some_and(|stored_ms| entry.arrived.ms < stored_ms + BETWEEN_REFETCHES_MS)
    }

    /// Judges each message of an event, except the first, by the one before it.
    fn nothing_is_twice(&self, event: usize, counts: &mut Counts) -> Result<(), Violation> {
        let retention_ms = self.run.plan.retention_ms(&self.run.events[event]);
        // When the claim was granted that began the current occurrence of the event.
        let mut occurrence = Moment::default();
        let mut before: Option<(usize, Moment)> = None;
        for (message, queued_at) in self.messages(event) {
            let by = self.run.messages[message].invocation;
            let Some((message_before, queued_before)) = before.replace((message, queued_at)) else {
                continue;
            };
            let age_ms = queued_at.ms - queued_before.ms;
            let twice = |why| Violation::Twice { event, message, why };
            if self.run.plan.fifo && age_ms < DEDUPLICATES_FOR_MS {
                return Err(twice("within the five minutes in which a FIFO queue would know it"));
            }
            let granted = self.facts[by].granted.ok_or_else(|| twice("sent without a claim"))?;
            let marked = self
                .recorded(event, Some(by), granted)
                .filter(|&(_, claimed)| claimed >= occurrence);
            if let Some((from_ms, _)) = marked {
                if granted.ms + self.slack_ms() < from_ms + retention_ms {
                    return Err(twice("its record was marked, and must not have expired yet"));
                }
                if self.is_stale(by, from_ms) {
                    return Err(twice("a captured delivery outlived the record"));
                }
                occurrence = granted;
                *counts.entry("new event after its record expired").or_default() += 1;
            } else {
                for doubt in self
                    .window(by, granted, occurrence, queued_at, message_before)
                    .map_err(twice)?
                {
                    *counts
                        .entry(if self.run.plan.fifo { doubt.window() } else { STANDARD })
                        .or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Returns whether the invocation handles a captured delivery that should have become too old
    /// before the record expired. The record's retention counts from `from_ms`.
    ///
    /// Retries that were signed again long after `from_ms` do not count: they verify for longer
    /// than the record is kept. That is why the retention must cover the tolerance plus the time
    /// for which a provider retries.
    fn is_stale(&self, invocation: usize, from_ms: u64) -> bool {
        let sent = &self.run.invocations[invocation].sent;
        let event = &self.run.events[sent.event];
        let lives_ms = self.run.plan.settings.tolerance.past.as_secs() * SECOND_MS
            + FUTURE_MS
            + self.slack_ms();
        let retries_ms = self.run.plan.retention_ms(event).saturating_sub(lives_ms);
        event.signs_time()
            && sent.origin == Origin::Replayed
            && sent.made_ms <= from_ms + retries_ms
    }

    /// Returns why each invocation that sent the event before `by` could not mark the record. Fails
    /// if one of them could.
    fn window(
        &self,
        by: usize,
        granted: Moment,
        occurrence: Moment,
        queued_at: Moment,
        message_before: usize,
    ) -> Result<Vec<Doubt>, &'static str> {
        let mut doubts = Vec::new();
        if self.run.messages[message_before].invocation == by {
            let mut sends = self.facts[by]
                .exchanges
                .iter()
                .filter(|exchange| exchange.operation == Operation::Send);
            if sends.all(|exchange| exchange.fate == Fate::Fine) {
                return Err("one invocation sent it twice, although nothing happened to its sends");
            }
            doubts.push(Doubt::ReplyLost);
        }
        let event = self.run.invocations[by].sent.event;
        for (other, facts) in self.facts.iter().enumerate() {
            let same = other != by && self.run.invocations[other].sent.event == event;
            let before = same && facts.sent.is_some_and(|sent| sent < queued_at);
            let Some(theirs) =
                facts.granted.filter(|_| before).filter(|&theirs| theirs >= occurrence)
            else {
                continue;
            };
            // The one that claimed first must have ended, or released its claim, before the other
            // claimed.
            let (first, second) = if theirs < granted { (other, granted) } else { (by, theirs) };
            if self.over(first).is_none_or(|over| over >= second) {
                return Err("two invocations had claimed it at once");
            }
            // If the other claimed second and yet sent first, the send of `by` was still under way.
            doubts.push(if theirs < granted { self.doubt(other)? } else { Doubt::ReplyLost });
        }
        Ok(doubts)
    }

    /// Returns when an invocation ended or released its claim.
    fn over(&self, invocation: usize) -> Option<Moment> {
        let ended = self.run.invocations[invocation].end.as_ref().map(|&(ended, _)| ended);
        [ended, self.facts[invocation].released].into_iter().flatten().min()
    }

    /// Returns why an invocation that has sent its event could not mark the record.
    fn doubt(&self, invocation: usize) -> Result<Doubt, &'static str> {
        let facts = &self.facts[invocation];
        let of = |operation| {
            facts.exchanges.iter().filter(move |exchange| exchange.operation == operation)
        };
        let died =
            matches!(self.run.invocations[invocation].end, Some((_, End::Crashed | End::Killed)));
        let fine = |exchange: &&Exchange| exchange.fate == Fate::Fine;
        let alive = |at: Moment| {
            self.run.invocations[invocation].end.as_ref().is_none_or(|&(ended, _)| at < ended)
        };
        if of(Operation::Complete)
            .any(|exchange| exchange.effect.as_ref().is_some_and(|&(at, _)| alive(at)))
        {
            return Err("it was alive, and found its record taken from it");
        }
        if died {
            return Ok(Doubt::Died);
        }
        if !of(Operation::Send).any(|exchange| exchange.result.is_some_and(|(_, good)| good)) {
            let lost = of(Operation::Send).any(|exchange| !fine(exchange));
            return if lost {
                Ok(Doubt::ReplyLost)
            } else {
                Err("nothing had happened to its send")
            };
        }
        if of(Operation::Complete).next().is_none() {
            return Err("it had not tried to mark the record");
        }
        // What happened to one write of the record can leave no time for the reply to the next.
        let cut_off = |exchange: &Exchange| exchange.result.is_none();
        if of(Operation::Complete).any(|exchange| fine(exchange) && !cut_off(exchange)) {
            return Err("its complete was answered, and had no effect");
        }
        if of(Operation::Complete).any(|exchange| !fine(exchange)) {
            Ok(Doubt::CompleteFailed)
        } else {
            Err("nothing had happened to its complete")
        }
    }

    /// Finds the last invocation that marked the event's record before a moment. Returns when the
    /// record's retention began, and when the claim was granted.
    fn recorded(&self, event: usize, but: Option<usize>, before: Moment) -> Option<(u64, Moment)> {
        let marked = self.facts.iter().enumerate().filter_map(|(invocation, facts)| {
            let recorded = facts.recorded.filter(|&recorded| recorded < before)?;
            let of_event =
                self.run.invocations[invocation].sent.event == event && Some(invocation) != but;
            of_event.then_some((recorded, facts.completes_from_ms?, facts.granted?))
        });
        marked.max().map(|(_, from_ms, granted)| (from_ms, granted))
    }

    fn messages(&self, event: usize) -> impl Iterator<Item = (usize, Moment)> {
        let carried =
            self.carried.iter().enumerate().filter(move |&(_, carried)| *carried == Some(event));
        carried.map(|(message, _)| (message, self.run.messages[message].at))
    }
}
