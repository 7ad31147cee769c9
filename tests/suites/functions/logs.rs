//! One line per delivery, and nothing of the sender's in it but ids and the event's name.

use serde_json::{Value, json};
use webhook_tests::now;
use webhook_verify::{Header, sign};

use crate::world::{SECRET, Setup, World, endgrate, secret, v1, v2};

#[tokio::test]
async fn each_delivery_is_one_line_with_its_outcome_reason_and_duration() {
    let world = World::pinwheel().await;
    let body = r#"{"event_id":"e1","event":"x.added"}"#;
    world.deliver(&v2(body), body).await;
    world.deliver(&v2(body), body).await;
    world.deliver(&sign::pinwheel_v2(&secret("another"), now(), body.as_bytes()), body).await;
    world.deliver(&v2("[]"), "[]").await;
    let lines = world.function.delivery_lines(4).await;
    let fields = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(fields("webhook.outcome"), ["accepted", "duplicate", "refused", "malformed"]);
    assert_eq!(
        fields("webhook.reason"),
        [json!(null), json!(null), json!("signature_mismatch"), json!("not_an_object")]
    );
    assert_eq!(fields("level"), ["INFO", "INFO", "WARN", "WARN"]);
    assert_eq!(fields("webhook.cold_start"), [true, false, false, false]);
    assert_eq!(
        fields("webhook.idempotency_key"),
        [json!("pinwheel#e1"), json!("pinwheel#e1"), json!(null), json!(null)]
    );
    for line in &lines {
        assert!(line["webhook.duration_ms"].is_u64() && line["webhook.request_id"].is_string(), "{line}");
    }
}

/// Logs as much as can be logged, and looks for what must not be there.
#[tokio::test]
async fn no_payload_header_signature_or_secret_is_logged_even_at_trace() {
    for provider in ["pinwheel", "endgrate"] {
        let setup = Setup::new(provider, true).await.with("RUST_LOG", "trace,hyper=trace,aws_smithy_runtime=trace");
        let world = setup.start().await;
        let body = |id: &str| {
            format!(
                r#"{{"event_id":"{id}","event":"x.added","payload":{{"account_id":"PAYLOADCANARY1"}},"session_id":"PAYLOADCANARY2"}}"#
            )
        };
        let sign = |key: &str, body: &str| -> Vec<Header> {
            let mut headers: Vec<Header> = if provider == "pinwheel" {
                sign::pinwheel_v2(&secret(key), now(), body.as_bytes()).into()
            } else {
                sign::endgrate(&secret(key), body.as_bytes()).into()
            };
            headers.push(Header::new("x-pinwheel-webhook-uuid", "HEADERCANARY1"));
            headers.push(Header::new("authorization", "HEADERCANARY2"));
            headers
        };
        let mut signatures = Vec::new();
        for (key, id, expected) in [(SECRET, "e1", 200), (SECRET, "e1", 200), ("ANOTHERSECRET", "e2", 401)] {
            let body = body(id);
            let headers = sign(key, &body);
            signatures.push(String::from_utf8_lossy(headers[0].value()).trim_start_matches("v2=").to_owned());
            assert_eq!(world.deliver(&headers, &body).await.0, expected);
        }
        if provider == "pinwheel" {
            let body = r#"{"event": "x", "webhook_id": "BODYCANARY", "payload": {"a": "PAYLOADCANARY3"}}"#;
            assert_eq!(world.deliver(&v1(body), body).await.0, 200);
        } else {
            let body = r#"{"a": "PAYLOADCANARY3", "b": 1.0}"#;
            assert_eq!(world.deliver(&endgrate(body), &body.replace(": ", ":")).await.0, 200);
        }
        world.function.invoke(&json!({"headers": {"a": 1}, "body": "BODYCANARY"})).await.expect("an answer");
        // A failing call, whose error must not repeat its request.
        world.aws.sqs.delete_queue().queue_url(&world.queue).send().await.expect("the queue is deleted");
        let last = body("e3");
        assert_eq!(world.deliver(&sign(SECRET, &last), &last).await.0, 503);

        world.function.delivery_lines(6).await;
        let log = world.function.log();
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "a line that is no JSON: {line}");
        }
        signatures.push(SECRET.to_owned());
        signatures.push("ANOTHERSECRET".to_owned());
        for canary in ["PAYLOADCANARY", "HEADERCANARY", "BODYCANARY"].map(str::to_owned).iter().chain(&signatures) {
            assert!(!log.contains(canary.as_str()), "{canary} is in the log of {provider}:\n{log}");
        }
    }
}
