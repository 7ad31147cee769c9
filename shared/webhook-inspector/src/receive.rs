//! Takes a delivery, forwards its bytes and headers, and passes the response back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::json;
use webhook_verify::MAX_BODY_BYTES;

use crate::{
    delivery::{self, Delivery, Door, Findings, Headers},
    guard::Refusal,
    inspector::{Inspector, Receiver},
    observe::{observe, outcome_of_answer},
};

/// The body of a forwarded request.
pub(crate) type RequestBody = Full<Bytes>;

/// The largest body that is received. It is over the stack's limit, so that the stack itself
/// refuses a body that is too large.
pub(crate) const MAX_RECEIVED_BYTES: usize = MAX_BODY_BYTES + 64 * 1024;
/// The largest response that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How long a response may take. A function is stopped earlier.
const ANSWERED_WITHIN: Duration = Duration::from_secs(40);

/// Headers that belong to one connection, not to the delivery.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::CONTENT_LENGTH,
];

/// A delivery that is to be forwarded.
pub(crate) struct Incoming {
    pub(crate) door: Door,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) resent_from: Option<u64>,
}

/// Forwards a delivery and keeps it, even if the sender hangs up meanwhile. Returns the response,
/// and what is known about the delivery so far.
pub(crate) async fn forward(
    inspector: &Inspector,
    receiver: &Receiver,
    incoming: Incoming,
) -> Result<(Response, Delivery), Refusal> {
    let name = receiver.provider.name();
    let url = match incoming.door {
        Door::Stack => receiver.url.clone(),
        Door::Watch => {
            format!("{}/lambda-url/{name}/webhooks/{name}", inspector.setup.watch_endpoint)
        }
    };
    let forwarded = tokio::spawn(forward_to(inspector.clone(), name, url, incoming)).await;
    forwarded.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn forward_to(
    inspector: Inspector,
    name: &'static str,
    url: String,
    incoming: Incoming,
) -> (Response, Delivery) {
    let Incoming { door, headers, body, resent_from } = incoming;
    let id = inspector.deliveries().next_id();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    let started_at = Instant::now();
    let answer = exchange(&inspector, &url, &headers, body.clone()).await;
    let duration_us = u64::try_from(started_at.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (status, answer_headers, answer_body, was_answered) = match answer {
        Ok((status, headers, body)) => (status, headers, body, true),
        Err(reason) => {
            let hint = if door == Door::Watch {
                ": start cargo lambda watch as docs/local.md says"
            } else {
                ""
            };
            let what = if door == Door::Watch {
                "cargo lambda watch"
            } else {
                "the stack in the emulator"
            };
            let error =
                json!({ "error": format!("{what} did not answer at {url}: {reason}{hint}") });
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (StatusCode::BAD_GATEWAY, headers, Bytes::from(error.to_string()), false)
        }
    };
    let shown = String::from_utf8_lossy(&answer_body).into_owned();
    let outcome = if was_answered { outcome_of_answer(status.as_u16(), &shown) } else { "failed" };
    let delivery = Delivery {
        id,
        at_ms,
        provider: name.to_owned(),
        door,
        resent_from,
        headers: Headers::of(&headers),
        body: body.into(),
        response: delivery::Response {
            status: status.as_u16(),
            headers: Headers::of(&answer_headers),
            body: shown,
        },
        duration_us,
        findings: Findings { outcome: outcome.to_owned(), ..Findings::default() },
    };
    inspector.keep(delivery.clone());
    // What is found out later replaces this, unless `make dev` ends first.
    inspector.record(&delivery);
    tokio::spawn(observe(inspector, delivery.clone()));
    ((status, answer_headers, answer_body).into_response(), delivery)
}

/// Sends the request and reads the response, both without the headers of the connection.
async fn exchange(
    inspector: &Inspector,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, HeaderMap, Bytes), String> {
    let mut request =
        Request::post(url).body(Full::new(body)).map_err(|error| error.to_string())?;
    *request.headers_mut() = end_to_end(headers);
    // The client then sends the emulator's own host, by which the emulator tells its services
    // apart.
    request.headers_mut().remove(header::HOST);
    let answer = tokio::time::timeout(ANSWERED_WITHIN, inspector.client.request(request)).await;
    let response =
        answer.map_err(|_| "no response in time".to_owned())?.map_err(|error| reason(&error))?;
    let (parts, body) = response.map(Body::new).into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect();
    let body = tokio::time::timeout(ANSWERED_WITHIN, body)
        .await
        .map_err(|_| "the response did not end in time".to_owned())?;
    let body = body.map_err(|error| error.to_string())?;
    Ok((parts.status, end_to_end(&parts.headers), body.to_bytes()))
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in &HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

/// Returns the innermost reason, such as a refused connection.
fn reason(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{net::TcpListener, sync::oneshot};
    use webhook_aws::SdkConfig;
    use webhook_verify::providers::PROVIDERS;

    use super::*;
    use crate::inspector::{Setup, State};

    #[tokio::test]
    async fn a_delivery_is_kept_in_the_journal_if_its_sender_hangs_up() {
        let stack = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let stack_address = stack.local_addr().expect("it is bound");
        let journal =
            std::env::temp_dir().join(format!("webhook-inspector-{}.jsonl", std::process::id()));
        let receiver = Receiver {
            provider: PROVIDERS[0],
            url: format!("http://{stack_address}/"),
            secret_id: "secret".to_owned(),
            function_name: "function".to_owned(),
        };
        let setup = Setup {
            endpoint: format!("http://{stack_address}"),
            aws: SdkConfig::builder().build(),
            receivers: vec![receiver],
            table: "records".to_owned(),
            queue_url: String::new(),
            dead_letter_queue_url: String::new(),
            payload_bucket: "payloads".to_owned(),
            watch_endpoint: String::new(),
            root: std::env::temp_dir(),
            journal: journal.clone(),
            say: Box::new(|_| ()),
        };
        let inspector = Arc::new(State::new(setup, 0).expect("the journal can be written"));
        let mut changes = inspector.subscribe();
        let incoming = Incoming {
            door: Door::Stack,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{}"),
            resent_from: None,
        };
        let (came, arrived) = oneshot::channel();
        let served = tokio::spawn(async move {
            let (connection, _) = stack.accept().await.expect("it is called");
            came.send(()).expect("the test waits");
            connection
        });
        tokio::select! {
            _ = forward(&inspector, &inspector.setup.receivers[0], incoming) => {
                panic!("nothing answers yet")
            }
            arrived = arrived => arrived.expect("it is called"),
        }
        // The sender is gone when the stack answers.
        let connection = served.await.expect("it is called");
        connection.writable().await.expect("it is open");
        let answer =
            b"HTTP/1.1 503 Unavailable\r\nContent-Length: 23\r\n\r\n{\"error\":\"unavailable\"}";
        assert_eq!(connection.try_write(answer).ok(), Some(answer.len()));
        let told = tokio::time::timeout(ANSWERED_WITHIN, changes.recv())
            .await
            .expect("it is announced in time");
        told.expect("it is announced");
        assert_eq!(
            inspector.deliveries().iter().map(|delivery| delivery.id).collect::<Vec<_>>(),
            [1]
        );
        let written = std::fs::read_to_string(&journal).expect("is there");
        std::fs::remove_file(journal).expect("is there");
        // There is one line only: the log line, for which it still looks, is never written here.
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(written.contains("\"outcome\":\"unavailable\""), "{written}");
    }
}
