//! One schedule: the real pipeline in virtual time, with a [`Path`] that decides what chance
//! decides in the other simulation.
//!
//! Calls take no time; time passes only when the schedule says so. A *step* is one of: a delivery
//! arrives; a call is made and gets its fate; the next timed thing happens (a pause ends, a caller
//! has waited long enough, a late request arrives, Lambda kills an invocation). Between two steps
//! every invocation waits.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fastrand::Rng;
use webhook_ingest::{CallError, Status};

use super::{
    scope::{Bounds, CALL_FATES, CLIENT_PATIENCE_MS, CallFate, FETCH_FATES, LATE_MS, Scope},
    walk::{Path, Visit},
};
use crate::{
    agenda::at,
    instances::Handler,
    network::{ExchangeId, Fate, Operation, Request},
    plan::Plan,
    run::{End, Finished, Invocation, status},
    traffic::{Event, Forgery, Origin, Sent},
    world::Shared,
};

/// When a run begins. Not on a full second, so that values in whole seconds do get rounded.
pub(super) const BEGINS_MS: u64 = 700;

/// Something that happens at a given time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Item {
    /// An invocation's timer ends.
    Timer(usize),
    /// Lambda kills an invocation.
    Kill(usize),
    /// The caller has waited long enough for the reply to a request.
    NoReply(ExchangeId),
    /// A late request arrives.
    Arrival(ExchangeId),
}

enum Step {
    Call(ExchangeId),
    Happens(u64, Item),
    Launch { event: usize, origin: Origin, slot: usize, after_ms: u64 },
}

/// A place for one process at a time.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) handler: Option<Arc<dyn Handler>>,
    /// How many processes there were before this one, in both slots.
    pub(super) generation: usize,
    pub(super) busy: bool,
}

/// The situation when a delivery arrived, before it had any effect.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub(crate) struct Arrival {
    /// How long its event had been on the queue.
    pub(crate) queued_for_ms: Option<u64>,
    /// Whether a record that is not expired, by the clock of the instance, said that the event is
    /// on the queue.
    pub(crate) recorded: bool,
    /// Whether the lease of another delivery held, by the clock of the instance.
    pub(crate) leased: bool,
    /// Whether nothing else was in flight or late.
    pub(crate) alone: bool,
    /// Set later: whether the record said so when the delivery last claimed.
    pub(crate) recorded_at_claim: bool,
}

pub(super) struct Schedule<'p> {
    pub(super) path: &'p mut Path,
    pub(super) scope: Scope,
    pub(super) bounds: Bounds,
    pub(super) world: Shared,
    pub(super) plan: Plan,
    pub(super) events: Vec<Event>,
    pub(super) invocations: Vec<Invocation>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) slots: [Slot; 2],
    pub(super) generations: usize,
    /// The generation of the process of each invocation.
    pub(super) generation_of: Vec<usize>,
    /// The first delivery of each event.
    pub(super) first: Vec<Option<Arc<Sent>>>,
    /// The idempotency key of each event, once it was claimed.
    pub(super) keys: Vec<Option<String>>,
    /// How many deliveries of each event are left.
    pub(super) deliveries_left: Vec<u32>,
    /// How many deliveries of all events are left.
    pub(super) in_all_left: u32,
    /// Whether each event's provider has had its 200.
    pub(super) answered: Vec<bool>,
    pub(super) faults_left: u32,
    pub(super) forgeries_left: u32,
    pub(super) rotations_left: u32,
    pub(super) steps_left: u32,
    /// Late requests that will arrive, and callers' timeouts that will end.
    pub(super) late: Vec<(u64, Item)>,
}

/// A schedule that has come to its end, or to a state that is known already.
pub(crate) struct Ended {
    pub(crate) finished: Finished,
    pub(crate) arrivals: Vec<Arrival>,
    /// Records and messages at the end.
    pub(crate) left: String,
    pub(crate) visit: Visit,
}

