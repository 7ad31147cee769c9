//! The headers that are verified: the signature, the time, and other signed headers.

use super::{AT, Suite};
use crate::{
    delivery::Header,
    description::{Encoding, Form, HeaderNames, Scheme, TimeSource, TimeUnit},
    error::VerifyError,
    suite::{Answer, Attempt, Identity},
    time::UnixSeconds,
};

impl Suite {
    /// Checks that each verified header must be sent once, under one of its names.
    pub(super) fn header_counts(&mut self, good: &Attempt, identity: &Identity) {
        for names in verified_headers(self.scheme) {
            let index = good.headers.iter().position(|header| header.name() == names[0]);
            let Some(index) = index else {
                return self.report("the signer leaves out a header that is verified");
            };
            let mut missing = good.clone();
            missing.headers.remove(index);
            let expected = Answer::Refused(VerifyError::HeaderMissing(names[0]));
            self.expect(&missing, &expected, "a missing header is not refused as such");
            for name in names {
                for value in [good.headers[index].value(), b"1"] {
                    let mut repeated = good.clone();
                    repeated.headers.push(Header::new(name.to_uppercase(), value));
                    let expected = Answer::Refused(VerifyError::HeaderRepeated(name));
                    self.expect(&repeated, &expected, "a repeated header is not refused as such");
                }
                let renamed = replaced(good, index, name, good.headers[index].value());
                if self.identity(&renamed).as_ref() != Some(identity) {
                    self.report("a header is not found under one of its names");
                }
            }
        }
    }

    /// Checks that a signature has one spelling, and that each byte of its header matters.
    pub(super) fn signature(&mut self, good: &Attempt) {
        let (name, value) = (good.headers[0].name(), good.headers[0].value());
        for index in 0..value.len() {
            let mut changed = value.to_vec();
            changed[index] ^= 1;
            self.expect_refused(
                &replaced(good, 0, name, &changed),
                "a changed signature header is accepted",
            );
        }
        let (before, digits) = split(self.scheme, str::from_utf8(value).expect("ASCII"));
        let other = if digits.starts_with('1') { "2" } else { "1" };
        let wrong = format!("{before}{other}{}", &digits[1..]);
        self.expect_mismatch(
            &replaced(good, 0, name, wrong.as_bytes()),
            "a wrong signature is not a mismatch",
        );
        let malformed =
            Answer::Refused(VerifyError::HeaderMalformed(self.scheme.signature.header[0]));
        let respelled = match self.scheme.signature.encoding {
            Encoding::Hex => digits.to_uppercase(),
            Encoding::Base64 => digits.trim_end_matches('=').to_owned(),
            Encoding::Base64Url => format!("{digits}="),
        };
        for digits in [&respelled, &digits[1..], &format!("{digits}0"), &format!(" {digits}"), ""] {
            let value = format!("{before}{digits}");
            self.expect(
                &replaced(good, 0, name, value.as_bytes()),
                &malformed,
                "a signature in a second spelling is not malformed",
            );
        }
        for value in [b"".as_slice(), b"=", b"\xff", digits.as_bytes()] {
            if value != digits.as_bytes() || !before.is_empty() {
                let other = replaced(good, 0, name, value);
                self.expect_refused(&other, "a signature header of a different form is accepted");
            }
        }
        let scheme = self.scheme;
        for other in self.provider.schemes().iter().filter(|other| *other != scheme) {
            if let Form::Prefixed(prefix) = other.signature.form {
                let value = format!("{prefix}{digits}");
                let renamed = replaced(good, 0, name, value.as_bytes());
                self.expect_refused(
                    &renamed,
                    "a signature of one scheme is accepted under another",
                );
            }
        }
    }

