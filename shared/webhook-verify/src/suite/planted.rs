//! Faults that are planted in a description or in a receiver: the checks must report each of them.

use std::{fmt::Write as _, time::Duration};

use super::{Answer, Attempt, Identity, Receiver, checks::violations, receive};
use crate::{
    catalogue::{GITHUB, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE},
    delivery::{Delivery, Header},
    description::{Facts, Id, Message, Piece, Provider, Scheme, Time},
    error::VerifyError,
    mac::SecretVersion,
    sign::Signer,
    time::{Tolerance, UnixSeconds},
};

/// Asserts that the checks report this violation.
fn reports(provider: &'static Provider, receiver: Receiver, expected: &str) {
    let found = violations(provider, receiver);
    assert!(
        found.iter().any(|violation| violation.ends_with(expected)),
        "not reported: {expected}\n{found:#?}"
    );
}

/// A description with a fault, which `Provider::new` would refuse.
fn flawed(provider: &'static Provider, flaw: fn(Scheme) -> Scheme) -> &'static Provider {
    let schemes: Vec<_> = provider.schemes().iter().map(|scheme| flaw(*scheme)).collect();
    Box::leak(Box::new(Provider::unchecked(provider.name(), provider.key(), schemes.leak())))
}

#[test]
fn faults_of_descriptions_are_reported() {
    const ID: &[&str] = &["webhook-id", "svix-id"];
    const RUN_TOGETHER: &[Message] = &[Message {
        before: &[Piece::Header(ID), Piece::Timestamp, Piece::Text(".")],
        ..Message::RAW_BODY
    }];
    let unsigned_time = flawed(SLACK, |scheme| Scheme { messages: &[Message::RAW_BODY], ..scheme });
    reports(unsigned_time, receive, "an altered time is not a mismatch");
    let unsigned_id = flawed(GITHUB, |scheme| {
        let facts = Facts { id: Id::SignedHeader(&["x-github-delivery"]), ..scheme.facts };
        Scheme { facts, ..scheme }
    });
    reports(unsigned_id, receive, "an unsigned header changes the answer or the identity");
    let moved = flawed(STANDARD_WEBHOOKS, |scheme| Scheme { messages: RUN_TOGETHER, ..scheme });
    reports(moved, receive, "text can move between a signed header and the time");
    let tolerance = |tolerance: Duration| {
        let schemes: Vec<_> = STRIPE
            .schemes()
            .iter()
            .map(|scheme| Scheme {
                time: scheme.time.map(|time| Time { tolerance, ..time }),
                ..*scheme
            })
            .collect();
        &*Box::leak(Box::new(Provider::unchecked("stripe", STRIPE.key(), schemes.leak())))
    };
    for wrong in [Duration::ZERO, Duration::from_secs(59), Duration::from_hours(365 * 24)] {
        reports(
            tolerance(wrong),
            receive,
            "the tolerance is not between a minute and fifteen days",
        );
    }
    let unchecked_url =
        flawed(SQUARE, |scheme| Scheme { messages: &[Message::RAW_BODY], ..scheme });
    assert_eq!(violations(unchecked_url, receive), [""; 0], "a scheme that signs no URL");
}

/// Changes what arrives, and receives it.
fn with(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
    change: impl FnOnce(&mut Attempt),
) -> Answer {
    let mut changed = attempt.clone();
    change(&mut changed);
    receive(provider, &changed, log)
}

#[test]
fn faults_of_receivers_are_reported() {
    let faults: [(&'static Provider, Receiver, &str); 18] = [
        (STRIPE, no_mac, "a changed byte of the body is not a mismatch"),
        (STRIPE, no_mac, "a different secret verifies"),
        (STRIPE, no_mac, "a changed signature header is accepted"),
        (SLACK, no_clock, "the tolerance does not hold to the second"),
        (SLACK, clock_that_is_a_second_late, "the tolerance does not hold to the second"),
        (SLACK, clock_before_mac, "the clock is checked before the MAC"),
        (SLACK, first_of_repeated_headers, "a repeated header is not refused as such"),
        (SLACK, missing_headers_skip_the_check, "a missing header is not refused as such"),
        (SLACK, any_case_of_digits, "a signature in a second spelling is not malformed"),
        (GITHUB, trimmed_body, "a respelled body is not a mismatch"),
        (GITHUB, no_previous_secret, "during a rotation, a secret does not verify or is not named"),
        (GITHUB, unnamed_secret, "during a rotation, a secret does not verify or is not named"),
        (GITHUB, identity_of_the_delivery, "an unsigned header changes the answer or the identity"),
        (STRIPE, identity_of_the_time, "a retry that is signed again is a different event"),
        (STRIPE, identity_of_nothing, "a different event has the same key"),
        (SQUARE, url_of_the_host, "an unsigned header changes the answer or the identity"),
        (SQUARE, url_may_be_missing, "a missing URL verifies although the URL is signed"),
        (STRIPE, anything_is_an_object, "a signed body that is not an object is not malformed"),
    ];
    for (provider, receiver, expected) in faults {
        reports(provider, receiver, expected);
    }
    for logged in [logs_the_secret, logs_the_body, logs_the_signature] {
        reports(STRIPE, logged, "a log shows a secret, a signature or a payload");
    }
    let nothing: Receiver = |_, _, _| Answer::Refused(VerifyError::SignatureMismatch);
    reports(STRIPE, nothing, "a signed delivery is not accepted under the current secret");
}

/// Signs whatever arrives, as if the sender had signed it.
fn no_mac(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| {
        let secret = provider.key().read(&attempt.secrets.0).expect("a secret");
        let signer =
            Signer::new(&provider.schemes()[0], &secret, attempt.now).public_url(attempt.url);
        attempt.headers = signer.sign(&attempt.body).expect("signs any body");
    })
}

fn signed_at(attempt: &Attempt) -> Option<i64> {
    let header = attempt.headers.iter().find(|header| header.name().ends_with("timestamp"))?;
    str::from_utf8(header.value()).ok()?.parse().ok()
}

fn no_clock(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| {
        attempt.now = signed_at(attempt).map_or(attempt.now, UnixSeconds);
    })
}

