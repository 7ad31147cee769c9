//! The message of an event that was queued before, changed so that neither the queue nor a consumer
//! drops it as a duplicate.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use webhook_aws::PayloadPointer;
use webhook_ingest::{ClaimToken, Message, UnixMillis};
use webhook_verify::{Scheme, json::read_object, providers};

/// Between the old key and the text that makes the new one unique.
const MARK: &str = "#replay-";

/// Why a text cannot be replayed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotReplayable {
    /// Not JSON, or not an object.
    #[error("it is not a JSON object, so it is not the body of an event's message")]
    NotAnObject,
    /// The text contains the bodies of messages, but is not one itself.
    #[error("it is {what}: give the body of one message, as jq -r '{filter}' prints it")]
    Wrapped {
        /// What it is.
        what: &'static str,
        /// The jq filter that prints the body of the first message.
        filter: &'static str,
    },
    /// The text points to an object: the body was too large for the queue.
    #[error("it is a pointer to s3://{bucket}/{key}: download that object and replay it")]
    Pointer {
        /// The bucket's name.
        bucket: String,
        /// The object's.
        key: String,
    },
    /// Not an envelope, or incomplete.
    #[error("its member `{0}` is missing, repeated, empty or of the wrong type")]
    Member(&'static str),
    /// The provider is unknown, and the group depends on it.
    #[error("its `source` is not /webhooks/<provider> with a provider that this tool knows")]
    Source,
    /// The scheme is unknown, and it says where the group is.
    #[error("its `signaturescheme` is not one of its provider's")]
    Scheme,
}

/// Texts that contain the bodies of messages: a member that each has, what it is, and the jq filter
/// for its first body.
const WRAPPERS: [(&str, &str, &str); 3] = [
    ("Messages", "the whole answer of `aws sqs receive-message`", ".Messages[0].Body"),
    ("Records", "a whole SQS event of a function", ".Records[0].body"),
    ("Body", "a whole message", ".Body"),
];

/// A message to be sent, and the event that it repeats.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Replay {
    pub(crate) message: Message,
    /// The key under which the event was first queued.
    pub(crate) of: String,
}

impl Replay {
    /// Makes the message. `token` is unique per replay, and has only letters, digits and dashes.
    pub(crate) fn new(
        envelope: &str,
        at: UnixMillis,
        token: ClaimToken,
    ) -> Result<Self, NotReplayable> {
        if let Some(PayloadPointer { bucket, key }) = PayloadPointer::parse(envelope) {
            return Err(NotReplayable::Pointer { bucket, key });
        }
        let members: Members<'_> =
            serde_json::from_str(envelope).map_err(|_| NotReplayable::NotAnObject)?;
        if let Some((_, what, filter)) =
            WRAPPERS.into_iter().find(|(name, ..)| members.only(name).is_some())
        {
            return Err(NotReplayable::Wrapped { what, filter });
        }
        if members.text("specversion")?.1 != "1.0" {
            return Err(NotReplayable::Member("specversion"));
        }
        let (_, id) = members.text("id")?;
        let (_, source) = members.text("source")?;
        let (_, event_type) = members.text("type")?;
        let (_, signature_scheme) = members.text("signaturescheme")?;
        let data = members.only(DATA).ok_or(NotReplayable::Member(DATA))?.get();
        // A replay of a replay is a replay of the first, so that keys do not grow.
        let was_replay = members.0.iter().any(|(name, _)| name == REPLAY_OF);
        let (old_json, old) = members.text(if was_replay { REPLAY_OF } else { KEY })?;

        let provider = source
            .strip_prefix("/webhooks/")
            .and_then(providers::named)
            .ok_or(NotReplayable::Source)?;
        let scheme = provider.scheme(&signature_scheme).ok_or(NotReplayable::Scheme)?;
        let event_type =
            event_type.strip_prefix(&format!("{}.", provider.name())).unwrap_or(&event_type);
        let message = Message {
            body: rewritten(&members, old_json, at, &token),
            provider: provider.name().to_owned(),
            event_type: event_type.to_owned(),
            idempotency_key: format!("{old}{MARK}{token}"),
            signature_scheme,
            group: group(scheme, data).unwrap_or_else(|| id.clone()),
            event_id: id,
            claim_token: token,
            trace_header: None,
            is_replay: true,
        };
        Ok(Self { message, of: old })
    }
}

const KEY: &str = "idempotencykey";
const REPLAY_OF: &str = "replayof";
const REPLAYED_AT: &str = "replayedat";
const DATA: &str = "data";

