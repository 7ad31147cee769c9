//! How many rounds a measurement takes: a least number, then more as long as a ratio is too wide to
//! be quoted and there is time.

use std::time::Duration;

use crate::stats::WIDEST_TO_QUOTE;

/// When a measurement stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rounds {
    /// Rounds that are measured in any case.
    pub least: usize,
    /// Time after which no further round starts.
    pub time: Duration,
}

impl Rounds {
    /// Returns whether the measurement stops after so many rounds.
    #[must_use]
    pub fn are_enough(self, rounds: usize, widest: f64, elapsed: Duration) -> bool {
        rounds >= self.least && (widest <= WIDEST_TO_QUOTE || elapsed >= self.time)
    }
}

/// Divides the time of a run among its measurements: each gets an equal share of what is left, so a
/// quiet measurement leaves more to those after it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    rounds: Rounds,
    measurements_left: u32,
}

impl Budget {
    /// Returns a budget for this many measurements.
    #[must_use]
    pub fn new(rounds: Rounds, measurements: u32) -> Self {
        Self { rounds, measurements_left: measurements }
    }

    /// Returns the limits of the next measurement.
    #[must_use]
    pub fn next(&self) -> Rounds {
        Rounds { time: self.rounds.time / self.measurements_left.max(1), ..self.rounds }
    }

    /// Takes off what the measurement took.
    pub fn spend(&mut self, elapsed: Duration) {
        self.rounds.time = self.rounds.time.saturating_sub(elapsed);
        self.measurements_left = self.measurements_left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUNDS: Rounds = Rounds { least: 9, time: Duration::from_mins(1) };

    #[test]
    fn fewer_rounds_than_the_least_are_never_enough() {
        assert!(!ROUNDS.are_enough(8, 0.0, Duration::from_secs(1000)));
        assert!(ROUNDS.are_enough(9, 0.0, Duration::ZERO));
    }

    #[test]
    fn rounds_go_on_while_a_ratio_is_too_wide_and_there_is_time() {
        let (before, after) = (Duration::from_millis(59_999), Duration::from_mins(1));
        for (widest, elapsed, expected) in [
            (0.1, before, true),
            (0.1001, before, false),
            (0.1001, after, true),
            (f64::INFINITY, before, false),
            (f64::INFINITY, after, true),
        ] {
            assert_eq!(
                ROUNDS.are_enough(9, widest, elapsed),
                expected,
                "{widest} after {elapsed:?}"
            );
        }
    }

    #[test]
    fn time_that_one_measurement_leaves_goes_to_the_others() {
        let mut budget = Budget::new(ROUNDS, 3);
        assert_eq!(budget.next(), Rounds { least: 9, time: Duration::from_secs(20) });
        budget.spend(Duration::from_secs(10));
        assert_eq!(budget.next(), Rounds { least: 9, time: Duration::from_secs(25) });
        budget.spend(Duration::from_secs(70));
        assert_eq!(budget.next(), Rounds { least: 9, time: Duration::ZERO });
    }
}
