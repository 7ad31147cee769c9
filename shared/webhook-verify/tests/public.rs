//! Tests of the public interface: from the bytes of a delivery to its event, for each scheme.

use std::time::Duration;

use webhook_verify::{
    Delivery, Event, Header, Provider, Retention, Scheme, SecretVersion, SigningSecret, SigningSecrets, Tolerance,
    UnixSeconds, Verified,
    providers::{Endgrate, Pinwheel},
    sha256_hex, sign,
};

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);

fn secret() -> SigningSecret {
    SigningSecret::new(b"a-secret".to_vec()).expect("not empty")
}

/// Verifies with a newer secret beside the one that signed, and passes the results to `look`.
fn verified<P: Provider>(provider: &P, headers: &[Header], body: &[u8], look: impl FnOnce(&Verified<'_>, &Event<'_>)) {
    let newer = SigningSecret::new(b"a-newer-secret".to_vec()).expect("not empty");
    let secrets = SigningSecrets::new(newer, Some(secret()));
    let delivery = Delivery::new(headers, body).expect("not too large");
    assert_eq!(delivery.body(), body);
    let unverified = provider.parse(delivery).expect("well formed");
    let verified = provider.verify(&unverified, &secrets, NOW, Tolerance::default()).expect("authentic");
    assert_eq!(unverified.scheme(), verified.scheme());
    look(&verified, &provider.event(&verified).expect("an object"));
}

#[test]
fn an_event_of_pinwheels_version_2_has_all_its_fields() {
    let body = br#"{"event":"paystubs.added","event_id":"evt_1","payload":{"account_id":"acct_1","net": 1.50}}"#;
    let signed_at = UnixSeconds(NOW.0 - 60);
    let headers = sign::pinwheel_v2(&secret(), signed_at, body);
    assert_eq!(headers[0].name(), "x-pinwheel-signature");
    assert!(headers[0].value().starts_with(b"v2=") && headers[0].value().len() == 3 + 64);
    assert_eq!((headers[1].name(), headers[1].value()), ("x-timestamp", b"1795262340".as_slice()));
    verified(&Pinwheel, &headers, body, |verified, event| {
        assert_eq!(verified.signed(), body);
        assert_eq!((verified.signed_at(), verified.secret()), (Some(signed_at), SecretVersion::Previous));
        assert_eq!(format!("{verified:?}"), "Verified(pinwheel-v2, 91 bytes)");
        assert_eq!((event.provider(), event.scheme()), ("pinwheel", Scheme::PinwheelV2));
        assert_eq!(
            (event.idempotency_key(), event.id(), event.event_type()),
            ("pinwheel#evt_1", "evt_1", "paystubs.added")
        );
        assert_eq!(event.group(), "acct_1");
        assert_eq!((event.delivery_id(), event.unsigned_fields()), (None, None));
        assert_eq!((event.signed_at(), event.secret()), (Some(signed_at), SecretVersion::Previous));
        assert_eq!(event.retention(), Retention::Configured);
        assert_eq!(event.data(), body);
        assert_eq!(format!("{event:?}"), "Event(pinwheel-v2, 91 bytes)");
    });
}

#[test]
fn an_event_of_pinwheels_version_1_has_all_its_fields() {
    let body = br#"{"event": "account.added", "webhook_id": "wh_1", "payload": {"end_user_id": "user_1"}}"#;
    let [signature, timestamp] = sign::pinwheel_v1(&secret(), NOW, body).expect("it has a payload");
    let delivery_id = sign::pinwheel_delivery_id("f27d2ae4");
    assert_eq!(delivery_id.name(), "x-pinwheel-webhook-uuid");
    verified(&Pinwheel, &[signature, timestamp, delivery_id], body, |verified, event| {
        let signed = br#"{"end_user_id":"user_1"}"#;
        let key = format!("payload-sha256:{}", sha256_hex(signed));
        assert_eq!(verified.signed(), signed);
        assert_eq!((event.scheme(), event.event_type()), (Scheme::PinwheelV1, "account.added"));
        assert_eq!(event.idempotency_key(), format!("pinwheel#{key}"));
        assert_eq!((event.id(), event.group()), (key.as_str(), "user_1"));
        assert_eq!(event.delivery_id(), Some("f27d2ae4"));
        assert_eq!(event.unsigned_fields(), Some("type,deliveryid,event,webhook_id"));
        assert_eq!(
            event.data(),
            br#"{"event":"account.added","webhook_id":"wh_1","payload":{"end_user_id":"user_1"}}"#
        );
    });
}

#[test]
fn an_event_of_endgrates_has_all_its_fields_in_any_spelling() {
    let python = br#"{"session_id": "s_1", "schemas": [{"name": "caf\u00e9"}]}"#;
    let compact = r#"{"session_id":"s_1","schemas":[{"name":"café"}]}"#.as_bytes();
    let headers = sign::endgrate(&secret(), python);
    assert_eq!(headers[0].name(), "x-endgrate-signature");
    assert_eq!(sign::endgrate_python_form(&secret(), compact).expect("it has a form"), headers);
    for body in [python.as_slice(), compact] {
        verified(&Endgrate, &headers, body, |verified, event| {
            let key = format!("body-sha256:{}", sha256_hex(python));
            assert_eq!((verified.signed(), verified.signed_at()), (python.as_slice(), None));
            assert_eq!((event.provider(), event.scheme()), ("endgrate", Scheme::Endgrate));
            assert_eq!(event.idempotency_key(), format!("endgrate#{key}"));
            assert_eq!((event.id(), event.group()), (key.as_str(), "s_1"));
            assert_eq!(event.event_type(), "configuration");
            assert_eq!(event.retention(), Retention::Fixed(Duration::from_mins(6)));
            assert_eq!((event.signed_at(), event.delivery_id(), event.unsigned_fields()), (None, None, None));
            assert_eq!(event.data(), python);
        });
    }
}

#[test]
fn debug_of_a_delivery_shows_only_sizes_and_names() {
    let headers = [Header::new("X-Endgrate-Signature", "c2VjcmV0")];
    let delivery = Delivery::new(&headers, b"payload").expect("not too large");
    assert_eq!(format!("{:?}", headers[0]), "Header(X-Endgrate-Signature, 8 bytes)");
    assert_eq!(format!("{delivery:?}"), "Delivery(1 headers, 7 bytes)");
    assert_eq!(format!("{:?}", secret()), "SigningSecret(redacted)");
}

#[test]
fn debug_of_an_unverified_delivery_shows_scheme_and_sizes() {
    let headers = sign::pinwheel_v2(&secret(), NOW, b"{}");
    let unverified = Pinwheel.parse(Delivery::new(&headers, b"{}").expect("not too large")).expect("well formed");
    assert_eq!(format!("{unverified:?}"), "Unverified(pinwheel-v2, Delivery(2 headers, 2 bytes))");
}

#[test]
fn the_hash_is_sha_256_in_lower_case_hexadecimal() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn each_provider_names_its_schemes() {
    assert_eq!(Pinwheel::SCHEMES, [Scheme::PinwheelV1, Scheme::PinwheelV2]);
    assert_eq!(Endgrate::SCHEMES, [Scheme::Endgrate]);
}
