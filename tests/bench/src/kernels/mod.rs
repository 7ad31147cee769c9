//! Verification by body size: ours beside the bare MAC of the same bytes, and beside Python and
//! Node doing what their users do. Each runs in its own process on the measured core, in turn.
//!
//! Verification builds the text for the queue, if that is not the body, so its figures include it.

mod before;
mod bodies;
pub mod worker;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use self::bodies::{Spelling, body};
use crate::{
    machine::{self, Cores},
    rounds::{Budget, Rounds},
    stats::{self, Spread},
    subjects::Places,
};

/// The argument that makes this program a worker.
pub const WORKER: &str = "kernel-worker";
/// The largest is just under the limit of 6 MiB.
pub const SIZES: [(&str, usize); 5] = [
    ("1 KiB", 1 << 10),
    ("10 KiB", 10 << 10),
    ("100 KiB", 100 << 10),
    ("1 MiB", 1 << 20),
    ("6 MB", 6_000_000),
];
/// Kernels: label, name in the worker, spelling of the bodies, and the bare MAC that bounds it.
const KERNELS: [(&str, &str, Spelling, &str); 4] = [
    ("raw bytes, SHA-256", "raw-sha256", Spelling::Python, "sha256"),
    ("raw bytes, SHA-1", "raw-sha1", Spelling::Python, "sha1"),
    ("member re-serialised, SHA-256", "member", Spelling::Python, "sha256"),
    ("body re-serialised, SHA-1", "respelled", Spelling::Compact, "sha1"),
];
/// Shortest time of one measurement.
const MILLISECONDS: u32 = 40;

