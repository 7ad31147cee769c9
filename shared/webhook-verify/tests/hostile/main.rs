//! Measures how much processor time and heap a forged body costs, compared with a benign body of
//! the same size: under two secrets, for each way of re-serialising, and at several sizes.
//!
//! `cargo test --package webhook-verify --test hostile -- --nocapture` prints all figures.
//!
//! Machines differ and are noisy, so only ratios count. Time is the processor time of the thread,
//! and the quickest of several rounds counts. A body that seems too slow is measured again, in
//! turns with the benign one, because the processor's speed may have changed in between.

#![forbid(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "bytes of heap are far below 2^52")]

mod bodies;

use std::{
    hint::black_box,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cpu_time::ThreadTime;
use peak_alloc::PeakAlloc;
use webhook_verify::{
    Delivery, Header, Key, MAX_BODY_BYTES, Provider, Scheme, SigningSecret, SigningSecrets,
    Tolerance, UnixSeconds, VerifyError,
    description::{Body, Encoding, Facts, Form, Hash, Message, Signature},
    json::{PythonForm, read_object},
    sign::Signer,
};

use bodies::{HOSTILE, benign};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The allocator counts for the whole process, so only one test may run at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

const SIZES: [usize; 4] = [1 << 10, 64 << 10, 1 << 20, MAX_BODY_BYTES];

/// The rounds of a measurement. The quickest counts.
const ROUNDS: usize = 2;
/// The rounds for a body that seems too slow.
const MORE_ROUNDS: usize = 15;

/// At least this many bytes are verified in one round, so that a small body takes long enough to
/// measure.
const BYTES_IN_A_ROUND: usize = 128 << 10;

/// A forged body may take at most this many times as long as a benign one of its size.
const SLOWEST: f64 = 8.0;

/// A forged body may take at most this many times its size in heap, plus [`FIXED_HEAP`].
const MOST_HEAP: usize = 8;
/// Bytes of heap that a body of any size may take.
const FIXED_HEAP: usize = 4096;

/// The most expensive ways of signing. What a forgery costs depends on the signed form, and on
/// nothing else in a description.
const RAW_OR_FORM: &Provider = &Provider::new(
    "raw-or-form",
    Key::Text,
    &[scheme(&[
        Message::RAW_BODY,
        Message { body: Body::PythonForm(PythonForm::Default), ..Message::RAW_BODY },
    ])],
);
const FORM_OF_MEMBER: &Provider = &Provider::new(
    "form-of-member",
    Key::Text,
    &[scheme(&[Message {
        body: Body::PythonFormOfMember("payload", PythonForm::Compact),
        ..Message::RAW_BODY
    }])],
);

const fn scheme(messages: &'static [Message]) -> Scheme {
    Scheme {
        name: "signed",
        documentation: "",
        signature: Signature {
            header: &["x-signature"],
            form: Form::Bare,
            encoding: Encoding::Base64,
            hash: Hash::Sha256,
        },
        time: None,
        messages,
        facts: Facts::NONE,
    }
}

/// A name, and what is done with a body.
type Check<'c> = (&'static str, &'c dyn Fn(&str));

/// Returns a current and a previous secret: every forgery is tried under both.
fn secrets() -> SigningSecrets {
    let secret = |key: &[u8]| SigningSecret::new(key.to_vec()).expect("not empty");
    SigningSecrets::new(secret(b"current"), Some(secret(b"previous")))
}

/// Returns the headers of a sender who does not know the secret.
fn forged(provider: &'static Provider) -> Vec<Header> {
    let secret = SigningSecret::new(b"guessed".to_vec()).expect("not empty");
    Signer::new(&provider.schemes()[0], &secret, NOW)
        .sign(b"{\"payload\":0}")
        .expect("has a payload")
}

fn refused(provider: &'static Provider, headers: &[Header], body: &str, secrets: &SigningSecrets) {
    let delivery = Delivery::new(headers, black_box(body.as_bytes())).expect("small enough");
    let unverified = provider.parse(delivery).expect("well formed");
    match unverified.verify(secrets, NOW, Tolerance::of(provider), None) {
        Err(VerifyError::SignatureMismatch | VerifyError::NoSignedText(_)) => {}
        other => panic!("a forgery is not refused as one: {other:?}"),
    }
}

/// Returns the processor time of one run, and the most heap that it takes.
fn cost(body: &str, run: impl Fn(&str)) -> (Duration, usize) {
    let runs = (BYTES_IN_A_ROUND / body.len()).max(1);
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let started_at = ThreadTime::now();
    for _ in 0..runs {
        run(body);
    }
    (started_at.elapsed() / u32::try_from(runs).expect("few"), HEAP.peak_usage() - before)
}

/// Returns the time of the quickest of several rounds, and the most heap that one takes.
fn lowest_cost(body: &str, rounds: usize, run: impl Fn(&str)) -> (Duration, usize) {
    let costs: Vec<_> = (0..rounds).map(|_| cost(body, &run)).collect();
    let time = costs.iter().map(|(time, _)| *time).min();
    let heap = costs.iter().map(|(_, heap)| *heap).max();
    (time.expect("a round"), heap.expect("a round"))
}

/// Returns how many times as long as the benign body the other one takes, measured in turns.
fn ratio_in_turns(benign: &str, body: &str, run: impl Fn(&str)) -> f64 {
    let (mut quickest_benign, mut quickest) = (Duration::MAX, Duration::MAX);
    for _ in 0..MORE_ROUNDS {
        quickest_benign = quickest_benign.min(cost(benign, &run).0);
        quickest = quickest.min(cost(body, &run).0);
    }
    quickest.as_secs_f64() / quickest_benign.as_secs_f64()
}

#[test]
fn a_forged_body_costs_at_most_8_times_a_benign_one_in_time_and_heap() {
    let _alone = alone();
    let (secrets, [of_form, of_member]) = (secrets(), [RAW_OR_FORM, FORM_OF_MEMBER].map(forged));
    let checks: [Check<'_>; 3] = [
        (RAW_OR_FORM.name(), &|body| refused(RAW_OR_FORM, &of_form, body, &secrets)),
        (FORM_OF_MEMBER.name(), &|body| refused(FORM_OF_MEMBER, &of_member, body, &secrets)),
        ("members", &|body| {
            let _ = black_box(read_object(black_box(body.as_bytes()), [&["payload", "id"]]));
        }),
    ];
    let mut failures = Vec::new();
    for size in SIZES {
        let benign = benign(size);
        let of_benign = checks.map(|(_, run)| lowest_cost(&benign, 4 * ROUNDS, run).0);
        for (name, make) in HOSTILE {
            let body = make(size);
            assert!(body.len() <= size.max(1200), "{name}: {} bytes", body.len());
            for ((check, run), of_benign) in checks.into_iter().zip(of_benign) {
                let (time, heap) = lowest_cost(&body, ROUNDS, run);
                let mut ratio = time.as_secs_f64() / of_benign.as_secs_f64();
                if ratio > SLOWEST {
                    ratio = ratio_in_turns(&benign, &body, run);
                }
                let times = heap.saturating_sub(FIXED_HEAP) as f64 / body.len() as f64;
                eprintln!(
                    "{size:>8} {check:<14} {name:<36} {ratio:>6.2} × the time, \
                     {times:>5.2} × the size in heap"
                );
                let most_heap =
                    if check == "members" { 0 } else { MOST_HEAP * body.len() } + FIXED_HEAP;
                if ratio > SLOWEST || heap > most_heap {
                    failures.push(format!(
                        "{size} bytes, {check}, {name}: {ratio:.1} × the time, {heap} bytes of heap"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "more than {SLOWEST} × a benign body:\n{}", failures.join("\n"));
}
