//! Each way through the pipeline, each failure on it, and a crash at each of its awaits.

use std::{pin::pin, task::Poll};

use webhook_verify::{
    SecretVersion, SigningSecret, Tolerance, UnixSeconds, sha256_hex, sign::Signer,
};

use super::*;
use crate::{
    outcome::Durations,
    record::Status,
    secrets::DevelopmentSecret,
    testing::{ACME, BETA, Failure, ManualClock, MemoryQueue, MemorySecrets, MemoryStore},
};

mod secrets;
mod senders;

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const BODY: &[u8] = br#"{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}"#;

type Harness = Pipeline<MemoryStore, MemoryQueue, MemorySecrets, ManualClock>;

fn harness(provider: &'static Provider, secrets: MemorySecrets) -> Harness {
    let clock = ManualClock::at(START);
    Pipeline {
        provider,
        store: MemoryStore::default(),
        queue: MemoryQueue::new(clock.clone()),
        secrets: SecretCache::new(
            secrets,
            provider.key(),
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        ),
        clock,
        settings: Settings::default_of(provider),
    }
}

fn acme() -> Harness {
    harness(ACME, MemorySecrets::new("key"))
}

fn secret(key: &str) -> SigningSecret {
    SigningSecret::new(key.as_bytes().to_vec()).expect("not empty")
}

fn signed_with(key: &str, body: &[u8]) -> Vec<Header> {
    signed_at(START.0 / 1000, key, body)
}

fn signed_at(at: i64, key: &str, body: &[u8]) -> Vec<Header> {
    sign("acme-v2", key, UnixSeconds(at), body)
}

fn sign(scheme: &str, key: &str, at: UnixSeconds, body: &[u8]) -> Vec<Header> {
    let scheme =
        [ACME, BETA].iter().find_map(|provider| provider.scheme(scheme)).expect("is there");
    Signer::new(scheme, &secret(key), at).sign(body).expect("can be signed")
}

/// An invocation that Lambda ends 15 s from now.
fn attempt(clock: &ManualClock, token: &str) -> Attempt {
    let deadline = clock.now().plus(Duration::from_secs(15));
    Attempt { token: ClaimToken::named(token), deadline, trace_header: None }
}

impl Harness {
    async fn deliver(&self, headers: &[Header], body: &[u8], token: &str) -> Report {
        self.handle(headers, body, attempt(&self.clock, token)).await
    }

    async fn deliver_body(&self, token: &str) -> Outcome {
        self.deliver(&signed_with("key", BODY), BODY, token).await.outcome
    }

    fn status(&self, id: &str) -> Option<Status> {
        self.store.record(id).map(|record| record.status)
    }

