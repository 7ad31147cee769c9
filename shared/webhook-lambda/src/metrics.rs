//! One line of metrics per delivery, in CloudWatch's Embedded Metric Format: CloudWatch makes
//! metrics from each such line in a log group, so a metric needs no call, no permission and no
//! agent.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//!
//! [`METRICS`] lists them.
//!
//! - What did not happen is left out, except for [`REFUSALS`], [`FAULTS`], [`LEASE_TAKEOVERS`] and
//!   [`SECRET_FETCH_FAILURES`]. These count 0, by function alone, so that their average is a rate
//!   and their sum has a value whenever deliveries come in.
//! - The line is separate from the log's line, and does not go through `tracing`, so `RUST_LOG`
//!   silences no metric. Lambda's own log filter can: it takes a line without a level for `INFO`,
//!   so leave `ApplicationLogLevel` at `INFO` or below.
//! - One line for both would save only some 30 bytes in 1,700, because a metric's value must be in
//!   a member with the metric's own name.
//! - The line has nothing but these numbers, and dimensions with few values: each combination of
//!   dimension values is a metric that costs money.
//!
//! The format is JSON of one fixed shape, so `serde_json` writes it. Two crates for it were
//! measured. `metrique` (awslabs) writes the same line, but brings 40 crates and switches on all of
//! `tracing-subscriber`: 650 kB, 7 % of the binary. `metrics_cloudwatch_embedded` needs a global
//! recorder, and writes a line for each combination of dimensions.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use webhook_ingest::{Outcome, Report, SecretFetch, UnixMillis};
use webhook_verify::SecretVersion;

use crate::invocation::{Handled, Invocation};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Webhooks";

/// The dimension that all metrics have: the function's name, which contains the names of the stack
/// and the provider. With only the provider's name, two stacks in one account would raise each
/// other's alarms.
pub const FUNCTION_NAME: &str = "FunctionName";
/// A dimension of [`DELIVERIES`]: `accepted`, `duplicate`, `in_progress`, `challenge`, `refused`,
/// `malformed`, `too_large`, `unavailable`.
pub const OUTCOME: &str = "Outcome";
/// A dimension of [`REFUSALS`] and [`FAULTS`]: `VerifyError::reason`, `Fault::reason`.
pub const REASON: &str = "Reason";
/// A dimension of [`FAULTS`]: the function's version, by Lambda's own name for it. A deployment is
/// rolled back because of the faults of its new version. Versions without faults have no such
/// metric.
pub const EXECUTED_VERSION: &str = "ExecutedVersion";

/// Deliveries of every outcome; events that are malformed or not HTTP requests count as
/// `malformed`.
pub const DELIVERIES: Metric = Metric::count("Deliveries").also_by(&[OUTCOME]);
/// Deliveries whose sender was not proven.
pub const REFUSALS: Metric = Metric::count("Refusals").also_by(&[REASON]);
/// Deliveries that a fault of ours kept from the queue.
pub const FAULTS: Metric = Metric::count("Faults").also_by(&[REASON, EXECUTED_VERSION]);
/// Claims that took over an event from an earlier claim, whose lease had run out.
pub const LEASE_TAKEOVERS: Metric = Metric::count("LeaseTakeovers");
/// Fetches of the secret that failed, whether or not an older one was used.
pub const SECRET_FETCH_FAILURES: Metric = Metric::count("SecretFetchFailures");
/// Fetches of the secret because a signature did not match the cached one.
pub const SECRET_REFETCHES: Metric = Metric::count("SecretRefetches");
/// Deliveries that the previous secret verified, duplicates included: a rotation is over when there
/// are no more.
pub const PREVIOUS_SECRET_USES: Metric = Metric::count("PreviousSecretUses");
/// Known events that came again with a different unsigned delivery id.
pub const DELIVERY_ID_CHANGES: Metric = Metric::count("DeliveryIdChanges");
/// Known events that came again with a different unsigned event type.
pub const EVENT_TYPE_CHANGES: Metric = Metric::count("EventTypeChanges");
/// Completes and releases that failed without changing the response.
pub const WARNINGS: Metric = Metric::count("Warnings");
/// First invocations of a process.
pub const COLD_STARTS: Metric = Metric::count("ColdStarts");
/// Getting the secret, checking the signature, and reading the event. Refusals have it too, unless
/// their headers or their scheme were refused before that.
pub const VERIFY_DURATION: Metric = Metric::duration("VerifyDuration");
/// The claim, successful or not.
pub const CLAIM_DURATION: Metric = Metric::duration("ClaimDuration");
/// The send, successful or not.
pub const SEND_DURATION: Metric = Metric::duration("SendDuration");
/// The complete of an accepted event.
pub const COMPLETE_DURATION: Metric = Metric::duration("CompleteDuration");
/// From the event's headers and body to the outcome.
pub const DURATION: Metric = Metric::duration("Duration");
/// The size of the decoded body.
pub const BODY_SIZE: Metric = Metric::new("BodySize", "Bytes");

