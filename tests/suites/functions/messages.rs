//! The message that consumers get for each delivery: envelope, attributes, and the signed bytes in
//! `data`.

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_cli::development_secret;
use webhook_tests::{
    samples,
    traffic::{Event, Kind},
};
use webhook_verify::{
    Header,
    description::{Body, EventType, Id, Unsigned},
    json::PythonForm,
    providers::PROVIDERS,
    sha256_hex,
};

use crate::world::{Setup, World, accepted, duplicate, signed, signs_python_form, text};

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

pub(crate) fn attribute(message: &Message, name: &str) -> Option<String> {
    let attribute = message.message_attributes.as_ref()?.get(name)?;
    assert_eq!(attribute.data_type, "String");
    attribute.string_value.clone()
}

pub(crate) fn system_attribute(message: &Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes
        .iter()
        .find(|(attribute, _)| attribute.as_str() == name)
        .map(|(_, value)| value.clone())
}

/// What the contract says about a delivery's message, read from the description without the code
/// under test.
pub(crate) struct Expected {
    id: String,
    event_type: String,
    group: String,
    delivery_id: Option<String>,
    unsigned_fields: Option<String>,
}

impl Expected {
    /// Returns it for a delivery with these headers and this body, whose event has this id.
    pub(crate) fn of(kind: Kind, id: &str, headers: &[Header], body: &str) -> Self {
        let facts = &kind.scheme.facts;
        let body_read = parsed(body);
        let member = kind.scheme.signed_member();
        let signed = member.map_or(&body_read, |member| &body_read[member]);
        let usable = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
        let first = |pointers: &[&str]| {
            pointers.iter().find_map(|pointer| {
                signed.pointer(pointer).and_then(Value::as_str).and_then(usable)
            })
        };
        let unsigned = |place: Unsigned| match place {
            Unsigned::Header(name) => {
                let header = headers.iter().find(|header| header.name() == name)?;
                usable(&String::from_utf8_lossy(header.value()))
            }
            Unsigned::Member(name) => body_read[name].as_str().and_then(usable),
        };
        let event_type = match facts.event_type {
            EventType::Signed(pointers) => first(pointers),
            EventType::Unsigned(place) => unsigned(place),
            EventType::Derived(derive) => {
                Some(derive(body.as_bytes()).expect("an object").name.to_owned())
            }
        };
        let unsigned_fields: Vec<&str> = [
            (matches!(facts.event_type, EventType::Unsigned(_)), "type"),
            (!facts.delivery_id.is_empty(), "deliveryid"),
        ]
        .into_iter()
        .filter_map(|(is_unsigned, name)| is_unsigned.then_some(name))
        .chain(facts.unsigned_members.iter().copied())
        .collect();
        Self {
            id: id.to_owned(),
            event_type: event_type.unwrap_or_else(|| "unknown".to_owned()),
            group: first(facts.group).unwrap_or_else(|| id.to_owned()),
            delivery_id: facts.delivery_id.iter().find_map(|place| unsigned(*place)),
            unsigned_fields: if unsigned_fields.is_empty() {
                None
            } else {
                Some(unsigned_fields.join(","))
            },
        }
    }

