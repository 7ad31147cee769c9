//! Whether the time of a refusal depends on where the signature differs from the right one.
//!
//! `cargo bench --package webhook-verify --bench timing`, or `make timing`:
//!
//! 1. Counts the instructions of a whole refusal under valgrind, for a signature that differs in its first, middle or last byte.
//!    They must be equal, and for a naive comparison they must not be: else the program fails.
//! 2. Measures, as `dudect` does (Reparaz, Balasch, Verbauwhede 2016): many samples of both kinds in random order, and Welch's t
//!    between them. It shows figures and judges nothing, because a busy machine has its own opinion.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program for people")]
#![expect(clippy::cast_precision_loss, reason = "numbers of samples and nanoseconds are far below 2^52")]

use std::{
    env,
    fmt::Write as _,
    hint::black_box,
    process::{Command, ExitCode},
    time::Instant,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use webhook_verify::{
    Delivery, Header, Provider, SigningSecret, SigningSecrets, Tolerance, UnixSeconds, VerifyError,
    providers::{Endgrate, Pinwheel},
    sign,
};

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const BODY: &[u8] = br#"{"event_id": "e1", "event": "account.added", "payload": {"account_id": "a1"}}"#;
const KEY: &[u8] = b"a-key-of-the-usual-length-of-forty-bytes";

const SAMPLES: usize = 100_000;
/// Refusals in a sample: one alone is little longer than a look at the clock.
const REFUSALS: usize = 8;

/// What refuses a signature.
struct Check {
    name: &'static str,
    /// Bytes of the MAC.
    tag_bytes: usize,
    /// Whether it may depend on where the signature differs.
    is_naive: bool,
    /// The headers of a delivery whose MAC differs from the right one in this byte.
    headers: fn(usize) -> Vec<Header>,
    refuse: fn(&[Header], &SigningSecrets),
}

const CHECKS: [Check; 3] = [
    Check { name: "pinwheel", tag_bytes: 32, is_naive: false, headers: pinwheel_headers, refuse: refuse::<Pinwheel> },
    Check { name: "endgrate", tag_bytes: 20, is_naive: false, headers: endgrate_headers, refuse: refuse::<Endgrate> },
    Check { name: "naive", tag_bytes: 32, is_naive: true, headers: pinwheel_headers, refuse: refuse_naively },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [once, check, byte] = arguments.as_slice()
        && once == "once"
    {
        let check = CHECKS.iter().find(|known| known.name == check).expect("a check of this name");
        let headers = (check.headers)(byte.parse().expect("the number of a byte"));
        (check.refuse)(&headers, &secrets());
        return ExitCode::SUCCESS;
    }
    let result = count_instructions();
    measure();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn secret() -> SigningSecret {
    SigningSecret::new(KEY.to_vec()).expect("not empty")
}

fn secrets() -> SigningSecrets {
    SigningSecrets::new(secret(), None)
}

/// Another byte, whose hexadecimal digits are of the same kind: what depends on the sender's own digits gives nothing away.
fn other(byte: u8) -> u8 {
    byte ^ 1
}

fn pinwheel_headers(different: usize) -> Vec<Header> {
    let [signature, timestamp] = sign::pinwheel_v2(&secret(), NOW, BODY);
    let digits = signature.value().strip_prefix(b"v2=").expect("version 2");
    let mut tag = hex::decode(digits).expect("hexadecimal");
    tag[different] = other(tag[different]);
    vec![Header::new(signature.name(), format!("v2={}", hex::encode(tag))), timestamp]
}

fn endgrate_headers(different: usize) -> Vec<Header> {
    let [signature] = sign::endgrate(&secret(), BODY);
    let mut tag = BASE64_STANDARD.decode(signature.value()).expect("base64");
    tag[different] = other(tag[different]);
    vec![Header::new(signature.name(), BASE64_STANDARD.encode(tag))]
}

/// A provider without state of its own.
trait Named: Provider {
    const PROVIDER: Self;
}

impl Named for Pinwheel {
    const PROVIDER: Self = Pinwheel;
}

impl Named for Endgrate {
    const PROVIDER: Self = Endgrate;
}

fn refuse<P: Named>(headers: &[Header], secrets: &SigningSecrets) {
    let delivery = Delivery::new(black_box(headers), black_box(BODY)).expect("small");
    let unverified = P::PROVIDER.parse(delivery).expect("well formed");
    let refused = P::PROVIDER.verify(&unverified, secrets, NOW, Tolerance::default());
    assert_eq!(refused.err(), Some(VerifyError::SignatureMismatch));
}

/// What the comparison must not be: it stops at the first byte that differs.
fn refuse_naively(headers: &[Header], _: &SigningSecrets) {
    let digits = black_box(headers)[0].value().strip_prefix(b"v2=").expect("version 2");
    let tag = hex::decode(digits).expect("hexadecimal");
    let right = sign::pinwheel_v2(&secret(), NOW, black_box(BODY));
    let right = hex::decode(&right[0].value()[3..]).expect("hexadecimal");
    assert!(right.iter().zip(&tag).any(|(a, b)| black_box(a) != black_box(b)));
}

fn count_instructions() -> Result<(), String> {
    println!("instructions of a refusal, by the first byte of the MAC that differs");
    let mut failed = Ok(());
    for check in &CHECKS {
        let positions = [0, 1, check.tag_bytes / 2, check.tag_bytes - 1];
        let counts = positions.map(|byte| instructions(check.name, byte));
        let mut shown = String::new();
        let mut all = Vec::new();
        for (byte, count) in positions.iter().zip(counts) {
            let count = count?;
            // Writing into a string cannot fail.
            let _ = write!(shown, "  byte {byte:>2}: {count}");
            all.push(count);
        }
        println!("{:<10}{shown}", check.name);
        let all_equal = all.iter().all(|count| *count == all[0]);
        if all_equal == check.is_naive {
            let what = if all_equal { "a naive comparison is not noticed" } else { "the counts differ" };
            failed = Err(format!("{}: {what}", check.name));
        }
    }
    failed
}

/// Instructions of this program when it refuses one signature. Nothing of it depends on chance, so they are always the same.
fn instructions(check: &str, byte: usize) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["once", check, &format!("{byte:02}")])
        .env_clear()
        .output()
        .map_err(|error| format!("valgrind is needed (Debian, Ubuntu: apt-get install valgrind): {error}"))?;
    let log = String::from_utf8_lossy(&run.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if run.status.success() => count.trim().parse().map_err(|_| log.into_owned()),
        _ => Err(format!("valgrind fails: {log}")),
    }
}

