//! Runs many seeds, on all cores.

use std::{
    env,
    num::NonZero,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{
    checks::{Counts, Violation, check},
    run::{Scenario, run},
};

/// The variable with the seeds to run instead of a test's own, such as `0..1000000`.
const VARIABLE: &str = "SIMULATION_SEEDS";
/// How many seeds a thread takes at once.
const CHUNK: u64 = 64;

/// The result of a range of seeds.
pub(crate) struct Swept {
    pub(crate) counts: Counts,
    /// The lowest seed that breaks a promise.
    pub(crate) broken: Option<(u64, Violation)>,
}

/// Returns the seeds to run: those in the environment, or else the test's own.
pub(crate) fn seeds(own: Range<u64>) -> Range<u64> {
    let Ok(text) = env::var(VARIABLE) else { return own };
    let ends = text.split_once("..").map(|(first, end)| (first.trim().parse(), end.trim().parse()));
    let Some((Ok(first), Ok(end))) = ends else {
        panic!("{VARIABLE} is {text:?}, not a range such as 0..1000")
    };
    first..end
}

/// Runs seeds until one breaks a promise.
pub(crate) fn sweep(seeds: Range<u64>, scenario: Scenario) -> Swept {
    let next = AtomicU64::new(seeds.start);
    let lowest = AtomicU64::new(u64::MAX);
    let swept = Mutex::new(Swept { counts: Counts::new(), broken: None });
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut counts = Counts::new();
                loop {
                    let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                    // All lower seeds still run, so the lowest that fails is the same each time.
                    if first >= seeds.end || first > lowest.load(Ordering::Relaxed) {
                        break;
                    }
                    let chunk = first..seeds.end.min(first + CHUNK);
                    let Some((seed, violation)) = first_broken(chunk, scenario, &mut counts) else {
                        continue;
                    };
                    lowest.fetch_min(seed, Ordering::Relaxed);
                    let mut swept = swept.lock().unwrap_or_else(PoisonError::into_inner);
                    if swept.broken.as_ref().is_none_or(|&(known, _)| seed < known) {
                        swept.broken = Some((seed, violation));
                    }
                }
                let mut swept = swept.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, count) in counts {
                    *swept.counts.entry(name).or_default() += count;
                }
            });
        }
    });
    swept.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn first_broken(
    seeds: Range<u64>,
    scenario: Scenario,
    counts: &mut Counts,
) -> Option<(u64, Violation)> {
    seeds.into_iter().find_map(|seed| {
        let finished = run(seed, scenario);
        check(&finished, counts).err().map(|violation| (seed, violation))
    })
}
