//! A proxy between a function and the AWS emulator that knows each call of the pipeline and makes
//! it fail on demand.
//!
//! As on a network, a request does not depend on its caller: one that is held back takes effect
//! even if the caller has given up or died.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Bytes, Incoming},
    client, header, http,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use crate::function::Function;

/// A call that a function makes to AWS.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Call {
    /// `GetSecretValue` of `AWSCURRENT`.
    CurrentSecret,
    /// `GetSecretValue` of `AWSPREVIOUS`.
    PreviousSecret,
    /// `PutItem`.
    Claim,
    /// `PutObject`, for a body that is too large for the queue.
    PutObject,
    /// `SendMessage`.
    Send,
    /// `UpdateItem`.
    Complete,
    /// `DeleteItem`.
    Release,
}

impl Call {
    /// All calls, in the order in which a delivery makes them.
    pub const ALL: [Self; 7] = [
        Self::CurrentSecret,
        Self::PreviousSecret,
        Self::Claim,
        Self::PutObject,
        Self::Send,
        Self::Complete,
        Self::Release,
    ];

    /// Returns the call that a request makes.
    ///
    /// # Panics
    /// If the pipeline makes no such call.
    fn of(head: &http::request::Parts, body: &[u8]) -> Self {
        let target = head
            .headers
            .get("x-amz-target")
            .map(|value| value.to_str().expect("a target is ASCII"));
        match target {
            Some("DynamoDB_20120810.PutItem") => Self::Claim,
            Some("DynamoDB_20120810.UpdateItem") => Self::Complete,
            Some("DynamoDB_20120810.DeleteItem") => Self::Release,
            Some("AmazonSQS.SendMessage") => Self::Send,
            Some("secretsmanager.GetSecretValue") => {
                let previous = body.windows(PREVIOUS.len()).any(|window| window == PREVIOUS);
                if previous { Self::PreviousSecret } else { Self::CurrentSecret }
            }
            None if head.method == Method::PUT => Self::PutObject,
            _ => panic!(
                "a call that the proxy does not know: {} {} {target:?}",
                head.method, head.uri
            ),
        }
    }
}

const PREVIOUS: &[u8] = b"AWSPREVIOUS";

/// The path that a function requests at its start, to open a connection. No delivery makes this
/// call.
const PING: &str = "/ping";

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// The service answers 500 and does nothing.
    Error,
    /// The service carries out the request, and answers 500.
    ErrorAfter,
    /// The service does nothing, and answers that there are too many requests.
    Throttle,
    /// The connection is reset before the service sees the request.
    ResetBefore,
    /// The service carries out the request, and the connection is reset instead of a response.
    ResetAfter,
    /// The request is held back until [`Proxy::let_go`], and takes effect then.
    HoldBefore,
    /// The request takes effect at once, and its response is held back until [`Proxy::let_go`].
    HoldAfter,
    /// The function is killed before the service sees the request.
    KillBefore,
    /// The function is killed after the request has taken effect, before it gets the response.
    KillAfter,
}

impl Fault {
    pub const ALL: [Self; 9] = [
        Self::Error,
        Self::ErrorAfter,
        Self::Throttle,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::HoldBefore,
        Self::HoldAfter,
        Self::KillBefore,
        Self::KillAfter,
    ];
}

/// Decides what happens to each request, in the order in which they come.
pub type Script = Box<dyn FnMut(Call) -> Option<Fault> + Send>;

/// A running proxy: one for each instance of a function. It ends with the async runtime.
pub struct Proxy {
    /// Such as `http://127.0.0.1:12345`.
    pub endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// Host and port of the emulator.
    emulator: String,
    script: Mutex<Script>,
    /// Every call so far, with what happened to it.
    seen: watch::Sender<Vec<(Call, Option<Fault>)>>,
    /// The function that a fault kills.
    function: watch::Sender<Option<Arc<Function>>>,
    /// Counts the calls of [`Proxy::let_go`]. A request is held until the next one.
    orders: watch::Sender<u64>,
    /// The number of requests that are under way.
    open: watch::Sender<usize>,
}

/// The connection is to be closed without a response.
#[derive(Debug)]
struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset")
    }
}

impl std::error::Error for Reset {}

type Reply = Response<Full<Bytes>>;

impl Proxy {
    /// Starts a proxy in front of the emulator at `emulator`. It forwards everything until
    /// [`Proxy::follow`].
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(emulator: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Shared {
            emulator: emulator.trim_start_matches("http://").to_owned(),
            script: Mutex::new(Box::new(|_| None)),
            seen: watch::Sender::new(Vec::new()),
            function: watch::Sender::new(None),
            orders: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { endpoint, shared }
    }

    /// Lets `script` decide what happens to requests from now on.
    ///
    /// # Panics
    /// If a script has panicked.
    pub fn follow(&self, script: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        *self.shared.script.lock().expect("no script panics") = Box::new(script);
    }

    /// Sets the function that a fault kills. Until it is set, such a fault waits.
    pub fn serves(&self, function: Arc<Function>) {
        self.shared.function.send_replace(Some(function));
    }

    /// Lets go of the requests and responses that are held back.
    pub fn let_go(&self) {
        self.shared.orders.send_modify(|count| *count += 1);
    }

    /// Waits until no request is under way, so that none can take effect any more.
    ///
    /// # Panics
    /// Never: the proxy lives.
    pub async fn settled(&self) {
        self.shared.open.subscribe().wait_for(|open| *open == 0).await.expect("the proxy lives");
    }

    /// Returns every call so far, with what happened to it.
    #[must_use]
    pub fn seen(&self) -> Vec<(Call, Option<Fault>)> {
        self.shared.seen.borrow().clone()
    }

    /// Waits until this fault has happened to this call.
    ///
    /// # Panics
    /// Never: the proxy lives.
    pub async fn reached(&self, call: Call, fault: Fault) {
        let mut seen = self.shared.seen.subscribe();
        seen.wait_for(|seen| seen.contains(&(call, Some(fault)))).await.expect("the proxy lives");
    }
}

/// Lets go of the function, so that it can end with its proxy.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.function.send_replace(None);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without lingering, to close the connection is to reset it.
        stream.set_zero_linger().expect("a fresh connection has options");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(Arc::clone(&shared), request));
            // This fails if the connection is reset or the function dies.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Handles a request in a task of its own, which continues if the caller hangs up.
