//! Checks what goes on the queue for any authentic body: JSON with the signed data, in characters
//! and sizes that SQS accepts.

use std::collections::BTreeSet;

use webhook_ingest::{Outcome, testing::StoredMessage};
use webhook_verify::{
    Header, Malformed, Provider, Scheme, bounded_name,
    description::{Body, EventType, Unsigned},
    json::PythonForm,
    sha256_hex,
};

use crate::{
    edge::{SQS_MAX_BYTES, group_id, message_attributes, message_body, message_size, trace_header},
    oracle::{providers, signed_part, value_of},
    python_form::last,
    reference::{Value, dumps, parse},
    sample::delivery,
    verify::{KEY, NOW, URL, signed},
    world::World,
};

/// # Panics
/// Panics if SQS or a `CloudEvents` consumer would refuse a message, or if its data is not the
/// signed data.
pub fn check(input: &[u8]) {
    let (unsigned, body) = delivery(input);
    for provider in providers() {
        for headers in signed(provider, NOW, body) {
            check_message(provider, headers, &unsigned, body);
        }
    }
}

fn check_message(
    provider: &'static Provider,
    mut headers: Vec<Header>,
    unsigned: &[Header],
    body: &[u8],
) {
    let read: BTreeSet<_> = provider.schemes().iter().flat_map(unsigned_headers).collect();
    headers.extend(
        read.into_iter().filter_map(|name| Some(Header::new(name, value_of(unsigned, &[name])?))),
    );
    let trace = value_of(unsigned, &["trace"]).and_then(|trace| str::from_utf8(trace).ok());
    let world = World::new(provider, KEY, URL, NOW);
    let outcome = world.deliver(&headers, body, trace);
    let messages = world.pipeline.queue.messages();

    let object = parse(body, 128)
        .ok()
        .map(|(value, _)| value)
        .filter(|value| matches!(value, Value::Object(_)));
    let Some(object) = object else {
        assert_eq!((outcome, messages.len()), (Outcome::Malformed(Malformed::NotAnObject), 0));
        return;
    };
    match &outcome {
        Outcome::Malformed(malformed) => {
            assert_eq!((*malformed, messages.len()), (Malformed::UnsignedFieldTooLong, 0));
            assert!(
                provider.schemes().iter().any(|scheme| has_long_field(scheme, &headers, &object))
            );
            return;
        }
        Outcome::Challenge(_) => {
            assert_eq!(messages.len(), 0);
            assert!(provider.schemes().iter().any(|scheme| scheme.facts.challenge.is_some()));
            return;
        }
        Outcome::Accepted { .. } => {}
        other => panic!("a signed object is not accepted: {other:?}"),
    }
    let [StoredMessage { message, .. }] = messages.as_slice() else {
        panic!("not exactly one message: {outcome:?}")
    };
    let scheme = provider.scheme(&message.signature_scheme).expect("a scheme of the provider");

    let envelope_text = message_body(&message.body);
    assert!(is_sendable(&envelope_text));
    // The envelope may have two more levels than the provider's body: its own and, around a signed
    // member, that of the rebuilt body.
    let (envelope, facts) = parse(envelope_text.as_bytes(), 130).expect("the envelope is JSON");
    let Value::Object(members) = &envelope else { panic!("an object") };
    assert_eq!(last(&envelope, "specversion"), Some(&text("1.0")));
    let names: BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), members.len(), "an attribute is there twice");
    let data = last(&envelope, "data").expect("data");
    if let Some(name) = scheme.signed_member() {
        let member = last(data, name).expect("the signed member");
        let spellings = scheme.messages.iter().filter_map(|message| match message.body {
            Body::PythonFormOfMember(_, form) => {
                Some(dumps(member, form == PythonForm::Compact).into_bytes())
            }
            Body::Raw | Body::PythonForm(_) => None,
        });
        let signed: Vec<_> =
            scheme.messages.iter().filter_map(|message| signed_part(message, body)).collect();
        assert!(spellings.into_iter().any(|spelling| signed.contains(&spelling)));
        for name in scheme.facts.unsigned_members {
            let sent = last(&object, name).filter(|value| is_name(value));
            assert_eq!(last(data, name), Some(sent.unwrap_or(&Value::Null)), "{name}");
        }
        assert!(!facts.duplicate_key);
    } else {
        // The signed text may be a Python form of the body.
        let is_form = || {
            let signed = scheme.messages.iter().filter_map(|message| signed_part(message, body));
            signed
                .into_iter()
                .any(|signed| parse(&signed, 128).is_ok_and(|(value, _)| value == *data))
        };
        assert!(*data == object || is_form());
    }

    let Outcome::Accepted { id } = outcome else { panic!("{outcome:?}") };
    assert_eq!(last(&envelope, "id"), Some(&text(&message.event_id)));
    assert_eq!(id, bounded_name(&message.event_id));
    assert!(
        id.len() <= 1024 && !id.contains(char::is_control),
        "the id in the answer is too long or not printable"
    );
    let key = &message.idempotency_key;
    assert!(world.pipeline.store.record(key).is_some(), "the record has a different key");
    assert!(key.len() <= 2048, "DynamoDB refuses the key");
    let told = last(&envelope, "idempotencykey");
    assert!(
        [text(key), text(&sha256_hex(key.as_bytes()))].iter().any(|key| told == Some(key)),
        "{told:?}"
    );
    for name in ["id", "type", "idempotencykey", "deliveryid"] {
        let Some(Value::Text(value)) = last(&envelope, name) else { continue };
        assert!(
            value.iter().all(|it| char::from_u32(*it).is_some_and(|it| !it.is_control())),
            "{name}"
        );
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

/// Returns the headers that the description reads although no signature covers them.
fn unsigned_headers(scheme: &'static Scheme) -> impl Iterator<Item = &'static str> {
    let event_type =
        if let EventType::Unsigned(place) = scheme.facts.event_type { Some(place) } else { None };
    event_type.into_iter().chain(scheme.facts.delivery_id.iter().copied()).filter_map(|place| {
        match place {
            Unsigned::Header(name) => Some(name),
            Unsigned::Member(_) => None,
        }
    })
}

fn has_long_field(scheme: &'static Scheme, headers: &[Header], object: &Value) -> bool {
    scheme.facts.unsigned_members.iter().any(|name| is_long(last(object, name)))
        || unsigned_headers(scheme)
            .any(|name| value_of(headers, &[name]).is_some_and(|value| value.len() > 1024))
}

/// Returns whether the value is a text of more than 1,024 bytes.
fn is_long(value: Option<&Value>) -> bool {
    let Some(Value::Text(text)) = value else { return false };
    text.iter().filter_map(|it| char::from_u32(*it)).map(char::len_utf8).sum::<usize>() > 1024
}

/// Returns whether the value is a text that is not empty and has no lone surrogate.
fn is_name(value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    !text.is_empty() && text.iter().all(|it| char::from_u32(*it).is_some())
}

/// Returns whether SQS accepts all characters. It documents them: #x9 | #xA | #xD | #x20 to #xD7FF
/// | #xE000 to #xFFFD | #x10000 to #x10FFFF.
fn is_sendable(text: &str) -> bool {
    text.chars().all(|character| {
        matches!(
            character,
            '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
                | '\u{10000}'..
        )
    })
}
