//! One delivery, from its bytes to its answer.
//!
//! The order of the checks: size, form of the headers, secret, MAC, clock, JSON object. A refused delivery makes no call but,
//! at most every 10 s, one for a newer secret; a duplicate makes one; an accepted one three.
//!
//! What each await may leave behind when the process dies there, or its reply is lost:
//!
//! | died or lost at | left behind | the provider's next attempt |
//! |---|---|---|
//! | claim | perhaps a record in progress | 409 until its lease ends, then takes it over |
//! | send | a record in progress, perhaps a message | the same; the queue deduplicates the second send for five minutes |
//! | release | perhaps a record in progress | the same |
//! | complete, or the answer | the message, perhaps a record in progress | duplicate, or as after a send |

use std::time::Duration;

use webhook_verify::{Delivery, Event, Header, Provider, Tolerance, Unverified, Verified, VerifyError};

use crate::{
    CallError, ClaimResult, ClaimToken, Clock, EventQueue, Fault, Fenced, IdempotencyStore, Message, NewClaim, Outcome,
    Report, SecretCache, SecretFetch, SecretStore, Step, Trail, UnixMillis,
    budget::Budget,
    record::expires_at_s,
    secrets::{Fetched, SecretError},
};

/// First pause before a failed `complete` is tried again; doubles each time.
const COMPLETE_PAUSE: Duration = Duration::from_millis(100);

/// What an operator sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How far in the past a signed timestamp may lie.
    pub tolerance: Tolerance,
    /// Life of a record, where the event's type does not fix it.
    pub retention: Duration,
}

/// One invocation: what of it the pipeline has to know.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The fence for this invocation's claim; never used twice.
    pub token: ClaimToken,
    /// When Lambda ends the invocation.
    pub deadline: UnixMillis,
    /// X-Ray's trace header.
    pub trace_header: Option<String>,
}

/// Verify, claim, send, complete.
pub struct Pipeline<P, S, Q, K, C> {
    /// Whose webhooks these are.
    pub provider: P,
    /// Idempotency records.
    pub store: S,
    /// Where events go.
    pub queue: Q,
    /// What they are verified with.
    pub secrets: SecretCache<K>,
    /// Time.
    pub clock: C,
    /// What an operator sets.
    pub settings: Settings,
}

impl<P: Provider, S: IdempotencyStore, Q: EventQueue, K: SecretStore, C: Clock> Pipeline<P, S, Q, K, C> {
    /// Handles one delivery. Never fails: a fault is an outcome too. Returns before the invocation's deadline, and within 9 s.
    pub async fn handle(&self, headers: &[Header], body: &[u8], attempt: Attempt) -> Report {
        let received_at = self.clock.now();
        let mut trail = Trail::default();
        let budget = Budget::new(received_at, attempt.deadline);
        match self.run(headers, body, attempt, received_at, budget, &mut trail).await {
            Ok(outcome) | Err(outcome) => Report { outcome, trail },
        }
    }

    /// The outcome is an `Err` wherever a step ends the way early, so that `?` can say so.
    async fn run(
        &self,
        headers: &[Header],
        body: &[u8],
        attempt: Attempt,
        received_at: UnixMillis,
        budget: Budget,
        trail: &mut Trail,
    ) -> Result<Outcome, Outcome> {
        let delivery = Delivery::new(headers, body).map_err(|_| Outcome::TooLarge)?;
        let unverified = self.provider.parse(delivery).map_err(Outcome::Refused)?;
        trail.scheme = Some(unverified.scheme().name());

        let since_received = || Some(self.clock.now().since(received_at));
        let verified = self.authenticate(&unverified, received_at, budget, trail).await;
        trail.durations.verify = since_received(); // Of a refusal, too: it is what forgeries cost.
        let verified = verified?;
        trail.secret = Some(verified.secret());
        let event = self.provider.event(&verified).map_err(|_| Outcome::Malformed)?;
        trail.durations.verify = since_received();

        let claim = NewClaim::new(&event, attempt.token, received_at, budget.lease_end(), self.settings);
        trail.describe(&claim);
        self.claim(&claim, &event, budget, trail).await?;
        let message = Message::new(&event, &claim.token, received_at, attempt.trace_header.as_deref());
        let message_id = self.send(&message, &claim, budget, trail).await?;
        self.complete(&claim, &event, &message_id, budget, trail).await;
        trail.message_id = Some(message_id);
        Ok(Outcome::Accepted { id: event.id().to_owned() })
    }

