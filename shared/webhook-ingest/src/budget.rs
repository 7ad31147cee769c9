//! How the time of one delivery is shared out, so that an answer always comes in time, and a claim is never left behind for
//! want of time to release it.

use std::time::Duration;

use crate::UnixMillis;

/// Every answer, good or bad, is out by then. Pinwheel waits 15 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(9);
/// Left before Lambda's deadline for the answer to travel: an answer cut off at the deadline is none.
const REPLY_MARGIN: Duration = Duration::from_millis(250);
/// Kept back for releasing the claim where the send fails; a quarter of what there is, where that is less.
const RELEASE_RESERVE: Duration = Duration::from_secs(1);
/// With less than this left, nothing is begun that would have to be undone.
const LEAST_TO_BEGIN: Duration = Duration::from_millis(200);
/// Clocks of two instances may differ by so much: a lease ends so long after its owner must be dead.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

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
    /// `deadline`: when Lambda ends the invocation.
    pub(crate) fn new(start: UnixMillis, deadline: UnixMillis) -> Self {
        let end = deadline.minus(REPLY_MARGIN).min(start.plus(ANSWER_WITHIN));
        let reserve = RELEASE_RESERVE.min(end.since(start) / 4);
        Self { end, work_end: end.minus(reserve), lease_end: deadline.plus(CLOCK_SKEW) }
    }

    /// What is left for claim and send; `None` where it is too little to begin.
    pub(crate) fn for_work(&self, now: UnixMillis) -> Option<Duration> {
        let left = self.work_end.since(now);
        (left >= LEAST_TO_BEGIN).then_some(left)
    }

    /// What is left for release and complete.
    pub(crate) fn for_closing(&self, now: UnixMillis) -> Duration {
        self.end.since(now)
    }

    /// When this invocation is certainly dead, by anybody's clock.
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
    fn with_a_long_deadline_the_answer_is_out_within_9_s() {
        let budget = Budget::new(START, after(15_000));
        assert_eq!(budget.for_work(START), Some(Duration::from_secs(8)));
        assert_eq!(budget.for_closing(START), Duration::from_secs(9));
        assert_eq!(budget.lease_end(), after(20_000));
    }

    #[test]
    fn with_a_short_deadline_the_margin_and_a_quarter_are_kept_back() {
        let budget = Budget::new(START, after(1_050));
        assert_eq!(budget.for_work(START), Some(Duration::from_millis(600)));
        assert_eq!(budget.for_work(after(400)), Some(Duration::from_millis(200)));
        assert_eq!(budget.for_work(after(401)), None);
        assert_eq!(budget.for_closing(after(401)), Duration::from_millis(399));
    }

    #[test]
    fn a_deadline_that_is_over_leaves_nothing() {
        let budget = Budget::new(START, UnixMillis(0));
        assert_eq!(budget.for_work(START), None);
        assert_eq!(budget.for_closing(START), Duration::ZERO);
    }
}
