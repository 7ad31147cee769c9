//! The checks. Each takes a provider and a receiver, and returns what the receiver does wrong.

use std::time::Duration;

use super::{Answer, Attempt, Identity, Receiver};
use crate::{
    delivery::Header,
    description::{
        Body, Encoding, EventType, Form, HeaderNames, Id, Provider, Scheme, TimeSource, TimeUnit,
        Unsigned,
    },
    error::{Malformed, VerifyError},
    mac::SecretVersion,
    sign::{Signer, example_body, malformed_body},
    time::{FUTURE_TOLERANCE, Tolerance, UnixSeconds},
};

const AT: UnixSeconds = UnixSeconds(1_700_000_000);
const URL: &str = "https://example.com/webhooks/provider";
const SECRET: &str = "s3cret-of-the-suite";
const ID: &str = "msg_1";

/// A tolerance below this refuses honest deliveries,
const SHORTEST_TOLERANCE: Duration = Duration::from_mins(1);
/// and one above this outlives half of a record's life (30 days), so that a replay may not be known.
const LONGEST_TOLERANCE: Duration = Duration::from_hours(15 * 24);

/// Returns what the receiver does wrong with deliveries of any of the provider's schemes.
pub(super) fn violations(provider: &'static Provider, receiver: Receiver) -> Vec<String> {
    let mut all = Vec::new();
    for scheme in provider.schemes() {
        let forms = scheme
            .messages
            .iter()
            .filter(|message| matches!(message.body, Body::PythonForm(_)))
            .count();
        for respelled in [false, true] {
            if respelled && forms == 0 {
                continue;
            }
            let mut suite = Suite {
                provider,
                scheme,
                receiver,
                respelled,
                has_form: forms > 0,
                violations: Vec::new(),
            };
            suite.run();
            all.append(&mut suite.violations);
        }
    }
    all
}

struct Suite {
    provider: &'static Provider,
    scheme: &'static Scheme,
    receiver: Receiver,
    /// Whether the Python form is signed in place of the body.
    respelled: bool,
    /// Whether it may be.
    has_form: bool,
    violations: Vec<String>,
}

impl Suite {
    fn run(&mut self) {
        let good = self.attempt(&example_body(self.scheme, 1, 1), AT, ID);
        let Answer::Accepted { identity, secret: SecretVersion::Current } = self.receive(&good)
        else {
            return self.report("a signed delivery is not accepted under the current secret");
        };
        self.identities(&good, &identity);
        self.unsigned(&good, &identity);
        self.header_counts(&good, &identity);
        self.signature(&good);
        self.signed_values(&good);
        self.body(&good, &identity);
        self.clock(&good);
        self.secrets(&good, &identity);
        self.url(&good, &identity);
        self.no_url();
        self.not_an_object(&good);
        self.malformed_body();
    }

    fn attempt(&self, body: &str, at: UnixSeconds, id: &str) -> Attempt {
        self.attempt_under(Some(URL), body, at, id)
    }

    fn attempt_under(
        &self,
        url: Option<&'static str>,
        body: &str,
        at: UnixSeconds,
        id: &str,
    ) -> Attempt {
        let text = self.provider.key().write(SECRET);
        let secret = self.provider.key().read(&text).expect("a secret in its provider's spelling");
        let mut signer = Signer::new(self.scheme, &secret, at).id(id).public_url(url);
        if self.respelled {
            signer = signer.respelled();
        }
        let headers = signer.sign(body.as_bytes()).expect("the scheme can sign it");
        Attempt { headers, body: body.as_bytes().to_vec(), secrets: (text, None), now: AT, url }
    }

    /// Receives the delivery, and checks that nothing confidential is logged.
    fn receive(&mut self, attempt: &Attempt) -> Answer {
        let mut log = String::new();
        let answer = (self.receiver)(self.provider, attempt, &mut log);
        let signature = attempt
            .headers
            .first()
            .map(|header| String::from_utf8_lossy(header.value()).into_owned());
        let signature = signature.filter(|value| value.len() > "v1=".len());
        let confidential = [SECRET, &attempt.secrets.0, "example.created", "evt_1", "grp_1"];
        for confidential in confidential.into_iter().chain(signature.as_deref()) {
            if log.contains(confidential) {
                self.report("a log shows a secret, a signature or a payload");
            }
        }
        answer
    }