async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Reply, Reset> {
    let (head, body) = request.into_parts();
    // If the caller dies while it sends, there is no request.
    let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
    if head.uri.path() == PING {
        return Ok(Response::default());
    }
    let call = Call::of(&head, &body);
    let (reply, mut replied) = mpsc::channel(1);
    shared.open.send_modify(|open| *open += 1);
    tokio::spawn(async move {
        let result = shared.handle(call, &head, body).await;
        shared.open.send_modify(|open| *open -= 1);
        let _ = reply.send(result).await;
    });
    replied.recv().await.unwrap_or(Err(Reset))
}

impl Shared {
    async fn handle(
        &self,
        call: Call,
        head: &http::request::Parts,
        body: Bytes,
    ) -> Result<Reply, Reset> {
        let fault = (self.script.lock().expect("no script panics"))(call);
        let mut orders = self.orders.subscribe();
        self.seen.send_modify(|seen| seen.push((call, fault)));
        match fault {
            None => self.forward(head, body).await,
            Some(Fault::Error) => Ok(refusal(call, Refusal::Error)),
            Some(Fault::Throttle) => Ok(refusal(call, Refusal::Throttle)),
            Some(Fault::ErrorAfter) => {
                self.forward(head, body).await?;
                Ok(refusal(call, Refusal::Error))
            }
            Some(Fault::ResetBefore) => Err(Reset),
            Some(Fault::ResetAfter) => {
                self.forward(head, body).await?;
                Err(Reset)
            }
            Some(Fault::HoldBefore) => {
                orders.changed().await.expect("the proxy lives");
                self.forward(head, body).await
            }
            Some(Fault::HoldAfter) => {
                let reply = self.forward(head, body).await;
                orders.changed().await.expect("the proxy lives");
                reply
            }
            Some(Fault::KillBefore) => {
                self.kill().await;
                Err(Reset)
            }
            Some(Fault::KillAfter) => {
                self.forward(head, body).await?;
                self.kill().await;
                Err(Reset)
            }
        }
    }

    async fn kill(&self) {
        let mut function = self.function.subscribe();
        let function = function.wait_for(Option::is_some).await.expect("the proxy lives").clone();
        function.expect("was waited for").kill().await;
    }

    /// Forwards a request over a connection of its own, so that a restart of the emulator breaks no
    /// connection that is kept. If the emulator is down, the caller's connection is reset.
    async fn forward(&self, head: &http::request::Parts, body: Bytes) -> Result<Reply, Reset> {
        let stream = TcpStream::connect(&self.emulator).await.map_err(|_| Reset)?;
        let (mut sender, connection) =
            client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| Reset)?;
        let connection = tokio::spawn(connection);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = end_to_end(&head.headers);
        let response = sender.send_request(request).await.map_err(|_| Reset)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
        connection.abort();
        let mut reply = Response::new(Full::new(body));
        *reply.status_mut() = head.status;
        *reply.headers_mut() = end_to_end(&head.headers);
        Ok(reply)
    }
}

/// Returns the headers without those that belong to a single connection. The body is complete here,
/// so its length is known.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::EXPECT] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

#[derive(Clone, Copy)]
enum Refusal {
    Error,
    Throttle,
}

/// Returns the error response of a service, in that service's own format.
fn refusal(call: Call, refusal: Refusal) -> Reply {
    let json = |code: &str| format!(r#"{{"__type":"{code}","message":"by the test"}}"#);
    let (status, query_error, body) = match (call, refusal) {
        (Call::CurrentSecret | Call::PreviousSecret, Refusal::Error) => {
            (500, None, json("InternalServiceError"))
        }
        (Call::CurrentSecret | Call::PreviousSecret, Refusal::Throttle) => {
            (400, None, json("ThrottlingException"))
        }
        (Call::Claim | Call::Complete | Call::Release, Refusal::Error) => {
            (500, None, json("com.amazonaws.dynamodb.v20120810#InternalServerError"))
        }
        (Call::Claim | Call::Complete | Call::Release, Refusal::Throttle) => (
            400,
            None,
            json("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"),
        ),
        (Call::Send, Refusal::Error) => {
            (500, Some("InternalFailure;Receiver"), json("com.amazonaws.sqs#InternalFailure"))
        }
        (Call::Send, Refusal::Throttle) => {
            (403, Some("RequestThrottled;Sender"), json("com.amazonaws.sqs#RequestThrottled"))
        }
        (Call::PutObject, Refusal::Error) => (500, None, xml("InternalError")),
        (Call::PutObject, Refusal::Throttle) => (503, None, xml("SlowDown")),
    };
    let mut response = Response::builder().status(status).header("x-amzn-requestid", "by-the-test");
    if let Some(query_error) = query_error {
        response = response.header("x-amzn-query-error", query_error);
    }
    response.body(Full::from(body)).expect("headers are ASCII")
}

fn xml(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>by the test</Message></Error>")
}
