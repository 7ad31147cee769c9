//! All schedules of the scopes, and how many there are.

use std::{
    env,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Explored, Schedule, VARIABLE, explore,
    scope::{Bounds, Name, Scope, with_clocks},
    verdict::{CAME_EARLIER, CAME_LATER},
    walk::Count,
};
use crate::checks::{Counts, Doubt};

/// The variable with the most faults of a schedule, in place of those of the usual tests.
const FAULTS: &str = "SIMULATION_FAULTS";

/// Does all the work, on all cores, the last of it first: that is the longest.
pub(super) fn in_parallel<T: Sync, R: Send>(work: &[T], worker: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let left = AtomicUsize::new(work.len());
    let done = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok(before) =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                        left.checked_sub(1)
                    })
                {
                    let result = worker(&work[before - 1]);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((before, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|&(place, _)| place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The most faults that are asked for.
pub(super) fn asked() -> Option<u32> {
    let text = env::var(FAULTS).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{FAULTS} is not a number: {text}")))
}

/// Walks all schedules of a scope with all clocks; panics with the first that breaks a promise.
fn walk_all(scopes: &[(Name, u32)]) -> (Vec<(Name, u32, Count)>, Counts) {
    let mut work: Vec<(Name, String, Scope, u32)> = Vec::new();
    for &(name, faults) in scopes {
        for faults in 0..=faults {
            work.extend(with_clocks(name).map(|(full, scope)| (name, full, scope, faults)));
        }
    }
    let explored = in_parallel(&work, |(_, full, scope, faults)| {
        let explored = explore(*scope, Bounds { faults: *faults, steps: u32::MAX, flaw: None });
        eprintln!("{full} with {faults} faults: {:?}", explored.count);
        explored
    });
    let mut counts = Counts::new();
    let mut rows: Vec<(Name, u32, Count)> = Vec::new();
    for ((name, full, _, faults), explored) in work.iter().zip(explored) {
        let Explored { count, counts: own, broken } = explored;
        if let Some((choices, _)) = broken {
            let schedule = Schedule { scope: full.clone(), faults: *faults, flaw: None, choices };
            panic!("{}", schedule.report(&schedule.repeat()));
        }
        for (what, number) in own {
            *counts.entry(what).or_default() += number;
        }
        match rows.last_mut() {
            Some((known, with, sum)) if known == name && with == faults => {
                sum.schedules += count.schedules;
                sum.states += count.states;
                sum.runs += count.runs;
            }
            _ => rows.push((name, *faults, count)),
        }
    }
    (rows, counts)
}

/// With how many faults `make test` walks.
const USUAL_FAULTS: u32 = 2;
/// What is walked, the larger ones last, and with how many faults less than asked for.
const WALKED: [(Name, u32); 7] = [
    ("twice-unsigned-id", 1),
    ("twice-dated", 0),
    ("three-times-forged-rotated", 2),
    ("three-times-dated", 1),
    ("three-times", 0),
    ("two-events", 1),
    ("twice-forged-rotated", 1),
];

/// How many schedules and states there are, with all clocks: `RELIABILITY.md` has these numbers.
const KNOWN: [(Name, u32, u128, u64); 22] = [
    ("twice-unsigned-id", 0, 258, 108),
    ("twice-unsigned-id", 1, 15_869, 3_889),
    ("twice-unsigned-id", 2, 482_679, 61_694),
    ("twice-dated", 0, 258, 108),
    ("twice-dated", 1, 15_869, 3_889),
    ("twice-dated", 2, 482_679, 61_694),
    ("twice-dated", 3, 9_454_042, 572_122),
    ("three-times-forged-rotated", 0, 476_449, 17_724),
    ("three-times-forged-rotated", 1, 54_266_111, 1_226_093),
    ("three-times-dated", 0, 5_370, 620),
    ("three-times-dated", 1, 504_118, 42_477),
    ("three-times-dated", 2, 23_032_874, 1_138_638),
    ("three-times", 0, 3_441, 442),
    ("three-times", 1, 291_863, 22_507),
    ("three-times", 2, 12_258_396, 498_326),
    ("three-times", 3, 337_775_658, 6_618_597),
    ("two-events", 0, 27_448, 3_944),
    ("two-events", 1, 3_053_082, 246_147),
    ("two-events", 2, 164_372_569, 6_750_112),
    ("twice-forged-rotated", 0, 12_480, 1_793),
    ("twice-forged-rotated", 1, 886_928, 78_244),
    ("twice-forged-rotated", 2, 30_011_698, 1_452_021),
];

#[test]
fn every_schedule_of_a_small_scope_keeps_the_promises() {
    if let Ok(text) = env::var(VARIABLE) {
        let schedule =
            Schedule::read(&text).unwrap_or_else(|| panic!("{VARIABLE} is not a schedule: {text}"));
        return eprintln!("{}", schedule.report(&schedule.repeat()));
    }
    let asked = asked().unwrap_or(USUAL_FAULTS);
    let scopes: Vec<_> =
        WALKED.iter().filter_map(|&(name, less)| Some((name, asked.checked_sub(less)?))).collect();
    let (rows, counts) = walk_all(&scopes);
    eprintln!("| scope | faults | schedules | states | runs |\n|---|---|---|---|---|");
    for (name, faults, Count { schedules, states, runs }) in rows {
        eprintln!("| {name} | {faults} | {schedules} | {states} | {runs} |");
        if let Some((.., known_schedules, known_states)) =
            KNOWN.iter().find(|known| (known.0, known.1) == (name, faults))
        {
            assert_eq!(
                (schedules, states),
                (*known_schedules, *known_states),
                "{name} with {faults} faults"
            );
        }
    }
    eprintln!("{counts:#?}");
    if asked < USUAL_FAULTS {
        return;
    }
    for hit in Doubt::ALL.map(Doubt::window).into_iter().chain([CAME_EARLIER, CAME_LATER]) {
        assert!(counts.contains_key(hit), "{hit}: {counts:?}");
    }
}
