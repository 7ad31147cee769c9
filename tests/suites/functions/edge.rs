//! What the edge adds to the pipeline: answers in the form of each door, errors to Lambda, bounded
//! logs, its settings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use webhook_ingest::DEVELOPMENT_SECRET;
use webhook_tests::{
    emulator::Emulator,
    event::{alb, rest_v1},
    function::bootstrap,
    now,
};
use webhook_verify::{Header, sign};

use crate::world::{SECRET, Setup, World, endgrate, secret, v1, v2};

const BODY: &str = r#"{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}"#;
const PATH: &str = "/webhooks/pinwheel";

#[tokio::test]
async fn every_outcome_is_answered_in_the_form_of_its_door() {
    let world = World::pinwheel().await;
    let headers = v2(BODY);
    let with_body = |mut event: Value, body: Value| {
        event["body"] = body;
        event
    };
    for (expected, headers, body) in
        [(200, &headers[..], json!(BODY)), (401, &headers[..0], json!(BODY)), (400, &headers[..], json!(7))]
    {
        let answer = async |event: Value| {
            let answer = world.function.invoke(&with_body(event, body.clone())).await.expect("an answer");
            assert_eq!(answer["statusCode"], expected, "{answer}");
            assert_eq!(answer["headers"], json!({"content-type": "application/json"}), "{answer}");
            (answer["cookies"].clone(), answer["multiValueHeaders"].clone())
        };
        let multi_value = json!({"content-type": ["application/json"]});
        assert_eq!(answer(world.event(headers, "")).await, (json!([]), json!({})));
        assert_eq!(answer(rest_v1(PATH, headers, "")).await, (Value::Null, multi_value.clone()));
        assert_eq!(answer(alb(PATH, headers, "", true)).await, (Value::Null, multi_value));
        assert_eq!(answer(alb(PATH, headers, "", false)).await, (Value::Null, json!({})));
    }
}

#[tokio::test]
async fn an_event_that_is_not_an_http_request_is_an_error_to_lambda() {
    let world = World::endgrate().await;
    let events = [
        json!({"Records": [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}]}),
        json!({}),
        json!([]),
        json!(null),
        json!("text"),
        json!(7),
    ];
    for event in &events {
        let error = world.function.invoke(event).await.expect_err("nothing may be taken for handled");
        assert_eq!(error["errorType"], "NotAnHttpRequest", "{event}");
    }
    for line in world.function.delivery_lines(events.len()).await {
        assert_eq!((&line["level"], &line["webhook.reason"]), (&json!("ERROR"), &json!("not_an_http_request")));
    }
    for line in world.function.metric_lines(events.len()).await {
        assert_eq!((&line["Outcome"], &line["Deliveries"]), (&json!("malformed"), &json!(1)));
    }
    assert_eq!(world.function.log().lines().count(), 2 * events.len(), "the runtime repeats nothing");
    world.assert_nothing_written().await;
    let body = r#"{"completed": true}"#;
    assert_eq!(world.deliver(&endgrate(body), body).await.0, 200, "the process lives");
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_in_full_and_logged_in_part() {
    let world = World::pinwheel().await;
    for _ in 0..100 {
        assert_eq!(world.deliver(&[], BODY).await.0, 401);
    }
    assert_eq!(world.deliver(&v2(BODY), BODY).await.0, 200);
    let refusals = |lines: &[Value]| lines.iter().filter(|line| line["Refusals"] == 1).count();
    assert_eq!(refusals(&world.function.metric_lines(101).await), 100);
    let lines = world.function.delivery_lines(61).await;
    assert_eq!(lines[60]["webhook.outcome"], "accepted", "other outcomes are logged in a flood too");
    assert!(lines[..60].iter().all(|line| line["webhook.outcome"] == "refused"));
    world.function.lines(1, |line| line["message"] == "deliveries left out").await;
}

#[tokio::test]
async fn a_senders_text_has_no_invisible_characters_in_the_log() {
    let world = World::pinwheel().await;
    let body = "{\"event_id\":\"a\u{202e}b\u{2028}c\",\"event\":\"x\\u001b[31m\\ny\u{200f}\"}";
    assert_eq!(world.deliver(&v2(body), body).await.0, 200);
    let line = &world.function.delivery_lines(1).await[0];
    assert_eq!(line["webhook.event_id"], "a\\u{202e}b\\u{2028}c");
    assert_eq!(line["webhook.idempotency_key"], "pinwheel#a\\u{202e}b\\u{2028}c");
    assert_eq!(line["webhook.event_type"], "x\\u{1b}[31m\\u{a}y\\u{200f}");
}

#[tokio::test]
async fn a_scheme_that_is_not_listed_is_refused() {
    let world = Setup::new("pinwheel", true).await.with("SIGNATURE_SCHEMES", "pinwheel-v2").start().await;
    assert_eq!(world.deliver(&v1(BODY), BODY).await, (401, None, json!({"error": "unauthorized"})));
    world.assert_nothing_written().await;
    assert_eq!(world.deliver(&v2(BODY), BODY).await.0, 200);
    assert_eq!(world.function.delivery_lines(2).await[0]["webhook.reason"], "scheme_not_accepted");
}

#[tokio::test]
async fn a_body_over_the_set_size_is_413() {
    let most = BODY.len().to_string();
    let world = Setup::new("pinwheel", true).await.with("MAX_BODY_BYTES", &most).start().await;
    let larger = format!("{BODY} ");
    assert_eq!(world.deliver(&v2(&larger), &larger).await, (413, None, json!({"error": "too_large"})));
    world.assert_nothing_written().await;
    assert_eq!(world.deliver(&v2(BODY), BODY).await.0, 200);
}