    /// Verifies with the cached secrets and, where the signature does not match, once more with newer ones.
    async fn authenticate<'d>(
        &self,
        unverified: &Unverified<'d>,
        received_at: UnixMillis,
        budget: Budget,
        trail: &mut Trail,
    ) -> Result<Verified<'d>, Outcome> {
        let verify = |fetched: &Fetched| {
            self.provider.verify(unverified, &fetched.secrets, received_at.seconds(), self.settings.tolerance)
        };
        let mut fetched;
        (fetched, trail.secret_fetch) = self.secret_call(budget, trail, self.secrets.get(received_at)).await?;
        let mut verdict = verify(&fetched);
        if matches!(verdict, Err(VerifyError::SignatureMismatch))
            && trail.secret_fetch != SecretFetch::Routine
            && let Some(newer) = self.secret_call(budget, trail, self.secrets.refetch(received_at)).await?
        {
            trail.secret_fetch = SecretFetch::AfterMismatch;
            fetched = newer;
            verdict = verify(&fetched);
        }
        match (verdict, &fetched.previous_error) {
            (Err(VerifyError::SignatureMismatch), Some(error)) => {
                let error = SecretError::PreviousUnreadable(Box::new(error.clone()));
                Err(Outcome::Unavailable(Fault::Secret(error)))
            }
            (verdict, _) => verdict.map_err(Outcome::Refused),
        }
    }

    async fn secret_call<T>(
        &self,
        budget: Budget,
        trail: &mut Trail,
        call: impl Future<Output = Result<T, SecretError>> + Send,
    ) -> Result<T, Outcome> {
        let limit = budget.for_work(self.clock.now()).ok_or(Outcome::Unavailable(Fault::DeadlineNear))?;
        let result = self.clock.within(limit, call).await.unwrap_or(Err(SecretError::Call(OUT_OF_TIME)));
        result.map_err(|error| {
            // `FailedLately` is the one error that comes without a fetch.
            if error != SecretError::FailedLately {
                trail.secret_fetch = SecretFetch::Failed(error.clone());
            }
            Outcome::Unavailable(Fault::Secret(error))
        })
    }

    /// Makes the event ours, or ends the way.
    async fn claim(
        &self,
        claim: &NewClaim,
        event: &Event<'_>,
        budget: Budget,
        trail: &mut Trail,
    ) -> Result<(), Outcome> {
        let begun_at = self.clock.now();
        let limit = budget.for_work(begun_at).ok_or(Outcome::Unavailable(Fault::DeadlineNear))?;
        let result = self.clock.within(limit, self.store.claim(claim)).await.unwrap_or(Err(OUT_OF_TIME));
        let now = self.clock.now();
        trail.durations.claim = Some(now.since(begun_at));
        let other_delivery = |theirs: Option<String>| theirs.is_some() && theirs != claim.delivery_id;
        match result {
            Ok(ClaimResult::Claimed { taken_over }) => {
                trail.taken_over = taken_over;
                Ok(())
            }
            Ok(ClaimResult::Enqueued { delivery_id }) => {
                trail.delivery_id_changed = other_delivery(delivery_id);
                Err(Outcome::Duplicate { id: event.id().to_owned() })
            }
            Ok(ClaimResult::InProgress { lease_expires_at, delivery_id }) => {
                trail.delivery_id_changed = other_delivery(delivery_id);
                let left_ms = u64::try_from(lease_expires_at.since(now).as_millis()).unwrap_or(u64::MAX);
                Err(Outcome::InProgress { retry_after_s: left_ms.div_ceil(1000).max(1) })
            }
            Err(error) => {
                // The write may have happened. Nothing was sent, so the claim need not stand in the next attempt's way.
                self.release(claim, budget, trail).await;
                Err(Outcome::Unavailable(Fault::Call { step: Step::Claim, error }))
            }
        }
    }

    /// Puts the message on the queue, or gives the claim back.
    async fn send(
        &self,
        message: &Message,
        claim: &NewClaim,
        budget: Budget,
        trail: &mut Trail,
    ) -> Result<String, Outcome> {
        let begun_at = self.clock.now();
        let result = match budget.for_work(begun_at) {
            Some(limit) => {
                let sent = self.clock.within(limit, self.queue.send(message)).await.unwrap_or(Err(OUT_OF_TIME));
                trail.durations.send = Some(self.clock.now().since(begun_at));
                sent.map_err(|error| Fault::Call { step: Step::Send, error })
            }
            None => Err(Fault::DeadlineNear),
        };
        match result {
            Ok(message_id) => Ok(message_id),
            Err(fault) => {
                self.release(claim, budget, trail).await;
                Err(Outcome::Unavailable(fault))
            }
        }
    }

    /// Marks the record while there is time. The answer does not depend on it: the event is on the queue.
    async fn complete(&self, claim: &NewClaim, event: &Event<'_>, message_id: &str, budget: Budget, trail: &mut Trail) {
        let begun_at = self.clock.now();
        // The queue's window of deduplication counts from the send, so the record's life does too.
        let expires_at_s = expires_at_s(event, begun_at, self.settings);
        let mut pause = COMPLETE_PAUSE;
        trail.warning = loop {
            let limit = budget.for_closing(self.clock.now());
            let call = self.store.complete(&claim.id, &claim.token, message_id, expires_at_s);
            let error = match self.clock.within(limit, call).await {
                Some(Ok(Fenced::Done)) => break None,
                // Our lease ran out and another has sent the event too; the queue's deduplication makes it one message.
                Some(Ok(Fenced::Lost)) => CallError::Answer("the claim was taken over"),
                Some(Err(_)) if budget.for_closing(self.clock.now()) > pause => {
                    self.clock.sleep(pause).await;
                    pause *= 2;
                    continue;
                }
                Some(Err(error)) => error,
                None => OUT_OF_TIME,
            };
            break Some(Fault::Call { step: Step::Complete, error });
        };
        trail.durations.close = Some(self.clock.now().since(begun_at));
    }

    /// Gives the claim back, if it still is ours, so that the provider's next attempt need not wait for the lease. Where this
    /// fails, the lease runs out.
    async fn release(&self, claim: &NewClaim, budget: Budget, trail: &mut Trail) {
        let begun_at = self.clock.now();
        let call = self.store.release(&claim.id, &claim.token);
        let error = match self.clock.within(budget.for_closing(begun_at), call).await {
            Some(Ok(Fenced::Done | Fenced::Lost)) => None,
            Some(Err(error)) => Some(error),
            None => Some(OUT_OF_TIME),
        };
        trail.warning = error.map(|error| Fault::Call { step: Step::Release, error });
        trail.durations.close = Some(self.clock.now().since(begun_at));
    }
}

const OUT_OF_TIME: CallError = CallError::NoAnswer("out of time");

impl Trail {
    fn describe(&mut self, claim: &NewClaim) {
        self.event_type = Some(claim.event_type.clone());
        self.event_id = Some(claim.event_id.clone());
        self.idempotency_key = Some(claim.id.clone());
    }
}

#[cfg(test)]
mod tests;
