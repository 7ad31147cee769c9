//! What senders choose: unsigned fields, schemes, sizes, names that are long or have control characters.

use webhook_verify::Scheme;

use super::*;

#[tokio::test]
async fn a_captured_v1_delivery_under_a_new_uuid_is_a_noticed_duplicate() {
    let pipeline = pinwheel();
    let body = br#"{"event": "x", "webhook_id": "w", "payload": {"id": 1}}"#;
    let signed = sign::pinwheel_v1(&secret("key"), UnixSeconds(START.0 / 1000), body).expect("has a payload");
    let with_uuid = |uuid: &str| [signed[0].clone(), signed[1].clone(), sign::pinwheel_delivery_id(uuid)];
    let first = pipeline.deliver(&with_uuid("u1"), body, "t1").await;
    let retried = pipeline.deliver(&with_uuid("u1"), body, "t2").await;
    let replayed = pipeline.deliver(&with_uuid("u2"), body, "t3").await;
    assert_eq!(
        [first, retried, replayed].map(|report| (report.outcome.name(), report.trail.delivery_id_changed)),
        [("accepted", false), ("duplicate", false), ("duplicate", true)]
    );
}

#[tokio::test]
async fn a_captured_v1_payload_under_another_event_name_is_noticed() {
    let pipeline = pinwheel();
    let deliver = async |body: &[u8], token: &str| {
        let headers = sign::pinwheel_v1(&secret("key"), UnixSeconds(START.0 / 1000), body).expect("has a payload");
        let report = pipeline.deliver(&headers, body, token).await;
        (report.outcome.name(), report.trail.event_type_changed, report.trail.unsigned_fields)
    };
    let unsigned = Some("type,deliveryid,event,webhook_id");
    assert_eq!(deliver(br#"{"event": "x", "payload": 1}"#, "t1").await, ("accepted", false, unsigned));
    assert_eq!(deliver(br#"{"event": "x", "payload": 1}"#, "t2").await, ("duplicate", false, unsigned));
    assert_eq!(deliver(br#"{"event": "y", "payload": 1}"#, "t3").await, ("duplicate", true, unsigned));
}

#[tokio::test]
async fn a_scheme_that_is_not_accepted_is_refused_without_a_call() {
    let mut pipeline = pinwheel();
    pipeline.settings.schemes = vec![Scheme::PinwheelV2];
    let body = br#"{"event": "x", "payload": 1}"#;
    let v1 = sign::pinwheel_v1(&secret("key"), UnixSeconds(START.0 / 1000), body).expect("has a payload");
    let refused = Outcome::Refused(VerifyError::SchemeNotAccepted(Scheme::PinwheelV1));
    let report = pipeline.deliver(&v1, body, "t1").await;
    assert_eq!((report.outcome, report.trail.secret_fetch), (refused, SecretFetch::NotDue));
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
}

#[tokio::test]
async fn a_body_over_the_configured_limit_is_too_large() {
    let mut pipeline = pinwheel();
    pipeline.settings.max_body_bytes = BODY.len() - 1;
    assert_eq!(pipeline.deliver_body("t1").await, Outcome::TooLarge);
    pipeline.settings.max_body_bytes = BODY.len();
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
}

#[tokio::test]
async fn a_long_event_id_is_answered_and_recorded_by_its_hash() {
    let pipeline = pinwheel();
    let id = "\"".repeat(1025);
    let body = serde_json::json!({ "event_id": id }).to_string();
    let hash = sha256_hex(id.as_bytes());
    let report = pipeline.deliver(&signed_with("key", body.as_bytes()), body.as_bytes(), "t1").await;
    assert_eq!(report.outcome, Outcome::Accepted { id: hash.clone() });
    let message = &pipeline.queue.messages()[0].message;
    assert_eq!(message.event_id, id, "the message has the id as it was sent");
    let record = pipeline.store.record(&message.idempotency_key).expect("is there");
    assert_eq!(record.claim.event_id, hash);
}

#[tokio::test]
async fn control_characters_of_a_sender_do_not_reach_the_envelope() {
    let pipeline = pinwheel();
    let body = br#"{"event_id":"e\u0001","event":"a\u001b[31m\nb"}"#;
    let report = pipeline.deliver(&signed_with("key", body), body, "t1").await;
    let id = sha256_hex(b"e\x01");
    assert_eq!(report.outcome, Outcome::Accepted { id: id.clone() });
    let message = pipeline.queue.messages().remove(0).message;
    let envelope: serde_json::Value = serde_json::from_str(&message.body).expect("is JSON");
    assert_eq!(envelope["id"], id.as_str());
    assert_eq!(envelope["type"], format!("pinwheel.{}", sha256_hex(b"a\x1b[31m\nb")));
    assert_eq!(envelope["idempotencykey"], sha256_hex(b"pinwheel#e\x01"));
    assert_eq!(envelope["data"]["event"], "a\u{1b}[31m\nb", "the body stays as it is");
    assert_eq!(message.idempotency_key, "pinwheel#e\u{1}");
}
