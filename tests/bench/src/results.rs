//! One run: what is measured, in which order.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{
    archive::{self, Sizes},
    cold::{self, Start},
    cost::{self, Cost, Measured},
    instance::Bench,
    instructions::{self, Counts},
    kernels::{self, Kernels, Peers},
    rounds::{Budget, Rounds},
    stats::Spread,
    subjects::{Job, Places, Subject},
    warm::{self, Deliver, Endurance},
};

/// How long the services take to answer.
pub const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(5)];
/// How many instances share a core.
pub const INSTANCES: [usize; 2] = [1, 8];
/// Numbers of deliveries after which memory is compared.
pub const MEMORY_AFTER: [u64; 2] = [1_000, 100_000];
/// Deliveries of each instance when throughput is measured.
const DELIVERIES_EACH: usize = 100;
/// Counts repeat, so a few runs are enough.
const COUNT_RUNS: usize = 3;

/// Measurements that take rounds: verification, cold starts, and warm instances at each latency.
const MEASUREMENTS: u32 = 4;

/// Subjects and rounds of a run.
pub struct Plan {
    /// Ours first.
    pub subjects: Vec<Subject>,
    /// Interleaved rounds: at least so many of each measurement, and the time of all together.
    pub rounds: Rounds,
}

impl Plan {
    /// Returns whether this subject is measured.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.subjects.iter().any(|subject| subject.name == name)
    }
}

/// Measurements of one function.
pub struct Measurements {
    /// The function.
    pub subject: Subject,
    /// Cold starts, one per round.
    pub starts: Vec<Start>,
    /// Sizes of its binary, if it is compiled.
    pub sizes: Option<Sizes>,
    /// Instructions, if it is compiled.
    pub counts: Option<Counts>,
    /// `[latency][kind]`, if it receives webhooks.
    pub warm: Option<[[Deliver; 3]; 2]>,
    /// `[latency][instances]`, deliveries per second.
    pub throughput: Option<[[f64; 2]; 2]>,
    /// Cost of a million events.
    pub cost: Option<Cost>,
}

impl Measurements {
    /// Returns a figure of each cold start.
    #[must_use]
    pub fn of_starts(&self, figure: impl Fn(&Start) -> f64) -> Vec<f64> {
        self.starts.iter().map(figure).collect()
    }
}

/// All measurements of a run.
pub struct Results {
    /// Ours first.
    pub functions: Vec<Measurements>,
    /// Our function after [`MEMORY_AFTER`] deliveries.
    pub endurance: Endurance,
    /// Verification alone.
    pub kernels: Kernels,
}

/// Measures what the plan names.
///
/// # Errors
/// A function does not do its job, or something is not installed.
pub async fn measure(places: &Places, bench: &Bench, plan: &Plan) -> Result<Results> {
    let subjects = &plan.subjects;
    let mut budget = Budget::new(plan.rounds, MEASUREMENTS);
    progress("kernels");
    let started_at = Instant::now();
    let peers = Peers { python: plan.has("python"), node: plan.has("node") };
    let kernels = kernels::measure(places, bench.cores, peers, budget.next())?;
    budget.spend(started_at.elapsed());
    progress("cold starts");
    let started_at = Instant::now();
    let starts = cold::measure(bench, subjects, budget.next()).await?;
    budget.spend(started_at.elapsed());
    let mut functions = Vec::new();
    for (subject, starts) in subjects.iter().zip(starts) {
        let is_compiled = subject.is_compiled();
        let counts = if is_compiled {
            progress(&format!("instructions of {}", subject.name));
            Some(instructions::count(bench, subject, COUNT_RUNS).await?)
        } else {
            None
        };
        let sizes = if is_compiled { Some(archive::sizes(&subject.command[0])?) } else { None };
        let subject = subject.clone();
        functions.push(Measurements {
            subject,
            starts,
            sizes,
            counts,
            warm: None,
            throughput: None,
            cost: None,
        });
    }
    warm_ones(places, bench, budget, &mut functions).await?;
    progress("memory over many deliveries");
    let endurance = warm::endurance(bench, &subjects[0], MEMORY_AFTER).await?;
    Ok(Results { functions, endurance, kernels })
}

async fn warm_ones(
    places: &Places,
    bench: &Bench,
    mut budget: Budget,
    functions: &mut [Measurements],
) -> Result<()> {
    let receivers: Vec<usize> = (0..functions.len())
        .filter(|index| functions[*index].subject.job == Job::Webhook)
        .collect();
    let subjects: Vec<Subject> =
        receivers.iter().map(|index| functions[*index].subject.clone()).collect();
    let mut by_latency = Vec::new();
    for latency in LATENCIES {
        progress(&format!("warm instances, services that answer in {latency:?}"));
        let started_at = Instant::now();
        by_latency.push(warm::measure(bench, &subjects, latency, budget.next()).await?);
        budget.spend(started_at.elapsed());
    }
    for (order, index) in receivers.into_iter().enumerate() {
        let function = &mut functions[index];
        progress(&format!("throughput of {}", function.subject.name));
        let mut throughput = [[0.0; 2]; 2];
        for (latency, row) in LATENCIES.into_iter().zip(&mut throughput) {
            for (instances, cell) in INSTANCES.into_iter().zip(row) {
                *cell =
                    warm::throughput(bench, &function.subject, latency, instances, DELIVERIES_EACH)
                        .await?;
            }
        }
        function.throughput = Some(throughput);
        let warm = [by_latency[0][order].clone(), by_latency[1][order].clone()];
        function.cost = Some(cost::per_million(
            &places.root,
            Measured {
                delivery: Spread::of(warm[1][0].took_ms.iter().copied()).median,
                cpu: Spread::of(warm[1][0].cpu_us.iter().copied()).median / 1000.0,
                start: Spread::of(function.of_starts(|start| start.answer_ms)).median,
            },
        )?);
        function.warm = Some(warm);
    }
    Ok(())
}

fn progress(what: &str) {
    eprintln!("measuring: {what}");
}
