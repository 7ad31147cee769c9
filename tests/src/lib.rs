//! What the suites and the demo share: the emulator, a proxy that makes its calls fail, a Lambda Runtime API, traffic, requests
//! as Lambda hands them over, and samples.

#![forbid(unsafe_code)]

pub mod api;
pub mod emulator;
pub mod event;
pub mod function;
pub mod http;
pub mod lambda;
pub mod proxy;
pub mod samples;
pub mod stack;
pub mod template;
pub mod traffic;

use std::time::{SystemTime, UNIX_EPOCH};

use webhook_verify::UnixSeconds;

/// The machine's clock.
///
/// # Panics
/// It stands before 1970.
#[must_use]
pub fn now() -> UnixSeconds {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixSeconds(i64::try_from(since_epoch.as_secs()).expect("fits for the next 292 billion years"))
}
