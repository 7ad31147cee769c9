//! The AWS emulator (ministack), one per test process, and clients for what tests need in it.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    config::{Credentials, SharedCredentialsProvider},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    },
};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};

use crate::workspace;

/// The region of everything in the emulator.
pub const REGION: &str = "us-east-1";
/// The access key of the emulator's administrator.
pub const ACCESS_KEY: &str = "test";

/// A running emulator. It ends when this process ends, even if that is killed.
pub struct Emulator {
    /// Such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// A folder that is deleted when the emulator ends.
    pub scratch: PathBuf,
    /// The shell that runs the emulator. When its standard input closes, it ends the emulator and
    /// the functions that the emulator runs.
    supervisor: Child,
}

/// Runs the emulator until standard input closes, and then kills its whole process group, because
/// the emulator does not end the functions that it runs. At each line of input, it stops the
/// emulator with SIGTERM, adds a line to the file `restarts`, and starts it again. An emulator that
/// keeps its state writes it on SIGTERM.
const SUPERVISE: &str = r#"
    "$@" </dev/null &
    while read -r _; do kill -s TERM $!; wait $!; echo >>"$TMPDIR/restarts"; "$@" </dev/null & done
    test "$PERSIST_STATE" = 0 || { kill -s TERM $!; wait $!; }
    rm -rf "$TMPDIR"; kill -s KILL 0
"#;

