//! Flaws that the simulation must catch, except one that is said to be harmless. A flaw is in a
//! port, in the settings or before the verification; the pipeline around it is the real one.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use webhook_ingest::{
    Attempt, CallError, ClaimResult, ClaimToken, EventQueue, Fenced, IdempotencyStore, Message,
    NewClaim, Settings,
};
use webhook_verify::{Scheme, SigningSecret, Tolerance, description::Form, sign::Signer};

use crate::{
    agenda::at,
    instances::{Handler, Task},
    network::{Effect, Request, call},
    ports::{SendQueue, Store},
    services::Condition,
    traffic::{EVERY_SHAPE, Sent},
    world::Shared,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// `complete` and `release` do not check the token.
    NoFence,
    /// `release` does not check the token.
    ReleaseWithoutToken,
    /// A record in progress is taken over at once.
    LeaseIgnored,
    /// A lease ends while its owner is alive.
    LeaseTooShort,
    /// A lease ends at the deadline, which would do if all clocks were equal.
    LeaseWithoutMarginForClocks,
    /// A delivery whose event is in flight is answered 200.
    InProgressAnswered200,
    /// A failed claim is treated as a successful one.
    FailedClaimTakenForOurs,
    /// A record is marked as enqueued before the send.
    CompletesBeforeSend,
    /// A record is never marked as enqueued.
    NeverCompletes,
    /// A record with our own token is treated as a duplicate.
    OwnClaimTakenForDuplicate,
    /// A record counts until it is deleted, however long ago it expired.
    ExpiryByDeletionOnly,
    /// A record expires before SQS forgets the message.
    RecordDiesBeforeDeduplication,
    /// A record expires before its event's signature is too old.
    RetentionShorterThanTolerance,
    /// A claim reads the record, and then writes without a condition.
    GetThenPut,
    /// A failed send is answered 200.
    FailedSendAnswered200,
    /// The queue deduplicates by the claim token instead of the event.
    DeduplicatedByToken,
    /// The unsigned id of the delivery identifies the event.
    IdentifiedByDeliveryId,
    /// The id of the registration, which is equal for all events, identifies the event.
    IdentifiedByRegistration,
    /// Every delivery is accepted as if it were signed.
    VerificationSkipped,
    /// A signature is never too old.
    ClockNotChecked,
    /// After a rotation the previous secret no longer verifies.
    PreviousSecretIgnored,
    /// A lease counts from the claimer's own clock, without a margin for other clocks.
    LeaseByOwnClock,
    /// The TTL attribute is compared with `<=`: a record is free in the second in which it expires.
    ExpiryInclusive,
    /// `complete` does not check the token. This is harmless: an invocation that completes has sent
    /// the event, so what it writes into another's record is true.
    CompleteWithoutFence,
    /// A refetched secret replaces both versions, not only the current one.
    RefetchReplacesPrevious,
    /// An instance that has seen an event answers its next delivery without reading the record.
    DuplicateBeforeRead,
    /// After a send without a reply the claim is released, and then the send is repeated.
    ReleasesBeforeResend,
}

impl Flaw {
    pub(crate) const ALL: [Self; 27] = [
        Self::NoFence,
        Self::ReleaseWithoutToken,
        Self::LeaseIgnored,
        Self::LeaseTooShort,
        Self::LeaseWithoutMarginForClocks,
        Self::InProgressAnswered200,
        Self::FailedClaimTakenForOurs,
        Self::CompletesBeforeSend,
        Self::NeverCompletes,
        Self::OwnClaimTakenForDuplicate,
        Self::ExpiryByDeletionOnly,
        Self::RecordDiesBeforeDeduplication,
        Self::RetentionShorterThanTolerance,
        Self::GetThenPut,
        Self::FailedSendAnswered200,
        Self::DeduplicatedByToken,
        Self::IdentifiedByDeliveryId,
        Self::IdentifiedByRegistration,
        Self::VerificationSkipped,
        Self::ClockNotChecked,
        Self::PreviousSecretIgnored,
        Self::LeaseByOwnClock,
        Self::ExpiryInclusive,
        Self::CompleteWithoutFence,
        Self::RefetchReplacesPrevious,
        Self::DuplicateBeforeRead,
        Self::ReleasesBeforeResend,
    ];

