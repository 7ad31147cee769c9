//! One delivery of each scheme, with a signature that was not computed here: it is from the
//! provider's documentation or, if that has none, from Python's `hmac`.

use super::{
    Signed,
    schemes::{HUBSPOT, LINE, PADDLE},
};
use crate::{
    catalogue::{CATALOGUE, GITHUB, SHOPIFY, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE, ZOOM},
    description::Provider,
    error::{Malformed, VerifyError},
    time::UnixSeconds,
};

/// An event's id and type.
type Found = Result<(&'static str, &'static str), Malformed>;

const SLACK_FORM: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SQUARE_BODY: &str = r#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#;
const SHOPIFY_ID: &str =
    "body-sha256:037c9214eef74cc3887f3a4f085b4e17d76280dafd273b0ee160c09c4ba1cfd4";

pub(super) fn standard_webhooks() -> Signed {
    signed(
        STANDARD_WEBHOOKS,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        r#"{"test": 2432232314}"#,
        1_614_265_330,
    )
}

pub(super) fn stripe() -> Signed {
    signed(
        STRIPE,
        "whsec_test_secret",
        &[(
            "Stripe-Signature",
            "t=1614265330,v1=0ea930768d1c5c7a7bdcb2ef97873516bb4cb0eb6d61a5f5915f4d0af759680d",
        )],
        r#"{"id":"evt_1","object":"event","type":"charge.succeeded"}"#,
        1_614_265_330,
    )
}

pub(super) fn paddle() -> Signed {
    signed(
        PADDLE,
        "pdl_ntfset_test",
        &[(
            "Paddle-Signature",
            "ts=1671552777;h1=f5101c3ca560a19911a87eb29b03339d7fa41f094b303ef4cb7592feec60523c",
        )],
        r#"{"event_id":"evt_1","event_type":"subscription.created"}"#,
        1_671_552_777,
    )
}

