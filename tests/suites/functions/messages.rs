//! What consumers get: bodies, attributes, groups, and what SQS would refuse.

use std::time::Duration;

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_cli::development_secret;
use webhook_tests::{
    samples,
    traffic::{Event, Kind},
};
use webhook_verify::{
    Header, Provider,
    description::{Body, EventType, Id, Unsigned},
    json::PythonForm,
    providers::PROVIDERS,
    sha256_hex,
};

use crate::world::{
    Setup, World, accepted, duplicate, kind_of, signed, signs_python_form, signs_whole_body, text,
};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn attribute(message: &Message, name: &str) -> Option<String> {
    let attribute = message.message_attributes.as_ref()?.get(name)?;
    assert_eq!(attribute.data_type, "String");
    attribute.string_value.clone()
}

fn system_attribute(message: &Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes
        .iter()
        .find(|(attribute, _)| attribute.as_str() == name)
        .map(|(_, value)| value.clone())
}

/// What the contract says of a delivery's message, read from the description without the code that is
/// tested.
struct Expected {
    id: String,
    event_type: String,
    group: String,
    delivery_id: Option<String>,
    unsigned_fields: Option<String>,
}

impl Expected {
    /// Of a delivery with these headers and this body, whose event has this id.
    fn of(kind: Kind, id: &str, headers: &[Header], body: &str) -> Self {
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
            EventType::Told(tell) => {
                Some(tell(body.as_bytes()).expect("an object").name.to_owned())
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

    /// Compares the only message with this, but for its data, which is returned as it stands there.
    async fn check(&self, world: &World, kind: Kind) -> (String, Option<String>) {
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

/// The samples say which id and type each event has: the sums in them are of the signed bytes.
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
    let members = "\"amount\" : 1.10e2,\n \"big\":12345678901234567890.10, \"text\": \"Zo\\u00eb \\/ Zoë\", \"z\": [1, 2 ]";
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
async fn a_body_round_a_signed_member_is_rebuilt_round_the_signed_text() {
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

/// The key of an event whose body has no id.
fn hash_of(body: &str) -> String {
    format!("body-sha256:{}", sha256_hex(body.as_bytes()))
}

#[tokio::test]
async fn an_unknown_event_keeps_its_name_and_a_nameless_one_is_unknown() {
    for kind in Kind::all().into_iter().filter(signs_whole_body) {
        let EventType::Signed([_, ..]) = kind.scheme.facts.event_type else { continue };
        let example = Event::new(kind, 1);
        for (name, id, event_type) in [
            ("\"of.a.new.kind\"", "\"evt_1\"", "of.a.new.kind"),
            ("\"\"", "\"evt_1\"", "unknown"),
            ("7", "null", "unknown"),
            ("null", "\"\"", "unknown"),
            ("{}", "7", "unknown"),
            ("\"\\ud800\"", "\"\\ud800\"", "unknown"),
        ] {
            let world = World::of(kind.provider).await;
            let mut event = example.clone();
            event.body = event.body.replace("\"example.created\"", name).replace("\"evt_1\"", id);
            event.id = match kind.scheme.facts.id {
                Id::Signed(_) if id != "\"evt_1\"" => hash_of(&event.body),
                Id::HashOfBody => hash_of(&event.body),
                Id::Signed(_) | Id::SignedHeader(_) => event.id,
            };
            assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}: {name} {id}");
            let message = world.message().await;
            let envelope =
                parsed(message.body.as_deref().expect("a body").replace("\\ud800", "?").as_str());
            assert_eq!(envelope["id"], event.id, "{kind:?}: {name} {id}");
            assert_eq!(
                envelope["type"],
                format!("{}.{event_type}", kind.provider.name()),
                "{kind:?}: {name}"
            );
            assert_eq!(
                attribute(&message, "event_type").as_deref(),
                Some(event_type),
                "{kind:?}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn an_event_without_any_facts_is_queued_under_its_hash() {
    for kind in Kind::all().into_iter().filter(signs_whole_body) {
        let (Id::HashOfBody | Id::Signed(_)) = kind.scheme.facts.id else { continue };
        let world = World::of(kind.provider).await;
        let mut event = Event::new(kind, 1);
        "{}".clone_into(&mut event.body);
        event.id = hash_of("{}");
        let headers = signed(&event);
        assert_eq!(world.send(&headers, "{}").await, accepted(&event), "{kind:?}");
        let (data, _) = Expected::of(kind, &event.id, &headers, "{}").check(&world, kind).await;
        assert_eq!(data, "{}", "{kind:?}");
    }
}

/// The kinds whose body has its event's id and name, which are signed.
fn named_in_the_body() -> impl Iterator<Item = (Kind, &'static Provider)> {
    let is_named = |kind: &Kind| {
        let facts = &kind.scheme.facts;
        signs_whole_body(kind)
            && matches!(
                (facts.id, facts.event_type),
                (Id::Signed([_, ..]), EventType::Signed([_, ..]))
            )
    };
    Kind::all().into_iter().filter(is_named).map(|kind| (kind, kind.provider))
}

#[tokio::test]
async fn what_sqs_would_refuse_is_escaped_in_the_body_and_hashed_in_attributes() {
    for (kind, provider) in named_in_the_body() {
        let world = World::of(provider).await;
        let provider = provider.name();
        let (name, id) = ("x\u{ffff}", "e\u{1}");
        let [name_hash, id_hash] = [name, id].map(|text| sha256_hex(text.as_bytes()));
        let mut event = Event::with(kind, 1, "\"t\":\"\u{fffe}\"");
        event.body = event
            .body
            .replace("evt_1", "e\\u0001")
            .replace("example.created", name)
            .replace("grp_0", "a b");
        event.id.clone_from(&id_hash);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        let message = world.message().await;
        let raw = message.body.as_deref().expect("a body");
        assert!(raw.contains("\"x\\uffff\"") && raw.contains("\"t\":\"\\ufffe\""), "{raw}");
        // CloudEvents excludes both characters from attributes.
        let envelope = parsed(raw);
        assert_eq!(
            (&envelope["id"], &envelope["type"]),
            (&json!(id_hash), &json!(format!("{provider}.{name_hash}")))
        );
        let key_hash = sha256_hex(format!("{provider}#{id}").as_bytes());
        assert_eq!(envelope["idempotencykey"], key_hash);
        assert_eq!(attribute(&message, "event_type"), Some(name_hash));
        assert_eq!(attribute(&message, "event_id"), Some(id_hash.clone()));
        assert_eq!(attribute(&message, "idempotency_key"), Some(key_hash));
        // Where nothing else is a group, the event's id is it.
        let group = if kind.scheme.facts.group.is_empty() { id_hash } else { sha256_hex(b"a b") };
        assert_eq!(
            system_attribute(&message, "MessageGroupId"),
            Some(format!("{provider}#{group}"))
        );
        assert_eq!(text(&world.record().await, "id"), Some(format!("{provider}#{id}").as_str()));
    }
}

#[tokio::test]
async fn names_and_ids_over_1024_bytes_are_hashed_but_in_the_envelope() {
    for (kind, provider) in named_in_the_body() {
        let world = World::of(provider).await;
        let provider = provider.name();
        let (id, name) = ("i".repeat(1025), "n".repeat(1025));
        let (id_hash, name_hash) = (sha256_hex(id.as_bytes()), sha256_hex(name.as_bytes()));
        let mut event = Event::new(kind, 1);
        // A group that is not a text is ignored.
        event.body = event
            .body
            .replace("evt_1", &id)
            .replace("example.created", &name)
            .replace("\"grp_0\"", "7");
        event.id.clone_from(&id_hash);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        let message = world.message().await;
        let envelope = parsed(message.body.as_deref().expect("a body"));
        assert_eq!(
            (&envelope["id"], &envelope["type"]),
            (&json!(id), &json!(format!("{provider}.{name}")))
        );
        let record = world.record().await;
        assert_eq!(text(&record, "id"), Some(format!("{provider}#id-sha256:{id_hash}").as_str()));
        assert_eq!(
            (text(&record, "event_id"), text(&record, "event_type")),
            (Some(&*id_hash), Some(&*name_hash))
        );
        assert_eq!(attribute(&message, "event_id"), Some(id_hash.clone()));
        assert_eq!(attribute(&message, "event_type"), Some(name_hash));
        let group = system_attribute(&message, "MessageGroupId");
        assert_eq!(group, Some(format!("{provider}#{id_hash}")), "{kind:?}");
    }
}

#[tokio::test]
async fn the_first_pointer_to_a_text_is_the_group_else_the_event_itself() {
    for kind in Kind::all() {
        let (provider, facts) = (kind.provider.name(), &kind.scheme.facts);
        let [first, .., last] = facts.group else { continue };
        let (Some((object, first)), Some((other, last))) =
            (first.rsplit_once('/'), last.rsplit_once('/'))
        else {
            panic!("{kind:?} has a pointer that leads nowhere")
        };
        if object != other {
            continue; // To be put beside the first one, the last must be a member of the same object.
        }
        for (value, more, expected) in [
            ("\"grp_0\"", Some("usr_1"), "grp_0"),
            ("\"\"", Some("usr_1"), "usr_1"),
            ("null", Some("usr_1"), "usr_1"),
            ("null", None, "(the id)"),
        ] {
            let world = World::of(kind.provider).await;
            let mut event = Event::new(kind, 1);
            let more = more.map(|group| format!(", \"{last}\": \"{group}\"")).unwrap_or_default();
            let (from, to) =
                (format!("\"{first}\": \"grp_0\""), format!("\"{first}\": {value}{more}"));
            event.body = event.body.replace(&from, &to);
            let (status, _, answer) = world.deliver(&event).await;
            assert_eq!(status, 200, "{kind:?}");
            let id = answer["id"].as_str().expect("an id");
            let expected = if expected == "(the id)" { id } else { expected };
            let group = system_attribute(&world.message().await, "MessageGroupId");
            assert_eq!(group, Some(format!("{provider}#{expected}")), "{kind:?}: {}", event.body);
        }
    }
}

#[tokio::test]
async fn a_standard_queue_gets_the_group_and_no_deduplication_id() {
    for kind in Kind::all() {
        let world = Setup::new(kind.provider, false).await.start().await;
        let event = Event::new(kind, 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        let message = world.message().await;
        let group = if kind.scheme.facts.group.is_empty() { &event.id } else { "grp_0" };
        let group = Some(format!("{}#{group}", kind.provider.name()));
        assert_eq!(system_attribute(&message, "MessageGroupId"), group, "{kind:?}");
        assert_eq!(system_attribute(&message, "MessageDeduplicationId"), None, "{kind:?}");
    }
}

#[tokio::test]
async fn the_trace_header_of_the_invocation_travels_with_the_message() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        for (number, trace, expected) in [(1, trace, Some(trace)), (2, "no trace header", None)] {
            let delivery = Event::new(kind_of(provider), number).delivery();
            world
                .function
                .invoke_text(delivery, Duration::from_secs(15), Some(trace))
                .await
                .expect("an answer");
            let header = system_attribute(&world.message().await, "AWSTraceHeader");
            assert_eq!(header.as_deref(), expected, "{provider:?}");
        }
    }
}
