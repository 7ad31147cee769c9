//! Takes a delivery, forwards its bytes and headers, and answers what was answered.

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
    inspector::{Inspector, Receiver},
    observe::{observe, outcome_of_answer},
};

/// What is forwarded.
pub(crate) type RequestBody = Full<Bytes>;

/// The largest body that is taken: enough for the stack itself to refuse one that is too large.
pub(crate) const MAX_RECEIVED_BYTES: usize = MAX_BODY_BYTES + 64 * 1024;
/// The most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longer than a function may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(40);

/// Headers of one connection, which are not the delivery's.
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

/// Forwards a delivery and keeps it. Returns the answer, and the delivery as it is now known; more is found out later.
pub(crate) async fn forward(
    inspector: &Inspector,
    receiver: &Receiver,
    door: Door,
    headers: &HeaderMap,
    body: Bytes,
    resent_from: Option<u64>,
) -> (Response, Delivery) {
    let name = receiver.provider.name();
    let id = inspector.deliveries().next_id();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    let url = match door {
        Door::Stack => receiver.url.clone(),
        Door::Watch => format!("{}/lambda-url/{name}/webhooks/{name}", inspector.setup.watch_endpoint),
    };
    let started_at = Instant::now();
    let answer = exchange(inspector, &url, headers, body.clone()).await;
    let duration_us = u64::try_from(started_at.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (status, answer_headers, answer_body, was_answered) = match answer {
        Ok((status, headers, body)) => (status, headers, body, true),
        Err(reason) => {
            let hint = if door == Door::Watch { ": start `cargo lambda watch` as README says" } else { "" };
            let what = if door == Door::Watch { "cargo lambda watch" } else { "the stack in the emulator" };
            let error = json!({ "error": format!("{what} did not answer at {url}: {reason}{hint}") });
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
        headers: Headers::of(headers),
        body: body.into(),
        response: delivery::Response { status: status.as_u16(), headers: Headers::of(&answer_headers), body: shown },
        duration_us,
        findings: Findings { outcome: outcome.to_owned(), ..Findings::default() },
    };
    inspector.keep(delivery.clone());
    tokio::spawn(observe(inspector.clone(), delivery.clone()));
    ((status, answer_headers, answer_body).into_response(), delivery)
}

/// Sends the request and reads the answer, without headers of the connection.
async fn exchange(
    inspector: &Inspector,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, HeaderMap, Bytes), String> {
    let mut request = Request::post(url).body(Full::new(body)).map_err(|error| error.to_string())?;
    *request.headers_mut() = end_to_end(headers);
    // The emulator's own host, by which it tells its services apart.
    request.headers_mut().remove(header::HOST);
    let answer = tokio::time::timeout(ANSWERED_WITHIN, inspector.client.request(request)).await;
    let response = answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| reason(&error))?;
    let (parts, body) = response.map(Body::new).into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect();
    let body = tokio::time::timeout(ANSWERED_WITHIN, body).await.map_err(|_| "no whole answer in time".to_owned())?;
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

/// Returns the innermost reason, such as that a connection is refused.
fn reason(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