    fn queued(&self) -> usize {
        self.queue.messages().len()
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted { id: "e1".to_owned() }
}

fn duplicate() -> Outcome {
    Outcome::Duplicate { id: "e1".to_owned() }
}

fn unavailable(call: Call) -> Outcome {
    let error = CallError::Failed("InternalServerError".to_owned());
    Outcome::Unavailable(Fault::Call { call, error })
}

fn out_of_time(call: Call) -> Outcome {
    Outcome::Unavailable(Fault::Call { call, error: OUT_OF_TIME })
}

#[tokio::test]
async fn an_authentic_event_is_claimed_queued_and_completed() {
    let pipeline = acme();
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!(report.outcome, accepted());
    let trail = report.trail;
    assert_eq!((trail.scheme, trail.secret), (Some("acme-v2"), Some(SecretVersion::Current)));
    assert_eq!(
        (trail.event_type.as_deref(), trail.event_id.as_deref()),
        (Some("account.added"), Some("e1"))
    );
    assert_eq!(
        (trail.idempotency_key.as_deref(), trail.message_id.as_deref()),
        (Some("acme#e1"), Some("message-1"))
    );
    assert_eq!((trail.taken_over, trail.delivery_id_changed, trail.warning), (false, false, None));

    let record = pipeline.store.record("acme#e1").expect("is there");
    assert_eq!(
        (record.status, record.message_id.as_deref()),
        (Status::Enqueued, Some("message-1"))
    );
    assert_eq!(record.claim.lease_expires_at, START.plus(Duration::from_secs(20)));
    assert_eq!(record.expires_at_s, START.0 / 1000 + 2_592_000);

    let message = &pipeline.queue.messages()[0].message;
    let body = r#"{"specversion":"1.0","id":"e1","source":"/webhooks/acme","type":"acme.account.added","time":"2023-11-14T22:13:20Z","datacontenttype":"application/json","idempotencykey":"acme#e1","signaturescheme":"acme-v2","signedat":"2023-11-14T22:13:20Z","data":{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}}"#;
    assert_eq!(message.body, body);
    assert_eq!((message.provider.as_str(), message.group.as_str()), ("acme", "a1"));
    assert_eq!((message.event_type.as_str(), message.event_id.as_str()), ("account.added", "e1"));
    assert_eq!((message.idempotency_key.as_str(), message.claim_token.as_str()), ("acme#e1", "t1"));
    assert_eq!((message.signature_scheme.as_str(), message.is_replay), ("acme-v2", false));
}

#[tokio::test]
async fn the_same_event_again_is_a_duplicate_and_costs_no_send() {
    let pipeline = acme();
    assert_eq!(pipeline.deliver_body("t1").await, accepted());
    assert_eq!(pipeline.deliver_body("t2").await, duplicate());
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn an_unproven_delivery_is_refused_and_writes_nothing() {
    let secrets = MemorySecrets::new("key");
    let pipeline = harness(ACME, secrets.clone());
    let forged = signed_with("another key", BODY);
    for (headers, reason, fetches) in [
        (vec![], "header_missing", 0),
        (
            vec![Header::new("X-Acme-Signature", "v2=no"), Header::new("X-Acme-Timestamp", "1")],
            "header_malformed",
            0,
        ),
        (vec![forged[0].clone(), forged[0].clone(), forged[1].clone()], "header_repeated", 0),
        (forged.clone(), "signature_mismatch", 1),
        (signed_with("key", b"{}"), "signature_mismatch", 2),
        (signed_with("key", b"[]"), "signature_mismatch", 2),
        (signed_at(1, "key", BODY), "timestamp_too_old", 2),
    ] {
        let outcome = pipeline.deliver(&headers, BODY, "t").await.outcome;
        let Outcome::Refused(error) = outcome else { panic!("{outcome:?} for {reason}") };
        assert_eq!((error.reason(), secrets.fetches()), (reason, fetches));
    }
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_object_is_neither_claimed_nor_queued() {
    let pipeline = acme();
    let large = vec![b' '; webhook_verify::MAX_BODY_BYTES + 1];
    assert_eq!(pipeline.deliver(&[], &large, "t1").await.outcome, Outcome::TooLarge);
    assert_eq!(
        pipeline.deliver(&signed_with("key", b"[]"), b"[]", "t2").await.outcome.name(),
        "malformed"
    );
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}

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
async fn a_send_without_an_answer_ends_in_time_and_leaves_time_to_release() {
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
async fn a_claim_whose_write_or_reply_fails_is_given_back() {
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
async fn a_claim_whose_reply_was_lost_is_known_as_ours_by_its_token() {
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
        "the client's own retry, with the same token"
    );
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn a_failing_complete_is_retried_while_time_is_left_and_answers_200() {
    let pipeline = acme();
    pipeline.store.fail([None, Some(Failure::Before), Some(Failure::Before), None]);
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!((report.outcome, report.trail.warning), (accepted(), None));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_millis(300)));

    let pipeline = acme();
    pipeline.store.fail([None].into_iter().chain([Some(Failure::Before); 100]));
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!(report.outcome, accepted());
    let error = CallError::Failed("InternalServerError".to_owned());
    assert_eq!(report.trail.warning, Some(Fault::Call { call: Call::Complete, error }));
    assert!(pipeline.clock.now() <= START.plus(Duration::from_secs(9)));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::InProgress));

    let pipeline = acme();
    pipeline.store.fail([None, Some(Failure::HangsAfter)]);
    assert_eq!(pipeline.deliver_body("t1").await, accepted());
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_secs(9)));
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
}

#[tokio::test]
async fn a_pause_that_would_take_all_the_time_left_is_not_begun() {
    let pipeline = acme();
    pipeline.store.fail([None].into_iter().chain([Some(Failure::Before); 3]));
    // 300 ms but for the reply's: the second failing complete, at 100 ms, leaves just the next pause of 200 ms.
    let deadline = START.plus(Duration::from_millis(550));
    let attempt = Attempt { deadline, ..attempt(&pipeline.clock, "t1") };
    let report = pipeline.handle(&signed_with("key", BODY), BODY, attempt).await;
    let error = CallError::Failed("InternalServerError".to_owned());
    assert_eq!(report.trail.warning, Some(Fault::Call { call: Call::Complete, error }));
    assert_eq!(pipeline.clock.now(), START.plus(Duration::from_millis(100)));
}

#[tokio::test]
async fn an_owner_that_was_taken_over_changes_nothing_of_its_successor() {
    let pipeline = acme();
    let mut slow = attempt(&pipeline.clock, "slow");
    // A lease that is over at once, as if this instance's clock were far behind.
    slow.deadline = START.plus(Duration::from_millis(1_000));
    pipeline.queue.fail([Some(Failure::HangsAfter)]);
    let headers = signed_with("key", BODY);
    let report = pipeline.handle(&headers, BODY, slow).await;
    assert_eq!(report.outcome, out_of_time(Call::Send));
    assert_eq!(pipeline.deliver_body("fast").await, accepted());
    assert_eq!(
        pipeline.store.release("acme#e1", &ClaimToken::named("slow")).await,
        Ok(Fenced::NotOwner)
    );
    assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    assert_eq!(pipeline.queued(), 1);
}

