//! The ports in memory. A test can make a call fail before or after it takes effect.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{pending, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{
    clock::{Clock, UnixMillis},
    message::Message,
    ports::{
        CallError, EventQueue, Fenced, IdempotencyStore, SecretStore, StoredSecret, StoredSecrets,
    },
    record::{ClaimResult, ClaimToken, NewClaim, Status},
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that moves only if a test advances it or a caller waits.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<UnixMillis>>);

impl ManualClock {
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub fn advance(&self, duration: Duration) {
        let mut now = lock(&self.0);
        *now = now.plus(duration);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        *lock(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }

    /// Lets the time run out if `future` is not ready at once: the ports in memory do not wait, so
    /// it never will be.
    async fn within<F: Future + Send>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let output = poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if output.is_none() {
            self.advance(limit);
        }
        output
    }
}

/// How the next call of a port goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The call has no effect and returns an error.
    Before,
    /// The call takes effect and returns an error.
    After,
    /// The call has no effect and never returns.
    HangsBefore,
    /// The call takes effect and never returns.
    HangsAfter,
}

/// How the next calls fail, in order; `None` is a call that works.
#[derive(Default)]
struct Failures(Mutex<VecDeque<Option<Failure>>>);

impl Failures {
    async fn around<T>(&self, effect: impl FnOnce() -> T + Send) -> Result<T, CallError> {
        let failure = lock(&self.0).pop_front().flatten();
        let error = || Err(CallError::Failed("InternalServerError".to_owned()));
        match failure {
            None => Ok(effect()),
            Some(Failure::Before) => error(),
            Some(Failure::After) => {
                effect();
                error()
            }
            Some(Failure::HangsBefore) => pending().await,
            Some(Failure::HangsAfter) => {
                effect();
                pending().await
            }
        }
    }
}

/// A record in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The claim that wrote the record.
    pub claim: NewClaim,
    pub status: Status,
    /// When the record may be deleted, in Unix seconds; `complete` replaces what the claim set.
    pub expires_at_s: i64,
    /// The queue's id of the message.
    pub message_id: Option<String>,
}

/// Keeps records in a map. As in `DynamoDB`, expired ones stay until they are overwritten.
#[derive(Default)]
pub struct MemoryStore {
    records: Mutex<BTreeMap<String, Record>>,
    failures: Failures,
}

impl MemoryStore {
    /// Sets how the next calls fail, in order; `None` is a call that works.
    pub fn fail(&self, failures: impl IntoIterator<Item = Option<Failure>>) {
        lock(&self.failures.0).extend(failures);
    }

    #[must_use]
    pub fn record(&self, id: &str) -> Option<Record> {
        lock(&self.records).get(id).cloned()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.records).len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn claim_now(&self, claim: &NewClaim) -> ClaimResult {
        let mut records = lock(&self.records);
        let mut taken_over = false;
        if let Some(record) = records.get(&claim.idempotency_key) {
            let expired = record.expires_at_s < claim.now.seconds().0;
            let in_progress = record.status == Status::InProgress;
            let lease_over = in_progress && record.claim.lease_expires_at < claim.now;
            if record.claim.token == claim.token && in_progress {
                return ClaimResult::Claimed { taken_over: false };
            }
            if !expired && !lease_over {
                let delivery_id = record.claim.delivery_id.clone();
                let event_type = Some(record.claim.event_type.clone());
                let lease_expires_at = record.claim.lease_expires_at;
                return match record.status {
                    Status::InProgress => {
                        ClaimResult::InProgress { lease_expires_at, delivery_id, event_type }
                    }
                    Status::Enqueued => ClaimResult::Enqueued { delivery_id, event_type },
                };
            }
            taken_over = in_progress;
        }
        let record = Record {
            claim: claim.clone(),
            status: Status::InProgress,
            expires_at_s: claim.expires_at_s,
            message_id: None,
        };
        records.insert(claim.idempotency_key.clone(), record);
        ClaimResult::Claimed { taken_over }
    }
}

