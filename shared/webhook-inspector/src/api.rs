//! The routes: the receiver, the API and the page.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Request, State, rejection::BytesRejection},
    http::{StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::stream::{Stream, unfold};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use tokio::sync::broadcast::Receiver as Changes;

use crate::{
    delivery::{Delivery, Door, Summary},
    emulator::{EmulatorError, Message},
    guard::{Refusal, careful, guard, guard_receivers},
    inspector::Inspector,
    page,
    receive::{Incoming, MAX_RECEIVED_BYTES, forward},
    sample,
};

/// The largest command to the API. It is more than any of them needs.
const MAX_COMMAND_BYTES: usize = 64 * 1024;
const STREAM_COMMENT_EVERY: Duration = Duration::from_secs(15);

type Answer = Result<Response, Refusal>;
type CommandBody = Result<Bytes, BytesRejection>;

/// Returns all routes.
pub(crate) fn router(inspector: Inspector) -> Router {
    let own = Router::new()
        .route("/api/deliveries", get(deliveries))
        .route("/api/deliveries/{id}", get(delivery))
        .route("/api/deliveries/{id}/send", post(send))
        .route("/api/deliveries/{id}/sample", post(save))
        .route("/api/queue", get(queue))
        .route("/api/dead-letters", get(dead_letters))
        .route("/api/records", get(records))
        .route("/api/stack", get(stack))
        .route("/api/stream", get(stream))
        .merge(page::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_COMMAND_BYTES))
        .layer(from_fn_with_state(inspector.clone(), guard))
        .layer(from_fn(careful));
    let receivers = Router::new()
        .route("/webhooks/{provider}", post(receive_for_stack))
        .route("/watch/{provider}", post(receive_for_watch))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(inspector.clone(), guard_receivers));
    receivers.merge(own).with_state(inspector)
}

async fn receive_for_stack(
    State(inspector): State<Inspector>,
    Path(provider): Path<String>,
    request: Request<Body>,
) -> Answer {
    receive(&inspector, Door::Stack, &provider, request).await
}

async fn receive_for_watch(
    State(inspector): State<Inspector>,
    Path(provider): Path<String>,
    request: Request<Body>,
) -> Answer {
    receive(&inspector, Door::Watch, &provider, request).await
}

async fn receive(
    inspector: &Inspector,
    door: Door,
    provider: &str,
    request: Request<Body>,
) -> Answer {
    let known = || {
        inspector
            .setup
            .receivers
            .iter()
            .map(|receiver| receiver.provider.name())
            .collect::<Vec<_>>()
    };
    let Some(receiver) = inspector.receiver(provider) else {
        let reason = format!("unknown provider; this stack has: {}", known().join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
    };
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_RECEIVED_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let reason = format!("the body has more than {MAX_RECEIVED_BYTES} bytes");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
        }
        Err(error) => {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                format!("the body was cut off: {error}"),
            ));
        }
    };
    let incoming = Incoming { door, headers: parts.headers, body, resent_from: None };
    Ok(forward(inspector, receiver, incoming).await?.0)
}

async fn deliveries(State(inspector): State<Inspector>) -> Response {
    let held = inspector.deliveries();
    let summaries: Vec<_> = held.iter().rev().map(Summary::of).collect();
    answer(StatusCode::OK, &json!({ "deliveries": summaries }))
}

async fn delivery(State(inspector): State<Inspector>, Path(id): Path<String>) -> Answer {
    let delivery = find(&inspector, &id)?;
    let mut detail = json!(Summary::of(&delivery));
    let (request, response) = delivery.exchange();
    detail["request"] = request;
    detail["response"] = response;
    detail["explanation"] = json!(delivery.findings.explanation);
    detail["log"] = json!(delivery.findings.log);
    detail["steps"] = json!(delivery.steps());
    let (mut record, mut message) = (None, None);
    if let Some(key) = &delivery.findings.idempotency_key {
        record = inspector.emulator.record(key).await.map_err(|error| unreachable(&error))?;
        let found = inspector.emulator.message(&inspector.setup.queue_url, key).await;
        message = found.map_err(|error| unreachable(&error))?.as_ref().map(Message::to_json);
    }
    detail["record"] = json!(record);
    // Not through a `Value`: that would parse the envelope's numbers, and lose digits.
    let detail = detail.to_string();
    let message = message.as_deref().map_or("null", RawValue::get);
    let head = detail.strip_suffix('}').unwrap_or_default();
    Ok(json_text(StatusCode::OK, format!("{head},\"message\":{message}}}")))
}

/// What to send: the same bytes, or the body signed again.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    #[serde(default)]
    sign: bool,
}

