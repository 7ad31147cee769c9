//! The deliveries that are held: so many, and so many bytes. The oldest go first.

use std::collections::VecDeque;

use crate::delivery::Delivery;

/// The most deliveries that are held.
const MAX_DELIVERIES: usize = 500;
/// The most bytes that they take.
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

    /// Holds the delivery, in place of what was known of it before.
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

    /// Returns all, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.held.iter()
    }
}
