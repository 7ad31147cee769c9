//! Events of every service that sends HTTP requests to Lambda, and malformed events.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use webhook_cli::development_secret;
use webhook_tests::{
    event::{alb, rest_v1},
    samples,
    traffic::{Event, Kind},
};
use webhook_verify::providers::PROVIDERS;

use crate::world::{Setup, World, accepted, duplicate, kind_of, malformed, refused, signed};

#[tokio::test]
async fn the_same_delivery_in_every_format_is_the_same_event() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::with(kind, 1, "\"name\": \"Zoë\"");
        let (path, body) = (world.path.as_str(), event.body.as_str());
        let headers = signed(&event);
        let mut base64_event = world.event(&headers, "");
        base64_event["body"] = json!(BASE64_STANDARD.encode(body));
        base64_event["isBase64Encoded"] = json!(true);
        let mut upper_case = world.event(&[], body);
        for header in &headers {
            upper_case["headers"][header.name().to_uppercase()] =
                json!(String::from_utf8_lossy(header.value()));
        }
        let events = [
            world.event(&headers, body),
            base64_event,
            upper_case,
            rest_v1(path, &headers, body),
            alb(path, &headers, body, false),
            alb(path, &headers, body, true),
        ];
        for (index, lambda_event) in events.iter().enumerate() {
            let expected = if index == 0 { accepted(&event) } else { duplicate(&event) };
            assert_eq!(world.invoke(lambda_event).await, expected, "{lambda_event}");
        }
        assert_eq!(world.messages().await.len(), 1);
    }
}

#[tokio::test]
async fn multi_value_events_get_response_headers_in_both_forms() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let path = world.path.as_str();
        for (event, expected) in [
            (alb(path, &[], "{}", true), json!({"content-type": ["application/json"]})),
            (rest_v1(path, &[], "{}"), json!({"content-type": ["application/json"]})),
            (alb(path, &[], "{}", false), json!({})),
        ] {
            let answer = world.function.invoke(&event).await.expect("an answer");
            assert_eq!(answer["statusCode"], 401);
            assert_eq!(answer["headers"], json!({"content-type": "application/json"}));
            assert_eq!(answer["multiValueHeaders"], expected, "{provider:?}");
        }
    }
}

#[tokio::test]
async fn a_malformed_event_gets_a_4xx_and_the_process_lives() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let signature = provider.schemes()[0].signature.header[0];
        for (event, expected) in [
            (json!({"headers": {}, "body": "%%%", "isBase64Encoded": true}), malformed()),
            (json!({"headers": {signature: 7}, "body": "{}"}), malformed()),
            (json!({"headers": [], "body": "{}"}), malformed()),
            (json!({"headers": {}, "body": {}}), malformed()),
            (json!({"requestContext": {}}), refused()),
            (json!({"headers": null, "body": "{}"}), refused()),
            (json!({"headers": {}, "body": null}), refused()),
        ] {
            assert_eq!(world.invoke(&event).await, expected, "{provider:?}: {event}");
        }
        let raw =
            |text: &str| world.function.invoke_text(text.to_owned(), Duration::from_secs(15), None);
        let deep = format!("{{\"headers\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for text in
            [r#"{"headers":{},"body":"\ud800"}"#, &deep, r#"{"headers":{"a":"\ud800"},"body":""}"#]
        {
            // An error to Lambda would do as well; a dead process would not.
            let answer: Value = raw(text).await.unwrap_or_else(|error| error);
            assert!(!answer.is_null(), "{provider:?}: {text:.40}");
        }
        world.assert_nothing_written().await;
        let event = Event::new(kind_of(provider), 1);
        assert_eq!(
            world.deliver(&event).await,
            accepted(&event),
            "{provider:?}: the process lives"
        );
    }
}

#[tokio::test]
async fn every_sample_gets_its_answer_from_a_function_that_tolerates_its_age() {
    for provider in PROVIDERS {
        let setup =
            Setup::new(provider, true).await.with_secret(&development_secret(provider)).await;
        let world = setup
            .with("TIMESTAMP_TOLERANCE_S", "630720000")
            .with("RETENTION_S", "1261440000")
            .start()
            .await;
        let mut accepted = 0;
        for sample in samples::of(provider) {
            let event = serde_json::from_str(&sample.event()).expect("JSON");
            let (status, _, body) = world.invoke(&event).await;
            assert_eq!(
                (status, body),
                (i64::from(sample.answer.status()), sample.answer.body()),
                "{}",
                sample.file
            );
            accepted += usize::from(matches!(sample.answer, samples::Answer::Accepted { .. }));
        }
        assert_eq!(world.messages().await.len(), accepted, "{provider:?}");
    }
}