    /// Returns the conditions that a store with this flaw states.
    pub(crate) fn condition(self) -> Condition {
        let sound = Condition::default();
        match self {
            Self::NoFence => Condition { fenced_complete: false, fenced_release: false, ..sound },
            Self::ReleaseWithoutToken => Condition { fenced_release: false, ..sound },
            Self::LeaseIgnored => Condition { lease: false, ..sound },
            Self::OwnClaimTakenForDuplicate => Condition { own_token: false, ..sound },
            Self::ExpiryByDeletionOnly => Condition { expiry: false, ..sound },
            Self::ExpiryInclusive => Condition { last_second: false, ..sound },
            Self::CompleteWithoutFence => Condition { fenced_complete: false, ..sound },
            _ => sound,
        }
    }

    /// Returns the settings with this flaw.
    pub(crate) fn settings(self, sound: Settings) -> Settings {
        let forever = Tolerance { past: Duration::from_hours(1_000_000) };
        match self {
            Self::ClockNotChecked => Settings { tolerance: forever, ..sound },
            Self::RetentionShorterThanTolerance => {
                Settings { retention: sound.tolerance.past / 2, ..sound }
            }
            _ => sound,
        }
    }
}

/// A store with a flaw.
pub(crate) struct FlawedStore {
    inner: Store,
    flaw: Flaw,
    /// The key that each token has claimed, which may differ from the event's.
    keys: Mutex<HashMap<String, String>>,
    /// The keys that this instance has seen.
    seen: Mutex<HashSet<String>>,
}

impl FlawedStore {
    pub(crate) fn new(inner: Store, flaw: Flaw) -> Self {
        Self { inner, flaw, keys: Mutex::default(), seen: Mutex::default() }
    }

    fn key(&self, claim: &NewClaim) -> String {
        match (self.flaw, &claim.delivery_id) {
            (Flaw::IdentifiedByDeliveryId, Some(delivery_id)) => format!("delivery#{delivery_id}"),
            (Flaw::IdentifiedByRegistration, _) => "registration".to_owned(),
            _ => claim.idempotency_key.clone(),
        }
    }

    fn claimed_key(&self, key: &str, token: &ClaimToken) -> String {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(token.as_str()).map_or_else(|| key.to_owned(), Clone::clone)
    }

    fn is_new(&self, key: &str) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned())
    }

    async fn get_then_put(&self, claim: NewClaim) -> Result<ClaimResult, CallError> {
        let claim = Arc::new(claim);
        let looked = call(&self.inner.world, Request::Look { claim: Arc::clone(&claim) }).await?;
        if let Effect::Looked(result) = looked
            && !matches!(result, ClaimResult::Claimed { .. })
        {
            return Ok(result);
        }
        call(&self.inner.world, Request::Put { claim }).await?;
        Ok(ClaimResult::Claimed { taken_over: false })
    }
}