    /// Compares the only message with this, except for its `data` and `signedat`. Returns those as
    /// they are written.
    pub(crate) async fn check(&self, world: &World, kind: Kind) -> (String, Option<String>) {
        let (provider, scheme) = (kind.provider.name(), kind.scheme);
        let message = world.message().await;
        let raw = message.body.as_deref().expect("a body");
        let mut envelope = parsed(raw);
        let members = envelope.as_object_mut().expect("an object");
        let time = members.remove("time").expect("a time");
        assert_eq!(time.as_str(), text(&world.record().await, "received_at"), "{scheme:?}");
        members.remove("data").expect("data");
        let signed_at =
            members.remove("signedat").map(|time| time.as_str().expect("a text").to_owned());
        assert_eq!(signed_at.is_some(), scheme.time.is_some(), "{scheme:?}");
        let key = format!("{provider}#{}", self.id);
        let mut expected = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("/webhooks/{provider}"),
            "type": format!("{provider}.{}", self.event_type),
            "datacontenttype": "application/json",
            "idempotencykey": key,
            "signaturescheme": scheme.name,
        });
        for (name, value) in
            [("deliveryid", &self.delivery_id), ("unsignedfields", &self.unsigned_fields)]
        {
            if let Some(value) = value {
                expected[name] = json!(value);
            }
        }
        assert_eq!(envelope, expected);
        let attributes =
            ["provider", "event_type", "event_id", "idempotency_key", "signature_scheme"];
        let expected = [provider, &self.event_type, &self.id, &key, scheme.name];
        assert_eq!(
            attributes.map(|name| attribute(&message, name)),
            expected.map(|value| Some(value.to_owned()))
        );
        assert_eq!(
            message.message_attributes.as_ref().map(std::collections::HashMap::len),
            Some(attributes.len())
        );
        let group = system_attribute(&message, "MessageGroupId");
        assert_eq!(group, Some(format!("{provider}#{}", self.group)), "{scheme:?}");
        let deduplication_id = system_attribute(&message, "MessageDeduplicationId");
        assert_eq!(deduplication_id, Some(sha256_hex(key.as_bytes())), "{scheme:?}");
        let (_, data) = raw.split_once(",\"data\":").expect("data");
        (data.strip_suffix('}').expect("an object").to_owned(), signed_at)
    }
}

/// The samples say which id and type each event has. A hash in an id is that of the signed bytes.
#[tokio::test]
async fn each_samples_message_is_what_the_contract_says() {
    for provider in PROVIDERS {
        for sample in samples::of(provider) {
            let samples::Answer::Accepted { event_type, id } = &sample.answer else { continue };
            let kind = Kind { provider, scheme: sample.sender.scheme, is_large: false };
            let setup =
                Setup::new(provider, true).await.with_secret(&development_secret(provider)).await;
            let setup =
                setup.with("TIMESTAMP_TOLERANCE_S", "630720000").with("RETENTION_S", "1261440000");
            let world = setup.start().await;
            let (headers, body) = sample.request();
            let body = str::from_utf8(&body).expect("text");
            let answer = world.send(&headers, body).await;
            assert_eq!(
                answer,
                (200, None, json!({"status": "accepted", "id": id})),
                "{}",
                sample.file
            );
            let expected = Expected::of(kind, id, &headers, body);
            assert_eq!(&expected.event_type, event_type, "{}", sample.file);
            let (data, signed_at) = expected.check(&world, kind).await;
            assert_eq!(
                signed_at.as_deref(),
                kind.scheme.time.map(|_| "2026-11-21T12:00:00Z"),
                "{}",
                sample.file
            );
            let signed = if let Some(member) = kind.scheme.signed_member() {
                let unsigned = kind.scheme.facts.unsigned_members.iter();
                let unsigned = unsigned.map(|name| format!("\"{name}\":{},", parsed(body)[name]));
                let before = format!("{{{}\"{member}\":", unsigned.collect::<String>());
                assert_eq!(parsed(&data)[member], parsed(body)[member], "{}", sample.file);
                let signed = data
                    .strip_prefix(&before)
                    .unwrap_or_else(|| panic!("{data} begins with {before}"));
                signed.strip_suffix('}').expect("an object").to_owned()
            } else if sample.sender.respelled {
                assert_eq!(parsed(&data), parsed(body), "{}", sample.file);
                assert_ne!(data, body, "{}", sample.file);
                data
            } else {
                assert_eq!(data, body, "{}", sample.file);
                data
            };
            if let Some((_, sum)) = id.split_once("-sha256:") {
                assert_eq!(sum, sha256_hex(signed.as_bytes()), "{}", sample.file);
            }
        }
    }
}

