//! Statuses and bodies, and what is written for each.

use std::time::Duration;

use serde_json::json;
use webhook_tests::now;
use webhook_verify::{Header, UnixSeconds, sha256_hex, sign};

use crate::world::{SECRET, Setup, World, endgrate, number, secret, text, v1, v2};

const BODY: &str = r#"{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}"#;

#[tokio::test]
async fn an_event_is_accepted_once_and_a_duplicate_afterwards() {
    let world = World::pinwheel().await;
    assert_eq!(world.deliver(&v2(BODY), BODY).await, (200, None, json!({"status": "accepted", "id": "e1"})));
    assert_eq!(world.deliver(&v2(BODY), BODY).await, (200, None, json!({"status": "duplicate", "id": "e1"})));
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn a_record_holds_what_the_contract_says_and_no_payload() {
    let world = World::pinwheel().await;
    let before = now().0;
    world.deliver(&v2(BODY), BODY).await;
    let after = now().0;
    let record = world.record().await;
    let mut names: Vec<_> = record.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "claim_token",
            "event_id",
            "event_type",
            "expires_at_s",
            "id",
            "lease_expires_at_ms",
            "message_id",
            "received_at",
            "status"
        ]
    );
    assert_eq!((text(&record, "id"), text(&record, "status")), (Some("pinwheel#e1"), Some("ENQUEUED")));
    assert_eq!((text(&record, "event_type"), text(&record, "event_id")), (Some("account.added"), Some("e1")));
    let message = world.message().await;
    assert_eq!(text(&record, "message_id"), message.message_id.as_deref());
    let expires_at_s = number(&record, "expires_at_s");
    assert!((before + 2_592_000..=after + 2_592_000).contains(&expires_at_s), "{expires_at_s}");
    let lease_s = number(&record, "lease_expires_at_ms") / 1000;
    assert!((before + 20..=after + 20).contains(&lease_s), "{lease_s}");
}

#[tokio::test]
async fn the_answer_to_an_event_in_flight_is_409_with_the_rest_of_its_lease() {
    let world = World::pinwheel().await;
    let lease_ms = (now().0 + 120) * 1000;
    world.put_in_progress("pinwheel#e1", lease_ms).await;
    let (status, retry_after, body) = world.deliver(&v2(BODY), BODY).await;
    assert_eq!((status, body), (409, json!({"status": "in_progress"})));
    let seconds: i64 = retry_after.expect("a Retry-After").parse().expect("seconds");
    assert!((115..=120).contains(&seconds), "{seconds}");
    assert_eq!(world.messages().await, []);
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_taken_over() {
    let world = World::pinwheel().await;
    world.put_in_progress("pinwheel#e1", now().0 * 1000 - 1).await;
    assert_eq!(world.deliver(&v2(BODY), BODY).await.0, 200);
    assert_ne!(text(&world.record().await, "claim_token"), Some("another"));
    assert_eq!(world.messages().await.len(), 1);
    assert_eq!(world.function.delivery_lines(1).await[0]["webhook.taken_over"], true);
}

#[tokio::test]
async fn whatever_is_not_proven_gets_the_same_401_and_writes_nothing() {
    let world = World::pinwheel().await;
    let good = v2(BODY);
    let stamp = |offset_s| sign::pinwheel_v2(&secret(SECRET), UnixSeconds(now().0 + offset_s), BODY.as_bytes());
    let header = |name: &str, value: &str| Header::new(name, value);
    let expected = json!({"content-type": "application/json"});
    for headers in [
        vec![],
        vec![good[0].clone()],
        vec![good[1].clone()],
        sign::pinwheel_v2(&secret("another"), now(), BODY.as_bytes()).to_vec(),
        vec![header("x-pinwheel-signature", "v3=00"), good[1].clone()],
        vec![header("x-pinwheel-signature", ""), good[1].clone()],
        vec![good[0].clone(), header("x-timestamp", "-9223372036854775808")],
        stamp(-86_500).to_vec(),
        stamp(400).to_vec(),
    ] {
        let answer = world.function.invoke(&world.event(&headers, BODY)).await.expect("an answer");
        assert_eq!((&answer["statusCode"], &answer["headers"]), (&json!(401), &expected), "{headers:?}");
        assert_eq!(answer["body"], r#"{"error":"unauthorized"}"#);
    }
    world.assert_nothing_written().await;
}

#[tokio::test]
async fn an_authentic_body_that_is_no_object_is_400_and_writes_nothing() {
    let pinwheel = World::pinwheel().await;
    let endgrate_world = World::endgrate().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128));
    for body in ["", "[]", "{", "NaN", "{\"a\":1}x", &deep] {
        let malformed = (400, None, json!({"error": "malformed"}));
        assert_eq!(pinwheel.deliver(&v2(body), body).await, malformed, "{body:.20}");
        assert_eq!(endgrate_world.deliver(&endgrate(body), body).await, malformed, "{body:.20}");
    }
    pinwheel.assert_nothing_written().await;
    endgrate_world.assert_nothing_written().await;
}

