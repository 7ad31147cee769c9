//! Holds the latest deliveries, up to a number and a size. The oldest go first.

use std::collections::VecDeque;

use crate::delivery::Delivery;

/// The most deliveries that are held.
const MAX_DELIVERIES: usize = 500;
/// The most bytes that they may take.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Deliveries, by ascending id.
#[derive(Default)]
pub(crate) struct Deliveries {
    held: VecDeque<Delivery>,
    last_id: u64,
}

impl Deliveries {
    /// Returns the id for a new delivery.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Holds the delivery. It replaces what was known about it before.
    pub(crate) fn put(&mut self, delivery: Delivery) {
        self.last_id = self.last_id.max(delivery.id);
        match self.held.binary_search_by_key(&delivery.id, |held| held.id) {
            Ok(place) => self.held[place] = delivery,
            Err(place) => self.held.insert(place, delivery),
        }
        let mut bytes: usize = self.held.iter().map(Delivery::size).sum();
        while self.held.len() > MAX_DELIVERIES || bytes > MAX_BYTES {
            let Some(oldest) = self.held.pop_front() else { return };
            bytes -= oldest.size();
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Delivery> {
        self.held.binary_search_by_key(&id, |held| held.id).ok().map(|place| &self.held[place])
    }

    /// Returns all deliveries, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.held.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Door, Findings, Headers, Response};

    fn delivery(id: u64, bytes: usize) -> Delivery {
        Delivery {
            id,
            at_ms: 0,
            provider: "acme".to_owned(),
            door: Door::Stack,
            resent_from: None,
            headers: Headers::default(),
            body: vec![0; bytes],
            response: Response { status: 200, headers: Headers::default(), body: String::new() },
            duration_us: 0,
            findings: Findings::default(),
        }
    }

    fn ids(deliveries: &Deliveries) -> Vec<u64> {
        deliveries.iter().map(|delivery| delivery.id).collect()
    }

    #[test]
    fn the_oldest_are_dropped_when_there_are_too_many() {
        let mut deliveries = Deliveries::default();
        for id in 1..=502 {
            deliveries.put(delivery(id, 1));
        }
        assert_eq!(ids(&deliveries), (3..=502).collect::<Vec<_>>());
        assert_eq!(deliveries.next_id(), 503);
    }

    #[test]
    fn the_oldest_are_dropped_when_all_are_too_large_together() {
        let mut deliveries = Deliveries::default();
        for id in 1..=3 {
            deliveries.put(delivery(id, MAX_BYTES / 2));
        }
        assert_eq!(ids(&deliveries), [2, 3]);
        deliveries.put(delivery(3, MAX_BYTES / 2 + 1));
        assert_eq!(ids(&deliveries), [3], "the size of the replacement counts");
    }
}