impl IdempotencyStore for FlawedStore {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        let mut claim = claim.clone();
        claim.idempotency_key = self.key(&claim);
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(claim.token.as_str().to_owned(), claim.idempotency_key.clone());
        match self.flaw {
            Flaw::GetThenPut => return self.get_then_put(claim).await,
            Flaw::LeaseTooShort => claim.lease_expires_at = claim.now.plus(Duration::from_secs(1)),
            Flaw::LeaseByOwnClock => {
                let timeout_ms = self.inner.world.lock().plan.timeout_ms;
                claim.lease_expires_at = claim.now.plus(Duration::from_millis(timeout_ms));
            }
            Flaw::DuplicateBeforeRead if !self.is_new(&claim.idempotency_key) => {
                return Ok(ClaimResult::Enqueued { delivery_id: None, event_type: None });
            }
            Flaw::LeaseWithoutMarginForClocks => {
                claim.lease_expires_at = claim.lease_expires_at.minus(Duration::from_secs(5));
            }
            _ => {}
        }
        match (self.flaw, self.inner.claim(&claim).await) {
            (
                Flaw::InProgressAnswered200,
                Ok(ClaimResult::InProgress { delivery_id, event_type, .. }),
            ) => Ok(ClaimResult::Enqueued { delivery_id, event_type }),
            (Flaw::FailedClaimTakenForOurs, Err(_)) => {
                Ok(ClaimResult::Claimed { taken_over: false })
            }
            (Flaw::CompletesBeforeSend, Ok(ClaimResult::Claimed { taken_over })) => {
                self.inner
                    .complete(&claim.idempotency_key, &claim.token, "", claim.expires_at_s)
                    .await?;
                Ok(ClaimResult::Claimed { taken_over })
            }
            (_, result) => result,
        }
    }

    async fn complete(
        &self,
        key: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> Result<Fenced, CallError> {
        let key = self.claimed_key(key, token);
        match self.flaw {
            Flaw::CompletesBeforeSend | Flaw::NeverCompletes => Ok(Fenced::Applied),
            Flaw::RecordDiesBeforeDeduplication => {
                self.inner.complete(&key, token, message_id, expires_at_s - 120).await
            }
            _ => self.inner.complete(&key, token, message_id, expires_at_s).await,
        }
    }

    async fn release(&self, key: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        self.inner.release(&self.claimed_key(key, token), token).await
    }
}

/// A queue with a flaw.
pub(crate) struct FlawedQueue {
    pub(crate) inner: SendQueue,
    pub(crate) flaw: Flaw,
}

impl EventQueue for FlawedQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        let mut message = message.clone();
        match self.flaw {
            Flaw::DeduplicatedByToken => message.idempotency_key = message.claim_token.to_string(),
            Flaw::IdentifiedByDeliveryId => {
                if let Some((_, after)) = message.body.split_once(r#""deliveryid":""#) {
                    message.idempotency_key =
                        format!("delivery#{}", after.split('"').next().unwrap_or_default());
                }
            }
            _ => {}
        }
        match (self.flaw, self.inner.send(&message).await) {
            (Flaw::FailedSendAnswered200, Err(_)) => Ok("none".to_owned()),
            (Flaw::ReleasesBeforeResend, Err(CallError::NoResponse(_))) => {
                let (id, token) =
                    (message.idempotency_key.as_str().into(), message.claim_token.clone());
                call(&self.inner.world, Request::Release { id, token, fenced: true }).await?;
                self.inner.send(&message).await
            }
            (_, result) => result,
        }
    }
}

/// A pipeline that accepts every delivery: it signs the delivery itself first.
pub(crate) struct Gullible {
    inner: Arc<dyn Handler>,
    world: Shared,
}

impl Gullible {
    pub(crate) fn new(inner: Arc<dyn Handler>, world: Shared) -> Self {
        Self { inner, world }
    }
}

impl Handler for Gullible {
    fn handle(self: Arc<Self>, sent: Arc<Sent>, attempt: Attempt) -> Task {
        let mut sent = (*sent).clone();
        let (key, now) = {
            let world = self.world.lock();
            (world.vaults[sent.provider].current, at(world.agenda.now_ms(), 0).seconds())
        };
        let secret = SigningSecret::new(key.as_bytes().to_vec()).expect("is not empty");
        // Sign in the scheme that the sender names, if it names one.
        let schemes = EVERY_SHAPE[sent.provider].schemes();
        let is_named = |scheme: &&Scheme| match scheme.signature.form {
            Form::Prefixed(prefix) => {
                sent.headers.iter().any(|header| header.value().starts_with(prefix.as_bytes()))
            }
            Form::Bare | Form::Labelled { .. } => true,
        };
        let scheme =
            schemes.iter().find(is_named).or(schemes.last()).expect("a provider has a scheme");
        let sign = |scheme| Signer::new(scheme, &secret, now).sign(&sent.body);
        let last = schemes.last().expect("a provider has a scheme");
        sent.headers =
            sign(scheme).or_else(|_| sign(last)).expect("the last scheme signs any body");
        Arc::clone(&self.inner).handle(Arc::new(sent), attempt)
    }
}
