//! A function's real bootstrap, as Lambda runs it: a process that polls a Runtime API, which the
//! test serves.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::Child,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use webhook_verify::providers::PROVIDERS;

use crate::workspace;

/// The longest that a test waits for an answer. Every deadline that a test sets is shorter.
const PATIENCE: Duration = Duration::from_secs(40);

/// The result of an invocation: the function's response, or the error that it reports.
pub type Answer = Result<Value, Value>;

/// An invocation that the function has not taken yet.
struct Invocation {
    event: String,
    /// The time until the deadline, from when the function takes the invocation. As on Lambda, a
    /// cold start does not count.
    time_left: Duration,
    /// Whether an answer after the deadline counts. On Lambda the function would be dead by then.
    may_be_late: bool,
    /// Sent instead of the deadline's time.
    constant_ms: Option<u64>,
    trace_id: Option<String>,
    answer: oneshot::Sender<Answer>,
}

/// An invocation that the function has taken.
struct Running {
    answer: oneshot::Sender<Answer>,
    answer_by: Option<SystemTime>,
}

/// The state of the Runtime API.
struct RuntimeApi {
    queue: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    running: Mutex<HashMap<String, Running>>,
    served: AtomicU64,
    log: Arc<Mutex<String>>,
}

/// A running function.
pub struct Function {
    /// The process id.
    pub process_id: u32,
    /// Kills the process, by a message or when this is dropped.
    kill: mpsc::Sender<()>,
    /// The exit status, once the process has ended.
    status: watch::Receiver<Option<ExitStatus>>,
    invocations: mpsc::Sender<Invocation>,
    log: Arc<Mutex<String>>,
    /// Tasks that read the output. They end when it ends.
    collectors: [JoinHandle<()>; 2],
}

impl Function {
    /// Starts the [`bootstrap`] of this name with these variables and no others.
    ///
    /// # Panics
    /// If the binary cannot be built or started.
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
        let process_id = child.id().expect("it has not been waited for");
        let (kill, killed) = mpsc::channel(1);
        Self { process_id, kill, status: watch_over(child, killed), invocations, log, collectors }
    }

    /// Invokes the function with 15 s until its deadline.
    ///
    /// # Errors
    /// The error that the function reports instead of a response.
    pub async fn invoke(&self, event: &Value) -> Answer {
        self.invoke_text(event.to_string(), Duration::from_secs(15), None).await
    }

    /// Invokes the function with any text as the event.
    ///
    /// # Errors
    /// The error that the function reports instead of a response.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn invoke_text(
        &self,
        event: String,
        time_left: Duration,
        trace_id: Option<&str>,
    ) -> Answer {
        self.answer(self.hand_over(event, time_left, true, None, trace_id).await).await
    }

    /// Invokes the function as `cargo lambda watch` does, which always sends the same number of
    /// milliseconds in place of the deadline's time.
    ///
    /// # Errors
    /// The error that the function reports instead of a response.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn invoke_under_watch(&self, event: &Value) -> Answer {
        let time_left = Duration::from_secs(15);
        self.answer(self.hand_over(event.to_string(), time_left, true, Some(600_000), None).await)
            .await
    }

    async fn answer(&self, answered: oneshot::Receiver<Answer>) -> Answer {
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => panic!("no answer; log: {}", self.log()),
        }
    }

    /// Invokes the function as Lambda does. Returns `None` if it dies or answers after its
    /// deadline: Lambda would then answer the caller with an error of its own.
    ///
    /// # Panics
    /// If it lives, and does not answer.
    pub async fn invoke_mortal(&self, event: String, time_left: Duration) -> Option<Answer> {
        let answered = self.hand_over(event, time_left, false, None, None).await;
        let outcome = async {
            tokio::select! {
                // An answer counts, even if the process dies right after it.
                biased;
                answer = answered => answer.ok(),
                _ = self.death() => None,
            }
        };
        let Ok(outcome) = tokio::time::timeout(PATIENCE, outcome).await else {
            panic!("no answer; log: {}", self.log())
        };
        outcome
    }

    async fn hand_over(
        &self,
        event: String,
        time_left: Duration,
        may_be_late: bool,
        constant_ms: Option<u64>,
        trace_id: Option<&str>,
    ) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let trace_id = trace_id.map(str::to_owned);
        let invocation =
            Invocation { event, time_left, may_be_late, constant_ms, trace_id, answer };
        assert!(
            self.invocations.send(invocation).await.is_ok(),
            "the Runtime API is gone; log: {}",
            self.log()
        );
        answered
    }

    /// Kills it (SIGKILL), and returns when it is dead.
    pub async fn kill(&self) {
        // The process may have ended by itself.
        let _ = self.kill.try_send(());
        self.death().await;
    }

    /// Returns whether the process has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.status.borrow().is_some()
    }

    /// Returns everything that the function has written so far.
    ///
    /// # Panics
    /// If a thread that writes to the log has panicked.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no writer panics").clone()
    }

    /// Waits for `count` log lines about deliveries, and returns them. (A line may come after its
    /// answer.)
    ///
    /// # Panics
    /// If there are more, or they do not come.
    pub async fn delivery_lines(&self, count: usize) -> Vec<Value> {
        self.lines(count, |line| line["message"] == "delivery").await
    }

    /// Waits for `count` lines of metrics, and returns them.
    ///
    /// # Panics
    /// If there are more, or they do not come.
    pub async fn metric_lines(&self, count: usize) -> Vec<Value> {
        self.lines(count, |line| line["_aws"].is_object()).await
    }

    /// Waits for `count` log lines that `is_wanted` accepts, and returns them.
    ///
    /// # Panics
    /// If there are more, or they do not come.
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
            assert!(
                started_at.elapsed() < PATIENCE,
                "fewer than {count} such lines in the log: {log}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the function has ended by itself and its log is complete, and returns its
    /// status.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.death()).await;
        let status = ended.expect("it ends");
        for collector in &mut self.collectors {
            collector.await.expect("no collector panics");
        }
        status
    }

    async fn death(&self) -> ExitStatus {
        let mut status = self.status.clone();
        let ended = status
            .wait_for(Option::is_some)
            .await
            .expect("the task that watches over it tells how it ended");
        ended.expect("was waited for")
    }
}

