//! Each call with each fault, for one request and for a whole attempt.

use webhook_tests::{
    emulator::Emulator,
    proxy::{Call, Fault},
    traffic::{Kind, Seen},
};

use crate::case::{Case, FaultExtent, LONG, Rule, SHORT, run_all};

use Call::{Claim, Complete, CurrentSecret, PreviousSecret, PutObject, Release, Send};
use Fault::{
    Error, ErrorAfter, HoldAfter, HoldBefore, KillAfter, KillBefore, ResetAfter, ResetBefore,
    Throttle,
};
use Seen::{Accepted, Died, Duplicate, Unavailable};

const IN_FLIGHT: Seen = Seen::InFlight(0);

/// Returns the answers that follow from a fault that lasts throughout the first attempt, each with
/// the attempt after which a request that is held back is let go.
///
/// A `Release` happens only after a failed send, so its cases have one.
#[expect(clippy::match_same_arms, reason = "a table: each row has its own reason")]
fn throughout(call: Call, fault: Fault) -> Vec<(usize, Vec<Seen>)> {
    let alone = |answers: &[Seen]| vec![(0, answers.to_vec())];
    match (call, fault) {
        // There is no secret to verify with.
        (CurrentSecret | PreviousSecret, KillBefore | KillAfter) => {
            alone(&[Died, Accepted, Duplicate])
        }
        (CurrentSecret, _) | (PreviousSecret, HoldBefore | HoldAfter) => {
            alone(&[Unavailable, Accepted, Duplicate])
        }
        // The current version verifies, so the previous one does not matter.
        (PreviousSecret, _) => alone(&[Accepted, Duplicate]),

        // A claim that may have been written is released, so the next attempt need not wait.
        (Claim, Error | ErrorAfter | Throttle | ResetBefore | ResetAfter | HoldAfter) => {
            alone(&[Unavailable, Accepted, Duplicate])
        }
        // The claim arrives when nobody is left to release it, or too late to do anything.
        (Claim, HoldBefore) => {
            vec![
                (0, vec![Unavailable, IN_FLIGHT, Accepted, Duplicate]),
                (1, vec![Unavailable, Accepted, Duplicate]),
            ]
        }
        (Claim, KillBefore) => alone(&[Died, Accepted, Duplicate]),
        (Claim, KillAfter) => alone(&[Died, IN_FLIGHT, Accepted, Duplicate]),

        // Whether or not the message is on the queue, the claim is released, and the queue drops a
        // second message.
        (PutObject | Send, Error | ErrorAfter | Throttle | ResetBefore | ResetAfter) => {
            alone(&[Unavailable, Accepted, Duplicate])
        }
        (PutObject | Send, HoldBefore | HoldAfter) => {
            vec![
                (0, vec![Unavailable, Accepted, Duplicate]),
                (1, vec![Unavailable, Accepted, Duplicate]),
            ]
        }
        (PutObject | Send, KillBefore | KillAfter) => {
            alone(&[Died, IN_FLIGHT, Accepted, Duplicate])
        }

        // The event is on the queue, so the answer is 200. The record stays in progress until its
        // lease has expired.
        (Complete, Error | Throttle | ResetBefore) => {
            alone(&[Accepted, IN_FLIGHT, Accepted, Duplicate])
        }
        (Complete, ErrorAfter | ResetAfter | HoldAfter) => alone(&[Accepted, Duplicate]),
        // It arrives late, or so late that another attempt has taken the record over: then the
        // fence holds.
        (Complete, HoldBefore) => {
            vec![
                (0, vec![Accepted, Duplicate]),
                (2, vec![Accepted, IN_FLIGHT, Accepted, Duplicate]),
            ]
        }
        (Complete, KillBefore) => alone(&[Died, IN_FLIGHT, Accepted, Duplicate]),
        (Complete, KillAfter) => alone(&[Died, Duplicate]),

        (Release, Error | Throttle | ResetBefore) => {
            alone(&[Unavailable, IN_FLIGHT, Accepted, Duplicate])
        }
        (Release, ErrorAfter | ResetAfter | HoldAfter) => {
            alone(&[Unavailable, Accepted, Duplicate])
        }
        (Release, HoldBefore) => {
            vec![
                (0, vec![Unavailable, Accepted, Duplicate]),
                (2, vec![Unavailable, IN_FLIGHT, Accepted, Duplicate]),
            ]
        }
        (Release, KillBefore) => alone(&[Died, IN_FLIGHT, Accepted, Duplicate]),
        (Release, KillAfter) => alone(&[Died, Accepted, Duplicate]),
    }
}

/// Returns the kinds in turn, with a large body if the bucket is to fail.
fn kind(call: Call, number: usize) -> Kind {
    match call {
        PutObject => Kind::in_turn(number).large(),
        CurrentSecret | PreviousSecret | Claim | Send | Complete | Release => Kind::in_turn(number),
    }
}

/// Returns the faults of an attempt in which this happens to `call`.
fn rules(call: Call, fault: Fault, lasts: FaultExtent) -> Vec<Rule> {
    let mut rules = vec![Rule { call, fault, lasts }];
    if call == Release {
        rules.push(Rule { call: Send, fault: Error, lasts: FaultExtent::Throughout });
    }
    rules
}

#[tokio::test]
async fn a_call_that_fails_throughout_an_attempt_queues_the_event_once() {
    let mut cases = Vec::new();
    for call in Call::ALL {
        for fault in Fault::ALL {
            for (let_go_after, answers) in throughout(call, fault) {
                cases.push(Case {
                    kind: kind(call, cases.len()),
                    attempts: vec![rules(call, fault, FaultExtent::Throughout)],
                    time_left: SHORT,
                    let_go_after,
                    answers,
                });
            }
        }
    }
    assert_eq!(cases.len(), 70);
    run_all(cases, &Emulator::shared().endpoint).await;
}

#[tokio::test]
async fn each_call_that_fails_once_is_retried_within_the_attempt() {
    let mut cases = Vec::new();
    for call in Call::ALL {
        for fault in Fault::ALL.into_iter().filter(|fault| !matches!(fault, KillBefore | KillAfter))
        {
            // A late release must not touch the record of the next attempt.
            let (let_go_after, answers) = match call {
                Release => (1, vec![Unavailable, Accepted, Duplicate]),
                _ => (0, vec![Accepted, Duplicate]),
            };
            let attempts = vec![rules(call, fault, FaultExtent::Once)];
            cases.push(Case {
                kind: kind(call, cases.len()),
                attempts,
                time_left: LONG,
                let_go_after,
                answers,
            });
        }
    }
    assert_eq!(cases.len(), 49);
    run_all(cases, &Emulator::shared().endpoint).await;
}
