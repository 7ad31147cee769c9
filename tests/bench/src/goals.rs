//! What the figures must be, and what they are meant to become.

use crate::{
    cold::Start,
    results::{Measurements, Results},
    stats::Spread,
};

/// Longest that heap may be beside the names of open objects, in bytes.
const HEAP_BYTES: f64 = 4096.0;
/// Growth of resident memory that counts as none: pages that the allocator happens to touch.
const FLAT_PERCENT: f64 = 2.0;
/// Smallest body to which the goal of the raw path applies.
const RAW_FROM: usize = 10 << 10;

enum Better {
    Higher,
    Lower,
}

struct Goal {
    what: &'static str,
    better: Better,
    must: f64,
    race: f64,
    /// What is compared with both.
    measured: Option<f64>,
    /// As text, with unit and range.
    shown: String,
    unit: &'static str,
}

/// A row for each goal: what, must, race for, measured, whether it holds.
#[must_use]
pub fn goals(results: &Results) -> Vec<Vec<String>> {
    let goals = [ratios(results), counts(results), kernels(results), calls(results)].into_iter().flatten();
    goals.map(row).collect()
}

fn row(goal: Goal) -> Vec<String> {
    let sign = match goal.better {
        Better::Higher => "≥",
        Better::Lower => "≤",
    };
    let reaches = |bound: f64| {
        goal.measured.map(|measured| match goal.better {
            Better::Higher => measured >= bound,
            Better::Lower => measured <= bound,
        })
    };
    let holds = match (reaches(goal.must), reaches(goal.race)) {
        (None, _) => "not measured",
        (Some(false), _) => "**no**",
        (Some(true), Some(true)) => "yes, and what we race for",
        (Some(true), _) => "yes",
    };
    let bound = |bound: f64| format!("{sign} {bound}{}", goal.unit);
    vec![goal.what.to_owned(), bound(goal.must), bound(goal.race), goal.shown, holds.to_owned()]
}

fn of<'r>(results: &'r Results, name: &str) -> Option<&'r Measurements> {
    results.functions.iter().find(|function| function.subject.name == name)
}

fn ratio(what: &'static str, must: f64, race: f64, spread: Option<Spread>) -> Goal {
    let shown = spread.map_or("–".to_owned(), |spread| spread.text(1) + " ×");
    Goal { what, better: Better::Higher, must, race, measured: spread.map(|spread| spread.median), shown, unit: " ×" }
}

fn ratios(results: &Results) -> Vec<Goal> {
    let start = |name: &str, figure: fn(&Start) -> f64| {
        let theirs = of(results, name)?.of_starts(figure);
        Some(Spread::of_ratios(&theirs, &results.functions[0].of_starts(figure)))
    };
    let warm = |name: &str| {
        let (theirs, ours) = (of(results, name)?.warm.as_ref()?, results.functions[0].warm.as_ref()?);
        Some(Spread::of_ratios(&theirs[0][0].cpu_us, &ours[0][0].cpu_us))
    };
    vec![
        ratio(
            "first TLS answer, against cargo-lambda's defaults",
            8.0,
            12.0,
            start("default", |start| start.answer_ms),
        ),
        ratio("cold processor time, against the same", 12.0, 20.0, start("default", |start| start.cpu_ms)),
        ratio("first TLS answer, against Python", 60.0, 100.0, start("python", |start| start.answer_ms)),
        ratio("first TLS answer, against Node", 35.0, 55.0, start("node", |start| start.answer_ms)),
        ratio("processor time per accepted delivery, against Python", 10.0, 40.0, warm("python")),
        ratio("processor time per accepted delivery, against Node", 15.0, 60.0, warm("node")),
    ]
}

fn at_most(what: &'static str, must: f64, race: f64, measured: Option<f64>, unit: &'static str) -> Goal {
    let shown = measured.map_or("–".to_owned(), |measured| format!("{measured:.2}{unit}"));
    Goal { what, better: Better::Lower, must, race, measured, shown, unit }
}

