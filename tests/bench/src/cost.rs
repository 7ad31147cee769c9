//! What a million events cost, from measured durations, with the prices and the arithmetic of `infra/cost.py`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// The template's default.
pub const MEMORY_MB: u32 = 256;
/// With so much memory a function has one whole processor, and with less a share of it.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const MEMORY_OF_A_PROCESSOR_MB: f64 = 1769.0;
/// One delivery of so many starts an instance: an assumption.
const DELIVERIES_PER_START: f64 = 1000.0;

/// US dollars for a million events.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Milliseconds that an event is billed for, its share of a start included.
    pub billed_ms: f64,
    /// Lambda's time and memory alone.
    pub lambda_time: f64,
    /// All that grows with the events: Lambda, API, table, queue, logs.
    pub events: f64,
}

/// What was measured, in milliseconds on a whole processor.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// An accepted delivery, with the services' latency.
    pub delivery: f64,
    /// Processor time in it.
    pub cpu: f64,
    /// A start, until the first answer.
    pub start: f64,
}

/// The cost with the template's memory.
///
/// # Errors
/// `infra/cost.py` fails.
pub fn per_million(root: &Path, measured: Measured) -> Result<Cost> {
    let slower = MEMORY_OF_A_PROCESSOR_MB / f64::from(MEMORY_MB);
    let waiting_ms = (measured.delivery - measured.cpu).max(0.0);
    // Each invocation is billed by whole milliseconds.
    let delivery_ms = (waiting_ms + measured.cpu * slower).ceil();
    let billed_ms = delivery_ms + measured.start / DELIVERIES_PER_START;
    let script = format!(
        "from cost import *\n\
         lines = month(Usage(duration_ms={billed_ms}, memory_mb={MEMORY_MB}))\n\
         print(sum(l.cost for l in lines if l.what == 'memory and time'))\n\
         print(sum(l.cost for l in lines if l.service not in BY_THE_MONTH))\n"
    );
    let python = Command::new("python3").args(["-B", "-c", &script]).current_dir(root.join("infra")).output()?;
    ensure!(python.status.success(), "infra/cost.py fails: {}", String::from_utf8_lossy(&python.stderr));
    let text = String::from_utf8(python.stdout)?;
    let mut dollars = text.lines().map(str::parse::<f64>);
    let mut next = || anyhow::Ok(dollars.next().context("two sums")??);
    Ok(Cost { billed_ms, lambda_time: next()?, events: next()? })
}

/// The assumptions, in a sentence.
#[must_use]
pub fn assumptions() -> String {
    format!(
        "Computed by `infra/cost.py` with its prices: {MEMORY_MB} MB, services that answer in 5 ms; processor time stretched by \
         {MEMORY_OF_A_PROCESSOR_MB}/{MEMORY_MB}, because that memory buys such a share of a processor; one delivery in \
         {DELIVERIES_PER_START} starts an instance."
    )
}