fn measure() {
    println!(
        "\ntime of a refusal: first byte differs, last byte differs, and Welch's t over {SAMPLES} samples of each"
    );
    let mut random = fastrand::Rng::with_seed(1);
    let secrets = secrets();
    for check in &CHECKS {
        let headers = [(check.headers)(0), (check.headers)(check.tag_bytes - 1)];
        let mut samples = [const { Vec::new() }; 2];
        while samples.iter().any(|class| class.len() < SAMPLES) {
            let class = random.usize(..2);
            let started_at = Instant::now();
            for _ in 0..REFUSALS {
                (check.refuse)(&headers[class], &secrets);
            }
            let time = started_at.elapsed();
            samples[class].push(time.as_nanos() as f64 / REFUSALS as f64);
        }
        let [first, last] = samples.map(Sample::of);
        let t = (first.mean - last.mean) / (first.squared_error + last.squared_error).sqrt();
        println!(
            "{:<10}  medians {:>7.1} ns and {:>7.1} ns  means {:>7.2} ns and {:>7.2} ns  t = {t:>7.1}",
            check.name, first.median, last.median, first.mean, last.mean
        );
    }
    println!("(|t| over 4.5 tells of a difference, unless the machine was busy with something else)");
}

struct Sample {
    median: f64,
    mean: f64,
    /// The variance of the mean.
    squared_error: f64,
}

impl Sample {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        // The slowest were interrupted.
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { median: times[times.len() / 2], mean, squared_error: variance / count }
    }
}
