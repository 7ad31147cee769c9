//! Tests of the public interface, for each scheme that is deployed or in the catalogue: from a body
//! to its event.

use webhook_verify::{
    Delivery, Header, Provider, Retention, Scheme, SecretVersion, SigningSecret, SigningSecrets,
    Tolerance, UnixSeconds,
    catalogue::CATALOGUE,
    description::{Facts, Id},
    providers::PROVIDERS,
    sha256_hex,
    sign::{Signer, example_body, malformed_body},
};

const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const URL: Option<&str> = Some("https://example.com/webhooks/provider");

fn providers() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().chain(CATALOGUE).copied()
}

fn schemes() -> impl Iterator<Item = (&'static Provider, &'static Scheme)> {
    providers().flat_map(|provider| provider.schemes().iter().map(move |scheme| (provider, scheme)))
}

fn secret() -> SigningSecret {
    SigningSecret::new(b"a-secret".to_vec()).expect("not empty")
}

/// Returns the secrets during a rotation: a newer one, and the one that signs.
fn secrets() -> SigningSecrets {
    let newer = SigningSecret::new(b"a-newer-secret".to_vec()).expect("not empty");
    SigningSecrets::new(newer, Some(secret()))
}

/// Signs the body as of a minute ago.
fn sign(scheme: &'static Scheme, body: &str) -> Vec<Header> {
    let secret = secret();
    let signer = Signer::new(scheme, &secret, UnixSeconds(NOW.0 - 60)).id("msg_7").public_url(URL);
    signer.sign(body.as_bytes()).expect("an example can be signed")
}

#[test]
fn an_event_of_each_scheme_has_the_facts_that_its_description_names() {
    for (provider, scheme) in schemes() {
        let body = example_body(scheme, 7, 3);
        let headers = sign(scheme, &body);
        let delivery = Delivery::new(&headers, body.as_bytes()).expect("not too large");
        assert_eq!(delivery.body(), body.as_bytes());
        let unverified = provider.parse(delivery).expect("well formed");
        let verified =
            unverified.verify(&secrets(), NOW, Tolerance::of(provider), URL).expect("authentic");
        let event = verified.event().expect("an object");

        assert_eq!(
            (unverified.scheme(), verified.scheme(), event.scheme()),
            (scheme, scheme, scheme)
        );
        assert_eq!(
            (verified.provider().name(), event.provider()),
            (provider.name(), provider.name())
        );
        let signed_at = scheme.time.map(|_| UnixSeconds(NOW.0 - 60));
        assert_eq!((verified.signed_at(), event.signed_at()), (signed_at, signed_at), "{scheme:?}");
        assert_eq!(
            (verified.secret(), event.secret()),
            (SecretVersion::Previous, SecretVersion::Previous)
        );

        let Facts { id, group, .. } = scheme.facts;
        let expected = match id {
            Id::Signed(_) => "evt_7".to_owned(),
            Id::SignedHeader(_) => "msg_7".to_owned(),
            Id::HashOfBody => {
                let covered = if scheme.signed_member().is_some() { "payload" } else { "body" };
                format!("{covered}-sha256:{}", sha256_hex(verified.signed()))
            }
        };
        assert_eq!(event.id(), expected, "{scheme:?}");
        assert_eq!(event.idempotency_key(), format!("{}#{expected}", provider.name()));
        assert_eq!(event.group(), if group.is_empty() { &expected } else { "grp_3" }, "{scheme:?}");
        assert!(matches!(event.retention(), Retention::Configured | Retention::Fixed(_)));
        if scheme.signed_member().is_none() {
            assert_eq!(event.data(), body.as_bytes(), "{scheme:?}");
        }
    }
}

#[test]
fn debug_shows_names_and_sizes_and_no_byte_of_what_was_sent() {
    for (provider, scheme) in schemes() {
        let body = example_body(scheme, 7, 3);
        let headers = sign(scheme, &body);
        let delivery = Delivery::new(&headers, body.as_bytes()).expect("not too large");
        let shown = format!("Delivery({} headers, {} bytes)", headers.len(), body.len());
        assert_eq!(format!("{delivery:?}"), shown);
        let (name, size) = (headers[0].name(), headers[0].value().len());
        assert_eq!(format!("{:?}", headers[0]), format!("Header({name}, {size} bytes)"));
        let unverified = provider.parse(delivery).expect("well formed");
        assert_eq!(format!("{unverified:?}"), format!("Unverified({}, {shown})", scheme.name));
        let verified =
            unverified.verify(&secrets(), NOW, Tolerance::of(provider), URL).expect("authentic");
        let size = verified.signed().len();
        assert_eq!(format!("{verified:?}"), format!("Verified({}, {size} bytes)", scheme.name));
        let event = verified.event().expect("an object");
        assert_eq!(
            format!("{event:?}"),
            format!("Event({}, {} bytes)", scheme.name, event.data().len())
        );
    }
    assert_eq!(format!("{:?}", secret()), "SigningSecret(redacted)");
}

#[test]
fn every_scheme_but_one_of_a_lone_member_has_a_malformed_body() {
    for (_, scheme) in schemes() {
        let is_lone = scheme.signed_member().is_some() && scheme.facts.unsigned_members.is_empty();
        assert_eq!(malformed_body(scheme).is_none(), is_lone, "{scheme:?}");
    }
}

#[test]
fn the_hash_is_sha_256_in_lower_case_hexadecimal() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(
        sha256_hex(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn each_list_is_sorted_and_has_no_name_twice() {
    for list in [PROVIDERS, CATALOGUE] {
        let names: Vec<_> = list.iter().map(|provider| provider.name()).collect();
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    }
}

#[test]
fn a_provider_is_found_by_its_name() {
    for provider in PROVIDERS {
        let named = webhook_verify::providers::named(provider.name());
        assert_eq!(named.map(Provider::name), Some(provider.name()));
    }
    assert!(webhook_verify::providers::named("").is_none());
}

#[test]
fn a_scheme_is_found_by_its_name() {
    for (provider, scheme) in schemes() {
        assert_eq!(provider.scheme(scheme.name), Some(scheme));
        assert_eq!(provider.scheme(""), None);
    }
}
