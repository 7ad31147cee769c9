//! The message of an event that was queued before, made anew so that nothing on its way takes it for a repetition.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use webhook_aws::PayloadPointer;
use webhook_ingest::{Message, UnixMillis};
use webhook_verify::{json::read_object, sha256_hex};

use crate::ProviderName;

/// Between the old key and what makes the new one new.
const MARK: &str = "#replay-";

/// Why a text cannot be replayed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotReplayable {
    /// Not JSON, or no object.
    #[error("it is not a JSON object, as the body of an event's message is")]
    NotAnObject,
    /// The body was too large for the queue.
    #[error("it is a pointer: replay the object s3://{bucket}/{key}, to which it points")]
    Pointer {
        /// The bucket's name.
        bucket: String,
        /// The object's.
        key: String,
    },
    /// Not an envelope, or not all of one.
    #[error("its member `{0}` is missing, repeated or no text that is not empty")]
    Member(&'static str),
    /// Only a provider's events have a group.
    #[error("its `source` is not /webhooks/<provider> of a provider that is known here")]
    Source,
}

/// A message to be sent, and what to tell of it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Replay {
    pub(crate) message: Message,
    /// The key under which the event came first.
    pub(crate) of: String,
    /// The new key.
    pub(crate) key: String,
}

impl Replay {
    /// `nonce`: unique per replay, of letters, digits and dashes.
    pub(crate) fn new(envelope: &str, at: UnixMillis, nonce: &str) -> Result<Self, NotReplayable> {
        if let Some(PayloadPointer { bucket, key }) = PayloadPointer::parse(envelope) {
            return Err(NotReplayable::Pointer { bucket, key });
        }
        let members: Members<'_> = serde_json::from_str(envelope).map_err(|_| NotReplayable::NotAnObject)?;
        if members.text("specversion")?.1 != "1.0" {
            return Err(NotReplayable::Member("specversion"));
        }
        let (_, id) = members.text("id")?;
        let (_, source) = members.text("source")?;
        let (_, event_type) = members.text("type")?;
        let data = members.only("data").ok_or(NotReplayable::Member("data"))?.get();
        // A replay of a replay is a replay of the first, so that keys do not grow.
        let was_replay = members.0.iter().any(|(name, _)| name == REPLAY_OF);
        let (old_json, old) = members.text(if was_replay { REPLAY_OF } else { KEY })?;

        let named = |provider: &ProviderName| source.strip_prefix("/webhooks/") == Some(provider.name());
        let provider = *ProviderName::all().iter().find(|provider| named(provider)).ok_or(NotReplayable::Source)?;
        let event_type = event_type.strip_prefix(&format!("{}.", provider.name())).unwrap_or(&event_type);
        let key = format!("{old}{MARK}{nonce}");
        let mut attributes = Message::labels(provider.name(), event_type, &id, &key);
        attributes.push(("replay", "true".to_owned()));
        let message = Message {
            body: rewritten(&members, old_json, at, nonce),
            attributes,
            group_id: Message::group_id(provider.name(), group(provider, data).as_deref().unwrap_or(&id)),
            deduplication_id: sha256_hex(key.as_bytes()),
            trace_header: None,
            payload_key: format!("{}/{nonce}", provider.name()),
        };
        Ok(Self { message, of: old, key })
    }
}

const KEY: &str = "idempotencykey";
const REPLAY_OF: &str = "replayof";
const REPLAYED_AT: &str = "replayedat";
const DATA: &str = "data";

/// The envelope with another key and with the marks of a replay. `old_json` is the old key as JSON spells it: what SQS
/// takes is escaped in it already. All other values stay as they are, `data` above all.
fn rewritten(members: &Members<'_>, old_json: &str, at: UnixMillis, nonce: &str) -> String {
    let open = old_json.strip_suffix('"').unwrap_or(old_json);
    let kept = members.0.iter().filter(|(name, _)| ![KEY, REPLAY_OF, REPLAYED_AT, DATA].contains(&name.as_str()));
    let mut out = String::from("{");
    for (name, value) in kept {
        // A text can always be written.
        out.push_str(&serde_json::to_string(name).unwrap_or_default());
        out.push(':');
        out.push_str(value.get());
        out.push(',');
    }
    let (at, data) = (at.rfc3339(), members.only(DATA).map_or("null", RawValue::get));
    out + &format!(
        "\"{KEY}\":{open}{MARK}{nonce}\",\"{REPLAY_OF}\":{old_json},\"{REPLAYED_AT}\":\"{at}\",\"{DATA}\":{data}}}"
    )
}

/// What the event is about, as the functions read it from the same members.
fn group(provider: ProviderName, data: &str) -> Option<String> {
    provider.group_members().iter().find_map(|path| {
        let [value] = read_object(data.as_bytes(), [path]).ok()?;
        value?.text().map(std::borrow::Cow::into_owned)
    })
}

/// An object's members in their order, their values unread.
struct Members<'e>(Vec<(String, &'e RawValue)>);

