//! Handles one delivery, from its bytes to its outcome.
//!
//! The checks run in this order: size, form of the headers, secret, MAC, clock, challenge, JSON
//! object. A refused delivery makes no call, a duplicate makes one (claim), and an accepted
//! delivery makes three (claim, send, complete). Fetching the secret comes on top, if the cached
//! one is too old or does not match; after a mismatch, it is fetched at most every 10 s.
//!
//! What is left behind if the process dies at an await, or the reply to the call is lost:
//!
//! | died or lost at | left behind | the provider's next attempt |
//! |---|---|---|
//! | claim | perhaps a record in progress | gets 409 until its lease ends, then takes it over |
//! | send | a record in progress, perhaps the message | as after a claim; sends again |
//! | release | perhaps a record in progress, perhaps the message | as after a send |
//! | complete, answer | the message, perhaps a record in progress | duplicate, or as after a send |
//!
//! For five minutes after a send, the queue deduplicates a second send of the same event.

use std::{sync::Arc, time::Duration};

use webhook_verify::{
    Delivery, Event, Header, Provider, Unverified, Verified, VerifyError, bounded_name,
};

use crate::{
    budget::Budget,
    clock::{Clock, UnixMillis},
    message::Message,
    outcome::{Call, Fault, Outcome, Report, Trail},
    ports::{CallError, EventQueue, Fenced, IdempotencyStore, SecretStore},
    record::{ClaimResult, ClaimToken, NewClaim, expires_at_s},
    secrets::{Fetched, SecretCache, SecretError, SecretFetch},
    settings::Settings,
};

/// The pause before the first retry of a failed `complete`; it doubles each time.
const COMPLETE_PAUSE: Duration = Duration::from_millis(100);
/// If verification takes longer than this, it is not repeated with newer secrets, so that a slow
/// forgery does not cost twice as much.
const SLOW_VERIFICATION: Duration = Duration::from_secs(1);

/// What the pipeline must know about one invocation.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The fencing token for this invocation's claim; never used twice.
    pub token: ClaimToken,
    /// When the runtime kills the invocation.
    pub deadline: UnixMillis,
    /// The tracing header to pass on with the message.
    pub trace_header: Option<String>,
}

/// Verifies, claims, sends and completes the deliveries of one provider.
pub struct Pipeline<S, Q, K, C> {
    pub provider: &'static Provider,
    /// Keeps the idempotency records.
    pub store: S,
    /// Takes the messages for the consumers.
    pub queue: Q,
    pub secrets: SecretCache<K>,
    pub clock: C,
    pub settings: Settings,
}

impl<S: IdempotencyStore, Q: EventQueue, K: SecretStore, C: Clock> Pipeline<S, Q, K, C> {
    /// Handles one delivery. Never fails: a fault is an outcome too. Returns before the
    /// invocation's deadline, and within 9 s.
    pub async fn handle(&self, headers: &[Header], body: &[u8], attempt: Attempt) -> Report {
        let received_at = self.clock.now();
        let budget = Budget::new(received_at, attempt.deadline);
        let mut intake = Intake { pipeline: self, received_at, budget, trail: Trail::default() };
        let (Ok(outcome) | Err(outcome)) = intake.run(headers, body, attempt).await;
        Report { outcome, trail: intake.trail }
    }
}

/// The result of a step. `Err` has the outcome if the delivery ends there, so `?` can return it.
type Step<T> = Result<T, Outcome>;

/// One delivery in the pipeline.
struct Intake<'p, S, Q, K, C> {
    pipeline: &'p Pipeline<S, Q, K, C>,
    received_at: UnixMillis,
    budget: Budget,
    trail: Trail,
}