/// All metrics that the functions emit.
pub const METRICS: [Metric; 17] = [
    DELIVERIES,
    REFUSALS,
    FAULTS,
    LEASE_TAKEOVERS,
    SECRET_FETCH_FAILURES,
    SECRET_REFETCHES,
    PREVIOUS_SECRET_USES,
    DELIVERY_ID_CHANGES,
    EVENT_TYPE_CHANGES,
    WARNINGS,
    COLD_STARTS,
    VERIFY_DURATION,
    CLAIM_DURATION,
    SEND_DURATION,
    COMPLETE_DURATION,
    DURATION,
    BODY_SIZE,
];

/// One metric, as CloudWatch knows it.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    name: &'static str,
    unit: &'static str,
    also_by: &'static [&'static str],
}

impl Metric {
    const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, also_by: &[] }
    }

    const fn count(name: &'static str) -> Self {
        Self::new(name, "Count")
    }

    const fn duration(name: &'static str) -> Self {
        Self::new(name, "Milliseconds")
    }

    const fn also_by(self, dimensions: &'static [&'static str]) -> Self {
        Self { also_by: dimensions, ..self }
    }

    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the unit, by CloudWatch's name.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        self.unit
    }

    /// Returns the sets of dimensions: the function alone, and the function with each of the other
    /// dimensions.
    #[must_use]
    pub fn dimension_sets(&self) -> Vec<Vec<&'static str>> {
        let finer = self.also_by.iter().map(|dimension| vec![FUNCTION_NAME, *dimension]);
        [vec![FUNCTION_NAME]].into_iter().chain(finer).collect()
    }
}

/// Writes the line of a delivery.
pub(crate) fn delivery(invocation: &Invocation<'_>, handled: &Handled<'_>) {
    Line::of_delivery(invocation, handled, UnixMillis::now()).print();
}

/// Writes the line of an event without a delivery: it is a malformed HTTP request, or not an HTTP
/// request.
pub(crate) fn event_without_delivery(invocation: &Invocation<'_>) {
    Line::of_event_without_delivery(invocation, UnixMillis::now()).print();
}

/// One line of metrics.
struct Line<'l> {
    at: UnixMillis,
    function_name: &'l str,
    outcome: &'static str,
    reason: Option<&'static str>,
    faulty_version: Option<&'l str>,
    values: Vec<(Metric, u64)>,
}

impl<'l> Line<'l> {
    fn of_delivery(invocation: &Invocation<'l>, handled: &Handled<'_>, at: UnixMillis) -> Self {
        let Handled { report: Report { outcome, trail }, body_bytes, duration } = handled;
        let mut line = Self::of_outcome(invocation, outcome, at);
        line.count_always([
            (LEASE_TAKEOVERS, trail.taken_over),
            (SECRET_FETCH_FAILURES, matches!(trail.secret_fetch, SecretFetch::Failed(_))),
        ]);
        line.count_if([
            (SECRET_REFETCHES, trail.secret_fetch == SecretFetch::AfterMismatch),
            (PREVIOUS_SECRET_USES, trail.secret == Some(SecretVersion::Previous)),
            (DELIVERY_ID_CHANGES, trail.delivery_id_changed),
            (EVENT_TYPE_CHANGES, trail.event_type_changed),
            (WARNINGS, trail.warning.is_some()),
        ]);
        let is_accepted = matches!(outcome, Outcome::Accepted { .. });
        let durations = [
            (VERIFY_DURATION, trail.durations.verify),
            (CLAIM_DURATION, trail.durations.claim),
            (SEND_DURATION, trail.durations.send),
            // If the event was not accepted, the close was a release.
            (COMPLETE_DURATION, trail.durations.close.filter(|_| is_accepted)),
            (DURATION, Some(*duration)),
        ];
        line.values.extend(
            durations
                .into_iter()
                .filter_map(|(metric, duration)| Some((metric, millis(duration?)))),
        );
        line.values.push((BODY_SIZE, u64::try_from(*body_bytes).unwrap_or(u64::MAX)));
        line
    }