#[tokio::test]
async fn a_body_over_6_mib_is_413_before_any_look_at_the_signature() {
    let world = World::endgrate().await;
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(6_291_456 - 8));
    assert_eq!(body.len(), 6_291_456);
    assert_eq!(world.deliver(&[], &body).await.0, 401);
    let larger = format!("{body} ");
    assert_eq!(world.deliver(&[], &larger).await, (413, None, json!({"error": "too_large"})));
    world.assert_nothing_written().await;
}

#[tokio::test]
async fn a_body_of_6_mib_is_queued_through_the_bucket() {
    let world = World::endgrate().await;
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(6_291_456 - 8));
    let id = format!("body-sha256:{}", sha256_hex(body.as_bytes()));
    assert_eq!(world.deliver(&endgrate(&body), &body).await, (200, None, json!({"status": "accepted", "id": id})));
    let message = world.message().await.body.expect("a body");
    let pointer: serde_json::Value = serde_json::from_str(&message).expect("JSON");
    assert_eq!(pointer[0], "software.amazon.payloadoffloading.PayloadS3Pointer");
    let key = pointer[1]["s3Key"].as_str().expect("a key");
    assert_eq!(
        Some(key),
        text(&world.record().await, "claim_token").map(|token| format!("endgrate/{token}")).as_deref()
    );
    let object = world.aws.s3.get_object().bucket(&world.bucket).key(key).send().await.expect("the object is there");
    let stored = object.body.collect().await.expect("is read").into_bytes();
    assert!(stored.ends_with(format!(",\"data\":{body}}}").as_bytes()), "the object is the envelope round the body");
}

#[tokio::test]
async fn a_failing_queue_is_503_the_claim_is_given_back_and_the_next_attempt_queues() {
    let world = World::pinwheel().await;
    let queue = world.queue.clone();
    world.aws.sqs.delete_queue().queue_url(&queue).send().await.expect("the queue is deleted");
    let unavailable = (503, Some("5".to_owned()), json!({"error": "unavailable"}));
    assert_eq!(world.deliver(&v2(BODY), BODY).await, unavailable);
    assert_eq!(world.records().await, []);
    let name = queue.rsplit('/').next().expect("a URL ends in a name");
    let create = world.aws.sqs.create_queue().queue_name(name);
    create
        .attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true")
        .send()
        .await
        .expect("the queue is made again");
    assert_eq!(world.deliver(&v2(BODY), BODY).await.2, json!({"status": "accepted", "id": "e1"}));
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn a_failing_table_is_503_and_nothing_is_queued() {
    let world = Setup::new("pinwheel", true).await.with("IDEMPOTENCY_TABLE", "no-such-table").start().await;
    let (status, retry_after, body) = world.deliver(&v2(BODY), BODY).await;
    assert_eq!((status, retry_after, body), (503, Some("5".to_owned()), json!({"error": "unavailable"})));
    assert_eq!(world.messages().await, []);
    let line = &world.function.delivery_lines(1).await[0];
    assert_eq!((&line["webhook.outcome"], &line["webhook.reason"]), (&json!("unavailable"), &json!("claim")));
    assert!(
        line["webhook.detail"].as_str().is_some_and(|detail| detail.contains("ResourceNotFoundException")),
        "{line}"
    );
}

#[tokio::test]
async fn a_body_over_the_queues_limit_without_a_bucket_is_503_with_the_reason_in_the_log() {
    let world = Setup::new("endgrate", true).await.with("PAYLOAD_BUCKET", "").start().await;
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576));
    assert_eq!(world.deliver(&endgrate(&body), &body).await.0, 503);
    world.assert_nothing_written().await;
    let detail = world.function.delivery_lines(1).await[0]["webhook.detail"].clone();
    assert_eq!(detail, "send: the message is over the queue's limit and PAYLOAD_BUCKET is not set");
}

