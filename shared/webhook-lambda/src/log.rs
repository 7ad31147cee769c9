//! One line of JSON per delivery. Never a header, a body or a secret: only the names below.
//!
//! | field | meaning |
//! |---|---|
//! | `webhook.provider`, `webhook.scheme` | whose delivery; how it is signed |
//! | `webhook.outcome` | `accepted`, `duplicate`, `in_progress`, `refused`, `malformed`, `too_large`, `unavailable` |
//! | `webhook.reason` | of a refusal or a fault: a fixed word; `webhook.detail` says it in full |
//! | `webhook.event_type`, `webhook.event_id`, `webhook.idempotency_key`, `webhook.message_id` | of an authentic event |
//! | `webhook.secret_version` | `current` or `previous` |
//! | `webhook.secret_fetched` | whether the secret was fetched for this delivery |
//! | `webhook.secret_fetch_error` | why a fetch of the secret failed, whether or not an older one served on |
//! | `webhook.taken_over` | the lease of another invocation had run out |
//! | `webhook.delivery_id_changed` | a known event came under another unsigned delivery id |
//! | `webhook.warning` | a call that failed without changing the answer |
//! | `webhook.body_bytes`, `webhook.duration_ms` | the decoded body's size; the time that the delivery took |
//! | `webhook.{verify,claim,send,close}_ms` | the time of each part that happened |
//! | `webhook.cold_start`, `webhook.request_id` | of the invocation |

use std::{str::FromStr, time::Duration};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::{Targets, filter_fn},
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};
use webhook_ingest::{Outcome, Report, SecretFetch};
use webhook_verify::SecretVersion;

use crate::{Handled, Invocation};

/// The start of our crates' names, and so of their log targets.
const OURS: &str = "webhook_";

/// `RUST_LOG`: for our crates as it says; dependencies stay at warn, since their traces may hold bodies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(Targets);

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl LogFilter {
    /// Reads directives separated by commas: a level, or `target=level`, or the bare name of one of our crates.
    ///
    /// # Errors
    /// The first directive that is none. A bare word that is neither a level nor a crate of ours would switch logging off
    /// unnoticed, so it is refused, too.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut targets = Targets::new();
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let error = || directive.to_owned();
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) => (Some(target), level),
                None if directive.starts_with(OURS) => (Some(directive), "trace"),
                None => (None, directive),
            };
            // `from_str` takes an empty text for `error`.
            let level = Some(level).filter(|level| !level.is_empty()).ok_or_else(error)?;
            let level = LevelFilter::from_str(level).map_err(|_| error())?;
            targets = match target {
                None => targets.with_default(level),
                Some(target) if is_target(target) => targets.with_target(target, level),
                Some(_) => return Err(error()),
            };
        }
        Ok(Self(targets))
    }

    fn enables(&self, target: &str, level: Level) -> bool {
        self.0.would_enable(target, &level) && (target.starts_with(OURS) || level <= Level::WARN)
    }
}

fn is_target(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
}

/// JSON lines on standard output, which Lambda takes to its log group.
pub(crate) fn init(filter: LogFilter) {
    let enabled = move |metadata: &Metadata<'_>| filter.enables(metadata.target(), *metadata.level());
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(lines.with_filter(filter_fn(enabled))).init();
}

