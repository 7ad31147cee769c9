//! The real pipeline under everything that can go wrong round it, in virtual time, one schedule per seed.
//!
//! A run drives [`webhook_ingest::Pipeline`] itself; time, network, services, senders and attackers are simulated. The seed
//! decides all of it, so a seed that fails fails again. No sleep, no real clock, no thread within a run.
//!
//! # What goes wrong
//!
//! - **Requests to `DynamoDB`, SQS and Secrets Manager**: an error before the effect; an error after it; a lost request; a
//!   lost reply; a request or a reply that is late, up to 40 s and so past every lease. One request, or all of a kind for a
//!   while. A request lives its own life: it may take effect after its caller has given up or died.
//! - **The client's own retries**: below the port a failed request is sent again as it was, so that a claim meets itself.
//! - **Processes**: a crash at any await, at once or a little later; Lambda's end at the deadline. The future is dropped, its
//!   instance never used again. What it has sent is under way.
//! - **Concurrency**: several instances, each with one invocation at a time, a clock and a secret cache of its own; deliveries
//!   of one event at once; all of them interleaved at every await.
//! - **Clocks**: each is off by up to 5 s. Any two of ours (an instance's, the one by which Lambda states deadlines, the one
//!   by which `DynamoDB` deletes) differ by at most 5 s: this is assumed, and what a lease is made for. A sender's clock may be
//!   ahead by up to what is accepted.
//! - **Records**: deleted soon after they expire, late, or never.
//! - **The queue**: FIFO, which knows a message for five minutes and then no more; or standard, which knows none.
//! - **Senders** of both providers, all schemes: they try until they get a 200, with waits from a second to twenty minutes.
//!   409, 503 and silence are failures to them. Deliveries and answers are lost or late. Some sign each attempt again, some
//!   repeat the first. The same event may occur again.
//! - **Providers**: two for tests, which have every shape of a description between them. In every fourth run a deployed one
//!   takes the place of the second.
//! - **Attackers**: forged deliveries; captured ones again, soon, just after the queue has forgotten the message, or just after
//!   the record is gone; of Acme's version 1 with other unsigned parts.
//! - **A rotation of the secret**, with the provider up to 20 s ahead of the operator or up to 40 s behind.
//!
//! Faults end: each run has up to eight, some have none. A request that is not there within 40 s never comes.
//!
//! # What is checked after every run
//!
//! 1. An event that was answered 200 was on the queue by then; a new event after an expired record with a message of its own.
//! 2. Every honest event ends on the queue, and its sender gets a 200. It never gets a 4xx but 409 and, within 10 s of a
//!    rotation, 401.
//! 3. Nothing forged is on the queue, nor gets as far as a claim. A message carries what was signed, byte for byte.
//! 4. Nothing is on the queue twice but by the two exceptions in [`checks`], each read out of the run's own history.
//!
//! Besides: [`window`] shows that the window in which a double is excused is hit, and excuses nothing else; [`reach`] that each
//! failure above does occur; [`bites`] that each of a set of broken stores, queues and settings is caught.
//!
//! [`exhaustive`] walks every schedule of a small scope, in place of drawing some of a large one.
//!
//! # How to run it
//!
//! `SIMULATION_SEEDS=0..1000000 cargo test -p webhook-ingest --test simulation every_schedule` runs other seeds than the usual
//! ones. The lowest seed that fails prints its history, and the line that repeats it. With `-- --nocapture` the tests say how
//! often each answer and each excuse occurred, and which seed catches each flaw in [`flaws`].

mod agenda;
mod bites;
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

/// The usual seeds, or those of the environment; panics with the history of the lowest that fails.
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
fn a_seed_is_the_same_run_each_time() {
    for seed in 0..100 {
        assert_eq!(history(&run(seed, ANY)), history(&run(seed, ANY)), "seed {seed}");
    }
}
