//! Hypotheses about the time: its unit, its form, and the clock.

use webhook_verify::{
    FUTURE_TOLERANCE, Header, Provider, Tolerance, UnixSeconds,
    description::{Form, HeaderNames, Time, TimeSource, TimeUnit},
};

use crate::{
    Question,
    cause::Cause,
    change::Change,
    header::{form, has_name},
    trial::Skew,
    words::duration,
};

const IN_UNIT: &str = "Have the sender sign and send the time as the provider documents it: as \
                       whole seconds or milliseconds since 1970, in digits.";

/// Returns the headers with the time in other units, and without quotes, white space or a fraction.
pub(crate) fn changes(provider: &'static Provider, headers: &[Header]) -> Vec<Change<Vec<Header>>> {
    let mut changes = Vec::new();
    for scheme in provider.schemes() {
        let Some(time) = scheme.time else { continue };
        let (names, label) = match time.source {
            TimeSource::Header(names) => (names, None),
            TimeSource::Label(label) => {
                (scheme.signature.header, Some((label, scheme.signature.form)))
            }
        };
        let Some((place, text)) = find(headers, names) else { continue };
        let Some(old) = label.map_or(Some(text), |(label, form)| labelled(text, label, form))
        else {
            continue;
        };
        for (new, detail) in others(old) {
            let value = if label.is_some() { text.replacen(old, &new, 1) } else { new };
            let mut other = headers.to_vec();
            other[place] = Header::new(headers[place].name(), value);
            changes.push(Change::new(Cause::TimestampUnit, other, detail, IN_UNIT));
        }
    }
    changes
}

fn find(headers: &[Header], names: HeaderNames) -> Option<(usize, &str)> {
    let place = headers.iter().position(|header| has_name(header, names))?;
    Some((place, str::from_utf8(headers[place].value()).ok()?))
}

/// Returns the value with this label in a signature header.
fn labelled<'v>(text: &'v str, wanted: &str, form: Form) -> Option<&'v str> {
    let Form::Labelled { separator, assign, .. } = form else { return None };
    text.split(separator)
        .filter_map(|pair| pair.split_once(assign))
        .find(|(label, _)| *label == wanted)
        .map(|(_, value)| value)
}

/// Says what is wrong with the time in a signature header, if that can be seen without a secret.
pub(crate) fn label_fault(provider: &Provider, text: &str) -> Option<Change<()>> {
    let scheme = provider
        .schemes()
        .iter()
        .find(|scheme| matches!(scheme.time.map(|time| time.source), Some(TimeSource::Label(_))))?;
    let TimeSource::Label(label) = scheme.time?.source else { return None };
    let form = form(scheme);
    match labelled(text, label, scheme.signature.form) {
        None => {
            let detail = format!("The signature header has no time: {form}.");
            Some(Change::new(
                Cause::SignaturePrefix,
                (),
                detail,
                "Have the sender write the header as the provider documents it.",
            ))
        }
        Some(time) if UnixSeconds::from_digits(time.as_bytes()).is_none() => {
            let detail = format!("The time in the signature header is not a whole number: {form}.");
            Some(Change::new(Cause::TimestampUnit, (), detail, IN_UNIT))
        }
        Some(_) => None,
    }
}

/// Returns other spellings of a time.
fn others(text: &str) -> Vec<(String, &'static str)> {
    let digits = text.trim().trim_matches(['"', '\'']);
    let whole = digits.split('.').next().unwrap_or_default();
    let mut all = vec![
        (digits.to_owned(), "The time has quotes or white space around it that were not signed."),
        (whole.to_owned(), "The time has a fraction that was not signed."),
        (
            format!("{whole}000"),
            "The signature covers the time in milliseconds, but the time that came is in seconds.",
        ),
    ];
    if let Some(seconds) = whole.len().checked_sub(3).and_then(|length| whole.get(..length)) {
        let detail =
            "The signature covers the time in seconds, but the time that came is in milliseconds.";
        all.push((seconds.to_owned(), detail));
    }
    all.retain(|(other, _)| other != text && !other.is_empty());
    all
}

/// Says why an authentic delivery is outside the tolerance.
pub(crate) fn outside(question: &Question<'_>, time: Option<Time>, skew: Skew) -> Change<()> {
    let Skew { seconds: skew_s, is_past } = skew;
    let offset = i64::try_from(skew_s).unwrap_or(i64::MAX);
    let signed_at = if is_past {
        question.now.0.saturating_sub(offset)
    } else {
        question.now.0.saturating_add(offset)
    };
    if let Some(unit) = other_unit(signed_at, question.now, question.tolerance, time) {
        let wanted = match time.map(|time| time.unit) {
            Some(TimeUnit::Milliseconds) => "milliseconds",
            Some(TimeUnit::Seconds) | None => "seconds",
        };
        let detail = format!(
            "The signature is valid, but its time is in {unit}, and the receiver expects {wanted}."
        );
        return Change::new(Cause::TimestampUnit, (), detail, IN_UNIT);
    }
    let hours = match skew_s {
        // No time zone is more than 14 hours away from UTC.
        3_480..=50_520 if skew_s % 3_600 <= 120 || skew_s % 3_600 >= 3_480 => {
            " That is about a whole number of hours: a clock may be set to local time."
        }
        _ => "",
    };
    if is_past {
        let detail = format!(
            "The signature is valid, but it was made {} before the time of receipt, and the \
             tolerance is {} s.{hours}",
            duration(skew_s),
            question.tolerance.past.as_secs()
        );
        let fix = "If you captured this delivery earlier, give the time when it came (--at). \
                   Otherwise check both clocks. If the provider's retries repeat the time of the \
                   first attempt, raise TIMESTAMP_TOLERANCE_S. Sign samples again before you send \
                   them.";
        Change::new(Cause::TimestampStale, (), detail, fix)
    } else {
        let detail = format!(
            "The signature is valid, but its time is {} after the time of receipt, and the \
             tolerance is {} s.{hours}",
            duration(skew_s),
            FUTURE_TOLERANCE.as_secs()
        );
        let fix = "If you captured this delivery, give the time when it came (--at). Otherwise set \
                   the sender's clock, or the receiver's (NTP).";
        Change::new(Cause::TimestampFuture, (), detail, fix)
    }
}

/// Returns the unit in which the time would be within the tolerance.
fn other_unit(
    signed_at: i64,
    now: UnixSeconds,
    tolerance: Tolerance,
    time: Option<Time>,
) -> Option<&'static str> {
    // The receiver has divided milliseconds by 1,000, so up to 999 of the original count are lost.
    let (count, own, dropped) = match time?.unit {
        TimeUnit::Seconds => (i128::from(signed_at), 1, 0),
        TimeUnit::Milliseconds => (i128::from(signed_at) * 1_000, 1_000, 999),
    };
    let units = [
        ("seconds", 1),
        ("milliseconds", 1_000),
        ("microseconds", 1_000_000),
        ("nanoseconds", 1_000_000_000),
    ];
    let fits = |count: i128, per_second: i128| {
        i64::try_from(count / per_second)
            .is_ok_and(|seconds| UnixSeconds(seconds).check(now, tolerance).is_ok())
    };
    units
        .into_iter()
        .filter(|(_, per_second)| *per_second != own)
        .find(|(_, per_second)| fits(count, *per_second) || fits(count + dropped, *per_second))
        .map(|(name, _)| name)
}
