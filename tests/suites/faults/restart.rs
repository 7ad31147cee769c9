//! All of AWS becomes unreachable at a call, restarts with the state that it had, and comes back.

use tokio::task::JoinSet;
use webhook_tests::{
    emulator::Emulator,
    proxy::{Call, Fault},
    traffic::{Kind, Seen},
};

use crate::case::{Case, FaultExtent, Rule, Run, SHORT, assert_none_failed};

use Call::{Claim, Complete, Send};
use Fault::{ResetAfter, ResetBefore};
use Seen::{Accepted, Duplicate, Unavailable};

const IN_FLIGHT: Seen = Seen::InFlight(0);

#[tokio::test]
async fn an_outage_at_any_call_with_a_restart_queues_each_event_once() {
    let mut emulator = Emulator::durable();
    let mut runs = Vec::new();
    for (call, fault, answers) in [
        (Claim, ResetBefore, vec![Unavailable, Accepted, Duplicate]),
        (Claim, ResetAfter, vec![Unavailable, IN_FLIGHT, Accepted, Duplicate]),
        (Send, ResetBefore, vec![Unavailable, IN_FLIGHT, Accepted, Duplicate]),
        (Send, ResetAfter, vec![Unavailable, IN_FLIGHT, Accepted, Duplicate]),
        (Complete, ResetBefore, vec![Accepted, IN_FLIGHT, Accepted, Duplicate]),
        (Complete, ResetAfter, vec![Accepted, Duplicate]),
    ] {
        let attempts = vec![vec![Rule { call, fault, lasts: FaultExtent::Outage }]];
        let case = Case {
            kind: Kind::in_turn(runs.len()),
            attempts,
            time_left: SHORT,
            let_go_after: 0,
            answers,
        };
        runs.push(Run::new(case, &emulator.endpoint).await);
    }

    let mut begun = JoinSet::new();
    for mut run in runs {
        begun.spawn(async move { (run.attempt().await, run) });
    }
    let begun = begun.join_all().await;
    let restarted = tokio::task::spawn_blocking(move || {
        emulator.restart();
        emulator
    });
    let _emulator = restarted.await.expect("the emulator comes up again");

    let mut finished = JoinSet::new();
    for (result, mut run) in begun {
        finished.spawn(async move {
            let result = if result.is_ok() { run.finish().await } else { result };
            result.map_err(|error| format!("{}: {error}", run.name()))
        });
    }
    assert_none_failed(&finished.join_all().await);
}
