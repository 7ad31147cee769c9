//! Runs the real pipeline, in virtual time, under everything that can go wrong around it: one
//! schedule per seed.
//!
//! A run drives [`webhook_ingest::Pipeline`] itself; time, network, services, senders and attackers
//! are simulated. The seed decides all of it, so a seed that fails once fails every time. There is
//! no sleep, no real clock and no thread within a run.
//!
//! # What goes wrong
//!
//! - **Requests to `DynamoDB`, SQS and Secrets Manager**: an error before the effect; an error
//!   after it; a lost request; a lost reply; a request or a reply that is late, by up to 40 s and
//!   so past every lease. This hits one request, or all of a kind for a while. A request may take
//!   effect after its caller has given up or died.
//! - **The client's own retries**: below the port a failed request is sent again unchanged, so a
//!   claim can find itself in the table.
//! - **Processes**: a crash at any await, at once or a little later; Lambda kills a process at its
//!   deadline. The future is dropped, and its instance is never used again. Requests that it has
//!   sent still arrive or get lost.
//! - **Concurrency**: several instances, each with one invocation at a time and with its own clock
//!   and secret cache; simultaneous deliveries of one event; all interleaved at every await.
//! - **Clocks**: each is off by up to 5 s. Any two of ours (an instance's, the one by which Lambda
//!   states deadlines, the one by which `DynamoDB` deletes) differ by at most 5 s: the lease relies
//!   on this assumption. A sender's clock may be ahead as far as the verifier accepts.
//! - **Records**: deleted soon after they expire, late, or never.
//! - **The queue**: FIFO, which deduplicates for five minutes; or standard, which does not
//!   deduplicate at all.
//! - **Senders** of both providers, with all schemes: they retry until they get a 200, with waits
//!   from a second to twenty minutes. To them 409, 503 and silence are failures. Deliveries and
//!   responses are lost or late. Some senders sign each attempt again, some repeat the first. The
//!   same event may occur again.
//! - **Providers**: two for tests, which have every shape of a description between them. In every
//!   fourth run a deployed provider takes the place of the second.
//! - **Attackers**: forged deliveries; captured deliveries sent again soon, just after the queue
//!   has forgotten the message, or just after the record is gone; captured deliveries of Acme's
//!   version 1 with different unsigned parts.
//! - **A rotation of the secret**: the provider begins to use the new secret up to 20 s before the
//!   operator stores it, or up to 40 s after.
//!
//! Faults end: each run has at most eight, and some have none. A request that has not arrived
//! within 40 s never arrives.
//!
//! # What is checked after every run
//!
//! 1. An event that was answered 200 was on the queue by then. A new event after an expired record
//!    has its own message.
//! 2. Every honest event ends up on the queue, and its sender gets a 200. The only 4xx that the
//!    sender gets are 409 and, within 10 s of a rotation, 401.
//! 3. Nothing forged is on the queue, or gets as far as a claim. A message carries what was signed,
//!    byte for byte.
//! 4. Nothing is on the queue twice, except in the two cases in [`checks`]. Each case must show in
//!    the run's own history.
//!
//! In addition, [`window`] shows that the window in which a double is excused is hit, and excuses
//! nothing else; [`reach`] shows that each failure above does occur; [`caught`] shows that each of
//! a set of broken stores, queues and settings is caught.
//!
//! [`exhaustive`] walks every schedule of a small scope, instead of drawing some of a large one.
//!
//! # How to run it
//!
//! `SIMULATION_SEEDS=0..1000000 cargo test -p webhook-ingest --test simulation every_schedule` runs
//! seeds other than the usual ones. The lowest seed that fails is printed with its history and the
//! line that repeats it. With `-- --nocapture` the tests print how often each answer and each
//! excuse occurred, and which seed catches each flaw in [`flaws`].

mod agenda;
mod caught;
mod checks;
mod contract;
mod exhaustive;
mod flaws;
mod history;
mod instances;
mod network;
mod plan;
mod ports;
mod reach;
mod run;
mod seeds;
mod services;
mod traffic;
mod window;
mod world;

use std::ops::Range;

use crate::{
    history::{history, report},
    plan::Gaps,
    run::{Scenario, run},
    seeds::{seeds, sweep},
};

const ANY: Scenario = Scenario { gaps: Gaps::Any, flaw: None };
const LONG: Scenario = Scenario { gaps: Gaps::Long, flaw: None };

/// Runs the usual seeds, or those in the environment. Panics with the history of the lowest seed
/// that fails.
fn keep_the_promises(usual: Range<u64>, scenario: Scenario, test: &str) {
    let swept = sweep(seeds(usual), scenario);
    eprintln!("{:#?}", swept.counts);
    if let Some((seed, violation)) = swept.broken {
        panic!("{}", report(seed, test, &run(seed, scenario), &violation));
    }
}

#[test]
fn every_schedule_keeps_the_promises() {
    keep_the_promises(0..100_000, ANY, "every_schedule_keeps");
}

#[test]
fn every_schedule_with_long_waits_between_attempts_keeps_the_promises() {
    keep_the_promises(0..20_000, LONG, "every_schedule_with_long");
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in 0..100 {
        assert_eq!(history(&run(seed, ANY)), history(&run(seed, ANY)), "seed {seed}");
    }
}
