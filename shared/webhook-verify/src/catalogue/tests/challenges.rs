//! Tests that challenges are answered, and nothing else is.

use crate::{
    catalogue::{CATALOGUE, SLACK, STRIPE, ZOOM},
    delivery::Delivery,
    description::Provider,
    secret::SigningSecrets,
    sign::{Signer, example_body},
    time::{Tolerance, UnixSeconds},
};

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
const URL: Option<&str> = Some("https://example.com/webhooks/provider");

/// Signs a body with the secret `zoom-secret-token`, verifies it with that as the current or the
/// previous secret, and returns the answer if the body is a challenge.
fn answer_under(provider: &'static Provider, body: &str, is_current: bool) -> Option<String> {
    let read = |text: &str| provider.key().read(&provider.key().write(text)).expect("not empty");
    let secret = read("zoom-secret-token");
    let headers =
        Signer::new(&provider.schemes()[0], &secret, NOW).public_url(URL).sign(body.as_bytes());
    let headers = headers.expect("the body can be signed");
    let secrets = if is_current {
        SigningSecrets::new(secret, Some(read("other")))
    } else {
        SigningSecrets::new(read("other"), Some(secret))
    };
    let unverified = provider
        .parse(Delivery::new(&headers, body.as_bytes()).expect("small"))
        .expect("well formed");
    let verified =
        unverified.verify(&secrets, NOW, Tolerance::of(provider), URL).expect("authentic");
    verified.challenge(&secrets).map(|answer| {
        assert_eq!(
            format!("{answer:?}"),
            format!("ChallengeAnswer({} bytes)", answer.body().len())
        );
        answer.body().to_owned()
    })
}

fn answer(provider: &'static Provider, body: &str) -> Option<String> {
    answer_under(provider, body, true)
}

#[test]
fn slack_gets_its_challenge_back() {
    let challenge = r#"{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let expected = r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#;
    assert_eq!(answer(SLACK, challenge).as_deref(), Some(expected));
    let escaped = r#"{"type": "url\u005fverification", "challenge": "\u00eb\"\n"}"#;
    assert_eq!(
        answer(SLACK, escaped).as_deref(),
        Some(r#"{"challenge":"\u00eb\"\n"}"#),
        "its spelling is kept"
    );
}

/// The expected MAC was computed with Python's `hmac`.
#[test]
fn zoom_gets_its_token_and_its_mac_under_the_secret_that_verified() {
    let body = r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;
    let mac = "d9e0d764a78494688ba3f2d5c0ed4ca311394b4834d959759213424d2df961e3";
    let expected = format!(r#"{{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"{mac}"}}"#);
    for is_current in [true, false] {
        assert_eq!(answer_under(ZOOM, body, is_current).as_ref(), Some(&expected), "{is_current}");
    }
}

#[test]
fn the_token_of_a_challenge_has_at_most_1024_bytes() {
    let body = |token: &str| format!(r#"{{"type":"url_verification","challenge":"{token}"}}"#);
    for (token, is_challenge) in [
        ("a".repeat(1024), true),
        ("a".repeat(1025), false),
        ("é".repeat(512), true),
        (format!("{}a", "é".repeat(512)), false),
        ("\\u0061".repeat(1024), true),
        ("\\u0061".repeat(1025), false),
    ] {
        assert_eq!(answer(SLACK, &body(&token)).is_some(), is_challenge, "{} bytes", token.len());
    }
}

#[test]
fn events_and_incomplete_challenges_are_not_answered() {
    for (provider, body) in [
        (SLACK, r#"{"type":"event_callback","challenge":"x","event_id":"Ev1"}"#),
        (SLACK, r#"{"type":"url_verification"}"#),
        (SLACK, r#"{"type":"url_verification","challenge":""}"#),
        (SLACK, r#"{"type":"url_verification","challenge":7}"#),
        (SLACK, r#"{"type":"url_verification","challenge":"\ud800"}"#),
        (SLACK, r#"{"challenge":"x"}"#),
        (SLACK, r#"{"event":{"type":"url_verification"},"challenge":"x"}"#),
        (SLACK, r#"[{"type":"url_verification","challenge":"x"}]"#),
        (SLACK, "type=url_verification&challenge=x"),
        (SLACK, r#"{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}"#),
        (ZOOM, r#"{"event":"endpoint.url_validation","plainToken":"x"}"#),
        // The token is the signed text of a delivery, so the answer would be a valid signature.
        (
            ZOOM,
            r#"{"event":"endpoint.url_validation","payload":{"plainToken":"v0:1700000000:{}"}}"#,
        ),
        (ZOOM, r#"{"event":"endpoint.url_validation","payload":{"plainToken":"\u00eb"}}"#),
        (ZOOM, r#"{"event":"meeting.started","payload":{"plainToken":"x"}}"#),
        (ZOOM, r#"{"type":"url_verification","challenge":"x"}"#),
        (STRIPE, r#"{"type":"url_verification","challenge":"x"}"#),
    ] {
        assert_eq!(answer(provider, body), None, "{provider:?} {body}");
    }
    for provider in CATALOGUE {
        assert_eq!(
            answer(provider, &example_body(&provider.schemes()[0], 1, 1)),
            None,
            "{provider:?}"
        );
    }
}
