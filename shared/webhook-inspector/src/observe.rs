//! Finds out what came of a delivery after its answer: the function's log line, and why it was refused.

use std::time::Duration;

use serde_json::Value;

use crate::{delivery::Delivery, delivery::Door, inspector::Inspector, line::line, verification::verify};

/// The emulator writes the log when the function has answered. A function also leaves lines out, if it refuses many.
const LOG_TRIES: u32 = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Completes what is known of the delivery, tells of it, and keeps it in the journal.
pub(crate) async fn observe(inspector: Inspector, mut delivery: Delivery) {
    let Some(receiver) = inspector.receiver(&delivery.provider) else { return };
    let provider = receiver.provider;
    if delivery.door == Door::Stack && delivery.findings.outcome != "failed" {
        delivery.findings.log = log_line(&inspector, &delivery).await;
    }
    if let Ok(secrets) = inspector.emulator.secrets(provider.name()).await {
        let verified = delivery.clone();
        let verification = tokio::task::spawn_blocking(move || verify(provider, &verified, &secrets)).await;
        let verification = verification.unwrap_or_default();
        let findings = &mut delivery.findings;
        findings.scheme = verification.scheme.map(str::to_owned);
        findings.event_type = verification.event_type;
        findings.event_id = verification.event_id;
        findings.idempotency_key = verification.idempotency_key;
        findings.explanation = verification.explanation;
        findings.reason = verification.reason.map(str::to_owned).filter(|_| findings.outcome == "unauthorized");
    }
    if let Some(log) = delivery.findings.log.clone() {
        let text = |field: &str| log[format!("webhook.{field}")].as_str().map(str::to_owned);
        let findings = &mut delivery.findings;
        // The log is what happened; what it does not have stays as verifying told it.
        for (found, logged) in [
            (&mut findings.reason, text("reason")),
            (&mut findings.scheme, text("scheme")),
            (&mut findings.event_type, text("event_type")),
            (&mut findings.event_id, text("event_id")),
            (&mut findings.idempotency_key, text("idempotency_key")),
        ] {
            if logged.is_some() {
                *found = logged;
            }
        }
    }
    (inspector.setup.say)(&line(&delivery));
    inspector.keep(delivery.clone());
    inspector.record(&delivery);
}

/// Looks for the log line of a delivery: by the body's size and the outcome, and once for each invocation.
async fn log_line(inspector: &Inspector, delivery: &Delivery) -> Option<Value> {
    let receiver = inspector.receiver(&delivery.provider)?;
    let is_wanted = |line: &Value| {
        let outcome = line["webhook.outcome"].as_str().map(outcome_of_log);
        line["webhook.body_bytes"].as_u64() == Some(delivery.body.len() as u64)
            && outcome == Some(delivery.findings.outcome.as_str())
            && inspector.claim_invocation(line["webhook.request_id"].as_str().unwrap_or_default())
    };
    for _ in 0..LOG_TRIES {
        let line = inspector.emulator.log_line(receiver, delivery.at_ms, is_wanted).await;
        if line.is_some() {
            return line;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    None
}

/// Returns the name of the outcome that the log has under another.
fn outcome_of_log(outcome: &str) -> &str {
    if outcome == "refused" { "unauthorized" } else { outcome }
}

/// Returns what an answer of the function says of the outcome.
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
