//! Cores, memory and processor time of processes. Linux only, as on Lambda.

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

/// The core of the measured process and the core of everything else. They are the same if there is
/// only one.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    measured: usize,
    harness: usize,
}

impl Cores {
    /// Takes the first two cores that this process may use, and moves this process to the first.
    ///
    /// # Errors
    /// The kernel does not allow it.
    pub fn take() -> Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0))
            .context("cannot read which cores this process may use")?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
        let harness = cores.next().context("this process may use no core")?;
        let cores = Self { harness, measured: cores.next().unwrap_or(harness) };
        pin(cores.harness)?;
        Ok(cores)
    }

    /// Starts a process on the measured core.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(self, command: &mut Command) -> Result<Child> {
        // A child inherits the cores of the thread that starts it. `taskset` would do the same, but
        // its own start would count as part of the function's.
        thread::scope(|scope| {
            let started = scope.spawn(|| {
                pin(self.measured)?;
                command
                    .spawn()
                    .with_context(|| format!("cannot start {}", command.get_program().display()))
            });
            started
                .join()
                .map_err(|_| anyhow::anyhow!("the thread that starts processes panicked"))?
        })
    }
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot move to core {core}"))
}

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// At present.
    pub resident_kib: u64,
    /// The peak so far.
    pub peak_kib: u64,
}

/// Returns the resident memory of a process, including pages that it shares with others.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .context("cannot read a process's memory")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let both =
        field("VmRSS:").zip(field("VmHWM:")).context("/proc/<pid>/status has no VmRSS or VmHWM")?;
    Ok(Memory { resident_kib: both.0, peak_kib: both.1 })
}

/// Resources that a process has used with all its threads, as counted by the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Minor page faults.
    pub page_faults: u64,
    /// Processor time in user mode, in clock ticks; too coarse for less than seconds.
    pub user_ticks: u64,
    /// Processor time in the kernel, in clock ticks.
    pub kernel_ticks: u64,
}

/// Returns the resources that a process has used.
/// Source: `man 5 proc_pid_stat`.
///
/// # Errors
/// There is no such process.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).context("cannot read a process's usage")?;
    // The second field is the name in brackets, and may contain any character.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/<pid>/stat has no name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.parse().ok();
    let usage = || {
        Some(Usage { page_faults: field(10)?, user_ticks: field(14)?, kernel_ticks: field(15)? })
    };
    usage().context("/proc/<pid>/stat has too few fields")
}

/// Returns the processor time of a process with all its threads, in user and kernel mode.
///
/// # Errors
/// There is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?))
        .context("cannot read a process's clock")?;
    Ok(Duration::from(clock.now()?))
}

/// Describes the machine for the head of a report.
#[must_use]
pub fn description() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = processor.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, value)| value).to_owned()
    };
    let flags = field("flags");
    let sha = if flags.split(' ').any(|flag| flag == "sha_ni") { "with" } else { "without" };
    // `available_parallelism` would be 1, because this process has moved to one core.
    let cores = processor.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} ({sha} SHA extensions), {cores} cores, {}, Linux {}",
        field("model name"),
        std::env::consts::ARCH,
        kernel.trim()
    )
}

/// Ends a child process and waits for its end.
pub fn end(child: &mut Child) {
    // It fails if the process has ended already.
    let _: io::Result<()> = child.kill();
    let _ = child.wait();
}
