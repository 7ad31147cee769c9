//! Checks each provider's verdict against that of [`crate::oracle`].

use fastrand::Rng;
use webhook_verify::{
    Delivery, Header, MAX_NAME_BYTES, Provider, SigningSecret, SigningSecrets, Tolerance,
    UnixSeconds, description::Body, sign::Signer,
};

use crate::{
    oracle::{covered, providers},
    sample::delivery,
};

/// The key that samples are signed with, and the time at which they are.
pub(crate) const KEY: &str = "TEST_KEY";
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
/// Where the receiver is registered.
pub(crate) const URL: &str = "https://example.com/webhooks/provider";

/// # Panics
/// Panics if a forged delivery is accepted, an authentic one is refused, or the bytes that are said
/// to be signed are not those that the MAC covered.
pub fn check(input: &[u8]) {
    let (headers, body) = delivery(input);
    for provider in providers() {
        compare(provider, &headers, body);
    }
    let mut random = Rng::with_seed(
        input.iter().fold(1, |seed, byte| seed * 31 % 1_000_000_007 + u64::from(*byte)),
    );
    // One provider for each input: signing as all of them takes ten times as long.
    let all: Vec<_> = providers().collect();
    let provider = all[random.usize(..all.len())];
    let past = i64::try_from(Tolerance::of(provider).past.as_secs()).expect("less than an age");
    let at = UnixSeconds(NOW.0 + random.i64(-past..=300));
    for headers in signed(provider, at, body) {
        check_signed(provider, &headers, body, &mut random);
    }
}

fn check_signed(provider: &'static Provider, headers: &[Header], body: &[u8], random: &mut Rng) {
    assert!(compare(provider, headers, body), "a signed delivery does not verify");
    if !body.is_empty() {
        let mut changed = body.to_vec();
        let at = random.usize(..changed.len());
        changed[at] ^= 1 << random.u8(..8);
        compare(provider, headers, &changed);
        changed[at] = random.u8(..);
        compare(provider, headers, &changed);
    }
    for index in 0..headers.len() {
        let mut value = headers[index].value().to_vec();
        let at = random.usize(..value.len());
        value[at] ^= 1 << random.u8(..8);
        let mut headers = headers.to_vec();
        headers[index] = Header::new(headers[index].name(), value);
        assert!(!compare(provider, &headers, body), "a header with a flipped bit verifies");
    }
}

/// Returns the headers of the body, signed in each way in which it can be signed.
pub(crate) fn signed(
    provider: &'static Provider,
    at: UnixSeconds,
    body: &[u8],
) -> Vec<Vec<Header>> {
    let secret = SigningSecret::new(KEY.into()).expect("not empty");
    let mut all = Vec::new();
    for scheme in provider.schemes() {
        let signer = Signer::new(scheme, &secret, at).public_url(Some(URL));
        all.extend(signer.sign(body));
        if scheme.messages.iter().any(|message| matches!(message.body, Body::PythonForm(_))) {
            all.extend(signer.respelled().sign(body));
        }
    }
    all
}

/// Returns whether the provider accepts the delivery. Panics if the oracle does not agree.
fn compare(provider: &'static Provider, headers: &[Header], body: &[u8]) -> bool {
    let verdict = verdict(provider, headers, body);
    assert_eq!(verdict, covered(provider, headers, body, KEY.as_bytes(), URL, NOW), "{provider:?}");
    verdict.is_some()
}

/// Returns the bytes that the provider says were signed.
fn verdict(provider: &'static Provider, headers: &[Header], body: &[u8]) -> Option<Vec<u8>> {
    let delivery = Delivery::new(headers, body).ok()?;
    let unverified = provider.parse(delivery).ok()?;
    // The verdict must be the same under the current and under the previous secret.
    let secret = |key: &str| SigningSecret::new(key.into()).expect("not empty");
    let [current, previous] = [(KEY, "other"), ("other", KEY)].map(|(current, previous)| {
        let secrets = SigningSecrets::new(secret(current), Some(secret(previous)));
        unverified.verify(&secrets, NOW, Tolerance::of(provider), Some(URL))
    });
    assert_eq!(current.is_ok(), previous.is_ok());
    let verified = current.ok()?;
    if let Ok(event) = verified.event() {
        let key = event
            .idempotency_key()
            .strip_prefix(provider.name())
            .and_then(|key| key.strip_prefix('#'));
        assert!(key.is_some_and(|key| !key.is_empty() && key.len() <= MAX_NAME_BYTES));
        assert!(
            !event.id().is_empty() && !event.event_type().is_empty() && !event.group().is_empty()
        );
    }
    Some(verified.signed().to_vec())
}