    fn of_event_without_delivery(invocation: &Invocation<'l>, at: UnixMillis) -> Self {
        let mut line = Self::new(invocation, "malformed", None, None, at);
        line.count_always([(LEASE_TAKEOVERS, false), (SECRET_FETCH_FAILURES, false)]);
        line
    }

    fn of_outcome(invocation: &Invocation<'l>, outcome: &Outcome, at: UnixMillis) -> Self {
        let (refusal, fault) = match outcome {
            Outcome::Refused(error) => (Some(error.reason()), None),
            Outcome::Unavailable(fault) => (None, Some(fault.reason())),
            Outcome::Accepted { .. }
            | Outcome::Duplicate { .. }
            | Outcome::InProgress { .. }
            | Outcome::Challenge(_)
            | Outcome::Malformed(_)
            | Outcome::TooLarge => (None, None),
        };
        Self::new(invocation, outcome.name(), refusal, fault, at)
    }

    /// Begins a line with what every outcome has. `refusal` is the reason if the outcome is a
    /// refusal, and `fault` if it is a fault.
    fn new(
        invocation: &Invocation<'l>,
        outcome: &'static str,
        refusal: Option<&'static str>,
        fault: Option<&'static str>,
        at: UnixMillis,
    ) -> Self {
        let (function_name, reason) = (invocation.function_name, refusal.or(fault));
        let faulty_version = fault.map(|_| invocation.function_version);
        let mut line =
            Self { at, function_name, outcome, reason, faulty_version, values: Vec::new() };
        line.count_if([(DELIVERIES, true), (COLD_STARTS, invocation.cold_start)]);
        line.count_always([(REFUSALS, refusal.is_some()), (FAULTS, fault.is_some())]);
        line
    }

    fn count_always<const N: usize>(&mut self, happened: [(Metric, bool); N]) {
        self.values.extend(happened.map(|(metric, happened)| (metric, happened.into())));
    }

    fn count_if<const N: usize>(&mut self, happened: [(Metric, bool); N]) {
        self.values.extend(
            happened.into_iter().filter(|(_, happened)| *happened).map(|(metric, _)| (metric, 1)),
        );
    }

    fn print(&self) {
        // Only numbers and text: serialising it cannot fail.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        // In one write, so that no other line gets in between. If the output is gone, nobody can be
        // told.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Returns what CloudWatch should make metrics from. The line must have every dimension that is
    /// named here. A count of zero has no reason, so it is given by function alone.
    fn directives(&self) -> Vec<Directive> {
        let of = |dimensions, metrics| Directive { namespace: NAMESPACE, dimensions, metrics };
        let mut directives = vec![of(vec![vec![FUNCTION_NAME]], Vec::new())];
        for (metric, value) in &self.values {
            let definition = Definition { name: metric.name, unit: metric.unit };
            if !metric.also_by.is_empty() && *value > 0 {
                directives.push(of(metric.dimension_sets(), vec![definition]));
            } else {
                directives[0].metrics.push(definition);
            }
        }
        directives
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timestamp = self.at.0;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(
            "_aws",
            &Metadata { timestamp, cloud_watch_metrics: self.directives() },
        )?;
        members.serialize_entry(FUNCTION_NAME, self.function_name)?;
        members.serialize_entry(OUTCOME, self.outcome)?;
        if let Some(reason) = self.reason {
            members.serialize_entry(REASON, reason)?;
        }
        if let Some(version) = self.faulty_version {
            members.serialize_entry(EXECUTED_VERSION, version)?;
        }
        for (metric, value) in &self.values {
            members.serialize_entry(metric.name, value)?;
        }
        members.end()
    }
}

/// The format's `MetadataObject`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive>,
}

/// The format's `MetricDirective`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: Vec<Vec<&'static str>>,
    metrics: Vec<Definition>,
}

/// The format's `MetricDefinition`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
