//! Many events of all providers at once, delivered to instances that die and whose calls fail,
//! while a consumer reads the queue. No event may be lost, forged, or on the queue twice.
//!
//! `LOAD_EVENTS` is the number of distinct events (default 1,000). 30 % of them are sent twice, and
//! 5 % are also forged. Who sends what, and what fails, follows from `LOAD_SEED`. How all of it
//! interleaves does not: the same seed repeats the plan, but not the run. With
//! `WEBHOOK_PROFILE=release`, the bootstraps are built as they are deployed.
//!
//! `cargo test --workspace --test load -- --nocapture` prints the figures.

mod consumer;
mod figures;
mod plan;

use std::{
    collections::{BTreeMap, HashMap},
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use webhook_tests::{
    emulator::{Aws, Emulator},
    function::bootstrap,
    lambda::{Instance, Lambda},
    proxy::Proxy,
    traffic::{Seen, variables_of, violations},
};
use webhook_verify::providers::PROVIDERS;

use crate::{
    consumer::Consumer,
    figures::{Figures, Tally},
    plan::{Origin, Plan, Sent, faults},
};

/// The number of instances of all functions together, and the least of each.
const INSTANCES: usize = 8;
const OF_EACH_AT_LEAST: usize = 2;
/// The time of an invocation. It is short, so that the lease of a killed one ends soon.
const TIME_LEFT: Duration = Duration::from_secs(3);
/// The most deliveries under way at once, without those that wait for a `Retry-After`.
const AT_ONCE: usize = 12;
/// A delivery with more attempts than this would never end.
const MOST_ATTEMPTS: usize = 40;

/// Each time after so many deliveries, requests that are held back are let go. This is well within
/// the queue's five minutes.
const LET_GO_EVERY: usize = 50;

#[tokio::test]
async fn no_event_is_lost_or_forged_or_queued_twice() {
    let (events, seed) = (number("LOAD_EVENTS", 1_000), number("LOAD_SEED", 1));
    // Built first, so that the figures are those of the run alone.
    for provider in PROVIDERS {
        let program = bootstrap(provider.name());
        assert!(program.exists(), "{program:?}");
    }
    let started_at = Instant::now();
    let emulator = &Emulator::shared().endpoint;
    let aws = Aws::at(emulator);
    let (table, queue) = (aws.create_table().await, aws.create_queue(true).await);
    let variables = [
        ("IDEMPOTENCY_TABLE", table.clone()),
        ("QUEUE_URL", queue.clone()),
        ("PAYLOAD_BUCKET", aws.create_bucket().await),
    ];
    let common = HashMap::from(variables.map(|(name, value)| (name.to_owned(), value)));
    let of_each = (INSTANCES / PROVIDERS.len()).max(OF_EACH_AT_LEAST);
    let mut functions = BTreeMap::new();
    for provider in PROVIDERS {
        let mut variables = common.clone();
        variables.extend(variables_of(provider, &aws).await);
        functions.insert(
            provider.name(),
            Lambda::new(provider.name(), &variables, emulator, of_each).await,
        );
    }
    let world = World {
        plan: Plan::new(seed, usize::try_from(events).expect("fits")),
        functions,
        tally: Tally::default(),
    };
    for (number, proxy) in world.proxies().enumerate() {
        proxy.follow(faults(seed, number));
    }

    let consumer = Consumer::start(Aws::at(emulator), queue);
    let world = Arc::new(world);
    let sent = send_all(&world).await;
    world.let_go();
    for proxy in world.proxies() {
        proxy.settled().await;
    }
    let delivered_in = started_at.elapsed();
    let messages = consumer.finish().await;

    let mut violations = violations(&world.plan.events, &messages, &aws.records(&table).await);
    violations.extend(sent.into_iter().filter_map(Result::err));
    let figures = Figures::new(&world, messages.len(), delivered_in, started_at.elapsed());
    if figures.starts > world.instances().count() + figures.kills {
        violations.push(format!("DIED: {} starts for {} kills", figures.starts, figures.kills));
    }
    eprintln!("{figures}");
    assert!(
        violations.is_empty(),
        "{} violations. The first of them:\n{}\nTo repeat the plan: \
         LOAD_EVENTS={events} LOAD_SEED={seed} cargo test --workspace --test load",
        violations.len(),
        violations[..violations.len().min(20)].join("\n")
    );
}

/// What all senders share.
struct World {
    plan: Plan,
    /// By the provider's name.
    functions: BTreeMap<&'static str, Lambda>,
    tally: Tally,
}

/// Sends every delivery of the plan, in order. One that has to be sent again waits for about a
/// dozen others, not for all.
async fn send_all(world: &Arc<World>) -> Vec<Result<(), String>> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut senders = JoinSet::new();
    for (number, &sent) in world.plan.deliveries.iter().enumerate() {
        if number % LET_GO_EVERY == 0 {
            world.let_go();
        }
        let permit = Arc::clone(&gate).acquire_owned().await.expect("is never closed");
        let (world, gate) = (Arc::clone(world), Arc::clone(&gate));
        senders.spawn(async move { world.send(sent, permit, gate).await });
    }
    senders.join_all().await
}

impl World {
    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.functions.values().flat_map(|function| &function.instances)
    }

    fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.instances().map(|instance| &instance.proxy)
    }

    fn let_go(&self) {
        self.proxies().for_each(Proxy::let_go);
    }

    /// Sends a delivery until it has a final answer, as a provider does. Between two attempts, it
    /// makes room for others.
    async fn send(
        &self,
        sent: Sent,
        first: OwnedSemaphorePermit,
        gate: Arc<Semaphore>,
    ) -> Result<(), String> {
        let event = &self.plan.events[sent.event];
        let function = &self.functions[event.kind.provider.name()];
        let mut permit = Some(first);
        for attempt in 0..MOST_ATTEMPTS {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => Arc::clone(&gate).acquire_owned().await.expect("is never closed"),
            };
            let request = match sent.origin {
                Origin::Honest | Origin::Again => event.delivery(),
                Origin::Forged(how) => event.forgery(how),
            };
            // Only the first attempt is killed by the clock.
            let kill_after = sent.kill_after.filter(|_| attempt == 0);
            let answer = function.invoke(request, TIME_LEFT, kill_after).await;
            drop(permit);
            let seen =
                Seen::read(event, answer).map_err(|error| format!("{}: {error}", event.key))?;
            self.tally.count(seen);
            match (sent.origin, seen) {
                (_, Seen::Died) => {}
                (_, Seen::Unavailable) => tokio::time::sleep(Duration::from_secs(5)).await,
                (Origin::Forged(_), Seen::Refused) => return Ok(()),
                (Origin::Honest | Origin::Again, seen) if seen.is_success() => return Ok(()),
                (Origin::Honest | Origin::Again, Seen::InFlight(seconds)) => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                (origin, seen) => {
                    return Err(format!("{}: {origin:?} is answered {seen:?}", event.key));
                }
            }
        }
        Err(format!("LOST: {} has no answer after {MOST_ATTEMPTS} attempts", event.key))
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}: set it to a whole number"))
    })
}