#[tokio::test]
async fn the_answer_to_an_id_of_millions_of_quotes_is_short() {
    let world = World::pinwheel().await;
    let body = format!("{{\"event_id\":\"{}\"}}", "\\\"".repeat(1_600_000));
    let answer = world.function.invoke(&world.event(&v2(&body), &body)).await.expect("an answer");
    assert_eq!(answer["statusCode"], 200);
    assert!(answer.to_string().len() < 5_000);
}

#[tokio::test]
async fn another_unsigned_event_type_is_a_warning() {
    let world = World::pinwheel().await;
    let body = r#"{"event": "x.added", "webhook_id": "w", "payload": {"id": 1}}"#;
    let changed = body.replace("x.added", "x.removed");
    assert_eq!(world.deliver(&v1(body), body).await.0, 200);
    assert_eq!(world.deliver(&v1(&changed), &changed).await.0, 200);
    let lines = world.function.delivery_lines(2).await;
    let fields = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(fields("webhook.event_type_changed"), [false, true]);
    assert_eq!(fields("level"), ["INFO", "WARN"]);
    assert_eq!(fields("webhook.unsigned_fields"), ["type,deliveryid,event,webhook_id"; 2]);
    assert_eq!(world.function.metric_lines(2).await[1]["EventTypeChanges"], 1);
}

#[tokio::test]
async fn deliveries_under_the_previous_secret_are_counted() {
    let world = World::endgrate().await;
    world.aws.rotate_secret(&world.secret, "a-secret-of-some-length").await;
    let sign = |key: &str, body: &str| -> Vec<Header> { sign::endgrate(&secret(key), body.as_bytes()).into() };
    for (key, body) in [
        ("a-secret-of-some-length", r#"{"completed": 1}"#),
        (SECRET, r#"{"completed": 2}"#),
        (SECRET, r#"{"completed": 2}"#),
    ] {
        assert_eq!(world.deliver(&sign(key, body), body).await.0, 200);
    }
    let uses: Vec<Value> =
        world.function.metric_lines(3).await.iter().map(|line| line["PreviousSecretUses"].clone()).collect();
    assert_eq!(uses, [Value::Null, json!(1), json!(1)]);
}

#[tokio::test]
async fn what_looks_wrong_with_a_secret_is_logged_once_when_it_is_fetched() {
    let setup = Setup::new("pinwheel", true).await;
    let name = setup.aws.create_secret("'short' ").await;
    let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
    let headers = sign::pinwheel_v2(&secret("'short' "), now(), BODY.as_bytes());
    for _ in 0..2 {
        assert_eq!(world.deliver(&headers, BODY).await.0, 200);
    }
    world.function.delivery_lines(2).await;
    let lines = world.function.lines(3, |line| line["message"] == "signing secret").await;
    let warnings: Vec<_> = lines.iter().map(|line| line["webhook.warning"].clone()).collect();
    assert_eq!(
        warnings,
        [
            "the signing secret has white space before or after it",
            "the signing secret has quotes round it",
            "the signing secret has fewer than 16 bytes",
        ]
    );
}

#[tokio::test]
async fn without_an_emulator_the_development_secret_verifies_nothing() {
    for (url, expected) in [(None, 200), (Some(""), 503)] {
        let mut setup = Setup::new("pinwheel", true).await;
        let name = setup.aws.create_secret(DEVELOPMENT_SECRET).await;
        let emulator = setup.variables["AWS_ENDPOINT_URL"].clone();
        for service in ["DYNAMODB", "SQS", "S3", "SECRETS_MANAGER"] {
            setup = setup.with(&format!("AWS_ENDPOINT_URL_{service}"), &emulator);
        }
        if let Some(url) = url {
            setup = setup.with("AWS_ENDPOINT_URL", url);
        }
        let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
        let headers = sign::pinwheel_v2(&secret(DEVELOPMENT_SECRET), now(), BODY.as_bytes());
        assert_eq!(world.deliver(&headers, BODY).await.0, expected, "{url:?}");
    }
}

/// A service that takes connections and never answers.
fn hanging() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    (listener, url)
}

/// A way to the emulator that never answers on its first connection.
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
                // Either side may break off.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    url
}

/// Starts a function and delivers to it at once: the start counts.
async fn is_unavailable_within_10_s(setup: Setup, what: &str) {
    let _ = bootstrap("pinwheel"); // Built before the clock runs.
    let started_at = Instant::now();
    let world = setup.start().await;
    let (status, retry_after, _) = world.invoke(&world.event(&v2(BODY), BODY)).await;
    assert_eq!((status, retry_after.as_deref()), (503, Some("5")), "{what}");
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
        let setup = Setup::new("pinwheel", true).await;
        let setup = services.iter().fold(setup, |setup, service| setup.with(service, &url));
        is_unavailable_within_10_s(setup, &services.join(" ")).await;
    }
}

/// The start waits for one service and the delivery for another: the longest that both can take.
#[tokio::test]
async fn they_end_within_10_s_if_each_waits_for_another_service() {
    let (_listener, url) = hanging();
    let setup = Setup::new("pinwheel", true).await.with(SECRETS, &hanging_at_first().await).with(TABLE, &url);
    is_unavailable_within_10_s(setup, "Secrets Manager at first, and DynamoDB").await;
}
