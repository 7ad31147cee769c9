//! What the log and the metrics say about an invocation.

use std::time::Duration;

use webhook_ingest::Report;

pub(crate) struct Invocation<'a> {
    pub(crate) provider: &'static str,
    pub(crate) function_name: &'a str,
    pub(crate) function_version: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) cold_start: bool,
}

/// A delivery with its outcome.
pub(crate) struct Handled<'a> {
    pub(crate) report: &'a Report,
    pub(crate) body_bytes: usize,
    pub(crate) duration: Duration,
}