/// A kernel beside the bare MAC.
pub struct BesideMac {
    /// The body's label and size.
    pub size: (&'static str, usize),
    /// The kernel's label.
    pub kernel: &'static str,
    /// Its speed, in MB of body per second.
    pub mb_per_s: Spread,
    /// Its speed divided by the MAC's.
    pub of_mac: Spread,
    /// `of_mac` divided by the figure recorded before verification built its text in memory; only
    /// for the re-serialising kernels.
    pub of_before: Option<Spread>,
}

/// Re-serialising in Rust beside Python and Node.
pub struct BesidePeers {
    /// The body's label and size.
    pub size: (&'static str, usize),
    /// The body's spelling.
    pub spelling: &'static str,
    /// Speeds in MB of body per second: ours, then Python and Node as far as they are measured.
    pub mb_per_s: Vec<Spread>,
    /// How many times faster ours is than each of the others.
    pub times: Vec<Spread>,
}

/// Peak heap of a verification, in bytes.
pub struct Heap {
    /// The body's label and size.
    pub size: (&'static str, usize),
    /// With a forged signature.
    pub forged: usize,
    /// With a valid signature, without the text for the queue.
    pub accepted: usize,
}

/// All that is measured of verification.
pub struct Kernels {
    /// Beside the bare MAC.
    pub beside_mac: Vec<BesideMac>,
    /// Beside the peers; empty without peers.
    pub beside_peers: Vec<BesidePeers>,
    /// Memory.
    pub heap: Vec<Heap>,
}

/// The peers of the run.
#[derive(Clone, Copy, Debug)]
pub struct Peers {
    /// Whether Python is one.
    pub python: bool,
    /// Whether Node is one.
    pub node: bool,
}

/// Measures verification. First, all workers must compute the same tag for each body.
///
/// # Errors
/// A worker does not start, or the tags differ.
pub fn measure(places: &Places, cores: Cores, with: Peers, rounds: Rounds) -> Result<Kernels> {
    let mut ours = Worker::start(cores, Command::new(env::current_exe()?).arg(WORKER))?;
    let mut peers = start_peers(places, cores, with)?;
    let folder = places.work.join("bodies");
    fs::create_dir_all(&folder)?;
    let mut kernels =
        Kernels { beside_mac: Vec::new(), beside_peers: Vec::new(), heap: Vec::new() };
    let mut budget = Budget::new(rounds, u32::try_from(SIZES.len() * Spelling::ALL.len())?);
    for size in SIZES {
        for spelling in Spelling::ALL {
            let started_at = Instant::now();
            let file = File::write(&folder, size, spelling)?;
            let tag = ours.ask(&format!("tag {}", file.path.display()))?;
            for peer in &mut peers {
                let theirs = peer.ask(&format!("tag {}", file.path.display()))?;
                ensure!(theirs == tag, "tags differ for {}: {theirs}, {tag}", file.path.display());
            }
            // Two measurements share the time of this file.
            let mut halves = Budget::new(budget.next(), 2);
            if !peers.is_empty() {
                kernels.beside_peers.push(beside_peers(
                    &mut ours,
                    &mut peers,
                    &file,
                    halves.next(),
                )?);
            }
            halves.spend(started_at.elapsed());
            kernels.beside_mac.extend(beside_mac(&mut ours, &file, halves.next())?);
            budget.spend(started_at.elapsed());
            if spelling == Spelling::Python {
                kernels.heap.push(heap(&mut ours, &file)?);
            }
        }
    }
    Ok(kernels)
}

fn start_peers(places: &Places, cores: Cores, with: Peers) -> Result<Vec<Worker>> {
    let mut peers = Vec::new();
    if with.python {
        let python = places.root.join(".tools/bench-python/bin/python");
        let script = places.root.join("tests/bench/peers/python/kernels.py");
        peers.push(Worker::start(cores, Command::new(python).arg(script))?);
    }
    if with.node {
        let script = places.root.join(".tools/bench-node/kernels.mjs");
        peers.push(Worker::start(cores, Command::new("node").arg(script))?);
    }
    Ok(peers)
}

fn beside_mac(ours: &mut Worker, file: &File, rounds: Rounds) -> Result<Vec<BesideMac>> {
    let kernels = KERNELS.into_iter().filter(|(_, _, spelling, _)| *spelling == file.spelling);
    let mut measured: Vec<_> = kernels.map(|kernel| (kernel, Vec::new(), Vec::new())).collect();
    let started_at = Instant::now();
    for round in 1.. {
        for ((_, kernel, _, mac), speeds, bare) in &mut measured {
            speeds.push(file.speed(ours, kernel)?);
            bare.push(file.speed(ours, mac)?);
        }
        let widest =
            stats::widest(measured.iter().map(|(_, speeds, bare)| Spread::of_ratios(speeds, bare)));
        if rounds.are_enough(round, widest, started_at.elapsed()) {
            break;
        }
    }
    let rows = measured.into_iter().map(|((label, kernel, ..), speeds, bare)| {
        let of_mac = Spread::of_ratios(&speeds, &bare);
        let of_before = before::of_mac(kernel, file.size.0).map(|before| of_mac.divided_by(before));
        BesideMac {
            size: file.size,
            kernel: label,
            of_mac,
            of_before,
            mb_per_s: Spread::of(speeds),
        }
    });
    Ok(rows.collect())
}

fn beside_peers(
    ours: &mut Worker,
    peers: &mut [Worker],
    file: &File,
    rounds: Rounds,
) -> Result<BesidePeers> {
    let mut speeds = vec![Vec::new(); 1 + peers.len()];
    let times = |speeds: &[Vec<f64>]| -> Vec<Spread> {
        speeds[1..].iter().map(|theirs| Spread::of_ratios(&speeds[0], theirs)).collect()
    };
    let started_at = Instant::now();
    for round in 1.. {
        speeds[0].push(file.speed(ours, "member")?);
        for (peer, speeds) in peers.iter_mut().zip(&mut speeds[1..]) {
            speeds.push(file.speed(peer, "run")?);
        }
        if rounds.are_enough(round, stats::widest(times(&speeds)), started_at.elapsed()) {
            break;
        }
    }
    Ok(BesidePeers {
        size: file.size,
        spelling: file.spelling.label(),
        times: times(&speeds),
        mb_per_s: speeds.into_iter().map(Spread::of).collect(),
    })
}

fn heap(ours: &mut Worker, file: &File) -> Result<Heap> {
    let mut bytes = |outcome| {
        anyhow::Ok(ours.ask(&format!("heap {} {outcome}", file.path.display()))?.parse()?)
    };
    Ok(Heap { size: file.size, forged: bytes("forged")?, accepted: bytes("accepted")? })
}

/// A body that all workers read.
struct File {
    path: PathBuf,
    size: (&'static str, usize),
    spelling: Spelling,
    bytes: usize,
}

impl File {
    fn write(folder: &Path, size: (&'static str, usize), spelling: Spelling) -> Result<Self> {
        let path = folder.join(format!("{}-{}.json", size.1, spelling.label()));
        let body = body(size.1, spelling)?;
        fs::write(&path, &body)?;
        Ok(Self { path, size, spelling, bytes: body.len() })
    }

    /// Returns the speed in bytes per microsecond, which is MB per second.
    fn speed(&self, worker: &mut Worker, kernel: &str) -> Result<f64> {
        let mean_ns = worker.number(&format!("{kernel} {} {MILLISECONDS}", self.path.display()))?;
        Ok(self.bytes as f64 / (mean_ns / 1e3))
    }
}

/// A process that answers each line on its standard input with one line.
struct Worker {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        machine::end(&mut self.child);
    }
}

impl Worker {
    fn start(cores: Cores, command: &mut Command) -> Result<Self> {
        let mut child = cores.spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let commands = child.stdin.take().context("is piped")?;
        let answers = BufReader::new(child.stdout.take().context("is piped")?);
        Ok(Self { child, commands, answers })
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        writeln!(self.commands, "{command}")
            .with_context(|| format!("the kernel worker ended before `{command}`"))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the kernel worker failed at `{command}`");
        Ok(answer.trim().to_owned())
    }

    fn number(&mut self, command: &str) -> Result<f64> {
        Ok(self.ask(command)?.parse()?)
    }
}
