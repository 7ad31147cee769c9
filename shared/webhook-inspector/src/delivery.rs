//! What is known about one delivery.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use webhook_verify::{Header, UnixSeconds};

/// How much of a body is shown. All of it is kept.
const SHOWN_BODY_BYTES: usize = 1024 * 1024;

/// Where a delivery is forwarded to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Door {
    /// The stack in the emulator.
    Stack,
    /// `cargo lambda watch`.
    Watch,
}

impl Door {
    /// Returns the first part of the path at which the inspector receives deliveries.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Stack => "webhooks",
            Self::Watch => "watch",
        }
    }
}

/// A delivery. It serialises as a line of the journal.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) at_ms: i64,
    pub(crate) provider: String,
    pub(crate) door: Door,
    pub(crate) resent_from: Option<u64>,
    pub(crate) headers: Headers,
    #[serde(with = "base64_bytes")]
    pub(crate) body: Vec<u8>,
    pub(crate) response: Response,
    pub(crate) duration_us: u64,
    pub(crate) findings: Findings,
}

/// The response that the sender got.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: String,
}

/// What is found out after the response.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Findings {
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) explanation: Option<Value>,
    pub(crate) log: Option<Value>,
}

/// Headers in the order in which they came. A value has one character for each byte, so no byte is
/// lost.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    pub(crate) fn of(map: &HeaderMap) -> Self {
        let text =
            |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        Self(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
    }

    /// Returns the names, and the values' bytes as they were received.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        // No value has a character past U+00FF.
        let bytes = |value: &str| {
            value.chars().map(|byte| u8::try_from(u32::from(byte)).unwrap_or(b'?')).collect()
        };
        self.0.iter().map(move |(name, value)| (name.as_str(), bytes(value)))
    }

    pub(crate) fn to_verify(&self) -> Vec<Header> {
        self.iter().map(|(name, value)| Header::new(name, value)).collect()
    }

    pub(crate) fn to_map(&self) -> HeaderMap {
        let parsed = self.iter().filter_map(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_bytes(&value).ok()?,
            ))
        });
        let mut map = HeaderMap::new();
        for (name, value) in parsed {
            map.append(name, value);
        }
        map
    }

    fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    fn to_json(&self) -> Value {
        self.iter().map(|(name, value)| json!([name, String::from_utf8_lossy(&value)])).collect()
    }
}

impl Delivery {
    pub(crate) fn received_at(&self) -> UnixSeconds {
        UnixSeconds(self.at_ms.div_euclid(1000))
    }

    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.door.path(), self.provider)
    }

    /// Returns about how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        let values = [&self.findings.explanation, &self.findings.log];
        let values: usize = values
            .iter()
            .filter_map(|value| value.as_ref())
            .map(|value| value.to_string().len())
            .sum();
        self.body.len()
            + self.headers.size()
            + self.response.headers.size()
            + self.response.body.len()
            + values
    }

    /// Returns the request and the response, for the API.
    pub(crate) fn exchange(&self) -> (Value, Value) {
        let is_truncated = self.body.len() > SHOWN_BODY_BYTES;
        let shown = &self.body[..self.body.len().min(SHOWN_BODY_BYTES)];
        let text = match str::from_utf8(shown) {
            Ok(text) => Some(text),
            // The cut is inside a character.
            Err(error) if is_truncated && error.error_len().is_none() => {
                str::from_utf8(&shown[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        let request = json!({
            "method": "POST",
            "path": self.path(),
            "headers": self.headers.to_json(),
            "size": self.body.len(),
            "body": text,
            "body_base64": text.is_none().then(|| BASE64_STANDARD.encode(shown)),
            "truncated": is_truncated,
        });
        let Response { status, headers, body } = &self.response;
        (request, json!({ "status": status, "headers": headers.to_json(), "body": body }))
    }

    /// Returns the steps of the pipeline that happened, from the log line.
    pub(crate) fn steps(&self) -> Vec<Value> {
        let Some(log) = &self.findings.log else { return Vec::new() };
        let happened =
            [("verify", "verify"), ("claim", "claim"), ("send", "send"), ("complete", "close")]
                .into_iter()
                .filter_map(|(name, field)| {
                    Some((name, log.get(format!("webhook.{field}_ms"))?.clone()))
                })
                .collect::<Vec<_>>();
        let last = happened.len().saturating_sub(1);
        let steps = happened.into_iter().enumerate().map(|(number, (name, duration_ms))| {
            let result = if number == last { self.last_result(name) } else { "ok" };
            json!({ "name": name, "duration_ms": duration_ms, "result": result })
        });
        steps.collect()
    }

    /// Returns how the last step ended: `ok`, or the delivery's outcome.
    fn last_result(&self, step: &str) -> &str {
        match self.findings.outcome.as_str() {
            "accepted" | "challenge" => "ok",
            // The body is parsed in this step, once its signature is verified.
            "malformed" if step == "verify" => "malformed",
            outcome => outcome,
        }
    }
}

/// What the list shows about a delivery.
#[derive(Serialize)]
pub(crate) struct Summary<'d> {
    id: String,
    at: String,
    provider: &'d str,
    door: Door,
    event_type: Option<&'d str>,
    event_id: Option<&'d str>,
    idempotency_key: Option<&'d str>,
    status: u16,
    outcome: &'d str,
    reason: Option<&'d str>,
    cause: Option<&'d Value>,
    duration_ms: f64,
    resent_from: Option<String>,
}

impl<'d> Summary<'d> {
    pub(crate) fn of(delivery: &'d Delivery) -> Self {
        let findings = &delivery.findings;
        let cause = findings.explanation.as_ref().and_then(|explanation| explanation.get("cause"));
        Self {
            id: delivery.id.to_string(),
            at: rfc3339(delivery.at_ms),
            provider: &delivery.provider,
            door: delivery.door,
            event_type: findings.event_type.as_deref(),
            event_id: findings.event_id.as_deref(),
            idempotency_key: findings.idempotency_key.as_deref(),
            status: delivery.response.status,
            outcome: &findings.outcome,
            reason: findings.reason.as_deref(),
            cause: cause.filter(|cause| !cause.is_null()),
            duration_ms: milliseconds(delivery.duration_us),
            resent_from: delivery.resent_from.map(|id| id.to_string()),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers can always be serialised.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns milliseconds, rounded to tenths.
#[expect(clippy::cast_precision_loss, reason = "a duration that a person reads")]
fn milliseconds(microseconds: u64) -> f64 {
    (microseconds as f64 / 100.0).round() / 10.0
}

fn rfc3339(at_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

mod base64_bytes {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
