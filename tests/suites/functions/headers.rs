//! Each header that the signature needs must be there once and unchanged. All other headers may be
//! anything.

use serde_json::{Value, json};
use webhook_tests::{
    event::{alb, rest_v1},
    now,
    traffic::{Event, KEY, Kind},
};
use webhook_verify::{
    Header, UnixSeconds,
    description::{Form, TimeSource},
};

use crate::world::{World, accepted, duplicate, forged, refused, signed};

/// Returns the names of the headers that the kind's signer writes, each with its alternative names.
fn signers_headers(kind: Kind) -> Vec<&'static [&'static str]> {
    let mut all = vec![kind.scheme.signature.header];
    if let Some(TimeSource::Header(names)) = kind.scheme.time.map(|time| time.source) {
        all.push(names);
    }
    all.extend(kind.scheme.signed_headers());
    all.dedup();
    all
}

fn value_of(headers: &[Header], name: &str) -> String {
    let header =
        headers.iter().find(|header| header.name() == name).expect("the signer has written it");
    String::from_utf8_lossy(header.value()).into_owned()
}

fn without(headers: &[Header], name: &str) -> Vec<Header> {
    headers.iter().filter(|header| header.name() != name).cloned().collect()
}

/// Returns the headers with a different value of this one.
fn with(headers: &[Header], name: &str, value: &str) -> Vec<Header> {
    let mut changed = without(headers, name);
    changed.push(Header::new(name, value));
    changed
}

/// Returns the headers with one more.
fn and(headers: &[Header], name: &str, value: &str) -> Vec<Header> {
    let mut more = headers.to_vec();
    more.push(Header::new(name, value));
    more
}

/// Asserts that the function gives, byte for byte, the one answer for all deliveries that are not
/// proven.
async fn assert_refused(world: &World, event: &Value, what: &str) {
    let answer = world.function.invoke(event).await.expect("an answer");
    let expected = (
        &json!(401),
        &json!({"content-type": "application/json"}),
        &json!("{\"error\":\"unauthorized\"}"),
    );
    assert_eq!((&answer["statusCode"], &answer["headers"], &answer["body"]), expected, "{what}");
}

#[tokio::test]
async fn every_unproven_delivery_gets_the_same_401_and_writes_nothing() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let good = signed(&event);
        let mut cases = vec![
            (Vec::new(), "no headers".to_owned()),
            (forged(&event), "another secret".to_owned()),
        ];
        for names in signers_headers(kind) {
            let (name, value) = (names[0], value_of(&good, names[0]));
            cases.push((without(&good, name), format!("no {name}")));
            // In a list, the blanks around an entry are not part of it.
            let is_list = name == kind.scheme.signature.header[0]
                && matches!(kind.scheme.signature.form, Form::Labelled { separator: ' ', .. });
            for changed in [
                String::new(),
                format!("{value}0"),
                format!("0{value}"),
                format!("{}{value}", if is_list { "-" } else { " " }),
                value[..value.len() - 1].to_owned(),
                "v3=00".to_owned(),
                "-9223372036854775808".to_owned(),
                "9".repeat(10_000),
                // As an HTTP API joins repeated headers.
                format!("{value},{value}"),
            ] {
                cases.push((with(&good, name, &changed), format!("{name}: {changed:.80}")));
            }
            for other in &names[1..] {
                cases.push((and(&good, other, &value), format!("{other} beside {name}")));
            }
        }
        // If the time is in the signature's own header, the earlier value would verify.
        if let Some(TimeSource::Header(_)) = kind.scheme.time.map(|time| time.source) {
            let name = kind.scheme.signature.header[0];
            let earlier = event.signed(KEY, UnixSeconds(now().0 - 7));
            cases.push((
                with(&good, name, &value_of(&earlier, name)),
                "the signature of another time".to_owned(),
            ));
        }
        for (headers, what) in cases {
            assert_refused(
                &world,
                &world.event(&headers, &event.body),
                &format!("{kind:?}: {what}"),
            )
            .await;
        }
        let altered = event.body.replace("\"number\": 1", "\"number\": 2");
        assert_refused(&world, &world.event(&good, &altered), &format!("{kind:?}: another body"))
            .await;
        world.assert_nothing_written().await;
        assert_eq!(
            world.deliver(&event).await,
            accepted(&event),
            "{kind:?}: the delivery as it was"
        );
    }
}

/// Only these events have the values of a repeated header separately.
#[tokio::test]
async fn a_repeated_header_is_refused_even_if_one_of_the_two_is_good() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let (good, bad) = (signed(&event), forged(&event));
        for names in signers_headers(kind) {
            let name = names[0];
            let of = |headers: &[Header]| Header::new(name.to_uppercase(), value_of(headers, name));
            for (first, second) in
                [(of(&good), of(&good)), (of(&good), of(&bad)), (of(&bad), of(&good))]
            {
                // The same name, or one that differs in its capitals.
                let lower = Header::new(name, first.value().to_vec());
                for first in [first, lower] {
                    let mut headers = without(&good, name);
                    headers.extend([first, second.clone()]);
                    for event in [
                        rest_v1(&world.path, &headers, &event.body),
                        alb(&world.path, &headers, &event.body, true),
                    ] {
                        assert_refused(&world, &event, &format!("{kind:?}: {name} twice")).await;
                    }
                }
            }
        }
        world.assert_nothing_written().await;
    }
}

#[tokio::test]
async fn every_alternative_name_of_a_header_is_accepted() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let good = signed(&event);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        for names in signers_headers(kind) {
            for other in &names[1..] {
                let headers = and(&without(&good, names[0]), other, &value_of(&good, names[0]));
                assert_eq!(
                    world.send(&headers, &event.body).await,
                    duplicate(&event),
                    "{kind:?}: {other}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_header_that_is_not_signed_may_be_absent_or_anything() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        let needed: Vec<&str> = signers_headers(kind).into_iter().map(|names| names[0]).collect();
        let good = signed(&event);
        for header in good.iter().filter(|header| !needed.contains(&header.name())) {
            let absent = without(&good, header.name());
            let changed = with(&good, header.name(), "anything at all");
            for headers in [absent, changed] {
                assert_eq!(
                    world.send(&headers, &event.body).await,
                    duplicate(&event),
                    "{kind:?}: {}",
                    header.name()
                );
            }
        }
        let more = and(&good, "x-of-nobody", "anything at all");
        assert_eq!(world.send(&more, &event.body).await, duplicate(&event), "{kind:?}");
        assert_eq!(world.messages().await.len(), 1);
    }
}

/// The headers of a provider that signs in a different header do not help.
#[tokio::test]
async fn a_delivery_without_its_signature_is_refused_whatever_else_it_has() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let own = kind.scheme.signature.header;
        for other in
            Kind::all().into_iter().filter(|other| !own.contains(&other.scheme.signature.header[0]))
        {
            let headers = Event::new(other, 1).signed(KEY, now());
            assert_eq!(
                world.send(&headers, &event.body).await,
                refused(),
                "{kind:?} with headers of {other:?}"
            );
        }
        world.assert_nothing_written().await;
    }
}
