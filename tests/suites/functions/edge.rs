//! What the edge adds to the pipeline: answers in the format of each event, errors to Lambda,
//! bounded logs, and its settings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use webhook_cli::development_secret;
use webhook_ingest::DEVELOPMENT_SECRET;
use webhook_tests::{
    emulator::Emulator,
    event::{alb, rest_v1},
    function::bootstrap,
    now,
    traffic::{Event, KEY, Kind},
};
use webhook_verify::{
    Header, Key,
    description::{EventType, Id},
    providers::PROVIDERS,
};

use crate::world::{
    ANOTHER, Setup, World, accepted, duplicate, kind_of, kinds_of, refused, signed,
    signs_whole_body, unavailable, with_unsigned,
};

#[tokio::test]
async fn every_outcome_is_answered_in_the_format_of_its_event() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let event = Event::new(kind_of(provider), 1);
        let headers = signed(&event);
        let with_body = |mut event: Value, body: Value| {
            event["body"] = body;
            event
        };
        for (expected, headers, body) in [
            (200, &headers[..], json!(event.body)),
            (401, &headers[..0], json!(event.body)),
            (400, &headers[..], json!(7)),
        ] {
            let answer = async |event: Value| {
                let answer = world
                    .function
                    .invoke(&with_body(event, body.clone()))
                    .await
                    .expect("an answer");
                assert_eq!(answer["statusCode"], expected, "{answer}");
                assert_eq!(
                    answer["headers"],
                    json!({"content-type": "application/json"}),
                    "{answer}"
                );
                (answer["cookies"].clone(), answer["multiValueHeaders"].clone())
            };
            let path = world.path.as_str();
            let multi_value = json!({"content-type": ["application/json"]});
            assert_eq!(answer(world.event(headers, "")).await, (json!([]), json!({})));
            assert_eq!(
                answer(rest_v1(path, headers, "")).await,
                (Value::Null, multi_value.clone())
            );
            assert_eq!(answer(alb(path, headers, "", true)).await, (Value::Null, multi_value));
            assert_eq!(answer(alb(path, headers, "", false)).await, (Value::Null, json!({})));
        }
    }
}

#[tokio::test]
async fn an_event_that_is_not_an_http_request_is_an_error_to_lambda() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let events = [
            json!({"Records": [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}]}),
            json!({}),
            json!([]),
            json!(null),
            json!("text"),
            json!(7),
        ];
        for event in &events {
            let error =
                world.function.invoke(event).await.expect_err("nothing may be taken for handled");
            assert_eq!(error["errorType"], "NotAnHttpRequest", "{event}");
        }
        for line in world.function.delivery_lines(events.len()).await {
            assert_eq!(
                (&line["level"], &line["webhook.reason"]),
                (&json!("ERROR"), &json!("not_an_http_request"))
            );
        }
        for line in world.function.metric_lines(events.len()).await {
            assert_eq!((&line["Outcome"], &line["Deliveries"]), (&json!("malformed"), &json!(1)));
        }
        assert_eq!(
            world.function.log().lines().count(),
            2 * events.len(),
            "the runtime repeats nothing"
        );
        world.assert_nothing_written().await;
        let event = Event::new(kind_of(provider), 1);
        assert_eq!(
            world.deliver(&event).await,
            accepted(&event),
            "{provider:?}: the process lives"
        );
    }
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_in_full_and_logged_in_part() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        for _ in 0..100 {
            assert_eq!(world.send(&[], "{}").await, refused());
        }
        let event = Event::new(kind_of(provider), 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{provider:?}");
        let refusals = |lines: &[Value]| lines.iter().filter(|line| line["Refusals"] == 1).count();
        assert_eq!(refusals(&world.function.metric_lines(101).await), 100);
        let lines = world.function.delivery_lines(61).await;
        assert_eq!(
            lines[60]["webhook.outcome"], "accepted",
            "other outcomes are logged even in a flood"
        );
        assert!(lines[..60].iter().all(|line| line["webhook.outcome"] == "refused"));
        world.function.lines(1, |line| line["message"] == "deliveries left out").await;
    }
}