/// Returns the envelope with the new key, marked as a replay. `old_json` is the old key as the
/// envelope spells it. All other values stay as they are, above all `data`.
fn rewritten(members: &Members<'_>, old_json: &str, at: UnixMillis, token: &ClaimToken) -> String {
    let open = old_json.strip_suffix('"').unwrap_or(old_json);
    let kept = members
        .0
        .iter()
        .filter(|(name, _)| ![KEY, REPLAY_OF, REPLAYED_AT, DATA].contains(&name.as_str()));
    let mut out = String::from("{");
    for (name, value) in kept {
        // A text can always be serialised.
        out.push_str(&serde_json::to_string(name).unwrap_or_default());
        out.push(':');
        out.push_str(value.get());
        out.push(',');
    }
    let (at, data) = (at.rfc3339(), members.only(DATA).map_or("null", RawValue::get));
    out + &format!(
        "\"{KEY}\":{open}{MARK}{token}\",\"{REPLAY_OF}\":{old_json},\
         \"{REPLAYED_AT}\":\"{at}\",\"{DATA}\":{data}}}"
    )
}

/// Returns the event's group, from the members that the functions read too.
fn group(scheme: &Scheme, data: &str) -> Option<String> {
    scheme.facts.group.iter().find_map(|pointer| {
        // Pointers lead into what is signed, which may be one member.
        let path: Vec<_> =
            scheme.signed_member().into_iter().chain(pointer.split('/').skip(1)).collect();
        let [value] = read_object(data.as_bytes(), [&path]).ok()?;
        value?.text().map(Cow::into_owned)
    })
}

/// An object's members in their order, with unparsed values.
struct Members<'e>(Vec<(String, &'e RawValue)>);

