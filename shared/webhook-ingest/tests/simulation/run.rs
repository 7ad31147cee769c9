//! One run: what senders, attackers and instances do, in the order that the seed decides.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fastrand::Rng;
use webhook_ingest::{Attempt, ClaimToken, Outcome};

use crate::{
    agenda::{Action, Moment, at},
    flaws::Flaw,
    instances::{Handler, Task, start},
    network::Exchange,
    plan::{Gaps, Plan, clock},
    services::Queued,
    traffic::{Event, FORGERIES, KEYS, Origin, Sent, cast},
    world::Shared,
};

/// A sender without a 200 after this many attempts has lost its event: faults end long before.
pub(crate) const MOST_ATTEMPTS: u32 = 80;
/// The longest delay of a late delivery.
const LATE_MS: u64 = 20_000;
/// The longest delay of any other delivery, or of a response.
const HTTP_DELAY_MS: u64 = 50;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) gaps: Gaps,
    pub(crate) flaw: Option<Flaw>,
}

/// The sender of one occurrence of an event. It tries until it gets a 200.
pub(crate) struct Sender {
    pub(crate) event: usize,
    pub(crate) attempts: u32,
    pub(crate) done: bool,
    waits: bool,
    first: Option<Arc<Sent>>,
}

/// One invocation, and all that is known about it after the run.
pub(crate) struct Invocation {
    pub(crate) sent: Arc<Sent>,
    pub(crate) sender: Option<(usize, u32)>,
    pub(crate) instance: usize,
    pub(crate) ahead_ms: i64,
    pub(crate) arrived: Moment,
    pub(crate) end: Option<(Moment, End)>,
    pub(crate) task: Option<Task>,
    polls: u32,
    /// After how many polls the process dies.
    crashes_at_poll: Option<u32>,
}

impl Invocation {
    pub(crate) fn new(sent: Arc<Sent>, sender: Option<(usize, u32)>, arrived: Moment) -> Self {
        Self {
            sent,
            sender,
            instance: 0,
            ahead_ms: 0,
            arrived,
            end: None,
            task: None,
            polls: 0,
            crashes_at_poll: None,
        }
    }
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Answered(Outcome),
    Crashed,
    /// By Lambda, at the deadline.
    Killed,
}

struct Instance {
    provider: usize,
    handler: Arc<dyn Handler>,
    ahead_ms: i64,
    idle: bool,
}

struct Run {
    world: Shared,
    scenario: Scenario,
    plan: Plan,
    events: Vec<Event>,
    senders: Vec<Sender>,
    invocations: Vec<Invocation>,
    instances: Vec<Instance>,
    captured: Vec<Arc<Sent>>,
    /// Whether each provider signs with its second secret.
    newer_key: [bool; 2],
}

/// All that happened.
pub(crate) struct Finished {
    pub(crate) plan: Plan,
    pub(crate) events: Vec<Event>,
    pub(crate) senders: Vec<Sender>,
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) messages: Vec<Queued>,
    pub(crate) asides: Vec<(Moment, String)>,
}

/// Runs one seed to its end: until nothing is left to happen.
pub(crate) fn run(seed: u64, scenario: Scenario) -> Finished {
    let mut rng = Rng::with_seed(seed);
    let mut plan = Plan::draw(&mut rng, scenario.gaps);
    if scenario.flaw.is_none() {
        plan.providers = cast(seed);
    }
    let events =
        (0..plan.events).map(|number| Event::draw(&mut rng, number, plan.providers)).collect();
    let world = Shared::new(rng, plan.clone());
    let mut run = Run {
        world,
        scenario,
        plan,
        events,
        senders: Vec::new(),
        invocations: Vec::new(),
        instances: Vec::new(),
        captured: Vec::new(),
        newer_key: [false; 2],
    };
    run.begin();
    while let Some(action) = run.next() {
        run.act(action);
    }
    run.finish()
}

/// Returns the status of an outcome. The edge has the real table, with a test of its own.
pub(crate) fn status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } | Outcome::Challenge(_) => 200,
        Outcome::InProgress { .. } => 409,
        Outcome::Refused(_) => 401,
        Outcome::Malformed(_) => 400,
        Outcome::TooLarge => 413,
        Outcome::Unavailable(_) => 503,
    }
}

impl Run {
    fn begin(&mut self) {
        let mut world = self.world.lock();
        for number in 0..self.plan.events + self.plan.recurrences {
            let event = if number < self.plan.events {
                number
            } else {
                world.rng.usize(..self.plan.events)
            };
            self.senders.push(Sender {
                event,
                attempts: 0,
                done: false,
                waits: false,
                first: None,
            });
            let begins_ms = world.rng.u64(..=self.plan.horizon_ms);
            world.later(begins_ms, Action::Attempt { sender: number });
        }
        for _ in 0..self.plan.attacks {
            let at_ms = world.rng.u64(..=self.plan.horizon_ms) + 10;
            world.later(at_ms, Action::Attack);
        }
        for (provider, rotation) in self.plan.rotations_ms.into_iter().enumerate() {
            if let Some([stored_ms, used_ms]) = rotation {
                world.later(stored_ms, Action::Rotate { provider });
                world.later(used_ms, Action::SignAnew { provider });
            }
        }
    }