#[tokio::test]
async fn a_senders_text_has_no_invisible_characters_in_the_log() {
    for kind in Kind::all() {
        let facts = &kind.scheme.facts;
        let (has_id, has_type) = (
            matches!(facts.id, Id::Signed([_, ..])) && signs_whole_body(&kind),
            matches!(facts.event_type, EventType::Signed([_, ..])) && signs_whole_body(&kind),
        );
        let world = World::of(kind.provider).await;
        let mut event = Event::new(kind, 1);
        let mut body = event.body.clone();
        for name in facts.unsigned_members {
            body = body.replace(&format!("example.{name}"), "x\\u001b[31m\\ny\u{200f}");
        }
        body = body
            .replace("evt_1", "a\u{202e}b\u{2028}c")
            .replace("example.created", "x\\u001b[31m\\ny\u{200f}");
        event.body = body;
        assert_eq!(world.deliver(&event).await.0, 200, "{kind:?}");
        let line = &world.function.delivery_lines(1).await[0];
        if has_id {
            assert_eq!(line["webhook.event_id"], "a\\u{202e}b\\u{2028}c");
            let key = format!("{}#a\\u{{202e}}b\\u{{2028}}c", kind.provider.name());
            assert_eq!(line["webhook.idempotency_key"], key);
        }
        if has_type || !facts.unsigned_members.is_empty() {
            assert_eq!(line["webhook.event_type"], "x\\u{1b}[31m\\u{a}y\\u{200f}", "{kind:?}");
        }
        let log = world.function.log();
        assert!(!log.contains(['\u{202e}', '\u{2028}', '\u{200f}', '\u{1b}']), "{kind:?}: {log}");
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_listed_is_refused() {
    for listed in Kind::all() {
        let setup =
            Setup::new(listed.provider, true).await.with("SIGNATURE_SCHEMES", listed.scheme.name);
        let world = setup.start().await;
        let mut others = 0;
        for other in kinds_of(listed.provider).filter(|kind| kind.scheme != listed.scheme) {
            assert_eq!(world.deliver(&Event::new(other, 1)).await, refused(), "{other:?}");
            others += 1;
        }
        world.assert_nothing_written().await;
        let event = Event::new(listed, 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{listed:?}");
        for line in &world.function.delivery_lines(others + 1).await[..others] {
            assert_eq!(line["webhook.reason"], "scheme_not_accepted", "{line}");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_configured_size_is_413() {
    for provider in PROVIDERS {
        let event = Event::new(kind_of(provider), 1);
        let most = event.body.len().to_string();
        let world = Setup::new(provider, true).await.with("MAX_BODY_BYTES", &most).start().await;
        let larger = format!("{} ", event.body);
        let too_large = (413, None, json!({"error": "too_large"}));
        assert_eq!(world.send(&signed(&event), &larger).await, too_large, "{provider:?}");
        world.assert_nothing_written().await;
        assert_eq!(world.deliver(&event).await, accepted(&event), "{provider:?}");
    }
}

#[tokio::test]
async fn the_answer_to_an_id_of_millions_of_quotes_is_short() {
    let has_id =
        |kind: &Kind| matches!(kind.scheme.facts.id, Id::Signed(_)) && signs_whole_body(kind);
    for kind in Kind::all().into_iter().filter(has_id) {
        let world = World::of(kind.provider).await;
        let mut event = Event::new(kind, 1);
        event.body = event.body.replace("evt_1", &"\\\"".repeat(1_600_000));
        let answer = world
            .function
            .invoke(&world.event(&signed(&event), &event.body))
            .await
            .expect("an answer");
        assert_eq!(answer["statusCode"], 200);
        assert!(answer.to_string().len() < 5_000);
    }
}

#[tokio::test]
async fn a_changed_unsigned_event_type_is_a_warning() {
    for kind in Kind::all() {
        let facts = &kind.scheme.facts;
        let EventType::Unsigned(_) = facts.event_type else { continue };
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        for (number, expected) in [(1, accepted(&event)), (2, duplicate(&event))] {
            let (headers, body) = with_unsigned(&event, number);
            assert_eq!(world.send(&headers, &body).await, expected, "{kind:?}");
        }
        let lines = world.function.delivery_lines(2).await;
        let fields = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
        assert_eq!(fields("webhook.event_type_changed"), [false, true]);
        assert_eq!(fields("level"), ["INFO", "WARN"]);
        let mut unsigned = vec!["type"];
        if !facts.delivery_id.is_empty() {
            unsigned.push("deliveryid");
        }
        unsigned.extend(facts.unsigned_members);
        let unsigned = unsigned.join(",");
        assert_eq!(fields("webhook.unsigned_fields"), [unsigned.as_str(), unsigned.as_str()]);
        assert_eq!(world.function.metric_lines(2).await[1]["EventTypeChanges"], 1);
    }
}

#[tokio::test]
async fn deliveries_signed_with_the_previous_secret_are_counted() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        world
            .aws
            .rotate_secret(&world.secret, &kind.provider.key().write("a-secret-of-some-length"))
            .await;
        for (key, number) in [("a-secret-of-some-length", 1), (KEY, 2), (KEY, 2)] {
            let event = Event::new(kind, number);
            assert_eq!(world.send(&event.signed(key, now()), &event.body).await.0, 200, "{kind:?}");
        }
        let lines = world.function.metric_lines(3).await;
        let uses: Vec<Value> =
            lines.iter().map(|line| line["PreviousSecretUses"].clone()).collect();
        assert_eq!(uses, [Value::Null, json!(1), json!(1)], "{kind:?}");
    }
}

/// Only a text secret can look wrong. A secret in another encoding is refused if it breaks that
/// encoding.
#[tokio::test]
async fn a_suspicious_secret_is_logged_once_when_it_is_fetched() {
    for provider in PROVIDERS.iter().filter(|provider| provider.key() == Key::Text) {
        let world = Setup::new(provider, true).await.with_secret("'short' ").await.start().await;
        let event = Event::new(kind_of(provider), 1);
        for expected in [accepted(&event), duplicate(&event)] {
            assert_eq!(
                world.send(&event.signed("'short' ", now()), &event.body).await,
                expected,
                "{provider:?}"
            );
        }
        world.function.delivery_lines(2).await;
        let lines = world.function.lines(3, |line| line["message"] == "signing secret").await;
        let warnings: Vec<_> = lines.iter().map(|line| line["webhook.warning"].clone()).collect();
        assert_eq!(
            warnings,
            [
                "the signing secret has white space before or after it",
                "the signing secret has quotes around it",
                "the signing secret has fewer than 16 bytes",
            ]
        );
    }
}

#[tokio::test]
async fn without_an_emulator_the_development_secret_verifies_nothing() {
    for provider in PROVIDERS {
        for url in [None, Some("")] {
            let mut setup =
                Setup::new(provider, true).await.with_secret(&development_secret(provider)).await;
            let emulator = setup.variables["AWS_ENDPOINT_URL"].clone();
            for service in ["DYNAMODB", "SQS", "S3", "SECRETS_MANAGER"] {
                setup = setup.with(&format!("AWS_ENDPOINT_URL_{service}"), &emulator);
            }
            if let Some(url) = url {
                setup = setup.with("AWS_ENDPOINT_URL", url);
            }
            let world = setup.start().await;
            let event = Event::new(kind_of(provider), 1);
            let answer = world.send(&event.signed(DEVELOPMENT_SECRET, now()), &event.body).await;
            let expected = if url.is_none() { accepted(&event) } else { unavailable() };
            assert_eq!(answer, expected, "{provider:?}: {url:?}");
        }
    }
}

/// With a challenge, a provider checks that the receiver is alive and has the secret.
#[tokio::test]
async fn a_challenge_is_answered_and_nothing_is_written() {
    for kind in Kind::all() {
        let Some(challenge) = kind.scheme.facts.challenge else { continue };
        let world = World::of(kind.provider).await;
        let mut event = Event::new(kind, 1);
        let mut body = json!({});
        for (pointer, value) in [(challenge.kind, challenge.is), (challenge.token, "token-1")] {
            let mut member = &mut body;
            for name in pointer.split('/').skip(1) {
                member = &mut member[name];
            }
            *member = json!(value);
        }
        event.body = body.to_string();
        let forged: Vec<Header> = event.signed(ANOTHER, now());
        assert_eq!(world.send(&forged, &event.body).await, refused(), "{kind:?}");
        let (status, _, answer) = world.deliver(&event).await;
        let mut expected = json!({ challenge.answer: "token-1" });
        if let Some(member) = challenge.answer_mac {
            // Computed with Python's `hmac`, under the key of the suites.
            expected[member] =
                json!("fddaeb477052dfe790d97b095515dfc66cb20669ee103add09f950c54ed7bdfc");
        }
        assert_eq!((status, answer), (200, expected), "{kind:?}");
        world.assert_nothing_written().await;
        assert_eq!(world.function.delivery_lines(2).await[1]["webhook.outcome"], "challenge");
    }
}

/// Starts a service that accepts connections and never answers. Returns its listener and its URL.
fn hanging() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    (listener, url)
}

/// Starts a proxy to the emulator that never answers on its first connection, and returns its URL.
async fn hanging_at_first() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let emulator = Emulator::shared().endpoint.replace("http://", "");
    tokio::spawn(async move {
        let _first = listener.accept().await;
        while let Ok((mut near, _)) = listener.accept().await {
            let emulator = emulator.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(emulator).await.expect("the emulator listens");
                // Either side may close the connection.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    url
}

/// Starts a function and delivers an event to it at once, so that the start counts too. It makes no
/// difference which provider's function it is.
async fn assert_unavailable_within_10_s(setup: Setup, what: &str) {
    let _ = bootstrap(setup.provider.name()); // Built before the clock runs.
    let event = Event::new(kind_of(setup.provider), 1);
    let started_at = Instant::now();
    let world = setup.start().await;
    assert_eq!(world.deliver(&event).await, unavailable(), "{what}");
    assert!(started_at.elapsed() < Duration::from_secs(10), "{what}: {:?}", started_at.elapsed());
    world.assert_nothing_written().await;
}

const SECRETS: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
const TABLE: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const QUEUE: &str = "AWS_ENDPOINT_URL_SQS";

#[tokio::test]
async fn a_start_and_its_delivery_end_within_10_s_if_a_service_hangs() {
    let (_listener, url) = hanging();
    for services in [&[SECRETS][..], &[TABLE], &[QUEUE], &[SECRETS, TABLE, QUEUE]] {
        let setup = Setup::new(PROVIDERS[0], true).await;
        let setup = services.iter().fold(setup, |setup, service| setup.with(service, &url));
        assert_unavailable_within_10_s(setup, &services.join(" ")).await;
    }
}

/// The start waits for one service and the delivery for another: the longest that both can take.
#[tokio::test]
async fn a_start_and_its_delivery_end_within_10_s_if_two_services_hang() {
    let (_listener, url) = hanging();
    let setup = Setup::new(PROVIDERS[0], true)
        .await
        .with(SECRETS, &hanging_at_first().await)
        .with(TABLE, &url);
    assert_unavailable_within_10_s(setup, "Secrets Manager at first, and DynamoDB").await;
}
