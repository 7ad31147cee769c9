//! Tests that the simulation is not vacuous: each failure that it is made of does occur.

use std::collections::BTreeSet;

use webhook_ingest::ClaimResult;
use webhook_verify::providers::PROVIDERS;

use crate::{
    ANY,
    network::{Effect, Exchange, FATES, Operation},
    run::{End, Finished, run, status},
    services::DEDUPLICATES_FOR_MS,
    traffic::{FORGERIES, KINDS, Kind, Origin},
};

const OPERATIONS: [Operation; 5] =
    [Operation::Claim, Operation::Complete, Operation::Release, Operation::Send, Operation::Fetch];
/// What can be true of a request, apart from its fate.
const OF_REQUESTS: [&str; 4] = [
    "crash before it takes effect",
    "crash after it took effect",
    "takes effect after its caller ended",
    "takes effect past the lease",
];
const OF_RUNS: [&str; 9] = [
    "a claim meets its own token",
    "a lease is taken over",
    "the queue drops a message that it knows",
    "the queue takes a message that it has forgotten",
    "Lambda ends an invocation",
    "the table deletes by TTL",
    "two invocations of an event at once, with clocks that are 4 s apart",
    "an honest delivery is refused, because the instance cannot know its secret yet",
    "a captured delivery is queued first",
];

fn of_request(finished: &Finished, exchange: &Exchange, reached: &mut BTreeSet<String>) {
    let operation = exchange.operation;
    reached.insert(format!("{operation:?}: {:?}", exchange.fate));
    let mut add = |what: usize| reached.insert(format!("{operation:?}: {}", OF_REQUESTS[what]));
    let invocation = &finished.invocations[exchange.invocation];
    let Some((ended, end)) = &invocation.end else { return };
    let took = exchange.effect.as_ref().map(|&(at, _)| at);
    if matches!(end, End::Crashed) && exchange.abandoned.is_some() && exchange.result.is_none() {
        add(usize::from(took.is_some_and(|at| at < *ended)));
    }
    if took.is_some_and(|at| at > *ended) {
        add(2);
    }
    if took.is_some_and(|at| at.ms > invocation.arrived.ms + finished.plan.timeout_ms + 10_000) {
        add(3);
    }
}

fn of_effect(finished: &Finished, exchange: &Exchange, reached: &mut BTreeSet<String>) {
    let mut add = |what: usize| reached.insert(OF_RUNS[what].to_owned());
    match exchange.effect {
        Some((_, Effect::Claimed { result: ClaimResult::Claimed { taken_over }, repeated })) => {
            if repeated {
                add(0);
            }
            if taken_over {
                add(1);
            }
        }
        Some((_, Effect::Sent { new: false, .. })) => {
            add(2);
        }
        Some((at, Effect::Sent { message, new: true })) => {
            let body = &finished.messages[message].body;
            let event = finished.events.iter().find(|event| event.is_in(body));
            let known = |other: &&crate::services::Queued| {
                event.is_some_and(|event| event.is_in(&other.body))
            };
            if finished.messages[..message]
                .iter()
                .find(known)
                .is_some_and(|old| old.at.ms + DEDUPLICATES_FOR_MS < at.ms)
            {
                add(3);
            }
            if message == 0
                && finished.invocations[exchange.invocation].sent.origin == Origin::Replayed
            {
                add(8);
            }
        }
        _ => {}
    }
}

fn of_run(finished: &Finished, reached: &mut BTreeSet<String>) {
    for (number, invocation) in finished.invocations.iter().enumerate() {
        let kind = finished.events[invocation.sent.event].kind;
        match (&invocation.end, invocation.sent.origin) {
            (Some((_, End::Killed)), _) => {
                reached.insert(OF_RUNS[4].to_owned());
            }
            (Some((_, End::Answered(outcome))), Origin::Forged(forgery)) => {
                reached.insert(format!("{forgery:?} of {kind:?}: {}", status(outcome)));
            }
            (Some((_, End::Answered(outcome))), Origin::Replayed) => {
                reached.insert(format!("replay of {kind:?}: {}", status(outcome)));
            }
            (Some((_, End::Answered(outcome))), Origin::Honest) if status(outcome) == 401 => {
                reached.insert(OF_RUNS[7].to_owned());
            }
            _ => {}
        }
        let at_once = finished.invocations[..number].iter().any(|other| {
            other.sent.event == invocation.sent.event
                && other.ahead_ms.abs_diff(invocation.ahead_ms) > 4_000
                && other.end.as_ref().is_some_and(|&(ended, _)| ended > invocation.arrived)
        });
        if at_once {
            reached.insert(OF_RUNS[6].to_owned());
        }
    }
    if finished.asides.iter().any(|(_, text)| text.ends_with("by TTL")) {
        reached.insert(OF_RUNS[5].to_owned());
    }
}

#[test]
fn every_failure_that_the_simulation_is_made_of_occurs() {
    let mut missing: BTreeSet<String> = OF_RUNS.map(str::to_owned).into();
    for operation in OPERATIONS {
        missing.extend(FATES.map(|fate| format!("{operation:?}: {fate:?}")));
        missing.extend(OF_REQUESTS.map(|what| format!("{operation:?}: {what}")));
    }
    let deployed: Vec<_> =
        PROVIDERS.iter().flat_map(|provider| provider.schemes()).map(Kind::Deployed).collect();
    // Each deployed scheme takes part in only some of the runs, so more runs are needed.
    let seeds = 50_000 + 10_000 * u64::try_from(deployed.len()).expect("fits");
    for kind in KINDS.into_iter().chain(deployed) {
        missing.extend([200, 409, 503].map(|status| format!("replay of {kind:?}: {status}")));
        missing.extend(FORGERIES.map(|forgery| format!("{forgery:?} of {kind:?}: 401")));
    }
    for seed in 0..seeds {
        let finished = run(seed, ANY);
        let mut reached = BTreeSet::new();
        for exchange in &finished.exchanges {
            of_request(&finished, exchange, &mut reached);
            of_effect(&finished, exchange, &mut reached);
        }
        of_run(&finished, &mut reached);
        missing.retain(|what| !reached.contains(what));
        if missing.is_empty() {
            return;
        }
    }
    panic!("{seeds} schedules do not reach {missing:#?}");
}
