//! When two states are equal: when nothing that can follow, and nothing that the checks can say of it, differs.
//!
//! A state is what is left to do (deliveries, faults, steps), the records, what the queue remembers, what each process has
//! cached, what is late, and each invocation that counts: one that lives, that has a request under way, or that has claimed,
//! sent, marked or released. All times are relative to now, and cut off where they no longer matter. Invocations have no
//! numbers: whose claim a record holds is a property of the invocation. One that has ended without an effect is forgotten; its
//! answer was judged when it was given.
//!
//! An invocation's future cannot be looked into. It is a function of what it was given: its delivery, the cached secret, and
//! the results of its calls with their times; these stand for it.

use std::hash::{DefaultHasher, Hash, Hasher};

use webhook_ingest::{ClaimResult, Fenced};

use super::schedule::{Item, Schedule};
use crate::{
    agenda::{Moment, at},
    network::{Effect, Exchange, Operation},
    run::End,
    services::DEDUPLICATES_FOR_MS,
    traffic::Origin,
    world::World,
};

/// A time further back makes no difference: longer than any record lives, and all clocks are apart.
const PAST_MS: u64 = 700_000;
/// A lease or a record that has been over for so long is over by every clock.
const OVER_MS: i64 = 7_000;
/// An instance asks for a newer secret no more often.
const BETWEEN_REFETCHES_MS: u64 = 10_000;
/// For so long it uses what it has fetched.
const FRESH_MS: u64 = 300_000;

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What an invocation has done, as far as the checks ask.
#[derive(Clone, Copy, Default)]
struct Marks {
    granted: Option<Moment>,
    sent: Option<Moment>,
    recorded: Option<Moment>,
    released: Option<Moment>,
    ended: Option<Moment>,
    completes_from: Option<u64>,
}

impl Marks {
    fn count(&self) -> bool {
        self.granted.is_some() || self.sent.is_some() || self.recorded.is_some() || self.released.is_some()
    }

    fn moments(&self) -> [Option<Moment>; 5] {
        [self.granted, self.sent, self.recorded, self.released, self.ended]
    }
}