pub(super) fn hubspot() -> Signed {
    let headers = [
        ("X-HubSpot-Signature-v3", "8Y1r6w0u+NDa6qEzPEa7qnXLoqyb8+oQNU21cTKNBRs="),
        ("X-HubSpot-Request-Timestamp", "1614265330123"),
    ];
    let hubspot =
        signed(HUBSPOT, "hubspot-client-secret", &headers, r#"{"eventId":1}"#, 1_614_265_330);
    Signed { url: Some("https://example.com/webhooks/hubspot"), ..hubspot }
}

pub(super) fn square() -> Signed {
    let headers =
        [("x-square-hmacsha256-signature", "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=")];
    let square = signed(SQUARE, "Ibxx_5AKakO-3qeNVR61Dw", &headers, SQUARE_BODY, 0);
    Signed { url: Some("https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9"), ..square }
}

pub(super) fn slack() -> Signed {
    signed(
        SLACK,
        "8f742231b10e8888abcd99yyyzzz85a5",
        &[
            (
                "X-Slack-Signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
            ("X-Slack-Request-Timestamp", "1531420618"),
        ],
        SLACK_FORM,
        1_531_420_618,
    )
}

pub(super) fn zoom() -> Signed {
    signed(
        ZOOM,
        "zoom-secret-token",
        &[
            (
                "x-zm-signature",
                "v0=468d24dbde7dd67f9766d39acca84bcd53955ab1f1af10ee2e500c1afcd3e74c",
            ),
            ("x-zm-request-timestamp", "1614265330"),
        ],
        r#"{"event":"meeting.started","payload":{"account_id":"a1","object":{"uuid":"u1"}}}"#,
        1_614_265_330,
    )
}

fn svix() -> Signed {
    let mut svix = standard_webhooks();
    for ((name, _), renamed) in
        svix.headers.iter_mut().zip(["Svix-Id", "Svix-Timestamp", "Svix-Signature"])
    {
        *name = renamed;
    }
    svix
}

fn github() -> Signed {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    signed(
        GITHUB,
        "It's a Secret to Everybody",
        &[("X-Hub-Signature-256", signature)],
        "Hello, World!",
        0,
    )
}

fn shopify() -> Signed {
    let signature = "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY=";
    signed(SHOPIFY, "hush", &[("X-Shopify-Hmac-Sha256", signature)], r#"{"id":1}"#, 0)
}

fn line() -> Signed {
    let signature = "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k=";
    signed(LINE, "channel_secret", &[("x-line-signature", signature)], "bodybodybodybody", 0)
}

fn signed(
    provider: &'static Provider,
    secret: &'static str,
    headers: &[(&'static str, &str)],
    body: &str,
    now: i64,
) -> Signed {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Signed {
        provider,
        secret,
        headers,
        body: body.as_bytes().to_vec(),
        url: None,
        now: UnixSeconds(now),
    }
}

/// Returns every vector, with the event that is expected.
pub(super) fn vectors() -> Vec<(Signed, Found)> {
    vec![
        (standard_webhooks(), Ok(("msg_p5jXN8AQM9LWM0D4loKWxJek", "unknown"))),
        (svix(), Ok(("msg_p5jXN8AQM9LWM0D4loKWxJek", "unknown"))),
        (github(), Err(Malformed::NotAnObject)),
        (stripe(), Ok(("evt_1", "charge.succeeded"))),
        (paddle(), Ok(("evt_1", "subscription.created"))),
        (shopify(), Ok((SHOPIFY_ID, "unknown"))),
        (line(), Err(Malformed::NotAnObject)),
        (slack(), Err(Malformed::NotAnObject)),
        (
            zoom(),
            Ok((
                "body-sha256:14b172c120f8fc71558613c36b140fb312fde7c10008f269cdbf70475106a0b2",
                "meeting.started",
            )),
        ),
        (square(), Ok(("ac3ac95b-f97d-458c-a6e6-18981597e05f", "webhooks.test_notification"))),
        (
            hubspot(),
            Ok((
                "body-sha256:5125e0e94d29430ca8bc486c9e8e25d121149dc6f26474638a3d9fbbf5fd6654",
                "unknown",
            )),
        ),
    ]
}

#[test]
fn every_entry_of_the_catalogue_has_a_vector() {
    for entry in CATALOGUE {
        assert!(
            vectors().iter().any(|(vector, _)| vector.provider.name() == entry.name()),
            "{entry:?}"
        );
    }
}

#[test]
fn every_vector_verifies_over_the_whole_body_and_has_its_facts() {
    for (vector, expected) in vectors() {
        let found = vector.verify(|verified, _| {
            assert_eq!(verified.signed(), vector.body);
            verified.event().map(|event| (event.id().to_owned(), event.event_type().to_owned()))
        });
        let expected = expected.map(|(id, event_type)| (id.to_owned(), event_type.to_owned()));
        assert_eq!(found, Ok(expected), "{:?}", vector.provider);
    }
}

#[test]
fn one_changed_byte_anywhere_in_the_body_or_a_header_is_refused() {
    for (vector, _) in vectors() {
        for index in 0..vector.body.len() {
            let mut changed = vector.clone();
            changed.body[index] ^= 1;
            assert_eq!(
                changed.refusal(),
                Some(VerifyError::SignatureMismatch),
                "{:?}, {index}",
                vector.provider
            );
        }
        for (name, value) in &vector.headers {
            for index in 0..value.len() {
                let mut bytes = value.clone().into_bytes();
                bytes[index] ^= 1;
                let changed = vector.with_header(name, str::from_utf8(&bytes).expect("ASCII"));
                assert!(changed.refusal().is_some(), "{:?}, {name}, {index}", vector.provider);
            }
        }
    }
}

#[test]
fn a_missing_or_repeated_header_is_refused_by_its_name() {
    for (vector, _) in vectors() {
        for index in 0..vector.headers.len() {
            let name = vector.headers[index].0.to_ascii_lowercase();
            let mut repeated = vector.clone();
            repeated.headers.push(vector.headers[index].clone());
            assert_eq!(
                repeated.refusal().map(|error| error.to_string()),
                Some(format!("header `{name}` is repeated"))
            );
            let mut missing = vector.clone();
            missing.headers.remove(index);
            assert_eq!(
                missing.refusal().map(|error| error.reason()),
                Some("header_missing"),
                "{name}"
            );
        }
    }
}

#[test]
fn the_signed_url_must_match_character_for_character() {
    for vector in [square(), hubspot()] {
        let url = vector.url.expect("it is signed");
        let slash = format!("{url}/").leak();
        for other in
            [None, Some(""), Some(&*slash), Some(&url[1..]), Some(url.to_uppercase().leak())]
        {
            let elsewhere = Signed { url: other, ..vector.clone() };
            assert_eq!(elsewhere.refusal(), Some(VerifyError::SignatureMismatch), "{other:?}");
        }
    }
}

#[test]
fn a_url_that_is_not_signed_does_not_matter() {
    for (vector, _) in vectors().into_iter().filter(|(vector, _)| vector.url.is_none()) {
        let elsewhere = Signed { url: Some("https://example.com"), ..vector };
        assert_eq!(elsewhere.refusal(), None, "{:?} signs no URL", elsewhere.provider);
    }
}
