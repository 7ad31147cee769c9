//! The facts of each entry: an event's id, type, group and delivery id, each from the first place
//! that has one.

use crate::{
    catalogue::{CATALOGUE, GITHUB, SHOPIFY, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE, ZOOM},
    delivery::{Delivery, Header},
    description::Provider,
    event::sha256_hex,
    secret::SigningSecrets,
    sign::Signer,
    time::{Tolerance, UnixSeconds},
};

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
const URL: Option<&str> = Some("https://example.com/webhooks/provider");

/// Returns the id, the type, the group and the delivery id of an event with this body and these
/// unsigned headers.
fn facts(
    provider: &'static Provider,
    unsigned: &[(&str, &str)],
    body: &str,
) -> (String, String, String, Option<String>) {
    let secret = || provider.key().read(&provider.key().write("s3cret")).expect("not empty");
    let (own, secrets) = (secret(), SigningSecrets::new(secret(), None));
    let signer = Signer::new(&provider.schemes()[0], &own, NOW).id("msg_7").public_url(URL);
    let mut headers = signer.sign(body.as_bytes()).expect("the body can be signed");
    headers.extend(unsigned.iter().map(|(name, value)| Header::new(*name, value.as_bytes())));
    let verified = provider
        .parse(Delivery::new(&headers, body.as_bytes()).expect("small"))
        .and_then(|unverified| unverified.verify(&secrets, NOW, Tolerance::of(provider), URL))
        .expect("authentic");
    let event = verified.event().expect("an object");
    (
        event.id().to_owned(),
        event.event_type().to_owned(),
        event.group().to_owned(),
        event.delivery_id().map(str::to_owned),
    )
}

#[test]
fn signed_facts_come_from_the_first_pointer_that_leads_to_a_text() {
    for (provider, body, [id, event_type, group]) in [
        (STANDARD_WEBHOOKS, r#"{"type":"user.created"}"#, ["msg_7", "user.created", "msg_7"]),
        (
            STRIPE,
            r#"{"id":"evt_1","type":"charge.failed","data":{"object":{"id":"ch_1"}}}"#,
            ["evt_1", "charge.failed", "ch_1"],
        ),
        (
            SQUARE,
            r#"{"event_id":"e1","type":"payment.created","merchant_id":"m1"}"#,
            ["e1", "payment.created", "m1"],
        ),
        (
            SLACK,
            r#"{"event_id":"E1","type":"event_callback","team_id":"T1","event":{"type":"message","channel":"C1"}}"#,
            ["E1", "message", "C1"],
        ),
        (
            SLACK,
            r#"{"event_id":"E1","type":"app_rate_limited","team_id":"T1"}"#,
            ["E1", "app_rate_limited", "T1"],
        ),
    ] {
        let expected = (id.to_owned(), event_type.to_owned(), group.to_owned(), None);
        assert_eq!(facts(provider, &[], body), expected, "{provider:?} {body}");
    }
}

#[test]
fn an_event_without_a_signed_id_has_the_hash_of_its_body_as_id() {
    const REPOSITORY: &str = r#"{"repository":{"full_name":"octo/cat"}}"#;
    const MEETING: &str =
        r#"{"event":"meeting.ended","payload":{"account_id":"a1","object":{"uuid":"u1"}}}"#;
    const ACCOUNT: &str = r#"{"event":"user.created","payload":{"account_id":"a1"}}"#;
    for (provider, body, event_type, group) in [
        (GITHUB, REPOSITORY, "unknown", Some("octo/cat")),
        (SHOPIFY, "{}", "unknown", None),
        (ZOOM, MEETING, "meeting.ended", Some("u1")),
        (ZOOM, ACCOUNT, "user.created", Some("a1")),
    ] {
        let id = format!("body-sha256:{}", sha256_hex(body.as_bytes()));
        let group = group.unwrap_or(&id).to_owned();
        let expected = (id, event_type.to_owned(), group, None);
        assert_eq!(facts(provider, &[], body), expected, "{provider:?} {body}");
    }
}

#[test]
fn type_and_delivery_id_of_github_and_shopify_come_from_unsigned_headers() {
    for (provider, headers, event_type, delivery_id) in [
        (GITHUB, &[("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "d1")] as &[_], "push", "d1"),
        (
            SHOPIFY,
            &[("X-Shopify-Topic", "orders/paid"), ("X-Shopify-Event-Id", "x1")],
            "orders/paid",
            "x1",
        ),
        (
            SHOPIFY,
            &[("X-Shopify-Topic", "orders/paid"), ("Shopify-Event-Id", "s1")],
            "orders/paid",
            "s1",
        ),
    ] {
        let (_, found_type, _, found_id) = facts(provider, headers, "{}");
        assert_eq!((found_type.as_str(), found_id.as_deref()), (event_type, Some(delivery_id)));
    }
}

#[test]
fn every_entry_has_one_scheme_with_its_own_name_and_documentation() {
    for entry in CATALOGUE {
        let [scheme] = entry.schemes() else { panic!("{entry:?} has several schemes") };
        assert_eq!(scheme.name, entry.name());
        let same = |other: &&&Provider| other.schemes()[0].documentation == scheme.documentation;
        assert_eq!(CATALOGUE.iter().filter(same).count(), 1, "{entry:?}");
    }
}
