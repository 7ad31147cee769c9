//! Measures the function of this repository beside those that do the same job. `make bench` builds all of them and runs this;
//! `--help` says what can be asked.

#![expect(clippy::print_stderr, reason = "a program for people")]

mod archive;
mod aws;
mod cold;
mod cost;
mod delivery;
mod gate;
mod goals;
mod instance;
mod instructions;
mod kernels;
mod machine;
mod report;
mod results;
mod runtime_api;
mod stats;
mod subjects;
mod tls;
mod warm;

use std::{env, fs, path::PathBuf, process::Command, sync::Arc};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    aws::Aws,
    instance::Bench,
    machine::Cores,
    results::Plan,
    subjects::{Places, Subject},
    tls::Authority,
};

const HELP: &str = "\
webhook-bench run [--without <peers>] [--rounds <number>] [--write <file>]
    measures, and prints the report; with a file, writes it there, too.
    Peers: hello, default, python, node; several with commas between them.
webhook-bench gate [--update]
    compares instructions and size with tests/bench/baseline.json, or writes it.
webhook-bench profile
    what instructions are spent on, from the start on, with and without a first delivery.";
/// What bounds the figures, and the settings that brought them.
const NOTES: &str = include_str!("../notes.md");
/// Rounds of each measurement.
const ROUNDS: usize = 9;
/// What of a profile is worth a look.
const PROFILE_LINES: usize = 120;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments == [kernels::WORKER] {
        return kernels::worker::serve();
    }
    let cores = Cores::take()?;
    // One thread: it has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.split_first() {
            Some((&"run", options)) => run(cores, &Options::parse(options)?).await,
            Some((&"gate", [])) => gate::run(&Places::find()?, &bench(cores).await?, false).await,
            Some((&"gate", ["--update"])) => gate::run(&Places::find()?, &bench(cores).await?, true).await,
            Some((&"profile", [])) => profile(&Places::find()?, &bench(cores).await?).await,
            _ => bail!("{HELP}"),
        }
    })
}

/// Functions with all that they call, the costliest first.
async fn profile(places: &Places, bench: &Bench) -> Result<()> {
    for file in instructions::profile(bench, &places.ours()).await? {
        let annotated =
            Command::new("callgrind_annotate").args(["--inclusive=yes", "--auto=no"]).arg(&file).output()?;
        let text = String::from_utf8_lossy(&annotated.stdout).into_owned();
        print(&text.lines().take(PROFILE_LINES).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

struct Options {
    without: Vec<String>,
    rounds: usize,
    write: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: &[&str]) -> Result<Self> {
        let mut options = Self { without: Vec::new(), rounds: ROUNDS, write: None };
        while let [name, value, rest @ ..] = arguments {
            match *name {
                "--without" => options.without = value.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = value.parse().context("--rounds takes a number")?,
                "--write" => options.write = Some(PathBuf::from(value)),
                _ => bail!("{HELP}"),
            }
            arguments = rest;
        }
        ensure!(arguments.is_empty() && options.rounds > 0, "{HELP}");
        Ok(options)
    }
}

/// The fake services, and files of roots that vouch for them.
async fn bench(cores: Cores) -> Result<Bench> {
    let places = Places::find()?;
    fs::create_dir_all(&places.work)?;
    let authority = Authority::new()?;
    authority.write_roots(&places.work, &places.root.join("shared/webhook-aws/roots/amazon.pem"))?;
    let aws = Arc::new(Aws::default());
    let endpoints = aws.serve(&authority.acceptor).await?;
    Ok(Bench { aws, endpoints, cores, work: places.work })
}

async fn run(cores: Cores, options: &Options) -> Result<()> {
    let places = Places::find()?;
    let peers = [places.hello(), places.default_twin(), places.python(), places.node()];
    let peers = peers.into_iter().filter(|peer| !options.without.iter().any(|name| name == peer.name));
    let subjects: Vec<Subject> = [places.ours()].into_iter().chain(peers).collect();
    for subject in &subjects {
        let program = &subject.command[0];
        ensure!(program.exists(), "{} is not there: run tests/bench/setup {}", program.display(), subject.name);
    }
    let plan = Plan { subjects, rounds: options.rounds };
    let results = results::measure(&places, &bench(cores).await?, &plan).await?;
    let report = head(options.rounds) + &report::text(&results) + "\n" + NOTES;
    print(&report);
    if let Some(file) = &options.write {
        fs::write(file, &report).with_context(|| format!("{}", file.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn print(report: &str) {
    println!("{report}");
}

fn head(rounds: usize) -> String {
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    format!(
        "# Speed\n\n\
         `make bench` (to write this file: `make bench BENCH='--write BENCHMARKS.md'`), {}, {}, {}.\n\n\
         Machines differ, and so do minutes: read the ratios, which are medians of {rounds} interleaved rounds, each within its \
         round, with the least and the most; and the instructions, which repeat. Nothing here ran on Lambda. Each function is a \
         process on a core of its own, with a Runtime API and HTTPS endpoints for DynamoDB, SQS and Secrets Manager on another: \
         TLS 1.3, a chain of RSA-2048 certificates. The peers trust a full bundle of roots, this function six: Amazon's five, \
         which are compiled in where it is deployed, and the endpoints' own, here read from a file. The peers are in \
         `tests/bench/peers`.\n",
        said("date", "+%F"),
        machine::description(),
        said("rustc", "--version"),
    )
}