/// Runs the schedule that `path` chooses. If `reduces` is true, the run ends at a state that is
/// known already.
pub(crate) fn run(
    path: &mut Path,
    scope: Scope,
    bounds: Bounds,
    reduces: bool,
    seen: impl FnMut(&Path, u64),
) -> Ended {
    let plan = scope.plan();
    let world = Shared::new(Rng::with_seed(0), plan.clone());
    {
        let mut world = world.lock();
        world.network.undecided = Some(Vec::new());
        world.agenda.advance_to(BEGINS_MS);
    }
    let schedule = Schedule {
        path,
        scope,
        bounds,
        world,
        plan,
        events: scope.new_events(),
        invocations: Vec::new(),
        arrivals: Vec::new(),
        slots: [Slot::default(), Slot::default()],
        generations: 0,
        generation_of: Vec::new(),
        first: vec![None; scope.events],
        keys: vec![None; scope.events],
        deliveries_left: vec![scope.deliveries; scope.events],
        in_all_left: scope.in_all,
        answered: vec![false; scope.events],
        faults_left: bounds.faults,
        forgeries_left: scope.forgeries,
        rotations_left: scope.rotations,
        steps_left: bounds.steps,
        late: Vec::new(),
    };
    schedule.run(reduces, seen)
}

impl Schedule<'_> {
    fn run(mut self, reduces: bool, mut seen: impl FnMut(&Path, u64)) -> Ended {
        let mut visit = Visit::New;
        while self.steps_left > 0 {
            let steps = self.steps();
            if steps.is_empty() {
                break;
            }
            let decides = steps.len() > 1 || self.faults_left > 0;
            if decides && !(reduces && self.path.repeats()) {
                let state = self.state();
                seen(self.path, state);
                if reduces {
                    visit = self.path.visit(state);
                    if visit == Visit::Known {
                        break;
                    }
                }
            }
            let chosen = self.path.choose(steps.len());
            self.steps_left -= 1;
            match steps[chosen] {
                Step::Call(exchange) => self.call(exchange),
                Step::Happens(at_ms, item) => self.happens(at_ms, item),
                Step::Launch { event, origin, slot, after_ms } => {
                    self.launch(event, origin, slot, after_ms);
                }
            }
        }
        self.finish(visit)
    }

    /// Returns all that can happen next.
    fn steps(&self) -> Vec<Step> {
        let world = self.world.lock();
        let undecided = world.network.undecided.as_deref().unwrap_or_default();
        // A fetch changes nothing for other invocations, so only one order needs to be tried.
        let is_fetch = |&&exchange: &&ExchangeId| {
            world.network.exchanges[exchange].operation == Operation::Fetch
        };
        if let Some(&fetch) = undecided.iter().find(is_fetch) {
            return vec![Step::Call(fetch)];
        }
        let mut steps: Vec<Step> = undecided.iter().map(|&exchange| Step::Call(exchange)).collect();
        let in_call: Vec<usize> = undecided
            .iter()
            .map(|&exchange| world.network.exchanges[exchange].invocation)
            .collect();
        // While a call waits to be made, time does not pass the point where its caller would give
        // up or die: that is a fault, and comes only as a fate of the call.
        let mut latest_ms = u64::MAX;
        let mut items: Vec<(u64, Item)> = self.late.clone();
        let kills =
            self.invocations.iter().enumerate().filter(|(_, invocation)| invocation.task.is_some());
        let kills = kills.map(|(number, invocation)| {
            (invocation.arrived.ms + self.plan.timeout_ms, number, Item::Kill(number))
        });
        let timers = world
            .timers
            .iter()
            .map(|timer| (timer.until_ms, timer.invocation, Item::Timer(timer.invocation)));
        for (at_ms, invocation, item) in timers.chain(kills) {
            if in_call.contains(&invocation) {
                latest_ms = latest_ms.min(at_ms);
            } else if !items.contains(&(at_ms, item)) {
                items.push((at_ms, item));
            }
        }
        let next_ms = items.iter().map(|&(at_ms, _)| at_ms).min();
        let next = items.iter().filter(|&&(at_ms, _)| Some(at_ms) == next_ms && at_ms <= latest_ms);
        steps.extend(next.map(|&(at_ms, item)| Step::Happens(at_ms, item)));

        let in_flight = !items.is_empty() || !in_call.is_empty();
        let latest_ms = latest_ms.min(next_ms.unwrap_or(u64::MAX));
        let now_ms = world.agenda.now_ms();
        drop(world);
        self.add_launches(&mut steps, in_flight, latest_ms.saturating_sub(now_ms));
        steps
    }

    fn add_launches(&self, steps: &mut Vec<Step>, in_flight: bool, at_most_ms: u64) {
        let is_new = |slot: &Slot| slot.handler.is_none() && !slot.busy;
        // Two unused slots with equal clocks make no difference: one is enough.
        let alike = self.slots.iter().all(is_new) && self.scope.second_ahead_ms == 0;
        let begun = !self.invocations.is_empty();
        for slot in 0..if alike { 1 } else { 2 } {
            if self.slots[slot].busy {
                continue;
            }
            let waits_ms = if begun { self.scope.waits_ms(in_flight) } else { &[0] };
            for &after_ms in waits_ms.iter().filter(|&&after_ms| after_ms <= at_most_ms) {
                for event in 0..self.scope.events {
                    // The events are alike, so the second one always begins after the first.
                    if self.deliveries_left[event].min(self.in_all_left) == 0
                        || (event > 0 && self.first[event - 1].is_none())
                    {
                        continue;
                    }
                    if !self.answered[event] {
                        steps.push(Step::Launch { event, origin: Origin::Honest, slot, after_ms });
                    }
                    // While the sender itself repeats the same bytes, a replay would be no
                    // different from its retry.
                    if self.first[event].is_some()
                        && (self.answered[event] || self.scope.signs_anew)
                    {
                        steps.push(Step::Launch {
                            event,
                            origin: Origin::Replayed,
                            slot,
                            after_ms,
                        });
                    }
                }
                if self.forgeries_left > 0 && after_ms == waits_ms[0] {
                    let origin = Origin::Forged(Forgery::WrongKeyForHonestBody);
                    steps.push(Step::Launch { event: 0, origin, slot, after_ms });
                }
            }
        }
    }

    fn call(&mut self, exchange: ExchangeId) {
        let fates = match self.world.lock().network.exchanges[exchange].operation {
            _ if self.faults_left == 0 => &CALL_FATES[..1],
            Operation::Fetch => &FETCH_FATES[..],
            _ => &CALL_FATES[..],
        };
        let chosen = self.path.choose(fates.len());
        if chosen > 0 {
            self.faults_left -= 1;
        }
        let mut world = self.world.lock();
        if let Some(undecided) = &mut world.network.undecided {
            undecided.retain(|&other| other != exchange);
        }
        let now_ms = world.agenda.now_ms();
        let entry = &mut world.network.exchanges[exchange];
        let invocation = entry.invocation;
        if let Some(Request::Claim { claim, .. }) = &entry.request {
            self.keys[self.invocations[invocation].sent.event] =
                Some(claim.idempotency_key.clone());
        }
        let fate = match fates[chosen] {
            CallFate::Network(fate) => fate,
            CallFate::DeadBefore => {
                entry.request = None;
                drop(world);
                return self.die(invocation, End::Crashed);
            }
            CallFate::DeadAfter => {
                drop(world);
                self.take_effect(exchange);
                return self.die(invocation, End::Crashed);
            }
        };
        entry.fate = fate;
        match fate {
            Fate::ErrorBefore | Fate::ErrorAfter => {
                entry.reply = Some(Err(CallError::Failed("InternalServerError".to_owned())));
            }
            Fate::ReplyLost => entry.reply = Some(Err(CallError::NoResponse("no answer in time"))),
            Fate::Fine | Fate::ReplyLate | Fate::RequestLate | Fate::RequestLost => {}
        }
        match fate {
            Fate::ErrorBefore | Fate::RequestLost => entry.request = None,
            Fate::RequestLate => self.late.push((now_ms + LATE_MS, Item::Arrival(exchange))),
            _ => {
                drop(world);
                self.take_effect(exchange);
                world = self.world.lock();
            }
        }
        match fate {
            Fate::Fine | Fate::ErrorBefore | Fate::ErrorAfter => {
                world.reply(exchange);
                drop(world);
                self.poll(invocation);
            }
            Fate::ReplyLost => {
                self.late.push((now_ms + CLIENT_PATIENCE_MS, Item::NoReply(exchange)));
            }
            // The caller gives up first.
            Fate::ReplyLate | Fate::RequestLate | Fate::RequestLost => {}
        }
    }

    /// Carries out a request that has reached its service.
    fn take_effect(&mut self, exchange: ExchangeId) {
        let mut world = self.world.lock();
        if world.network.exchanges[exchange].operation == Operation::Claim {
            let number = world.network.exchanges[exchange].invocation;
            let Invocation { sent, arrived, ahead_ms, .. } = &self.invocations[number];
            let record = self.keys[sent.event].as_ref().and_then(|key| world.table.get(key));
            // A claim has the time at which its delivery arrived.
            self.arrivals[number].recorded_at_claim = record.is_some_and(|record| {
                record.status == Status::Enqueued
                    && record.expires_at_s >= at(arrived.ms, *ahead_ms).seconds().0
            });
        }
        world.take_effect(exchange);
    }

    fn happens(&mut self, at_ms: u64, item: Item) {
        self.late.retain(|&known| known != (at_ms, item));
        let mut world = self.world.lock();
        world.agenda.advance_to(at_ms);
        match item {
            Item::Timer(invocation) => {
                drop(world);
                self.poll(invocation);
            }
            Item::Kill(invocation) => {
                drop(world);
                self.die(invocation, End::Killed);
            }
            Item::NoReply(exchange) => {
                let invocation = world.reply(exchange);
                drop(world);
                self.poll(invocation);
            }
            Item::Arrival(exchange) => {
                drop(world);
                self.take_effect(exchange);
            }
        }
    }

    pub(super) fn poll(&mut self, number: usize) {
        let invocation = &mut self.invocations[number];
        let Some(task) = &mut invocation.task else { return };
        self.world.lock().polled = number;
        let Poll::Ready(report) = task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return self.forget_abandoned();
        };
        invocation.task = None;
        self.slots[invocation.instance].busy = false;
        if invocation.sent.origin == Origin::Honest && status(&report.outcome) == 200 {
            self.answered[invocation.sent.event] = true;
        }
        let moment = self.world.lock().agenda.moment();
        invocation.end = Some((moment, End::Answered(report.outcome)));
        self.forget_abandoned();
    }

    /// Kills the process where it is. Its slot is free for a new one.
    fn die(&mut self, number: usize, end: End) {
        let invocation = &mut self.invocations[number];
        drop(invocation.task.take());
        let slot = invocation.instance;
        invocation.end = Some((self.world.lock().agenda.moment(), end));
        self.slots[slot] = Slot::default();
        self.forget_abandoned();
    }

    /// Drops the timeouts of requests that their callers no longer wait for.
    fn forget_abandoned(&mut self) {
        let world = self.world.lock();
        let waits = |exchange: ExchangeId| world.network.exchanges[exchange].abandoned.is_none();
        self.late.retain(
            |&(_, item)| if let Item::NoReply(exchange) = item { waits(exchange) } else { true },
        );
    }

    fn left(&self) -> String {
        let world = self.world.lock();
        let records = world.table.records.iter().flatten();
        let records: Vec<_> =
            records.map(|record| format!("a record {}", record.status.as_str())).collect();
        let messages = self.events.iter().enumerate().map(|(number, event)| {
            let messages =
                world.queue.messages.iter().filter(|message| event.is_in(&message.body)).count();
            format!("event {number} {messages} times on the queue")
        });
        records.into_iter().chain(messages).collect::<Vec<_>>().join(", ")
    }

    fn finish(mut self, visit: Visit) -> Ended {
        for invocation in &mut self.invocations {
            drop(invocation.task.take());
        }
        let left = self.left();
        let mut world = self.world.lock();
        let finished = Finished {
            exchanges: std::mem::take(&mut world.network.exchanges),
            messages: std::mem::take(&mut world.queue.messages),
            asides: std::mem::take(&mut world.asides),
            plan: self.plan,
            events: self.events,
            senders: Vec::new(),
            invocations: std::mem::take(&mut self.invocations),
        };
        Ended { finished, arrivals: self.arrivals, left, visit }
    }
}
