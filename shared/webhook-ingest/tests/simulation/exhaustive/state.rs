//! Two states are equal if nothing that can follow differs, and nothing that the checks can say
//! about it.
//!
//! A state is what is left to do (deliveries, faults, steps), the records, what the queue
//! remembers, what each process has cached, what is late, and each invocation that counts: one that
//! is alive, that has a request under way, or that has claimed, sent, marked or released. All times
//! are relative to now, and cut off where they no longer matter. Invocations have no numbers: which
//! records are its own is a property of the invocation. One that has ended without an effect is
//! forgotten; its outcome was judged when it ended.
//!
//! The `Future` of an invocation cannot be looked into. But it is determined by what it was given:
//! its delivery, the cached secret, and the results of its calls with their times. These stand for
//! it.

use std::hash::{DefaultHasher, Hash, Hasher};

use webhook_ingest::{ClaimResult, Fenced};

use super::schedule::{Item, Schedule};
use crate::{
    agenda::{Moment, at},
    flaws::Flaw,
    network::{Effect, Exchange, Fate, Operation, Request},
    run::End,
    services::DEDUPLICATES_FOR_MS,
    traffic::Origin,
    world::World,
};

/// A time further back makes no difference: this is longer than any record is kept, plus what the
/// clocks differ by.
const PAST_MS: u64 = 700_000;
/// A lease or a record that has been over for this long is over by every clock.
const OVER_MS: i64 = 7_000;
/// The shortest time between two refetches of a secret by one instance.
const BETWEEN_REFETCHES_MS: u64 = 10_000;

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What an invocation has done, as far as the checks need it.
#[derive(Clone, Copy, Default)]
struct Marks {
    granted: Option<Moment>,
    sent: Option<Moment>,
    recorded: Option<Moment>,
    released: Option<Moment>,
    ended: Option<Moment>,
    /// When it first called `complete`, in milliseconds.
    completes_from: Option<u64>,
}

impl Marks {
    fn count(&self) -> bool {
        self.granted.is_some()
            || self.sent.is_some()
            || self.recorded.is_some()
            || self.released.is_some()
    }

    fn moments(&self) -> [Option<Moment>; 5] {
        [self.granted, self.sent, self.recorded, self.released, self.ended]
    }
}

/// The requests of one kind that one invocation has made.
#[derive(Clone, Copy, Default, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
struct Calls {
    /// How many there were in a row, if the invocation's last request was of this kind.
    now: usize,
    any: bool,
    any_good: bool,
    any_fine: bool,
    any_faulty: bool,
    any_effect_alive: bool,
    /// Of a broken store: it has read the record, and writes it next.
    any_look: bool,
}

