//! Verification by body size: this side's beside the bare MAC of the same bytes, and beside Python and Node doing what their
//! users do. Each is a process of its own on the measured core, and all run in turn.
//!
//! Verification builds the text for the queue, if that is not the body, so its figures include it.

mod bodies;
pub mod worker;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use self::bodies::{Spelling, body};
use crate::{
    machine::{self, Cores},
    stats::Spread,
    subjects::Places,
};

/// How this program is told to be a worker.
pub const WORKER: &str = "kernel-worker";
/// Up to just under the limit of 6 MiB.
const SIZES: [(&str, usize); 5] =
    [("1 KiB", 1 << 10), ("10 KiB", 10 << 10), ("100 KiB", 100 << 10), ("1 MiB", 1 << 20), ("6 MB", 6_000_000)];
/// Kernels, each with the spelling in which its bodies come, and with the bare MAC that bounds it.
const KERNELS: [(&str, &str, Spelling, &str); 4] = [
    ("Pinwheel v2, raw bytes", "pinwheel-v2", Spelling::Python, "sha256"),
    ("Endgrate, raw bytes", "endgrate-raw", Spelling::Python, "sha1"),
    ("Pinwheel v1, re-serialised", "pinwheel-v1", Spelling::Python, "sha256"),
    ("Endgrate, re-serialised", "endgrate-respelled", Spelling::Compact, "sha1"),
];
/// Shortest time of one measurement.
const MILLISECONDS: u32 = 40;

/// A kernel beside the bare MAC.
pub struct BesideMac {
    /// The body's size.
    pub size: (&'static str, usize),
    /// The kernel.
    pub kernel: &'static str,
    /// The speed of it in MB of body in a second.
    pub mb_per_s: Spread,
    /// Its speed divided by the MAC's.
    pub of_mac: Spread,
}

/// Re-serialising in Rust beside Python and Node.
pub struct BesidePeers {
    /// The body's size.
    pub size: (&'static str, usize),
    /// The body's spelling.
    pub spelling: &'static str,
    /// Speeds in MB of body in a second, in the order of the workers.
    pub mb_per_s: Vec<Spread>,
    /// How many times faster than Python, and than Node.
    pub times: Vec<Spread>,
}

/// What verification takes from the heap, in bytes.
pub struct Heap {
    /// The body's size.
    pub size: (&'static str, usize),
    /// Where the signature is a forgery.
    pub forged: usize,
    /// Where it is accepted, beside the text that is queued.
    pub accepted: usize,
}

/// All of it.
pub struct Kernels {
    /// Beside the bare MAC.
    pub beside_mac: Vec<BesideMac>,
    /// Beside Python and, where it is there, Node.
    pub beside_peers: Vec<BesidePeers>,
    /// Memory.
    pub heap: Vec<Heap>,
}

/// Measures. First, all must come to the same tag for each body.
///
/// # Errors
/// A worker does not start, or the tags differ.
pub fn measure(places: &Places, cores: Cores, with_node: bool, rounds: usize) -> Result<Kernels> {
    let mut ours = Worker::start(cores, Command::new(env::current_exe()?).arg(WORKER))?;
    let python = places.root.join(".tools/bench-python/bin/python");
    let script = places.root.join("tests/bench/peers/python/kernels.py");
    let mut peers = vec![Worker::start(cores, Command::new(python).arg(script))?];
    if with_node {
        let script = places.root.join(".tools/bench-node/kernels.mjs");
        peers.push(Worker::start(cores, Command::new("node").arg(script))?);
    }
    let folder = places.work.join("bodies");
    fs::create_dir_all(&folder)?;
    let mut kernels = Kernels { beside_mac: Vec::new(), beside_peers: Vec::new(), heap: Vec::new() };
    for size in SIZES {
        for spelling in Spelling::ALL {
            let file = File::write(&folder, size.1, spelling)?;
            let tag = ours.ask(&format!("tag {}", file.path.display()))?;
            for peer in &mut peers {
                let theirs = peer.ask(&format!("tag {}", file.path.display()))?;
                ensure!(theirs == tag, "tags differ for {}: {theirs}, {tag}", file.path.display());
            }
            kernels.beside_peers.push(beside_peers(&mut ours, &mut peers, size, spelling, &file, rounds)?);
            kernels.beside_mac.extend(beside_mac(&mut ours, size, spelling, &file, rounds)?);
            if spelling == Spelling::Python {
                let mut heap = |outcome| ours.number(&format!("heap {} {outcome}", file.path.display()));
                // Whole numbers of bytes.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below 0")]
                let [forged, accepted] = [heap("forged")? as usize, heap("accepted")? as usize];
                kernels.heap.push(Heap { size, forged, accepted });
            }
        }
    }
    Ok(kernels)
}

fn beside_mac(
    ours: &mut Worker,
    size: (&'static str, usize),
    spelling: Spelling,
    file: &File,
    rounds: usize,
) -> Result<Vec<BesideMac>> {
    let kernels: Vec<_> = KERNELS.into_iter().filter(|(_, _, comes_in, _)| *comes_in == spelling).collect();
    let mut speeds = vec![(Vec::new(), Vec::new()); kernels.len()];
    for _ in 0..rounds {
        for ((_, kernel, _, mac), (speeds, bare)) in kernels.iter().zip(&mut speeds) {
            speeds.push(file.speed(ours, kernel)?);
            bare.push(file.speed(ours, mac)?);
        }
    }
    let rows = kernels.iter().zip(speeds).map(|((label, ..), (speeds, bare))| BesideMac {
        size,
        kernel: label,
        of_mac: Spread::of_ratios(&speeds, &bare),
        mb_per_s: Spread::of(speeds),
    });
    Ok(rows.collect())
}

fn beside_peers(
    ours: &mut Worker,
    peers: &mut [Worker],
    size: (&'static str, usize),
    spelling: Spelling,
    file: &File,
    rounds: usize,
) -> Result<BesidePeers> {
    let mut speeds = vec![Vec::new(); 1 + peers.len()];
    for _ in 0..rounds {
        speeds[0].push(file.speed(ours, "pinwheel-v1")?);
        for (peer, speeds) in peers.iter_mut().zip(&mut speeds[1..]) {
            speeds.push(file.speed(peer, "run")?);
        }
    }
    Ok(BesidePeers {
        size,
        spelling: spelling.label(),
        times: speeds[1..].iter().map(|theirs| Spread::of_ratios(&speeds[0], theirs)).collect(),
        mb_per_s: speeds.into_iter().map(Spread::of).collect(),
    })
}

/// A body that all workers read.
struct File {
    path: PathBuf,
    bytes: usize,
}

impl File {
    fn write(folder: &Path, size: usize, spelling: Spelling) -> Result<Self> {
        let path = folder.join(format!("{size}-{}.json", spelling.label()));
        let body = body(size, spelling)?;
        fs::write(&path, &body)?;
        Ok(Self { path, bytes: body.len() })
    }

    /// Bytes in a microsecond, which are MB in a second.
    fn speed(&self, worker: &mut Worker, kernel: &str) -> Result<f64> {
        let mean_ns = worker.number(&format!("{kernel} {} {MILLISECONDS}", self.path.display()))?;
        Ok(self.bytes as f64 / (mean_ns / 1e3))
    }
}

/// A process that answers each line with a line.
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
        writeln!(self.commands, "{command}").with_context(|| format!("a worker is gone before `{command}`"))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "a worker has failed at `{command}`");
        Ok(answer.trim().to_owned())
    }

    fn number(&mut self, command: &str) -> Result<f64> {
        Ok(self.ask(command)?.parse()?)
    }
}