impl<S: IdempotencyStore, Q: EventQueue, K: SecretStore, C: Clock> Intake<'_, S, Q, K, C> {
    async fn run(&mut self, headers: &[Header], body: &[u8], attempt: Attempt) -> Step<Outcome> {
        let settings = &self.pipeline.settings;
        if body.len() > settings.max_body_bytes {
            return Err(Outcome::TooLarge);
        }
        let delivery = Delivery::new(headers, body).map_err(|_| Outcome::TooLarge)?;
        let unverified = self.pipeline.provider.parse(delivery).map_err(Outcome::Refused)?;
        let scheme = unverified.scheme();
        self.trail.scheme = Some(scheme.name);
        if !settings.schemes.contains(&scheme) {
            return Err(Outcome::Refused(VerifyError::SchemeNotAccepted(scheme)));
        }

        let verified = self.authenticate(&unverified).await;
        // Set before `?`, for refusals too: it shows what forgeries cost.
        self.trail.durations.verify = Some(self.since_received());
        let (verified, fetched) = verified?;
        self.trail.secret = Some(verified.secret());
        if let Some(answer) = verified.challenge(&fetched.secrets) {
            return Err(Outcome::Challenge(answer));
        }
        let event = verified.event().map_err(Outcome::Malformed)?;
        self.trail.durations.verify = Some(self.since_received());

        let claim = NewClaim::new(
            &event,
            attempt.token,
            self.received_at,
            self.budget.lease_end(),
            settings,
        );
        self.trail.describe(&claim, &event);
        self.claim(&claim).await?;
        let message =
            Message::new(&event, claim.token.clone(), self.received_at, attempt.trace_header);
        let message_id = self.send(&claim, &message).await?;
        self.complete(&claim, &event, &message_id).await;
        self.trail.message_id = Some(message_id);
        Ok(Outcome::Accepted { id: claim.event_id })
    }

    /// Verifies with the cached secrets and, if the signature does not match, once more with newer
    /// ones. Also returns the secrets that it used last.
    async fn authenticate<'d>(
        &mut self,
        unverified: &Unverified<'d>,
    ) -> Step<(Verified<'d>, Arc<Fetched>)> {
        let Pipeline { secrets, settings, .. } = self.pipeline;
        let now = self.received_at.seconds();
        let public_url = settings.public_url.as_deref();
        let verify = |fetched: &Fetched| {
            unverified.verify(&fetched.secrets, now, settings.tolerance, public_url)
        };

        let (mut fetched, fetch) = self.secret_call(secrets.get(self.received_at)).await?;
        if fetch == SecretFetch::Routine {
            self.trail.secret_warnings.clone_from(&fetched.warnings);
        }
        self.trail.secret_fetch = fetch;
        let began_at = self.now();
        let mut verdict = verify(&fetched);
        let is_slow = self.now().since(began_at) > SLOW_VERIFICATION;
        // A secret that was fetched just now is not fetched again.
        if matches!(verdict, Err(VerifyError::SignatureMismatch))
            && self.trail.secret_fetch != SecretFetch::Routine
            && !is_slow
            && let Some(newer) = self.secret_call(secrets.refetch(self.received_at)).await?
        {
            self.trail.secret_fetch = SecretFetch::AfterMismatch;
            self.trail.secret_warnings.clone_from(&newer.warnings);
            fetched = newer;
            verdict = verify(&fetched);
        }
        match (verdict, &fetched.previous_error) {
            (Err(VerifyError::SignatureMismatch), Some(error)) => {
                let error = SecretError::PreviousUnreadable(Box::new(error.clone()));
                Err(Outcome::Unavailable(Fault::Secret(error)))
            }
            (Ok(verified), _) => Ok((verified, fetched)),
            (Err(error), _) => Err(Outcome::Refused(error)),
        }
    }

    /// Awaits a call for the secret for as long as there is time, and notes if its fetch failed.
    async fn secret_call<T>(
        &mut self,
        call: impl Future<Output = Result<T, SecretError>> + Send,
    ) -> Step<T> {
        let limit = self.limit_for_work().map_err(Outcome::Unavailable)?;
        let result = self
            .pipeline
            .clock
            .within(limit, call)
            .await
            .unwrap_or(Err(SecretError::Call(OUT_OF_TIME)));
        result.map_err(|error| {
            // `FailedLately` is the only error without a fetch.
            if error != SecretError::FailedLately {
                self.trail.secret_fetch = SecretFetch::Failed(error.clone());
            }
            Outcome::Unavailable(Fault::Secret(error))
        })
    }

    /// Claims the event, or returns the outcome to answer with.
    async fn claim(&mut self, claim: &NewClaim) -> Step<()> {
        let limit = self.limit_for_work().map_err(Outcome::Unavailable)?;
        let (result, duration) = self.call(limit, self.pipeline.store.claim(claim)).await;
        self.trail.durations.claim = Some(duration);
        let id = || claim.event_id.clone();
        match result {
            Ok(ClaimResult::Claimed { taken_over }) => {
                self.trail.taken_over = taken_over;
                Ok(())
            }
            Ok(ClaimResult::Enqueued { delivery_id, event_type }) => {
                self.compare_unsigned(claim, delivery_id.as_deref(), event_type.as_deref());
                Err(Outcome::Duplicate { id: id() })
            }
            Ok(ClaimResult::InProgress { lease_expires_at, delivery_id, event_type }) => {
                self.compare_unsigned(claim, delivery_id.as_deref(), event_type.as_deref());
                let left_ms = u64::try_from(lease_expires_at.since(self.now()).as_millis())
                    .unwrap_or(u64::MAX);
                Err(Outcome::InProgress { retry_after_s: left_ms.div_ceil(1000).max(1) })
            }
            Err(error) => {
                // The record may have been written. Nothing was sent, so release it: the next
                // attempt need not wait for the lease to end.
                self.release(claim).await;
                Err(Outcome::Unavailable(Fault::Call { call: Call::Claim, error }))
            }
        }
    }

    /// Notes if the delivery id or event type differs from the record of an earlier delivery. Only
    /// unsigned ones can differ.
    fn compare_unsigned(
        &mut self,
        claim: &NewClaim,
        delivery_id: Option<&str>,
        event_type: Option<&str>,
    ) {
        self.trail.delivery_id_changed =
            delivery_id.is_some() && delivery_id != claim.delivery_id.as_deref();
        self.trail.event_type_changed =
            event_type.is_some_and(|event_type| event_type != claim.event_type);
    }

    /// Puts the message on the queue. If that fails, releases the claim.
    async fn send(&mut self, claim: &NewClaim, message: &Message) -> Step<String> {
        let sent = match self.limit_for_work() {
            Ok(limit) => {
                let (result, duration) = self.call(limit, self.pipeline.queue.send(message)).await;
                self.trail.durations.send = Some(duration);
                result.map_err(|error| Fault::Call { call: Call::Send, error })
            }
            Err(fault) => Err(fault),
        };
        match sent {
            Ok(message_id) => Ok(message_id),
            Err(fault) => {
                self.release(claim).await;
                Err(Outcome::Unavailable(fault))
            }
        }
    }

    /// Marks the record as enqueued, and retries while time is left. The outcome does not depend on
    /// it: the event is already on the queue.
    async fn complete(&mut self, claim: &NewClaim, event: &Event<'_>, message_id: &str) {
        let Pipeline { store, clock, settings, .. } = self.pipeline;
        let began_at = self.now();
        // The queue's deduplication window starts with the send, so the record's retention must
        // start there too.
        let expires_at_s = expires_at_s(event, began_at, settings);
        let mut pause = COMPLETE_PAUSE;
        let error = loop {
            let complete =
                store.complete(&claim.idempotency_key, &claim.token, message_id, expires_at_s);
            match self.call(self.budget.for_closing(self.now()), complete).await.0 {
                Ok(Fenced::Applied) => break None,
                // Our lease ended, and another delivery took the claim over. It sends the event
                // again; the queue drops that message if it comes within five minutes of ours.
                Ok(Fenced::NotOwner) => {
                    break Some(CallError::UnexpectedResponse("the claim was taken over"));
                }
                Err(_) if self.budget.for_closing(self.now()) > pause => {
                    clock.sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => break Some(error),
            }
        };
        self.trail.warning = error.map(|error| Fault::Call { call: Call::Complete, error });
        self.trail.durations.close = Some(self.now().since(began_at));
    }

    /// Gives the claim back if it is still ours, so that the provider's next attempt need not wait
    /// for the lease to end. If this fails, the lease ends by itself.
    async fn release(&mut self, claim: &NewClaim) {
        let release = self.pipeline.store.release(&claim.idempotency_key, &claim.token);
        let (result, duration) = self.call(self.budget.for_closing(self.now()), release).await;
        self.trail.warning = result.err().map(|error| Fault::Call { call: Call::Release, error });
        self.trail.durations.close = Some(duration);
    }

    /// Awaits the call for at most `limit`, and measures how long it takes.
    async fn call<T: Send>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, CallError>> + Send,
    ) -> (Result<T, CallError>, Duration) {
        let began_at = self.now();
        let result = self.pipeline.clock.within(limit, call).await.unwrap_or(Err(OUT_OF_TIME));
        (result, self.now().since(began_at))
    }

    fn limit_for_work(&self) -> Result<Duration, Fault> {
        self.budget.for_work(self.now()).ok_or(Fault::DeadlineNear)
    }

    fn since_received(&self) -> Duration {
        self.now().since(self.received_at)
    }

    fn now(&self) -> UnixMillis {
        self.pipeline.clock.now()
    }
}

const OUT_OF_TIME: CallError = CallError::NoResponse("out of time");

impl Trail {
    fn describe(&mut self, claim: &NewClaim, event: &Event<'_>) {
        self.event_type = Some(claim.event_type.clone());
        self.event_id = Some(claim.event_id.clone());
        self.idempotency_key = Some(bounded_name(&claim.idempotency_key).into_owned());
        self.unsigned_fields = event.unsigned_fields().map(str::to_owned);
    }
}

#[cfg(test)]
mod tests;
