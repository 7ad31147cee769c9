//! Cold starts: from the start of the process to the first answer, over new connections.

use std::time::Instant;

use anyhow::Result;

use crate::{
    delivery::Deliveries,
    instance::{Bench, Instance},
    machine::Memory,
    rounds::Rounds,
    stats::{self, Spread},
    subjects::{Kind, Subject},
};

/// One cold start. Times are in milliseconds from the start of the process.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Until it asks for its first event (`/next`).
    pub next_ms: f64,
    /// Until its first answer. Its first event is ready when it asks.
    pub answer_ms: f64,
    /// The first invocation alone.
    pub invoke_ms: f64,
    /// Processor time until it asked for its second event.
    pub cpu_ms: f64,
    /// Page faults until it asked for its second event.
    pub page_faults: u64,
    /// Memory when it asked for its first event.
    pub memory_at_next: Memory,
    /// Memory when it asked for its second event.
    pub memory_after_first: Memory,
}

/// What a ratio to our function is made of.
pub const COMPARED: [fn(&Start) -> f64; 3] =
    [|start| start.next_ms, |start| start.answer_ms, |start| start.cpu_ms];

/// Measures rounds of cold starts, all subjects in turn: `result[subject][round]`. A first round is
/// not counted: it fills the page cache.
///
/// # Errors
/// A function does not do its job.
pub async fn measure(
    bench: &Bench,
    subjects: &[Subject],
    rounds: Rounds,
) -> Result<Vec<Vec<Start>>> {
    let mut events = Deliveries::default();
    let mut starts = vec![Vec::new(); subjects.len()];
    bench.aws.clear();
    let started_at = Instant::now();
    for round in 0.. {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            let start = start(bench, subject, &mut events).await?;
            if round > 0 {
                starts.push(start);
            }
        }
        if rounds.are_enough(round, widest(&starts), started_at.elapsed()) {
            break;
        }
    }
    Ok(starts)
}

/// Returns the ratio of a figure to ours, which is below.
#[must_use]
pub fn ratio(theirs: &[Start], ours: &[Start], figure: fn(&Start) -> f64) -> Spread {
    let figures = |starts: &[Start]| starts.iter().map(figure).collect::<Vec<_>>();
    Spread::of_ratios(&figures(theirs), &figures(ours))
}

fn widest(starts: &[Vec<Start>]) -> f64 {
    let peers = starts[1..].iter();
    stats::widest(peers.flat_map(|theirs| COMPARED.map(|figure| ratio(theirs, &starts[0], figure))))
}

async fn start(bench: &Bench, subject: &Subject, events: &mut Deliveries) -> Result<Start> {
    let event = events.new_event()?;
    bench.aws.take_calls();
    let mut instance = Instance::start(bench, subject, &[]).await?;
    let next = instance.ready().await?;
    let memory_at_next = instance.memory()?;
    bench.aws.take_calls();
    let invoke = instance.invoke(event, Kind::Accepted).await?;
    instance.ready().await?;
    let cpu = instance.cpu_time()?;
    let page_faults = instance.usage()?.page_faults;
    let memory_after_first = instance.memory()?;
    instance.check_calls(bench, Kind::Accepted, 1)?;
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
    Ok(Start {
        next_ms: ms(next),
        // Without the pause in which memory was read.
        answer_ms: ms(next + invoke),
        invoke_ms: ms(invoke),
        cpu_ms: ms(cpu),
        page_faults,
        memory_at_next,
        memory_after_first,
    })
}
