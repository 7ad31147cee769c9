//! Deliveries without a diagnosis: good ones, and forgeries.

use fastrand::Rng;
use webhook_explain::{Cause, Verdict};
use webhook_verify::{MAX_BODY_BYTES, UnixSeconds};

use crate::support::{Case, NOW, body, key, schemes};

#[test]
fn a_thousand_good_deliveries_have_no_diagnosis() {
    let mut random = Rng::with_seed(15);
    let all: Vec<_> = schemes().collect();
    for number in 0..1_000 {
        let (provider, scheme) = all[number % all.len()];
        let past = scheme
            .time
            .map_or(0, |time| i64::try_from(time.tolerance.as_secs()).expect("less than an age"));
        let secret: String = std::iter::repeat_with(|| random.alphanumeric()).take(32).collect();
        let secret = provider.key().write(&secret);
        let good = Case::signed(provider, scheme, &secret, body(scheme, number).as_bytes(), NOW);
        let received = Case { now: UnixSeconds(NOW.0 + random.i64(-300..=past)), ..good.clone() };
        let received = if scheme.time.is_some() { received } else { good };
        let object = format!("{{\"signing_secret\": \"{secret}\"}}\n");
        for file in [secret.clone(), format!("{secret}\n"), format!("{secret}\r\n"), object] {
            let explanation = received.clone().with_secrets(&[&file]).explain();
            assert_eq!(explanation.verdict, Verdict::Verified, "{}: {explanation:?}", scheme.name);
            assert_eq!(
                (explanation.reason, explanation.cause, &*explanation.fix),
                (None, None, ""),
                "{}",
                scheme.name
            );
        }
    }
}

#[test]
fn a_random_secret_is_unknown_and_the_detail_says_what_was_tried() {
    let mut random = Rng::with_seed(15);
    for (provider, scheme) in schemes() {
        for number in 1..=5 {
            let secret: String =
                std::iter::repeat_with(|| random.alphanumeric()).take(32).collect();
            let case = Case::good(provider, scheme, number)
                .with_secrets(&[&provider.key().write(&secret)]);
            let explanation = case.explain();
            assert_eq!(explanation.cause, Some(Cause::Unknown), "{}: {explanation:?}", scheme.name);
            assert_eq!(explanation.reason, Some("signature_mismatch"), "{}", scheme.name);
            assert!(
                explanation.detail.starts_with("No explanation was found: "),
                "{}",
                explanation.detail
            );
            assert!(explanation.detail.contains("Tried: "), "{}", explanation.detail);
        }
    }
}

#[test]
fn a_changed_value_in_the_body_is_unknown() {
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let changed = String::from_utf8(good.body.clone())
            .expect("text")
            .replace("\"number\": 1", "\"number\": 2");
        assert_eq!(
            good.with_body(changed).explain().cause,
            Some(Cause::Unknown),
            "{}",
            scheme.name
        );
    }
}

#[test]
fn the_detail_says_if_a_body_was_too_large_to_try_everything() {
    for (provider, scheme) in schemes().take(2) {
        let large = body(scheme, 1).replace("<1>", &"<large>".repeat(700_000));
        let case = Case::good(provider, scheme, 1)
            .with_body(large)
            .with_secrets(&[&provider.key().write(&key(2))]);
        let explanation = case.explain();
        assert_eq!(explanation.cause, Some(Cause::Unknown), "{}", scheme.name);
        assert!(explanation.detail.contains("not all of that was tried"), "{}", explanation.detail);
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_anything_is_tried() {
    let (provider, scheme) = schemes().next().expect("a scheme");
    let (provider, headers) = (provider, Case::good(provider, scheme, 1).headers);
    let body = vec![b' '; MAX_BODY_BYTES + 1];
    let explanation = webhook_explain::explain(&webhook_explain::Question {
        provider,
        headers: &headers,
        body: &body,
        secrets: &[],
        now: NOW,
        tolerance: webhook_verify::Tolerance::of(provider),
        accepted: None,
        public_url: None,
    });
    assert_eq!((explanation.reason, explanation.cause), (Some("too_large"), Some(Cause::Unknown)));
}
