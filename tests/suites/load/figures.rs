//! The figures of a run.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use webhook_tests::{
    lambda::Instance,
    proxy::{Call, Fault, Proxy},
    traffic::Seen,
};

use crate::{World, plan::Origin};

/// Counts the answers by what they say.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<&'static str, usize>>);

impl Tally {
    pub(crate) fn count(&self, seen: Seen) {
        let name = match seen {
            Seen::Accepted => "200 accepted",
            Seen::Duplicate => "200 duplicate",
            Seen::Refused => "401",
            Seen::InFlight(_) => "409",
            Seen::Unavailable => "503",
            Seen::Died => "none (killed)",
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }
}

pub(crate) struct Figures {
    events: usize,
    duplicates: usize,
    forgeries: usize,
    answers: BTreeMap<&'static str, usize>,
    calls: BTreeMap<Call, usize>,
    faults: BTreeMap<Fault, usize>,
    /// How many processes were killed, by the clock or at a call.
    pub(crate) kills: usize,
    /// How many processes were started.
    pub(crate) starts: usize,
    messages: usize,
    delivered_in: Duration,
    total: Duration,
}

impl Figures {
    pub(crate) fn new(
        world: &World,
        messages: usize,
        delivered_in: Duration,
        total: Duration,
    ) -> Self {
        let (mut calls, mut faults) = (BTreeMap::new(), BTreeMap::new());
        for (call, fault) in world.proxies().flat_map(Proxy::seen) {
            *calls.entry(call).or_default() += 1;
            if let Some(fault) = fault {
                *faults.entry(fault).or_default() += 1;
            }
        }
        let at_a_call = |fault| faults.get(&fault).copied().unwrap_or(0);
        let by_the_clock: usize = world.instances().map(Instance::kills).sum();
        Self {
            kills: by_the_clock + at_a_call(Fault::KillBefore) + at_a_call(Fault::KillAfter),
            starts: world.instances().map(Instance::starts).sum(),
            events: world.plan.events.len(),
            duplicates: world.plan.count(|origin| origin == Origin::Again),
            forgeries: world.plan.count(|origin| matches!(origin, Origin::Forged(_))),
            answers: world.tally.0.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            calls,
            faults,
            messages,
            delivered_in,
            total,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, duplicates, forgeries, messages, .. } = self;
        let attempts: usize = self.answers.values().sum();
        writeln!(
            f,
            "{events} events, {duplicates} of them sent twice, {forgeries} forgeries: \
             {attempts} deliveries"
        )?;
        writeln!(f, "answers: {:?}", self.answers)?;
        writeln!(f, "calls: {:?}", self.calls)?;
        writeln!(f, "faults: {:?}", self.faults)?;
        writeln!(f, "{} processes were killed, of {} that were started", self.kills, self.starts)?;
        let seconds = self.delivered_in.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = attempts as f64 / seconds;
        write!(
            f,
            "{messages} messages; delivered in {seconds:.1} s ({rate:.0} deliveries a second), \
             all in {:.1} s",
            self.total.as_secs_f64()
        )
    }
}
