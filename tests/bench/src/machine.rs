//! What the kernel tells of a process, and where processes run. Linux alone, as Lambda is.

use std::{
    fs, io,
    process::{Child, Command},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::clock_getcpuclockid,
    unistd::Pid,
};

/// The core that the measured processes have, and the one that all else has. The same one where there is only one.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    measured: usize,
    harness: usize,
}

impl Cores {
    /// The first two cores that this process may use. From here on it uses the first alone.
    ///
    /// # Errors
    /// The kernel does not tell, or does not allow it.
    pub fn take() -> Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).context("which cores this process may use")?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
        let harness = cores.next().context("no core")?;
        let cores = Self { harness, measured: cores.next().unwrap_or(harness) };
        pin(cores.harness)?;
        Ok(cores)
    }

    /// Starts a process on the measured core.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(self, command: &mut Command) -> Result<Child> {
        // A child inherits the cores of the thread that starts it: so a thread for it, and no `taskset`, which would be
        // part of the time that a start takes.
        thread::scope(|scope| {
            let started = scope.spawn(|| {
                pin(self.measured)?;
                command.spawn().with_context(|| format!("{} cannot be started", command.get_program().display()))
            });
            started.join().map_err(|_| anyhow::anyhow!("the thread that starts processes has panicked"))?
        })
    }
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot use core {core} alone"))
}

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Now.
    pub resident_kib: u64,
    /// The most that it ever was.
    pub peak_kib: u64,
}

/// Resident memory of a process, all that is shared with others included.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("a process's memory")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let both = field("VmRSS:").zip(field("VmHWM:")).context("a status without memory")?;
    Ok(Memory { resident_kib: both.0, peak_kib: both.1 })
}

/// What a process with all its threads has used, by the kernel's count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Pages that were not mapped when they were touched.
    pub page_faults: u64,
    /// Processor time in user mode, in clock ticks: of use over seconds.
    pub user_ticks: u64,
    /// Processor time in the kernel, in clock ticks.
    pub kernel_ticks: u64,
}

/// Source: `man 5 proc_pid_stat`.
///
/// # Errors
/// There is no such process.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("a process's usage")?;
    // The second field, the name in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("a process without a name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.parse().ok();
    let usage = || Some(Usage { page_faults: field(10)?, user_ticks: field(14)?, kernel_ticks: field(15)? });
    usage().context("a process without usage")
}

/// Processor time of a process with all its threads, in user and kernel mode.
///
/// # Errors
/// There is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?)).context("a process's clock")?;
    Ok(Duration::from(clock.now()?))
}

/// What the machine is, for the head of a report.
#[must_use]
pub fn description() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = processor.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, value)| value).to_owned()
    };
    let flags = field("flags");
    let sha = if flags.split(' ').any(|flag| flag == "sha_ni") { "with" } else { "without" };
    // Not `available_parallelism`: this process has left all cores but one.
    let cores = processor.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} ({sha} SHA extensions), {cores} cores, {}, Linux {}",
        field("model name"),
        std::env::consts::ARCH,
        kernel.trim()
    )
}

/// Ends a process that was started here, and waits for its end.
pub fn end(child: &mut Child) {
    // It may have ended by itself.
    let _: io::Result<()> = child.kill();
    let _ = child.wait();
}
