//! How many attempts may be repeated while a service is down: an outage is not met with three times the calls.

use std::sync::atomic::{AtomicU32, Ordering};

/// Much as the SDK's standard mode has it: 500 tokens, of which a second or third attempt costs 5. A call that succeeds brings back
/// what its last attempt cost, or 1 where that was its first.
const FULL: u32 = 500;
const COST: u32 = 5;

/// The tokens of one client.
#[derive(Debug)]
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

    /// A call succeeded, at its first attempt or at a later one.
    pub(crate) fn succeeded(&self, at_first: bool) {
        let gain = if at_first { 1 } else { COST };
        self.change(|tokens| (tokens < FULL).then_some(FULL.min(tokens + gain)));
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
        quota.succeeded(true);
        assert_eq!((0..200).filter(|_| quota.take()).count(), 100);
        (0..4).for_each(|_| quota.succeeded(true));
        assert!(!quota.take());
        quota.succeeded(true);
        assert!(quota.take());
        assert!(!quota.take());
    }

    #[test]
    fn attempts_that_help_are_never_used_up() {
        let quota = Quota::default();
        for _ in 0..1000 {
            assert!(quota.take());
            quota.succeeded(false);
        }
    }
}
