//! The services: `DynamoDB`, SQS and Secrets Manager, as far as the pipeline sees them. They always
//! work; only the network to them fails.

use std::collections::HashMap;

use webhook_ingest::{ClaimResult, ClaimToken, Fenced, Message, NewClaim, Status};

use crate::agenda::{Moment, at};

/// How long a FIFO queue drops messages with a known deduplication id. The time counts from the
/// message that it accepted; dropped messages do not prolong it.
pub(crate) const DEDUPLICATES_FOR_MS: u64 = 300_000;

/// The condition of a conditional write, as the client states it. The default is that of the real
/// adapter.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part of a condition that can be left out by itself"
)]
pub(crate) struct Condition {
    /// A record in progress is free only once its lease has ended.
    pub(crate) lease: bool,
    /// An expired record is free, even if it is not deleted yet.
    pub(crate) expiry: bool,
    /// A record is not free yet in the second in which it expires.
    pub(crate) last_second: bool,
    /// A record in progress that has the claim's own token is ours.
    pub(crate) own_token: bool,
    /// `complete` needs the token.
    pub(crate) fenced_complete: bool,
    /// `release` needs the token.
    pub(crate) fenced_release: bool,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            lease: true,
            expiry: true,
            last_second: true,
            own_token: true,
            fenced_complete: true,
            fenced_release: true,
        }
    }
}

pub(crate) struct Record {
    pub(crate) token: ClaimToken,
    pub(crate) status: Status,
    pub(crate) lease_expires_at_ms: i64,
    pub(crate) expires_at_s: i64,
    delivery_id: Option<String>,
    event_type: String,
}

/// The table: each operation is one conditional write.
#[derive(Default)]
pub(crate) struct Table {
    ids: Vec<String>,
    pub(crate) records: Vec<Option<Record>>,
}

impl Table {
    /// Returns the place of the record with this id. The record need not exist yet.
    pub(crate) fn place(&mut self, id: &str) -> usize {
        if let Some(place) = self.ids.iter().position(|known| known == id) {
            return place;
        }
        self.ids.push(id.to_owned());
        self.records.push(None);
        self.ids.len() - 1
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        let place = self.ids.iter().position(|known| known == id)?;
        self.records[place].as_ref()
    }

    pub(crate) fn id(&self, place: usize) -> &str {
        &self.ids[place]
    }

    /// Returns what the result of a claim would be.
    pub(crate) fn look(&self, place: usize, claim: &NewClaim, condition: Condition) -> ClaimResult {
        let Some(record) = &self.records[place] else {
            return ClaimResult::Claimed { taken_over: false };
        };
        let in_progress = record.status == Status::InProgress;
        let lives_until_s =
            if condition.last_second { record.expires_at_s } else { record.expires_at_s - 1 };
        let expired = condition.expiry && lives_until_s < claim.now.seconds().0;
        let lease_over =
            in_progress && (record.lease_expires_at_ms < claim.now.0 || !condition.lease);
        if expired || lease_over {
            return ClaimResult::Claimed { taken_over: in_progress };
        }
        let (delivery_id, event_type) =
            (record.delivery_id.clone(), Some(record.event_type.clone()));
        let own = record.token == claim.token;
        match record.status {
            Status::Enqueued => ClaimResult::Enqueued { delivery_id, event_type },
            Status::InProgress if own && condition.own_token => {
                ClaimResult::Claimed { taken_over: false }
            }
            Status::InProgress if own => ClaimResult::Enqueued { delivery_id, event_type },
            Status::InProgress => {
                let lease_expires_at = webhook_ingest::UnixMillis(record.lease_expires_at_ms);
                ClaimResult::InProgress { lease_expires_at, delivery_id, event_type }
            }
        }
    }

    pub(crate) fn put(&mut self, place: usize, claim: &NewClaim) {
        self.records[place] = Some(Record {
            token: claim.token.clone(),
            status: Status::InProgress,
            lease_expires_at_ms: claim.lease_expires_at.0,
            expires_at_s: claim.expires_at_s,
            delivery_id: claim.delivery_id.clone(),
            event_type: claim.event_type.clone(),
        });
    }

    /// Returns whether the record exists and has this token.
    pub(crate) fn has_token(&self, place: usize, token: &ClaimToken) -> bool {
        self.records[place].as_ref().is_some_and(|record| record.token == *token)
    }

    pub(crate) fn complete(
        &mut self,
        place: usize,
        token: &ClaimToken,
        expires_at_s: i64,
        fenced: bool,
    ) -> Fenced {
        match &mut self.records[place] {
            Some(record) if record.token == *token || !fenced => {
                record.status = Status::Enqueued;
                record.expires_at_s = expires_at_s;
                Fenced::Applied
            }
            Some(_) | None => Fenced::NotOwner,
        }
    }

    pub(crate) fn release(&mut self, place: usize, token: &ClaimToken, fenced: bool) -> Fenced {
        if self.records[place].is_some() && (self.has_token(place, token) || !fenced) {
            self.records[place] = None;
            Fenced::Applied
        } else {
            Fenced::NotOwner
        }
    }

    /// Deletes the record if it has expired by the service's clock, as TTL does. Returns whether it
    /// has.
    pub(crate) fn sweep(&mut self, place: usize, now_ms: u64, ahead_ms: i64) -> bool {
        let now = at(now_ms, ahead_ms).seconds();
        let expired =
            self.records[place].as_ref().is_some_and(|record| record.expires_at_s < now.0);
        if expired {
            self.records[place] = None;
        }
        expired
    }
}

/// A message that consumers will get.
pub(crate) struct Queued {
    pub(crate) at: Moment,
    pub(crate) invocation: usize,
    pub(crate) body: String,
}

/// A FIFO queue, or a standard one.
pub(crate) struct Queue {
    fifo: bool,
    pub(crate) messages: Vec<Queued>,
    pub(crate) known: HashMap<String, usize>,
}

impl Queue {
    pub(crate) fn new(fifo: bool) -> Self {
        Self { fifo, messages: Vec::new(), known: HashMap::new() }
    }

    /// Returns the message's place, and whether it is a new one.
    pub(crate) fn send(
        &mut self,
        message: &Message,
        invocation: usize,
        at: Moment,
    ) -> (usize, bool) {
        if let Some(&known) = self.known.get(&message.idempotency_key).filter(|_| self.fifo)
            && at.ms - self.messages[known].at.ms < DEDUPLICATES_FOR_MS
        {
            return (known, false);
        }
        let place = self.messages.len();
        self.messages.push(Queued { at, invocation, body: message.body.clone() });
        self.known.insert(message.idempotency_key.clone(), place);
        (place, true)
    }
}

/// Both versions of a provider's secret.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    pub(crate) current: &'static str,
    pub(crate) previous: Option<&'static str>,
}
