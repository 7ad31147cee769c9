//! Warm instances: latency and processor time of a delivery, and the calls that it makes.

use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::body::Bytes;

use crate::{
    delivery::Deliveries,
    instance::{Bench, Instance},
    rounds::Rounds,
    stats::{self, Spread},
    subjects::{Kind, SECRET_FETCH, Subject},
};

/// Accepted deliveries in a round. As many duplicates follow, then as many refused deliveries.
const DELIVERIES: u64 = 60;
/// Rounds that are not counted: Node compiles what runs often.
const WARM_UP: u64 = 6;

/// Measurements of one subject at one latency for one kind of delivery.
#[derive(Clone, Debug, Default)]
pub struct Deliver {
    /// Time of each delivery.
    pub took_ms: Vec<f64>,
    /// Processor time of a delivery: the mean of each round.
    pub cpu_us: Vec<f64>,
    /// Time of a delivery: the median of each round.
    pub median_ms: Vec<f64>,
    /// Calls to AWS that one delivery makes.
    pub calls: u64,
}

impl Deliver {
    /// Returns the ratios to ours: of the time, and of the processor time.
    #[must_use]
    pub fn ratios(&self, ours: &Self) -> [Spread; 2] {
        [
            Spread::of_ratios(&self.median_ms, &ours.median_ms),
            Spread::of_ratios(&self.cpu_us, &ours.cpu_us),
        ]
    }
}

/// Measures rounds of deliveries, all subjects in turn: `result[subject][kind]`, with the kinds in
/// the order of [`Kind::ALL`]. Each answer and all calls are checked.
///
/// # Errors
/// A function does not do its job.
pub async fn measure(
    bench: &Bench,
    subjects: &[Subject],
    latency: Duration,
    rounds: Rounds,
) -> Result<Vec<[Deliver; 3]>> {
    let started_at = Instant::now();
    let mut events = Deliveries::default();
    bench.aws.clear();
    bench.aws.set_latency(Duration::ZERO);
    let mut instances = Vec::new();
    for subject in subjects {
        let mut instance = Instance::start(bench, subject, &[]).await?;
        instance.ready().await?;
        bench.aws.take_calls();
        for _ in 0..WARM_UP {
            deliver_round(bench, &mut instance, &mut events).await?;
        }
        instances.push(instance);
    }
    bench.aws.set_latency(latency);
    let mut results: Vec<[Deliver; 3]> = vec![Default::default(); subjects.len()];
    for round in 1.. {
        bench.aws.clear();
        for (instance, results) in instances.iter_mut().zip(&mut results) {
            for (sum, measured) in
                results.iter_mut().zip(deliver_round(bench, instance, &mut events).await?)
            {
                sum.took_ms.extend(measured.took_ms);
                sum.cpu_us.extend(measured.cpu_us);
                sum.median_ms.extend(measured.median_ms);
                sum.calls = measured.calls;
            }
        }
        if rounds.are_enough(round, widest(&results), started_at.elapsed()) {
            break;
        }
    }
    bench.aws.set_latency(Duration::ZERO);
    Ok(results)
}

fn widest(results: &[[Deliver; 3]]) -> f64 {
    let pairs = results[1..].iter().flat_map(|theirs| theirs.iter().zip(&results[0]));
    stats::widest(pairs.flat_map(|(theirs, ours)| theirs.ratios(ours)))
}

async fn deliver_round(
    bench: &Bench,
    instance: &mut Instance,
    events: &mut Deliveries,
) -> Result<[Deliver; 3]> {
    let make = |make: &mut dyn FnMut() -> Result<Bytes>| {
        (0..DELIVERIES).map(|_| make()).collect::<Result<Vec<_>>>()
    };
    let new = make(&mut || events.new_event())?;
    let forged = make(&mut || events.forgery())?;
    let accepted = deliver(bench, instance, &new, Kind::Accepted).await?;
    let duplicate = deliver(bench, instance, &new, Kind::Duplicate).await?;
    let refused = deliver(bench, instance, &forged, Kind::Refused).await?;
    Ok([accepted, duplicate, refused])
}

