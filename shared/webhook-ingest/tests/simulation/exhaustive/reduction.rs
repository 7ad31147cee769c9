//! Tests that the reduction loses nothing, on smaller scopes that are also walked without it.
//!
//! - Equal states have equal futures: whatever led to a state, the same states can follow it.
//! - With and without the reduction, a walk reaches the same states, counts the same schedules and
//!   catches the same flaws.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
};

use super::{
    schedule::run,
    scope::{Bounds, Scope, with_clocks},
    table::in_parallel,
    verdict::{Broken, judge},
    walk::{Count, walk},
};
use crate::{checks::Counts, flaws::Flaw, traffic::Kind};

/// All that a walk reaches.
#[derive(Debug, Default)]
struct Reached {
    count: Count,
    states: BTreeSet<u64>,
    verdicts: BTreeSet<String>,
    excuses: BTreeSet<&'static str>,
}

fn reach(scope: Scope, bounds: Bounds, reduces: bool) -> Reached {
    let mut reached = Reached::default();
    let mut counts = Counts::new();
    let Reached { states, verdicts, .. } = &mut reached;
    let (count, _) = walk(|path| {
        let ended = run(path, scope, bounds, reduces, |_, state| {
            states.insert(state);
        });
        if let Err(broken) = judge(&ended, &mut counts) {
            verdicts.insert(kind(&broken));
        }
        ControlFlow::<(), _>::Continue(ended.visit)
    });
    reached.count = count;
    reached.excuses = counts.into_keys().collect();
    reached
}

/// Returns what is wrong, without the numbers in it.
fn kind(broken: &Broken) -> String {
    broken.to_string().chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// Returns the scopes that are small enough, and with how many faults.
fn small() -> Vec<(Scope, u32)> {
    let named = [
        ("twice", 1),
        ("twice-dated", 1),
        ("two-events-once", 0),
        ("three-times", 0),
        ("twice-forged-rotated", 0),
    ];
    named
        .into_iter()
        .flat_map(|(name, faults)| with_clocks(name).map(move |(_, scope)| (scope, faults)))
        .collect()
}

#[test]
fn walks_of_a_small_scope_agree_with_and_without_the_reduction() {
    let mut work = Vec::new();
    for (scope, faults) in small() {
        work.push((scope, Bounds { faults, steps: u32::MAX, flaw: None }));
        // For flaws, the smallest scopes are enough.
        if scope.kind == Kind::BetaState && scope.rotations == 0 {
            work.extend(
                Flaw::ALL.map(|flaw| (scope, Bounds { faults, steps: u32::MAX, flaw: Some(flaw) })),
            );
        }
    }
    in_parallel(&work, |&(scope, bounds)| {
        let [with, without] = [true, false].map(|reduces| reach(scope, bounds, reduces));
        assert_eq!(with.count.schedules, without.count.schedules, "{scope:?} {bounds:?}");
        assert_eq!(with.verdicts.is_empty(), without.verdicts.is_empty(), "{scope:?} {bounds:?}");
        // The checks stop at the first broken promise, and do not find other ones. And a flaw may
        // depend on the names of claims, which are not in states.
        assert!(with.verdicts.is_subset(&without.verdicts), "{scope:?} {bounds:?}");
        if bounds.flaw.is_none() {
            assert_eq!(with.excuses, without.excuses, "{scope:?} {bounds:?}");
            assert!(with.states == without.states, "{scope:?} {bounds:?}");
        }
    });
}

#[test]
fn equal_states_of_a_small_scope_have_equal_futures() {
    in_parallel(&small(), |&(scope, faults)| {
        let bounds = Bounds { faults, steps: u32::MAX, flaw: None };
        // For each state and the choices that led to it: the states that follow.
        let mut following: HashMap<(u64, String), BTreeSet<u64>> = HashMap::new();
        walk(|path| {
            let mut before: Option<(u64, String)> = None;
            let ended = run(path, scope, bounds, false, |path, state| {
                let here = (state, path.name());
                if let Some(before) = before.replace(here.clone()) {
                    following.entry(before).or_default().insert(state);
                }
                following.entry(here).or_default();
            });
            ControlFlow::<(), _>::Continue(ended.visit)
        });
        let mut futures: HashMap<u64, &BTreeSet<u64>> = HashMap::new();
        for ((state, name), states) in &following {
            let known = futures.entry(*state).or_insert(states);
            assert_eq!(*known, states, "{scope:?} {name}");
        }
        assert!(futures.len() < following.len(), "no state is reached twice");
    });
}
