//! How many attempts may be repeated while a service is down: an outage is not met with three times the calls.

use std::sync::atomic::{AtomicU32, Ordering};

/// As the SDK's standard mode has it: 500 tokens, of which a second or third attempt costs 5, and each call that succeeds
/// brings back 1.
const FULL: u32 = 500;
const COST: u32 = 5;

/// The tokens of one client.
pub(crate) struct Quota(AtomicU32);

impl Default for Quota {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Quota {
    /// Whether another attempt may be made; it is paid for.
    pub(crate) fn take(&self) -> bool {
        self.change(|tokens| tokens.checked_sub(COST))
    }

    /// A call succeeded.
    pub(crate) fn succeeded(&self) {
        self.change(|tokens| (tokens < FULL).then_some(tokens + 1));
    }

    fn change(&self, to: impl Fn(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_attempts_are_repeated_and_then_one_for_every_five_successes() {
        let quota = Quota::default();
        quota.succeeded();
        assert_eq!((0..200).filter(|_| quota.take()).count(), 100);
        (0..4).for_each(|_| quota.succeeded());
        assert!(!quota.take());
        quota.succeeded();
        assert!(quota.take());
        assert!(!quota.take());
    }
}