async fn deliver(
    bench: &Bench,
    instance: &mut Instance,
    events: &[Bytes],
    kind: Kind,
) -> Result<Deliver> {
    instance.wait_ready().await?;
    let cpu = instance.cpu_time()?;
    let mut took_ms = Vec::with_capacity(events.len());
    for event in events {
        took_ms.push(instance.invoke(event.clone(), kind).await?.as_secs_f64() * 1000.0);
    }
    // Work after the last answer is part of the delivery.
    instance.wait_ready().await?;
    let cpu = instance.cpu_time()?.saturating_sub(cpu).as_secs_f64() * 1e6 / events.len() as f64;
    let count = events.len() as u64;
    let calls = instance.check_calls(bench, kind, count)?;
    let calls =
        calls.iter().filter(|(name, _)| kind != Kind::Refused || name.as_str() != SECRET_FETCH);
    let calls = calls.map(|(_, times)| times).sum::<u64>() / count;
    let median = Spread::of(took_ms.iter().copied()).median;
    Ok(Deliver { took_ms, cpu_us: vec![cpu], median_ms: vec![median], calls })
}

/// Measures accepted deliveries per second by this many instances at once, which share the measured
/// core.
///
/// # Errors
/// A function does not do its job.
pub async fn throughput(
    bench: &Bench,
    subject: &Subject,
    latency: Duration,
    instances: usize,
    deliveries_each: usize,
) -> Result<f64> {
    let mut events = Deliveries::default();
    bench.aws.clear();
    let mut started = Vec::new();
    for _ in 0..instances {
        let mut instance = Instance::start(bench, subject, &[]).await?;
        instance.invoke(events.new_event()?, Kind::Accepted).await?;
        instance.wait_ready().await?;
        let events: Vec<Bytes> =
            (0..deliveries_each).map(|_| events.new_event()).collect::<Result<_>>()?;
        started.push((instance, events));
    }
    bench.aws.take_calls();
    bench.aws.set_latency(latency);
    let since = Instant::now();
    let tasks: Vec<_> = started
        .into_iter()
        .map(|(mut instance, events)| {
            tokio::spawn(async move {
                for event in events {
                    instance.invoke(event, Kind::Accepted).await?;
                }
                anyhow::Ok(instance)
            })
        })
        .collect();
    let mut ended = Vec::new();
    for task in tasks {
        ended.push(task.await??);
    }
    let seconds = since.elapsed().as_secs_f64();
    bench.aws.set_latency(Duration::ZERO);
    let count = instances * deliveries_each;
    if let Some(instance) = ended.first() {
        instance.check_calls(bench, Kind::Accepted, count as u64)?;
    }
    Ok(count as f64 / seconds)
}

/// Resources that one instance uses over many deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Endurance {
    /// Resident KiB at both counts of deliveries.
    pub resident_kib: [u64; 2],
    /// The kernel's share of the processor time of all of them.
    pub kernel_share: f64,
}

/// Measures one instance after so many deliveries, and after more of them.
///
/// # Errors
/// The function does not do its job.
pub async fn endurance(bench: &Bench, subject: &Subject, after: [u64; 2]) -> Result<Endurance> {
    /// Bounds the number of records that the fake table holds.
    const BETWEEN_CLEARS: u64 = 10_000;
    let mut events = Deliveries::default();
    let mut instance = Instance::start(bench, subject, &[]).await?;
    instance.wait_ready().await?;
    bench.aws.take_calls();
    let mut resident_kib = [0; 2];
    let mut delivered = 0;
    for (after, resident) in after.into_iter().zip(&mut resident_kib) {
        while delivered < after {
            if delivered % BETWEEN_CLEARS == 0 {
                bench.aws.clear();
            }
            instance.invoke(events.new_event()?, Kind::Accepted).await?;
            delivered += 1;
        }
        instance.wait_ready().await?;
        *resident = instance.memory()?.resident_kib;
    }
    instance.check_calls(bench, Kind::Accepted, delivered)?;
    let usage = instance.usage()?;
    let kernel_share = usage.kernel_ticks as f64 / (usage.user_ticks + usage.kernel_ticks) as f64;
    Ok(Endurance { resident_kib, kernel_share })
}
