//! What the suites and the demo share: the AWS emulator, a proxy that makes calls to it fail, a
//! Lambda Runtime API, traffic, Lambda events, and samples.

#![forbid(unsafe_code)]

pub mod api;
pub mod emulator;
pub mod event;
pub mod function;
pub mod http;
pub mod inspector;
pub mod lambda;
pub mod proxy;
pub mod samples;
pub mod stack;
pub mod template;
pub mod traffic;

use std::{
    env,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use webhook_verify::UnixSeconds;

/// Returns the root of the repository: the nearest folder with the workspace, at or above this
/// crate's folder (if cargo runs the program) or the current folder. It is looked up at run time,
/// because a checkout may be moved or copied together with its built programs.
///
/// # Panics
/// If no such folder has the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let start = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(env::current_dir, |folder| Ok(PathBuf::from(folder)));
    let start = start.expect("there is a current folder");
    let root = start.ancestors().find(|folder| is_workspace(folder));
    root.unwrap_or_else(|| {
        panic!("{} is not in the repository: run this inside it", start.display())
    })
    .to_owned()
}

fn is_workspace(folder: &Path) -> bool {
    ["Cargo.toml", "functions", "shared", "infra", "events"]
        .iter()
        .all(|entry| folder.join(entry).exists())
}

/// Returns the time by the machine's clock.
///
/// # Panics
/// If the clock is set before 1970.
#[must_use]
pub fn now() -> UnixSeconds {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixSeconds(i64::try_from(since_epoch.as_secs()).expect("fits for the next 292 billion years"))
}
