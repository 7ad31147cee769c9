//! One line of JSON per delivery. Never a header, a body or a secret: only the fields below. Text
//! that a sender chose has its invisible characters escaped.
//!
//! | field | meaning |
//! |---|---|
//! | `webhook.provider`, `webhook.scheme` | whose delivery; how it is signed |
//! | `webhook.outcome` | `accepted`, `duplicate`, `in_progress`, `challenge`, `refused`, `malformed`, `too_large`, `unavailable` |
//! | `webhook.reason` | why a delivery is refused, malformed or unavailable: a fixed word; `webhook.detail` says it in full |
//! | `webhook.event_type`, `webhook.event_id`, `webhook.idempotency_key`, `webhook.message_id` | of an authentic event |
//! | `webhook.unsigned_fields` | the message's fields that no signature covers |
//! | `webhook.secret_version` | which secret verified: `current` or `previous` |
//! | `webhook.secret_fetched` | whether the secret was fetched for this delivery |
//! | `webhook.secret_fetch_error` | why a fetch of the secret failed, whether or not an older one was used |
//! | `webhook.taken_over` | the lease of another invocation had run out |
//! | `webhook.delivery_id_changed` | a known event came with a different unsigned delivery id |
//! | `webhook.event_type_changed` | a known event came with a different unsigned event type |
//! | `webhook.warning` | a call that failed without changing the response; what looks wrong with a secret |
//! | `webhook.body_bytes`, `webhook.duration_ms` | the decoded body's size; the time that the delivery took |
//! | `webhook.{verify,claim,send,close}_ms` | the time of each part that happened; `close` is the complete or the release |
//! | `webhook.cold_start`, `webhook.request_id` | of the invocation |
//!
//! Anybody can send deliveries that are refused or too large, so an instance logs at most 60 of
//! them a minute. One more line says that the rest are counted only in the metrics.

mod filter;
mod foreign;
mod limit;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::filter_fn,
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};
use webhook_ingest::{Outcome, Report, SecretFetch, SecretWarning, Trail, UnixMillis};
use webhook_verify::SecretVersion;

pub(crate) use self::filter::LogFilter;
use self::{
    foreign::visible,
    limit::{Admission, LINES_PER_MINUTE, LineLimit},
};
use crate::invocation::{Handled, Invocation};

/// Starts the log: JSON lines on standard output, which Lambda puts into the function's log group.
pub(crate) fn init(filter: LogFilter) {
    let enabled =
        move |metadata: &Metadata<'_>| filter.enables(metadata.target(), *metadata.level());
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(lines.with_filter(filter_fn(enabled))).init();
}

/// The log of an instance's deliveries.
#[derive(Default)]
pub(crate) struct DeliveryLog {
    limit: Mutex<LineLimit>,
}

impl DeliveryLog {
    /// Writes the line of a delivery.
    pub(crate) fn delivery(
        &self,
        invocation: &Invocation<'_>,
        handled: &Handled<'_>,
        now: UnixMillis,
    ) {
        match self.admission(&handled.report.outcome, now) {
            Admission::Written => delivery(invocation, handled),
            Admission::FirstLeftOut => refusals_left_out(invocation),
            Admission::LeftOut => {}
        }
        secret_warnings(invocation.provider, &handled.report.trail.secret_warnings);
    }

    fn admission(&self, outcome: &Outcome, now: UnixMillis) -> Admission {
        match outcome {
            Outcome::Refused(_) | Outcome::TooLarge => {
                self.limit.lock().unwrap_or_else(PoisonError::into_inner).admit(now)
            }
            Outcome::Accepted { .. }
            | Outcome::Duplicate { .. }
            | Outcome::InProgress { .. }
            | Outcome::Challenge(_)
            | Outcome::Malformed(_)
            | Outcome::Unavailable(_) => Admission::Written,
        }
    }
}

fn delivery(invocation: &Invocation<'_>, handled: &Handled<'_>) {
    let Handled { report: Report { outcome, trail }, body_bytes, duration } = handled;
    let (reason, detail) = match outcome {
        Outcome::Refused(error) => (Some(error.reason()), Some(error.to_string())),
        Outcome::Unavailable(fault) => (Some(fault.reason()), Some(fault.to_string())),
        Outcome::Malformed(malformed) => (Some(malformed.reason()), Some(malformed.to_string())),
        Outcome::Accepted { .. }
        | Outcome::Duplicate { .. }
        | Outcome::InProgress { .. }
        | Outcome::Challenge(_)
        | Outcome::TooLarge => (None, None),
    };
    let event_type = trail.event_type.as_deref().map(visible);
    let event_id = trail.event_id.as_deref().map(visible);
    let idempotency_key = trail.idempotency_key.as_deref().map(visible);
    let secret_version = trail.secret.map(|version| match version {
        SecretVersion::Current => "current",
        SecretVersion::Previous => "previous",
    });
    let (secret_fetched, secret_fetch_error) = match &trail.secret_fetch {
        SecretFetch::NotDue => (false, None),
        SecretFetch::Routine | SecretFetch::AfterMismatch => (true, None),
        SecretFetch::Failed(error) => (false, Some(error.to_string())),
    };
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
                webhook.event_type = event_type.as_deref(),
                webhook.event_id = event_id.as_deref(),
                webhook.idempotency_key = idempotency_key.as_deref(),
                webhook.unsigned_fields = trail.unsigned_fields.as_deref(),
                webhook.message_id = trail.message_id,
                webhook.secret_version = secret_version,
                webhook.secret_fetched = secret_fetched,
                webhook.secret_fetch_error = secret_fetch_error,
                webhook.taken_over = trail.taken_over,
                webhook.delivery_id_changed = trail.delivery_id_changed,
                webhook.event_type_changed = trail.event_type_changed,
                webhook.warning = trail.warning.as_ref().map(ToString::to_string),
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
    match level(outcome, trail) {
        Level::ERROR => at!(error),
        Level::WARN => at!(warn),
        _ => at!(info),
    }
}

