//! A function's real bootstrap, as Lambda runs it: a process that polls a Runtime API, here served by the test.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::Child,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::emulator::workspace;

/// Longest that a test waits for an answer: longer than any deadline that it sets.
const PATIENCE: Duration = Duration::from_secs(40);

/// What becomes of an invocation: the function's response, or the error that it reports.
pub type Answer = Result<Value, Value>;

/// One invocation on its way.
struct Invocation {
    event: String,
    deadline_ms: u128,
    trace_id: Option<String>,
    answer: oneshot::Sender<Answer>,
}

/// What the Runtime API has to remember.
struct RuntimeApi {
    queue: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    served: AtomicU64,
    log: Arc<Mutex<String>>,
}

/// A running function.
pub struct Function {
    child: Child,
    invocations: mpsc::Sender<Invocation>,
    log: Arc<Mutex<String>>,
    /// They end when its output does.
    collectors: [JoinHandle<()>; 2],
}

impl Function {
    /// Starts `target/debug/<name>` with these variables and no others.
    ///
    /// # Panics
    /// The binary cannot be built or started.
    pub async fn start(name: &str, variables: &HashMap<String, String>) -> Self {
        let (invocations, queue) = mpsc::channel(64);
        let log = Arc::new(Mutex::new(String::new()));
        let api = RuntimeApi {
            queue: tokio::sync::Mutex::new(queue),
            running: Mutex::default(),
            served: AtomicU64::default(),
            log: Arc::clone(&log),
        };
        let address = serve(Arc::new(api)).await;
        let mut child = tokio::process::Command::new(bootstrap(name))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the bootstrap starts");
        let collectors = [
            collect(child.stdout.take().expect("is piped"), Arc::clone(&log)),
            collect(child.stderr.take().expect("is piped"), Arc::clone(&log)),
        ];
        Self { child, invocations, log, collectors }
    }

    /// Invokes it with 15 s to its deadline.
    ///
    /// # Errors
    /// What the function reports instead of a response.
    pub async fn invoke(&self, event: &Value) -> Answer {
        self.invoke_text(event.to_string(), Duration::from_secs(15), None).await
    }

    /// Invokes it with any text as the event.
    ///
    /// # Errors
    /// What the function reports instead of a response.
    ///
    /// # Panics
    /// No answer comes.
    pub async fn invoke_text(&self, event: String, time_left: Duration, trace_id: Option<&str>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let deadline = SystemTime::now() + time_left;
        let deadline_ms = deadline.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let invocation = Invocation { event, deadline_ms, trace_id: trace_id.map(str::to_owned), answer };
        assert!(self.invocations.send(invocation).await.is_ok(), "the Runtime API is gone; log: {}", self.log());
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => panic!("no answer; log: {}", self.log()),
        }
    }

    /// Everything that it has written so far.
    ///
    /// # Panics
    /// A thread that writes to the log has panicked.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no writer panics").clone()
    }

    /// The lines of its log that tell of deliveries, once there are `count` of them: an answer may overtake its line.
    ///
    /// # Panics
    /// There are more, or they do not come.
    pub async fn delivery_lines(&self, count: usize) -> Vec<Value> {
        self.lines(count, |line| line["message"] == "delivery").await
    }

    /// Its lines of metrics, once there are `count` of them.
    ///
    /// # Panics
    /// There are more, or they do not come.
    pub async fn metric_lines(&self, count: usize) -> Vec<Value> {
        self.lines(count, |line| line["_aws"].is_object()).await
    }

    /// The lines of its log that `is_wanted` chooses, once there are `count` of them.
    ///
    /// # Panics
    /// There are more, or they do not come.
    pub async fn lines(&self, count: usize, is_wanted: fn(&Value) -> bool) -> Vec<Value> {
        let started_at = Instant::now();
        loop {
            let log = self.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
            let wanted: Vec<Value> = lines.filter(is_wanted).collect();
            if wanted.len() >= count {
                assert_eq!(wanted.len(), count, "{log}");
                return wanted;
            }
            assert!(started_at.elapsed() < PATIENCE, "fewer than {count} such lines in the log: {log}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it has ended by itself and its log is complete.
    ///
    /// # Panics
    /// It does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends").expect("its status can be read");
        for collector in &mut self.collectors {
            collector.await.expect("no collector panics");
        }
        status
    }
}

/// The binary of this name, built once per test process from what is in the tree now.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn bootstrap(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        // All of the workspace, so that features are those of the tests' own build, and nothing is compiled twice.
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--workspace"]).current_dir(workspace()).status();
        assert!(built.is_ok_and(|status| status.success()), "cargo build --workspace fails");
        // target/debug/deps/<this test> → target/debug
        let this = std::env::current_exe().expect("this program has a path");
        let deps = this.parent().expect("it lies in a folder");
        if deps.ends_with("deps") { deps.parent().expect("deps lies in a folder") } else { deps }.to_owned()
    });
    directory.join(name)
}

fn collect(stream: impl AsyncRead + Unpin + Send + 'static, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = log.lock().expect("no writer panics");
            log.push_str(&line);
            log.push('\n');
        }
    })
}

async fn serve(api: Arc<RuntimeApi>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let api = Arc::clone(&api);
            tokio::spawn(async move {
                let service = service_fn(|request| answer(&api, request));
                // A function that ends breaks its connection.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn answer(api: &RuntimeApi, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let route: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
    if route == ["invocation", "next"] {
        return Ok(next(api).await);
    }
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match route[..] {
        ["invocation", id, kind @ ("response" | "error")] => {
            let waiting = api.running.lock().expect("no holder panics").remove(id);
            if let Some(waiting) = waiting {
                // The test may have given up.
                let _ = waiting.send(if kind == "response" { Ok(value) } else { Err(value) });
            }
        }
        ["init", "error"] => {
            let mut log = api.log.lock().expect("no writer panics");
            log.push_str("init error: ");
            log.push_str(&value.to_string());
            log.push('\n');
        }
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    }
    Ok(empty(StatusCode::ACCEPTED))
}

async fn next(api: &RuntimeApi) -> Response<Full<Bytes>> {
    let Some(invocation) = api.queue.lock().await.recv().await else { return empty(StatusCode::GONE) };
    let id = format!("00000000-0000-4000-8000-{:012}", api.served.fetch_add(1, Ordering::Relaxed));
    api.running.lock().expect("no holder panics").insert(id.clone(), invocation.answer);
    let mut response = Response::builder()
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:test");
    if let Some(trace_id) = invocation.trace_id {
        response = response.header("lambda-runtime-trace-id", trace_id);
    }
    response.body(Full::from(invocation.event)).expect("headers are ASCII")
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
