//! The line that the terminal shows for a delivery.

use serde_json::Value;
use time::{OffsetDateTime, UtcOffset};

use crate::delivery::{Delivery, Door};

/// How many characters of a text are shown. The sender may have chosen it.
const MAX_SHOWN: usize = 160;

/// Returns the time (UTC), the provider, the response, and what was queued or why it was refused.
pub(crate) fn line(delivery: &Delivery) -> String {
    let findings = &delivery.findings;
    let at = OffsetDateTime::from_unix_timestamp(delivery.received_at().0)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let at = at.to_offset(UtcOffset::UTC);
    let (hour, minute, second) = at.to_hms();
    let cause = findings.explanation.as_ref().and_then(|explanation| explanation["cause"].as_str());
    let told: Vec<_> = match findings.outcome.as_str() {
        "failed" => {
            let body: Value = serde_json::from_str(&delivery.response.body).unwrap_or_default();
            vec![printable(body["error"].as_str().unwrap_or(&delivery.response.body))]
        }
        _ => [
            findings.reason.as_deref(),
            cause,
            findings.event_type.as_deref(),
            findings.event_id.as_deref(),
        ]
        .into_iter()
        .flatten()
        .map(printable)
        .collect(),
    };
    let door = match delivery.door {
        Door::Stack => "",
        Door::Watch => " (watch)",
    };
    format!(
        "{hour:02}:{minute:02}:{second:02}  {:<12} {} {:<12} {}{door}",
        delivery.provider,
        delivery.response.status,
        findings.outcome,
        told.join("  ")
    )
    .trim_end()
    .to_owned()
}

/// Returns a text on one line, cut if it is long, without characters that a terminal would act on.
fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown.replace("\\\"", "\"").replace("\\'", "'")
}
