//! The template, deployed into the emulator once for all tests, with an inspector for one test at a
//! time. An inspector finds a delivery's log line by its size, so no other test may send deliveries
//! meanwhile.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::Notify;
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_inspector::Setup;
use webhook_tests::{
    emulator::Aws,
    http::post,
    inspector, now,
    stack::{Account, Stack},
    traffic::{Event, Kind},
};
use webhook_verify::{Header, providers::PROVIDERS};

use crate::browser::DEADLINE;

/// A secret that no function has.
const WRONG_SECRET: &str = "a-key-of-somebody-else";

static STACK: LazyLock<Mutex<(Account, Stack)>> = LazyLock::new(|| {
    Mutex::new(block_on(async {
        let account = Account::start(|_| ()).await;
        let stack = account.deploy(&[]).await;
        (account, stack)
    }))
});

/// An inspector without deliveries, for a stack with an empty queue and an empty table.
pub(crate) struct World {
    origin: String,
    root: PathBuf,
    stop: Arc<Notify>,
    server: Option<JoinHandle<()>>,
    _stack: MutexGuard<'static, (Account, Stack)>,
}

impl World {
    pub(crate) fn start() -> Self {
        let guard = STACK.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, stack) = &*guard;
        let root = account.emulator.scratch.join("repository");
        let _ = fs::remove_dir_all(&root);
        for provider in PROVIDERS {
            let folder = root.join("events").join(provider.name());
            fs::create_dir_all(&folder).expect("a folder is made");
            fs::write(folder.join("samples.json"), "[]\n").expect("a manifest is written");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("tokio can have it");
        let port = listener.local_addr().expect("it is bound").port();
        let setup = Setup {
            // Nothing listens on this port.
            watch_endpoint: "http://127.0.0.1:9".to_owned(),
            ..inspector::setup(stack, &root, root.join("deliveries.jsonl"))
        };
        let (table, queue) = (setup.table.clone(), setup.queue_url.clone());
        let endpoint = setup.endpoint.clone();
        block_on(async { empty(&Aws::at(&endpoint), &table, &queue).await });
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let server = std::thread::spawn(move || {
            block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("tokio can have it");
                let serve = webhook_inspector::serve(setup, listener);
                tokio::select! {
                    served = serve => served.expect("the inspector serves"),
                    () = stopped.notified() => {}
                }
            });
        });
        Self {
            origin: format!("http://127.0.0.1:{port}"),
            root,
            stop,
            server: Some(server),
            _stack: guard,
        }
    }

    /// Returns the folder in whose `events/` samples are saved.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the URL of a view of the page.
    pub(crate) fn page(&self, place: &str) -> String {
        format!("{}/#/{place}", self.origin)
    }

    /// Returns the URL to which a provider posts.
    pub(crate) fn receiver(&self, provider: &str) -> String {
        format!("{}/webhooks/{provider}", self.origin)
    }

    /// Posts an event's body with these headers, and returns the status of the response.
    pub(crate) fn send(&self, event: &Event, headers: &[Header]) -> u16 {
        let (status, _) =
            post(&self.receiver(event.kind.provider.name()), headers, event.body.as_bytes());
        status
    }

    /// Sends an event as its provider does.
    pub(crate) fn deliver(&self, event: &Event) -> u16 {
        self.send(event, &signed(event))
    }

    /// Sends an event that is signed with a wrong secret.
    pub(crate) fn forge(&self, event: &Event) -> u16 {
        self.send(event, &event.signed(WRONG_SECRET, now()))
    }

    /// Reads a path of the API.
    pub(crate) fn api(&self, path: &str) -> Value {
        let mut response =
            ureq::get(format!("{}/api/{path}", self.origin)).call().expect("the inspector answers");
        let text = response.body_mut().read_to_string().expect("the answer is text");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// Returns the id of the newest delivery, once everything is known about all deliveries.
    pub(crate) fn newest(&self) -> String {
        self.find(|_| true)
    }

    /// Returns the id of the newest delivery with this status, once everything is known about all
    /// deliveries.
    pub(crate) fn id_of(&self, status: u16) -> String {
        self.find(|summary| summary["status"] == status)
    }

    fn find(&self, is_wanted: impl Fn(&Value) -> bool) -> String {
        let started_at = Instant::now();
        loop {
            let answer = self.api("deliveries");
            let summaries = answer["deliveries"].as_array().expect("a list");
            let id = |summary: &Value| summary["id"].as_str().expect("an id").to_owned();
            let is_settled = |summary: &Value| {
                let delivery = self.api(&format!("deliveries/{}", id(summary)));
                !delivery["log"].is_null() && !delivery["explanation"].is_null()
            };
            if summaries.iter().all(is_settled) {
                return id(summaries
                    .iter()
                    .find(|summary| is_wanted(summary))
                    .expect("there is one"));
            }
            assert!(started_at.elapsed() < DEADLINE, "{summaries:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(server) = self.server.take() {
            // A panic of the server was printed, and has failed the test that it concerns.
            let _ = server.join();
        }
    }
}

/// Returns an event that no other test has: a FIFO queue would drop the second message of an event.
pub(crate) fn event(kind: Kind) -> Event {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    Event::new(kind, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the headers of an honest delivery, signed now.
pub(crate) fn signed(event: &Event) -> Vec<Header> {
    event.signed(DEVELOPMENT_SECRET, now())
}

/// Returns the condition that the list has this many rows.
pub(crate) fn rows(count: usize) -> String {
    format!("document.querySelectorAll('.row').length === {count}")
}

/// Removes the messages and records that other tests have left.
async fn empty(aws: &Aws, table: &str, queue: &str) {
    aws.take_messages(queue).await;
    for record in aws.records(table).await {
        let delete = aws.dynamodb.delete_item().table_name(table).key("id", record["id"].clone());
        delete.send().await.expect("a record is deleted");
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
