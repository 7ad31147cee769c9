//! A process that dies at one of its awaits, and what the provider's next attempts find.

use std::{pin::pin, task::Poll};

use super::*;

/// Runs a delivery up to `call`, which hangs before or after it takes effect, and kills the process
/// there.
async fn crash(pipeline: &Harness, call: Call, failure: Failure) {
    match call {
        Call::Claim => pipeline.store.fail([Some(failure)]),
        Call::Send => pipeline.queue.fail([Some(failure)]),
        // The claim comes first, and works.
        Call::Complete | Call::Release => pipeline.store.fail([None, Some(failure)]),
    }
    let headers = signed_with("key", BODY);
    let mut attempt = attempt(&pipeline.clock, "crashed");
    attempt.deadline = START.plus(Duration::from_secs(15));
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
        clock: NoTimeout(pipeline.clock.clone()),
        settings: pipeline.settings.clone(),
    };
    let mut invocation = pin!(process.handle(&headers, BODY, attempt));
    std::future::poll_fn(|context| {
        assert!(invocation.as_mut().poll(context).is_pending(), "{call:?} waits");
        Poll::Ready(())
    })
    .await;
}

/// A clock whose waits never end: a timeout would let the killed process go on.
struct NoTimeout(ManualClock);

impl Clock for NoTimeout {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }

    async fn within<F: Future + Send>(&self, _: Duration, future: F) -> Option<F::Output> {
        Some(future.await)
    }
}

/// A port that the killed process shares with the next ones.
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
    let in_progress = || Outcome::InProgress { retry_after_s: 20 };
    for (call, failure, during_lease, after_lease) in [
        (Call::Claim, Failure::HangsBefore, accepted(), duplicate()),
        (Call::Claim, Failure::HangsAfter, in_progress(), accepted()),
        (Call::Send, Failure::HangsBefore, in_progress(), accepted()),
        (Call::Send, Failure::HangsAfter, in_progress(), accepted()),
        (Call::Complete, Failure::HangsBefore, in_progress(), accepted()),
        (Call::Complete, Failure::HangsAfter, duplicate(), duplicate()),
    ] {
        let pipeline = acme();
        crash(&pipeline, call, failure).await;
        assert_eq!(pipeline.deliver_body("t2").await, during_lease, "{call:?}, {failure:?}");
        pipeline.clock.advance(Duration::from_millis(20_001));
        assert_eq!(pipeline.deliver_body("t3").await, after_lease, "{call:?}, {failure:?}");
        assert_eq!(pipeline.queued(), 1, "{call:?}, {failure:?}");
        assert_eq!(pipeline.status("acme#e1"), Some(Status::Enqueued));
    }
}

#[tokio::test]
async fn a_retry_5_min_after_a_crash_past_the_send_is_queued_again() {
    let pipeline = acme();
    crash(&pipeline, Call::Send, Failure::HangsAfter).await;
    pipeline.clock.advance(Duration::from_mins(5));
    assert_eq!(pipeline.deliver_body("t2").await, accepted());
    let keys: Vec<_> =
        pipeline.queue.messages().into_iter().map(|sent| sent.message.idempotency_key).collect();
    assert_eq!(keys, ["acme#e1", "acme#e1"], "consumers can deduplicate by the key");
}
