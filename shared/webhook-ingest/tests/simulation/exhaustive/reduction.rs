//! That the reduction loses nothing: with and without it, a walk of a smaller scope comes to the same states and verdicts.

use std::{collections::BTreeSet, ops::ControlFlow};

use super::{
    schedule::run,
    scope::{Bounds, SECOND_AHEAD_MS, Scope},
    verdict::{Broken, judge},
    walk::{Count, walk},
};
use crate::{checks::Counts, flaws::Flaw, traffic::Kind};

/// All that a walk comes to.
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

/// What is wrong, without the numbers.
fn kind(broken: &Broken) -> String {
    broken.to_string().chars().filter(|character| !character.is_ascii_digit()).collect()
}

fn same_with_and_without(scope: Scope, bounds: Bounds) {
    let [with, without] = [true, false].map(|reduces| reach(scope, bounds, reduces));
    assert_eq!(with.count.schedules, without.count.schedules, "{scope:?} {bounds:?}");
    assert_eq!(with.verdicts, without.verdicts, "{scope:?} {bounds:?}");
    assert_eq!(with.excuses, without.excuses, "{scope:?} {bounds:?}");
    assert!(with.states == without.states, "{scope:?} {bounds:?}");
    eprintln!("{scope:?} {bounds:?} {:?} {:?} {:?}", with.count, without.count, with.verdicts);
}

#[test]
fn a_smaller_scope_comes_to_the_same_with_and_without_the_reduction() {
    for (kind, signs_anew) in [(Kind::EndgrateConfiguration, false), (Kind::PinwheelV2, true)] {
        for second_ahead_ms in SECOND_AHEAD_MS {
            for (deliveries, forgeries, rotations, faults) in [(2, 0, 0, 1), (3, 0, 0, 0), (2, 1, 1, 0)] {
                let scope = Scope { kind, events: 1, deliveries, forgeries, rotations, signs_anew, second_ahead_ms };
                for flaw in std::iter::once(None).chain(Flaw::ALL.map(Some)) {
                    same_with_and_without(scope, Bounds { faults, steps: u32::MAX, flaw });
                }
            }
        }
    }
}

#[test]
fn debug_congruence() {
    use std::collections::HashMap;
    let var = |name: &str, default: u32| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let flaw = std::env::var("FLAW").ok().map(|name| *Flaw::ALL.iter().find(|flaw| format!("{flaw:?}") == name).expect("flaw"));
    for (kind, signs_anew) in [(Kind::EndgrateConfiguration, false), (Kind::PinwheelV2, true)] {
        for second_ahead_ms in SECOND_AHEAD_MS {
            let scope = Scope { kind, events: var("EVENTS", 1) as usize, deliveries: var("DELIVERIES", 2), forgeries: var("FORGERIES", 0), rotations: var("ROTATIONS", 0), signs_anew, second_ahead_ms };
            let bounds = Bounds { faults: var("FAULTS", 1), steps: u32::MAX, flaw };
            let mut next: HashMap<(u64, String), BTreeSet<u64>> = HashMap::new();
            walk(|path| {
                let mut before: Option<(u64, String)> = None;
                let ended = run(path, scope, bounds, false, |path, state| {
                    let name = path.name();
                    if let Some(known) = before.take() { next.entry(known).or_default().insert(state); }
                    before = Some((state, name));
                });
                ControlFlow::<(), _>::Continue(ended.visit)
            });
            let mut by_state: HashMap<u64, (String, BTreeSet<u64>)> = HashMap::new();
            let mut bad = 0;
            for ((state, name), set) in &next {
                let entry = by_state.entry(*state).or_insert((name.clone(), set.clone()));
                if entry.1 != *set { bad += 1; if bad < 4 {
                    eprintln!("{state} {name} {}: {:?} {:?}", entry.0, set.difference(&entry.1), entry.1.difference(set)); } }
            }
            eprintln!("{scope:?} bad {bad} of {}", next.len());
            if bad > 0 { 
                return; }
        }
    }
}

#[test]
fn show() {
    let path = std::env::var("SCHEDULE").expect("SCHEDULE");
    let choices: Vec<usize> = path.split('.').filter_map(|choice| choice.parse().ok()).collect();
    let var = |name: &str, default: u32| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (kind, signs_anew) = [(Kind::EndgrateConfiguration, false), (Kind::PinwheelV2, true)][var("KIND", 0) as usize];
    let second_ahead_ms = SECOND_AHEAD_MS[var("AHEAD", 0) as usize];
    let scope = Scope { kind, events: var("EVENTS", 1) as usize, deliveries: var("DELIVERIES", 2), forgeries: var("FORGERIES", 0), rotations: var("ROTATIONS", 0), signs_anew, second_ahead_ms };
    let bounds = Bounds { faults: var("FAULTS", 1), steps: u32::MAX, flaw: None };
    let ended = run(&mut super::walk::Path::given(&choices), scope, bounds, false, |path, state| eprintln!("{} {state}", path.name()));
    eprintln!("{}", crate::history::history(&ended.finished));
}
