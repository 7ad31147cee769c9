//! Cold starts: from the start of the process to the first answer, over new connections.

use anyhow::Result;

use crate::{
    delivery::Deliveries,
    instance::{Bench, Instance},
    machine::Memory,
    subjects::{Kind, Subject},
};

/// One cold start. Times in milliseconds, from the start of the process.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Until it asks for its first event.
    pub next_ms: f64,
    /// Until its first answer, to an event that was there as soon as it asked.
    pub answer_ms: f64,
    /// The first invocation alone.
    pub invoke_ms: f64,
    /// Processor time until it asked for its second event.
    pub cpu_ms: f64,
    /// Page faults until it asked for its second event.
    pub page_faults: u64,
    /// Memory when it asked for its first event.
    pub memory_at_next: Memory,
    /// Memory when it asked for its second.
    pub memory_after_first: Memory,
}

/// Rounds of cold starts, all subjects in turn: `result[subject][round]`. One more round, not counted, comes first: it fills the
/// page cache.
///
/// # Errors
/// A function does not do its job.
pub async fn measure(bench: &Bench, subjects: &[Subject], rounds: usize) -> Result<Vec<Vec<Start>>> {
    let mut events = Deliveries::default();
    let mut starts = vec![Vec::new(); subjects.len()];
    bench.aws.clear();
    for round in 0..=rounds {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            let start = start(bench, subject, &mut events).await?;
            if round > 0 {
                starts.push(start);
            }
        }
    }
    Ok(starts)
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
        // Not the pause in which memory was read.
        answer_ms: ms(next + invoke),
        invoke_ms: ms(invoke),
        cpu_ms: ms(cpu),
        page_faults,
        memory_at_next,
        memory_after_first,
    })
}
