//! One run: what was measured of whom.

use std::time::Duration;

use anyhow::Result;

use crate::{
    archive::{self, Sizes},
    cold::{self, Start},
    cost::{self, Cost, Measured},
    instance::Bench,
    instructions::{self, Counts},
    kernels::{self, Kernels},
    stats::Spread,
    subjects::{Job, Places, Subject},
    warm::{self, Deliver, Endurance},
};

/// Latencies of the services.
pub const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(5)];
/// Instances that share a core.
pub const INSTANCES: [usize; 2] = [1, 8];
/// Deliveries after which memory is compared.
pub const MEMORY_AFTER: [u64; 2] = [1_000, 100_000];
/// Deliveries of each instance where throughput is measured.
const DELIVERIES_EACH: usize = 100;
/// Counts repeat: a few runs are enough.
const COUNT_RUNS: usize = 3;

/// Who and how much.
pub struct Plan {
    /// Ours first.
    pub subjects: Vec<Subject>,
    /// Interleaved rounds of each measurement.
    pub rounds: usize,
}

impl Plan {
    /// Whether this one is measured.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.subjects.iter().any(|subject| subject.name == name)
    }
}

/// What was measured of one function.
pub struct Measurements {
    /// Whose.
    pub subject: Subject,
    /// Cold starts, one a round.
    pub starts: Vec<Start>,
    /// Of what is compiled.
    pub sizes: Option<Sizes>,
    /// Of what is compiled.
    pub counts: Option<Counts>,
    /// `[latency][kind]`; of those that receive webhooks.
    pub warm: Option<[[Deliver; 3]; 2]>,
    /// `[latency][instances]`, deliveries in a second.
    pub throughput: Option<[[f64; 2]; 2]>,
    /// For a million events.
    pub cost: Option<Cost>,
}

impl Measurements {
    /// A figure of each cold start.
    #[must_use]
    pub fn of_starts(&self, figure: impl Fn(&Start) -> f64) -> Vec<f64> {
        self.starts.iter().map(figure).collect()
    }
}

/// A run.
pub struct Results {
    /// Ours first.
    pub functions: Vec<Measurements>,
    /// Ours after [`MEMORY_AFTER`].
    pub endurance: Endurance,
    /// Verification alone, where Python is there to compare with.
    pub kernels: Option<Kernels>,
}

/// Measures all that the plan names.
///
/// # Errors
/// A function does not do its job, or something is not installed.
pub async fn measure(places: &Places, bench: &Bench, plan: &Plan) -> Result<Results> {
    let subjects = &plan.subjects;
    progress("kernels");
    let kernels = if plan.has("python") {
        Some(kernels::measure(places, bench.cores, plan.has("node"), plan.rounds)?)
    } else {
        None
    };
    progress("cold starts");
    let starts = cold::measure(bench, subjects, plan.rounds).await?;
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
        functions.push(Measurements { subject, starts, sizes, counts, warm: None, throughput: None, cost: None });
    }
    warm_ones(places, bench, plan, &mut functions).await?;
    progress("memory after 100,000 deliveries");
    let endurance = warm::endurance(bench, &subjects[0], MEMORY_AFTER).await?;
    Ok(Results { functions, endurance, kernels })
}

async fn warm_ones(places: &Places, bench: &Bench, plan: &Plan, functions: &mut [Measurements]) -> Result<()> {
    let receivers: Vec<usize> =
        (0..functions.len()).filter(|index| functions[*index].subject.job == Job::Webhook).collect();
    let subjects: Vec<Subject> = receivers.iter().map(|index| functions[*index].subject.clone()).collect();
    let mut by_latency = Vec::new();
    for latency in LATENCIES {
        progress(&format!("warm instances, services that answer in {latency:?}"));
        by_latency.push(warm::measure(bench, &subjects, latency, plan.rounds).await?);
    }
    for (order, index) in receivers.into_iter().enumerate() {
        let function = &mut functions[index];
        progress(&format!("throughput of {}", function.subject.name));
        let mut throughput = [[0.0; 2]; 2];
        for (latency, row) in LATENCIES.into_iter().zip(&mut throughput) {
            for (instances, cell) in INSTANCES.into_iter().zip(row) {
                *cell = warm::throughput(bench, &function.subject, latency, instances, DELIVERIES_EACH).await?;
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