impl Schedule<'_> {
    /// Returns the state between two steps as a number. Equal states have equal numbers; two
    /// different states have equal numbers with a chance of one in 2^64.
    pub(super) fn state(&self) -> u64 {
        let world = self.world.lock();
        let now_ms = world.agenda.now_ms();
        let marks = self.marks(&world);
        let counts = |(number, marks): (usize, &Marks)| {
            marks.count()
                || self.invocations[number].task.is_some()
                || !self.late(&world, number).is_empty()
        };
        let counting = marks.iter().enumerate().filter(|&counted| counts(counted));
        let mut order: Vec<Moment> =
            counting.flat_map(|(_, marks)| marks.moments()).flatten().collect();
        order.sort_unstable();

        let mut slots = [0, 1].map(|slot| self.slot(&world, slot, &marks, &order));
        if self.scope.second_ahead_ms == 0 {
            slots.sort_unstable();
        }
        let mut over: Vec<u64> = (0..self.invocations.len())
            .filter(|&number| self.invocations[number].task.is_none())
            .filter_map(|number| self.over(&world, number, &marks[number], &order))
            .collect();
        over.sort_unstable();
        let events: Vec<_> =
            (0..self.scope.events).map(|event| self.event(&world, event)).collect();
        let steps_left = if self.bounds.steps == u32::MAX { 0 } else { self.steps_left };
        hash((
            (
                self.faults_left,
                self.forgeries_left,
                self.rotations_left,
                self.in_all_left,
                steps_left,
                now_ms % 1000,
            ),
            (events, records(&world), known(&world)),
            (slots, over),
        ))
    }

    fn event(&self, world: &World, event: usize) -> u64 {
        let age_ms = |ms: u64| (world.agenda.now_ms() - ms).min(PAST_MS);
        let first = self.first[event].as_ref().map(|first| {
            (first.newer_key, self.events[event].signs_time().then(|| age_ms(first.made_ms)))
        });
        let mut messages = world.queue.messages.iter().rev();
        let newest = messages
            .find(|message| self.events[event].is_in(&message.body))
            .map(|newest| age_ms(newest.at.ms));
        hash((self.deliveries_left[event], self.answered[event], first, newest))
    }

    fn marks(&self, world: &World) -> Vec<Marks> {
        let mut marks = vec![Marks::default(); self.invocations.len()];
        for (invocation, marks) in self.invocations.iter().zip(&mut marks) {
            marks.ended = invocation.end.as_ref().map(|&(at, _)| at);
        }
        for exchange in &world.network.exchanges {
            let marks = &mut marks[exchange.invocation];
            if exchange.operation == Operation::Complete {
                marks.completes_from.get_or_insert(exchange.left.ms);
            }
            let Some((at, effect)) = &exchange.effect else { continue };
            let mark = match effect {
                Effect::Claimed { result: ClaimResult::Claimed { .. }, .. } => &mut marks.granted,
                Effect::Completed(Fenced::Applied) => &mut marks.recorded,
                Effect::Sent { .. } => &mut marks.sent,
                Effect::Released(Fenced::Applied) => &mut marks.released,
                _ => continue,
            };
            *mark = Some(mark.map_or(*at, |known| known.min(*at)));
        }
        marks
    }

    /// Returns what still matters about an invocation that is over; `None` if nothing does.
    fn over(&self, world: &World, number: usize, marks: &Marks, order: &[Moment]) -> Option<u64> {
        let late = self.late(world, number);
        if !marks.count() && late.is_empty() {
            return None;
        }
        let calls = self.calls(world, number);
        let died = matches!(self.invocations[number].end, Some((_, End::Crashed | End::Killed)));
        let done = Self::done(world, number, marks, order);
        let event = self.invocations[number].sent.event;
        // While one of its requests is late, what the checks will say is still open.
        let calls = if late.is_empty() { hash(doubt(&calls, died)) } else { hash((calls, died)) };
        Some(hash((event, done, calls, late)))
    }

    /// Returns the state of an invocation that is alive.
    fn alive(&self, world: &World, number: usize, marks: &Marks, order: &[Moment]) -> u64 {
        let now_ms = world.agenda.now_ms();
        let sent = &self.invocations[number].sent;
        let origin = match sent.origin {
            Origin::Honest => 0,
            Origin::Replayed => 1,
            Origin::Forged(_) => 2,
        };
        let made =
            self.events[sent.event].signs_time().then(|| (now_ms - sent.made_ms).min(PAST_MS));
        let arrived = now_ms - self.invocations[number].arrived.ms;
        let mut timers: Vec<_> =
            world.timers.iter().filter(|timer| timer.invocation == number).collect();
        timers.sort_unstable_by_key(|timer| timer.until_ms);
        let timers: Vec<_> = timers.iter().map(|timer| timer.until_ms - now_ms).collect();
        let mut own = world
            .network
            .exchanges
            .iter()
            .enumerate()
            .filter(|(_, exchange)| exchange.invocation == number);
        let last = own.next_back().map(|(place, exchange)| {
            let undecided = world
                .network
                .undecided
                .as_ref()
                .is_some_and(|undecided| undecided.contains(&place));
            (exchange.operation as u8, undecided, exchange.result.is_some(), exchange.fate as u8)
        });
        let given = (sent.event, origin, sent.newer_key, made, arrived, self.judged(world, number));
        let done = Self::done(world, number, marks, order);
        hash((given, done, self.calls(world, number), last, self.late(world, number), timers))
    }

    /// Returns what the checks of the window know about an invocation that is alive.
    fn judged(&self, world: &World, number: usize) -> (bool, bool) {
        let arrival = self.arrivals[number];
        let late_enough = arrival.queued_for_ms.is_some_and(|ms| ms >= DEDUPLICATES_FOR_MS);
        let in_window = late_enough && !arrival.recorded && !arrival.leased && arrival.alone;
        let mut own =
            world.network.exchanges.iter().filter(|exchange| exchange.invocation == number);
        // If it does not have the highest number, another has arrived since.
        let undisturbed =
            own.all(|exchange| exchange.fate == Fate::Fine) && number + 1 == self.invocations.len();
        (arrival.recorded_at_claim, in_window && undisturbed)
    }

    /// Returns where the things that an invocation has done are in the order of what all have done,
    /// and which records are its own.
    fn done(world: &World, number: usize, marks: &Marks, order: &[Moment]) -> u64 {
        let now_ms = world.agenda.now_ms();
        let places =
            marks.moments().map(|moment| moment.map(|moment| order.binary_search(&moment)));
        let completes_from = marks.completes_from.map(|ms| (now_ms - ms).min(PAST_MS));
        hash((places, completes_from, owned(world, &format!("claim-{number}"))))
    }

    fn late(&self, world: &World, number: usize) -> Vec<(u64, u8, u8, u64)> {
        let now_ms = world.agenda.now_ms();
        let late = self.late.iter().filter_map(|&(at_ms, item)| {
            let (Item::NoReply(exchange) | Item::Arrival(exchange)) = item else { return None };
            let entry = &world.network.exchanges[exchange];
            let arrives = match (item, &entry.request) {
                (Item::Arrival(_), Some(Request::Look { .. })) => 2,
                (Item::Arrival(_), _) => 1,
                _ => 0,
            };
            // A late claim has the time at which its delivery arrived.
            let age_ms = now_ms - self.invocations[number].arrived.ms;
            (entry.invocation == number).then_some((
                at_ms - now_ms,
                arrives,
                entry.operation as u8,
                age_ms,
            ))
        });
        let mut late: Vec<_> = late.collect();
        late.sort_unstable();
        late
    }

    fn calls(&self, world: &World, number: usize) -> [Calls; 5] {
        let ended = self.invocations[number].end.as_ref().map(|&(at, _)| at);
        let mut calls = [Calls::default(); 5];
        let mut last = None;
        for exchange in
            world.network.exchanges.iter().filter(|exchange| exchange.invocation == number)
        {
            let kind = &mut calls[exchange.operation as usize];
            if last != Some(exchange.operation) {
                kind.now = 0;
            }
            last = Some(exchange.operation);
            kind.now += 1;
            kind.any = true;
            kind.any_good |= exchange.result.is_some_and(|(_, good)| good);
            kind.any_fine |= exchange.fate == Fate::Fine;
            kind.any_faulty |= exchange.fate != Fate::Fine;
            kind.any_look |= matches!(exchange.effect, Some((_, Effect::Looked(_))))
                && exchange.result.is_some();
            kind.any_effect_alive |= exchange
                .effect
                .as_ref()
                .is_some_and(|(at, _)| ended.is_none_or(|ended| *at < ended));
        }
        // Of calls that are over, the checks need only the results of sends and completes, and
        // never how many there were.
        for (operation, kind) in calls.iter_mut().enumerate() {
            let matters =
                [Operation::Send as usize, Operation::Complete as usize].contains(&operation);
            if last.is_some_and(|last| last as usize != operation) {
                *kind = if matters { Calls { now: 0, ..*kind } } else { Calls::default() };
            }
        }
        calls
    }

    /// Returns what the process in a slot has cached, and the invocation that runs in it.
    fn slot(&self, world: &World, slot: usize, marks: &[Marks], order: &[Moment]) -> u64 {
        let now_ms = world.agenda.now_ms();
        if self.slots[slot].handler.is_none() {
            return 0;
        }
        let generation = self.slots[slot].generation;
        let exchanges = world.network.exchanges.iter();
        let fetches: Vec<_> = exchanges
            .filter(|exchange| {
                exchange.operation == Operation::Fetch
                    && self.generation_of[exchange.invocation] == generation
            })
            .collect();
        let version = |exchange: &Exchange| {
            let Some((_, Effect::Fetched(vault))) = &exchange.effect else { return 0 };
            1 + u8::from(vault.previous.is_some())
        };
        let good = |exchange: &Exchange| exchange.result.is_some_and(|(_, good)| good);
        let first_good = fetches.iter().position(|&exchange| good(exchange));
        let cached = fetches
            .iter()
            .rev()
            .find(|&&exchange| good(exchange))
            .map(|&exchange| version(exchange));
        // The first good fetch does not delay a refetch.
        let recent: Vec<_> = fetches
            .iter()
            .enumerate()
            .filter(|&(place, _)| Some(place) != first_good)
            .map(|(_, exchange)| {
                (now_ms - self.invocations[exchange.invocation].arrived.ms, good(exchange))
            })
            .filter(|&(age_ms, _)| age_ms < BETWEEN_REFETCHES_MS)
            .collect();
        let mut alive = (0..self.invocations.len()).filter(|&number| {
            self.invocations[number].task.is_some() && self.generation_of[number] == generation
        });
        let alive = alive.next().map(|number| self.alive(world, number, &marks[number], order));
        // Whether the process has fetched before matters only to this flaw.
        let again = self.bounds.flaw == Some(Flaw::RefetchReplacesPrevious) && first_good.is_some();
        1 + (hash((cached, recent, alive, again)) >> 1)
    }
}