async fn send(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    body: CommandBody,
) -> Answer {
    let delivery = find(&inspector, &id)?;
    let Send { sign } = command(body)?;
    let Some(receiver) = inspector.receiver(&delivery.provider) else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "the delivery's provider is no longer part of the stack",
        ));
    };
    let headers = if sign {
        sample::sign_again(receiver.provider, &delivery)
            .map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()))?
    } else {
        delivery.headers.to_map()
    };
    let Delivery { id, door, body, .. } = delivery;
    let incoming = Incoming { door, headers, body: body.into(), resent_from: Some(id) };
    let (_, sent) = forward(&inspector, receiver, incoming).await?;
    Ok(json_text(StatusCode::OK, Summary::of(&sent).to_json()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    path: String,
}

async fn save(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    body: CommandBody,
) -> Answer {
    let delivery = find(&inspector, &id)?;
    let Save { path } = command(body)?;
    let saved = tokio::task::spawn_blocking(move || {
        sample::save(&inspector, &delivery, &path).map(|()| path)
    })
    .await;
    let path = saved
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))??;
    Ok(answer(StatusCode::CREATED, &json!({ "path": path })))
}

async fn queue(State(inspector): State<Inspector>) -> Answer {
    messages(&inspector, &inspector.setup.queue_url).await
}

async fn dead_letters(State(inspector): State<Inspector>) -> Answer {
    messages(&inspector, &inspector.setup.dead_letter_queue_url).await
}

async fn messages(inspector: &Inspector, queue_url: &str) -> Answer {
    let messages = inspector.emulator.messages(queue_url).await;
    let (messages, is_truncated) = messages.map_err(|error| unreachable(&error))?;
    let messages: Vec<_> =
        messages.iter().map(|message| message.to_json().get().to_owned()).collect();
    let name = json!(queue_url.rsplit('/').next());
    let messages = messages.join(",");
    let list =
        format!("{{\"name\":{name},\"truncated\":{is_truncated},\"messages\":[{messages}]}}");
    Ok(json_text(StatusCode::OK, list))
}

async fn records(State(inspector): State<Inspector>) -> Answer {
    let (records, is_truncated) =
        inspector.emulator.records().await.map_err(|error| unreachable(&error))?;
    let list =
        json!({ "table": inspector.setup.table, "truncated": is_truncated, "records": records });
    Ok(answer(StatusCode::OK, &list))
}

async fn stack(State(inspector): State<Inspector>) -> Response {
    let base = format!("http://127.0.0.1:{}", inspector.port);
    let names = inspector.setup.receivers.iter().map(|receiver| receiver.provider.name());
    let providers: Vec<_> = names
        .clone()
        .map(|name| {
            let (url, watch_url) =
                (format!("{base}/webhooks/{name}"), format!("{base}/watch/{name}"));
            json!({ "name": name, "url": url, "watch_url": watch_url })
        })
        .collect();
    let samples: serde_json::Map<_, _> = names
        .map(|name| (name.to_owned(), json!(sample::list(&inspector.setup.root, name))))
        .collect();
    let stack =
        json!({ "providers": providers, "emulator": inspector.setup.endpoint, "samples": samples });
    answer(StatusCode::OK, &stack)
}

async fn stream(State(inspector): State<Inspector>) -> Response {
    let keep_alive = KeepAlive::new().interval(STREAM_COMMENT_EVERY);
    Sse::new(events(inspector.subscribe())).keep_alive(keep_alive).into_response()
}

fn events(changes: Changes<String>) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(changes, |mut changes| async move {
        // The stream ends for a reader that was too slow. It then connects again, and reads
        // everything.
        let summary = changes.recv().await.ok()?;
        Some((Ok(Event::default().event("delivery").data(summary)), changes))
    })
}

async fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method")
}

fn find(inspector: &Inspector, id: &str) -> Result<Delivery, Refusal> {
    let held = inspector.deliveries();
    let delivery = id.parse().ok().and_then(|id| held.get(id)).cloned();
    delivery.ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no such delivery, or it \
                                                                is no longer held",
        )
    })
}

/// Reads a command. An empty body is the command `{}`.
fn command<C: DeserializeOwned>(body: CommandBody) -> Result<C, Refusal> {
    let body = body.map_err(|error| Refusal::new(error.status(), error.body_text()))?;
    let body = if body.is_empty() { b"{}" } else { body.as_ref() };
    serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!(
                "the body is not a valid \
                                                                        command: {error}"
            ),
        )
    })
}

fn unreachable(error: &EmulatorError) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, error.to_string())
}

fn answer(status: StatusCode, value: &Value) -> Response {
    json_text(status, value.to_string())
}

fn json_text(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn the_stream_ends_for_a_reader_that_has_missed_events() {
        let (sender, changes) = broadcast::channel(1);
        let mut stream = Box::pin(events(changes));
        sender.send("{}".to_owned()).expect("there is a reader");
        assert!(stream.next().await.is_some());
        for _ in 0..2 {
            sender.send("{}".to_owned()).expect("there is a reader");
        }
        assert!(stream.next().await.is_none());
    }
}
