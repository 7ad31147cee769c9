//! Tests what each form of signature allows: several signatures, other labels, both sides of the
//! tolerance, and one spelling of the secret.

use super::{
    Signed,
    vectors::{hubspot, paddle, slack, standard_webhooks, stripe, zoom},
};
use crate::{
    catalogue::{STANDARD_WEBHOOKS, STRIPE},
    description::Hash,
    error::VerifyError,
    mac::tag,
    secret::KeyError,
};

#[test]
fn one_right_signature_among_several_is_enough_wherever_it_is() {
    for (vector, name, separator) in [
        (standard_webhooks(), "webhook-signature", " "),
        (stripe(), "Stripe-Signature", ","),
        (paddle(), "Paddle-Signature", ";"),
    ] {
        let value = vector.header(name);
        let (before, right) = value.rsplit_once(separator).unwrap_or(("", value));
        // The same label and length, but another signature.
        let (label, digits) = right.split_at(3);
        let wrong = format!("{label}{}", digits.replace(['0', 'g'], "1"));
        assert_ne!(wrong, right);
        let unknown = format!("v9{}", &right[2..]);
        for (list, expected) in [
            (vec![before, &wrong, right], None),
            (vec![before, right, &wrong], None),
            (vec![&wrong, &wrong, right, before], None),
            (vec![before, right, "v9", "x,y", "k=v", ""], None),
            (vec![before, &wrong], Some("signature_mismatch")),
            (vec![before, &wrong, &wrong], Some("signature_mismatch")),
            (vec![before, right, &right[..20]], Some("header_malformed")),
            (vec![before, &unknown], Some("scheme_unknown")),
            (vec![before], Some("scheme_unknown")),
        ] {
            let refusal = vector.with_header(name, &list.join(separator)).refusal();
            assert_eq!(refusal.map(|error| error.reason()), expected, "{list:?}");
        }
    }
}

#[test]
fn a_labelled_time_must_be_sent_once_and_have_only_digits() {
    for (vector, name, time) in [
        (stripe(), "Stripe-Signature", "t=1614265330,"),
        (paddle(), "Paddle-Signature", "ts=1671552777;"),
    ] {
        let value = vector.header(name);
        let (label, separator) =
            (time.split_once('=').expect("a label").0, &time[time.len() - 1..]);
        for other in [
            String::new(),
            format!("{time}{time}"),
            format!("{label}={separator}"),
            format!("{label}=+1{separator}"),
            format!("{label}{separator}"),
        ] {
            let refusal = vector.with_header(name, &value.replace(time, &other)).refusal();
            assert_eq!(refusal.map(|error| error.reason()), Some("header_malformed"), "{other}");
        }
    }
}

#[test]
fn the_tolerance_of_five_minutes_holds_on_both_sides_and_to_the_second() {
    for vector in [standard_webhooks(), stripe(), paddle(), slack(), zoom(), hubspot()] {
        for (received_s, expected) in [
            (-301, Some(VerifyError::TimestampInFuture { skew_s: 301 })),
            (-300, None),
            (0, None),
            (300, None),
            (301, Some(VerifyError::TimestampTooOld { skew_s: 301 })),
        ] {
            assert_eq!(
                vector.at(received_s).refusal(),
                expected,
                "{:?}, {received_s} s later",
                vector.provider
            );
        }
    }
}

#[test]
fn milliseconds_are_signed_as_sent_and_checked_in_whole_seconds() {
    let vector = hubspot();
    let resigned = |time: &str| {
        let secret = vector.provider.key().read(vector.secret).expect("a text");
        let message: [&[u8]; 4] =
            [b"POST", vector.url.expect("signed").as_bytes(), &vector.body, time.as_bytes()];
        let digits = base64::Engine::encode(
            &base64::prelude::BASE64_STANDARD,
            tag(Hash::Sha256, &secret, &message),
        );
        let stamped = vector.with_header("X-HubSpot-Request-Timestamp", time);
        stamped.with_header("X-HubSpot-Signature-v3", &digits).refusal()
    };
    for (time, expected) in [
        ("1614265030000", None),
        ("1614265029999", Some(VerifyError::TimestampTooOld { skew_s: 301 })),
        ("1614265630999", None),
        ("1614265631000", Some(VerifyError::TimestampInFuture { skew_s: 301 })),
        ("1614265330", Some(VerifyError::TimestampTooOld { skew_s: 1_612_651_065 })),
        ("0", Some(VerifyError::TimestampTooOld { skew_s: 1_614_265_330 })),
    ] {
        assert_eq!(resigned(time), expected, "{time}");
    }
}

#[test]
fn a_prefix_of_another_scheme_is_unknown() {
    for (vector, name) in [(slack(), "X-Slack-Signature"), (zoom(), "x-zm-signature")] {
        for prefix in ["v1=", "V0=", "sha256=", "v0=v0="] {
            let value = vector.header(name).replace("v0=", prefix);
            let expected = if prefix == "v0=v0=" { "header_malformed" } else { "scheme_unknown" };
            assert_eq!(
                vector.with_header(name, &value).refusal().map(|error| error.reason()),
                Some(expected)
            );
        }
    }
}

#[test]
fn a_signature_without_its_prefix_is_malformed() {
    for (vector, name) in [(slack(), "X-Slack-Signature"), (zoom(), "x-zm-signature")] {
        let bare = vector.header(name).replace("v0=", "");
        assert_eq!(
            vector.with_header(name, &bare).refusal().map(|error| error.reason()),
            Some("header_malformed")
        );
    }
}

#[test]
fn a_secret_in_a_different_spelling_is_refused_with_the_reason() {
    let key = STANDARD_WEBHOOKS.key();
    for (text, expected) in [
        (
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "this provider's secrets begin with `whsec_`, but the value does not: store it as the \
             provider shows it",
        ),
        (
            "whsec_not base64",
            "this provider's secrets are base64 after `whsec_`, but the value is not: store it as \
             the provider shows it",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
            "this provider's secrets are base64 after `whsec_`, but the value is not: store it as \
             the provider shows it",
        ),
        ("whsec_", "the signing secret is empty"),
    ] {
        assert_eq!(
            key.read(text).err().map(|error| error.to_string()).as_deref(),
            Some(expected),
            "{text:?}"
        );
    }
    assert!(matches!(STRIPE.key().read(""), Err(KeyError::Empty(_))));
}

#[test]
fn a_secret_that_is_read_as_text_and_not_as_base64_does_not_verify() {
    let vector = standard_webhooks();
    let digits = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let as_text = Signed { secret: STANDARD_WEBHOOKS.key().write(digits).leak(), ..vector };
    assert_eq!(as_text.refusal(), Some(VerifyError::SignatureMismatch));
}

#[test]
fn a_signed_id_is_accepted_only_without_the_character_that_ends_it() {
    let vector = standard_webhooks();
    // The signed text would be the same: only a part of it has moved into the id.
    let moved = vector.with_header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330");
    assert_eq!(moved.refusal(), Some(VerifyError::HeaderMalformed("webhook-id")));
}
