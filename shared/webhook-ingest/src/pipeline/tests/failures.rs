//! Calls that fail or hang: each claim, send, complete and release.

use super::*;

#[tokio::test]
async fn after_a_failed_send_the_next_attempt_queues_the_event() {
    for failure in [Failure::Before, Failure::After] {
        let pipeline = acme();
        pipeline.queue.fail([Some(failure)]);
        assert_eq!(pipeline.deliver_body("t1").await, unavailable(Call::Send));
        assert!(pipeline.store.is_empty(), "{failure:?}");
        assert_eq!(pipeline.deliver_body("t2").await, accepted());
        assert_eq!(pipeline.queued(), 1, "{failure:?}: the queue deduplicates");
    }
}

#[tokio::test]
async fn a_send_without_a_reply_leaves_time_to_release_the_claim() {
    for failure in [Failure::HangsBefore, Failure::HangsAfter] {
        let pipeline = acme();
        pipeline.queue.fail([Some(failure)]);
        assert_eq!(pipeline.deliver_body("t1").await, out_of_time(Call::Send));
        assert_eq!(pipeline.clock.now(), START.plus(Duration::from_secs(8)));
        assert!(pipeline.store.is_empty());
        assert_eq!(pipeline.deliver_body("t2").await, accepted());
        assert_eq!(pipeline.queued(), 1);
    }
}

#[tokio::test]
async fn a_release_that_fails_leaves_the_event_in_flight_until_its_lease_ends() {
    let pipeline = acme();
    pipeline.queue.fail([Some(Failure::Before)]);
    pipeline.store.fail([None, Some(Failure::Before)]);
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!(report.outcome, unavailable(Call::Send));
    let error = CallError::Failed("InternalServerError".to_owned());
    assert_eq!(report.trail.warning, Some(Fault::Call { call: Call::Release, error }));
    pipeline.clock.advance(Duration::from_millis(500));
    assert_eq!(pipeline.deliver_body("t2").await, Outcome::InProgress { retry_after_s: 20 });
    pipeline.clock.advance(Duration::from_millis(19_500));
    assert_eq!(pipeline.deliver_body("t3").await, Outcome::InProgress { retry_after_s: 1 });
    pipeline.clock.advance(Duration::from_millis(1));
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t4").await;
    assert_eq!((report.outcome, report.trail.taken_over), (accepted(), true));
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn a_failed_claim_is_released_whether_or_not_it_took_effect() {
    for (failure, outcome) in [
        (Failure::Before, unavailable(Call::Claim)),
        (Failure::After, unavailable(Call::Claim)),
        (Failure::HangsBefore, out_of_time(Call::Claim)),
        (Failure::HangsAfter, out_of_time(Call::Claim)),
    ] {
        let pipeline = acme();
        pipeline.store.fail([Some(failure)]);
        assert_eq!(pipeline.deliver_body("t1").await, outcome, "{failure:?}");
        assert!(pipeline.store.is_empty(), "{failure:?}");
        assert_eq!(pipeline.queued(), 0);
        assert_eq!(pipeline.deliver_body("t2").await, accepted());
    }
}

#[tokio::test]
async fn a_claim_whose_reply_was_lost_is_recognised_by_its_token() {
    let pipeline = acme();
    let lost = NewClaim {
        idempotency_key: "acme#e1".to_owned(),
        token: ClaimToken::named("t1"),
        now: START,
        lease_expires_at: START.plus(Duration::from_secs(20)),
        expires_at_s: START.0 / 1000 + 3600,
        event_type: "account.added".to_owned(),
        event_id: "e1".to_owned(),
        delivery_id: None,
    };
    assert_eq!(pipeline.store.claim(&lost).await, Ok(ClaimResult::Claimed { taken_over: false }));
    assert_eq!(
        pipeline.deliver_body("t1").await,
        accepted(),
        "the same invocation claims again, with the same token"
    );
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn a_failed_complete_is_retried() {
    let pipeline = acme();
    pipeline.store.fail([None, Some(Failure::Before), Some(Failure::Before), None]);
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!((report.outcome, report.trail.warning), (accepted(), None));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_millis(300)));
}

#[tokio::test]
async fn an_event_is_accepted_even_if_complete_fails_until_time_is_over() {
    let pipeline = acme();
    pipeline.store.fail([None].into_iter().chain([Some(Failure::Before); 100]));
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!(report.outcome, accepted());
    let error = CallError::Failed("InternalServerError".to_owned());
    assert_eq!(report.trail.warning, Some(Fault::Call { call: Call::Complete, error }));
    assert!(pipeline.clock.now() <= START.plus(Duration::from_secs(9)));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::InProgress));
}

#[tokio::test]
async fn an_event_is_accepted_even_if_complete_gets_no_reply() {
    let pipeline = acme();
    pipeline.store.fail([None, Some(Failure::HangsAfter)]);
    assert_eq!(pipeline.deliver_body("t1").await, accepted());
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_secs(9)));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
}

#[tokio::test]
async fn complete_is_not_retried_if_the_pause_takes_all_the_time_left() {
    let pipeline = acme();
    pipeline.store.fail([None].into_iter().chain([Some(Failure::Before); 3]));
    // 550 ms less 250 ms for the response leave 300 ms. The second complete fails at 100 ms, when
    // exactly the next pause of 200 ms is left.
    let deadline = START.plus(Duration::from_millis(550));
    let attempt = Attempt { deadline, ..attempt(&pipeline.clock, "t1") };
    let report = pipeline.handle(&signed_with("key", BODY), BODY, attempt).await;
    let error = CallError::Failed("InternalServerError".to_owned());
    assert_eq!(report.trail.warning, Some(Fault::Call { call: Call::Complete, error }));
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_millis(100)));
}

#[tokio::test]
async fn an_owner_whose_claim_was_taken_over_cannot_change_the_record() {
    let pipeline = acme();
    // The lease ends 5 s after the deadline.
    let deadline = START.plus(Duration::from_secs(1));
    let slow = Attempt { deadline, ..attempt(&pipeline.clock, "slow") };
    pipeline.queue.fail([Some(Failure::HangsAfter)]);
    pipeline.store.fail([None, Some(Failure::Before)]);
    let headers = signed_with("key", BODY);
    let report = pipeline.handle(&headers, BODY, slow).await;
    assert_eq!(report.outcome, out_of_time(Call::Send));
    pipeline.clock.advance(Duration::from_secs(6));
    let report = pipeline.deliver(&headers, BODY, "fast").await;
    assert_eq!((report.outcome, report.trail.taken_over), (accepted(), true));
    assert_eq!(
        pipeline.store.release("acme#e1", &ClaimToken::named("slow")).await,
        Ok(Fenced::NotOwner)
    );
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    assert_eq!(pipeline.queued(), 1);
}
