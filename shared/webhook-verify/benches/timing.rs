//! Measures whether the time of a refusal depends on where the signature differs from the right
//! one.
//!
//! `cargo bench --package webhook-verify --bench timing`, or `make timing`:
//!
//! 1. Counts the instructions of a whole refusal under valgrind, for a signature that differs in
//!    its first, middle or last byte. The counts must be equal, and must differ for a naive
//!    comparison; otherwise the program fails.
//! 2. Measures the time, as `dudect` does (Reparaz, Balasch, Verbauwhede 2016): many samples of a
//!    signature that differs in its first byte, and of one that differs in its last, in random
//!    order, and Welch's t between the two. This only shows figures and does not judge them,
//!    because other load on the machine disturbs them.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program for people")]
#![expect(
    clippy::cast_precision_loss,
    reason = "numbers of samples and nanoseconds are far below 2^52"
)]

use std::{
    env,
    fmt::Write as _,
    hint::black_box,
    process::{Command, ExitCode},
    time::Instant,
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use webhook_verify::{
    Delivery, Header, Provider, Scheme, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    VerifyError,
    catalogue::CATALOGUE,
    description::{Encoding, Form, Hash, Signature},
    providers::PROVIDERS,
    sign::{Signer, example_body},
};

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const URL: Option<&str> = Some("https://example.com/webhooks/provider");
const KEY: &[u8] = b"a-key-of-the-usual-length-of-forty-bytes";

const SAMPLES: usize = 100_000;
/// Refusals in a sample: a single one takes little longer than reading the clock.
const REFUSALS: usize = 8;

/// A check that refuses signatures of one scheme.
struct Check {
    provider: &'static Provider,
    scheme: &'static Scheme,
    /// Whether it compares naively, so that its time depends on where the signature differs.
    is_naive: bool,
}

/// Returns the checks of all schemes, and a naive one.
fn checks() -> Vec<Check> {
    let providers = PROVIDERS.iter().chain(CATALOGUE).copied();
    let mut checks: Vec<_> = providers
        .flat_map(|provider| provider.schemes().iter().map(move |scheme| (provider, scheme)))
        .map(|(provider, scheme)| Check { provider, scheme, is_naive: false })
        .collect();
    let provider = CATALOGUE[0];
    checks.push(Check { provider, scheme: &provider.schemes()[0], is_naive: true });
    checks
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [once, check, byte] = arguments.as_slice()
        && once == "once"
    {
        let check = &checks()[check.parse::<usize>().expect("the number of a check")];
        let headers = check.headers(byte.parse().expect("the number of a byte"));
        check.refuse(&headers, &check.body(), &secrets());
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

/// Returns a different byte whose hexadecimal digits are of the same kind, letters or numerals.
/// Decoding may take longer for some digits than for others, but senders know their own digits, so
/// that gives nothing away.
fn other(byte: u8) -> u8 {
    byte ^ 1
}

impl Check {
    fn name(&self) -> &'static str {
        if self.is_naive { "naive" } else { self.scheme.name }
    }

    fn body(&self) -> String {
        example_body(self.scheme, 1, 1)
    }

    /// Returns the headers of a delivery whose MAC differs from the right one in this byte.
    fn headers(&self, different: usize) -> Vec<Header> {
        let mut headers = self.sign();
        let (before, mut tag) = read(self.scheme.signature, &headers[0]);
        tag[different] = other(tag[different]);
        headers[0] =
            Header::new(headers[0].name(), before + &spell(self.scheme.signature.encoding, &tag));
        headers
    }

    fn sign(&self) -> Vec<Header> {
        let secret = secret();
        let signer = Signer::new(self.scheme, &secret, NOW).public_url(URL);
        signer.sign(self.body().as_bytes()).expect("an example can be signed")
    }

    fn refuse(&self, headers: &[Header], body: &str, secrets: &SigningSecrets) {
        if self.is_naive {
            return self.refuse_naively(headers);
        }
        let delivery =
            Delivery::new(black_box(headers), black_box(body.as_bytes())).expect("small");
        let unverified = self.provider.parse(delivery).expect("well formed");
        let refused = unverified.verify(secrets, NOW, Tolerance::of(self.provider), URL);
        assert_eq!(refused.err(), Some(VerifyError::SignatureMismatch));
    }

    /// Compares as a verifier must not: this stops at the first byte that differs.
    fn refuse_naively(&self, headers: &[Header]) {
        let (_, tag) = read(self.scheme.signature, &black_box(headers)[0]);
        let (_, right) = read(self.scheme.signature, &self.sign()[0]);
        assert!(right.iter().zip(&tag).any(|(a, b)| black_box(a) != black_box(b)));
    }

    fn tag_bytes(&self) -> usize {
        match self.scheme.signature.hash {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha512 => 64,
        }
    }
}

/// Returns the text before the signature in its header, and the bytes of the signature.
fn read(signature: Signature, header: &Header) -> (String, Vec<u8>) {
    let value = str::from_utf8(header.value()).expect("ASCII");
    let digits = match signature.form {
        Form::Bare => value,
        Form::Prefixed(prefix) => value.strip_prefix(prefix).expect("the prefix"),
        Form::Labelled { separator, assign, .. } => {
            let last = value.rsplit(separator).next().expect("a value");
            last.split_once(assign).expect("a label").1
        }
    };
    let tag = match signature.encoding {
        Encoding::Hex => hex::decode(digits).expect("hexadecimal"),
        Encoding::Base64 => BASE64_STANDARD.decode(digits).expect("base64"),
        Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.decode(digits).expect("base64"),
    };
    (value[..value.len() - digits.len()].to_owned(), tag)
}

fn spell(encoding: Encoding, tag: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(tag),
        Encoding::Base64 => BASE64_STANDARD.encode(tag),
        Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(tag),
    }
}

fn count_instructions() -> Result<(), String> {
    println!("instructions of a refusal, by the first byte of the MAC that differs");
    let mut failed = Ok(());
    for (number, check) in checks().iter().enumerate() {
        let positions = [0, 1, check.tag_bytes() / 2, check.tag_bytes() - 1];
        let counts = positions.map(|byte| instructions(number, byte));
        let mut shown = String::new();
        let mut all = Vec::new();
        for (byte, count) in positions.iter().zip(counts) {
            let count = count?;
            // Writing into a string cannot fail.
            let _ = write!(shown, "  byte {byte:>2}: {count}");
            all.push(count);
        }
        println!("{:<18}{shown}", check.name());
        let all_equal = all.iter().all(|count| *count == all[0]);
        if all_equal == check.is_naive {
            let what = if all_equal {
                "the counts of a naive comparison do not differ"
            } else {
                "the counts differ"
            };
            failed = Err(format!("{}: {what}", check.name()));
        }
    }
    failed
}

/// Returns how many instructions this program takes to refuse one signature. Nothing in it is
/// random, so the count is always the same.
fn instructions(check: usize, byte: usize) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["once", &format!("{check:02}"), &format!("{byte:02}")])
        .env_clear()
        .output()
        .map_err(|error| {
            format!("valgrind is needed (Debian, Ubuntu: apt-get install valgrind): {error}")
        })?;
    let log = String::from_utf8_lossy(&run.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if run.status.success() => {
            count.trim().parse().map_err(|_| log.into_owned())
        }
        _ => Err(format!("valgrind failed: {log}")),
    }
}