    fn next(&self) -> Option<Action> {
        self.world.lock().agenda.next()
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Attempt { sender } => self.attempt(sender),
            Action::Arrive { invocation } => self.arrive(invocation),
            Action::Poll { invocation } => self.poll(invocation),
            Action::Crash { invocation } => self.die(invocation, End::Crashed),
            Action::Kill { invocation } => self.die(invocation, End::Killed),
            Action::TakeEffect { exchange } => self.world.lock().take_effect(exchange),
            Action::Reply { exchange } => {
                let invocation = self.world.lock().reply(exchange);
                self.poll(invocation);
            }
            Action::Respond { sender, attempt, status } => {
                self.respond(sender, attempt, Some(status));
            }
            Action::GiveUp { sender, attempt } => self.respond(sender, attempt, None),
            Action::Attack => self.attack(),
            Action::Replay { captured } => {
                let sent = self.captured[captured].replay(|| self.world.lock().rng.bool());
                self.launch(Arc::new(sent), None);
            }
            Action::Sweep { record } => self.world.lock().sweep(record),
            Action::Rotate { provider } => {
                let mut world = self.world.lock();
                world.vaults[provider].previous = Some(KEYS[provider][0]);
                world.vaults[provider].current = KEYS[provider][1];
                world.aside(format!(
                    "the operator rotates the secret of {}",
                    self.plan.providers[provider].name()
                ));
            }
            Action::SignAnew { provider } => {
                self.newer_key[provider] = true;
                self.world.lock().aside(format!(
                    "{} signs with its new secret",
                    self.plan.providers[provider].name()
                ));
            }
        }
    }

    fn attempt(&mut self, number: usize) {
        let sender = &mut self.senders[number];
        if sender.done || sender.attempts == MOST_ATTEMPTS {
            return;
        }
        sender.attempts += 1;
        sender.waits = true;
        let (attempt, event) = (sender.attempts, sender.event);
        let newer_key = self.newer_key[self.events[event].kind.provider()];
        let sent = match &sender.first {
            Some(first) if !self.plan.signs_anew => Arc::clone(first),
            Some(_) | None => {
                let now_ms = self.world.lock().agenda.now_ms();
                let signed_at = at(now_ms, self.plan.sender_ahead_ms).seconds();
                Arc::new(self.events[event].deliver(
                    event,
                    newer_key,
                    now_ms,
                    signed_at,
                    &format!("u{number}"),
                ))
            }
        };
        self.senders[number].first.get_or_insert_with(|| Arc::clone(&sent));
        self.captured.push(Arc::clone(&sent));
        let twin = {
            let mut world = self.world.lock();
            world.later(self.plan.patience_ms, Action::GiveUp { sender: number, attempt });
            world.rng.u32(..100) < self.plan.twins_percent
        };
        for _ in 0..=usize::from(twin) {
            self.launch(Arc::clone(&sent), Some((number, attempt)));
        }
    }

    /// Puts a delivery on its way. An honest one may get lost.
    fn launch(&mut self, sent: Arc<Sent>, sender: Option<(usize, u32)>) {
        let invocation = self.invocations.len();
        let mut world = self.world.lock();
        if sender.is_some() && world.fault(self.plan.fault_percent) {
            return world.aside("a delivery is lost on its way".to_owned());
        }
        let late = sender.is_some() && world.fault(self.plan.fault_percent);
        let after_ms = world.rng.u64(1..=if late { LATE_MS } else { HTTP_DELAY_MS });
        world.later(after_ms, Action::Arrive { invocation });
        let arrived = world.agenda.moment();
        drop(world);
        self.invocations.push(Invocation::new(sent, sender, arrived));
    }

    fn arrive(&mut self, number: usize) {
        let provider = self.invocations[number].sent.provider;
        let instance = self.idle_instance(provider);
        self.instances[instance].idle = false;
        let ahead_ms = self.instances[instance].ahead_ms;
        let mut world = self.world.lock();
        let deadline_ms = world.agenda.now_ms() + self.plan.timeout_ms;
        world.later(self.plan.timeout_ms, Action::Kill { invocation: number });
        let crashes = world.fault(self.plan.crash_percent);
        let crashes_at_poll = crashes.then(|| world.rng.u32(1..=9));
        let arrived = world.agenda.moment();
        drop(world);
        let attempt = Attempt {
            token: ClaimToken::named(format!("claim-{number}")),
            deadline: at(deadline_ms, self.plan.lambda_ahead_ms),
            trace_header: None,
        };
        let invocation = &mut self.invocations[number];
        (invocation.instance, invocation.ahead_ms, invocation.arrived) =
            (instance, ahead_ms, arrived);
        invocation.crashes_at_poll = crashes_at_poll;
        let handler = Arc::clone(&self.instances[instance].handler);
        invocation.task = Some(handler.handle(Arc::clone(&invocation.sent), attempt));
        self.poll(number);
    }

    /// Returns an idle instance or a new one: always a new one if none is idle, and sometimes if
    /// there may be more.
    fn idle_instance(&mut self, provider: usize) -> usize {
        let idle: Vec<usize> = (0..self.instances.len())
            .filter(|&number| {
                self.instances[number].idle && self.instances[number].provider == provider
            })
            .collect();
        let mut world = self.world.lock();
        let another = idle.len() < self.plan.instances && world.rng.u32(..4) == 0;
        if !idle.is_empty() && !another {
            return idle[world.rng.usize(..idle.len())];
        }
        let ahead_ms = clock(&mut world.rng, self.plan.clocks_ahead_ms);
        drop(world);
        let handler = start(&self.world, provider, ahead_ms, self.scenario.flaw);
        self.instances.push(Instance { provider, handler, ahead_ms, idle: true });
        self.instances.len() - 1
    }

    fn poll(&mut self, number: usize) {
        let invocation = &mut self.invocations[number];
        let Some(task) = &mut invocation.task else { return };
        self.world.lock().polled = number;
        match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => {
                invocation.task = None;
                self.instances[invocation.instance].idle = true;
                let mut world = self.world.lock();
                let answer = status(&report.outcome);
                invocation.end = Some((world.agenda.moment(), End::Answered(report.outcome)));
                let Some((sender, attempt)) = invocation.sender else { return };
                if world.fault(self.plan.fault_percent) {
                    return world
                        .aside(format!("the response {answer} of #{number} is lost on its way"));
                }
                let after_ms = world.rng.u64(1..=HTTP_DELAY_MS);
                world.later(after_ms, Action::Respond { sender, attempt, status: answer });
            }
            Poll::Pending => {
                invocation.polls += 1;
                if invocation.crashes_at_poll == Some(invocation.polls) {
                    let mut world = self.world.lock();
                    let after_ms =
                        if world.rng.bool() { 0 } else { world.rng.u64(1..=HTTP_DELAY_MS) };
                    world.later(after_ms, Action::Crash { invocation: number });
                }
            }
        }
    }

    /// Kills the process where it is. Its instance is never used again.
    fn die(&mut self, number: usize, end: End) {
        if let Some(task) = self.invocations[number].task.take() {
            drop(task);
            let moment = self.world.lock().agenda.moment();
            self.invocations[number].end = Some((moment, end));
        }
    }

    fn respond(&mut self, number: usize, attempt: u32, status: Option<u16>) {
        let sender = &mut self.senders[number];
        if status == Some(200) {
            sender.done = true;
        } else if sender.waits && sender.attempts == attempt && !sender.done {
            sender.waits = false;
            let [first_ms, longest_ms] = self.plan.gaps_ms;
            let gap_ms = (first_ms << (attempt - 1).min(20)).min(longest_ms);
            let mut world = self.world.lock();
            let jitter_ms = world.rng.u64(..=gap_ms / 4);
            world.later(gap_ms + jitter_ms, Action::Attempt { sender: number });
        }
    }

    /// Forges a delivery, or plans to replay a captured one at a bad time: soon, just after the
    /// queue has forgotten the message, or just after the record is gone.
    fn attack(&mut self) {
        if self.captured.is_empty() {
            return;
        }
        let mut world = self.world.lock();
        let captured = world.rng.usize(..self.captured.len());
        let event = &self.events[self.captured[captured].event];
        if world.rng.bool() {
            let retention_ms = self.plan.retention_ms(event);
            let after_ms = match world.rng.u32(..4) {
                0 => world.rng.u64(..30_000),
                1 => 300_000 + world.rng.u64(..30_000),
                _ if retention_ms < 3_600_000 => retention_ms + world.rng.u64(..60_000),
                _ => world.rng.u64(..1_000_000),
            };
            world.later(after_ms, Action::Replay { captured });
        } else {
            let now = at(world.agenda.now_ms(), self.plan.sender_ahead_ms).seconds();
            let forgery = FORGERIES[world.rng.usize(..FORGERIES.len())];
            let forged = event.forge(forgery, &self.captured[captured], now);
            drop(world);
            self.launch(Arc::new(forged), None);
        }
    }

    fn finish(self) -> Finished {
        let mut world = self.world.lock();
        Finished {
            exchanges: std::mem::take(&mut world.network.exchanges),
            messages: std::mem::take(&mut world.queue.messages),
            asides: std::mem::take(&mut world.asides),
            plan: self.plan,
            events: self.events,
            senders: self.senders,
            invocations: self.invocations,
        }
    }
}

impl Sent {
    pub(crate) fn is_forged(&self) -> bool {
        matches!(self.origin, Origin::Forged(_))
    }
}