/// Returns what the checks would say about an invocation that is over if its event were queued
/// again.
fn doubt(calls: &[Calls; 5], died: bool) -> u8 {
    let [send, complete] =
        [Operation::Send, Operation::Complete].map(|operation| calls[operation as usize]);
    match () {
        () if complete.any_effect_alive => 1,
        () if died => 2,
        () if !send.any_good => 3 + u8::from(send.any_faulty),
        () if !complete.any => 5,
        () => 6 + u8::from(complete.any_fine),
    }
}

/// Returns the records, by their keys.
fn records(world: &World) -> Vec<(&str, u8, i64, i64)> {
    let now = at(world.agenda.now_ms(), 0);
    let mut records: Vec<_> = world
        .table
        .records
        .iter()
        .enumerate()
        .filter_map(|(place, record)| {
            let record = record.as_ref()?;
            let lease = (record.lease_expires_at_ms - now.0).max(-OVER_MS);
            let expiry = (record.expires_at_s * 1000 - now.0).max(-OVER_MS);
            Some((world.table.id(place), record.status as u8, lease, expiry))
        })
        .collect();
    records.sort_unstable();
    records
}

fn owned<'w>(world: &'w World, token: &str) -> Vec<&'w str> {
    let places = world.table.records.iter().enumerate();
    let own = places
        .filter(|(_, record)| record.as_ref().is_some_and(|record| record.token.as_str() == token));
    let mut own: Vec<_> = own.map(|(place, _)| world.table.id(place)).collect();
    own.sort_unstable();
    own
}

/// Returns what the queue remembers, by the keys.
fn known(world: &World) -> Vec<(&str, u64)> {
    let now_ms = world.agenda.now_ms();
    let mut known: Vec<_> = world
        .queue
        .known
        .iter()
        .map(|(key, &message)| {
            (key.as_str(), (now_ms - world.queue.messages[message].at.ms).min(DEDUPLICATES_FOR_MS))
        })
        .collect();
    known.sort_unstable();
    known
}
