//! Tests of the computed vector, the Python form, and the event types.

use std::time::Duration;

use super::ENDGRATE;
use crate::{
    delivery::{Delivery, Header},
    error::{Malformed, VerifyError},
    event::{Event, Retention, sha256_hex},
    json::NoPythonForm,
    mac::SecretVersion,
    secret::{SigningSecret, SigningSecrets},
    sign::Signer,
    time::{Tolerance, UnixSeconds},
};

const SIGNATURE: &str = "x-endgrate-signature";

/// Computed with the Python of Endgrate's guide.
const BODY: &str = r#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0c0d", "session_id": "6566e85e7cf20dca9cef0c0a", "metadata": {"user_id": 1, "label": "Zo\u00eb", "rate": 1.0}, "endgrate": {"endgrate_type": "crm-contact"}, "completed": true}"#;
const TAG: &str = "MNY2DxBT57oO6Z78b7Ntb7ScCjY=";

fn secret(key: &str) -> SigningSecret {
    SigningSecret::new(key.as_bytes().to_vec()).expect("not empty")
}

fn signer(secret: &SigningSecret) -> Signer<'_> {
    Signer::new(&ENDGRATE.schemes()[0], secret, UnixSeconds(0))
}

/// Signs a body that is sent exactly as it was signed.
fn endgrate(secret: &SigningSecret, body: &[u8]) -> Vec<Header> {
    signer(secret).sign(body).expect("signs any body")
}

/// Signs the Python form of a body that is sent in a different spelling.
fn endgrate_python_form(secret: &SigningSecret, body: &[u8]) -> Result<Vec<Header>, NoPythonForm> {
    signer(secret).respelled().sign(body)
}

fn verify_with(
    secrets: &SigningSecrets,
    headers: &[Header],
    body: &[u8],
) -> Result<(Vec<u8>, SecretVersion), VerifyError> {
    let unverified = ENDGRATE.parse(Delivery::new(headers, body).expect("small"))?;
    let verified = unverified.verify(secrets, UnixSeconds(0), Tolerance::of(ENDGRATE), None)?;
    Ok((verified.signed().to_vec(), verified.secret()))
}

fn signed_bytes(signature: &str, body: &str) -> Result<String, VerifyError> {
    let secrets = SigningSecrets::new(secret("TEST_API_KEY"), None);
    let headers = [Header::new("X-Endgrate-Signature", signature)];
    let (signed, _) = verify_with(&secrets, &headers, body.as_bytes())?;
    Ok(String::from_utf8(signed).expect("UTF-8"))
}

