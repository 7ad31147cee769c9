//! What the inspector is set up with, and the server.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, broadcast},
};
use webhook_aws::SdkConfig;
use webhook_verify::Provider;

use crate::{
    api,
    deliveries::Deliveries,
    delivery::{Delivery, Summary},
    emulator::Emulator,
    journal::Journal,
    receive::RequestBody,
};

/// How many changes a slow reader of the stream may be behind.
const STREAM_CAPACITY: usize = 256;
/// Log lines are looked for in the seconds after a delivery, so older invocations need not be remembered.
const MAX_INVOCATIONS: usize = 1000;

/// The stack that is inspected, and where things are on this machine.
pub struct Setup {
    /// The emulator's endpoint, such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// How to reach the emulator's services.
    pub aws: SdkConfig,
    /// The front doors of the stack.
    pub receivers: Vec<Receiver>,
    /// The table with the records.
    pub table: String,
    /// The URL of the queue.
    pub queue_url: String,
    /// The URL of the dead-letter queue.
    pub dead_letter_queue_url: String,
    /// The bucket for bodies that are too large for the queue.
    pub payload_bucket: String,
    /// Where `cargo lambda watch` listens, such as `http://127.0.0.1:9000`.
    pub watch_endpoint: String,
    /// The folder that has `events/`.
    pub root: PathBuf,
    /// The file that keeps the deliveries.
    pub journal: PathBuf,
    /// Takes a line for each delivery.
    pub say: Box<dyn Fn(&str) + Send + Sync>,
}

/// The front door of a provider.
pub struct Receiver {
    /// Whose deliveries it takes.
    pub provider: &'static Provider,
    /// Its URL in the emulator.
    pub url: String,
    /// The name or ARN of its secret.
    pub secret_id: String,
    /// The name of its function.
    pub function_name: String,
}

/// The inspector, as its routes share it.
pub(crate) type Inspector = Arc<State>;

pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) port: u16,
    pub(crate) emulator: Emulator,
    pub(crate) client: Client<HttpConnector, RequestBody>,
    deliveries: Mutex<Deliveries>,
    journal: Mutex<Journal>,
    changes: broadcast::Sender<String>,
    /// The ids of the latest invocations whose log lines belong to deliveries.
    invocations: Mutex<VecDeque<String>>,
    /// One delivery is verified at a time: an explanation takes a core, and tens of megabytes.
    pub(crate) verifying: Semaphore,
    /// Held while a sample is written.
    pub(crate) samples: Mutex<()>,
}

/// Serves the inspector until the listener fails. The listener must be bound to 127.0.0.1. What the journal has of earlier runs
/// is there again.
///
/// # Errors
/// A name in the setup is invalid, the journal cannot be read or written, or the listener fails.
pub async fn serve(setup: Setup, listener: TcpListener) -> io::Result<()> {
    let state = State::new(setup, listener.local_addr()?.port())?;
    axum::serve(listener, api::router(Arc::new(state))).await
}

impl State {
    pub(crate) fn new(setup: Setup, port: u16) -> io::Result<Self> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let emulator = Emulator::new(&setup, client.clone()).map_err(io::Error::other)?;
        let mut deliveries = Deliveries::default();
        let mut journal = Journal::open(&setup.journal, &mut deliveries)?;
        journal.rewrite(&deliveries)?;
        Ok(Self {
            port,
            setup,
            emulator,
            client,
            deliveries: Mutex::new(deliveries),
            journal: Mutex::new(journal),
            changes: broadcast::channel(STREAM_CAPACITY).0,
            invocations: Mutex::default(),
            verifying: Semaphore::new(1),
            samples: Mutex::new(()),
        })
    }

    pub(crate) fn receiver(&self, provider: &str) -> Option<&Receiver> {
        self.setup.receivers.iter().find(|receiver| receiver.provider.name() == provider)
    }

    pub(crate) fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the invocation's log line does not belong to another delivery. From now on it belongs to one.
    pub(crate) fn claim_invocation(&self, id: &str) -> bool {
        let mut invocations = self.invocations.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = !invocations.iter().any(|claimed| claimed == id);
        if is_free {
            invocations.push_back(id.to_owned());
            if invocations.len() > MAX_INVOCATIONS {
                invocations.pop_front();
            }
        }
        is_free
    }

    /// Returns a new listener to changes.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<String> {
        self.changes.subscribe()
    }

    /// Keeps what is now known of a delivery, and tells the stream.
    pub(crate) fn keep(&self, delivery: Delivery) {
        let summary = Summary::of(&delivery).to_json();
        // First: who is told may ask at once.
        self.deliveries().put(delivery);
        // Fails if nobody listens.
        let _ = self.changes.send(summary);
    }

    /// Writes what is now known of a delivery into the journal.
    pub(crate) fn record(&self, delivery: &Delivery) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = journal.append(delivery, &self.deliveries()) {
            (self.setup.say)(&format!("{}: {error}", self.setup.journal.display()));
        }
    }
}
