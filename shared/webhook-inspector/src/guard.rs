//! Refuses requests that other websites make in the developer's browser.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::inspector::Inspector;

/// Loads and sends nothing from or to other origins, and lets no other page frame this one.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src \
     'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A response that says what is wrong.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self(status, reason.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.0,
            [(header::CONTENT_TYPE, "application/json")],
            json!({ "error": self.1 }).to_string(),
        )
            .into_response()
    }
}

/// Refuses requests for other hosts, requests from other origins, and posts that a form could make.
pub(crate) async fn guard(
    State(inspector): State<Inspector>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match check(request.method(), request.headers(), inspector.port) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Refuses deliveries that other websites send. Senders are programs, which send no Origin header.
/// They may be anywhere, even behind a tunnel, so any host is accepted.
pub(crate) async fn guard_receivers(
    State(inspector): State<Inspector>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match check_origin(request.headers(), &hosts(inspector.port)) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn hosts(port: u16) -> [String; 2] {
    ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"))
}

/// Returns whether the header is there exactly once, with an allowed value.
fn is_one_of(headers: &HeaderMap, name: HeaderName, allowed: impl Fn(&str) -> bool) -> bool {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    value.is_some_and(allowed) && values.next().is_none()
}

fn check_origin(headers: &HeaderMap, hosts: &[String]) -> Result<(), Refusal> {
    let is_own = |origin: &str| {
        origin.strip_prefix("http://").is_some_and(|host| hosts.iter().any(|own| host == own))
    };
    if headers.contains_key(header::ORIGIN) && !is_one_of(headers, header::ORIGIN, is_own) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the Origin header must be the inspector's own, or absent",
        ));
    }
    Ok(())
}

fn check(method: &Method, headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
    let hosts = hosts(port);
    // A request under another name that resolves to 127.0.0.1 is DNS rebinding.
    if !is_one_of(headers, header::HOST, |host| {
        hosts.iter().any(|allowed| host.eq_ignore_ascii_case(allowed))
    }) {
        let reason = format!("the Host header must be {} or {}", hosts[0], hosts[1]);
        return Err(Refusal::new(StatusCode::FORBIDDEN, reason));
    }
    check_origin(headers, &hosts)?;
    let is_json =
        |value: &str| value.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
    if method == Method::POST && !is_one_of(headers, header::CONTENT_TYPE, is_json) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the Content-Type header must be application/json",
        ));
    }
    Ok(())
}

/// Adds the headers that forbid browsers to cache, to guess types, and to load from elsewhere.
pub(crate) async fn careful(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
