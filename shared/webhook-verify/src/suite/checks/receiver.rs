//! What a receiver brings to a delivery: its clock, its secrets, and the URL that it is registered
//! under.

use std::time::Duration;

use super::{AT, ID, Suite};
use crate::{
    error::VerifyError,
    mac::SecretVersion,
    sign::example_body,
    suite::{Answer, Attempt, Identity},
    time::{FUTURE_TOLERANCE, Tolerance, UnixSeconds},
};

/// A shorter tolerance refuses honest deliveries.
const SHORTEST_TOLERANCE: Duration = Duration::from_mins(1);
/// A longer tolerance is more than half of a record's life (30 days), so a replay might go
/// unnoticed.
const LONGEST_TOLERANCE: Duration = Duration::from_hours(15 * 24);

impl Suite {
    /// Checks that the tolerance is sensible, holds on both sides to the second, and is checked
    /// after the MAC.
    pub(super) fn clock(&mut self, good: &Attempt) {
        let at = |offset_s: i64| Attempt { now: UnixSeconds(AT.0 + offset_s), ..good.clone() };
        let accepted = self.receive(good);
        let Some(time) = self.scheme.time else {
            for now in [at(-AT.0), at(AT.0)] {
                self.expect(&now, &accepted, "the clock matters although no time is signed");
            }
            return;
        };
        if !(SHORTEST_TOLERANCE..=LONGEST_TOLERANCE).contains(&time.tolerance) {
            self.report("the tolerance is not between a minute and fifteen days");
        }
        let tolerance = Tolerance::of(self.provider).past.as_secs();
        let past = i64::try_from(tolerance).expect("less than an age");
        let future = i64::try_from(FUTURE_TOLERANCE.as_secs()).expect("five minutes");
        for (offset_s, expected) in [
            (past, accepted.clone()),
            (past + 1, Answer::Refused(VerifyError::TimestampTooOld { skew_s: tolerance + 1 })),
            (-future, accepted),
            (-future - 1, Answer::Refused(VerifyError::TimestampInFuture { skew_s: 301 })),
        ] {
            self.expect(&at(offset_s), &expected, "the tolerance does not hold to the second");
        }
        let mut stale_forgery = at(past + 1);
        stale_forgery.secrets.0 = self.provider.key().write("an-unrelated-key");
        self.expect_mismatch(&stale_forgery, "the clock is checked before the MAC");
    }

    /// Checks that only the current and the previous secret verify.
    pub(super) fn secrets(&mut self, good: &Attempt, identity: &Identity) {
        let key = self.provider.key();
        let [other, another] =
            ["an-unrelated-key", "s3cret-of-the-suit"].map(|text| key.write(text));
        let with = |current: &String, previous: Option<&String>| Attempt {
            secrets: (current.clone(), previous.cloned()),
            ..good.clone()
        };
        self.expect_mismatch(&with(&other, None), "a different secret verifies");
        self.expect_mismatch(&with(&other, Some(&another)), "a different secret verifies");
        let right = &good.secrets.0;
        for (attempt, secret) in [
            (with(right, Some(&other)), SecretVersion::Current),
            (with(&other, Some(right)), SecretVersion::Previous),
        ] {
            let expected = Answer::Accepted { identity: identity.clone(), secret };
            self.expect(
                &attempt,
                &expected,
                "during a rotation, a secret does not verify or is not named",
            );
        }
    }

    /// Checks that the URL matters if it is signed, and only then.
    pub(super) fn url(&mut self, good: &Attempt, identity: &Identity) {
        for url in [
            None,
            Some(""),
            Some("https://example.com/webhooks/provider/"),
            Some("http://elsewhere.example"),
        ] {
            let elsewhere = Attempt { url, ..good.clone() };
            if self.scheme.signs_url() {
                self.expect_mismatch(&elsewhere, "a different URL verifies");
            } else if self.identity(&elsewhere).as_ref() != Some(identity) {
                self.report("the URL matters although none is signed");
            }
        }
    }

    /// Checks that a signature without the URL is refused, if the scheme signs the URL.
    pub(super) fn no_url(&mut self) {
        for url in [None, Some("")] {
            let nowhere = self.attempt_under(url, &example_body(self.scheme, 1, 1), AT, ID);
            if self.scheme.signs_url() {
                self.expect_mismatch(&nowhere, "a missing URL verifies although the URL is signed");
            }
        }
    }
}
