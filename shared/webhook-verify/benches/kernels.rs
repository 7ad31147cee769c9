//! Verification by body size, beside the bare MAC of the same bytes: what is left to win is the difference.
//!
//! `cargo bench --package webhook-verify`. Compare within one run: machines differ, and so do minutes.

use std::{fmt::Write, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
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
/// Up to just under the limit of 6 MiB.
const SIZES: [usize; 5] = [1 << 10, 10 << 10, 100 << 10, 1 << 20, 6_000_000];

/// A body of about `size` bytes as Endgrate's pages of data look: strings, numbers, some escapes; Python's spelling.
fn body(size: usize) -> String {
    const HEAD: &str =
        r#"{"success": true, "session_id": "6566e85e7cf20dca9cef0c0a", "payload": {}, "transfer_data": ["#;
    let mut body = String::from(HEAD);
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

fn secrets() -> SigningSecrets {
    SigningSecrets::new(secret(), None)
}

fn secret() -> SigningSecret {
    SigningSecret::new(KEY.to_vec()).expect("not empty")
}

fn verify<P: Provider>(provider: &P, headers: &[Header], body: &[u8], secrets: &SigningSecrets) -> usize {
    let unverified = provider.parse(Delivery::new(headers, body).expect("small enough")).expect("well formed");
    provider.verify(&unverified, secrets, NOW, Tolerance::default()).expect("authentic").signed().len()
}

fn kernels(criterion: &mut Criterion) {
    let secrets = secrets();
    for size in SIZES {
        let text = body(size);
        let compact = text.replace(": ", ":").replace(", ", ",");
        let wrapped = format!(r#"{{"event": "x.added", "webhook_id": "w", "payload": {text}}}"#);
        let mut group = criterion.benchmark_group(format!("{} KiB", size >> 10));
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);

        group.bench_function(BenchmarkId::new("bare", "HMAC-SHA256"), |bencher| {
            bencher.iter(|| {
                Hmac::<Sha256>::new_from_slice(KEY).expect("any length").chain_update(black_box(&text)).finalize()
            });
        });
        let headers = sign::pinwheel_v2(&secret(), NOW, text.as_bytes());
        group.bench_function(BenchmarkId::new("verify", "Pinwheel v2"), |bencher| {
            bencher.iter(|| verify(&Pinwheel, &headers, black_box(text.as_bytes()), &secrets));
        });
        let headers = sign::pinwheel_v1(&secret(), NOW, wrapped.as_bytes()).expect("has a payload");
        if wrapped.len() <= webhook_verify::MAX_BODY_BYTES {
            group.bench_function(BenchmarkId::new("verify", "Pinwheel v1"), |bencher| {
                bencher.iter(|| verify(&Pinwheel, &headers, black_box(wrapped.as_bytes()), &secrets));
            });
        }
        group.bench_function(BenchmarkId::new("bare", "HMAC-SHA1"), |bencher| {
            bencher.iter(|| {
                Hmac::<Sha1>::new_from_slice(KEY).expect("any length").chain_update(black_box(&text)).finalize()
            });
        });
        let headers = sign::endgrate(&secret(), text.as_bytes());
        group.bench_function(BenchmarkId::new("verify", "Endgrate, raw"), |bencher| {
            bencher.iter(|| verify(&Endgrate, &headers, black_box(text.as_bytes()), &secrets));
        });
        let headers = sign::endgrate_python_form(&secret(), compact.as_bytes()).expect("has a form");
        group.bench_function(BenchmarkId::new("verify", "Endgrate, Python form"), |bencher| {
            bencher.iter(|| verify(&Endgrate, &headers, black_box(compact.as_bytes()), &secrets));
        });
        group.bench_function(BenchmarkId::new("parse", "Python form alone"), |bencher| {
            bencher.iter(|| {
                python_form(black_box(compact.as_bytes()), PythonForm::Default, |piece| {
                    black_box(piece);
                })
            });
        });
        group.bench_function(BenchmarkId::new("parse", "members of an object"), |bencher| {
            bencher.iter(|| read_object(black_box(text.as_bytes()), [&["session_id"], &["transfer_data"]]));
        });
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
