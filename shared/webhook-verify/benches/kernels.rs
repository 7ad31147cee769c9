//! Verification by body size, beside the bare MAC of the same bytes: what is left to win is the difference.
//!
//! `cargo bench --package webhook-verify`. Machines differ, and so do minutes: so all kernels of a size run in turn, round
//! after round, and what counts is the median of the ratios within a round.

#![expect(clippy::print_stdout, reason = "a program for people")]
#![expect(clippy::cast_precision_loss, reason = "lengths and times are far below 2^52")]

use std::{fmt::Write, hint::black_box, time::Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use webhook_verify::{
    Delivery, Header, Provider, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    json::{PythonForm, python_form, read_object},
    providers::{Endgrate, Pinwheel},
    sign,
};

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const KEY: &[u8] = b"a-key-of-the-usual-length-of-forty-bytes";
const ROUNDS: usize = 11;
/// Bytes that a kernel goes through in one round.
const BYTES_PER_ROUND: usize = 24 << 20;

struct Kernel<'k> {
    name: &'static str,
    bytes: usize,
    run: Box<dyn FnMut() + 'k>,
}

impl<'k> Kernel<'k> {
    fn new<T>(name: &'static str, bytes: usize, mut run: impl FnMut() -> T + 'k) -> Self {
        Self { name, bytes, run: Box::new(move || drop(black_box(run()))) }
    }

    /// Bytes in a microsecond, which are MB in a second.
    fn speed(&mut self) -> f64 {
        let times = (BYTES_PER_ROUND / self.bytes).max(1);
        let started_at = Instant::now();
        for _ in 0..times {
            (self.run)();
        }
        (times * self.bytes) as f64 / (started_at.elapsed().as_secs_f64() * 1e6)
    }
}

fn main() {
    println!("{:<9} {:<26} {:>9} {:>24}", "body", "kernel", "MB/s", "of the bare MAC (range)");
    // Up to just under the limit of 6 MiB.
    for (label, size) in
        [("1 KiB", 1 << 10), ("10 KiB", 10 << 10), ("100 KiB", 100 << 10), ("1 MiB", 1 << 20), ("6 MB", 6_000_000)]
    {
        measure(label, &body(size));
    }
}

fn measure(label: &str, text: &str) {
    let secrets = SigningSecrets::new(secret(), None);
    let compact = text.replace(": ", ":").replace(", ", ",");
    let wrapped = format!(r#"{{"event": "x.added", "webhook_id": "w", "payload": {text}}}"#);
    let v2 = sign::pinwheel_v2(&secret(), NOW, text.as_bytes());
    let v1 = sign::pinwheel_v1(&secret(), NOW, wrapped.as_bytes()).expect("has a payload");
    let raw = sign::endgrate(&secret(), text.as_bytes());
    let respelled = sign::endgrate_python_form(&secret(), compact.as_bytes()).expect("has a form");

    let mut kernels = [
        Kernel::new("bare HMAC-SHA256", text.len(), || {
            Hmac::<Sha256>::new_from_slice(KEY).expect("any length").chain_update(black_box(text)).finalize()
        }),
        Kernel::new("Pinwheel v2", text.len(), || verify(&Pinwheel, &v2, text, &secrets)),
        Kernel::new("Pinwheel v1", wrapped.len(), || verify(&Pinwheel, &v1, &wrapped, &secrets)),
        Kernel::new("bare HMAC-SHA1", text.len(), || {
            Hmac::<Sha1>::new_from_slice(KEY).expect("any length").chain_update(black_box(text)).finalize()
        }),
        Kernel::new("Endgrate, raw bytes", text.len(), || verify(&Endgrate, &raw, text, &secrets)),
        Kernel::new("Endgrate, Python form", compact.len(), || verify(&Endgrate, &respelled, &compact, &secrets)),
        Kernel::new("Python form alone", compact.len(), || {
            python_form(black_box(compact.as_bytes()), PythonForm::Default, |piece| {
                black_box(piece);
            })
        }),
        Kernel::new("members of an object", text.len(), || {
            read_object(black_box(text.as_bytes()), [&["session_id"], &["transfer_data"]])
        }),
    ];
    let rounds: Vec<Vec<f64>> = (0..=ROUNDS).map(|_| kernels.iter_mut().map(Kernel::speed).collect()).collect();
    for (index, kernel) in kernels.iter().enumerate() {
        // The first three belong to SHA-256, the others to SHA-1. The first round warms up.
        let bare = if index < 3 { 0 } else { 3 };
        let speeds = sorted(rounds[1..].iter().map(|round| round[index]));
        let ratios = sorted(rounds[1..].iter().map(|round| round[index] / round[bare]));
        let (median, lowest, highest) = (ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
        println!(
            "{label:<9} {:<26} {:>9.0} {median:>8.2} ({lowest:.2} … {highest:.2})",
            kernel.name,
            speeds[ROUNDS / 2]
        );
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn secret() -> SigningSecret {
    SigningSecret::new(KEY.to_vec()).expect("not empty")
}

fn verify<P: Provider>(provider: &P, headers: &[Header], body: &str, secrets: &SigningSecrets) -> usize {
    let delivery = Delivery::new(headers, black_box(body.as_bytes())).expect("small enough");
    let unverified = provider.parse(delivery).expect("well formed");
    provider.verify(&unverified, secrets, NOW, Tolerance::default()).expect("authentic").signed().len()
}

/// A body of about `size` bytes as Endgrate's pages of data look: texts, numbers, some escapes; Python's spelling.
fn body(size: usize) -> String {
    let mut body = String::from(
        r#"{"success": true, "session_id": "6566e85e7cf20dca9cef0c0a", "payload": {}, "transfer_data": ["#,
    );
    let mut row = 0;
    while body.len() + 240 < size {
        let comma = if row == 0 { "" } else { ", " };
        // Writing into a string cannot fail.
        let _ = write!(
            body,
            r#"{comma}{{"id": "6566e87b7cf2{row:012}", "data": {{"name": "Zo\u00eb {row}", "amount": {row}.5, "active": true, "note": null, "address": "1 Main Street, Springfield"}}, "associations": {{"company": "c{row}"}}}}"#
        );
        row += 1;
    }
    body.push_str("]}");
    body
}
