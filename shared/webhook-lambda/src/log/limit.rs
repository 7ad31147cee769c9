//! Limits the lines that anybody can cause: a flood of refused deliveries must not become a flood
//! of log lines.

use std::time::Duration;

use webhook_ingest::UnixMillis;

/// More than a person reads in a minute, and few enough to cost nothing.
pub(super) const LINES_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_mins(1);

/// Admits [`LINES_PER_MINUTE`] lines in each minute. A minute begins with its first line.
#[derive(Debug, Default)]
pub(super) struct LineLimit {
    minute: Option<Minute>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    began_at: UnixMillis,
    lines: u32,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// It is written.
    Written,
    /// It is the first of its minute that is left out: another line says so in its place.
    FirstLeftOut,
    /// It is left out.
    LeftOut,
}

impl LineLimit {
    pub(super) fn admit(&mut self, now: UnixMillis) -> Admission {
        // If the clock was set back, a new minute begins: otherwise the limit would last until the
        // clock has caught up.
        let is_current =
            |minute: &Minute| minute.began_at <= now && now.since(minute.began_at) < MINUTE;
        let minute = self.minute.filter(is_current).unwrap_or(Minute { began_at: now, lines: 0 });
        self.minute = Some(Minute { lines: minute.lines.saturating_add(1), ..minute });
        match minute.lines {
            0..LINES_PER_MINUTE => Admission::Written,
            LINES_PER_MINUTE => Admission::FirstLeftOut,
            _ => Admission::LeftOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_795_262_400_000);

    fn after(ms: u64) -> UnixMillis {
        START.plus(Duration::from_millis(ms))
    }

    /// Returns how many of 1,000 lines at this time are written, and how many are the first to be
    /// left out.
    fn admitted(limit: &mut LineLimit, now: UnixMillis) -> (usize, usize) {
        let admissions: Vec<_> = (0..1000).map(|_| limit.admit(now)).collect();
        let count = |wanted| admissions.iter().filter(|admission| **admission == wanted).count();
        (count(Admission::Written), count(Admission::FirstLeftOut))
    }

    #[test]
    fn a_minute_has_sixty_lines_and_one_notice_of_what_is_left_out() {
        let mut limit = LineLimit::default();
        for (ms, expected) in [
            (0, (60, 1)),
            (1, (0, 0)),
            (59_999, (0, 0)),
            (60_000, (60, 1)),
            (119_999, (0, 0)),
            (180_000, (60, 1)),
        ] {
            assert_eq!(admitted(&mut limit, after(ms)), expected, "{ms} ms after the start");
        }
    }

    #[test]
    fn a_minute_counts_from_its_first_line() {
        let mut limit = LineLimit::default();
        for ms in (0..60).map(|index| index * 1000) {
            assert_eq!(limit.admit(after(ms)), Admission::Written, "{ms}");
        }
        assert_eq!(limit.admit(after(59_999)), Admission::FirstLeftOut);
        assert_eq!(limit.admit(after(60_000)), Admission::Written);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_prolong_the_limit() {
        let mut limit = LineLimit::default();
        assert_eq!(admitted(&mut limit, START), (60, 1));
        assert_eq!(admitted(&mut limit, START.minus(Duration::from_hours(24))), (60, 1));
    }
}
