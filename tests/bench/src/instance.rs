//! A running function: a process on the measured core, and its Runtime API.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    aws::{Aws, Calls, Endpoints},
    machine::{self, Cores, Memory, Usage},
    runtime_api::{Answer, Heard, RuntimeApi},
    subjects::{Job, Kind, SECRET_FETCH, Subject},
};

/// How long anything may take, even under valgrind.
const PATIENCE: Duration = Duration::from_mins(2);

/// Shared by all instances.
pub struct Bench {
    /// The fake services.
    pub aws: std::sync::Arc<Aws>,
    /// Their URLs.
    pub endpoints: Endpoints,
    /// The cores of functions and harness.
    pub cores: Cores,
    /// The folder of certificates and logs.
    pub work: std::path::PathBuf,
}

/// A process with its Runtime API. It ends when this is dropped.
pub struct Instance {
    job: Job,
    name: &'static str,
    child: Child,
    api: RuntimeApi,
    started_at: Instant,
    event: Option<oneshot::Sender<Bytes>>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        machine::end(&mut self.child);
    }
}

impl Instance {
    /// Starts the function, under the program in `wrapper` if there is one.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(bench: &Bench, subject: &Subject, wrapper: &[String]) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let log = bench.work.join(format!("{}.log", subject.name));
        let arguments: Vec<&Path> = wrapper
            .iter()
            .map(Path::new)
            .chain(subject.command.iter().map(std::path::PathBuf::as_path))
            .collect();
        let (program, arguments) = arguments.split_first().context("a command")?;
        let variables = variables(bench, subject, &api.address);
        let mut command = Command::new(program);
        if let Some(folder) = variables.get("LAMBDA_TASK_ROOT") {
            // Lambda starts a function in its folder.
            command.current_dir(folder);
        }
        command
            .args(arguments)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).with_context(|| format!("{}", log.display()))?);
        let started_at = Instant::now();
        let child = bench.cores.spawn(&mut command)?;
        Ok(Self { job: subject.job, name: subject.name, child, api, started_at, event: None })
    }

    /// Waits until it asks for its next event, and returns the time since it was started.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn ready(&mut self) -> Result<Duration> {
        match self.heard().await? {
            Heard::Ready(ready) => {
                self.event = Some(ready.event);
                Ok(ready.at.duration_since(self.started_at))
            }
            Heard::Answer(answer) => {
                bail!("{} answered without an event: {:?}", self.name, answer.body)
            }
        }
    }

    /// Waits until it asks for its next event, if it has not asked yet.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn wait_ready(&mut self) -> Result<()> {
        if self.event.is_none() {
            self.ready().await?;
        }
        Ok(())
    }

    /// Gives it an event, checks its answer, and returns how long the answer took.
    ///
    /// # Errors
    /// It is not ready, or its answer is wrong.
    pub async fn invoke(&mut self, event: Bytes, kind: Kind) -> Result<Duration> {
        self.wait_ready().await?;
        let given = self.event.take().context("the instance is not ready")?;
        let given_at = Instant::now();
        ensure!(given.send(event).is_ok(), "{} has ended", self.name);
        match self.heard().await? {
            Heard::Ready(_) => bail!("{} asked for another event instead of answering", self.name),
            Heard::Answer(answer) => {
                self.check(&answer, kind)?;
                Ok(answer.at - given_at)
            }
        }
    }

    fn check(&self, answer: &Answer, kind: Kind) -> Result<()> {
        let body = match &answer.body {
            Ok(body) => serde_json::from_slice::<Value>(body).unwrap_or(Value::Null),
            Err(error) => bail!("{} failed: {error}", self.name),
        };
        let expected = if self.job == Job::Hello { 200 } else { kind.status() };
        ensure!(
            body["statusCode"] == expected,
            "{} gave {body} for a delivery that should be {}",
            self.name,
            kind.label()
        );
        Ok(())
    }

    /// Checks that the calls since the last time are exactly those of `count` deliveries.
    ///
    /// # Errors
    /// They are not.
    pub fn check_calls(&self, bench: &Bench, kind: Kind, count: u64) -> Result<Calls> {
        let mut calls = bench.aws.take_calls();
        let made = calls.clone();
        if kind == Kind::Refused {
            calls.remove(SECRET_FETCH);
        }
        let expected = self.job.calls(kind).into_iter().map(|(name, times)| (name, times * count));
        let expected: Calls = expected.filter(|(_, times)| *times > 0).collect();
        ensure!(
            calls == expected,
            "{}: {count} × {} made the calls {calls:?}, not {expected:?}",
            self.name,
            kind.label()
        );
        Ok(made)
    }

    async fn heard(&mut self) -> Result<Heard> {
        match tokio::time::timeout(PATIENCE, self.api.heard.recv()).await {
            Ok(Some(heard)) => Ok(heard),
            Ok(None) => bail!("the fake Runtime API has ended"),
            Err(_) => bail!("{} did nothing for {PATIENCE:?}: see target/bench/{0}.log", self.name),
        }
    }

    /// Returns its memory now.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Result<Memory> {
        machine::memory(self.child.id())
    }

    /// Returns what it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        machine::usage(self.child.id())
    }

    /// Returns the processor time that it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.child.id())
    }

    /// Waits until it has nothing left to do, so that its processor time stands still.
    ///
    /// # Errors
    /// It has ended.
    pub async fn idle(&self) -> Result<()> {
        let mut before = self.cpu_time()?;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.cpu_time()?;
            if now == before {
                return Ok(());
            }
            before = now;
        }
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn terminate(mut self) -> Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait()?;
        Ok(())
    }
}

fn variables(bench: &Bench, subject: &Subject, runtime_api: &str) -> HashMap<&'static str, String> {
    let roots = bench.work.join(subject.roots.file_name()).display().to_string();
    let queue_url = format!("{}/000000000000/events.fifo", bench.endpoints.sqs);
    let fixed = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", "a-session-token"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]00000000000000000000000000000000"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("IDEMPOTENCY_TABLE", "records"),
        ("SIGNING_SECRET_ID", "bench"),
    ];
    let mut variables: HashMap<&str, String> =
        fixed.map(|(name, value)| (name, value.to_owned())).into();
    variables.extend([
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", bench.endpoints.dynamodb.clone()),
        ("AWS_ENDPOINT_URL_SQS", bench.endpoints.sqs.clone()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", bench.endpoints.secrets_manager.clone()),
        ("QUEUE_URL", queue_url),
        // Rust, Python and Node have different names for this.
        ("SSL_CERT_FILE", roots.clone()),
        ("AWS_CA_BUNDLE", roots.clone()),
        ("NODE_EXTRA_CA_CERTS", roots),
    ]);
    variables.extend(subject.variables.iter().cloned());
    variables
}
