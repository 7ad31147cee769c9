//! Tests of the published and computed vectors, of malformed headers and bodies, and of all fields.

use super::{PINWHEEL, V1, V2};
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

const SIGNATURE: &str = "x-pinwheel-signature";
const TIMESTAMP: &str = "x-timestamp";

/// From Pinwheel's page on version 2.
const V2_BODY: &[u8] = br#"{
    "coordinates": [41.0555388, -73.8679639],
    "location": "Lyndhurst Mansion, South Broadway, Tarrytown, NY",
    "type": {
        "common_name": "American sycamore",
        "genus": "platanus",
        "species": "occidentalis"
    }
}"#;
const V2_AT: &str = "860860860";
const V2_SIGNATURE: &str = "v2=42fb9eba200e821d4de63667f5a30f7e1b83609b135e148e26ce01eef2aa6ba8";

/// Computed with the Python of Pinwheel's page on version 1.
const V1_BODY: &[u8] = br#"{"event": "direct_deposit_payment.added", "webhook_id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "payload": {"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "account_id": "449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65", "link_token_id": "4787acbc-11cf-4db3-998c-5ea7c4feebcd", "name": "direct_deposit_payment", "timestamp": "2021-01-12T02:36:01.287148+00:00", "outcome": "success", "params": {"amount": 100.0, "account_name": "Zo\u00eb\u2019s Checking"}}}"#;
const V1_PAYLOAD: &str = r#"{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","account_id":"449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65","link_token_id":"4787acbc-11cf-4db3-998c-5ea7c4feebcd","name":"direct_deposit_payment","timestamp":"2021-01-12T02:36:01.287148+00:00","outcome":"success","params":{"amount":100.0,"account_name":"Zoë’s Checking"}}"#;
const V1_AT: &str = "1609205925";
const V1_SIGNATURE: &str = "v1=b384769d44bf67aabbc0221d9e6f61912c821b331d1281d8f0310bb0f73ed472";

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

fn secret(key: &str) -> SigningSecret {
    SigningSecret::new(key.as_bytes().to_vec()).expect("not empty")
}

fn secrets() -> SigningSecrets {
    SigningSecrets::new(secret("TEST_KEY"), None)
}

fn headers(signature: &str, timestamp: &str) -> Vec<Header> {
    vec![Header::new("X-Pinwheel-Signature", signature), Header::new("X-Timestamp", timestamp)]
}

fn pinwheel_v1(
    secret: &SigningSecret,
    at: UnixSeconds,
    body: &[u8],
) -> Result<Vec<Header>, NoPythonForm> {
    Signer::new(&PINWHEEL.schemes()[0], secret, at).sign(body)
}

