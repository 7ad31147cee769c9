//! Our own kernels, in a process of their own like those in Python and JavaScript. It reads one
//! command per line, and answers each with a line.

#![expect(clippy::print_stdout, reason = "answers go to standard output")]

use std::{
    fs,
    hint::black_box,
    io::{self, BufRead},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hmac::{Hmac, KeyInit, Mac};
use peak_alloc::PeakAlloc;
use sha1::Sha1;
use sha2::Sha256;
use webhook_verify::{
    Delivery, Header, Provider, Scheme, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    Verified,
    description::{Body, Hash, Message},
    providers::PROVIDERS,
    sign::Signer,
};

/// The allocator of the whole program. It counts, and that is all that it adds.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const KEY: &[u8] = b"a-key-of-the-usual-length-of-forty-bytes";

/// Serves commands until standard input ends:
/// - `tag <file>`: the tag of a scheme that signs a member of the body;
/// - `<kernel> <file> <milliseconds>`: the mean time of the kernel in nanoseconds, measured for at
///   least so long;
/// - `heap <file> <accepted|forged>`: the most heap that a verification takes, in bytes.
///
/// # Errors
/// An unknown command, or a body that does not verify.
pub fn serve() -> Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let (command, path, argument) = match words[..] {
            [command, path] => (command, path, ""),
            [command, path, argument] => (command, path, argument),
            _ => bail!("no command: {line}"),
        };
        let body = fs::read(path).with_context(|| path.to_owned())?;
        match command {
            "tag" => {
                let (_, headers) = signed("member", &body)?;
                let value = String::from_utf8_lossy(headers[0].value());
                println!("{}", value.rsplit('=').next().unwrap_or_default());
            }
            "heap" => println!("{}", heap(&body, argument == "accepted")?),
            kernel => {
                println!("{}", mean_ns(kernel, &body, Duration::from_millis(argument.parse()?))?);
            }
        }
    }
    Ok(())
}

fn mean_ns(kernel: &str, body: &[u8], at_least: Duration) -> Result<f64> {
    match kernel {
        "sha256" => return mean(at_least, || mac::<Hmac<Sha256>>(body)),
        "sha1" => return mean(at_least, || mac::<Hmac<Sha1>>(body)),
        _ => {}
    }
    let (provider, headers) = signed(kernel, body)?;
    mean(at_least, || verify(provider, &headers, body).map(drop))
}

/// Signs for a kernel: by the first scheme of a provider here that does what the kernel measures.
fn signed(kernel: &str, body: &[u8]) -> Result<(&'static Provider, Vec<Header>)> {
    let is_respelled = |message: &Message| matches!(message.body, Body::PythonForm(_));
    let measures = |scheme: &Scheme| match kernel {
        "member" => scheme.signed_member().is_some(),
        "raw-sha256" => scheme.signed_member().is_none() && scheme.signature.hash == Hash::Sha256,
        "raw-sha1" => scheme.signed_member().is_none() && scheme.signature.hash == Hash::Sha1,
        "respelled" => scheme.messages.iter().any(is_respelled),
        _ => false,
    };
    let all = PROVIDERS
        .iter()
        .flat_map(|provider| provider.schemes().iter().map(move |scheme| (*provider, scheme)));
    let (provider, scheme) = all
        .into_iter()
        .find(|(_, scheme)| measures(scheme))
        .with_context(|| format!("no provider for {kernel}"))?;
    let secret = secret()?;
    let signer = Signer::new(scheme, &secret, NOW);
    let signer = if kernel == "respelled" { signer.respelled() } else { signer };
    Ok((provider, signer.sign(body)?))
}

fn mean<T>(at_least: Duration, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
    let started_at = Instant::now();
    let mut runs = 0_u32;
    loop {
        black_box(run()?);
        runs += 1;
        let elapsed = started_at.elapsed();
        if elapsed >= at_least {
            return Ok(elapsed.as_secs_f64() * 1e9 / f64::from(runs));
        }
    }
}

fn mac<M: KeyInit + Mac>(body: &[u8]) -> Result<Vec<u8>> {
    let mac = <M as KeyInit>::new_from_slice(KEY).context("a key of any length")?;
    Ok(mac.chain_update(black_box(body)).finalize().into_bytes().to_vec())
}

fn verify<'d>(
    provider: &'static Provider,
    headers: &'d [Header],
    body: &'d [u8],
) -> Result<Verified<'d>> {
    let secrets = SigningSecrets::new(secret()?, None);
    let delivery = Delivery::new(headers, black_box(body))?;
    let unverified = provider.parse(delivery)?;
    Ok(unverified.verify(&secrets, NOW, Tolerance::of(provider), None)?)
}

/// Returns the heap that a verification takes, without the body and, if it is accepted, without the
/// text that is queued.
fn heap(body: &[u8], accepted: bool) -> Result<usize> {
    let (provider, mut headers) = signed("member", body)?;
    if !accepted {
        let value = String::from_utf8_lossy(headers[0].value());
        let (prefix, digits) = value.rsplit_once('=').context("a prefix")?;
        headers[0] =
            Header::new(headers[0].name(), format!("{prefix}={}", "0".repeat(digits.len())));
    }
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let verified = verify(provider, &headers, body).map(|verified| verified.signed().len());
    let peak = HEAP.peak_usage().saturating_sub(before);
    ensure!(verified.is_ok() == accepted, "verified: {verified:?}");
    Ok(peak.saturating_sub(verified.unwrap_or(0)))
}

fn secret() -> Result<SigningSecret> {
    Ok(SigningSecret::new(KEY.to_vec())?)
}
