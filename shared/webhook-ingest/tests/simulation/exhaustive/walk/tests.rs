//! Tests the walk on toy examples whose numbers are known.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::*;

fn hash(state: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Walks all orders in which some processes make `steps` steps each.
fn interleave(processes: usize, steps: usize, reduces: bool) -> Count {
    let (count, broken) = walk(|path| {
        let mut left = vec![steps; processes];
        while left.iter().any(|&left| left > 0) {
            if reduces && path.visit(hash(&left)) == Visit::Known {
                return ControlFlow::<(), _>::Continue(Visit::Known);
            }
            let able: Vec<_> = (0..processes).filter(|&process| left[process] > 0).collect();
            left[able[path.choose(able.len())]] -= 1;
        }
        ControlFlow::Continue(Visit::New)
    });
    assert_eq!(broken, None);
    count
}

#[test]
fn the_number_of_interleavings_is_the_multinomial() {
    for (processes, steps, schedules) in
        [(1, 5, 1), (2, 1, 2), (2, 3, 20), (3, 2, 90), (4, 1, 24), (3, 3, 1_680)]
    {
        let count = interleave(processes, steps, false);
        let runs = u64::try_from(schedules).expect("is small");
        assert_eq!(count, Count { schedules, states: 0, runs }, "{processes} × {steps}");
    }
}

#[test]
fn a_state_is_walked_once_and_its_schedules_are_counted_each_time() {
    // The states are a grid of (steps + 1)^processes points, without the last one.
    assert_eq!(interleave(2, 3, true), Count { schedules: 20, states: 15, runs: 10 });
    assert_eq!(interleave(3, 3, true).schedules, 1_680);
    assert_eq!(interleave(3, 3, true).states, 63);
    assert_eq!(interleave(2, 30, true).schedules, 118_264_581_564_861_424);
}

#[test]
fn without_a_choice_there_is_one_schedule() {
    assert_eq!(
        walk(|_| ControlFlow::<(), _>::Continue(Visit::New)).0,
        Count { schedules: 1, states: 0, runs: 1 }
    );
}

#[test]
fn each_schedule_is_run_once_and_none_is_left_out() {
    let mut names = Vec::new();
    walk(|path| {
        let first = path.choose(3);
        if first > 0 {
            path.choose(1);
            path.choose(first + 1);
        }
        names.push(path.name());
        ControlFlow::<(), _>::Continue(Visit::New)
    });
    assert_eq!(names, ["0", "1.0", "1.1", "2.0", "2.1", "2.2"]);
}

/// Two processes add one to a counter: each reads, then writes. With a lock neither reads between
/// the other's two steps.
fn add_twice(path: &mut Path, locks: bool, reduces: bool) -> ControlFlow<String, Visit> {
    let (mut counter, mut read, mut at, mut locked) = (0, [0; 2], [0; 2], None);
    while at != [2, 2] {
        if reduces && path.visit(hash((counter, read, at, locked))) == Visit::Known {
            return ControlFlow::Continue(Visit::Known);
        }
        let able: Vec<usize> = [0, 1]
            .into_iter()
            .filter(|&process| {
                at[process] < 2 && (!locks || locked.is_none_or(|owner| owner == process))
            })
            .collect();
        let process = able[path.choose(able.len())];
        if at[process] == 0 {
            (read[process], locked) = (counter, Some(process));
        } else {
            (counter, locked) = (read[process] + 1, None);
        }
        at[process] += 1;
    }
    if counter == 2 { ControlFlow::Continue(Visit::New) } else { ControlFlow::Break(path.name()) }
}

#[test]
fn a_lost_update_is_found_and_repeated_by_its_path() {
    let (count, found) = walk(|path| add_twice(path, false, false));
    assert_eq!((count.runs, found.as_deref()), (2, Some("0.1.0")));
    assert_eq!(walk(|path| add_twice(path, false, true)).1.as_deref(), Some("0.1.0"));
    assert_eq!(
        add_twice(&mut Path::given(&[0, 1, 0]), false, false),
        ControlFlow::Break("0.1.0".to_owned())
    );
    assert_eq!(
        add_twice(&mut Path::given(&[0, 0]), false, false),
        ControlFlow::Continue(Visit::New)
    );
}

#[test]
fn a_lock_has_no_lost_update() {
    assert_eq!(
        walk(|path| add_twice(path, true, false)),
        (Count { schedules: 2, states: 0, runs: 2 }, None)
    );
    assert_eq!(walk(|path| add_twice(path, true, true)).0.schedules, 2);
}

#[test]
fn four_independent_bits_reach_all_sixteen_values() {
    for reduces in [false, true] {
        let mut values = BTreeSet::new();
        walk(|path| {
            let mut value = 0;
            for bit in 0..4 {
                if reduces && path.visit(hash((bit, value))) == Visit::Known {
                    return ControlFlow::<(), _>::Continue(Visit::Known);
                }
                value |= path.choose(2) << bit;
            }
            values.insert(value);
            ControlFlow::Continue(Visit::New)
        });
        assert_eq!(values, (0..16).collect(), "{reduces}");
    }
}