/// Returns a channel that gets the exit status. Kills the process if `killed` gets a message or is
/// closed.
fn watch_over(
    mut child: Child,
    mut killed: mpsc::Receiver<()>,
) -> watch::Receiver<Option<ExitStatus>> {
    let (ended, status) = watch::channel(None);
    tokio::spawn(async move {
        tokio::select! {
            _ = child.wait() => {}
            _ = killed.recv() => child.kill().await.expect("our own child can be killed"),
        }
        ended.send_replace(child.wait().await.ok());
    });
    status
}

/// The variable that names the build profile of the bootstraps: empty for the tests' own, `release`
/// for that of the deployed ones.
const PROFILE: &str = "WEBHOOK_PROFILE";

/// Builds the binary of this name from the source as it is now, once per test process, and returns
/// its path. With `WEBHOOK_PROFILE=release`, it is built as it is deployed.
///
/// # Panics
/// If it cannot be built, or there is no such profile.
#[must_use]
pub fn bootstrap(name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // target/debug/deps/<this test>, target/debug/<this program> → target
    let this = std::env::current_exe().expect("this program has a path");
    let folder = this.parent().expect("it lies in a folder");
    let profile = if folder.ends_with("deps") {
        folder.parent().expect("deps lies in a folder")
    } else {
        folder
    };
    let target = profile.parent().expect("a profile's folder lies in another");
    let receivers: Vec<_> = PROVIDERS.iter().map(|provider| provider.name()).collect();
    let (folder, what, arguments) = match std::env::var(PROFILE).as_deref() {
        // The whole workspace, so that crates have the same features as in the tests' own build,
        // and nothing is compiled twice.
        Err(_) | Ok("") => ("debug", "", vec!["--workspace"]),
        // Without the rest of the workspace, as SAM builds it, so that crates have the features
        // that are deployed. All receivers are built at once. Otherwise those that run already
        // would wait while the next one is built.
        Ok("release") if receivers.contains(&name) => {
            let packages = receivers.iter().flat_map(|name| ["--package", *name]);
            ("release", "the receivers", ["--release"].into_iter().chain(packages).collect())
        }
        Ok("release") => ("release", name, vec!["--release", "--package", name]),
        Ok(other) => panic!("{PROFILE} is {other:?}: set it to `release`, or leave it empty"),
    };
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.insert(what.to_owned()) {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet"]).args(&arguments).current_dir(workspace());
        // `cargo test` sets these variables for the package of this test. If they were inherited,
        // build scripts that read them would run again, and most crates that depend on them would
        // be compiled again, twice in each run.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|prefix| name.to_string_lossy().starts_with(prefix))
            {
                cargo.env_remove(name);
            }
        }
        let status = cargo.status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cargo build {} fails",
            arguments.join(" ")
        );
    }
    target.join(folder).join(name)
}

fn collect(
    stream: impl AsyncRead + Unpin + Send + 'static,
    log: Arc<Mutex<String>>,
) -> JoinHandle<()> {
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

async fn answer(
    api: &RuntimeApi,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let route: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
    if route == ["invocation", "next"] {
        return Ok(next(api).await);
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match route[..] {
        ["invocation", id, kind @ ("response" | "error")] => {
            let waiting = api.running.lock().expect("no holder panics").remove(id);
            let in_time = |running: &Running| {
                running.answer_by.is_none_or(|deadline| SystemTime::now() <= deadline)
            };
            if let Some(waiting) = waiting.filter(in_time) {
                // The test may have given up.
                let _ =
                    waiting.answer.send(if kind == "response" { Ok(value) } else { Err(value) });
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
    let Some(invocation) = api.queue.lock().await.recv().await else {
        return empty(StatusCode::GONE);
    };
    let deadline = SystemTime::now() + invocation.time_left;
    let deadline_ms = deadline.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let deadline_ms = invocation.constant_ms.map_or(deadline_ms, u128::from);
    let id = format!("00000000-0000-4000-8000-{:012}", api.served.fetch_add(1, Ordering::Relaxed));
    let answer_by = (!invocation.may_be_late).then_some(deadline);
    let running = Running { answer: invocation.answer, answer_by };
    api.running.lock().expect("no holder panics").insert(id.clone(), running);
    let mut response = Response::builder()
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", deadline_ms.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:test",
        );
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
