//! The arrival of a delivery, and what may happen just before: a rotation of the secret, and the
//! deletion of expired records.

use std::sync::Arc;

use webhook_ingest::{Attempt, ClaimToken, Status};

use super::schedule::{Arrival, Schedule};
use crate::{
    agenda::at,
    instances::start,
    run::Invocation,
    traffic::{KEYS, Origin, Sent},
};

impl Schedule<'_> {
    pub(super) fn launch(&mut self, event: usize, origin: Origin, slot: usize, after_ms: u64) {
        let now_ms = {
            let mut world = self.world.lock();
            let now_ms = world.agenda.now_ms() + after_ms;
            world.agenda.advance_to(now_ms);
            now_ms
        };
        let provider = self.scope.kind.provider();
        if self.rotations_left > 0 && !self.invocations.is_empty() && self.path.choose(2) == 1 {
            self.rotations_left -= 1;
            self.rotate(provider, now_ms);
        }
        self.sweep(now_ms);
        let sent = self.sent(event, origin, now_ms);
        let ahead_ms = [0, self.scope.second_ahead_ms][slot];
        let deadline = at(now_ms + self.plan.timeout_ms, self.plan.lambda_ahead_ms);
        let number = self.invocations.len();
        self.arrivals.push(self.arrival(event, now_ms, ahead_ms));
        let handler = if let Some(handler) = &self.slots[slot].handler {
            Arc::clone(handler)
        } else {
            let handler = start(&self.world, provider, ahead_ms, self.bounds.flaw);
            self.slots[slot].handler = Some(Arc::clone(&handler));
            self.slots[slot].generation = self.generations;
            self.generations += 1;
            handler
        };
        self.slots[slot].busy = true;
        self.generation_of.push(self.slots[slot].generation);
        let arrived = self.world.lock().agenda.moment();
        let mut invocation = Invocation::new(Arc::clone(&sent), None, arrived);
        (invocation.instance, invocation.ahead_ms) = (slot, ahead_ms);
        let attempt = Attempt {
            token: ClaimToken::named(format!("claim-{number}")),
            deadline,
            trace_header: None,
        };
        invocation.task = Some(handler.handle(sent, attempt));
        self.invocations.push(invocation);
        self.poll(number);
    }

    fn rotate(&mut self, provider: usize, now_ms: u64) {
        self.plan.rotations_ms[provider] = Some([now_ms, now_ms]);
        let mut world = self.world.lock();
        world.vaults[provider].previous = Some(KEYS[provider][0]);
        world.vaults[provider].current = KEYS[provider][1];
        world.aside(
            "the operator rotates the secret, and the provider signs with the new one".to_owned(),
        );
    }

    /// Chooses for each expired record whether it is deleted now.
    fn sweep(&mut self, now_ms: u64) {
        let records = self.world.lock().table.records.len();
        for record in 0..records {
            let expired = {
                let world = self.world.lock();
                let service_s = at(now_ms, self.plan.service_ahead_ms).seconds().0;
                world.table.records[record]
                    .as_ref()
                    .is_some_and(|record| record.expires_at_s < service_s)
            };
            if expired && self.path.choose(2) == 1 {
                self.world.lock().sweep(record);
            }
        }
    }

    fn sent(&mut self, event: usize, origin: Origin, now_ms: u64) -> Arc<Sent> {
        let provider = self.scope.kind.provider();
        let newer_key = self.plan.rotations_ms[provider].is_some();
        let signed_again = |event: usize| {
            let uuid = format!("u{event}");
            self.events[event].deliver(
                event,
                newer_key,
                now_ms,
                at(now_ms, self.plan.sender_ahead_ms).seconds(),
                &uuid,
            )
        };
        let sent = match (origin, &self.first[event]) {
            (Origin::Replayed, Some(first)) => Arc::new(first.replay(|| true)),
            (Origin::Honest, Some(first)) if !self.scope.signs_anew => Arc::clone(first),
            (Origin::Forged(forgery), first) => {
                let captured =
                    first.as_ref().map_or_else(|| signed_again(event), |first| (**first).clone());
                Arc::new(self.events[event].forge(forgery, &captured, at(now_ms, 0).seconds()))
            }
            (Origin::Honest | Origin::Replayed, _) => Arc::new(signed_again(event)),
        };
        if matches!(origin, Origin::Forged(_)) {
            self.forgeries_left -= 1;
        } else {
            self.deliveries_left[event] -= 1;
            self.in_all_left -= 1;
            self.first[event].get_or_insert_with(|| Arc::clone(&sent));
        }
        sent
    }

    fn arrival(&self, event: usize, now_ms: u64, ahead_ms: i64) -> Arrival {
        let world = self.world.lock();
        let now = at(now_ms, ahead_ms);
        let record = self.keys[event].as_ref().and_then(|key| world.table.get(key));
        let lives = record.filter(|record| record.expires_at_s >= now.seconds().0);
        let newest = world
            .queue
            .messages
            .iter()
            .rev()
            .find(|message| self.events[event].is_in(&message.body));
        Arrival {
            queued_for_ms: newest.map(|message| now_ms - message.at.ms),
            recorded: lives.is_some_and(|record| record.status == Status::Enqueued),
            leased: lives.is_some_and(|record| {
                record.status == Status::InProgress && record.lease_expires_at_ms >= now.0
            }),
            recorded_at_claim: false,
            alone: self.late.is_empty()
                && self.invocations.iter().all(|invocation| invocation.task.is_none()),
        }
    }
}