impl Members<'_> {
    /// The value of the member that has this name, where there is one such member.
    fn only(&self, name: &str) -> Option<&RawValue> {
        let mut values = self.0.iter().filter(|(candidate, _)| candidate == name).map(|(_, value)| *value);
        values.next().filter(|_| values.next().is_none())
    }

    /// A text that is not empty: as JSON spells it, and as it reads.
    fn text(&self, name: &'static str) -> Result<(&str, String), NotReplayable> {
        let json = self.only(name).ok_or(NotReplayable::Member(name))?.get();
        let text: String = serde_json::from_str(json).map_err(|_| NotReplayable::Member(name))?;
        if text.is_empty() { Err(NotReplayable::Member(name)) } else { Ok((json, text)) }
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis(1_795_297_388_000);
    const ENVELOPE: &str = r#"{"specversion":"1.0","id":"e\"1","source":"/webhooks/pinwheel","type":"pinwheel.paystubs.added","time":"2026-11-21T12:00:00Z","idempotencykey":"pinwheel#e\"1","signaturescheme":"pinwheel-v2","data":{"payload": {"account_id":"a1", "amount": 1.10e2}}}"#;

    fn replay(envelope: &str) -> Result<Replay, NotReplayable> {
        Replay::new(envelope, AT, "n1")
    }

    #[test]
    fn a_replay_has_another_key_its_marks_and_all_else_byte_for_byte() {
        let Replay { message, of, key } = replay(ENVELOPE).expect("is an envelope");
        assert_eq!((of.as_str(), key.as_str()), ("pinwheel#e\"1", "pinwheel#e\"1#replay-n1"));
        assert_eq!(
            message.body,
            r#"{"specversion":"1.0","id":"e\"1","source":"/webhooks/pinwheel","type":"pinwheel.paystubs.added","time":"2026-11-21T12:00:00Z","signaturescheme":"pinwheel-v2","idempotencykey":"pinwheel#e\"1#replay-n1","replayof":"pinwheel#e\"1","replayedat":"2026-11-21T21:43:08Z","data":{"payload": {"account_id":"a1", "amount": 1.10e2}}}"#
        );
        let attributes = [
            ("provider", "pinwheel"),
            ("event_type", "paystubs.added"),
            ("event_id", "e\"1"),
            ("idempotency_key", "pinwheel#e\"1#replay-n1"),
            ("replay", "true"),
        ];
        assert_eq!(message.attributes, attributes.map(|(name, value)| (name, value.to_owned())));
        assert_eq!((message.group_id.as_str(), message.payload_key.as_str()), ("pinwheel#a1", "pinwheel/n1"));
        assert_eq!(message.deduplication_id, sha256_hex(b"pinwheel#e\"1#replay-n1"));
    }

    #[test]
    fn a_replay_of_a_replay_is_one_of_the_first() {
        let first = replay(ENVELOPE).expect("is an envelope").message.body;
        let second = Replay::new(&first, AT, "n2").expect("is an envelope");
        assert_eq!((second.of.as_str(), second.key.as_str()), ("pinwheel#e\"1", "pinwheel#e\"1#replay-n2"));
        assert_eq!(second.message.body, first.replace("#replay-n1", "#replay-n2"));
    }

    #[test]
    fn the_group_is_what_the_event_is_about_else_its_id() {
        for (source, data, expected) in [
            ("pinwheel", r#"{"payload":{"account_id":"a1","end_user_id":"u1"}}"#, "pinwheel#a1"),
            ("pinwheel", r#"{"payload":{"account_id":"","end_user_id":"u1"}}"#, "pinwheel#u1"),
            ("pinwheel", r#"{"payload":null}"#, "pinwheel#e1"),
            ("endgrate", r#"{"session_id":"s1"}"#, "endgrate#s1"),
            ("endgrate", "{}", "endgrate#e1"),
        ] {
            let envelope = format!(
                r#"{{"specversion":"1.0","id":"e1","source":"/webhooks/{source}","type":"t","idempotencykey":"k","data":{data}}}"#
            );
            assert_eq!(replay(&envelope).map(|replay| replay.message.group_id), Ok(expected.to_owned()), "{data}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_refused_with_the_reason() {
        let without = |name: &str| ENVELOPE.replacen(&format!("\"{name}\""), "\"other\"", 1);
        let pointer = PayloadPointer { bucket: "b".to_owned(), key: "p/k".to_owned() };
        for (text, expected) in [
            (String::new(), NotReplayable::NotAnObject),
            ("[]".to_owned(), NotReplayable::NotAnObject),
            (format!("{ENVELOPE} x"), NotReplayable::NotAnObject),
            (pointer.to_string(), NotReplayable::Pointer { bucket: "b".to_owned(), key: "p/k".to_owned() }),
            (without("specversion"), NotReplayable::Member("specversion")),
            (ENVELOPE.replace("\"1.0\"", "\"2.0\""), NotReplayable::Member("specversion")),
            (without("id"), NotReplayable::Member("id")),
            (without("type"), NotReplayable::Member("type")),
            (without("data"), NotReplayable::Member("data")),
            (without("idempotencykey"), NotReplayable::Member("idempotencykey")),
            (ENVELOPE.replace("\"id\":", "\"id\":7,\"id\":"), NotReplayable::Member("id")),
            (ENVELOPE.replace("\"pinwheel.paystubs.added\"", "\"\""), NotReplayable::Member("type")),
            (ENVELOPE.replace("/webhooks/pinwheel", "/webhooks/stripe"), NotReplayable::Source),
        ] {
            assert_eq!(replay(&text), Err(expected), "{text:.60}");
        }
    }
}
