//! Time as a port, so that tests and simulations control it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use webhook_verify::UnixSeconds;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Reads the system's clock. A clock before 1970 reads as 1970.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns this time plus `duration`, or the latest time if that overflows.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns this time minus `duration`, or the earliest time if that overflows.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time that passed since `earlier`; zero if `earlier` is later than this.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the time in whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0.div_euclid(1000))
    }

    /// Formats the time as RFC 3339 in UTC, such as `2026-11-21T21:43:08.5Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        rfc3339(i128::from(self.0) * 1_000_000)
    }
}

/// Formats the time as RFC 3339 in UTC, such as `2026-11-21T21:43:08Z`.
pub(crate) fn rfc3339_seconds(time: UnixSeconds) -> String {
    rfc3339(i128::from(time.0) * 1_000_000_000)
}

/// Formats the time as RFC 3339 in UTC.
///
/// A time outside the years 0 to 9999, which RFC 3339 cannot express, becomes 1970. It never comes
/// from a clock, nor from a timestamp within the tolerance.
fn rfc3339(unix_nanos: i128) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(unix_nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// Tells the time, and waits.
pub trait Clock: Send + Sync {
    fn now(&self) -> UnixMillis;

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Awaits `future` for at most `limit`. If it is not ready by then, drops it and returns
    /// `None`.
    fn within<F: Future + Send>(
        &self,
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_no_more_digits_than_needed() {
        assert_eq!(UnixMillis(1_795_297_388_123).rfc3339(), "2026-11-21T21:43:08.123Z");
        assert_eq!(UnixMillis(1_795_297_388_000).rfc3339(), "2026-11-21T21:43:08Z");
        assert_eq!(rfc3339_seconds(UnixSeconds(860_860_860)), "1997-04-12T16:01:00Z");
    }

    #[test]
    fn a_time_that_rfc_3339_cannot_express_becomes_1970() {
        assert_eq!(rfc3339_seconds(UnixSeconds(i64::MAX)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn arithmetic_stays_within_the_range() {
        assert_eq!(UnixMillis(i64::MAX).plus(Duration::MAX), UnixMillis(i64::MAX));
        assert_eq!(UnixMillis(i64::MIN).minus(Duration::MAX), UnixMillis(i64::MIN));
        assert_eq!(UnixMillis(5).since(UnixMillis(7)), Duration::ZERO);
        assert_eq!(
            UnixMillis(i64::MAX).since(UnixMillis(i64::MIN)),
            Duration::from_millis(i64::MAX as u64)
        );
        assert_eq!(UnixMillis(-1).seconds(), UnixSeconds(-1));
    }
}