impl IdempotencyStore for MemoryStore {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        self.failures.around(|| self.claim_now(claim)).await
    }

    async fn complete(
        &self,
        id: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> Result<Fenced, CallError> {
        let effect = || match lock(&self.records)
            .get_mut(id)
            .filter(|record| record.claim.token == *token)
        {
            Some(record) => {
                record.status = Status::Enqueued;
                record.message_id = Some(message_id.to_owned());
                record.expires_at_s = expires_at_s;
                Fenced::Applied
            }
            None => Fenced::NotOwner,
        };
        self.failures.around(effect).await
    }

    async fn release(&self, id: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        let effect = || {
            let mut records = lock(&self.records);
            if records.get(id).is_some_and(|record| record.claim.token == *token) {
                records.remove(id);
                Fenced::Applied
            } else {
                Fenced::NotOwner
            }
        };
        self.failures.around(effect).await
    }
}

/// A message on the queue in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredMessage {
    /// The queue's id of the message.
    pub id: String,
    pub message: Message,
    pub sent_at: UnixMillis,
}

/// A FIFO queue: within five minutes of a message, messages with its idempotency key are dropped.
pub struct MemoryQueue {
    clock: ManualClock,
    messages: Mutex<Vec<StoredMessage>>,
    failures: Failures,
}

impl MemoryQueue {
    const DEDUPLICATES_FOR: Duration = Duration::from_mins(5);

    /// Returns an empty queue that takes the time from `clock`.
    #[must_use]
    pub fn new(clock: ManualClock) -> Self {
        Self { clock, messages: Mutex::default(), failures: Failures::default() }
    }

    /// Sets how the next calls fail, in order; `None` is a call that works.
    pub fn fail(&self, failures: impl IntoIterator<Item = Option<Failure>>) {
        lock(&self.failures.0).extend(failures);
    }

    /// Returns all messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<StoredMessage> {
        lock(&self.messages).clone()
    }

    fn send_now(&self, message: &Message) -> String {
        let now = self.clock.now();
        let mut messages = lock(&self.messages);
        let known = messages.iter().find(|known| {
            known.message.idempotency_key == message.idempotency_key
                && now.since(known.sent_at) < Self::DEDUPLICATES_FOR
        });
        if let Some(known) = known {
            return known.id.clone();
        }
        let id = format!("message-{}", messages.len() + 1);
        messages.push(StoredMessage { id: id.clone(), message: message.clone(), sent_at: now });
        id
    }
}

impl EventQueue for MemoryQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        self.failures.around(|| self.send_now(message)).await
    }
}

/// A secret in memory, whose versions a test sets.
#[derive(Clone, Default)]
pub struct MemorySecrets(Arc<Mutex<MemorySecret>>);

#[derive(Default)]
struct MemorySecret {
    current: Option<Result<String, CallError>>,
    previous: Option<Result<String, CallError>>,
    fetches: usize,
}

impl MemorySecrets {
    /// Returns a secret without a previous version.
    #[must_use]
    pub fn new(current: &str) -> Self {
        let secrets = Self::default();
        secrets.set(Some(current), None);
        secrets
    }

    /// Sets both versions. Without a current one, the store is down.
    pub fn set(&self, current: Option<&str>, previous: Option<Result<&str, CallError>>) {
        let mut secret = lock(&self.0);
        secret.current = current.map(|current| Ok(current.to_owned()));
        secret.previous = previous.map(|version| version.map(str::to_owned));
    }

    /// Sets only the current version, or why it cannot be read.
    pub fn set_current(&self, current: Result<&str, CallError>) {
        lock(&self.0).current = Some(current.map(str::to_owned));
    }

    /// Returns how often the secret was fetched.
    #[must_use]
    pub fn fetches(&self) -> usize {
        lock(&self.0).fetches
    }
}

impl SecretStore for MemorySecrets {
    async fn fetch(&self) -> Result<StoredSecrets, CallError> {
        let mut secret = lock(&self.0);
        secret.fetches += 1;
        let text = |text: &String| StoredSecret::Text(Zeroizing::new(text.clone()));
        let down = || Err(CallError::NoResponse("the store is down"));
        let current = secret.current.clone().unwrap_or_else(down).map(|current| text(&current))?;
        let previous = match &secret.previous {
            None => Ok(None),
            Some(Ok(previous)) => Ok(Some(text(previous))),
            Some(Err(error)) => Err(error.clone()),
        };
        Ok(StoredSecrets { current, previous })
    }
}
