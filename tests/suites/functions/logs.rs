//! One line per delivery, and nothing of the sender's in it but ids and the event's name.

use serde_json::{Value, json};
use webhook_tests::{
    now,
    traffic::{Event, KEY, Kind, secret_of},
};
use webhook_verify::{
    Header,
    description::{EventType, Form, Signature, Unsigned},
};

use crate::{
    metrics::without_a_secret,
    world::{
        ANOTHER, Setup, World, accepted, duplicate, forged, malformed, malformed_delivery, refused,
        signs_python_form, unavailable, unsigned_headers,
    },
};

#[tokio::test]
async fn each_delivery_is_one_line_with_its_outcome_reason_and_duration() {
    for kind in Kind::all() {
        let Some((headers, body, why)) = malformed_delivery(kind) else { continue };
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        assert_eq!(world.deliver(&event).await, duplicate(&event), "{kind:?}");
        assert_eq!(world.send(&forged(&event), &event.body).await, refused(), "{kind:?}");
        assert_eq!(world.send(&headers, &body).await, malformed(), "{kind:?}");
        let lines = world.function.delivery_lines(4).await;
        let fields = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
        assert_eq!(fields("webhook.outcome"), ["accepted", "duplicate", "refused", "malformed"]);
        assert_eq!(
            fields("webhook.reason"),
            [json!(null), json!(null), json!("signature_mismatch"), json!(why)]
        );
        assert_eq!(fields("level"), ["INFO", "INFO", "WARN", "WARN"]);
        assert_eq!(fields("webhook.cold_start"), [true, false, false, false]);
        let key = json!(event.key);
        assert_eq!(fields("webhook.idempotency_key"), [key.clone(), key, json!(null), json!(null)]);
        for line in &lines {
            assert!(
                line["webhook.duration_ms"].is_u64() && line["webhook.request_id"].is_string(),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn a_failed_fetch_of_the_secret_is_logged_with_the_services_error() {
    for kind in Kind::all() {
        let world = without_a_secret(kind).await;
        let line = &world.function.delivery_lines(3).await[1];
        assert_eq!(
            (&line["level"], &line["webhook.outcome"]),
            (&json!("ERROR"), &json!("unavailable"))
        );
        let error = line["webhook.secret_fetch_error"].as_str();
        assert!(error.is_some_and(|error| error.contains("NotFound")), "{line}");
    }
}

/// Returns the event of this number, with texts that must not be logged in all places except its id
/// and name.
fn with_canaries(kind: Kind, number: usize) -> Event {
    let mut event = Event::with(kind, number, "\"name\": \"PAYLOADCANARY1\", \"rate\": 1.0");
    event.body = event.body.replace("\"grp_0\"", "\"PAYLOADCANARY2\"");
    for place in kind.scheme.facts.delivery_id {
        if let Unsigned::Member(name) = place {
            event.body = event.body.replace(&format!("example.{name}"), "BODYCANARY");
        }
    }
    event
}

/// Returns the headers, with canaries in those that no signature covers. A header with the event's
/// name stays as it is, because the name is logged.
fn and_canaries(kind: Kind, mut headers: Vec<Header>) -> Vec<Header> {
    let event_name = match kind.scheme.facts.event_type {
        EventType::Unsigned(Unsigned::Header(header)) => Some(header),
        EventType::Unsigned(Unsigned::Member(_)) | EventType::Signed(_) | EventType::Derived(_) => {
            None
        }
    };
    let schemes = kind.provider.schemes();
    let unsigned: Vec<Header> =
        schemes.iter().flat_map(|scheme| unsigned_headers(scheme, 1)).collect();
    let others = kind.provider.other_headers().iter().map(|(name, _)| *name);
    for name in others.chain(unsigned.iter().map(Header::name)).chain(["authorization"]) {
        if event_name != Some(name) {
            headers.retain(|header| header.name() != name);
            headers.push(Header::new(name, "HEADERCANARY"));
        }
    }
    headers
}

/// Returns the signature without its prefix or label.
fn digits(kind: Kind, headers: &[Header]) -> String {
    let Signature { header, form, .. } = kind.scheme.signature;
    let value =
        headers.iter().find(|candidate| candidate.name() == header[0]).expect("is signed").value();
    let value = str::from_utf8(value).expect("is text");
    let digits = match form {
        Form::Bare => Some(value),
        Form::Prefixed(prefix) => value.strip_prefix(prefix),
        Form::Labelled { separator, assign, label } => {
            value.split(separator).find_map(|part| part.strip_prefix(label)?.strip_prefix(assign))
        }
    };
    digits.expect("has a signature").to_owned()
}

/// Logs as much as can be logged, and looks for what must not be there.
#[tokio::test]
async fn no_payload_header_signature_or_secret_is_logged_even_at_trace() {
    for kind in Kind::all() {
        let setup = Setup::new(kind.provider, true).await;
        let world =
            setup.with("RUST_LOG", "trace,hyper=trace,aws_smithy_runtime=trace").start().await;
        let mut signatures = Vec::new();
        let mut deliver = async |event: &Event, key: &str, body: &str| {
            let headers = and_canaries(kind, event.signed(key, now()));
            signatures.push(digits(kind, &headers));
            world.send(&headers, body).await
        };
        let event = with_canaries(kind, 1);
        assert_eq!(deliver(&event, KEY, &event.body).await.0, 200, "{kind:?}");
        assert_eq!(deliver(&event, KEY, &event.body).await.0, 200, "{kind:?}");
        let other = with_canaries(kind, 2);
        assert_eq!(deliver(&other, ANOTHER, &other.body).await, refused(), "{kind:?}");
        let third = with_canaries(kind, 3);
        let body = if signs_python_form(&kind) {
            third.body.replace(": ", ":")
        } else {
            third.body.clone()
        };
        assert_eq!(deliver(&third, KEY, &body).await.0, 200, "{kind:?}");
        world
            .function
            .invoke(&json!({"headers": {"a": 1}, "body": "BODYCANARY"}))
            .await
            .expect("an answer");
        // A failing call, whose error must not repeat its request.
        world
            .aws
            .sqs
            .delete_queue()
            .queue_url(&world.queue)
            .send()
            .await
            .expect("the queue is deleted");
        let last = with_canaries(kind, 4);
        assert_eq!(deliver(&last, KEY, &last.body).await, unavailable(), "{kind:?}");

        world.function.delivery_lines(6).await;
        let log = world.function.log();
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "this line is not JSON: {line}");
        }
        let spelled = kind.provider.key().write(ANOTHER);
        let secrets = [KEY.to_owned(), secret_of(kind.provider), ANOTHER.to_owned(), spelled];
        let canaries = ["PAYLOADCANARY", "HEADERCANARY", "BODYCANARY"].map(str::to_owned);
        for canary in canaries.iter().chain(&secrets).chain(&signatures) {
            assert!(!log.contains(canary.as_str()), "{canary} is in the log of {kind:?}:\n{log}");
        }
    }
}
