//! What consumers get: bodies, attributes, groups, and what SQS would refuse.

use std::time::Duration;

use serde_json::{Value, json};
use webhook_tests::now;
use webhook_verify::{sha256_hex, sign};

use crate::world::{SECRET, Setup, World, endgrate, secret, text, v1, v2};

fn parsed(body: Option<&str>) -> Value {
    serde_json::from_str(body.expect("a body")).expect("JSON")
}

fn attribute(message: &aws_sdk_sqs::types::Message, name: &str) -> Option<String> {
    let attribute = message.message_attributes.as_ref()?.get(name)?;
    assert_eq!(attribute.data_type, "String");
    attribute.string_value.clone()
}

fn system_attribute(message: &aws_sdk_sqs::types::Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes.iter().find(|(attribute, _)| attribute.as_str() == name).map(|(_, value)| value.clone())
}

/// The envelope without the time, which is checked to be now.
async fn envelope(world: &World) -> (Value, aws_sdk_sqs::types::Message) {
    let message = world.message().await;
    let mut envelope = parsed(message.body.as_deref());
    let time = envelope.as_object_mut().expect("an object").remove("time").expect("a time");
    assert_eq!(Some(time.as_str().expect("a text")), text(&world.record().await, "received_at"));
    (envelope, message)
}

#[tokio::test]
async fn a_v2_message_carries_the_signed_bytes_as_they_are() {
    let world = World::pinwheel().await;
    let body = "{ \"payload\": {\"account_id\": \"a1\", \"amount\": 1.10e2, \"big\": 12345678901234567890.10},\n\
                \"event\": \"paystubs.added\", \"event_id\": \"e1\", \"z\": [1, 2 ] }";
    let at = now();
    let headers = sign::pinwheel_v2(&secret(SECRET), at, body.as_bytes());
    assert_eq!(world.deliver(&headers, body).await.0, 200);
    let message = world.message().await;
    let raw = message.body.as_deref().expect("a body");
    assert!(raw.ends_with(&format!(",\"data\":{body}}}")), "{raw}");
    let mut envelope = parsed(Some(raw));
    let members = envelope.as_object_mut().expect("an object");
    let signed_at = members.remove("signedat").expect("a signing time");
    assert!(signed_at.as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 20), "{signed_at}");
    members.remove("time").expect("a time");
    members.remove("data").expect("data");
    assert_eq!(
        envelope,
        json!({
            "specversion": "1.0",
            "id": "e1",
            "source": "/webhooks/pinwheel",
            "type": "pinwheel.paystubs.added",
            "datacontenttype": "application/json",
            "idempotencykey": "pinwheel#e1",
            "signaturescheme": "pinwheel-v2",
        })
    );
    let attributes = ["provider", "event_type", "event_id", "idempotency_key", "signature_scheme"];
    let expected = ["pinwheel", "paystubs.added", "e1", "pinwheel#e1", "pinwheel-v2"];
    assert_eq!(attributes.map(|name| attribute(&message, name)), expected.map(|value| Some(value.to_owned())));
    assert_eq!(system_attribute(&message, "MessageGroupId").as_deref(), Some("pinwheel#a1"));
    let deduplication_id = system_attribute(&message, "MessageDeduplicationId");
    assert_eq!(deduplication_id, Some(sha256_hex(b"pinwheel#e1")));
}

