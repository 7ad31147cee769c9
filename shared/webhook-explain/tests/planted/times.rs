//! Clocks and units.

use std::time::Duration;

use webhook_explain::Cause;
use webhook_verify::{
    UnixSeconds,
    description::{TimeSource, TimeUnit},
};

use crate::support::{Case, NOW, Planted, body, key, schemes};

#[test]
fn a_delivery_outside_the_tolerance_is_recognised_as_stale_or_future() {
    let (mut stale, mut future) =
        (Planted::of(Cause::TimestampStale), Planted::of(Cause::TimestampFuture));
    for (provider, scheme) in schemes() {
        let Some(time) = scheme.time else { continue };
        let good = Case::good(provider, scheme, 1);
        let past = i64::try_from(time.tolerance.as_secs()).expect("less than an age");
        for later_s in [past + 1, past + 3_600, past + 86_400 * 30, past + 86_400 * 4_000] {
            stale.plant(&Case { now: UnixSeconds(NOW.0 + later_s), ..good.clone() }, "later");
        }
        for earlier_s in [301, 3_600, 86_400 * 365] {
            future.plant(&Case { now: UnixSeconds(NOW.0 - earlier_s), ..good.clone() }, "earlier");
        }
    }
    let dated = schemes().filter(|(_, scheme)| scheme.time.is_some()).count();
    stale.covers_schemes(dated);
    future.covers_schemes(dated);
    assert!(dated >= 4, "the catalogue alone has four such schemes");
}

#[test]
fn a_time_in_a_different_unit_or_form_is_recognised() {
    let mut planted = Planted::of(Cause::TimestampUnit);
    for (provider, scheme) in schemes() {
        let Some(time) = scheme.time else { continue };
        let secret = provider.key().write(&key(1));
        let text = body(scheme, 1);
        // Signed and sent in a unit that the receiver does not expect.
        for factor in [1_000, 1_000_000, 1_000_000_000] {
            let signed_at = match time.unit {
                TimeUnit::Seconds => NOW.0 * factor,
                TimeUnit::Milliseconds => NOW.0 / 1_000,
            };
            let case =
                Case::signed(provider, scheme, &secret, text.as_bytes(), UnixSeconds(signed_at));
            planted.plant(&case, "another unit, signed so");
        }
        // Signed in the right unit, but sent in a different one.
        let good = Case::good(provider, scheme, 1);
        let (digits, milliseconds) = (NOW.0.to_string(), (NOW.0 * 1_000).to_string());
        let (right, others) = match time.unit {
            TimeUnit::Seconds => {
                (digits.clone(), [milliseconds, format!("{digits}.25"), format!(" {digits} ")])
            }
            TimeUnit::Milliseconds => (
                milliseconds.clone(),
                [digits, format!("{milliseconds}.25"), format!("\"{milliseconds}\"")],
            ),
        };
        let place = match time.source {
            TimeSource::Header(names) => {
                good.headers.iter().position(|header| names.contains(&header.name())).expect("sent")
            }
            TimeSource::Label(_) => 0,
        };
        for other in others.iter().map(String::as_str).chain(["2023-11-14T22:13:20Z"]) {
            let value = good.value(place).replacen(&right, other, 1);
            let name = good.headers[place].name().to_owned();
            planted.plant(&good.clone().with_header(place, &name, &value), other);
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn the_receivers_tolerance_is_applied() {
    for (provider, scheme) in schemes() {
        let Some(time) = scheme.time else { continue };
        let at_the_bound =
            NOW.0 + i64::try_from(time.tolerance.as_secs()).expect("less than an age");
        let good = Case { now: UnixSeconds(at_the_bound), ..Case::good(provider, scheme, 1) };
        assert_eq!(good.explain().cause, None, "{}", scheme.name);
        assert!(time.tolerance >= Duration::from_mins(1));
    }
}
