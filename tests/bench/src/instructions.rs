//! Instructions that a function executes, counted by valgrind's cachegrind. Unlike times, they
//! repeat even on a loaded machine.
//!
//! Valgrind has no SHA extensions. SHA runs in software there, so the counts of code that hashes
//! are higher than on a processor that has them.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    delivery::Deliveries,
    instance::{Bench, Instance},
    subjects::{Job, Kind, SECRET_FETCH, SERVICES, Subject},
};

/// Deliveries to a warm instance; their mean is the count of one.
const WARM: u64 = 20;
/// Attempts at a run in which all checks hold.
const ATTEMPTS: usize = 8;

/// Instructions of one start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// From the start of the process until it asks for its first event and has nothing left to do.
    pub to_next: u64,
    /// From there until it has nothing left to do after its first delivery, which is accepted.
    pub first_invoke: u64,
    /// One more accepted delivery.
    pub warm: u64,
}

/// Counts in this many runs, and takes the smallest of each count: on a loaded machine valgrind is
/// so slow that calls of the function may time out, and its retries add instructions.
///
/// # Errors
/// Valgrind is not installed, or the function does not do its job.
pub async fn count(bench: &Bench, subject: &Subject, runs: usize) -> Result<Counts> {
    let mut least = [u64::MAX; 3];
    for _ in 0..runs {
        for (deliveries, least) in [0, 1, 1 + WARM].into_iter().zip(&mut least) {
            *least = sound_run(bench, subject, deliveries).await?.min(*least);
        }
    }
    let [to_next, first, warm] = least;
    Ok(Counts {
        to_next,
        first_invoke: first.saturating_sub(to_next),
        warm: warm.saturating_sub(first) / WARM,
    })
}

/// Repeats a run until the function makes exactly the calls and connections that it must make.
async fn sound_run(bench: &Bench, subject: &Subject, deliveries: u64) -> Result<u64> {
    for _ in 1..ATTEMPTS {
        match run(bench, subject, deliveries).await {
            Ok(total) => return Ok(total),
            Err(error) => eprintln!("this run does not count: {error}"),
        }
    }
    run(bench, subject, deliveries).await
}

/// Returns all instructions of a process that accepts this many deliveries.
async fn run(bench: &Bench, subject: &Subject, deliveries: u64) -> Result<u64> {
    // Cachegrind counts as callgrind does, but faster: the function's timeouts run in real time.
    let output = bench.work.join(format!("cachegrind.{}.out", subject.name));
    let tool = [
        "--tool=cachegrind",
        "--cache-sim=no",
        &format!("--cachegrind-out-file={}", output.display()),
    ];
    under_valgrind(bench, subject, deliveries, &tool).await?;
    let text = fs::read_to_string(&output).context("cachegrind's output")?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
    total.with_context(|| format!("no total in {}", output.display()))
}

/// Writes two files for `callgrind_annotate`: instructions by function, of a start, and of a start
/// with one delivery. The binary must have its symbols.
///
/// # Errors
/// As [`count`].
pub async fn profile(bench: &Bench, subject: &Subject) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for deliveries in [0, 1] {
        let output = bench.work.join(format!("callgrind.{}.{deliveries}.out", subject.name));
        let tool = ["--tool=callgrind", &format!("--callgrind-out-file={}", output.display())];
        under_valgrind(bench, subject, deliveries, &tool).await?;
        files.push(output);
    }
    Ok(files)
}

async fn under_valgrind(
    bench: &Bench,
    subject: &Subject,
    deliveries: u64,
    tool: &[&str],
) -> Result<()> {
    let valgrind = [valgrind()?, "--quiet".to_owned()];
    let wrapper: Vec<String> =
        valgrind.into_iter().chain(tool.iter().map(|&option| option.to_owned())).collect();
    bench.aws.clear();
    bench.aws.take_calls();
    bench.aws.take_connections();
    let mut instance = Instance::start(bench, subject, &wrapper).await?;
    instance.ready().await?;
    // Connections may still be opening, because the function asks for an event after a while even
    // if they are not open. A first delivery would then open them again.
    instance.idle().await?;
    let at_start = bench.aws.take_calls();
    let has_fetched = at_start.contains_key(SECRET_FETCH);
    ensure!(
        has_fetched == (subject.job == Job::Webhook),
        "{} made the calls {at_start:?} at its start",
        subject.name
    );
    let mut events = Deliveries::default();
    for _ in 0..deliveries {
        instance.invoke(events.new_event()?, Kind::Accepted).await?;
        instance.ready().await?;
    }
    instance.check_calls(bench, Kind::Accepted, deliveries)?;
    let connections = bench.aws.take_connections();
    let expected = if deliveries > 0 && subject.job == Job::Webhook {
        SERVICES
    } else {
        subject.connects_at_start
    };
    ensure!(
        connections == expected,
        "{} opened {connections} connections, not {expected}",
        subject.name
    );
    instance.idle().await?;
    instance.terminate()
}

/// Returns the full path of valgrind: the function's environment has no `PATH`.
fn valgrind() -> Result<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join("valgrind"))
        .find(|program| program.is_file());
    let program = found
        .context("valgrind is needed: install it (Debian, Ubuntu: apt-get install valgrind)")?;
    Ok(program.display().to_string())
}