/// Runs a delivery up to its `call`-th call of a port, lets that call take effect or not, and kills the invocation there.
async fn crash(pipeline: &Harness, call: usize, failure: Failure) {
    let before = |calls: usize| std::iter::repeat_n(None, calls).chain([Some(failure)]);
    match call {
        0 => pipeline.store.fail(before(0)),
        1 => pipeline.queue.fail(before(0)),
        _ => pipeline.store.fail(before(1)),
    }
    let headers = signed_with("key", BODY);
    let mut attempt = attempt(&pipeline.clock, "crashed");
    attempt.deadline = START.plus(Duration::from_secs(15));
    // The parts that a killed process would not run any more are cut off: `within` gives up only when time is over, so the
    // future is dropped at its first wait instead.
    let killed = Killed { clock: pipeline.clock.clone() };
    let process = Pipeline {
        provider: ACME,
        store: Borrowed(&pipeline.store),
        queue: Borrowed(&pipeline.queue),
        secrets: SecretCache::new(
            MemorySecrets::new("key"),
            ACME.key(),
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        ),
        clock: killed,
        settings: pipeline.settings.clone(),
    };
    let mut invocation = pin!(process.handle(&headers, BODY, attempt));
    std::future::poll_fn(|context| {
        assert!(invocation.as_mut().poll(context).is_pending(), "call {call} waits");
        Poll::Ready(())
    })
    .await;
}

/// A clock by which a wait never ends.
struct Killed {
    clock: ManualClock,
}

impl Clock for Killed {
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }

    async fn within<F: Future + Send>(&self, _: Duration, future: F) -> Option<F::Output> {
        Some(future.await)
    }
}

/// A port shared with the process that dies.
struct Borrowed<'a, T>(&'a T);

impl<S: IdempotencyStore> IdempotencyStore for Borrowed<'_, S> {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        self.0.claim(claim).await
    }

    async fn complete(
        &self,
        id: &str,
        token: &ClaimToken,
        message: &str,
        at: i64,
    ) -> Result<Fenced, CallError> {
        self.0.complete(id, token, message, at).await
    }

    async fn release(&self, id: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        self.0.release(id, token).await
    }
}

impl<Q: EventQueue> EventQueue for Borrowed<'_, Q> {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        self.0.send(message).await
    }
}

#[tokio::test]
async fn after_a_crash_the_event_is_in_flight_until_the_lease_ends() {
    for (call, failure, during_lease, after_lease) in [
        (0, Failure::HangsBefore, accepted(), duplicate()),
        (0, Failure::HangsAfter, Outcome::InProgress { retry_after_s: 20 }, accepted()),
        (1, Failure::HangsBefore, Outcome::InProgress { retry_after_s: 20 }, accepted()),
        (1, Failure::HangsAfter, Outcome::InProgress { retry_after_s: 20 }, accepted()),
        (2, Failure::HangsBefore, Outcome::InProgress { retry_after_s: 20 }, accepted()),
        (2, Failure::HangsAfter, duplicate(), duplicate()),
    ] {
        let pipeline = acme();
        crash(&pipeline, call, failure).await;
        assert_eq!(pipeline.deliver_body("t2").await, during_lease, "call {call}, {failure:?}");
        pipeline.clock.advance(Duration::from_millis(20_001));
        assert_eq!(pipeline.deliver_body("t3").await, after_lease, "call {call}, {failure:?}");
        assert_eq!(pipeline.queued(), 1, "call {call}, {failure:?}");
        assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    }
}

#[tokio::test]
async fn the_window_is_a_crash_after_the_send_and_over_five_minutes() {
    let pipeline = acme();
    crash(&pipeline, 1, Failure::HangsAfter).await;
    pipeline.clock.advance(Duration::from_mins(5));
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
    let keys: Vec<_> =
        pipeline.queue.messages().into_iter().map(|sent| sent.message.idempotency_key).collect();
    assert_eq!(keys, ["acme#e1", "acme#e1"], "consumers see it by the key");
}

#[tokio::test]
async fn a_duration_is_known_of_each_part_that_happened_and_of_no_other() {
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

    let pipeline = acme();
    pipeline.queue.fail([Some(Failure::HangsBefore)]);
    let durations = pipeline.deliver(&signed, BODY, "t").await.trail.durations;
    assert_eq!(
        (durations.claim, durations.send),
        (Some(Duration::ZERO), Some(Duration::from_secs(8)))
    );
}

#[tokio::test]
async fn near_the_deadline_nothing_is_begun() {
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
async fn an_expired_record_is_free_whether_or_not_it_was_deleted() {
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
async fn a_signature_that_is_dated_ahead_does_not_outlive_its_record() {
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