    fn report(&mut self, violation: &str) {
        let violation = format!("{}: {violation}", self.scheme.name);
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    fn expect(&mut self, attempt: &Attempt, expected: &Answer, violation: &str) {
        if self.receive(attempt) != *expected {
            self.report(violation);
        }
    }

    fn expect_mismatch(&mut self, attempt: &Attempt, violation: &str) {
        self.expect(attempt, &Answer::Refused(VerifyError::SignatureMismatch), violation);
    }

    fn expect_refused(&mut self, attempt: &Attempt, violation: &str) {
        if !matches!(self.receive(attempt), Answer::Refused(_)) {
            self.report(violation);
        }
    }

    fn identity(&mut self, attempt: &Attempt) -> Option<Identity> {
        match self.receive(attempt) {
            Answer::Accepted { identity, .. } => Some(identity),
            Answer::Refused(_) | Answer::Malformed(_) => None,
        }
    }

    /// A retry is the same event, and another event is another.
    fn identities(&mut self, good: &Attempt, identity: &Identity) {
        let body = str::from_utf8(&good.body).expect("text").to_owned();
        let retry = self.attempt(&body, UnixSeconds(AT.0 - 30), ID);
        if self.identity(&retry).as_ref() != Some(identity) {
            self.report("a retry that is signed again is another event");
        }
        let is_in_header = matches!(self.scheme.facts.id, Id::SignedHeader(_));
        let other = if is_in_header {
            self.attempt(&body, AT, "msg_2")
        } else {
            self.attempt(&example_body(self.scheme, 2, 1), AT, ID)
        };
        if self.identity(&other).is_none_or(|other| other.key == identity.key) {
            self.report("another event is the same");
        }
    }

    /// What no signature covers has no influence on the identity.
    fn unsigned(&mut self, good: &Attempt, identity: &Identity) {
        for name in unsigned_headers(self.scheme) {
            let mut other = good.clone();
            other.headers.push(Header::new(name, "forged"));
            if self.identity(&other).as_ref() != Some(identity) {
                self.report("an unsigned header changes the answer or the identity");
            }
        }
        let Some(member) = self.scheme.signed_member() else { return };
        let signed = &good.body[signed_range(self.scheme, &good.body)];
        let signed = str::from_utf8(signed).expect("text");
        for name in self.scheme.facts.unsigned_members.iter().copied().chain(["other"]) {
            let body = format!("{{\"{name}\": \"forged\", \"{member}\": {signed}}}").into_bytes();
            if self.identity(&Attempt { body, ..good.clone() }).as_ref() != Some(identity) {
                self.report("an unsigned member changes the answer or the identity");
            }
        }
    }

    /// Each header of the signature is there once, under one of its names.
    fn header_counts(&mut self, good: &Attempt, identity: &Identity) {
        for names in verified_headers(self.scheme) {
            let index = good.headers.iter().position(|header| header.name() == names[0]);
            let Some(index) = index else {
                return self.report("a header of the signature is not sent");
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

    /// The signature has one spelling, and each byte of its header counts.
    fn signature(&mut self, good: &Attempt) {
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
                "a signature has a second spelling",
            );
        }
        for value in [b"".as_slice(), b"=", b"\xff", digits.as_bytes()] {
            if value != digits.as_bytes() || !before.is_empty() {
                let other = replaced(good, 0, name, value);
                self.expect_refused(&other, "a signature header of another form is accepted");
            }
        }
        let scheme = self.scheme;
        for other in self.provider.schemes().iter().filter(|other| *other != scheme) {
            if let Form::Prefixed(prefix) = other.signature.form {
                let value = format!("{prefix}{digits}");
                let renamed = replaced(good, 0, name, value.as_bytes());
                self.expect_refused(&renamed, "a signature of one scheme is one of another");
            }
        }
    }

    /// The time and other headers that are signed count character for character.
    fn signed_values(&mut self, good: &Attempt) {
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
                        "a time that has not only digits is not malformed",
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

    /// Text cannot move between a signed header and the time.
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

    /// Each byte of what is signed of the body counts.
    fn body(&mut self, good: &Attempt, identity: &Identity) {
        let signed = signed_range(self.scheme, &good.body);
        for index in 0..good.body.len() {
            let mut changed = good.clone();
            changed.body[index] ^= 1;
            match self.receive(&changed) {
                Answer::Refused(VerifyError::SignatureMismatch | VerifyError::NoSignedText(_)) => {}
                Answer::Accepted { identity: other, .. }
                    if !signed.contains(&index) && other == *identity => {}
                Answer::Accepted { .. } | Answer::Refused(_) | Answer::Malformed(_) => {
                    self.report("a changed byte of the body is not a mismatch");
                }
            }
        }
        let text = String::from_utf8_lossy(&good.body).into_owned();
        for other in [format!("{text} "), format!(" {text}"), text.replace(": ", ":")] {
            let respelled = Attempt { body: other.into_bytes(), ..good.clone() };
            if self.respelled || self.scheme.signed_member().is_some() {
                if self.identity(&respelled).as_ref() != Some(identity) {
                    self.report(
                        "another spelling of a body whose Python form is signed is another event",
                    );
                }
            } else if self.has_form && self.identity(&respelled).as_ref() == Some(identity) {
                // The body is its own Python form.
            } else {
                self.expect_mismatch(&respelled, "another spelling of a body is not a mismatch");
            }
        }
        for other in ["", "{}", "[]", &text[1..], &text[..text.len() - 1], &format!("{text}{text}")]
        {
            let replaced = Attempt { body: other.as_bytes().to_vec(), ..good.clone() };
            self.expect_refused(&replaced, "another body is accepted");
        }
    }

    /// The tolerance is sensible, and holds on both sides to the second, after the MAC.
    fn clock(&mut self, good: &Attempt) {
        let at = |offset_s: i64| Attempt { now: UnixSeconds(AT.0 + offset_s), ..good.clone() };
        let accepted = self.receive(good);
        let Some(time) = self.scheme.time else {
            for now in [at(-AT.0), at(AT.0)] {
                self.expect(&now, &accepted, "a time counts although none is signed");
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

    /// The current and the previous secret verify, and no other.
    fn secrets(&mut self, good: &Attempt, identity: &Identity) {
        let key = self.provider.key();
        let [other, another] =
            ["an-unrelated-key", "s3cret-of-the-suit"].map(|text| key.write(text));
        let with = |current: &String, previous: Option<&String>| Attempt {
            secrets: (current.clone(), previous.cloned()),
            ..good.clone()
        };
        self.expect_mismatch(&with(&other, None), "another secret verifies");
        self.expect_mismatch(&with(&other, Some(&another)), "another secret verifies");
        let right = &good.secrets.0;
        for (attempt, secret) in [
            (with(right, Some(&other)), SecretVersion::Current),
            (with(&other, Some(right)), SecretVersion::Previous),
        ] {
            let expected = Answer::Accepted { identity: identity.clone(), secret };
            self.expect(
                &attempt,
                &expected,
                "a secret does not verify in a rotation, or is not named",
            );
        }
    }

    /// The URL counts if it is signed, and only then.
    fn url(&mut self, good: &Attempt, identity: &Identity) {
        for url in [
            None,
            Some(""),
            Some("https://example.com/webhooks/provider/"),
            Some("http://elsewhere.example"),
        ] {
            let elsewhere = Attempt { url, ..good.clone() };
            if self.scheme.signs_url() {
                self.expect_mismatch(&elsewhere, "another URL verifies");
            } else if self.identity(&elsewhere).as_ref() != Some(identity) {
                self.report("a URL counts although none is signed");
            }
        }
    }

    /// If a scheme signs the URL, a signature of everything else is refused.
    fn no_url(&mut self) {
        for url in [None, Some("")] {
            let nowhere = self.attempt_under(url, &example_body(self.scheme, 1, 1), AT, ID);
            if self.scheme.signs_url() {
                self.expect_mismatch(&nowhere, "a URL that is signed may be missing");
            }
        }
    }

    /// What a deployment is checked with queues nothing, and shows that the secret is right.
    fn malformed_body(&mut self) {
        let Some(body) = malformed_body(self.scheme) else { return };
        let attempt = self.attempt(&body, AT, ID);
        let expected = if self.scheme.signed_member().is_some() {
            Malformed::UnsignedFieldTooLong
        } else {
            Malformed::NotAnObject
        };
        self.expect(
            &attempt,
            &Answer::Malformed(expected),
            "a malformed body is not answered as one",
        );
    }

    /// A signed body that is not an object is no event.
    fn not_an_object(&mut self, good: &Attempt) {
        for body in ["[]", "null", "\"text\"", "7"] {
            if self.scheme.signed_member().is_some() {
                let attempt = Attempt { body: body.as_bytes().to_vec(), ..good.clone() };
                self.expect_refused(&attempt, "a body without the signed member is accepted");
            } else {
                let attempt = self.attempt(body, AT, ID);
                let malformed = Answer::Malformed(Malformed::NotAnObject);
                self.expect(
                    &attempt,
                    &malformed,
                    "a signed body that is not an object is not malformed",
                );
            }
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

/// Returns headers that are not signed: those that the description reads, and some that proxies add.
fn unsigned_headers(scheme: &Scheme) -> Vec<&'static str> {
    let mut all = vec!["host", "x-forwarded-for", "x-request-id", "user-agent", "content-type"];
    let facts = &scheme.facts;
    let event_type =
        if let EventType::Unsigned(place) = facts.event_type { Some(place) } else { None };
    all.extend(event_type.iter().chain(facts.delivery_id).filter_map(|place| match place {
        Unsigned::Header(name) => Some(*name),
        Unsigned::Member(_) => None,
    }));
    if let Id::SignedHeader(names) = facts.id
        && !scheme.signed_headers().any(|signed| signed == names)
    {
        all.extend(names);
    }
    all
}

/// Returns where in an example body the signed text is.
fn signed_range(scheme: &Scheme, body: &[u8]) -> std::ops::Range<usize> {
    let Some(member) = scheme.signed_member() else { return 0..body.len() };
    let name = format!("\"{member}\": ");
    let start =
        str::from_utf8(body).expect("text").find(&name).expect("the member is there") + name.len();
    start..body.len() - 1
}

/// Splits what the signer wrote into the digits of the signature, which come last, and what is before.
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
