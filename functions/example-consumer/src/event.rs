//! An event as the receiver put it on the queue.

use serde::Deserialize;
use serde_json::value::RawValue;
use webhook_verify::bounded_name;

/// A `CloudEvents` 1.0 object. Its texts are the provider's own, of any length.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<'m> {
    #[serde(rename = "specversion")]
    _version: Version,
    /// The provider's id for it. Not for deduplication: a replay has the same.
    pub(crate) id: String,
    /// `<provider>.<event name>`.
    #[serde(rename = "type")]
    pub(crate) name: String,
    /// Equal for all messages of one event; a replay has its own.
    #[serde(rename = "idempotencykey")]
    pub(crate) idempotency_key: IdempotencyKey,
    /// In a replay: the key of the message that is replayed.
    #[serde(rename = "replayof")]
    pub(crate) replay_of: Option<String>,
    /// The provider's whole body, its numbers with all their digits.
    #[serde(borrow)]
    pub(crate) data: &'m RawValue,
}

#[derive(Debug, Deserialize)]
enum Version {
    #[serde(rename = "1.0")]
    V1,
}

/// A key that `DynamoDB` accepts: it is not empty, and a text over 1,024 bytes is replaced by its
/// SHA-256.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            Err("an empty key")
        } else {
            Ok(Self(bounded_name(&text).into_owned()))
        }
    }
}

/// The message is not an event. The error has nothing from it: a parser's error may quote a
/// payload.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the message is not a CloudEvents 1.0 object with id, type, idempotencykey and data")]
pub(crate) struct NotAnEvent;

impl<'m> Event<'m> {
    pub(crate) fn parse(envelope: &'m str) -> Result<Self, NotAnEvent> {
        serde_json::from_str(envelope).map_err(|_| NotAnEvent)
    }

    /// Returns the provider, and the event's name without it, as the receiver's log has them.
    pub(crate) fn provider_and_type(&self) -> (&str, &str) {
        self.name.split_once('.').unwrap_or(("", &self.name))
    }
}

#[cfg(test)]
mod tests {
    use webhook_verify::sha256_hex;

    use super::*;

    #[test]
    fn an_envelope_is_read_and_its_data_stays_as_it_is() {
        let text = concat!(
            r#"{"specversion":"1.0","id":"e1","source":"/webhooks/p","type":"p.x.y","#,
            r#""idempotencykey":"p#e1#replay-1","replayof":"p#e1","data":{"a": 1.10e2}}"#,
        );
        let event = Event::parse(text).expect("is an event");
        assert_eq!((event.id.as_str(), event.name.as_str()), ("e1", "p.x.y"));
        assert_eq!(event.provider_and_type(), ("p", "x.y"));
        assert_eq!(
            (event.idempotency_key.as_str(), event.replay_of.as_deref()),
            ("p#e1#replay-1", Some("p#e1"))
        );
        assert_eq!(event.data.get(), r#"{"a": 1.10e2}"#);
    }

    #[test]
    fn an_envelope_without_a_member_or_of_another_version_is_not_an_event() {
        let text =
            r#"{"specversion":"1.0","id":"e1","type":"p.x","idempotencykey":"p#e1","data":{}}"#;
        assert!(Event::parse(text).is_ok());
        for broken in [
            String::new(),
            "[]".to_owned(),
            text.replace("\"1.0\"", "\"2.0\""),
            text.replace("\"id\"", "\"other\""),
            text.replace("\"type\"", "\"other\""),
            text.replace("\"data\"", "\"other\""),
            text.replace("\"idempotencykey\"", "\"other\""),
            text.replace("\"p#e1\"", "\"\""),
        ] {
            assert_eq!(Event::parse(&broken).err(), Some(NotAnEvent), "{broken}");
        }
    }

    #[test]
    fn a_key_over_1024_bytes_is_replaced_by_its_hash() {
        let long = "k".repeat(1025);
        for (text, expected) in
            [("k".repeat(1024), "k".repeat(1024)), (long.clone(), sha256_hex(long.as_bytes()))]
        {
            let key = IdempotencyKey::try_from(text.clone()).map(|key| key.as_str().to_owned());
            assert_eq!(key, Ok(expected), "{} bytes", text.len());
        }
    }
}