fn measure() {
    println!(
        "\ntime of a refusal: first byte differs, last byte differs, and Welch's t over \
         {SAMPLES} samples of each"
    );
    let mut random = fastrand::Rng::with_seed(1);
    let secrets = secrets();
    for check in &checks() {
        let headers = [check.headers(0), check.headers(check.tag_bytes() - 1)];
        let body = check.body();
        let mut samples = [const { Vec::new() }; 2];
        while samples.iter().any(|class| class.len() < SAMPLES) {
            let class = random.usize(..2);
            let started_at = Instant::now();
            for _ in 0..REFUSALS {
                check.refuse(&headers[class], &body, &secrets);
            }
            let time = started_at.elapsed();
            samples[class].push(time.as_nanos() as f64 / REFUSALS as f64);
        }
        let [first, last] = samples.map(Sample::of);
        let t = (first.mean - last.mean) / (first.squared_error + last.squared_error).sqrt();
        println!(
            "{:<18}  medians {:>7.1} ns and {:>7.1} ns  means {:>7.2} ns and {:>7.2} ns  \
             t = {t:>7.1}",
            check.name(),
            first.median,
            last.median,
            first.mean,
            last.mean
        );
    }
    println!("(|t| over 4.5 means a difference, unless the machine was busy with something else)");
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
        // The slowest samples were interrupted.
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { median: times[times.len() / 2], mean, squared_error: variance / count }
    }
}