impl Schedule<'_> {
    /// The state between two steps, as a number: equal for equal states. Of two that differ it is equal by an accident of one
    /// in 2^64.
    pub(super) fn state(&self) -> u64 {
        let world = self.world.lock();
        let now_ms = world.agenda.now_ms();
        let marks = self.marks(&world);
        let mut order: Vec<Moment> = marks.iter().flat_map(Marks::moments).flatten().collect();
        order.sort_unstable();

        let mut invocations: Vec<u64> = (0..self.invocations.len())
            .filter_map(|number| self.invocation(&world, number, &marks[number], &order))
            .collect();
        invocations.sort_unstable();
        let mut slots = [0, 1].map(|slot| self.slot(&world, slot));
        if self.scope.second_ahead_ms == 0 {
            slots.sort_unstable();
        }
        let events: Vec<_> = (0..self.scope.events).map(|event| self.event(event, now_ms)).collect();
        hash((
            (self.faults_left, self.forgeries_left, self.rotations_left, self.steps_left, now_ms % 1000),
            events,
            records(&world),
            known(&world),
            slots,
            invocations,
        ))
    }

    fn event(&self, event: usize, now_ms: u64) -> u64 {
        let first = self.first[event].as_ref().map(|first| {
            let age_ms = self.events[event].signs_time().then(|| (now_ms - first.made_ms).min(PAST_MS));
            (first.newer_key, age_ms)
        });
        hash((self.deliveries_left[event], self.answered[event], first))
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
            mark.get_or_insert(*at);
        }
        marks
    }

    /// `None` if it does not count any more.
    fn invocation(&self, world: &World, number: usize, marks: &Marks, order: &[Moment]) -> Option<u64> {
        let now_ms = world.agenda.now_ms();
        let invocation = &self.invocations[number];
        let alive = invocation.task.is_some();
        let mut late: Vec<_> = self.late.iter().filter_map(|&(at_ms, item)| {
            let (Item::NoReply(exchange) | Item::Arrival(exchange)) = item else { return None };
            let entry = &world.network.exchanges[exchange];
            let kind = matches!(item, Item::Arrival(_));
            (entry.invocation == number).then(|| (at_ms - now_ms, kind, entry.operation as u8, now_ms - entry.left.ms))
        }).collect();
        if !alive && !marks.count() && late.is_empty() {
            return None;
        }
        late.sort_unstable();
        let age_ms = |ms: u64| (now_ms - ms).min(PAST_MS);
        let place = |moment: Option<Moment>| {
            moment.map(|moment| (age_ms(moment.ms), order.binary_search(&moment).unwrap_or_default()))
        };
        let token = format!("claim-{number}");
        let owns: Vec<_> = owned(world, &token);
        let all = alive || !late.is_empty();
        let exchanges: Vec<u64> = world
            .network
            .exchanges
            .iter()
            .filter(|exchange| exchange.invocation == number)
            .filter(|exchange| all || matches!(exchange.operation, Operation::Send | Operation::Complete))
            .map(|exchange| self.exchange(exchange, all.then_some(now_ms), marks.ended))
            .collect();
        let mut timers: Vec<_> = world
            .timers
            .iter()
            .filter(|timer| timer.invocation == number)
            .map(|timer| timer.until_ms - now_ms)
            .collect();
        timers.sort_unstable();
        let sent = &invocation.sent;
        let origin = match sent.origin {
            Origin::Honest => 0,
            Origin::Replayed => 1,
            Origin::Forged(_) => 2,
        };
        let given = all.then(|| {
            let made = self.events[sent.event].signs_time().then(|| age_ms(sent.made_ms));
            (invocation.instance, age_ms(invocation.arrived.ms), sent.newer_key, made, alive)
        });
        let died = matches!(invocation.end, Some((_, End::Crashed | End::Killed)));
        let done = (marks.moments().map(place), marks.completes_from.map(age_ms));
        let instance = given.map(|given| if self.scope.second_ahead_ms == 0 { (0, given.1, given.2, given.3, given.4) } else { given });
        Some(hash((sent.event, origin, instance, died, done, owns, exchanges, late, timers)))
    }

    /// `now_ms`: with its times.
    fn exchange(&self, exchange: &Exchange, now_ms: Option<u64>, ended: Option<Moment>) -> u64 {
        let effect = exchange.effect.as_ref().map(|(at, effect)| {
            let effect = match effect {
                Effect::Claimed { result: ClaimResult::Claimed { .. }, .. } => 1,
                Effect::Claimed { result: ClaimResult::InProgress { .. }, .. } => 2,
                Effect::Claimed { result: ClaimResult::Enqueued { .. }, .. } => 3,
                Effect::Completed(Fenced::Applied) | Effect::Released(Fenced::Applied) => 4,
                Effect::Completed(Fenced::NotOwner) | Effect::Released(Fenced::NotOwner) => 5,
                Effect::Sent { .. } => 6,
                Effect::Fetched(vault) => 7 + usize::from(vault.previous.is_some()),
                Effect::Looked(ClaimResult::Claimed { .. }) => 9,
                Effect::Looked(_) => 10,
            };
            (effect, ended.is_none_or(|ended| *at < ended))
        });
        let result = exchange.result.map(|(at, good)| (now_ms.map(|now_ms| now_ms - at.ms), good));
        let left = now_ms.map(|now_ms| now_ms - exchange.left.ms);
        let undecided = exchange.request.is_some() || (exchange.result.is_none() && exchange.abandoned.is_none());
        hash((exchange.operation as u8, exchange.fate as u8, effect, result, left, undecided))
    }

    /// What the process in a slot has cached: its last good fetch, and the fetches that keep it from asking again.
    fn slot(&self, world: &World, slot: usize) -> u64 {
        let now_ms = world.agenda.now_ms();
        let Some(_) = &self.slots[slot].handler else { return 0 };
        let generation = self.slots[slot].generation;
        let fetches = || {
            let exchanges = world.network.exchanges.iter();
            exchanges.filter(move |exchange| {
                exchange.operation == Operation::Fetch && self.generation_of[exchange.invocation] == generation
            })
        };
        let age_ms = |exchange: &Exchange| now_ms - self.invocations[exchange.invocation].arrived.ms;
        let version = |exchange: &Exchange| {
            let Some((_, Effect::Fetched(vault))) = &exchange.effect else { return 0 };
            1 + u8::from(vault.previous.is_some())
        };
        let good = |exchange: &&Exchange| exchange.result.is_some_and(|(_, good)| good);
        let last = fetches().filter(good).last().map(|last| (age_ms(last).min(FRESH_MS), version(last)));
        let recent: Vec<_> = fetches()
            .filter(|exchange| age_ms(exchange) < BETWEEN_REFETCHES_MS)
            .map(|exchange| (age_ms(exchange), good(&exchange), version(exchange)))
            .collect();
        let invocation = self.invocations.iter().enumerate().find(|(number, invocation)| {
            invocation.task.is_some() && self.generation_of[*number] == generation
        });
        let busy = invocation.map(|(number, invocation)| {
            let calls = world.network.exchanges.iter().filter(|exchange| exchange.invocation == number).count();
            (age_ms_of(now_ms, invocation.arrived), calls, invocation.sent.event)
        });
        // Whether it has fetched at all, and more than once: a variant looks at that.
        1 + hash((last, recent, busy, fetches().count().min(2)))
    }
}

fn age_ms_of(now_ms: u64, moment: Moment) -> u64 {
    now_ms - moment.ms
}

/// The records, by their keys.
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
    let own = places.filter(|(_, record)| record.as_ref().is_some_and(|record| record.token.as_str() == token));
    let mut own: Vec<_> = own.map(|(place, _)| world.table.id(place)).collect();
    own.sort_unstable();
    own
}

/// What the queue remembers, by the key.
fn known(world: &World) -> Vec<(&str, u64)> {
    let now_ms = world.agenda.now_ms();
    let mut known: Vec<_> = world
        .queue
        .known
        .iter()
        .map(|(key, &message)| (key.as_str(), (now_ms - world.queue.messages[message].at.ms).min(DEDUPLICATES_FOR_MS)))
        .collect();
    known.sort_unstable();
    known
}
