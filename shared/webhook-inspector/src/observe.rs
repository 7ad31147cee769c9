//! Finds out, after the response, what happened to a delivery: the function's log line, and why the
//! delivery was refused.

use std::time::Duration;

use serde_json::Value;

use crate::{
    delivery::{Delivery, Door, Findings},
    inspector::{Inspector, Receiver},
    line::line,
    verification::{Verification, verify},
};

/// How many times the log is read. The emulator writes it only after the function has answered, and
/// there may be no line at all: a function that refuses many deliveries does not log each.
const LOG_TRIES: u32 = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// The log does not cut keys up to this length.
const MAX_PLAIN: usize = 256;

/// Completes what is known about the delivery, announces it, and writes it to the journal.
pub(crate) async fn observe(inspector: Inspector, mut delivery: Delivery) {
    let Some(receiver) = inspector.receiver(&delivery.provider) else { return };
    let provider = receiver.provider;
    let verification = match inspector.emulator.secrets(provider.name()).await {
        Ok(secrets) => {
            // This fails only if the semaphore is closed, which never happens.
            let _turn = inspector.verifying.acquire().await;
            let verified = delivery.clone();
            let verification =
                tokio::task::spawn_blocking(move || verify(provider, &verified, &secrets)).await;
            verification.unwrap_or_default()
        }
        Err(_) => Verification::default(),
    };
    let log = match delivery.door {
        Door::Stack if delivery.findings.outcome != "failed" => {
            log_line(&inspector, receiver, &delivery, &verification).await
        }
        Door::Stack | Door::Watch => None,
    };
    delivery.findings = findings(&delivery.findings.outcome, verification, log);
    inspector.keep(delivery.clone());
    inspector.record(&delivery);
    (inspector.setup.say)(&line(&delivery));
}

/// Combines what verifying found with the log, which fills the gaps: its values are escaped, and
/// may be cut.
fn findings(outcome: &str, verification: Verification, log: Option<Value>) -> Findings {
    let logged = |field: &str| {
        let log = log.as_ref()?;
        log[format!("webhook.{field}")].as_str().map(str::to_owned)
    };
    let reason = verification.reason.map(str::to_owned).filter(|_| outcome == "unauthorized");
    Findings {
        outcome: outcome.to_owned(),
        reason: reason.or_else(|| logged("reason")),
        scheme: verification.scheme.map(str::to_owned).or_else(|| logged("scheme")),
        event_type: verification.event_type.or_else(|| logged("event_type")),
        event_id: verification.event_id.or_else(|| logged("event_id")),
        idempotency_key: verification.idempotency_key.or_else(|| logged("idempotency_key")),
        explanation: verification.explanation,
        log,
    }
}

/// Looks for the log line of a delivery. Each line belongs to one delivery.
async fn log_line(
    inspector: &Inspector,
    receiver: &Receiver,
    delivery: &Delivery,
    verification: &Verification,
) -> Option<Value> {
    for _ in 0..LOG_TRIES {
        for line in inspector.emulator.log_lines(receiver, delivery.at_ms).await {
            let invocation = line["webhook.request_id"].as_str().unwrap_or_default();
            let is_fit = fits(&line, delivery.body.len(), &delivery.findings.outcome, verification);
            if is_fit && inspector.claim_invocation(invocation) {
                return Some(line);
            }
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    None
}

/// Returns whether the line may belong to the delivery: its size and outcome match, and its reason
/// and key do not contradict what verifying found.
fn fits(line: &Value, size: usize, outcome: &str, verification: &Verification) -> bool {
    let text = |field: &str| line[format!("webhook.{field}")].as_str();
    // The log escapes or cuts other keys, so they cannot be compared.
    let is_plain =
        |key: &str| key.len() <= MAX_PLAIN && key.bytes().all(|byte| byte.is_ascii_graphic());
    let verified_key = verification.idempotency_key.as_deref().filter(|key| is_plain(key));
    let is_other = |logged: Option<&str>, verified: Option<&str>| {
        logged.zip(verified).is_some_and(|(logged, verified)| logged != verified)
    };
    line["webhook.body_bytes"].as_u64() == Some(size as u64)
        && text("outcome").map(outcome_of_log) == Some(outcome)
        && !is_other(text("reason"), verification.reason)
        && !is_other(text("idempotency_key"), verified_key)
}

/// Returns the inspector's name for an outcome in the log.
fn outcome_of_log(outcome: &str) -> &str {
    if outcome == "refused" { "unauthorized" } else { outcome }
}

/// Returns the outcome that the function's response shows.
pub(crate) fn outcome_of_answer(status: u16, body: &str) -> &'static str {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let is = |member: &str, text: &str| body[member] == text;
    match status {
        200 if is("status", "accepted") => "accepted",
        200 if is("status", "duplicate") => "duplicate",
        200 => "challenge",
        409 if is("status", "in_progress") => "in_progress",
        401 if is("error", "unauthorized") => "unauthorized",
        400 if is("error", "malformed") => "malformed",
        413 => "too_large",
        503 if is("error", "unavailable") => "unavailable",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verified(key: &str) -> Verification {
        Verification { idempotency_key: Some(key.to_owned()), ..Verification::default() }
    }

    #[test]
    fn a_line_that_differs_from_what_was_verified_is_of_another_delivery() {
        let line = json!({
            "webhook.body_bytes": 2,
            "webhook.outcome": "accepted",
            "webhook.idempotency_key": "acme#e1",
        });
        assert!(fits(&line, 2, "accepted", &verified("acme#e1")));
        assert!(!fits(&line, 2, "accepted", &verified("acme#e2")));
        assert!(!fits(&line, 3, "accepted", &verified("acme#e1")));
        assert!(!fits(&line, 2, "duplicate", &verified("acme#e1")));
        assert!(
            fits(&line, 2, "accepted", &Verification::default()),
            "verifying may have found nothing"
        );
        let escaped = json!({
            "webhook.body_bytes": 2,
            "webhook.outcome": "accepted",
            "webhook.idempotency_key": "acme#\\u{1}",
        });
        assert!(fits(&escaped, 2, "accepted", &verified("acme#\u{1}")), "the log escapes");

        let line = json!({
            "webhook.body_bytes": 2,
            "webhook.outcome": "refused",
            "webhook.reason": "timestamp_too_old",
        });
        let refused = |reason| Verification { reason: Some(reason), ..Verification::default() };
        assert!(fits(&line, 2, "unauthorized", &refused("timestamp_too_old")));
        assert!(!fits(&line, 2, "unauthorized", &refused("signature_mismatch")));
    }

    #[test]
    fn values_from_verifying_win_over_the_escaped_ones_of_the_log() {
        let log = json!({
            "webhook.idempotency_key": "acme#\\u{1}",
            "webhook.event_type": "\\u{1}",
            "webhook.reason": "busy",
        });
        let found = findings("unavailable", verified("acme#\u{1}"), Some(log.clone()));
        assert_eq!(found.idempotency_key.as_deref(), Some("acme#\u{1}"));
        assert_eq!(found.event_type.as_deref(), Some("\\u{1}"), "verifying found no event type");
        assert_eq!(found.reason.as_deref(), Some("busy"));
        let found = findings("accepted", Verification::default(), Some(log));
        assert_eq!(found.idempotency_key.as_deref(), Some("acme#\\u{1}"));
    }
}
