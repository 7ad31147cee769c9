//! Measures the function of this repository beside others that do the same job. `make bench` builds
//! them all and runs this program; `--help` lists its commands.

#![expect(clippy::print_stderr, reason = "a program for people")]

mod archive;
mod aws;
mod cold;
mod cost;
mod delivery;
mod gate;
mod glance;
mod goals;
mod instance;
mod instructions;
mod kernels;
mod machine;
mod report;
mod results;
mod rounds;
mod runtime_api;
mod stats;
mod subjects;
mod tls;
mod warm;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    aws::Aws,
    instance::Bench,
    kernels::Peers,
    machine::Cores,
    results::Plan,
    rounds::Rounds,
    stats::WIDEST_TO_QUOTE,
    subjects::{Places, Subject},
    tls::Authority,
};

const HELP: &str = "\
webhook-bench run [--without <peers>] [--rounds <number>] [--minutes <number>] [--write <file>]
    Measures everything and prints the report; --write also writes it to a file, and its chart
    to tests/bench/speed.svg unless peers are left out.
    Peers: hello, default, python, node; separate several with commas.
    At least --rounds rounds (9). More follow while a ratio is too wide to quote and the rounds
    have taken fewer than --minutes minutes (25) in all.
webhook-bench kernels [--rounds <number>] [--minutes <number>]
    Measures verification alone, beside the bare MAC of the same bytes.
webhook-bench gate [--update]
    Compares instructions and size with tests/bench/baseline.json; --update writes them there.
webhook-bench profile
    Prints where instructions are spent, without and with a first delivery.";
/// Explains what bounds the figures, and which settings brought them.
const NOTES: &str = include_str!("../notes.md");
/// The default of `--rounds`.
const ROUNDS: usize = 9;
/// The default of `--minutes`.
const MINUTES: u64 = 25;
/// Lines that are printed of each profile.
const PROFILE_LINES: usize = 120;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments == [kernels::WORKER] {
        return kernels::worker::serve();
    }
    let cores = Cores::take()?;
    // One thread, because there is one core for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.split_first() {
            Some((&"run", options)) => run(cores, &Options::parse(options)?).await,
            Some((&"kernels", options)) => run_kernels(cores, &Options::parse(options)?),
            Some((&"gate", [])) => gate::run(&Places::new(), &bench(cores).await?, false).await,
            Some((&"gate", ["--update"])) => {
                gate::run(&Places::new(), &bench(cores).await?, true).await
            }
            Some((&"profile", [])) => profile(&Places::new(), &bench(cores).await?).await,
            _ => bail!("{HELP}"),
        }
    })
}

