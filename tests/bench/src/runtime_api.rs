//! A fake of Lambda's Runtime API for one instance. The instance asks for the next event when it is
//! ready, and sends its answer; both are recorded with their time.
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
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// The function's timeout in the template.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A request for the next event.
pub struct Ready {
    /// When it came.
    pub at: Instant,
    /// Takes the event. If this is dropped, the instance is told that there are no more.
    pub event: oneshot::Sender<Bytes>,
}

/// An answer of the instance.
#[derive(Debug)]
pub struct Answer {
    /// When it was complete.
    pub at: Instant,
    /// The response, or the error that the instance reports.
    pub body: Result<Bytes, String>,
}

/// A request of the instance.
pub enum Heard {
    /// It asks for an event.
    Ready(Ready),
    /// It has answered.
    Answer(Answer),
}

/// Serves one instance until it is dropped.
pub struct RuntimeApi {
    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    /// The requests of the instance, in their order.
    pub heard: mpsc::UnboundedReceiver<Heard>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Starts to serve on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        let address = listener.local_addr()?.to_string();
        let (hear, heard) = mpsc::unbounded_channel();
        let api = Arc::new(Api { hear, served: AtomicU64::default() });
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let api = Arc::clone(&api);
                tokio::spawn(async move {
                    let service = service_fn(|request| api.answer(request));
                    // The connection breaks when the process ends.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
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
    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/invocation/next") {
            return Ok(self.next().await);
        }
        let body = request
            .into_body()
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let at = Instant::now();
        let body = if path.ends_with("/response") {
            Ok(body)
        } else {
            Err(String::from_utf8_lossy(&body).into_owned())
        };
        // The receiver may be gone: the instance is about to end.
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
            .header(
                "lambda-runtime-aws-request-id",
                format!("00000000-0000-4000-8000-{number:012}"),
            )
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:000000000000:function:bench",
            )
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
