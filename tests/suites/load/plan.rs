//! Who sends what, in which order, and what goes wrong: all of it from a seed.

use std::time::Duration;

use fastrand::Rng;
use webhook_tests::{
    proxy::{Call, Fault},
    traffic::{Event, Kind},
};

/// Why a delivery is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    Honest,
    /// The same event again: a provider's second delivery, or somebody's replay.
    Again,
    Forged(u8),
}

/// One delivery, sent until it has a final answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) event: usize,
    pub(crate) origin: Origin,
    /// The instance is killed this long after it got the first attempt.
    pub(crate) kill_after: Option<Duration>,
}

pub(crate) struct Plan {
    pub(crate) events: Vec<Event>,
    pub(crate) deliveries: Vec<Sent>,
}

/// In percent of the events.
const DUPLICATES: usize = 30;
const FORGERIES: usize = 5;
/// One event in so many is too large for the queue.
const LARGE: usize = 500;
/// One delivery in so many ends its instance, at some moment of its first milliseconds.
const KILLED: usize = 150;
const KILLED_WITHIN_MS: u64 = 60;
/// One call in so many fails.
const FAILING: usize = 100;
/// How far behind the first delivery of an event the second may be, in deliveries.
const BEHIND: usize = 200;

impl Plan {
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let kinds = Kind::all();
        let mut events = Vec::new();
        // Each delivery's place in the order. Those of one event are near each other.
        let mut due = Vec::new();
        for number in 0..count {
            let kind = kinds[rng.usize(..kinds.len())];
            let is_large = number % LARGE == LARGE - 1;
            events.push(Event::new(if is_large { kind.large() } else { kind }, number));
            due.push((number, number, Origin::Honest));
        }
        for event in sample(&mut rng, count, DUPLICATES) {
            let behind = if rng.bool() { 0 } else { rng.usize(..BEHIND) };
            due.push((event + behind, event, Origin::Again));
        }
        for event in sample(&mut rng, count, FORGERIES) {
            // A forgery may also come before the first honest delivery.
            let at = (event + rng.usize(..BEHIND)).saturating_sub(BEHIND / 2);
            due.push((at, event, Origin::Forged(rng.u8(..))));
        }
        due.sort_by_key(|&(at, ..)| at);
        let deliveries = due.into_iter().map(|(_, event, origin)| {
            let kill_after = (rng.usize(..KILLED) == 0)
                .then(|| Duration::from_millis(rng.u64(..KILLED_WITHIN_MS)));
            Sent { event, origin, kill_after }
        });
        Self { deliveries: deliveries.collect(), events }
    }

    pub(crate) fn count(&self, is_wanted: impl Fn(Origin) -> bool) -> usize {
        self.deliveries.iter().filter(|sent| is_wanted(sent.origin)).count()
    }
}

/// Returns this percentage of all numbers below `count`, each once.
fn sample(rng: &mut Rng, count: usize, percent: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    rng.shuffle(&mut numbers);
    numbers.truncate(count * percent / 100);
    numbers
}

/// Returns the script of an instance's proxy.
pub(crate) fn faults(
    seed: u64,
    instance: usize,
) -> impl FnMut(Call) -> Option<Fault> + Send + 'static {
    let mut rng = Rng::with_seed(
        seed.wrapping_mul(1_000).wrapping_add(u64::try_from(instance).expect("fits")),
    );
    move |_| {
        let fault = Fault::ALL[rng.usize(..Fault::ALL.len())];
        (rng.usize(..FAILING) == 0).then_some(fault)
    }
}
