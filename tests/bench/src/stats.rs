//! Medians of paired rounds. Minutes differ on a shared machine: what counts is the ratio of two measurements of one round.

/// A median with its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half of the values are no larger.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these values; of none, all is NaN.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values = sorted(values);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().wrapping_sub(1)) }
    }

    /// Of the ratios within each round.
    #[must_use]
    pub fn of_ratios(above: &[f64], below: &[f64]) -> Self {
        Self::of(above.iter().zip(below).map(|(above, below)| above / below))
    }

    /// The median, and the range in brackets, with so many digits after the point.
    #[must_use]
    pub fn text(self, digits: usize) -> String {
        let Self { median, least, most } = self;
        format!("{median:.digits$} ({least:.digits$}…{most:.digits$})")
    }
}

/// The value that `percent` of the values do not exceed.
#[must_use]
pub fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let values = sorted(values);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
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
        assert_eq!(spread, Spread { median: 4.0, least: 3.0, most: 10.0 });
        assert_eq!(spread.text(1), "4.0 (3.0…10.0)");
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
