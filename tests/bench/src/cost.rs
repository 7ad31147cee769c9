//! The cost of a million events: measured durations, and the prices of `infra/cost.py`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// The template's default memory.
pub const MEMORY_MB: u32 = 256;
/// Memory at which a function has one whole processor; with less it has a share of one.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const MEMORY_OF_A_PROCESSOR_MB: f64 = 1769.0;
/// Assumes that one in so many deliveries starts an instance.
const DELIVERIES_PER_START: f64 = 1000.0;

/// Cost of a million events, in US dollars.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Milliseconds that an event is billed for, including its share of a start.
    pub billed_ms: f64,
    /// Lambda's time and memory.
    pub lambda_time: f64,
    /// Everything that grows with the events: Lambda, API, table, queue, logs.
    pub events: f64,
}

/// Measured milliseconds on a whole processor.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// An accepted delivery, including the services' latency.
    pub delivery: f64,
    /// Processor time in it.
    pub cpu: f64,
    /// A start, until the first answer.
    pub start: f64,
}

/// Returns the cost with the template's memory.
///
/// # Errors
/// `infra/cost.py` fails.
pub fn per_million(root: &Path, measured: Measured) -> Result<Cost> {
    let slower = MEMORY_OF_A_PROCESSOR_MB / f64::from(MEMORY_MB);
    let waiting_ms = (measured.delivery - measured.cpu).max(0.0);
    // Invocations are billed in whole milliseconds.
    let delivery_ms = (waiting_ms + measured.cpu * slower).ceil();
    let billed_ms = delivery_ms + measured.start / DELIVERIES_PER_START;
    let script = format!(
        "from cost import *\n\
         lines = month(Usage(duration_ms={billed_ms}, memory_mb={MEMORY_MB}))\n\
         print(sum(l.cost for l in lines if l.what == 'memory and time'))\n\
         print(sum(l.cost for l in lines if l.service not in BY_THE_MONTH))\n"
    );
    let python = Command::new("python3")
        .args(["-B", "-c", &script])
        .current_dir(root.join("infra"))
        .output()?;
    ensure!(
        python.status.success(),
        "infra/cost.py fails: {}",
        String::from_utf8_lossy(&python.stderr)
    );
    let text = String::from_utf8(python.stdout)?;
    let mut dollars = text.lines().map(str::parse::<f64>);
    let mut next = || anyhow::Ok(dollars.next().context("two sums")??);
    Ok(Cost { billed_ms, lambda_time: next()?, events: next()? })
}

/// Returns the assumptions as a sentence.
#[must_use]
pub fn assumptions() -> String {
    format!(
        "Computed by `infra/cost.py` with its prices: {MEMORY_MB} MB, services that answer in 5 ms; processor time multiplied by \
         {MEMORY_OF_A_PROCESSOR_MB}/{MEMORY_MB}, because that memory buys only a share of a processor; one delivery in \
         {DELIVERIES_PER_START} starts an instance."
    )
}
