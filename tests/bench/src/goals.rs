//! The goals: what the figures must reach, and what they race for.

use crate::{
    cold::{self, Start},
    kernels::BesideMac,
    results::{Measurements, Results},
    stats::Spread,
};

/// Growth of resident memory, in percent, that still counts as flat: the allocator may touch a few
/// more pages.
const FLAT_PERCENT: f64 = 2.0;
/// Smallest body to which the goal of the raw path applies.
const RAW_FROM: usize = 10 << 10;
/// Columns of [`goals`].
pub const COLUMNS: [&str; 8] =
    ["goal", "must hold", "race for", "measured", "spread", "all rounds", "quote", "holds"];

enum Better {
    Higher,
    Lower,
}

#[derive(Clone, Copy)]
enum Figure {
    /// A median over rounds.
    Median(Spread),
    /// A count or a size, which is the same in every round.
    Exact(f64),
}

impl Figure {
    fn value(self) -> f64 {
        match self {
            Self::Median(spread) => spread.median,
            Self::Exact(value) => value,
        }
    }
}

struct Goal {
    what: &'static str,
    better: Better,
    must: f64,
    race: Option<f64>,
    figure: Option<Figure>,
    decimals: usize,
    unit: &'static str,
}

/// Returns a row for each goal, with the cells of [`COLUMNS`].
#[must_use]
pub fn goals(results: &Results) -> Vec<Vec<String>> {
    let goals =
        [ratios(results), counts(results), kernels(&results.kernels.beside_mac), calls(results)]
            .into_iter()
            .flatten();
    goals.map(|goal| row(&goal)).collect()
}

fn row(goal: &Goal) -> Vec<String> {
    let Goal { decimals, unit, .. } = *goal;
    let sign = match goal.better {
        Better::Higher => "≥",
        Better::Lower => "≤",
    };
    let bound = |bound: f64| format!("{sign} {bound}{unit}");
    let [measured, spread, all, quote] = match goal.figure {
        None => ["–", "–", "–", "–"].map(str::to_owned),
        Some(Figure::Exact(value)) => {
            [format!("{value:.decimals$}{unit}"), "–".into(), "–".into(), "yes".into()]
        }
        Some(Figure::Median(spread)) => {
            let Spread { count, median, low, high, least, most } = spread;
            let interval = match spread.width() {
                f64::INFINITY => "too few rounds".to_owned(),
                width => format!("{:.0} % ({low:.decimals$}…{high:.decimals$})", width * 100.0),
            };
            let all = format!("{count}: {least:.decimals$}…{most:.decimals$}");
            let quote = if spread.is_too_wide() { "**too wide**" } else { "yes" };
            [format!("{median:.decimals$}{unit}"), interval, all, quote.to_owned()]
        }
    };
    let race = goal.race.map_or("–".to_owned(), bound);
    vec![
        goal.what.to_owned(),
        bound(goal.must),
        race,
        measured,
        spread,
        all,
        quote,
        holds(goal).to_owned(),
    ]
}

fn holds(goal: &Goal) -> &'static str {
    let Some(figure) = goal.figure else { return "not measured" };
    let reaches = |bound: f64| match goal.better {
        Better::Higher => figure.value() >= bound,
        Better::Lower => figure.value() <= bound,
    };
    match (reaches(goal.must), goal.race.is_some_and(reaches)) {
        (false, _) => "**no**",
        (true, true) => "yes, and what we race for",
        (true, false) => "yes",
    }
}

fn of<'r>(results: &'r Results, name: &str) -> Option<&'r Measurements> {
    results.functions.iter().find(|function| function.subject.name == name)
}

/// How many times better than something else; more is better.
fn times(what: &'static str, must: f64, race: f64, spread: Option<Spread>) -> Goal {
    let figure = spread.map(Figure::Median);
    Goal { what, better: Better::Higher, must, race: Some(race), figure, decimals: 1, unit: " ×" }
}

fn ratios(results: &Results) -> Vec<Goal> {
    let start = |name: &str, figure: fn(&Start) -> f64| {
        Some(cold::ratio(&of(results, name)?.starts, &results.functions[0].starts, figure))
    };
    let warm = |name: &str| {
        let (theirs, ours) =
            (of(results, name)?.warm.as_ref()?, results.functions[0].warm.as_ref()?);
        Some(Spread::of_ratios(&theirs[0][0].cpu_us, &ours[0][0].cpu_us))
    };
    let answer = |name| start(name, |start| start.answer_ms);
    let cpu = |name| start(name, |start| start.cpu_ms);
    vec![
        times("first TLS answer, against cargo-lambda's defaults", 5.5, 8.0, answer("default")),
        times("cold processor time, against cargo-lambda's defaults", 6.0, 9.5, cpu("default")),
        times("first TLS answer, against Python", 55.0, 80.0, answer("python")),
        times("first TLS answer, against Node", 26.0, 40.0, answer("node")),
        times("processor time per accepted delivery, against Python", 5.0, 10.0, warm("python")),
        times("processor time per accepted delivery, against Node", 4.5, 10.0, warm("node")),
    ]
}

fn at_most(
    what: &'static str,
    must: f64,
    race: Option<f64>,
    figure: Option<Figure>,
    unit: &'static str,
) -> Goal {
    Goal { what, better: Better::Lower, must, race, figure, decimals: 2, unit }
}

