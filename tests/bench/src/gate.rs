//! Fails if the instructions of a start or a delivery, or the archive, grow too much over a
//! baseline in the repository. Unlike times, counts are the same in every run, within about 1 %.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{
    archive,
    instance::Bench,
    instructions::{self, Counts},
    subjects::Places,
};

/// Allowed growth, in percent.
const MOST_GROWTH_PERCENT: u64 = 10;
const RUNS: usize = 3;
const UPDATE: &str = "make bench-baseline";

/// Compares with the baseline. With `update`, writes a new one first.
///
/// # Errors
/// A figure has grown too much, or cannot be measured.
pub async fn run(places: &Places, bench: &Bench, update: bool) -> Result<()> {
    let ours = places.ours();
    let counts = instructions::count(bench, &ours, RUNS).await?;
    let measured = named(counts, archive::sizes(&ours.command[0])?.zip);
    let path = baseline_path(places);
    if update {
        let members: serde_json::Map<String, Value> =
            measured.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        fs::write(&path, serde_json::to_string_pretty(&members)? + "\n")?;
    }
    let baseline = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: run `{UPDATE}`", path.display()))?;
    let baseline: Value = serde_json::from_str(&baseline)?;
    let mut grown = Vec::new();
    for (name, value) in measured {
        let before = baseline[name]
            .as_u64()
            .with_context(|| format!("{name} is not in the baseline: run `{UPDATE}`"))?;
        ensure!(before > 0, "{name} is 0 in the baseline");
        println!(
            "{name:<28} {value:>12}, baseline {before:>12}: {:+.1} %",
            change_percent(before, value)
        );
        if is_too_much(before, value) {
            grown.push(name);
        }
    }
    if !grown.is_empty() {
        bail!(
            "more than {MOST_GROWTH_PERCENT} % over the baseline: {}. Find the reason. If it is worth the growth, run \
             `{UPDATE}` and give the reason in the commit.",
            grown.join(", ")
        );
    }
    Ok(())
}

fn named(counts: Counts, zip_bytes: u64) -> [(&'static str, u64); 4] {
    [
        ("instructions_to_next", counts.to_next),
        ("instructions_of_first_invoke", counts.first_invoke),
        ("instructions_of_warm_invoke", counts.warm),
        ("zip_bytes", zip_bytes),
    ]
}

fn baseline_path(places: &Places) -> PathBuf {
    places.root.join("tests/bench/baseline.json")
}

fn is_too_much(before: u64, now: u64) -> bool {
    now * 100 > before * (100 + MOST_GROWTH_PERCENT)
}

fn change_percent(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_of_a_tenth_passes_and_more_does_not() {
        assert_eq!(
            [1000, 900, 1100, 1101].map(|now| is_too_much(1000, now)),
            [false, false, false, true]
        );
        assert_eq!(format!("{:+.1}", change_percent(1000, 1101)), "+10.1");
    }
}
