//! Each provider's verdict against MACs computed apart from it, over the reference's text.

use base64::{Engine, prelude::BASE64_STANDARD};
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use webhook_verify::{
    Delivery, Header, MAX_NAME_BYTES, Provider, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    providers::{Endgrate, Pinwheel},
    sign,
};

use crate::{
    python_form::last,
    reference::{dumps, parse},
    sample::{delivery, only},
};

/// The secret that samples are signed with, and when.
pub(crate) const SECRET: &[u8] = b"TEST_KEY";
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// # Panics
/// A forged delivery is taken, an authentic one refused, or what is said to be signed is not what the MAC covered.
pub fn check(input: &[u8]) {
    let (headers, body) = delivery(input);
    compare(&headers, body);
    let mut random = Rng::with_seed(input.iter().fold(1, |seed, byte| seed * 31 % 1_000_000_007 + u64::from(*byte)));
    for headers in signed(body, &mut random) {
        assert!(compare(&headers, body), "what was signed verifies");
        let mut body = body.to_vec();
        if !body.is_empty() {
            let at = random.usize(..body.len());
            body[at] ^= 1 << random.u8(..8);
            compare(&headers, &body);
            body[at] = random.u8(..);
            compare(&headers, &body);
        }
        for index in 0..headers.len() {
            let mut value = headers[index].value().to_vec();
            let at = random.usize(..value.len());
            value[at] ^= 1 << random.u8(..8);
            let mut headers = headers.clone();
            headers[index] = Header::new(headers[index].name(), value);
            assert!(!compare(&headers, &body), "a bit of a header is another");
        }
    }
}

/// The body, signed in each way that there is a text for.
fn signed(body: &[u8], random: &mut Rng) -> Vec<Vec<Header>> {
    let secret = SigningSecret::new(SECRET.to_vec()).expect("not empty");
    let at = UnixSeconds(NOW.0 + random.i64(-86_400..=300));
    let mut all = vec![sign::pinwheel_v2(&secret, at, body).to_vec(), sign::endgrate(&secret, body).to_vec()];
    all.extend(sign::pinwheel_v1(&secret, at, body).ok().map(Vec::from));
    all.extend(sign::endgrate_python_form(&secret, body).ok().map(Vec::from));
    all
}

/// Whether either provider takes the delivery; both must judge as the independent computation does.
fn compare(headers: &[Header], body: &[u8]) -> bool {
    let pinwheel = verdict(&Pinwheel, headers, body);
    assert_eq!(pinwheel, pinwheel_covers(headers, body), "Pinwheel");
    let endgrate = verdict(&Endgrate, headers, body);
    assert_eq!(endgrate, endgrate_covers(headers, body), "Endgrate");
    pinwheel.is_some() || endgrate.is_some()
}

/// The bytes that the provider says were signed.
fn verdict<P: Provider>(provider: &P, headers: &[Header], body: &[u8]) -> Option<Vec<u8>> {
    let delivery = Delivery::new(headers, body).ok()?;
    let unverified = provider.parse(delivery).ok()?;
    // Under the current secret as well as under the previous one.
    let secret = |key: &[u8]| SigningSecret::new(key.to_vec()).expect("not empty");
    let [current, previous] = [(SECRET, &b"other"[..]), (b"other", SECRET)].map(|(current, previous)| {
        let secrets = SigningSecrets::new(secret(current), Some(secret(previous)));
        provider.verify(&unverified, &secrets, NOW, Tolerance::default())
    });
    assert_eq!(current.is_ok(), previous.is_ok());
    let verified = current.ok()?;
    if let Ok(event) = provider.event(&verified) {
        let key = event.idempotency_key().strip_prefix(P::NAME).and_then(|key| key.strip_prefix('#'));
        assert!(key.is_some_and(|key| !key.is_empty() && key.len() <= MAX_NAME_BYTES));
        assert!(!event.id().is_empty() && !event.event_type().is_empty() && !event.group().is_empty());
    }
    Some(verified.signed().to_vec())
}

/// The bytes that Pinwheel signed, where it did.
fn pinwheel_covers(headers: &[Header], body: &[u8]) -> Option<Vec<u8>> {
    let signature = only(headers, "x-pinwheel-signature")?;
    let timestamp = only(headers, "x-timestamp")?;
    let (version, covered) = if signature.starts_with(b"v1=") {
        let (value, facts) = parse(body, 128).ok()?;
        let refused = facts.duplicate_key || facts.infinite || facts.long_integer || facts.lone_surrogate;
        let payload = last(&value, "payload").filter(|_| !refused)?;
        ("v1", dumps(payload, true).into_bytes())
    } else {
        ("v2", body.to_vec())
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length");
    for piece in [version.as_bytes(), b":", timestamp, b":", &covered] {
        mac.update(piece);
    }
    let tag = format!("{version}={}", hex::encode(mac.finalize().into_bytes()));
    let digits = str::from_utf8(timestamp).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))?;
    let at: i64 = digits.parse().ok()?;
    (tag.as_bytes() == signature && (NOW.0 - 86_400..=NOW.0 + 300).contains(&at)).then_some(covered)
}

/// The bytes that Endgrate signed, where it did.
fn endgrate_covers(headers: &[Header], body: &[u8]) -> Option<Vec<u8>> {
    let signature = only(headers, "x-endgrate-signature")?;
    let covers = |text: &[u8]| {
        let mac = Hmac::<Sha1>::new_from_slice(SECRET).expect("any length").chain_update(text);
        BASE64_STANDARD.encode(mac.finalize().into_bytes()).as_bytes() == signature
    };
    if covers(body) {
        return Some(body.to_vec());
    }
    let (value, facts) = parse(body, 128).ok()?;
    let refused = facts.duplicate_key || facts.infinite || facts.long_integer;
    let text = (!refused).then(|| dumps(&value, false).into_bytes())?;
    covers(&text).then_some(text)
}