fn clock_that_is_a_second_late(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    with(provider, attempt, log, |attempt| attempt.now.0 -= 1)
}

fn clock_before_mac(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    let signed_at = signed_at(attempt).map(UnixSeconds);
    if let Some(Err(error)) = signed_at.map(|at| at.check(attempt.now, Tolerance::of(provider))) {
        return Answer::Refused(error);
    }
    receive(provider, attempt, log)
}

fn first_of_repeated_headers(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    with(provider, attempt, log, |attempt| {
        let mut seen: Vec<String> = Vec::new();
        attempt.headers.retain(|header| {
            let name = header.name().to_lowercase();
            let is_new = !seen.contains(&name);
            seen.push(name);
            is_new
        });
    })
}

fn missing_headers_skip_the_check(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    match receive(provider, attempt, log) {
        Answer::Refused(VerifyError::HeaderMissing(_)) => {
            let nothing = || "unchecked".to_owned();
            let identity = Identity { key: nothing(), id: nothing(), group: nothing() };
            Answer::Accepted { identity, secret: SecretVersion::Current }
        }
        answer => answer,
    }
}

fn any_case_of_digits(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| {
        for header in &mut attempt.headers {
            *header = Header::new(header.name(), header.value().to_ascii_lowercase());
        }
    })
}

fn trimmed_body(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| attempt.body = attempt.body.trim_ascii().to_vec())
}

fn no_previous_secret(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| attempt.secrets.1 = None)
}

fn unnamed_secret(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    match receive(provider, attempt, log) {
        Answer::Accepted { identity, .. } => {
            Answer::Accepted { identity, secret: SecretVersion::Current }
        }
        answer => answer,
    }
}

/// Receives a delivery, and replaces the key of the event.
fn with_key(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
    key: impl FnOnce(&Identity) -> String,
) -> Answer {
    match receive(provider, attempt, log) {
        Answer::Accepted { identity, secret } => {
            let key = key(&identity);
            Answer::Accepted { identity: Identity { key, ..identity }, secret }
        }
        answer => answer,
    }
}

fn identity_of_the_delivery(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    let delivery = attempt.headers.iter().find(|header| header.name() == "x-github-delivery");
    let delivery = delivery.map(|header| String::from_utf8_lossy(header.value()).into_owned());
    with_key(provider, attempt, log, |identity| delivery.unwrap_or_else(|| identity.key.clone()))
}

fn identity_of_the_time(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    let delivery = Delivery::new(&attempt.headers, &attempt.body).expect("small");
    let time = provider
        .parse(delivery)
        .ok()
        .and_then(|unverified| unverified.timestamp.map(|time| time.value.0));
    with_key(provider, attempt, log, |identity| format!("{}-{time:?}", identity.key))
}

fn identity_of_nothing(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with_key(provider, attempt, log, |_| "one".to_owned())
}

fn url_of_the_host(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    with(provider, attempt, log, |attempt| {
        if attempt.headers.iter().any(|header| header.name() == "host") {
            attempt.url = Some("https://forged/webhooks/provider");
        }
    })
}

/// Accepts a signature of the body alone if no URL is configured.
fn url_may_be_missing(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    if attempt.url.is_some_and(|url| !url.is_empty()) {
        return receive(provider, attempt, log);
    }
    let body_alone = flawed(provider, |scheme| Scheme { messages: &[Message::RAW_BODY], ..scheme });
    receive(body_alone, attempt, log)
}

fn anything_is_an_object(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Answer {
    match receive(provider, attempt, log) {
        Answer::Malformed(_) => {
            let nothing = || "any".to_owned();
            let identity = Identity { key: nothing(), id: nothing(), group: nothing() };
            Answer::Accepted { identity, secret: SecretVersion::Current }
        }
        answer => answer,
    }
}

fn logs_the_secret(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    log.push_str(&attempt.secrets.0);
    receive(provider, attempt, log)
}

fn logs_the_body(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    log.push_str(&String::from_utf8_lossy(&attempt.body));
    receive(provider, attempt, log)
}

fn logs_the_signature(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    for header in &attempt.headers {
        // Writing into a string cannot fail.
        let _ = write!(log, "{}", String::from_utf8_lossy(header.value()));
    }
    receive(provider, attempt, log)
}
