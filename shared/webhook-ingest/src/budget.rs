//! Shares out the time of one delivery, so that the response is always in time and there is always
//! time left to release the claim.

use std::time::Duration;

use crate::clock::UnixMillis;

/// How long a delivery may take until its response, whatever the outcome. Pinwheel waits 15 s.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(9);
/// Reserved before the deadline so that the response gets out.
const REPLY_MARGIN: Duration = Duration::from_millis(250);
/// Reserved for releasing the claim if the send fails; a quarter of the time if that is less.
const RELEASE_RESERVE: Duration = Duration::from_secs(1);
/// With less time left than this, no call is begun.
const MIN_CALL_TIME: Duration = Duration::from_millis(200);
/// The clocks of two instances may differ by this. So a lease ends this long after its owner must
/// be dead.
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// No invocation lasts longer. A deadline further ahead is wrong, and must not lead to a lease that
/// never ends.
const LONGEST_INVOCATION: Duration = Duration::from_mins(15);
/// A time in the year 2001. A smaller number cannot be a deadline.
const FIRST_LIKELY_DEADLINE: UnixMillis = UnixMillis(1_000_000_000_000);
/// Assumed for an invocation whose deadline is unknown: the function's timeout in the template.
const ASSUMED_TIMEOUT: Duration = Duration::from_secs(15);

/// Returns when an invocation ends, given its deadline in milliseconds since 1970.
///
/// A number that is too small to be a time gives 15 s from now: `cargo lambda watch` always sends
/// the same duration instead of a time. A time over 15 minutes ahead becomes 15 minutes ahead.
#[must_use]
pub fn invocation_deadline(given_ms: u64, now: UnixMillis) -> UnixMillis {
    let given = UnixMillis(i64::try_from(given_ms).unwrap_or(i64::MAX));
    let deadline = if given < FIRST_LIKELY_DEADLINE { now.plus(ASSUMED_TIMEOUT) } else { given };
    deadline.min(now.plus(LONGEST_INVOCATION))
}

/// The times by which the parts of one delivery must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Nothing is awaited past this.
    end: UnixMillis,
    /// Claim and send end by this.
    work_end: UnixMillis,
    lease_end: UnixMillis,
}

impl Budget {
    /// Shares out the time from `start` to `deadline`, when the runtime kills the invocation.
    pub(crate) fn new(start: UnixMillis, deadline: UnixMillis) -> Self {
        let deadline = deadline.min(start.plus(LONGEST_INVOCATION));
        let end = deadline.minus(REPLY_MARGIN).min(start.plus(RESPONSE_TIMEOUT));
        let reserve = RELEASE_RESERVE.min(end.since(start) / 4);
        Self { end, work_end: end.minus(reserve), lease_end: deadline.plus(CLOCK_SKEW) }
    }

    /// Returns the time left for a claim or send, or `None` if it is too little to begin.
    pub(crate) fn for_work(&self, now: UnixMillis) -> Option<Duration> {
        let left = self.work_end.since(now);
        (left >= MIN_CALL_TIME).then_some(left)
    }

    /// Returns the time left for release and complete.
    pub(crate) fn for_closing(&self, now: UnixMillis) -> Duration {
        self.end.since(now)
    }

    /// Returns when this invocation must be dead, by the clock of any instance.
    pub(crate) fn lease_end(&self) -> UnixMillis {
        self.lease_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn after(ms: u64) -> UnixMillis {
        START.plus(Duration::from_millis(ms))
    }

    #[test]
    fn a_long_deadline_gives_9_s() {
        let budget = Budget::new(START, after(15_000));
        assert_eq!(budget.for_work(START), Some(Duration::from_secs(8)));
        assert_eq!(budget.for_closing(START), Duration::from_secs(9));
        assert_eq!(budget.lease_end(), after(20_000));
    }

    #[test]
    fn a_short_deadline_reserves_250_ms_and_a_quarter_of_the_rest() {
        let budget = Budget::new(START, after(1_050));
        assert_eq!(budget.for_work(START), Some(Duration::from_millis(600)));
        assert_eq!(budget.for_work(after(400)), Some(Duration::from_millis(200)));
        assert_eq!(budget.for_work(after(401)), None);
        assert_eq!(budget.for_closing(after(401)), Duration::from_millis(399));
    }

    #[test]
    fn a_lease_ends_within_905_s_whatever_the_deadline() {
        for (deadline, expected) in [
            (after(899_999), after(904_999)),
            (after(900_000), after(905_000)),
            (after(900_001), after(905_000)),
            (UnixMillis(32_503_680_000_000), after(905_000)),
            (UnixMillis(i64::MAX), after(905_000)),
        ] {
            assert_eq!(Budget::new(START, deadline).lease_end(), expected, "{deadline:?}");
        }
    }

    #[test]
    fn a_deadline_is_capped_at_15_min_and_defaults_to_15_s() {
        let now = UnixMillis(1_795_262_400_000);
        for (given_ms, expected) in [
            (0, 1_795_262_415_000),
            (600_000, 1_795_262_415_000),
            (999_999_999_999, 1_795_262_415_000),
            (1_000_000_000_000, 1_000_000_000_000),
            (1_795_262_399_000, 1_795_262_399_000),
            (1_795_262_403_000, 1_795_262_403_000),
            (1_795_263_300_000, 1_795_263_300_000),
            (1_795_263_300_001, 1_795_263_300_000),
            (u64::MAX, 1_795_263_300_000),
        ] {
            assert_eq!(invocation_deadline(given_ms, now), UnixMillis(expected), "{given_ms}");
        }
    }

    #[test]
    fn a_deadline_in_the_past_leaves_no_time() {
        let budget = Budget::new(START, UnixMillis(0));
        assert_eq!(budget.for_work(START), None);
        assert_eq!(budget.for_closing(START), Duration::ZERO);
    }
}
