//! What goes on the queue for any authentic body: JSON that holds the signed bytes' data, in characters and sizes that SQS takes.

use webhook_ingest::{Outcome, testing::StoredMessage};
use webhook_verify::{
    Header, Malformed, Provider, SigningSecret, Tolerance, bounded_name,
    providers::{Endgrate, Pinwheel},
    sha256_hex, sign,
};

use crate::{
    edge::{SQS_MAX_BYTES, group_id, message_attributes, message_body, message_size, trace_header},
    python_form::last,
    reference::{Value, dumps, parse},
    sample::{delivery, only},
    verify::{NOW, SECRET},
    world::World,
};

/// # Panics
/// SQS or a `CloudEvents` consumer would refuse a message, or its data is not the signed data.
pub fn check(input: &[u8]) {
    let (unsigned, body) = delivery(input);
    let secret = SigningSecret::new(SECRET.to_vec()).expect("not empty");
    check_message(Pinwheel, sign::pinwheel_v2(&secret, NOW, body).into(), Signed::Body, &unsigned, body);
    check_message(Endgrate, sign::endgrate(&secret, body).into(), Signed::Body, &unsigned, body);
    if let Ok(headers) = sign::pinwheel_v1(&secret, NOW, body) {
        check_message(Pinwheel, headers.into(), Signed::Payload, &unsigned, body);
    }
    if let Ok(headers) = sign::endgrate_python_form(&secret, body) {
        check_message(Endgrate, headers.into(), Signed::PythonForm, &unsigned, body);
    }
}

/// What of the body the signature covers.
#[derive(Clone, Copy, PartialEq)]
enum Signed {
    Body,
    PythonForm,
    Payload,
}

fn check_message<P: Provider>(provider: P, mut headers: Vec<Header>, signed: Signed, unsigned: &[Header], body: &[u8]) {
    if let Some(uuid) = only(unsigned, "x-pinwheel-webhook-uuid") {
        headers.push(Header::new("x-pinwheel-webhook-uuid", uuid));
    }
    let trace = only(unsigned, "trace").and_then(|trace| str::from_utf8(trace).ok());
    let key = str::from_utf8(SECRET).expect("ASCII");
    let world = World::new(provider, key, NOW, Tolerance::default());
    let outcome = world.deliver(&headers, body, trace);
    let messages = world.pipeline.queue.messages();

    let object = parse(body, 128).ok().map(|(value, _)| value).filter(|value| matches!(value, Value::Object(_)));
    let Some(object) = object else {
        assert_eq!((outcome, messages.len()), (Outcome::Malformed(Malformed::NotAnObject), 0));
        return;
    };
    if outcome == Outcome::Malformed(Malformed::UnsignedFieldTooLong) {
        assert!(signed == Signed::Payload && ["event", "webhook_id"].iter().any(|name| is_long(last(&object, name))));
        assert_eq!(messages.len(), 0);
        return;
    }
    let [StoredMessage { message, .. }] = messages.as_slice() else { panic!("one message: {outcome:?}") };

    let body = message_body(&message.body);
    assert!(is_sendable(&body));
    // Two brackets more than the provider's body: the envelope's and, in version 1, that of the rebuilt body.
    let (envelope, facts) = parse(body.as_bytes(), 130).expect("the envelope is JSON");
    let Value::Object(members) = &envelope else { panic!("an object") };
    assert_eq!(last(&envelope, "specversion"), Some(&text("1.0")));
    let names: std::collections::BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), members.len(), "no attribute twice");
    let data = last(&envelope, "data").expect("data");
    if signed == Signed::Payload {
        let spelled = |object| last(object, "payload").map(|payload| dumps(payload, true));
        assert_eq!(spelled(data), spelled(&object));
        for name in ["event", "webhook_id"] {
            let sent = last(&object, name).filter(|value| is_name(value));
            assert_eq!(last(data, name), Some(sent.unwrap_or(&Value::Null)), "{name}");
        }
        assert!(!facts.duplicate_key);
    } else {
        // What was signed may be the Python form of the body.
        assert!(*data == object || (signed == Signed::PythonForm && dumps(data, false) == dumps(&object, false)));
    }

    let Outcome::Accepted { id } = outcome else { panic!("{outcome:?}") };
    assert_eq!(last(&envelope, "id"), Some(&text(&message.event_id)));
    assert_eq!(id, bounded_name(&message.event_id));
    assert!(id.len() <= 1024 && !id.contains(char::is_control), "the answer is short and printable");
    let key = &message.idempotency_key;
    assert!(world.pipeline.store.record(key).is_some(), "the key is the record's");
    assert!(key.len() <= 2048, "DynamoDB takes the key");
    let told = last(&envelope, "idempotencykey");
    assert!([text(key), text(&sha256_hex(key.as_bytes()))].iter().any(|key| told == Some(key)), "{told:?}");
    for name in ["id", "type", "idempotencykey", "deliveryid"] {
        let Some(Value::Text(value)) = last(&envelope, name) else { continue };
        assert!(value.iter().all(|it| char::from_u32(*it).is_some_and(|it| !it.is_control())), "{name}");
    }

    let group = group_id(&message.provider, &message.group);
    assert!((1..=128).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic()));
    let attributes = message_attributes(message);
    assert_eq!(attributes.len(), 5);
    for (name, value) in &attributes {
        assert!(!value.is_empty() && value.len() <= 2048 && is_sendable(value), "{name}");
    }
    assert!(message_size("", &attributes) < SQS_MAX_BYTES / 100);
    let sent = message.trace_header.as_deref().and_then(trace_header);
    assert!(sent.is_none_or(|header| Some(header) == trace && header.is_ascii()));
}

fn text(text: &str) -> Value {
    Value::Text(text.chars().map(u32::from).collect())
}

/// A text over 1,024 bytes.
fn is_long(value: Option<&Value>) -> bool {
    let Some(Value::Text(text)) = value else { return false };
    text.iter().filter_map(|it| char::from_u32(*it)).map(char::len_utf8).sum::<usize>() > 1024
}

/// A text that is one: not empty, and without half a surrogate pair.
fn is_name(value: &Value) -> bool {
    matches!(value, Value::Text(text) if !text.is_empty() && text.iter().all(|it| char::from_u32(*it).is_some()))
}

/// As SQS documents it: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
fn is_sendable(text: &str) -> bool {
    text.chars().all(|character| {
        matches!(character, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    })
}
