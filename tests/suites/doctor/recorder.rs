//! A proxy in front of the emulator. It records every operation, and makes requests look as if they
//! came by TLS.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client,
    header::{CONNECTION, HeaderValue, TRANSFER_ENCODING},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// The header that makes the emulator take a request for one by TLS, so that policies that refuse
/// plain HTTP can stay.
const AS_IF_BY_TLS: (&str, &str) = ("x-forwarded-proto", "https");

type Operations = Arc<Mutex<Vec<String>>>;

/// A running proxy. It ends with the async runtime.
pub(crate) struct Recorder {
    pub(crate) endpoint: String,
    operations: Operations,
}

impl Recorder {
    /// Starts one in front of the emulator at `emulator`. It refuses the operation `denied`.
    pub(crate) async fn start(emulator: &str, denied: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let operations = Operations::default();
        let (kept, emulator) =
            (Arc::clone(&operations), emulator.trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, emulator) = (Arc::clone(&kept), emulator.clone());
                let service = service_fn(move |request| {
                    pass_on(Arc::clone(&kept), emulator.clone(), denied, request)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { endpoint, operations }
    }

    /// Returns every operation so far: its name, or its method and path for services that have a
    /// path for each operation.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass_on(
    operations: Operations,
    emulator: String,
    denied: Option<&'static str>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let operation = operation(&head, &body);
    operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation.clone());
    if denied == Some(operation.as_str()) {
        let refusal = Full::new(Bytes::from_static(br#"{"__type":"AccessDeniedException"}"#));
        return Ok(Response::builder().status(400).body(refusal)?);
    }
    head.headers.remove(CONNECTION);
    head.headers.insert(AS_IF_BY_TLS.0, HeaderValue::from_static(AS_IF_BY_TLS.1));
    let stream = TokioIo::new(TcpStream::connect(emulator).await?);
    let (mut sender, connection) = client::conn::http1::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let (mut head, body) =
        sender.send_request(Request::from_parts(head, Full::new(body))).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    for name in [CONNECTION, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, Full::new(body)))
}

fn operation(head: &hyper::http::request::Parts, body: &[u8]) -> String {
    if let Some(target) = head.headers.get("x-amz-target") {
        let target = target.to_str().expect("a target is ASCII");
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let mut form = form_urlencoded::parse(body);
    match form.find(|(name, _)| name == "Action") {
        Some((_, action)) if head.method == Method::POST => action.into_owned(),
        Some(_) | None => format!("{} {}", head.method, head.uri.path()),
    }
}