fn counts(results: &Results) -> Vec<Goal> {
    let ours = &results.functions[0];
    let millions = |count: u64| count as f64 / 1e6;
    let resident = Spread::of(ours.of_starts(|start| start.memory_after_first.resident_kib as f64)).median;
    vec![
        at_most("instructions to `/next`", 2.5, 0.6, ours.counts.map(|counts| millions(counts.to_next)), " M"),
        at_most(
            "instructions of the first invocation",
            5.0,
            4.1,
            ours.counts.map(|counts| millions(counts.first_invoke)),
            " M",
        ),
        at_most("resident memory after the first answer", 9.0, 5.0, Some(resident * 1024.0 / 1e6), " MB"),
        at_most("zip", 3.0, 1.5, ours.sizes.map(|sizes| millions(sizes.zip)), " MB"),
    ]
}

fn kernels(results: &Results) -> Vec<Goal> {
    let kernels = results.kernels.as_ref();
    // The worst of all sizes and spellings.
    let least = |spreads: Vec<Spread>| spreads.into_iter().min_by(|one, other| one.median.total_cmp(&other.median));
    let raw = kernels.and_then(|kernels| {
        let rows = kernels.beside_mac.iter().filter(|row| row.kernel.ends_with("raw bytes") && row.size.1 >= RAW_FROM);
        least(rows.map(|row| row.of_mac).collect())
    });
    let against =
        |peer: usize| least(kernels?.beside_peers.iter().filter_map(|row| row.times.get(peer).copied()).collect());
    let heap = kernels
        .and_then(|kernels| kernels.heap.iter().map(|row| row.forged.max(row.accepted) as f64).max_by(f64::total_cmp));
    let raw = Goal {
        what: "raw path ÷ bare HMAC, 10 KiB and up (the worst)",
        better: Better::Higher,
        must: 0.9,
        race: 0.97,
        measured: raw.map(|spread| spread.median),
        shown: raw.map_or("–".to_owned(), |spread| spread.text(2)),
        unit: "",
    };
    vec![
        raw,
        ratio("re-serialising path, against Python (the worst)", 11.0, 20.0, against(0)),
        ratio("re-serialising path, against Node (the worst)", 5.0, 9.0, against(1)),
        at_most("heap of the re-serialising path (the most)", HEAP_BYTES, 0.0, heap, " bytes"),
    ]
}

fn calls(results: &Results) -> Vec<Goal> {
    let [before, after] = results.endurance.resident_kib.map(|kib| kib as f64);
    let made = |kind: usize| results.functions[0].warm.as_ref().map(|warm| warm[0][kind].calls as f64);
    let number = |what, must, race, measured: Option<f64>| Goal {
        shown: measured.map_or("–".to_owned(), |measured| measured.to_string()),
        ..at_most(what, must, race, measured, "")
    };
    vec![
        number("AWS calls of a refused delivery", 0.0, 0.0, made(2)),
        number("AWS calls of a duplicate", 1.0, 1.0, made(1)),
        number("AWS calls of an accepted delivery", 3.0, 2.0, made(0)),
        at_most(
            "growth of memory from delivery 1,000 to 100,000",
            FLAT_PERCENT,
            FLAT_PERCENT,
            Some((after / before - 1.0) * 100.0),
            " %",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_holds_on_its_bound_and_not_beyond() {
        let holds = |measured: Option<f64>| row(at_most("zip", 3.0, 1.5, measured, " MB")).pop().unwrap_or_default();
        assert_eq!(holds(Some(3.01)), "**no**");
        assert_eq!(holds(Some(3.0)), "yes");
        assert_eq!(holds(Some(1.5)), "yes, and what we race for");
        assert_eq!(holds(None), "not measured");
        let spread = |median| Some(Spread { median, least: 1.0, most: 99.0 });
        let holds = |median| row(ratio("x", 8.0, 12.0, spread(median)))[3..].join(": ");
        assert_eq!(holds(7.9), "7.9 (1.0…99.0) ×: **no**");
        assert_eq!(holds(8.0), "8.0 (1.0…99.0) ×: yes");
    }
}