impl Members<'_> {
    /// Returns the member's value, or `None` if the member is missing or repeated.
    fn only(&self, name: &str) -> Option<&RawValue> {
        let mut values =
            self.0.iter().filter(|(candidate, _)| candidate == name).map(|(_, value)| *value);
        values.next().filter(|_| values.next().is_none())
    }

    /// Returns a text that is not empty, as the JSON spells it and unescaped.
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
    use webhook_verify::{
        catalogue::GITHUB,
        description::{Body, Facts, Message as Signed},
        json::PythonForm,
        providers::PROVIDERS,
        sign::example_body,
    };

    use super::*;

    const AT: UnixMillis = UnixMillis(1_795_297_388_000);

    /// An event of the first provider that is deployed. Its `data` is what a test needs.
    fn envelope_with(scheme: &str, data: &str) -> String {
        let name = PROVIDERS[0].name();
        format!(
            r#"{{"specversion":"1.0","id":"e\"1","source":"/webhooks/{name}","type":"{name}.paystubs.added","time":"2026-11-21T12:00:00Z","idempotencykey":"{name}#e\"1","signaturescheme":"{scheme}","data":{data}}}"#
        )
    }

    fn envelope() -> String {
        envelope_with(PROVIDERS[0].schemes()[0].name, r#"{"a": 1.10e2}"#)
    }

    fn replay_with(envelope: &str, token: &str) -> Result<Replay, NotReplayable> {
        Replay::new(envelope, AT, ClaimToken::named(token))
    }

    fn replay(envelope: &str) -> Result<Replay, NotReplayable> {
        replay_with(envelope, "n1")
    }

    #[test]
    fn a_replay_changes_nothing_but_its_key_and_its_marks() {
        let (name, scheme) = (PROVIDERS[0].name(), PROVIDERS[0].schemes()[0].name);
        let expected = Message {
            body: format!(
                r#"{{"specversion":"1.0","id":"e\"1","source":"/webhooks/{name}","type":"{name}.paystubs.added","time":"2026-11-21T12:00:00Z","signaturescheme":"{scheme}","idempotencykey":"{name}#e\"1#replay-n1","replayof":"{name}#e\"1","replayedat":"2026-11-21T21:43:08Z","data":{{"a": 1.10e2}}}}"#
            ),
            provider: name.to_owned(),
            event_type: "paystubs.added".to_owned(),
            event_id: "e\"1".to_owned(),
            idempotency_key: format!("{name}#e\"1#replay-n1"),
            signature_scheme: scheme.to_owned(),
            group: "e\"1".to_owned(),
            claim_token: ClaimToken::named("n1"),
            trace_header: None,
            is_replay: true,
        };
        assert_eq!(
            replay(&envelope()),
            Ok(Replay { message: expected, of: format!("{name}#e\"1") })
        );
    }

    #[test]
    fn a_replay_of_a_replay_is_a_replay_of_the_first() {
        let key = format!("{}#e\"1", PROVIDERS[0].name());
        let first = replay(&envelope()).expect("an envelope").message.body;
        let second = replay_with(&first, "n2").expect("an envelope");
        assert_eq!(second.of, key);
        assert_eq!(second.message.idempotency_key, format!("{key}#replay-n2"));
        assert_eq!(second.message.body, first.replace("#replay-n1", "#replay-n2"));
    }

    #[test]
    fn the_group_is_read_as_the_scheme_reads_it_or_is_the_events_id() {
        for provider in PROVIDERS {
            for scheme in provider.schemes() {
                let envelope = |data: &str| {
                    let (name, scheme) = (provider.name(), scheme.name);
                    format!(
                        r#"{{"specversion":"1.0","id":"e1","source":"/webhooks/{name}","type":"t","idempotencykey":"k","signaturescheme":"{scheme}","data":{data}}}"#
                    )
                };
                let group = |data: &str| replay(&envelope(data)).map(|replay| replay.message.group);
                let expected = if scheme.facts.group.is_empty() { "e1" } else { "grp_7" };
                assert_eq!(
                    group(&example_body(scheme, 1, 7)),
                    Ok(expected.to_owned()),
                    "{}",
                    scheme.name
                );
                assert_eq!(group("{}"), Ok("e1".to_owned()), "{}", scheme.name);
            }
        }
    }

    #[test]
    fn the_first_group_that_is_a_text_counts() {
        const FACTS: Facts = Facts { group: &["/account", "/user/id"], ..Facts::NONE };
        const WHOLE: Scheme = Scheme { facts: FACTS, ..GITHUB.schemes()[0] };
        const MEMBER: Signed = Signed {
            body: Body::PythonFormOfMember("data", PythonForm::Compact),
            ..Signed::RAW_BODY
        };
        for (scheme, data, expected) in [
            (WHOLE, r#"{"account":"a1","user":{"id":"u1"}}"#, Some("a1")),
            (WHOLE, r#"{"account":"","user":{"id":"u1"}}"#, Some("u1")),
            (WHOLE, r#"{"account":null,"user":null}"#, None),
            (
                Scheme { messages: &[MEMBER], ..WHOLE },
                r#"{"account":"a1","data":{"account":"a2"}}"#,
                Some("a2"),
            ),
        ] {
            assert_eq!(group(&scheme, data).as_deref(), expected, "{data}");
        }
    }

    #[test]
    fn a_text_that_is_no_envelope_is_refused_with_the_reason() {
        let envelope = envelope();
        let without = |name: &str| envelope.replacen(&format!("\"{name}\""), "\"other\"", 1);
        let pointer = PayloadPointer { bucket: "b".to_owned(), key: "p/k".to_owned() };
        for (text, expected) in [
            (String::new(), NotReplayable::NotAnObject),
            ("[]".to_owned(), NotReplayable::NotAnObject),
            (format!("{envelope} x"), NotReplayable::NotAnObject),
            (
                pointer.to_string(),
                NotReplayable::Pointer { bucket: "b".to_owned(), key: "p/k".to_owned() },
            ),
            (without("specversion"), NotReplayable::Member("specversion")),
            (envelope.replace("\"1.0\"", "\"2.0\""), NotReplayable::Member("specversion")),
            (without("id"), NotReplayable::Member("id")),
            (without("type"), NotReplayable::Member("type")),
            (without("data"), NotReplayable::Member("data")),
            (without("idempotencykey"), NotReplayable::Member("idempotencykey")),
            (without("signaturescheme"), NotReplayable::Member("signaturescheme")),
            (envelope.replace("\"id\":", "\"id\":7,\"id\":"), NotReplayable::Member("id")),
            (envelope.replace("\"type\":", "\"type\":\"\",\"t\":"), NotReplayable::Member("type")),
            (envelope.replace("/webhooks/", "/webhooks/not-"), NotReplayable::Source),
            (envelope_with("none", "{}"), NotReplayable::Scheme),
        ] {
            assert_eq!(replay(&text), Err(expected), "{text:.60}");
        }
    }

    #[test]
    fn wrapped_messages_are_refused_with_a_jq_filter() {
        for (text, expected) in [
            (
                r#"{"Messages": [{"MessageId": "1", "Body": "{}"}]}"#,
                "it is the whole answer of `aws sqs receive-message`: give the body of one \
                 message, as jq -r '.Messages[0].Body' prints it",
            ),
            (
                r#"{"Records": [{"messageId": "1", "body": "{}"}]}"#,
                "it is a whole SQS event of a function: give the body of one message, as \
                 jq -r '.Records[0].body' prints it",
            ),
            (
                r#"{"MessageId": "1", "Body": "{}"}"#,
                "it is a whole message: give the body of one message, as jq -r '.Body' prints \
                 it",
            ),
        ] {
            assert_eq!(
                replay(text).map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }
}
