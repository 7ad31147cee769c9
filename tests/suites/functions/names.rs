//! Names, ids and groups of messages, also those that SQS would refuse; and the trace header.

use std::time::Duration;

use serde_json::json;
use webhook_tests::traffic::{Event, Kind};
use webhook_verify::{
    Provider,
    description::{EventType, Id},
    providers::PROVIDERS,
    sha256_hex,
};

use crate::{
    messages::{Expected, attribute, parsed, system_attribute},
    world::{Setup, World, accepted, kind_of, signed, signs_whole_body, text},
};

/// Returns the id of an event whose body has none.
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

/// Returns the kinds whose signed body has the event's id and name.
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
async fn characters_that_sqs_refuses_are_escaped_or_hashed() {
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
        // If the scheme reads no group, the event's id is the group.
        let group = if kind.scheme.facts.group.is_empty() { id_hash } else { sha256_hex(b"a b") };
        assert_eq!(
            system_attribute(&message, "MessageGroupId"),
            Some(format!("{provider}#{group}"))
        );
        assert_eq!(text(&world.record().await, "id"), Some(format!("{provider}#{id}").as_str()));
    }
}

#[tokio::test]
async fn names_and_ids_over_1024_bytes_are_hashed_except_in_the_envelope() {
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
async fn the_group_is_the_first_text_found_or_else_the_events_id() {
    for kind in Kind::all() {
        let (provider, facts) = (kind.provider.name(), &kind.scheme.facts);
        let [first, .., last] = facts.group else { continue };
        let (Some((object, first)), Some((other, last))) =
            (first.rsplit_once('/'), last.rsplit_once('/'))
        else {
            panic!("{kind:?} has a pointer that leads nowhere")
        };
        if object != other {
            // The test can put them side by side only if both are members of the same object.
            continue;
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