#[tokio::test]
async fn a_message_carries_what_was_signed_under_every_scheme() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let headers = signed(&event);
        assert_eq!(world.send(&headers, &event.body).await, accepted(&event), "{kind:?}");
        let (data, signed_at) =
            Expected::of(kind, &event.id, &headers, &event.body).check(&world, kind).await;
        assert!(format!(",\"data\":{data}}}").ends_with(event.tail()), "{kind:?}: {data}");
        let form = |time: &str| time.len() == 20 && time.starts_with("20") && time.ends_with('Z');
        assert!(signed_at.as_deref().is_none_or(form), "{kind:?}: {signed_at:?}");
    }
}

#[tokio::test]
async fn signed_bytes_are_carried_as_they_are() {
    let members = "\"amount\" : 1.10e2,\n \"big\":12345678901234567890.10, \
                   \"text\": \"Zo\\u00eb \\/ Zoë\", \"z\": [1, 2 ]";
    let raw =
        |kind: &Kind| kind.scheme.messages.iter().any(|message| matches!(message.body, Body::Raw));
    for kind in Kind::all().into_iter().filter(raw) {
        let world = World::of(kind.provider).await;
        let event = Event::with(kind, 1, members);
        let headers = signed(&event);
        assert_eq!(world.send(&headers, &event.body).await, accepted(&event), "{kind:?}");
        let (data, _) =
            Expected::of(kind, &event.id, &headers, &event.body).check(&world, kind).await;
        assert_eq!(data, event.body, "{kind:?}");
    }
}

#[tokio::test]
async fn a_body_around_a_signed_member_is_rebuilt_around_the_signed_text() {
    for kind in Kind::all() {
        let forms = kind.scheme.messages.iter().filter_map(|message| match message.body {
            Body::PythonFormOfMember(member, form) => Some((member, form)),
            Body::Raw | Body::PythonForm(_) => None,
        });
        for (member, form) in forms {
            let world = World::of(kind.provider).await;
            let event =
                Event::with(kind, 1, "\"amount\": 100.0, \"rate\":1.50, \"name\": \"Zo\\u00eb\"");
            let headers = signed(&event);
            assert_eq!(world.send(&headers, &event.body).await, accepted(&event), "{kind:?}");
            let (data, _) =
                Expected::of(kind, &event.id, &headers, &event.body).check(&world, kind).await;
            let (_, sent) =
                event.body.split_once(&format!("\"{member}\": ")).expect("has the member");
            let default = sent
                .strip_suffix('}')
                .expect("is the last member")
                .replace("\"rate\":1.50", "\"rate\": 1.5");
            let signed = match form {
                PythonForm::Default => default,
                PythonForm::Compact => {
                    default.replace(": ", ":").replace(", ", ",").replace("\\u00eb", "ë")
                }
            };
            let names = kind.scheme.facts.unsigned_members.iter();
            let unsigned: Vec<_> =
                names.map(|name| format!("\"{name}\":\"example.{name}\",")).collect();
            assert_eq!(data, format!("{{{}\"{member}\":{signed}}}", unsigned.concat()), "{kind:?}");
            if matches!(kind.scheme.facts.id, Id::HashOfBody) {
                assert_eq!(
                    event.id,
                    format!("payload-sha256:{}", sha256_hex(signed.as_bytes())),
                    "{kind:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn both_spellings_of_a_body_are_one_event_with_the_signed_text() {
    for kind in Kind::all().into_iter().filter(signs_python_form) {
        let event = Event::with(kind, 1, "\"list\": [], \"label\": \"Zo\\u00eb\", \"rate\": 1.0");
        let headers = signed(&event);
        let respelled = event
            .body
            .replace(": ", ":")
            .replace(", ", ",")
            .replace("\\u00eb", "ë")
            .replace("1.0", "1.00");
        assert_ne!(respelled, event.body);
        for [first, second] in [[&event.body, &respelled], [&respelled, &event.body]] {
            let world = World::of(kind.provider).await;
            assert_eq!(world.send(&headers, first).await, accepted(&event), "{kind:?}: {first}");
            assert_eq!(world.send(&headers, second).await, duplicate(&event), "{kind:?}: {second}");
            let (data, _) =
                Expected::of(kind, &event.id, &headers, first).check(&world, kind).await;
            assert_eq!(data, event.body, "{kind:?}: {first}");
        }
    }
}