/// Prints the functions of each profile with everything they call, the most expensive first.
async fn profile(places: &Places, bench: &Bench) -> Result<()> {
    for file in instructions::profile(bench, &places.ours()).await? {
        let annotated = Command::new("callgrind_annotate")
            .args(["--inclusive=yes", "--auto=no"])
            .arg(&file)
            .output()?;
        let text = String::from_utf8_lossy(&annotated.stdout).into_owned();
        print(&text.lines().take(PROFILE_LINES).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Options {
    without: Vec<String>,
    rounds: Rounds,
    write: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: &[&str]) -> Result<Self> {
        let rounds = Rounds { least: ROUNDS, time: Duration::from_mins(MINUTES) };
        let mut options = Self { without: Vec::new(), rounds, write: None };
        while let [name, value, rest @ ..] = arguments {
            match *name {
                "--without" => options.without = value.split(',').map(str::to_owned).collect(),
                "--rounds" => {
                    options.rounds.least = value.parse().context("--rounds takes a number")?;
                }
                "--minutes" => {
                    options.rounds.time =
                        Duration::from_mins(value.parse().context("--minutes takes a number")?);
                }
                "--write" => options.write = Some(PathBuf::from(value)),
                _ => bail!("{HELP}"),
            }
            arguments = rest;
        }
        ensure!(arguments.is_empty() && options.rounds.least > 0, "{HELP}");
        Ok(options)
    }
}

/// Starts the fake services and writes the files of roots that their certificates need.
async fn bench(cores: Cores) -> Result<Bench> {
    let places = Places::new();
    fs::create_dir_all(&places.work)?;
    let authority = Authority::new()?;
    authority
        .write_roots(&places.work, &places.root.join("shared/webhook-aws/roots/amazon.pem"))?;
    let aws = Arc::new(Aws::default());
    let endpoints = aws.serve(&authority.acceptor).await?;
    Ok(Bench { aws, endpoints, cores, work: places.work })
}

async fn run(cores: Cores, options: &Options) -> Result<()> {
    let places = Places::new();
    let peers = [places.hello(), places.default_twin(), places.python(), places.node()];
    let peers =
        peers.into_iter().filter(|peer| !options.without.iter().any(|name| name == peer.name));
    let subjects: Vec<Subject> = [places.ours()].into_iter().chain(peers).collect();
    for subject in &subjects {
        let program = &subject.command[0];
        ensure!(
            program.exists(),
            "{} does not exist: run tests/bench/setup {}",
            program.display(),
            subject.name
        );
    }
    let plan = Plan { subjects, rounds: options.rounds };
    let results = results::measure(&places, &bench(cores).await?, &plan).await?;
    let report = head(options.rounds) + &report::text(&results) + "\n" + NOTES;
    print(&report);
    if let Some(file) = &options.write {
        write(file, &report)?;
        // A report with all peers has the chart.
        if options.without.is_empty() {
            write(&places.root.join(report::CHART), &glance::chart(&results))?;
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{}", file.display()))
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn print(report: &str) {
    println!("{report}");
}

/// Measures verification on the code as it is. `kernels/before.rs` keeps figures of this command.
fn run_kernels(cores: Cores, options: &Options) -> Result<()> {
    let peers = Peers { python: false, node: false };
    print(&report::kernels(&kernels::measure(&Places::new(), cores, peers, options.rounds)?));
    Ok(())
}

fn head(rounds: Rounds) -> String {
    let said = |program: &str, argument: &str| {
        let output = Command::new(program)
            .arg(argument)
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    format!(
        "# Speed\n\n\
         Written by `make bench BENCH='--write BENCHMARKS.md'` on {}: {}, {}.\n\n\
         Milliseconds differ between machines and from minute to minute. Compare the ratios and the instructions. A ratio is \
         the median over interleaved rounds of the ratio within each round; the brackets after it have the least and the most \
         of all rounds. Its spread is the width of the median's 95 % confidence interval, which is found by rank and assumes \
         no distribution. A ratio with a spread over {:.0} % of the median is too wide to quote: the goals say so, and other \
         tables mark it with `~`. Each measurement has at least {} rounds, and more until no ratio is too wide or the time \
         ({} minutes for all rounds) is used up.\n\n\
         Nothing here ran on Lambda. Each function is a process on a core of its own; another core has a Runtime API and HTTPS \
         endpoints for DynamoDB, SQS and Secrets Manager, with TLS 1.3 and a chain of RSA-2048 certificates. The peers, which \
         are in `tests/bench/peers`, trust a full bundle of roots. This function trusts six: Amazon's five, which a deployed \
         function has compiled in, and the one of the endpoints; here it reads all six from a file.\n",
        said("date", "+%F"),
        machine::description(),
        said("rustc", "--version"),
        WIDEST_TO_QUOTE * 100.0,
        rounds.least,
        rounds.time.as_secs() / 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_nine_rounds_and_25_minutes_unless_told_otherwise() {
        let parse =
            |arguments: &[&str]| Options::parse(arguments).expect("options are known").rounds;
        assert_eq!(parse(&[]), Rounds { least: 9, time: Duration::from_mins(25) });
        assert_eq!(
            parse(&["--minutes", "2", "--rounds", "3"]),
            Rounds { least: 3, time: Duration::from_mins(2) }
        );
        for wrong in
            [&["--minutes"][..], &["--minutes", "x"], &["--rounds", "0"], &["--speed", "1"]]
        {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
