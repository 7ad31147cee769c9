//! Lambda's Runtime API for one instance. The instance shows that it is ready by asking for the next event; its answer is noted
//! with the time at which it was there.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// As in the template.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The instance asks for an event.
pub struct Ready {
    /// When it did.
    pub at: Instant,
    /// Its event. Dropped, the instance is told that there are no more.
    pub event: oneshot::Sender<Bytes>,
}

/// The instance has answered.
#[derive(Debug)]
pub struct Answer {
    /// When the answer was there.
    pub at: Instant,
    /// The response, or what the instance reports in its place.
    pub body: Result<Bytes, String>,
}

/// What the Runtime API hears from its instance.
pub enum Heard {
    /// It asks for an event.
    Ready(Ready),
    /// It has answered.
    Answer(Answer),
}

/// A Runtime API that serves one instance for as long as it is held.
pub struct RuntimeApi {
    /// `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    /// What the instance does, in its order.
    pub heard: mpsc::UnboundedReceiver<Heard>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Serves on a port of its own.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        let address = listener.local_addr()?.to_string();
        let (hear, heard) = mpsc::unbounded_channel();
        let api = Arc::new(Api { hear, served: AtomicU64::default() });
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let api = Arc::clone(&api);
                tokio::spawn(async move {
                    let service = service_fn(|request| api.answer(request));
                    // A process that is ended breaks its connection.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, heard, server })
    }
}

struct Api {
    hear: mpsc::UnboundedSender<Heard>,
    served: AtomicU64,
}

impl Api {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/invocation/next") {
            return Ok(self.next().await);
        }
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let at = Instant::now();
        let body =
            if path.ends_with("/response") { Ok(body) } else { Err(String::from_utf8_lossy(&body).into_owned()) };
        // Nobody listens any more once the instance is being ended.
        let _ = self.hear.send(Heard::Answer(Answer { at, body }));
        Ok(empty(StatusCode::ACCEPTED))
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let (event, given) = oneshot::channel();
        let _ = self.hear.send(Heard::Ready(Ready { at: Instant::now(), event }));
        let Ok(event) = given.await else { return empty(StatusCode::GONE) };
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{number:012}"))
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
            .header(
                "lambda-runtime-trace-id",
                "Root=1-6b0187c0-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0",
            );
        response.body(Full::from(event)).expect("headers are ASCII")
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