#[tokio::test]
async fn near_the_deadline_the_answer_is_503_and_nothing_is_written() {
    let world = World::pinwheel().await;
    let event = world.event(&v2(BODY), BODY);
    let (status, retry_after, _) = world.invoke_within(&event, Duration::from_millis(400)).await;
    assert_eq!((status, retry_after), (503, Some("5".to_owned())));
    world.assert_nothing_written().await;
}

#[tokio::test]
async fn a_captured_v1_delivery_under_another_uuid_is_a_duplicate_with_a_warning() {
    let world = World::pinwheel().await;
    let body = r#"{"event": "x.added", "webhook_id": "w", "payload": {"id": 1}}"#;
    let signed = v1(body);
    let with_uuid = |uuid| [signed[0].clone(), signed[1].clone(), sign::pinwheel_delivery_id(uuid)];
    let id = format!("payload-sha256:{}", sha256_hex(br#"{"id":1}"#));
    assert_eq!(world.deliver(&with_uuid("u1"), body).await.2, json!({"status": "accepted", "id": id}));
    assert_eq!(world.deliver(&with_uuid("u2"), body).await.2, json!({"status": "duplicate", "id": id}));
    assert_eq!(text(&world.record().await, "delivery_id"), Some("u1"));
    let lines = world.function.delivery_lines(2).await;
    assert_eq!((&lines[1]["level"], &lines[1]["webhook.delivery_id_changed"]), (&json!("WARN"), &json!(true)));
}

#[tokio::test]
async fn an_event_signed_again_under_a_new_time_is_the_same_event_in_v1_and_v2() {
    let world = World::pinwheel().await;
    let v1_body = r#"{"event": "x", "payload": {"id": 1}}"#;
    for offset_s in [-10, 0] {
        let at = UnixSeconds(now().0 + offset_s);
        world.deliver(&sign::pinwheel_v2(&secret(SECRET), at, BODY.as_bytes()), BODY).await;
        let signed = sign::pinwheel_v1(&secret(SECRET), at, v1_body.as_bytes()).expect("has a payload");
        world.deliver(&signed, v1_body).await;
    }
    assert_eq!(world.records().await.len(), 2);
    assert_eq!(world.messages().await.len(), 2);
}

#[tokio::test]
async fn a_configuration_event_is_remembered_for_six_minutes_and_the_others_for_the_set_time() {
    for (body, retention_s) in [(r#"{"schemas": {}}"#, 360), (r#"{"completed": true}"#, 2_592_000)] {
        let world = World::endgrate().await;
        let before = now().0;
        assert_eq!(world.deliver(&endgrate(body), body).await.0, 200);
        let left = number(&world.record().await, "expires_at_s") - before;
        assert!((retention_s..=retention_s + 10).contains(&left), "{body}: {left}");
    }
}
