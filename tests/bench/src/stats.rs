//! Medians of paired rounds. A shared machine is faster in one minute than in the next, so what is
//! compared is the ratio of two measurements of the same round.

/// Standard deviations on each side of the mean that hold 95 % of a normal distribution.
const DEVIATIONS_OF_95_PERCENT: f64 = 1.96;
/// Widest interval that may be quoted, as a part of its median.
pub const WIDEST_TO_QUOTE: f64 = 0.1;

/// The median of some values, and how far they spread.
///
/// `low` and `high` bound a 95 % confidence interval of the median. They are two of the values,
/// chosen by rank alone (the 2nd and the 8th of 9, for example), so no distribution is assumed and
/// outliers do not move them. Unlike the range of all values, the interval narrows as rounds are
/// added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Number of values.
    pub count: usize,
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// Lower bound of the interval; without one (fewer than six values), NaN.
    pub low: f64,
    /// Upper bound of the interval; without one, NaN.
    pub high: f64,
    /// Smallest value.
    pub least: f64,
    /// Largest value.
    pub most: f64,
}

impl Spread {
    /// Returns the spread of the values; without values, every figure is NaN.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values = sorted(values);
        let count = values.len();
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = match rank_of_low(count) {
            0 => (f64::NAN, f64::NAN),
            rank => (at(rank - 1), at(count - rank)),
        };
        let median = f64::midpoint(at(count.saturating_sub(1) / 2), at(count / 2));
        Self { count, median, low, high, least: at(0), most: at(count.wrapping_sub(1)) }
    }

    /// Returns the spread of the ratios, one for each round.
    #[must_use]
    pub fn of_ratios(above: &[f64], below: &[f64]) -> Self {
        Self::of(above.iter().zip(below).map(|(above, below)| above / below))
    }

    /// Returns the same spread in a unit of this size.
    #[must_use]
    pub fn divided_by(self, unit: f64) -> Self {
        let Self { count, median, low, high, least, most } = self;
        let [median, low, high, least, most] =
            [median, low, high, least, most].map(|value| value / unit);
        Self { count, median, low, high, least, most }
    }

    /// Returns the width of the interval as a part of the median; infinity if there is no interval.
    #[must_use]
    pub fn width(self) -> f64 {
        let width = (self.high - self.low) / self.median;
        if width.is_finite() { width } else { f64::INFINITY }
    }

    /// Returns whether the median is too uncertain to be quoted.
    #[must_use]
    pub fn is_too_wide(self) -> bool {
        self.width() > WIDEST_TO_QUOTE
    }

    /// Returns the median and the range of all rounds, with this many decimals. A tilde marks a
    /// median that is too uncertain to be quoted.
    #[must_use]
    pub fn text(self, decimals: usize) -> String {
        let Self { median, least, most, .. } = self;
        let mark = if self.is_too_wide() { "~" } else { "" };
        format!("{mark}{median:.decimals$} ({least:.decimals$}…{most:.decimals$})")
    }
}

/// Returns the width of the widest interval, or 0 if there are no spreads.
pub fn widest(spreads: impl IntoIterator<Item = Spread>) -> f64 {
    spreads.into_iter().map(Spread::width).fold(0.0, f64::max)
}

/// Returns the value that `percent` of the values do not exceed.
#[must_use]
pub fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let values = sorted(values);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// Returns the rank, from 1, of the value that bounds the interval below; 0 if no value does. The
/// number of values below the median is binomial, and the normal distribution is close to that.
fn rank_of_low(count: usize) -> usize {
    let count = count as f64;
    let rank = (0.5 * (count - DEVIATIONS_OF_95_PERCENT * count.sqrt())).round().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, from 0 to count / 2"
    )]
    let rank = rank as usize;
    rank
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_paired_ratios_is_not_the_ratio_of_medians() {
        let spread = Spread::of_ratios(&[10.0, 30.0, 20.0], &[1.0, 10.0, 5.0]);
        assert_eq!(spread.text(1), "~4.0 (3.0…10.0)");
    }

    #[test]
    fn an_even_number_of_values_has_its_median_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]).median.to_bits(), 3.0_f64.to_bits());
    }

    #[test]
    fn the_interval_leaves_out_as_many_values_as_the_binomial_allows() {
        // From a table of the binomial distribution: the smallest chance over 95 %.
        for (count, rank) in
            [(0, 0), (5, 0), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (100, 40)]
        {
            assert_eq!(rank_of_low(count), rank, "{count} values");
        }
        let spread = Spread::of((1..=9).map(f64::from));
        assert_eq!([spread.low, spread.high].map(f64::to_bits), [2.0, 8.0].map(f64::to_bits));
    }

    #[test]
    fn an_outlier_does_not_widen_the_interval() {
        let values = [98.0, 99.0, 99.0, 100.0, 100.0, 100.0, 101.0, 102.0];
        let spread = |outlier| Spread::of([&values[..], &[outlier]].concat());
        assert_eq!(spread(103.0).width().to_bits(), 0.03_f64.to_bits());
        assert_eq!(spread(900.0).width().to_bits(), 0.03_f64.to_bits());
    }

    #[test]
    fn a_median_may_be_quoted_if_its_interval_is_at_most_a_tenth_wide() {
        let between =
            |low, high| Spread::of([low, low, 100.0, 100.0, 100.0, 100.0, 100.0, high, high]);
        let (narrow, wide) = (between(95.0, 105.0), between(95.0, 105.1));
        assert_eq!((narrow.is_too_wide(), narrow.text(1).as_str()), (false, "100.0 (95.0…105.0)"));
        assert_eq!((wide.is_too_wide(), wide.text(1).as_str()), (true, "~100.0 (95.0…105.1)"));
        assert_eq!(narrow.divided_by(2.0).text(1), "50.0 (47.5…52.5)");
    }

    #[test]
    fn too_few_rounds_are_too_wide_however_equal_they_are() {
        assert_eq!(Spread::of([1.0; 5]).width().to_bits(), f64::INFINITY.to_bits());
        assert_eq!(Spread::of([1.0; 6]).width().to_bits(), 0.0_f64.to_bits());
        assert!(Spread::of([]).is_too_wide());
    }

    #[test]
    fn the_widest_interval_of_several_counts() {
        assert_eq!(widest([]).to_bits(), 0.0_f64.to_bits());
        let equal = Spread::of([1.0; 6]);
        assert_eq!(widest([equal, Spread::of([1.0]), equal]).to_bits(), f64::INFINITY.to_bits());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values = || (1..=200).map(f64::from);
        assert_eq!(
            [50, 99, 100].map(|percent| percentile(values(), percent).to_bits()),
            [100.0, 198.0, 200.0].map(f64::to_bits)
        );
        assert_eq!(percentile([7.0], 99).to_bits(), 7.0_f64.to_bits());
    }
}