fn read<T>(body: &str, look: impl Fn(&Event<'_>) -> T) -> Result<T, Malformed> {
    let key = secret("TEST_API_KEY");
    let headers = endgrate(&key, body.as_bytes());
    let unverified = ENDGRATE
        .parse(Delivery::new(&headers, body.as_bytes()).expect("small"))
        .expect("well formed");
    let secrets = SigningSecrets::new(key, None);
    let verified = unverified
        .verify(&secrets, UnixSeconds(0), Tolerance::of(ENDGRATE), None)
        .expect("verifies");
    verified.event().map(|event| look(&event))
}

#[test]
fn the_computed_vector_verifies_over_the_raw_bytes() {
    assert_eq!(signed_bytes(TAG, BODY), Ok(BODY.to_owned()));
    assert_eq!(endgrate(&secret("TEST_API_KEY"), BODY.as_bytes())[0].value(), TAG.as_bytes());
}

#[test]
fn a_rewritten_body_verifies_over_its_python_form() {
    let compact = BODY
        .replace(": ", ":")
        .replace(", ", ",")
        .replace("Zo\\u00eb", "Zoë")
        .replace("1.0", "1.00");
    assert_ne!(compact, BODY);
    assert_eq!(signed_bytes(TAG, &compact), Ok(BODY.to_owned()));
}

#[test]
fn a_compact_body_signed_as_it_is_sent_verifies() {
    let compact = BODY.replace(": ", ":").replace(", ", ",");
    let headers = endgrate(&secret("TEST_API_KEY"), compact.as_bytes());
    let secrets = SigningSecrets::new(secret("TEST_API_KEY"), None);
    let expected = Ok((compact.clone().into_bytes(), SecretVersion::Current));
    assert_eq!(verify_with(&secrets, &headers, compact.as_bytes()), expected);
}

#[test]
fn a_body_with_pythons_spaces_but_other_numbers_verifies_over_its_form() {
    assert_eq!(signed_bytes(TAG, &BODY.replace("1.0", "1.00")), Ok(BODY.to_owned()));
}

#[test]
fn a_changed_value_is_a_mismatch_in_either_spelling() {
    for body in [
        BODY.replace("true", "false"),
        BODY.replace("1.0", "1"),
        BODY.replace(": ", ":").replace("true", "false"),
    ] {
        assert_eq!(signed_bytes(TAG, &body), Err(VerifyError::SignatureMismatch), "{body}");
    }
}

#[test]
fn a_body_without_a_python_form_is_a_mismatch() {
    let twice = BODY.replace("\"success\": true", "\"success\": false, \"success\": true");
    for body in [&twice, "", "NaN", "\u{feff}{}", "{\"a\":1e400}", &"[".repeat(200_000)] {
        assert_eq!(signed_bytes(TAG, body), Err(VerifyError::SignatureMismatch), "{body:.40}");
    }
}

#[test]
fn a_signature_is_28_characters_of_padded_base64() {
    let padded_inside = format!("{}=", &TAG[..27]).replacen('M', "=", 1);
    for signature in [
        "",
        TAG.trim_end_matches('='),
        &format!("{TAG}="),
        &format!(" {TAG}"),
        &TAG.replace('7', "-"),
        &TAG.replace("Y=", "Z="),
        &padded_inside,
        &"A".repeat(28),
        &"A".repeat(10_240),
        &format!("{TAG},{TAG}"),
        "30d6360f1053e7ba0ee99efc6fb36d6fb49c0a36",
    ] {
        assert_eq!(
            signed_bytes(signature, BODY),
            Err(VerifyError::HeaderMalformed(SIGNATURE)),
            "{signature:.40}"
        );
    }
}

#[test]
fn a_missing_or_repeated_signature_is_refused() {
    let secrets = SigningSecrets::new(secret("TEST_API_KEY"), None);
    let twice = [Header::new(SIGNATURE, TAG), Header::new("X-ENDGRATE-SIGNATURE", TAG)];
    assert_eq!(
        verify_with(&secrets, &[], BODY.as_bytes()),
        Err(VerifyError::HeaderMissing(SIGNATURE))
    );
    assert_eq!(
        verify_with(&secrets, &twice, BODY.as_bytes()),
        Err(VerifyError::HeaderRepeated(SIGNATURE))
    );
}

#[test]
fn a_previous_secret_verifies_in_both_spellings() {
    let rotating = SigningSecrets::new(secret("NEW"), Some(secret("TEST_API_KEY")));
    let headers = [Header::new(SIGNATURE, TAG)];
    let compact = BODY.replace(": ", ":").replace(", ", ",");
    for body in [BODY, &compact] {
        let expected = Ok((BODY.as_bytes().to_vec(), SecretVersion::Previous));
        assert_eq!(verify_with(&rotating, &headers, body.as_bytes()), expected);
    }
}

#[test]
fn types_are_told_apart_by_members_that_are_present_and_not_null() {
    let short = Retention::Fixed(Duration::from_secs(360));
    let long = Retention::Configured;
    for (body, expected) in [
        ("{}", ("completed", long)),
        (BODY, ("completed", long)),
        (r#"{"pk": 1, "schemas": {}, "transfer_data": []}"#, ("error", long)),
        (r#"{"error_type": "x"}"#, ("error", long)),
        (r#"{"pk": null, "error_type": null, "schemas": {}}"#, ("configuration", short)),
        (r#"{"passthrough_schemas": {}, "transfer_data": []}"#, ("configuration", short)),
        (r#"{"endgrate": {"provider": "hubspot"}}"#, ("configuration", short)),
        (r#"{"endgrate": {"provider": null}, "transfer_data": []}"#, ("data", long)),
        (r#"{"endgrate": {"provider_info": {}}, "transfer_data": null}"#, ("completed", long)),
    ] {
        assert_eq!(
            read(body, |event| (event.event_type().to_owned(), event.retention())),
            Ok((expected.0.to_owned(), expected.1))
        );
    }
}

#[test]
fn the_key_is_the_hash_of_the_signed_bytes() {
    let key = |body: &str| format!("body-sha256:{}", sha256_hex(body.as_bytes()));
    let look =
        |event: &Event<'_>| [event.idempotency_key(), event.id(), event.group()].map(str::to_owned);
    let session = "6566e85e7cf20dca9cef0c0a".to_owned();
    let prefixed = |body: &str| format!("endgrate#{}", key(body));
    assert_eq!(read(BODY, look), Ok([prefixed(BODY), key(BODY), session]));
    for body in ["{}", r#"{"session_id": 7}"#, r#"{"session_id": ""}"#] {
        assert_eq!(read(body, look), Ok([prefixed(body), key(body), key(body)]), "{body}");
    }
}

#[test]
fn an_authentic_body_must_be_an_object_in_either_spelling() {
    for body in ["", "[1, 2]", "7", "{} {}", "\u{feff}{}"] {
        assert_eq!(
            read(body, |event| event.id().to_owned()),
            Err(Malformed::NotAnObject),
            "{body}"
        );
    }
    let headers = endgrate_python_form(&secret("TEST_API_KEY"), b"[1,2]").expect("has a form");
    let unverified =
        ENDGRATE.parse(Delivery::new(&headers, b"[1,2]").expect("small")).expect("well formed");
    let secrets = SigningSecrets::new(secret("TEST_API_KEY"), None);
    let verified = unverified
        .verify(&secrets, UnixSeconds(0), Tolerance::of(ENDGRATE), None)
        .expect("verifies");
    assert_eq!(verified.event().map(|event| event.id().to_owned()), Err(Malformed::NotAnObject));
}

#[test]
fn an_event_has_all_its_fields_in_any_spelling() {
    let python = br#"{"session_id": "s_1", "schemas": [{"name": "caf\u00e9"}]}"#;
    let compact = r#"{"session_id":"s_1","schemas":[{"name":"café"}]}"#.as_bytes();
    let key = secret("TEST_API_KEY");
    let headers = endgrate(&key, python);
    assert_eq!(headers[0].name(), "x-endgrate-signature");
    assert_eq!(endgrate_python_form(&key, compact).expect("has a form"), headers);
    let secrets = SigningSecrets::new(key, None);
    for body in [python.as_slice(), compact] {
        let unverified =
            ENDGRATE.parse(Delivery::new(&headers, body).expect("small")).expect("well formed");
        let verified = unverified
            .verify(&secrets, UnixSeconds(0), Tolerance::of(ENDGRATE), None)
            .expect("verifies");
        assert_eq!((verified.signed(), verified.signed_at()), (python.as_slice(), None));
        let event = verified.event().expect("an object");
        let key = format!("body-sha256:{}", sha256_hex(python));
        assert_eq!((event.provider(), event.scheme()), ("endgrate", &ENDGRATE.schemes()[0]));
        assert_eq!(event.idempotency_key(), format!("endgrate#{key}"));
        assert_eq!((event.id(), event.group()), (key.as_str(), "s_1"));
        assert_eq!(event.event_type(), "configuration");
        assert_eq!(event.retention(), Retention::Fixed(Duration::from_mins(6)));
        assert_eq!(
            (event.signed_at(), event.delivery_id(), event.unsigned_fields()),
            (None, None, None)
        );
        assert_eq!(event.data(), python);
    }
}
