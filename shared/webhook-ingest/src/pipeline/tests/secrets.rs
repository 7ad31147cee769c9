//! Deliveries while the signing secret is rotated, unreadable or out of reach.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::*;
use crate::secrets::SecretWarning;

/// A clock that advances by a number of milliseconds whenever it is read. So whatever happens
/// between two reads takes that long.
struct Slow(ManualClock, Arc<AtomicU64>);

impl Clock for Slow {
    fn now(&self) -> UnixMillis {
        self.0.advance(Duration::from_millis(self.1.load(Ordering::Relaxed)));
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    async fn within<F: Future + Send>(&self, limit: Duration, future: F) -> Option<F::Output> {
        self.0.within(limit, future).await
    }
}

/// Returns a pipeline whose clock advances by `step_ms` whenever it is read.
fn slow(
    clock: &ManualClock,
    step_ms: &Arc<AtomicU64>,
) -> Pipeline<MemoryStore, MemoryQueue, MemorySecrets, Slow> {
    let Pipeline { provider, store, queue, secrets, settings, .. } = acme();
    let clock = Slow(clock.clone(), Arc::clone(step_ms));
    Pipeline { provider, store, queue, secrets, clock, settings }
}

#[tokio::test]
async fn after_a_verification_of_over_a_second_no_secret_is_refetched() {
    for (takes_ms, expected) in [(1000, SecretFetch::AfterMismatch), (1001, SecretFetch::NotDue)] {
        let (clock, step_ms) = (ManualClock::at(START), Arc::new(AtomicU64::new(0)));
        let pipeline = slow(&clock, &step_ms);
        let deliver = async |key: &str, token: &str| {
            pipeline.handle(&signed_with(key, BODY), BODY, attempt(&clock, token)).await
        };
        assert_eq!(deliver("key", "t1").await.outcome, accepted());
        step_ms.store(takes_ms, Ordering::Relaxed);
        let report = deliver("another", "t2").await;
        assert_eq!(
            (report.outcome.name(), report.trail.secret_fetch),
            ("refused", expected),
            "{takes_ms} ms"
        );
    }
}

#[tokio::test]
async fn the_time_of_a_verification_counts_from_the_delivery() {
    let (clock, step_ms) = (ManualClock::at(START), Arc::new(AtomicU64::new(1)));
    let pipeline = slow(&clock, &step_ms);
    let report = pipeline.handle(&signed_with("another", BODY), BODY, attempt(&clock, "t")).await;
    assert_eq!(report.outcome.name(), "refused");
    // The clock is read four times after the delivery has arrived.
    assert_eq!(report.trail.durations.verify, Some(Duration::from_millis(4)));
}

#[tokio::test]
async fn only_the_delivery_that_fetches_a_secret_has_its_warnings() {
    let pipeline = acme();
    let warnings =
        async || pipeline.deliver(&signed_with("key", BODY), BODY, "t").await.trail.secret_warnings;
    assert_eq!(warnings().await, [SecretWarning::Short], "it fetches");
    assert_eq!(warnings().await, [], "the secret is cached");
}

#[tokio::test]
async fn a_rotated_secret_is_fetched_by_the_first_delivery_that_it_signs() {
    let secrets = MemorySecrets::new("old");
    let pipeline = harness(ACME, secrets.clone());
    let deliver = async |key: &str, id: u8| {
        let body = format!(r#"{{"event_id":"e{id}"}}"#);
        pipeline.deliver(&signed_with(key, body.as_bytes()), body.as_bytes(), "t").await
    };
    assert_eq!(deliver("old", 1).await.outcome.name(), "accepted");
    secrets.set(Some("new"), Some(Ok("old")));
    let report = deliver("new", 2).await;
    assert_eq!(
        (report.outcome.name(), report.trail.secret_fetch),
        ("accepted", SecretFetch::AfterMismatch)
    );
    let report = deliver("old", 3).await;
    assert_eq!(
        (report.outcome.name(), report.trail.secret),
        ("accepted", Some(SecretVersion::Previous))
    );
    secrets.set(Some("newer"), Some(Ok("new")));
    assert_eq!(deliver("newer", 4).await.outcome.name(), "refused", "at most one refetch in 10 s");
    pipeline.clock.advance(Duration::from_secs(10));
    assert_eq!(deliver("newer", 4).await.outcome.name(), "accepted");
}

#[tokio::test]
async fn an_unreadable_previous_version_matters_only_after_a_mismatch() {
    let secrets = MemorySecrets::default();
    let denied = || CallError::Failed("AccessDeniedException".to_owned());
    secrets.set(Some("key"), Some(Err(denied())));
    let pipeline = harness(ACME, secrets.clone());
    assert_eq!(pipeline.deliver_body("t1").await, accepted());
    let other = br#"{"event_id":"e2"}"#;
    let fault = |error| {
        Outcome::Unavailable(Fault::Secret(SecretError::PreviousUnreadable(Box::new(error))))
    };
    let outcome = pipeline.deliver(&signed_with("another", other), other, "t2").await.outcome;
    assert_eq!(outcome, fault(SecretError::Call(denied())));
    secrets.set(Some("key"), Some(Ok("")));
    pipeline.clock.advance(Duration::from_secs(10));
    let outcome = pipeline.deliver(&signed_with("another", other), other, "t3").await.outcome;
    assert_eq!(outcome, fault(SecretError::Empty));
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn a_delivery_is_unavailable_if_the_secret_cannot_be_fetched() {
    let secrets = MemorySecrets::default();
    let pipeline = harness(ACME, secrets.clone());
    let down = SecretError::Call(CallError::NoResponse("the store is down"));
    assert_eq!(
        pipeline.deliver_body("t1").await,
        Outcome::Unavailable(Fault::Secret(down.clone()))
    );
    secrets.set(Some("key"), None);
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
    secrets.set(None, None);
    let forged = pipeline.deliver(&signed_with("another", BODY), BODY, "t3").await.outcome;
    assert_eq!(
        forged,
        Outcome::Unavailable(Fault::Secret(down)),
        "a refetch after a failing signature fails"
    );
}

#[tokio::test]
async fn the_trail_tells_apart_why_a_secret_was_fetched() {
    let secrets = MemorySecrets::new("key");
    let pipeline = harness(ACME, secrets.clone());
    let deliver = async |key: &str| {
        let report = pipeline.deliver(&signed_with(key, BODY), BODY, "t").await;
        (report.outcome.name(), report.trail.secret_fetch)
    };
    let failed =
        || SecretFetch::Failed(SecretError::Call(CallError::NoResponse("the store is down")));
    assert_eq!(deliver("key").await, ("accepted", SecretFetch::Routine));
    assert_eq!(deliver("key").await, ("duplicate", SecretFetch::NotDue));
    assert_eq!(deliver("another").await, ("refused", SecretFetch::AfterMismatch));
    assert_eq!(
        deliver("another").await,
        ("refused", SecretFetch::NotDue),
        "at most one refetch in 10 s"
    );

    secrets.set(None, None);
    pipeline.clock.advance(Duration::from_secs(10));
    assert_eq!(deliver("another").await, ("unavailable", failed()));
    assert_eq!(
        deliver("another").await,
        ("unavailable", SecretFetch::NotDue),
        "too early to ask again"
    );
    pipeline.clock.advance(Duration::from_mins(5));
    assert_eq!(deliver("key").await, ("duplicate", failed()), "the old secret stays in use");
    pipeline.clock.advance(Duration::from_secs(10));
    assert_eq!(deliver("another").await, ("unavailable", failed()), "one fetch, not two");
    pipeline.clock.advance(Duration::from_hours(1));
    assert_eq!(deliver("key").await, ("unavailable", failed()), "the old secret is too old");
}
