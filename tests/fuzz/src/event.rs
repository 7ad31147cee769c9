//! Checks any text as a Lambda event: the answer is one of the contract's, and only an authentic
//! delivery writes anything.

use lambda_http::Body;
use serde_json::{Value, json};
use webhook_ingest::Outcome;
use webhook_verify::{Provider, UnixSeconds};

use crate::{
    edge::{EventError, HttpEvent, Response, malformed, response},
    oracle::providers,
    world::World,
};

/// When the samples in `events/` were signed, and with which key.
const NOW: UnixSeconds = UnixSeconds(1_795_262_400);
const KEY: &str = "development-secret-for-local-use-only";

/// # Panics
/// Panics if the answer is not in the contract, or if something is written for a delivery that is
/// not authentic.
pub fn check(input: &[u8]) {
    let Ok(event) = str::from_utf8(input) else { return };
    let http_event = HttpEvent::from_json(event);
    check_reading(event, http_event.as_ref().ok());
    match &http_event {
        Ok(http_event) => {
            for provider in providers() {
                check_answer(provider, http_event);
            }
        }
        Err(EventError::Malformed(format)) => {
            assert_eq!(contents(&malformed(*format)), (400, json!({"error": "malformed"})));
        }
        // An error to Lambda.
        Err(EventError::NotHttp) => {}
    }
}

fn check_answer(provider: &'static Provider, event: &HttpEvent) {
    let url = format!("https://example.com/webhooks/{}", provider.name());
    let world = World::new(provider, KEY, &url, NOW);
    let deliver = || {
        let outcome = world.deliver(&event.headers, &event.body, None);
        (contents(&response(&outcome, event.format)), outcome)
    };
    let ((status, body), outcome) = deliver();
    let messages = world.pipeline.queue.messages();
    let written = (messages.len(), world.pipeline.store.len());
    if let Outcome::Challenge(answer) = outcome {
        assert_eq!((status, written), (200, (0, 0)));
        assert_eq!(serde_json::from_str::<Value>(answer.body()).ok(), Some(body));
        return;
    }
    assert_eq!(written, if status == 200 { (1, 1) } else { (0, 0) });
    // The ports do not fail, so no answer is a 5xx.
    match status {
        200 => {
            let id = body["id"].as_str().expect("an accepted event has an id");
            assert_eq!(body, json!({"status": "accepted", "id": id}));
            assert_eq!(deliver().0, (200, json!({"status": "duplicate", "id": id})));
            assert_eq!(world.pipeline.queue.messages().len(), 1);
        }
        400 => assert_eq!(body, json!({"error": "malformed"})),
        401 => assert_eq!(body, json!({"error": "unauthorized"})),
        413 => assert_eq!(body, json!({"error": "too_large"})),
        _ => panic!("an answer that is not in the contract: {status}"),
    }
}

fn contents(response: &Response) -> (i64, Value) {
    let (status, headers, body) = match response {
        Response::Version1(response) => (response.status_code, &response.headers, &response.body),
        Response::Version2(response) => (response.status_code, &response.headers, &response.body),
    };
    assert_eq!(headers["content-type"], "application/json");
    let Some(Body::Text(body)) = body else { panic!("a body of text") };
    (status, serde_json::from_str(body).expect("a body of JSON"))
}

/// Checks that the parts of an unambiguous HTTP request are read as a plain JSON reader reads them.
fn check_reading(event: &str, found: Option<&HttpEvent>) {
    let Ok(Value::Object(members)) = serde_json::from_str(event) else { return };
    let (Some(Value::Object(headers)), Some(Value::String(body))) =
        (members.get("headers"), members.get("body"))
    else {
        return;
    };
    let plain = headers.values().all(Value::is_string)
        && members.get("multiValueHeaders").is_none_or(Value::is_null)
        && members.get("isBase64Encoded").is_none_or(|flag| *flag == json!(false));
    let Some(found) = found.filter(|_| plain) else {
        // Not plain, or refused. The edge refuses a member that is there twice; a plain reader
        // takes the last.
        return;
    };
    assert_eq!(found.body, body.as_bytes());
    for (name, value) in headers {
        let value = value.as_str().expect("only texts are left").as_bytes();
        assert!(
            found.headers.iter().any(|header| header.name() == name && header.value() == value),
            "{name}"
        );
    }
}
