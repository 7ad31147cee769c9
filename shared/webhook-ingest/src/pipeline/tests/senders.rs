//! What senders choose: unsigned fields, schemes, sizes, and names that are long or have control
//! characters.

use super::*;

const CHALLENGE: &[u8] = br#"{"type": "url_verification", "challenge": "3eZb\u0001"}"#;

#[tokio::test]
async fn a_replay_under_a_new_delivery_id_is_a_duplicate_and_noticed() {
    let pipeline = acme();
    let body = br#"{"event": "x", "webhook_id": "w", "payload": {"id": 1}}"#;
    let signed = sign("acme-v1", "key", UnixSeconds(START.0 / 1000), body);
    let with_uuid =
        |uuid: &str| [signed[0].clone(), signed[1].clone(), Header::new("x-acme-delivery", uuid)];
    let first = pipeline.deliver(&with_uuid("u1"), body, "t1").await;
    let retried = pipeline.deliver(&with_uuid("u1"), body, "t2").await;
    let replayed = pipeline.deliver(&with_uuid("u2"), body, "t3").await;
    assert_eq!(
        [first, retried, replayed]
            .map(|report| (report.outcome.name(), report.trail.delivery_id_changed)),
        [("accepted", false), ("duplicate", false), ("duplicate", true)]
    );
}

#[tokio::test]
async fn a_replay_under_a_different_event_name_is_noticed() {
    let pipeline = acme();
    let deliver = async |body: &[u8], token: &str| {
        let headers = sign("acme-v1", "key", UnixSeconds(START.0 / 1000), body);
        let report = pipeline.deliver(&headers, body, token).await;
        (report.outcome.name(), report.trail.event_type_changed, report.trail.unsigned_fields)
    };
    let unsigned = || Some("type,deliveryid,event,webhook_id".to_owned());
    assert_eq!(
        deliver(br#"{"event": "x", "payload": 1}"#, "t1").await,
        ("accepted", false, unsigned())
    );
    assert_eq!(
        deliver(br#"{"event": "x", "payload": 1}"#, "t2").await,
        ("duplicate", false, unsigned())
    );
    assert_eq!(
        deliver(br#"{"event": "y", "payload": 1}"#, "t3").await,
        ("duplicate", true, unsigned())
    );
}

#[tokio::test]
async fn a_scheme_that_is_not_accepted_is_refused_without_a_call() {
    let mut pipeline = acme();
    pipeline.settings.schemes = vec![&ACME.schemes()[1]];
    let body = br#"{"event": "x", "payload": 1}"#;
    let v1 = sign("acme-v1", "key", UnixSeconds(START.0 / 1000), body);
    let refused = Outcome::Refused(VerifyError::SchemeNotAccepted(&ACME.schemes()[0]));
    let report = pipeline.deliver(&v1, body, "t1").await;
    assert_eq!((report.outcome, report.trail.secret_fetch), (refused, SecretFetch::NotDue));
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
}

#[tokio::test]
async fn a_body_over_the_configured_limit_is_too_large() {
    let mut pipeline = acme();
    pipeline.settings.max_body_bytes = BODY.len() - 1;
    assert_eq!(pipeline.deliver_body("t1").await, Outcome::TooLarge);
    pipeline.settings.max_body_bytes = BODY.len();
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
}

#[tokio::test]
async fn a_long_event_id_is_answered_and_recorded_by_its_hash() {
    let pipeline = acme();
    let id = "\"".repeat(1025);
    let body = serde_json::json!({ "event_id": id }).to_string();
    let hash = sha256_hex(id.as_bytes());
    let report =
        pipeline.deliver(&signed_with("key", body.as_bytes()), body.as_bytes(), "t1").await;
    assert_eq!(report.outcome, Outcome::Accepted { id: hash.clone() });
    let message = &pipeline.queue.messages()[0].message;
    assert_eq!(message.event_id, id, "the message keeps the id as it was sent");
    let record = pipeline.store.record(&message.idempotency_key).expect("is there");
    assert_eq!(record.claim.event_id, hash);
}

#[tokio::test]
async fn control_characters_do_not_reach_the_attributes_of_the_envelope() {
    let pipeline = acme();
    let body = br#"{"event_id":"e\u0001","event":"a\u001b[31m\nb"}"#;
    let report = pipeline.deliver(&signed_with("key", body), body, "t1").await;
    let id = sha256_hex(b"e\x01");
    assert_eq!(report.outcome, Outcome::Accepted { id: id.clone() });
    let message = pipeline.queue.messages().remove(0).message;
    let envelope: serde_json::Value = serde_json::from_str(&message.body).expect("is JSON");
    assert_eq!(envelope["id"], id.as_str());
    assert_eq!(envelope["type"], format!("acme.{}", sha256_hex(b"a\x1b[31m\nb")));
    assert_eq!(envelope["idempotencykey"], sha256_hex(b"acme#e\x01"));
    assert_eq!(envelope["data"]["event"], "a\u{1b}[31m\nb", "the body stays as it is");
    assert_eq!(message.idempotency_key, "acme#e\u{1}");
}

#[tokio::test]
async fn a_challenge_is_answered_and_writes_nothing() {
    let pipeline = acme();
    let report = pipeline.deliver(&signed_with("key", CHALLENGE), CHALLENGE, "t").await;
    let Outcome::Challenge(answer) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(answer.body(), r#"{"challenge":"3eZb\u0001"}"#);
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}

#[tokio::test]
async fn a_forged_challenge_is_refused_and_writes_nothing() {
    let pipeline = acme();
    let report = pipeline.deliver(&signed_with("another", CHALLENGE), CHALLENGE, "t").await;
    assert_eq!(report.outcome, Outcome::Refused(VerifyError::SignatureMismatch));
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}