#[tokio::test]
async fn a_v1_message_is_rebuilt_round_the_signed_payload_and_says_what_is_unsigned() {
    let world = World::pinwheel().await;
    let body = r#"{"event": "x.added", "webhook_id": "w1", "payload": {"end_user_id": "u1", "amount": 100.0, "name": "Zo\u00eb"}}"#;
    let mut headers = v1(body).to_vec();
    headers.push(sign::pinwheel_delivery_id("d1"));
    assert_eq!(world.deliver(&headers, body).await.0, 200);
    let (envelope, message) = envelope(&world).await;
    let raw = message.body.as_deref().expect("a body");
    let payload = r#"{"end_user_id":"u1","amount":100.0,"name":"Zoë"}"#;
    assert!(
        raw.ends_with(&format!(r#","data":{{"event":"x.added","webhook_id":"w1","payload":{payload}}}}}"#)),
        "{raw}"
    );
    let key = format!("payload-sha256:{}", sha256_hex(payload.as_bytes()));
    assert_eq!(envelope["id"], key);
    assert_eq!(envelope["idempotencykey"], format!("pinwheel#{key}"));
    assert_eq!(envelope["signaturescheme"], "pinwheel-v1");
    assert_eq!(envelope["deliveryid"], "d1");
    assert_eq!(envelope["unsignedfields"], "type,deliveryid,event,webhook_id");
    assert_eq!(envelope["type"], "pinwheel.x.added");
    assert_eq!(system_attribute(&message, "MessageGroupId").as_deref(), Some("pinwheel#u1"));
}

#[tokio::test]
async fn an_endgrate_message_carries_the_text_that_the_mac_covered() {
    let signed = r#"{"transfer_data": [], "session_id": "s1", "label": "Zo\u00eb", "rate": 1.0}"#;
    let headers = endgrate(signed);
    let respelled = r#"{"transfer_data":[],"session_id":"s1","label":"Zoë","rate":1.00}"#;
    for body in [signed, respelled] {
        let world = World::endgrate().await;
        assert_eq!(world.deliver(&headers, body).await.0, 200);
        let (envelope, message) = envelope(&world).await;
        assert!(
            message.body.as_deref().is_some_and(|raw| raw.ends_with(&format!(",\"data\":{signed}}}"))),
            "{message:?}"
        );
        let key = format!("body-sha256:{}", sha256_hex(signed.as_bytes()));
        assert_eq!(
            envelope,
            json!({
                "specversion": "1.0",
                "id": key,
                "source": "/webhooks/endgrate",
                "type": "endgrate.data",
                "datacontenttype": "application/json",
                "idempotencykey": format!("endgrate#{key}"),
                "signaturescheme": "endgrate",
                "data": {"transfer_data": [], "session_id": "s1", "label": "Zoë", "rate": 1.0},
            })
        );
        assert_eq!(system_attribute(&message, "MessageGroupId").as_deref(), Some("endgrate#s1"));
    }
}

#[tokio::test]
async fn both_spellings_of_an_endgrate_body_are_one_event() {
    let world = World::endgrate().await;
    let signed = r#"{"a": 1.0}"#;
    let headers = endgrate(signed);
    assert_eq!(world.deliver(&headers, signed).await.2["status"], "accepted");
    assert_eq!(world.deliver(&headers, r#"{"a":1.0}"#).await.2["status"], "duplicate");
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn an_unknown_event_is_queued_under_its_name_and_a_nameless_one_as_unknown() {
    for (body, event_type, id) in [
        (r#"{"event":"benefits.added","event_id":"e1"}"#, "benefits.added", Some("e1")),
        (r#"{"event":"","event_id":"e1"}"#, "unknown", Some("e1")),
        (r#"{"event":7,"event_id":null}"#, "unknown", None),
        ("{}", "unknown", None),
    ] {
        let world = World::pinwheel().await;
        let id = id.map_or_else(|| format!("body-sha256:{}", sha256_hex(body.as_bytes())), str::to_owned);
        assert_eq!(world.deliver(&v2(body), body).await.2, json!({"status": "accepted", "id": id}));
        let (envelope, message) = envelope(&world).await;
        assert_eq!(envelope["type"], format!("pinwheel.{event_type}"));
        assert_eq!(attribute(&message, "event_type").as_deref(), Some(event_type));
    }
}

#[tokio::test]
async fn what_sqs_would_refuse_is_escaped_in_the_body_and_hashed_in_attributes() {
    let world = World::pinwheel().await;
    let (name, id) = ("x\u{ffff}", "e\u{1}");
    let [name_hash, id_hash] = [name, id].map(|text| sha256_hex(text.as_bytes()));
    let body =
        "{\"event\":\"x\u{ffff}\",\"event_id\":\"e\\u0001\",\"payload\":{\"account_id\":\"a b\",\"t\":\"\u{fffe}\"}}";
    assert_eq!(world.deliver(&v2(body), body).await.2, json!({"status": "accepted", "id": id_hash}));
    let (envelope, message) = envelope(&world).await;
    let raw = message.body.as_deref().expect("a body");
    assert!(raw.contains("\"x\\uffff\"") && raw.contains("\"t\":\"\\ufffe\""), "{raw}");
    // CloudEvents excludes both characters from attributes.
    assert_eq!((&envelope["id"], &envelope["type"]), (&json!(id_hash), &json!(format!("pinwheel.{name_hash}"))));
    assert_eq!(envelope["idempotencykey"], sha256_hex(format!("pinwheel#{id}").as_bytes()));
    assert_eq!(attribute(&message, "event_type"), Some(name_hash));
    assert_eq!(attribute(&message, "event_id"), Some(id_hash));
    assert_eq!(attribute(&message, "idempotency_key"), Some(sha256_hex(format!("pinwheel#{id}").as_bytes())));
    let group = format!("pinwheel#{}", sha256_hex(b"a b"));
    assert_eq!(system_attribute(&message, "MessageGroupId"), Some(group));
    assert_eq!(text(&world.record().await, "id"), Some(format!("pinwheel#{id}").as_str()));
}

#[tokio::test]
async fn names_and_ids_over_1024_bytes_are_hashed_but_in_the_envelope() {
    let world = World::pinwheel().await;
    let (id, name) = ("i".repeat(1025), "n".repeat(1025));
    let body = json!({"event_id": id, "event": name}).to_string();
    let answer = json!({"status": "accepted", "id": sha256_hex(id.as_bytes())});
    assert_eq!(world.deliver(&v2(&body), &body).await.2, answer);
    let (envelope, message) = envelope(&world).await;
    assert_eq!(envelope["id"], id);
    assert_eq!(envelope["type"], format!("pinwheel.{name}"));
    let record = world.record().await;
    let (id_hash, name_hash) = (sha256_hex(id.as_bytes()), sha256_hex(name.as_bytes()));
    assert_eq!(text(&record, "id"), Some(format!("pinwheel#id-sha256:{id_hash}").as_str()));
    assert_eq!((text(&record, "event_id"), text(&record, "event_type")), (Some(&*id_hash), Some(&*name_hash)));
    assert_eq!(attribute(&message, "event_id"), Some(id_hash));
    assert_eq!(attribute(&message, "event_type"), Some(name_hash));
    let group = system_attribute(&message, "MessageGroupId").expect("a group");
    assert_eq!(group, format!("pinwheel#{}", sha256_hex(id.as_bytes())));
}

#[tokio::test]
async fn a_standard_queue_gets_the_group_and_no_deduplication_id() {
    let world = Setup::new("pinwheel", false).await.start().await;
    let body = r#"{"event_id":"e1","event":"x","payload":{"account_id":"a1"}}"#;
    assert_eq!(world.deliver(&v2(body), body).await.0, 200);
    let message = world.message().await;
    assert_eq!(system_attribute(&message, "MessageGroupId").as_deref(), Some("pinwheel#a1"));
    assert_eq!(system_attribute(&message, "MessageDeduplicationId"), None);
}

#[tokio::test]
async fn the_trace_header_of_the_invocation_travels_with_the_message() {
    let world = World::pinwheel().await;
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    for (id, trace, expected) in [("e1", trace, Some(trace)), ("e2", "no trace header", None)] {
        let body = json!({"event_id": id}).to_string();
        let event = world.event(&v2(&body), &body).to_string();
        world.function.invoke_text(event, Duration::from_secs(15), Some(trace)).await.expect("an answer");
        assert_eq!(system_attribute(&world.message().await, "AWSTraceHeader").as_deref(), expected);
    }
}