/// Writes the line of a delivery.
pub(crate) fn delivery(invocation: &Invocation<'_>, handled: &Handled<'_>) {
    let Handled { report: Report { outcome, trail }, body_bytes, duration } = handled;
    let (reason, detail) = match outcome {
        Outcome::Refused(error) => (Some(error.reason()), Some(error.to_string())),
        Outcome::Unavailable(fault) => (Some(fault.reason()), Some(fault.to_string())),
        Outcome::Accepted { .. }
        | Outcome::Duplicate { .. }
        | Outcome::InProgress { .. }
        | Outcome::Malformed
        | Outcome::TooLarge => (None, None),
    };
    let secret_version = trail.secret.map(|version| match version {
        SecretVersion::Current => "current",
        SecretVersion::Previous => "previous",
    });
    let (secret_fetched, secret_fetch_error) = match &trail.secret_fetch {
        SecretFetch::NotDue => (false, None),
        SecretFetch::Routine | SecretFetch::AfterMismatch => (true, None),
        SecretFetch::Failed(error) => (false, Some(error.to_string())),
    };
    let warning = trail.warning.as_ref().map(ToString::to_string);
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    // A macro, because `tracing` fixes the level at each call.
    macro_rules! at {
        ($level:ident) => {
            tracing::$level!(
                webhook.provider = invocation.provider,
                webhook.scheme = trail.scheme,
                webhook.outcome = outcome.name(),
                webhook.reason = reason,
                webhook.detail = detail,
                webhook.event_type = trail.event_type,
                webhook.event_id = trail.event_id,
                webhook.idempotency_key = trail.idempotency_key,
                webhook.message_id = trail.message_id,
                webhook.secret_version = secret_version,
                webhook.secret_fetched = secret_fetched,
                webhook.secret_fetch_error = secret_fetch_error,
                webhook.taken_over = trail.taken_over,
                webhook.delivery_id_changed = trail.delivery_id_changed,
                webhook.warning = warning,
                webhook.body_bytes = body_bytes,
                webhook.duration_ms = ms(*duration),
                webhook.verify_ms = trail.durations.verify.map(ms),
                webhook.claim_ms = trail.durations.claim.map(ms),
                webhook.send_ms = trail.durations.send.map(ms),
                webhook.close_ms = trail.durations.close.map(ms),
                webhook.cold_start = invocation.cold_start,
                webhook.request_id = invocation.request_id,
                "delivery"
            )
        };
    }
    match outcome {
        Outcome::Unavailable(_) => at!(error),
        Outcome::Refused(_) | Outcome::Malformed | Outcome::TooLarge => at!(warn),
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } | Outcome::InProgress { .. } => {
            let trouble = warning.is_some() || secret_fetch_error.is_some();
            if trouble || trail.delivery_id_changed || trail.taken_over { at!(warn) } else { at!(info) }
        }
    }
}

/// Writes the line of an event that is no HTTP request, or a malformed one.
pub(crate) fn not_an_http_event(invocation: &Invocation<'_>) {
    tracing::warn!(
        webhook.provider = invocation.provider,
        webhook.outcome = Outcome::Malformed.name(),
        webhook.reason = "not_an_http_event",
        webhook.cold_start = invocation.cold_start,
        webhook.request_id = invocation.request_id,
        "delivery"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_follow_rust_log_and_dependencies_stay_at_warn() {
        for (text, target, level, expected) in [
            ("info", "webhook_lambda::log", Level::INFO, true),
            ("info", "webhook_lambda", Level::DEBUG, false),
            ("info,", "webhook_lambda", Level::INFO, true),
            ("INFO", "webhook_lambda", Level::INFO, true),
            ("trace", "webhook_aws", Level::TRACE, true),
            ("trace", "aws_smithy_runtime", Level::INFO, false),
            ("trace", "aws_smithy_runtime", Level::WARN, true),
            ("trace,hyper=trace", "hyper", Level::DEBUG, false),
            ("error", "hyper", Level::WARN, false),
            ("off", "webhook_lambda", Level::ERROR, false),
            ("warn, webhook_lambda=debug", "webhook_lambda", Level::DEBUG, true),
            ("warn,webhook_lambda", "webhook_lambda", Level::TRACE, true),
            ("webhook_lambda=debug", "webhook_aws", Level::ERROR, false),
        ] {
            let filter = LogFilter::parse(text).expect("is a filter");
            assert_eq!(filter.enables(target, level), expected, "{text}: {target} at {level}");
        }
    }

    #[test]
    fn a_directive_that_is_none_is_named() {
        for (text, directive) in [
            ("verbose", "verbose"),
            ("info,webhook_lambda=", "webhook_lambda="),
            ("info,webhook_lambda=loud", "webhook_lambda=loud"),
            ("=info", "=info"),
            ("a b=info", "a b=info"),
            ("hyper", "hyper"),
            ("!!!", "!!!"),
        ] {
            assert_eq!(LogFilter::parse(text), Err(directive.to_owned()), "{text}");
        }
    }
}
