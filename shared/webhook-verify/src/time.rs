//! Time, which is always an argument: the crate never reads a clock.

use std::{cmp::Ordering, time::Duration};

use crate::{description::Provider, error::VerifyError};

/// How far ahead of our clock a timestamp may be, inclusive: 300 s, the tolerance of Stripe's and
/// Svix's libraries. It is not configurable: a sender's clock that is further ahead is broken, and
/// a signature dated further ahead could outlive its idempotency record.
pub const FUTURE_TOLERANCE: Duration = Duration::from_mins(5);

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// Reads decimal digits only. Returns `None` for any other text, such as one with a sign, a
    /// space or a fraction, and for a number that is too large.
    #[must_use]
    pub fn from_digits(text: &[u8]) -> Option<Self> {
        if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // ASCII digits are UTF-8, and `parse` refuses a number that is too large.
        str::from_utf8(text).ok()?.parse().ok().map(Self)
    }

    /// Checks that this time of a signature is within the tolerance, inclusive.
    ///
    /// # Errors
    /// [`VerifyError::TimestampTooOld`] or [`VerifyError::TimestampInFuture`].
    pub fn check(self, now: Self, tolerance: Tolerance) -> Result<(), VerifyError> {
        let skew_s = self.0.abs_diff(now.0);
        match self.cmp(&now) {
            Ordering::Greater if skew_s > FUTURE_TOLERANCE.as_secs() => {
                Err(VerifyError::TimestampInFuture { skew_s })
            }
            Ordering::Less if skew_s > tolerance.past.as_secs() => {
                Err(VerifyError::TimestampTooOld { skew_s })
            }
            Ordering::Less | Ordering::Equal | Ordering::Greater => Ok(()),
        }
    }
}

/// How far from now a signed timestamp may be. For the future, it is always [`FUTURE_TOLERANCE`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tolerance {
    /// How far in the past, inclusive. Fractions of a second are ignored.
    pub past: Duration,
}

impl Tolerance {
    /// Returns the tolerance of a provider's description, which is zero if it signs no time.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        Self { past: provider.tolerance().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    #[test]
    fn the_tolerance_holds_on_both_sides_and_to_the_second() {
        let tolerance = Tolerance { past: Duration::from_secs(600) };
        for (offset_s, expected) in [
            (-601, Err(VerifyError::TimestampTooOld { skew_s: 601 })),
            (-600, Ok(())),
            (0, Ok(())),
            (300, Ok(())),
            (301, Err(VerifyError::TimestampInFuture { skew_s: 301 })),
        ] {
            assert_eq!(
                UnixSeconds(NOW.0 + offset_s).check(NOW, tolerance),
                expected,
                "{offset_s} s from now"
            );
        }
    }

    #[test]
    fn the_smallest_and_largest_times_do_not_overflow() {
        let (day, tolerance) =
            (Tolerance { past: Duration::from_hours(24) }, Tolerance { past: Duration::MAX });
        assert_eq!(
            UnixSeconds(i64::MIN).check(UnixSeconds(i64::MAX), day),
            Err(VerifyError::TimestampTooOld { skew_s: u64::MAX })
        );
        assert_eq!(
            UnixSeconds(i64::MAX).check(UnixSeconds(i64::MIN), tolerance),
            Err(VerifyError::TimestampInFuture { skew_s: u64::MAX })
        );
    }

    #[test]
    fn a_timestamp_has_only_digits_and_is_not_too_large() {
        let long = "9".repeat(400);
        for text in [
            "",
            " 1",
            "1 ",
            "+1",
            "-1",
            "1.0",
            "1e3",
            "0x1",
            "١",
            "１",
            "9223372036854775808",
            "1\n",
            "1,1",
            &long,
        ] {
            assert_eq!(UnixSeconds::from_digits(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(UnixSeconds::from_digits(b"-9223372036854775808"), None);
        assert_eq!(UnixSeconds::from_digits(b"\xff1"), None);
        assert_eq!(UnixSeconds::from_digits(b"0"), Some(UnixSeconds(0)));
        assert_eq!(UnixSeconds::from_digits(b"860860860"), Some(UnixSeconds(860_860_860)));
        assert_eq!(UnixSeconds::from_digits(b"9223372036854775807"), Some(UnixSeconds(i64::MAX)));
    }
}
