//! Checks what `explain` says about any delivery, against what the verifier says.

use fastrand::Rng;
use webhook_explain::{GivenSecret, Question, Verdict, explain, read_headers};
use webhook_verify::{
    Delivery, Header, Provider, SigningSecret, SigningSecrets, Tolerance, sign::Signer,
};

use crate::{
    edge::HttpEvent,
    oracle::providers,
    sample::delivery,
    verify::{KEY, NOW, URL},
};

/// # Panics
/// Panics if the explanation and the verifier disagree, or the secret is shown.
pub fn check(input: &[u8]) {
    // One provider for each input, because a search computes thousands of signatures.
    let mut random = Rng::with_seed(
        input.iter().fold(1, |seed, byte| seed * 31 % 1_000_000_007 + u64::from(*byte)),
    );
    let all: Vec<_> = providers().collect();
    let provider = all[random.usize(..all.len())];
    let (headers, body) = delivery(input);
    let may_be_shown = input.windows(KEY.len()).any(|part| part == KEY.as_bytes());
    compare(provider, &headers, body, may_be_shown);
    if let Ok(headers) = read_headers(input) {
        assert!(!headers.is_empty());
        compare(provider, &headers, body, may_be_shown);
    }
    if let Ok(text) = str::from_utf8(input)
        && let Ok(event) = HttpEvent::from_json(text)
    {
        compare(provider, &event.headers, &event.body, true);
    }
    signed(provider, body, &mut random, may_be_shown);
}

/// Checks that a signed delivery verifies, and that one with a flipped bit is explained as the
/// verifier judges it.
fn signed(provider: &'static Provider, body: &[u8], random: &mut Rng, may_be_shown: bool) {
    let secret = SigningSecret::new(KEY.into()).expect("not empty");
    let scheme = &provider.schemes()[random.usize(..provider.schemes().len())];
    let Ok(mut headers) = Signer::new(scheme, &secret, NOW).public_url(Some(URL)).sign(body) else {
        return;
    };
    compare(provider, &headers, body, may_be_shown);
    let place = random.usize(..headers.len());
    let mut value = headers[place].value().to_vec();
    let at = random.usize(..value.len());
    value[at] ^= 1 << random.u8(..8);
    headers[place] = Header::new(headers[place].name(), value);
    compare(provider, &headers, body, may_be_shown);
}

fn compare(provider: &'static Provider, headers: &[Header], body: &[u8], may_be_shown: bool) {
    let key = provider.key().write(KEY);
    let question = Question {
        provider,
        headers,
        body,
        secrets: &[GivenSecret {
            label: "secret.txt".to_owned(),
            value: key.clone().into_bytes().into(),
        }],
        now: NOW,
        tolerance: Tolerance::of(provider),
        accepted: None,
        public_url: Some(URL),
    };
    let explanation = explain(&question);
    let reason = reason(provider, headers, body);
    assert_eq!(explanation.reason, reason, "{provider:?}");
    assert_eq!(explanation.verdict == Verdict::Verified, reason.is_none(), "{provider:?}");
    assert_eq!(explanation.cause.is_none(), reason.is_none(), "{provider:?}");
    let shown = explanation.to_json();
    assert!(may_be_shown || !shown.contains(KEY), "{provider:?}: {shown}");
    assert!(!shown.contains(char::is_control), "{shown}");
}

/// Returns why the verifier refuses the delivery.
fn reason(provider: &'static Provider, headers: &[Header], body: &[u8]) -> Option<&'static str> {
    let delivery = Delivery::new(headers, body).expect("an input is small");
    let unverified = match provider.parse(delivery) {
        Ok(unverified) => unverified,
        Err(error) => return Some(error.reason()),
    };
    let secrets = SigningSecrets::new(SigningSecret::new(KEY.into()).expect("not empty"), None);
    match unverified.verify(&secrets, NOW, Tolerance::of(provider), Some(URL)) {
        Err(error) => Some(error.reason()),
        Ok(verified) if verified.challenge(&secrets).is_some() => None,
        Ok(verified) => verified.event().err().map(webhook_verify::Malformed::reason),
    }
}
