//! Durations, deadlines, and how long an event is remembered.

use webhook_verify::Tolerance;

use super::*;
use crate::outcome::Durations;

#[tokio::test]
async fn exactly_the_parts_that_happened_have_a_duration() {
    let pipeline = acme();
    let parts = async |headers: &[Header], body: &[u8]| {
        let Durations { verify, claim, send, close } =
            pipeline.deliver(headers, body, "t").await.trail.durations;
        [verify, claim, send, close].map(|part| part.is_some())
    };
    let signed = signed_with("key", BODY);
    assert_eq!(parts(&[], BODY).await, [false; 4], "no header");
    assert_eq!(
        parts(&signed_with("another", BODY), BODY).await,
        [true, false, false, false],
        "refused"
    );
    assert_eq!(
        parts(&signed_with("key", b"[]"), b"[]").await,
        [true, false, false, false],
        "malformed"
    );
    pipeline.store.fail([Some(Failure::Before)]);
    assert_eq!(parts(&signed, BODY).await, [true, true, false, true], "the claim fails");
    pipeline.queue.fail([Some(Failure::Before)]);
    assert_eq!(parts(&signed, BODY).await, [true; 4], "the send fails");
    assert_eq!(parts(&signed, BODY).await, [true; 4], "accepted");
    assert_eq!(parts(&signed, BODY).await, [true, true, false, false], "duplicate");
}

#[tokio::test]
async fn a_duration_is_the_time_that_the_part_took() {
    let pipeline = acme();
    pipeline.queue.fail([Some(Failure::HangsBefore)]);
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t").await;
    let durations = report.trail.durations;
    assert_eq!(
        (durations.claim, durations.send),
        (Some(Duration::ZERO), Some(Duration::from_secs(8)))
    );
}

#[tokio::test]
async fn a_delivery_with_too_little_time_left_makes_no_call() {
    let pipeline = acme();
    for left_ms in [0, 100, 515] {
        let mut attempt = attempt(&pipeline.clock, "t");
        attempt.deadline = START.plus(Duration::from_millis(left_ms));
        let report = pipeline.handle(&signed_with("key", BODY), BODY, attempt).await;
        assert_eq!(report.outcome, Outcome::Unavailable(Fault::DeadlineNear), "{left_ms} ms");
    }
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
    let mut attempt = attempt(&pipeline.clock, "t");
    attempt.deadline = START.plus(Duration::from_millis(516));
    assert_eq!(pipeline.handle(&signed_with("key", BODY), BODY, attempt).await.outcome, accepted());
}

#[tokio::test]
async fn an_expired_record_is_free_even_if_it_is_not_deleted_yet() {
    let pipeline = harness(BETA, MemorySecrets::new("key"));
    let body = br#"{"state": {}}"#;
    let headers = sign("beta", "key", UnixSeconds(0), body);
    let id = format!("body-sha256:{}", sha256_hex(body));
    let outcome = |report: Report| report.outcome;
    assert_eq!(
        outcome(pipeline.deliver(&headers, body, "t1").await),
        Outcome::Accepted { id: id.clone() }
    );
    pipeline.clock.advance(Duration::from_secs(360));
    assert_eq!(
        outcome(pipeline.deliver(&headers, body, "t2").await),
        Outcome::Duplicate { id: id.clone() }
    );
    pipeline.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(pipeline.deliver(&headers, body, "t3").await), Outcome::Accepted { id });
    assert_eq!(pipeline.queued(), 2);
}

#[tokio::test]
async fn a_signature_dated_ahead_does_not_outlive_its_record() {
    let mut pipeline = acme();
    pipeline.settings.tolerance = Tolerance { past: Duration::from_secs(180) };
    pipeline.settings.retention = Duration::from_secs(360);
    let dated_ahead = signed_at(START.0 / 1000 + 300, "key", BODY);
    let outcome = |report: Report| report.outcome;
    assert_eq!(outcome(pipeline.deliver(&dated_ahead, BODY, "t1").await), accepted());
    pipeline.clock.advance(Duration::from_secs(480));
    assert_eq!(
        outcome(pipeline.deliver(&dated_ahead, BODY, "t2").await),
        duplicate(),
        "its last valid second"
    );
    pipeline.clock.advance(Duration::from_secs(1));
    let refused = Outcome::Refused(VerifyError::TimestampTooOld { skew_s: 181 });
    assert_eq!(outcome(pipeline.deliver(&dated_ahead, BODY, "t3").await), refused);
    assert_eq!(pipeline.queued(), 1);
}
