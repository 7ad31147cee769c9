//! From a message's body to an event.

use serde::Deserialize;
use serde_json::value::RawValue;
use webhook_aws::PayloadPointer;
use webhook_aws_sdk::PayloadBucket;
use webhook_ingest::CallError;

/// An event as the receiver put it on the queue: a `CloudEvents` 1.0 object.
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
    pub(crate) idempotency_key: Key,
    /// Of a replay: the first message's key.
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

/// A key that a table takes: not empty.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("an empty key") } else { Ok(Self(text)) }
    }
}

/// The body is no envelope. Holds nothing of it: a parser's words may quote a payload.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the message is no event")]
pub(crate) struct NotAnEvent;

impl<'m> Event<'m> {
    pub(crate) fn parse(envelope: &'m str) -> Result<Self, NotAnEvent> {
        serde_json::from_str(envelope).map_err(|_| NotAnEvent)
    }

    /// The provider, and the event's name without it, as the receiver's log has them.
    pub(crate) fn provider_and_type(&self) -> (&str, &str) {
        self.name.split_once('.').unwrap_or(("", &self.name))
    }
}

/// The envelope: the message's body, or what it points to.
pub(crate) async fn envelope(body: String, payloads: Option<&PayloadBucket>) -> Result<String, CallError> {
    match PayloadPointer::parse(&body) {
        None => Ok(body),
        Some(pointer) => payloads.ok_or(CallError::NoPayloadBucket)?.get(&pointer).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_and_its_data_stays_as_it_is() {
        let text = r#"{"specversion":"1.0","id":"e1","source":"/webhooks/p","type":"p.x.y","idempotencykey":"p#e1#replay-1","replayof":"p#e1","data":{"a": 1.10e2}}"#;
        let event = Event::parse(text).expect("is an event");
        assert_eq!((event.id.as_str(), event.name.as_str()), ("e1", "p.x.y"));
        assert_eq!(event.provider_and_type(), ("p", "x.y"));
        assert_eq!((event.idempotency_key.as_str(), event.replay_of.as_deref()), ("p#e1#replay-1", Some("p#e1")));
        assert_eq!(event.data.get(), r#"{"a": 1.10e2}"#);
    }

    #[test]
    fn what_lacks_a_member_or_is_of_another_version_is_no_event() {
        let text = r#"{"specversion":"1.0","id":"e1","type":"p.x","idempotencykey":"p#e1","data":{}}"#;
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
}
