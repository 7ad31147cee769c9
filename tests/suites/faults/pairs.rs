//! Two faults in one attempt, or several attempts with faults.

use tokio::task::JoinSet;
use webhook_tests::{
    emulator::{Aws, Emulator},
    lambda::Instance,
    proxy::{Call, Fault},
    traffic::{Event, Kind, Seen},
};

use crate::case::{
    Case, FaultExtent, LONG, Rule, SHORT, assert_none_failed, run_all, script, variables, wrong,
};

use Call::{Claim, Complete, Release, Send};
use Fault::{Error, ErrorAfter, KillAfter, KillBefore, ResetAfter, ResetBefore, Throttle};
use Seen::{Accepted, Died, Duplicate, Unavailable};

const IN_FLIGHT: Seen = Seen::InFlight(0);

/// The faults after which the attempt still succeeds, because the AWS client retries the call.
const PASSING: [Fault; 5] = [Error, ErrorAfter, Throttle, ResetBefore, ResetAfter];

/// Delivers one event for each pair of faults, all to the same instance.
async fn every_pair(kind: Kind, first: Call, second: Call, emulator: &str) -> Result<(), String> {
    let aws = Aws::at(emulator);
    let variables = variables(kind.provider, &aws).await;
    let instance = Instance::new(kind.provider.name(), &variables, emulator).await;
    let mut events = Vec::new();
    for (one, other) in PASSING.into_iter().flat_map(|one| PASSING.map(|other| (one, other))) {
        let event = Event::new(kind, events.len());
        let once = |call, fault| Rule { call, fault, lasts: FaultExtent::Once };
        let before = instance.proxy.seen().len();
        instance.proxy.follow(script(&[once(first, one), once(second, other)]));
        for expected in [Accepted, Duplicate] {
            let seen = Seen::read(&event, instance.invoke(event.delivery(), LONG, None).await)?;
            if seen != expected {
                return Err(format!(
                    "{first:?} {one:?} and {second:?} {other:?}: {seen:?}, expected {expected:?}"
                ));
            }
        }
        let faults =
            instance.proxy.seen()[before..].iter().filter(|(_, fault)| fault.is_some()).count();
        if faults != 2 {
            return Err(format!(
                "{first:?} {one:?} and {second:?} {other:?}: {faults} faults were reached"
            ));
        }
        events.push(event);
    }
    let wrong =
        wrong(&aws, &variables["IDEMPOTENCY_TABLE"], &variables["QUEUE_URL"], &events).await;
    if wrong.is_empty() { Ok(()) } else { Err(format!("{first:?} and {second:?}: {wrong:?}")) }
}

#[tokio::test]
async fn calls_that_fail_once_or_twice_are_retried_within_the_attempt() {
    let mut runs = JoinSet::new();
    for (number, first) in [Claim, Send, Complete].into_iter().enumerate() {
        for second in [Claim, Send, Complete].into_iter().skip(number) {
            runs.spawn(every_pair(
                Kind::in_turn(runs.len()),
                first,
                second,
                &Emulator::shared().endpoint,
            ));
        }
    }
    assert_eq!(runs.len(), 6);
    assert_none_failed(&runs.join_all().await);
}

#[tokio::test]
async fn several_failing_attempts_in_a_row_queue_the_event_exactly_once() {
    let rule = |call, fault| vec![Rule { call, fault, lasts: FaultExtent::Throughout }];
    let calm = Vec::new;
    let cases = [
        (
            vec![rule(Send, KillAfter), calm(), rule(Send, KillAfter)],
            vec![Died, IN_FLIGHT, Died, IN_FLIGHT, Accepted, Duplicate],
        ),
        (
            vec![rule(Claim, KillAfter), calm(), rule(Complete, KillBefore)],
            vec![Died, IN_FLIGHT, Died, IN_FLIGHT, Accepted, Duplicate],
        ),
        (
            vec![rule(Send, KillBefore), calm(), rule(Complete, KillAfter)],
            vec![Died, IN_FLIGHT, Died, Duplicate],
        ),
        (
            vec![rule(Claim, ResetAfter), rule(Send, ResetAfter), rule(Complete, Error)],
            vec![Unavailable, Unavailable, Accepted, IN_FLIGHT, Accepted, Duplicate],
        ),
        (
            vec![rule(Send, ErrorAfter), rule(Send, ResetAfter), rule(Send, Throttle)],
            vec![Unavailable, Unavailable, Unavailable, Accepted, Duplicate],
        ),
        (
            vec![
                [rule(Send, ResetAfter), rule(Release, ResetBefore)].concat(),
                calm(),
                rule(Claim, ResetAfter),
            ],
            // The claim that took the record over is released, which deletes the record.
            vec![Unavailable, IN_FLIGHT, Unavailable, Accepted, Duplicate],
        ),
        (
            vec![[rule(Claim, ResetAfter), rule(Release, Error)].concat()],
            vec![Unavailable, IN_FLIGHT, Accepted, Duplicate],
        ),
    ];
    let case = |(number, (attempts, answers))| Case {
        kind: Kind::in_turn(number),
        attempts,
        time_left: SHORT,
        let_go_after: 0,
        answers,
    };
    run_all(cases.into_iter().enumerate().map(case).collect(), &Emulator::shared().endpoint).await;
}
