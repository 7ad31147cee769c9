//! Every door that Lambda has, and malformed events.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_tests::{
    event::{alb, rest_v1},
    samples,
};
use webhook_verify::Header;

use crate::world::{Setup, World, endgrate, v2};

const BODY: &str = r#"{"event_id":"e1","event":"account.added","payload":{"name":"Zoë"}}"#;
const PATH: &str = "/webhooks/pinwheel";

#[tokio::test]
async fn the_same_delivery_through_every_door_is_the_same_event() {
    let world = World::pinwheel().await;
    let headers = v2(BODY);
    let mut base64_event = world.event(&headers, "");
    base64_event["body"] = json!(BASE64_STANDARD.encode(BODY));
    base64_event["isBase64Encoded"] = json!(true);
    let mut shouting = world.event(&[], BODY);
    for header in &headers {
        shouting["headers"][header.name().to_uppercase()] = json!(String::from_utf8_lossy(header.value()));
    }
    let events = [
        world.event(&headers, BODY),
        base64_event,
        shouting,
        rest_v1(PATH, &headers, BODY),
        alb(PATH, &headers, BODY, false),
        alb(PATH, &headers, BODY, true),
    ];
    for (index, event) in events.iter().enumerate() {
        let expected = if index == 0 { "accepted" } else { "duplicate" };
        assert_eq!(world.invoke(event).await.2, json!({"status": expected, "id": "e1"}), "{event}");
    }
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn multi_value_doors_get_their_answers_headers_in_both_forms() {
    let world = World::pinwheel().await;
    for (event, expected) in [
        (alb(PATH, &[], BODY, true), json!({"content-type": ["application/json"]})),
        (rest_v1(PATH, &[], BODY), json!({"content-type": ["application/json"]})),
        (alb(PATH, &[], BODY, false), json!({})),
    ] {
        let answer = world.function.invoke(&event).await.expect("an answer");
        assert_eq!(answer["statusCode"], 401);
        assert_eq!(answer["headers"], json!({"content-type": "application/json"}));
        assert_eq!(answer["multiValueHeaders"], expected);
    }
}

#[tokio::test]
async fn two_signature_headers_are_refused_even_where_one_is_good() {
    let world = World::pinwheel().await;
    let good = v2(BODY);
    let bad = Header::new("X-Pinwheel-Signature", format!("v2={}", "0".repeat(64)));
    for headers in [[bad.clone(), good[0].clone(), good[1].clone()], [good[0].clone(), bad, good[1].clone()]] {
        assert_eq!(world.invoke(&rest_v1(PATH, &headers, BODY)).await.0, 401);
        assert_eq!(world.invoke(&alb(PATH, &headers, BODY, true)).await.0, 401);
    }
    let joined = format!("{0},{0}", String::from_utf8_lossy(good[0].value()));
    let joined = [Header::new("x-pinwheel-signature", joined), good[1].clone()];
    assert_eq!(world.deliver(&joined, BODY).await.0, 401, "as an HTTP API joins them");
    world.assert_nothing_written().await;
}

#[tokio::test]
async fn a_malformed_event_gets_a_4xx_and_the_process_lives() {
    let world = World::endgrate().await;
    let malformed = || (400, json!({"error": "malformed"}));
    let unauthorized = || (401, json!({"error": "unauthorized"}));
    for (event, expected) in [
        (json!({"headers": {}, "body": "%%%", "isBase64Encoded": true}), malformed()),
        (json!({"headers": {"x-endgrate-signature": 7}, "body": "{}"}), malformed()),
        (json!({"headers": [], "body": "{}"}), malformed()),
        (json!({"headers": {}, "body": {}}), malformed()),
        (json!({"requestContext": {}}), unauthorized()),
        (json!({"headers": null, "body": "{}"}), unauthorized()),
        (json!({"headers": {}, "body": null}), unauthorized()),
    ] {
        let (status, _, body) = world.invoke(&event).await;
        assert_eq!((status, body), expected, "{event}");
    }
    let raw = |text: &str| world.function.invoke_text(text.to_owned(), Duration::from_secs(15), None);
    let deep = format!("{{\"headers\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [r#"{"headers":{},"body":"\ud800"}"#, &deep, r#"{"headers":{"a":"\ud800"},"body":""}"#] {
        // An error to Lambda would do as well; a dead process would not.
        let answer: Value = raw(text).await.unwrap_or_else(|error| error);
        assert!(!answer.is_null(), "{text:.40}");
    }
    world.assert_nothing_written().await;
    let body = r#"{"completed": true}"#;
    assert_eq!(world.deliver(&endgrate(body), body).await.0, 200, "the process lives");
}

#[tokio::test]
async fn every_sample_gets_its_answer_from_a_function_that_tolerates_its_age() {
    for provider in ["pinwheel", "endgrate"] {
        let setup = Setup::new(provider, true).await;
        let secret = setup.aws.create_secret(DEVELOPMENT_SECRET).await;
        let setup = setup.with("SIGNING_SECRET_ID", &secret);
        let world = setup.with("TIMESTAMP_TOLERANCE_S", "630720000").with("RETENTION_S", "1261440000").start().await;
        let mut accepted = 0;
        for sample in samples::all().into_iter().filter(|sample| sample.sender.provider().name() == provider) {
            let event = serde_json::from_str(&sample.event()).expect("JSON");
            let (status, _, body) = world.invoke(&event).await;
            assert_eq!((status, body), (i64::from(sample.answer.status()), sample.answer.body()), "{}", sample.file);
            accepted += usize::from(status == 200);
        }
        assert_eq!(world.messages().await.len(), accepted);
    }
}