    /// Checks that each character of the time and of other signed headers matters.
    pub(super) fn signed_values(&mut self, good: &Attempt) {
        let time_header = self.scheme.time.and_then(|time| match time.source {
            TimeSource::Header(names) => Some(names[0]),
            TimeSource::Label(_) => None,
        });
        for (index, header) in good.headers.iter().enumerate().skip(1) {
            let (name, value) = (header.name(), str::from_utf8(header.value()).expect("ASCII"));
            if Some(name) == time_header {
                for other in
                    [value.replacen("17", "18", 1), format!("0{value}"), value[1..].to_owned()]
                {
                    let altered = replaced(good, index, name, other.as_bytes());
                    self.expect_mismatch(&altered, "an altered time is not a mismatch");
                }
                let malformed =
                    Answer::Refused(VerifyError::HeaderMalformed(time_names(self.scheme)));
                for other in [
                    "",
                    "-1",
                    &format!("+{value}"),
                    &format!("{value} "),
                    &format!("{value}.0"),
                    "1e9",
                ] {
                    let altered = replaced(good, index, name, other.as_bytes());
                    self.expect(
                        &altered,
                        &malformed,
                        "a time with other characters than digits is not malformed",
                    );
                }
            } else {
                for other in [format!("{value}0"), value.to_uppercase(), String::new()] {
                    let altered = replaced(good, index, name, other.as_bytes());
                    self.expect_mismatch(&altered, "an altered header is not a mismatch");
                }
                self.moved_text(good, index);
            }
        }
        if let Form::Labelled { assign, .. } = self.scheme.signature.form
            && let Some(TimeSource::Label(label)) = self.scheme.time.map(|time| time.source)
        {
            let (name, value) =
                (good.headers[0].name(), str::from_utf8(good.headers[0].value()).expect("ASCII"));
            let stamped = |time: &str| {
                let now = spelled(self.scheme, AT);
                assert!(value.contains(&format!("{label}{assign}{now}")), "the time is sent");
                value.replacen(&now, time, 1).into_bytes()
            };
            for other in ["1800000000", "01700000000", "1"] {
                let altered = replaced(good, 0, name, &stamped(other));
                self.expect_mismatch(&altered, "an altered time is not a mismatch");
            }
        }
    }

    /// Checks that text cannot move between a signed header and the time.
    fn moved_text(&mut self, good: &Attempt, index: usize) {
        let Some(time) = self.scheme.time else { return };
        let TimeSource::Header(names) = time.source else { return };
        let at = good
            .headers
            .iter()
            .position(|header| header.name() == names[0])
            .expect("the time is sent");
        let (id, digits) = (good.headers[index].value(), good.headers[at].value());
        for (id, digits) in [
            ([id, &digits[..1]].concat(), digits[1..].to_vec()),
            (id[..id.len() - 1].to_vec(), [&id[id.len() - 1..], digits].concat()),
        ] {
            let moved = replaced(good, index, good.headers[index].name(), &id);
            let moved = replaced(&moved, at, names[0], &digits);
            self.expect_mismatch(&moved, "text can move between a signed header and the time");
        }
    }
}

fn replaced(attempt: &Attempt, index: usize, name: &str, value: &[u8]) -> Attempt {
    let mut other = attempt.clone();
    other.headers[index] = Header::new(name, value);
    other
}

/// Returns the headers that must be there exactly once.
fn verified_headers(scheme: &Scheme) -> Vec<HeaderNames> {
    let mut all = vec![scheme.signature.header];
    if let Some(TimeSource::Header(names)) = scheme.time.map(|time| time.source) {
        all.push(names);
    }
    all.extend(scheme.signed_headers());
    all
}

/// Splits the value of a signature header before the digits of the signature, which the signer
/// writes last.
fn split<'v>(scheme: &Scheme, value: &'v str) -> (&'v str, &'v str) {
    let start = match scheme.signature.form {
        Form::Bare => 0,
        Form::Prefixed(prefix) => prefix.len(),
        Form::Labelled { separator, label, .. } => {
            value.rfind(separator).map_or(0, |at| at + separator.len_utf8()) + label.len() + 1
        }
    };
    value.split_at(start)
}

fn time_names(scheme: &Scheme) -> &'static str {
    match scheme.time.map(|time| time.source) {
        Some(TimeSource::Header(names)) => names[0],
        Some(TimeSource::Label(_)) | None => scheme.signature.header[0],
    }
}

fn spelled(scheme: &Scheme, at: UnixSeconds) -> String {
    match scheme.time.map(|time| time.unit) {
        Some(TimeUnit::Milliseconds) => format!("{}000", at.0),
        Some(TimeUnit::Seconds) | None => at.0.to_string(),
    }
}