fn counts(results: &Results) -> Vec<Goal> {
    let ours = &results.functions[0];
    let millions = |count: u64| Figure::Exact(count as f64 / 1e6);
    let (counts, sizes) = (ours.counts, ours.sizes);
    let resident = Spread::of(
        ours.of_starts(|start| start.memory_after_first.resident_kib as f64 * 1024.0 / 1e6),
    );
    let (to_next, first_invoke) = (
        counts.map(|counts| millions(counts.to_next)),
        counts.map(|counts| millions(counts.first_invoke)),
    );
    vec![
        at_most("instructions to `/next`", 11.2, Some(9.0), to_next, " M"),
        at_most("instructions of the first invocation", 1.9, Some(1.5), first_invoke, " M"),
        at_most(
            "resident memory after the first answer",
            10.5,
            Some(8.0),
            Some(Figure::Median(resident)),
            " MB",
        ),
        at_most("zip", 4.2, Some(3.0), sizes.map(|sizes| millions(sizes.zip)), " MB"),
    ]
}

fn kernels(rows: &[BesideMac]) -> Vec<Goal> {
    let rows = || rows.iter();
    // A raw path is one that has nothing to re-serialise, now or before.
    let raw = rows().filter(|row| row.of_before.is_none() && row.size.1 >= RAW_FROM);
    let raw = worst(raw.map(|row| row.of_mac)).map(Figure::Median);
    vec![
        Goal {
            what: "raw path ÷ bare HMAC, 10 KiB and up (the worst)",
            better: Better::Higher,
            must: 0.9,
            race: Some(0.97),
            figure: raw,
            decimals: 2,
            unit: "",
        },
        times(
            "accepted delivery on a re-serialising path, text for the queue included, against before (the worst)",
            1.5,
            2.0,
            worst(rows().filter_map(|row| row.of_before)),
        ),
    ]
}

fn worst(spreads: impl Iterator<Item = Spread>) -> Option<Spread> {
    spreads.min_by(|one, other| one.median.total_cmp(&other.median))
}

fn calls(results: &Results) -> Vec<Goal> {
    let made = |kind: usize| {
        let warm = results.functions[0].warm.as_ref()?;
        Some(Figure::Exact(warm[0][kind].calls as f64))
    };
    let count = |what, must, figure| Goal { decimals: 0, ..at_most(what, must, None, figure, "") };
    let [before, after] = results.endurance.resident_kib.map(|kib| kib as f64);
    let growth = Figure::Exact((after / before - 1.0) * 100.0);
    vec![
        count("AWS calls of a refused delivery", 0.0, made(2)),
        count("AWS calls of a duplicate", 1.0, made(1)),
        count("AWS calls of an accepted delivery", 3.0, made(0)),
        at_most(
            "growth of memory from delivery 1,000 to 100,000",
            FLAT_PERCENT,
            None,
            Some(growth),
            " %",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_holds_on_its_bound_and_not_beyond() {
        let zip = |measured: Option<f64>| {
            row(&at_most("zip", 4.2, Some(3.0), measured.map(Figure::Exact), " MB"))
        };
        assert_eq!(
            zip(Some(4.201)),
            ["zip", "≤ 4.2 MB", "≤ 3 MB", "4.20 MB", "–", "–", "yes", "**no**"]
        );
        assert_eq!(zip(Some(4.2))[7], "yes");
        assert_eq!(zip(Some(3.0))[7], "yes, and what we race for");
        assert_eq!(zip(None)[3..], ["–", "–", "–", "–", "not measured"]);
    }

    #[test]
    fn the_goal_of_the_raw_path_has_the_worst_raw_kernel_from_10_kib_up() {
        let row = |bytes, of_mac: f64, of_before: Option<f64>| BesideMac {
            size: ("", bytes),
            kernel: "",
            mb_per_s: Spread::of([1.0; 9]),
            of_mac: Spread::of([of_mac; 9]),
            of_before: of_before.map(|ratio| Spread::of([ratio; 9])),
        };
        let rows = [
            row(1 << 10, 0.5, None),
            row(10 << 10, 0.98, None),
            row(1 << 20, 0.97, None),
            row(10 << 10, 0.3, Some(1.6)),
        ];
        let goals = kernels(&rows);
        let measured = goals.iter().map(|goal| super::row(goal)[3].clone());
        assert_eq!(measured.collect::<Vec<_>>(), ["0.97", "1.6 ×"]);
    }

    #[test]
    fn a_goal_for_an_exact_figure_holds_at_its_limit() {
        assert_eq!(row(&at_most("calls", 0.0, None, Some(Figure::Exact(0.0)), ""))[7], "yes");
    }

    #[test]
    fn a_ratio_has_its_spread_and_whether_it_may_be_quoted() {
        let goal = |low, high| {
            let values = [1.0, low, 8.0, 8.0, 8.0, 8.0, 8.0, high, 99.0];
            row(&times("x", 8.0, 12.0, Some(Spread::of(values))))[3..].join(" | ")
        };
        assert_eq!(goal(7.8, 8.2), "8.0 × | 5 % (7.8…8.2) | 9: 1.0…99.0 | yes | yes");
        assert_eq!(goal(6.0, 8.0), "8.0 × | 25 % (6.0…8.0) | 9: 1.0…99.0 | **too wide** | yes");
        let few = row(&times("x", 8.0, 12.0, Some(Spread::of([7.9]))));
        assert_eq!(
            few[3..].join(" | "),
            "7.9 × | too few rounds | 1: 7.9…7.9 | **too wide** | **no**"
        );
    }
}