impl Emulator {
    /// Returns the emulator of this test process, which allows every call.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(false))
    }

    /// Starts an emulator on a free port. With `enforce_iam`, it refuses what no policy allows.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    #[must_use]
    pub fn start(enforce_iam: bool) -> Self {
        Self::launch(enforce_iam, None, free_port())
    }

    /// Starts an emulator that enforces IAM and keeps its state in `folder`. If an earlier emulator
    /// has left its state there, this one continues from it, on the same port if that is free.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    #[must_use]
    pub fn kept(folder: &Path) -> Self {
        let file = folder.join("port");
        let kept = std::fs::read_to_string(&file).ok().and_then(|port| port.trim().parse().ok());
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = kept.filter(is_free).unwrap_or_else(free_port);
        std::fs::create_dir_all(folder).expect("a folder can be made");
        std::fs::write(file, port.to_string()).expect("the port can be kept");
        Self::launch(true, Some(folder), port)
    }

    /// Returns whether it still answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        TcpStream::connect(self.endpoint.trim_start_matches("http://")).is_ok()
    }

    /// Returns the emulator's process group, which is killed when the emulator ends.
    ///
    /// # Panics
    /// Never: a process id is a positive number.
    #[must_use]
    pub fn process_group(&self) -> i32 {
        i32::try_from(self.supervisor.id()).expect("a process id is a small number")
    }

    /// Starts an emulator on a free port that keeps tables, queues and secrets across
    /// [`Emulator::restart`]. It allows every call.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    #[must_use]
    pub fn durable() -> Self {
        Self::launch(false, Some(Path::new("state")), free_port())
    }

    /// `state` is the folder that keeps the state, relative to the emulator's scratch folder.
    fn launch(enforce_iam: bool, state: Option<&Path>, port: u16) -> Self {
        let program = workspace().join(".tools/ministack/bin/ministack");
        assert!(program.exists(), "the AWS emulator is not installed: run `make tools` first");
        let endpoint = format!("http://127.0.0.1:{port}");
        let scratch =
            std::env::temp_dir().join(format!("webhook-emulator-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&scratch).expect("a temporary folder can be made");
        let mut supervisor = Command::new("sh");
        supervisor
            .args(["-c", SUPERVISE, "sh"])
            .arg(program)
            // The functions that it runs inherit the variables, so none may come from the caller's
            // AWS account.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &scratch)
            .env("TMPDIR", &scratch)
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("AUTH", if enforce_iam { "true" } else { "false" })
            .env("PERSIST_STATE", if state.is_some() { "1" } else { "0" })
            .env("S3_PERSIST", if state.is_some() { "1" } else { "0" })
            .env("STATE_DIR", scratch.join(state.unwrap_or(&scratch)))
            .env("S3_DATA_DIR", scratch.join(state.unwrap_or(&scratch)).join("s3"))
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .envs(client_variables(&endpoint))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(File::create(scratch.join("emulator.log")).expect("a log file can be made"))
            .stderr(Stdio::null());
        let supervisor = supervisor.spawn().expect("sh runs");
        let emulator = Self { endpoint, scratch, supervisor };
        emulator.wait_until(|| is_ready(port), "does not start");
        emulator
    }

    /// Stops the emulator and starts it again on the same port. Blocks the thread until it is up.
    ///
    /// # Panics
    /// If it does not stop, or does not start again.
    pub fn restart(&mut self) {
        let restarts =
            || std::fs::read(self.scratch.join("restarts")).map_or(0, |lines| lines.len());
        let before = restarts();
        let mut orders = self.supervisor.stdin.as_ref().expect("is piped");
        writeln!(orders).expect("the supervisor listens");
        self.wait_until(|| restarts() > before, "does not stop");
        let port = self
            .endpoint
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("it ends in a port");
        self.wait_until(|| is_ready(port), "does not start again");
    }

    fn wait_until(&self, condition: impl Fn() -> bool, otherwise: &str) {
        let started_at = Instant::now();
        while !condition() {
            let log = self.scratch.join("emulator.log");
            assert!(
                started_at.elapsed() < UP_WITHIN,
                "the emulator {otherwise}; its log: {}",
                log.display()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Ends the emulator, and waits until it has ended.
impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // The status says that it was killed, which is as it should be.
        let _ = self.supervisor.wait();
    }
}

/// Far longer than a start takes on a loaded machine.
const UP_WITHIN: Duration = Duration::from_mins(1);

/// Returns the variables with which an AWS client reaches the emulator at `endpoint`, and no
/// others.
#[must_use]
pub fn client_variables(endpoint: &str) -> HashMap<String, String> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET /_ministack/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Clients of the emulator's services.
pub struct Aws {
    /// For the adapters under test.
    pub config: SdkConfig,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Buckets.
    pub s3: aws_sdk_s3::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
}

impl Aws {
    /// Returns new clients of the emulator of this test process. Each test needs its own, because a
    /// connection belongs to the async runtime that opened it.
    #[must_use]
    pub fn shared() -> Self {
        Self::at(&Emulator::shared().endpoint)
    }

    /// Returns clients of the emulator at `endpoint`.
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        let credentials = Credentials::new(ACCESS_KEY, ACCESS_KEY, None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            config,
        }
    }

    /// Creates a table with the template's key, and returns its name.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn create_table(&self) -> String {
        let name = unique("records");
        let id = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
        self.dynamodb
            .create_table()
            .table_name(&name)
            .attribute_definitions(id.build().expect("is complete"))
            .key_schema(key.build().expect("is complete"))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .expect("a table is made");
        name
    }

    /// Creates a queue and returns its URL.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn create_queue(&self, fifo: bool) -> String {
        let name = unique("events");
        let mut create = self.sqs.create_queue();
        if fifo {
            create = create
                .attributes(QueueAttributeName::FifoQueue, "true")
                .queue_name(format!("{name}.fifo"));
        } else {
            create = create.queue_name(name);
        }
        create.send().await.expect("a queue is made").queue_url.expect("it has a URL")
    }

    /// Creates a bucket and returns its name.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn create_bucket(&self) -> String {
        let name = unique("payloads");
        self.s3.create_bucket().bucket(&name).send().await.expect("a bucket is made");
        name
    }

    /// Creates a secret and returns its name.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn create_secret(&self, value: &str) -> String {
        let name = unique("secret");
        self.secrets
            .create_secret()
            .name(&name)
            .secret_string(value)
            .send()
            .await
            .expect("a secret is made");
        name
    }

    /// Makes `value` the current version of a secret. The version that was current becomes the
    /// previous one.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn rotate_secret(&self, name: &str, value: &str) {
        self.secrets
            .put_secret_value()
            .secret_id(name)
            .secret_string(value)
            .send()
            .await
            .expect("a secret is put");
    }

    /// Returns whether the secret still has its first value.
    pub async fn is_first_version(&self, secret: &str) -> bool {
        self.secrets
            .get_secret_value()
            .secret_id(secret)
            .version_stage("AWSPREVIOUS")
            .send()
            .await
            .is_err()
    }

    /// Returns all records of a table.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn records(&self, table: &str) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        scan.try_collect().await.expect("a table is read")
    }

    /// Takes all messages off a queue.
    ///
    /// # Panics
    /// If the emulator refuses.
    pub async fn take_messages(&self, queue: &str) -> Vec<Message> {
        let mut taken = Vec::new();
        loop {
            let receive = self
                .sqs
                .receive_message()
                .queue_url(queue)
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            let messages =
                receive.send().await.expect("a queue is read").messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let handle =
                    message.receipt_handle.as_deref().expect("a received message has a handle");
                let delete = self.sqs.delete_message().queue_url(queue).receipt_handle(handle);
                delete.send().await.expect("a message is deleted");
                taken.push(message);
            }
        }
    }
}

/// Returns a name that no other test in this process has.
fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