/// Returns the level of a delivery's line.
fn level(outcome: &Outcome, trail: &Trail) -> Level {
    let is_odd = trail.warning.is_some()
        || trail.taken_over
        || trail.delivery_id_changed
        || trail.event_type_changed
        || matches!(trail.secret_fetch, SecretFetch::Failed(_));
    match outcome {
        Outcome::Unavailable(_) => Level::ERROR,
        Outcome::Refused(_) | Outcome::Malformed(_) | Outcome::TooLarge => Level::WARN,
        Outcome::Accepted { .. }
        | Outcome::Duplicate { .. }
        | Outcome::InProgress { .. }
        | Outcome::Challenge(_)
            if is_odd =>
        {
            Level::WARN
        }
        Outcome::Accepted { .. }
        | Outcome::Duplicate { .. }
        | Outcome::InProgress { .. }
        | Outcome::Challenge(_) => Level::INFO,
    }
}

fn refusals_left_out(invocation: &Invocation<'_>) {
    tracing::warn!(
        webhook.provider = invocation.provider,
        webhook.detail = format!(
            "more than {LINES_PER_MINUTE} deliveries were refused or too large within a minute: \
             this instance counts further ones in the metrics only, until the minute is over"
        ),
        webhook.request_id = invocation.request_id,
        "deliveries left out"
    );
}

/// Writes a line for each thing that looks wrong with a secret that was fetched.
pub(crate) fn secret_warnings(provider: &str, warnings: &[SecretWarning]) {
    for warning in warnings {
        tracing::warn!(
            webhook.provider = provider,
            webhook.warning = warning.to_string(),
            "signing secret"
        );
    }
}

/// Writes the line of an HTTP request whose event is malformed.
pub(crate) fn malformed_event(invocation: &Invocation<'_>) {
    tracing::warn!(
        webhook.provider = invocation.provider,
        webhook.outcome = "malformed",
        webhook.reason = "malformed_event",
        webhook.cold_start = invocation.cold_start,
        webhook.request_id = invocation.request_id,
        "delivery"
    );
}

/// Writes the line of an event that is not an HTTP request.
pub(crate) fn not_an_http_request(invocation: &Invocation<'_>, error: &str) {
    tracing::error!(
        webhook.provider = invocation.provider,
        webhook.outcome = "malformed",
        webhook.reason = "not_an_http_request",
        webhook.detail = error,
        webhook.cold_start = invocation.cold_start,
        webhook.request_id = invocation.request_id,
        "delivery"
    );
}

#[cfg(test)]
mod tests {
    use webhook_ingest::{Fault, SecretError};
    use webhook_verify::{Malformed, VerifyError};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);

    #[test]
    fn only_refused_and_too_large_deliveries_are_left_out() {
        let log = DeliveryLog::default();
        let refused = Outcome::Refused(VerifyError::SignatureMismatch);
        let written = [&refused, &Outcome::TooLarge].into_iter().cycle().take(100);
        let written =
            written.filter(|outcome| log.admission(outcome, NOW) == Admission::Written).count();
        assert_eq!(written, 60, "both count together");
        assert_eq!(log.admission(&refused, NOW), Admission::LeftOut);
        let id = || "e1".to_owned();
        for outcome in [
            Outcome::Accepted { id: id() },
            Outcome::Duplicate { id: id() },
            Outcome::InProgress { retry_after_s: 1 },
            Outcome::Malformed(Malformed::NotAnObject),
            Outcome::Unavailable(Fault::DeadlineNear),
        ] {
            assert_eq!(log.admission(&outcome, NOW), Admission::Written, "{outcome:?}");
        }
    }

    #[test]
    fn a_good_outcome_with_something_unusual_is_logged_as_a_warning() {
        let failed = SecretFetch::Failed(SecretError::FailedLately);
        for (trail, expected) in [
            (Trail::default(), Level::INFO),
            (Trail { secret_fetch: SecretFetch::AfterMismatch, ..Trail::default() }, Level::INFO),
            (Trail { unsigned_fields: Some("type".to_owned()), ..Trail::default() }, Level::INFO),
            (Trail { warning: Some(Fault::DeadlineNear), ..Trail::default() }, Level::WARN),
            (Trail { taken_over: true, ..Trail::default() }, Level::WARN),
            (Trail { delivery_id_changed: true, ..Trail::default() }, Level::WARN),
            (Trail { event_type_changed: true, ..Trail::default() }, Level::WARN),
            (Trail { secret_fetch: failed, ..Trail::default() }, Level::WARN),
        ] {
            let id = || "e1".to_owned();
            let good = [
                Outcome::Accepted { id: id() },
                Outcome::Duplicate { id: id() },
                Outcome::InProgress { retry_after_s: 1 },
            ];
            for outcome in good {
                assert_eq!(level(&outcome, &trail), expected, "{outcome:?} {trail:?}");
            }
        }
    }

    #[test]
    fn refused_deliveries_are_warnings_and_our_own_faults_errors() {
        for (outcome, expected) in [
            (Outcome::Refused(VerifyError::SignatureMismatch), Level::WARN),
            (Outcome::Malformed(Malformed::NotAnObject), Level::WARN),
            (Outcome::TooLarge, Level::WARN),
            (Outcome::Unavailable(Fault::DeadlineNear), Level::ERROR),
        ] {
            assert_eq!(level(&outcome, &Trail::default()), expected, "{outcome:?}");
        }
    }
}