fn pinwheel_v2(secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> Vec<Header> {
    Signer::new(&PINWHEEL.schemes()[1], secret, at).sign(body).expect("signs any body")
}

fn pinwheel_delivery_id(id: &str) -> Header {
    Header::new("x-pinwheel-webhook-uuid", id)
}

/// Verifies and reads a delivery at `now`, or returns the error's text.
fn read<T>(
    headers: &[Header],
    body: &[u8],
    now: UnixSeconds,
    look: impl Fn(&Event<'_>) -> T,
) -> Result<T, String> {
    let delivery = Delivery::new(headers, body).map_err(|error| error.to_string())?;
    let unverified = PINWHEEL.parse(delivery).map_err(|error| error.to_string())?;
    let verified = unverified
        .verify(&secrets(), now, Tolerance::of(PINWHEEL), None)
        .map_err(|error| error.to_string())?;
    verified.event().map(|event| look(&event)).map_err(|error| error.to_string())
}

fn read_v2<T>(body: &str, look: impl Fn(&Event<'_>) -> T) -> Result<T, String> {
    read(&pinwheel_v2(&secret("TEST_KEY"), NOW, body.as_bytes()), body.as_bytes(), NOW, look)
}

fn read_v1<T>(body: &str, look: impl Fn(&Event<'_>) -> T) -> Result<T, String> {
    let headers = pinwheel_v1(&secret("TEST_KEY"), NOW, body.as_bytes()).expect("has a payload");
    read(&headers, body.as_bytes(), NOW, look)
}

fn refusal(headers: &[Header], body: &[u8]) -> Option<VerifyError> {
    let delivery = Delivery::new(headers, body).expect("small");
    match PINWHEEL.parse(delivery) {
        Ok(unverified) => unverified.verify(&secrets(), NOW, Tolerance::of(PINWHEEL), None).err(),
        Err(error) => Some(error),
    }
}

#[test]
fn the_published_vector_of_version_2_verifies_over_the_raw_body() {
    let read = read(&headers(V2_SIGNATURE, V2_AT), V2_BODY, UnixSeconds(860_860_860), |event| {
        (event.scheme(), event.signed_at(), event.id().to_owned(), event.data().to_vec())
    });
    let id = format!("body-sha256:{}", sha256_hex(V2_BODY));
    assert_eq!(read, Ok((&V2, Some(UnixSeconds(860_860_860)), id, V2_BODY.to_vec())));
}

#[test]
fn the_computed_vector_of_version_1_verifies_over_the_compact_payload() {
    let read = read(&headers(V1_SIGNATURE, V1_AT), V1_BODY, UnixSeconds(1_609_205_925), |event| {
        let texts = [event.id(), event.idempotency_key(), event.event_type(), event.group()]
            .map(str::to_owned);
        (
            texts,
            String::from_utf8(event.data().to_vec()),
            event.delivery_id().map(str::to_owned),
            event.unsigned_fields().map(str::to_owned),
        )
    });
    let key = format!("payload-sha256:{}", sha256_hex(V1_PAYLOAD.as_bytes()));
    let data = format!(
        r#"{{"event":"direct_deposit_payment.added","webhook_id":"61788409-8314-4e89-9300-ae7b9d3ccff5","payload":{V1_PAYLOAD}}}"#
    );
    let texts = [
        &key,
        &format!("pinwheel#{key}"),
        "direct_deposit_payment.added",
        "449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65",
    ];
    assert_eq!(
        read,
        Ok((
            texts.map(str::to_owned),
            Ok(data),
            Some("61788409-8314-4e89-9300-ae7b9d3ccff5".to_owned()),
            Some("type,deliveryid,event,webhook_id".to_owned())
        ))
    );
}

#[test]
fn the_signer_produces_the_vectors() {
    let signature = |headers: Vec<Header>| String::from_utf8(headers[0].value().to_vec());
    let key = secret("TEST_KEY");
    assert_eq!(
        signature(pinwheel_v2(&key, UnixSeconds(860_860_860), V2_BODY)),
        Ok(V2_SIGNATURE.to_owned())
    );
    let v1 = pinwheel_v1(&key, UnixSeconds(1_609_205_925), V1_BODY).expect("has a payload");
    assert_eq!(signature(v1), Ok(V1_SIGNATURE.to_owned()));
}

#[test]
fn a_changed_byte_of_body_timestamp_or_signature_is_a_mismatch() {
    let good = pinwheel_v2(&secret("TEST_KEY"), NOW, V2_BODY);
    assert_eq!(refusal(&good, V2_BODY), None);
    let mut body = V2_BODY.to_vec();
    body[10] ^= 1;
    assert_eq!(refusal(&good, &body), Some(VerifyError::SignatureMismatch));
    let restamped = [good[0].clone(), Header::new("X-Timestamp", (NOW.0 + 1).to_string())];
    assert_eq!(refusal(&restamped, V2_BODY), Some(VerifyError::SignatureMismatch));
    let leading_zero = [good[0].clone(), Header::new("X-Timestamp", format!("0{}", NOW.0))];
    assert_eq!(
        refusal(&leading_zero, V2_BODY),
        Some(VerifyError::SignatureMismatch),
        "the timestamp's text is signed"
    );
    let zeros = headers(&format!("v2={}", "0".repeat(64)), &NOW.0.to_string());
    assert_eq!(refusal(&zeros, V2_BODY), Some(VerifyError::SignatureMismatch));
}

#[test]
fn a_signature_of_one_version_is_not_one_of_the_other() {
    let body = br#"{"payload":{}}"#;
    for (from, to) in [("v1", "v2"), ("v2", "v1")] {
        let signed = if from == "v1" {
            pinwheel_v1(&secret("TEST_KEY"), NOW, body).expect("has a payload")
        } else {
            pinwheel_v2(&secret("TEST_KEY"), NOW, body)
        };
        let renamed = String::from_utf8_lossy(signed[0].value()).replace(from, to);
        assert_eq!(
            refusal(&headers(&renamed, &NOW.0.to_string()), body),
            Some(VerifyError::SignatureMismatch),
            "{from} as {to}"
        );
    }
}

#[test]
fn the_tolerance_holds_on_both_sides_and_to_the_second() {
    for (offset_s, expected) in [
        (-86_401, Some(VerifyError::TimestampTooOld { skew_s: 86_401 })),
        (-86_400, None),
        (300, None),
        (301, Some(VerifyError::TimestampInFuture { skew_s: 301 })),
    ] {
        let signed_at = UnixSeconds(NOW.0 + offset_s);
        let signed = pinwheel_v2(&secret("TEST_KEY"), signed_at, V2_BODY);
        assert_eq!(refusal(&signed, V2_BODY), expected, "signed {offset_s} s from now");
    }
}

#[test]
fn the_clock_is_checked_after_the_mac() {
    let stale_forgery = headers(V2_SIGNATURE, "1");
    assert_eq!(refusal(&stale_forgery, V2_BODY), Some(VerifyError::SignatureMismatch));
}

#[test]
fn malformed_headers_are_refused_with_their_reason() {
    let stamp = NOW.0.to_string();
    let hex = "ab".repeat(32);
    for (signature, expected) in [
        (String::new(), VerifyError::HeaderMalformed(SIGNATURE)),
        (hex.clone(), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={}", hex.to_uppercase()), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={}", &hex[2..]), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={hex}ab"), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={}zz", &hex[2..]), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={hex},v2={hex}"), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2= {hex}"), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v2={}", "a".repeat(10_240)), VerifyError::HeaderMalformed(SIGNATURE)),
        (format!("v3={hex}"), VerifyError::SchemeUnknown(SIGNATURE)),
        (format!("V2={hex}"), VerifyError::SchemeUnknown(SIGNATURE)),
        (format!(" v2={hex}"), VerifyError::SchemeUnknown(SIGNATURE)),
        (format!("={hex}"), VerifyError::SchemeUnknown(SIGNATURE)),
    ] {
        assert_eq!(
            refusal(&headers(&signature, &stamp), V2_BODY),
            Some(expected),
            "{signature:.80}"
        );
    }
    let bytes = [Header::new(SIGNATURE, vec![0xff; 67]), Header::new(TIMESTAMP, "1")];
    assert_eq!(refusal(&bytes, V2_BODY), Some(VerifyError::HeaderMalformed(SIGNATURE)));
    for timestamp in ["", "+1", " 1", "1.5", "-9223372036854775808", &"9".repeat(400), "１"] {
        assert_eq!(
            refusal(&headers(V2_SIGNATURE, timestamp), V2_BODY),
            Some(VerifyError::HeaderMalformed(TIMESTAMP)),
            "{timestamp:.20}"
        );
    }
}

#[test]
fn a_missing_or_repeated_header_is_refused() {
    let good = pinwheel_v2(&secret("TEST_KEY"), NOW, V2_BODY);
    assert_eq!(refusal(&[], V2_BODY), Some(VerifyError::HeaderMissing(SIGNATURE)));
    assert_eq!(refusal(&good[..1], V2_BODY), Some(VerifyError::HeaderMissing(TIMESTAMP)));
    assert_eq!(refusal(&good[1..], V2_BODY), Some(VerifyError::HeaderMissing(SIGNATURE)));
    for index in [0, 1] {
        let mut repeated = good.clone();
        repeated.push(good[index].clone());
        let name = [SIGNATURE, TIMESTAMP][index];
        assert_eq!(refusal(&repeated, V2_BODY), Some(VerifyError::HeaderRepeated(name)));
    }
}

#[test]
fn a_previous_secret_verifies_and_is_named() {
    let headers = pinwheel_v2(&secret("OLD_KEY"), NOW, V2_BODY);
    let unverified =
        PINWHEEL.parse(Delivery::new(&headers, V2_BODY).expect("small")).expect("well formed");
    let rotating = SigningSecrets::new(secret("TEST_KEY"), Some(secret("OLD_KEY")));
    let verified =
        unverified.verify(&rotating, NOW, Tolerance::of(PINWHEEL), None).expect("verifies");
    assert_eq!(verified.secret(), SecretVersion::Previous);
    assert_eq!(
        unverified.verify(&secrets(), NOW, Tolerance::of(PINWHEEL), None).err(),
        Some(VerifyError::SignatureMismatch)
    );
}

#[test]
fn version_2_has_its_signed_event_id_as_its_key() {
    let ids = |event: &Event<'_>| {
        [event.idempotency_key(), event.id(), event.event_type(), event.group()].map(str::to_owned)
    };
    for (body, expected) in [
        (
            r#"{"event_id":"e1","event":"a.b","payload":{"account_id":"acc","end_user_id":"usr"}}"#,
            ["pinwheel#e1", "e1", "a.b", "acc"],
        ),
        (
            r#"{"event_id":"e1","event":"a.b","payload":{"account_id":"","end_user_id":"usr"}}"#,
            ["pinwheel#e1", "e1", "a.b", "usr"],
        ),
        (r#"{"event_id":"e1","event":"a.b","payload":[]}"#, ["pinwheel#e1", "e1", "a.b", "e1"]),
        (r#"{"event_id":"e1","event_id":"e2","event":7}"#, ["pinwheel#e2", "e2", "unknown", "e2"]),
        (r#"{"event_id":"e1","event":""}"#, ["pinwheel#e1", "e1", "unknown", "e1"]),
        (r#"{"event_id":"\u0065\u0031"}"#, ["pinwheel#e1", "e1", "unknown", "e1"]),
    ] {
        assert_eq!(read_v2(body, ids), Ok(expected.map(str::to_owned)), "{body}");
    }
}

#[test]
fn version_2_without_a_usable_event_id_has_its_hash_as_its_key() {
    for body in [
        "{}",
        r#"{"event_id":null}"#,
        r#"{"event_id":""}"#,
        r#"{"event_id":7}"#,
        r#"{"event_id":"\ud800"}"#,
        r#"{"event_id":{}}"#,
    ] {
        let key = format!("body-sha256:{}", sha256_hex(body.as_bytes()));
        let expected = Ok((format!("pinwheel#{key}"), key.clone(), key));
        assert_eq!(
            read_v2(body, |event| (
                event.idempotency_key().to_owned(),
                event.id().to_owned(),
                event.group().to_owned()
            )),
            expected,
            "{body}"
        );
    }
}

#[test]
fn an_authentic_body_that_is_not_an_object_is_malformed() {
    let deep =
        |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let malformed = Err("the authentic body is not a JSON object".to_owned());
    for body in [
        "",
        "[]",
        "null",
        "\"{}\"",
        "{",
        "{}x",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "\u{feff}{}",
        "{}\0",
        &deep(129),
    ] {
        assert_eq!(read_v2(body, |event| event.id().to_owned()), malformed, "{body:.20}");
    }
    let utf_16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let signed = pinwheel_v2(&secret("TEST_KEY"), NOW, &utf_16);
    assert_eq!(read(&signed, &utf_16, NOW, |event| event.id().to_owned()), malformed);
    let body = deep(128);
    assert_eq!(read_v2(&body, |event| event.data().len()), Ok(body.len()));
}

#[test]
fn version_1_identity_comes_from_the_payload_alone() {
    let identity = |event: &Event<'_>| (event.idempotency_key().to_owned(), event.id().to_owned());
    let key = format!("payload-sha256:{}", sha256_hex(br#"{"a":1}"#));
    for body in [
        r#"{"event": "x", "webhook_id": "1", "payload": {"a": 1}}"#,
        r#"{"event": "forged", "webhook_id": "2", "payload": {"a": 1}, "event_id": "3"}"#,
        r#"{"payload":{"a":1}}"#,
    ] {
        assert_eq!(read_v1(body, identity), Ok((format!("pinwheel#{key}"), key.clone())), "{body}");
    }
}

#[test]
fn version_1_rebuilds_the_body_around_the_signed_payload() {
    let data = |event: &Event<'_>| String::from_utf8(event.data().to_vec()).expect("UTF-8");
    for (body, expected) in [
        (r#"{"payload": {"b": 1.50}}"#, r#"{"event":null,"webhook_id":null,"payload":{"b":1.5}}"#),
        (
            r#"{"webhook_id": "w\u00e9", "event": "e\n", "payload": []}"#,
            r#"{"event":"e\n","webhook_id":"w\u00e9","payload":[]}"#,
        ),
        (
            r#"{"event": 1, "webhook_id": "", "payload": null}"#,
            r#"{"event":null,"webhook_id":null,"payload":null}"#,
        ),
    ] {
        assert_eq!(read_v1(body, data), Ok(expected.to_owned()), "{body}");
    }
}

#[test]
fn version_1_takes_the_uuid_header_before_the_webhook_id() {
    let body = br#"{"webhook_id": "from-body", "payload": {}}"#;
    let signed = pinwheel_v1(&secret("TEST_KEY"), NOW, body).expect("has a payload");
    let delivery_id = |event: &Event<'_>| event.delivery_id().map(str::to_owned);
    assert_eq!(read(&signed, body, NOW, delivery_id), Ok(Some("from-body".to_owned())));
    let mut with_header = signed.clone();
    with_header.push(pinwheel_delivery_id("from-header"));
    assert_eq!(read(&with_header, body, NOW, delivery_id), Ok(Some("from-header".to_owned())));
    let mut with_empty_header = signed.clone();
    with_empty_header.push(pinwheel_delivery_id(""));
    assert_eq!(read(&with_empty_header, body, NOW, delivery_id), Ok(Some("from-body".to_owned())));
}

#[test]
fn version_1_refuses_a_body_without_a_signed_text() {
    let headers = headers(V1_SIGNATURE, &NOW.0.to_string());
    for body in [
        "",
        "{}",
        "[]",
        "{\"payload\": {\"a\": 1, \"a\": 1}}",
        "{\"payload\": {}, \"payload\": {}}",
        "{\"payload\": NaN}",
        "{\"payload\": 1e400}",
        "{\"payload\": \"\\ud800\"}",
        "\u{feff}{\"payload\": {}}",
    ] {
        let reason = refusal(&headers, body.as_bytes()).map(|error| error.reason());
        assert_eq!(reason, Some("no_signed_text"), "{body}");
    }
}

#[test]
fn version_1_accepts_unsigned_texts_of_at_most_1024_bytes() {
    let too_long = Err(Malformed::UnsignedFieldTooLong.to_string());
    for field in ["event", "webhook_id"] {
        let body = |value: &str| format!(r#"{{"{field}": {value}, "payload": {{}}}}"#);
        let quoted = |text: &str| body(&format!("\"{text}\""));
        let accepted = |body: &str| read_v1(body, |_| ());
        // The limit is on the decoded text, in bytes of UTF-8.
        assert_eq!(accepted(&quoted(&"a".repeat(1024))), Ok(()), "{field}");
        assert_eq!(accepted(&quoted(&"a".repeat(1025))), too_long, "{field}");
        assert_eq!(accepted(&quoted(&"é".repeat(512))), Ok(()), "{field}");
        assert_eq!(accepted(&quoted(&format!("{}a", "é".repeat(512)))), too_long, "{field}");
        assert_eq!(accepted(&quoted(&"\\u0061".repeat(1024))), Ok(()), "{field}");
        assert_eq!(accepted(&quoted(&"\\u0061".repeat(1025))), too_long, "{field}");
        // A value that is not a text is dropped, however long it is.
        assert_eq!(accepted(&body(&format!("[{}]", "0,".repeat(1024) + "0"))), Ok(()), "{field}");
    }
}

#[test]
fn signed_texts_may_be_longer_than_1024_bytes() {
    let long_payload =
        format!(r#"{{"payload": {{"event": "{0}", "webhook_id": "{0}"}}}}"#, "a".repeat(1025));
    assert_eq!(read_v1(&long_payload, |_| ()), Ok(()));
    let long_v2_event = format!(r#"{{"event": "{}"}}"#, "a".repeat(1025));
    assert_eq!(read_v2(&long_v2_event, |event| event.event_type().len()), Ok(1025));
}

#[test]
fn version_1_refuses_a_long_unsigned_webhook_id_beside_a_uuid_header() {
    let body = format!(r#"{{"webhook_id": "{}", "payload": {{}}}}"#, "a".repeat(1025));
    let mut headers =
        pinwheel_v1(&secret("TEST_KEY"), NOW, body.as_bytes()).expect("has a payload");
    headers.push(pinwheel_delivery_id("uuid"));
    let too_long = Err(Malformed::UnsignedFieldTooLong.to_string());
    assert_eq!(read(&headers, body.as_bytes(), NOW, |_| ()), too_long);
}

#[test]
fn an_event_of_version_2_has_all_its_fields() {
    let body = br#"{"event":"paystubs.added","event_id":"evt_1","payload":{"account_id":"acct_1","net": 1.50}}"#;
    let signed_at = UnixSeconds(NOW.0 - 60);
    let headers = pinwheel_v2(&secret("TEST_KEY"), signed_at, body);
    assert_eq!(headers[0].name(), "x-pinwheel-signature");
    assert!(headers[0].value().starts_with(b"v2=") && headers[0].value().len() == 3 + 64);
    assert_eq!((headers[1].name(), headers[1].value()), ("x-timestamp", b"1699999940".as_slice()));
    read(&headers, body, NOW, |event| {
        assert_eq!((event.provider(), event.scheme()), ("pinwheel", &V2));
        assert_eq!(
            (event.idempotency_key(), event.id(), event.event_type()),
            ("pinwheel#evt_1", "evt_1", "paystubs.added")
        );
        assert_eq!(event.group(), "acct_1");
        assert_eq!((event.delivery_id(), event.unsigned_fields()), (None, None));
        assert_eq!((event.signed_at(), event.secret()), (Some(signed_at), SecretVersion::Current));
        assert_eq!(event.retention(), Retention::Configured);
        assert_eq!(event.data(), body);
    })
    .expect("is an event");
}

#[test]
fn an_event_of_version_1_has_all_its_fields() {
    let body = br#"{"event": "account.added", "webhook_id": "wh_1", "payload": {"end_user_id": "user_1"}}"#;
    let mut headers = pinwheel_v1(&secret("TEST_KEY"), NOW, body).expect("has a payload");
    headers.push(pinwheel_delivery_id("f27d2ae4"));
    read(&headers, body, NOW, |event| {
        let key = format!("payload-sha256:{}", sha256_hex(br#"{"end_user_id":"user_1"}"#));
        assert_eq!((event.scheme(), event.event_type()), (&V1, "account.added"));
        assert_eq!(event.idempotency_key(), format!("pinwheel#{key}"));
        assert_eq!((event.id(), event.group()), (key.as_str(), "user_1"));
        assert_eq!(event.delivery_id(), Some("f27d2ae4"));
        assert_eq!(event.unsigned_fields(), Some("type,deliveryid,event,webhook_id"));
        assert_eq!((event.signed_at(), event.retention()), (Some(NOW), Retention::Configured));
        assert_eq!(
            event.data(),
            br#"{"event":"account.added","webhook_id":"wh_1","payload":{"end_user_id":"user_1"}}"#
        );
    })
    .expect("is an event");
}

#[test]
fn its_schemes_are_found_by_their_full_and_short_names() {
    assert_eq!([PINWHEEL.scheme("pinwheel-v1"), PINWHEEL.scheme("v2")], [Some(&V1), Some(&V2)]);
    assert_eq!(["v3", "pinwheel", ""].map(|name| PINWHEEL.scheme(name)), [None; 3]);
}
