//! The inspector's setup, its state, and its server.

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

/// How many changes a reader of the stream may lag behind.
const STREAM_CAPACITY: usize = 256;
/// How many invocations are remembered. Log lines are looked for only in the seconds after a
/// delivery, so older invocations do not matter.
const MAX_INVOCATIONS: usize = 1000;

/// The stack to inspect, and where things are on this machine.
pub struct Setup {
    /// The emulator's endpoint, such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// The SDK's configuration for the emulator's services.
    pub aws: SdkConfig,
    /// The receivers of the stack.
    pub receivers: Vec<Receiver>,
    /// The name of the idempotency table.
    pub table: String,
    /// The URL of the queue.
    pub queue_url: String,
    /// The URL of the dead-letter queue.
    pub dead_letter_queue_url: String,
    /// The bucket for messages that are too large for the queue.
    pub payload_bucket: String,
    /// Where `cargo lambda watch` listens, such as `http://127.0.0.1:9000`.
    pub watch_endpoint: String,
    /// The folder that has `events/`.
    pub root: PathBuf,
    /// The file that keeps the deliveries over a restart.
    pub journal: PathBuf,
    /// Prints a line for each delivery.
    pub say: Box<dyn Fn(&str) + Send + Sync>,
}

/// A function that receives the deliveries of a provider.
pub struct Receiver {
    /// The provider whose deliveries it receives.
    pub provider: &'static Provider,
    /// Its URL in the emulator.
    pub url: String,
    /// The name or ARN of its secret.
    pub secret_id: String,
    /// The name of its function.
    pub function_name: String,
}

/// The state that all routes share.
pub(crate) type Inspector = Arc<State>;

pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) port: u16,
    pub(crate) emulator: Emulator,
    pub(crate) client: Client<HttpConnector, RequestBody>,
    deliveries: Mutex<Deliveries>,
    journal: Mutex<Journal>,
    changes: broadcast::Sender<String>,
    /// The latest invocations whose log lines have been found, by request id.
    invocations: Mutex<VecDeque<String>>,
    /// Lets one delivery be verified at a time: an explanation takes a core and tens of megabytes.
    pub(crate) verifying: Semaphore,
    /// Held while a sample is written.
    pub(crate) samples: Mutex<()>,
}

/// Serves the inspector until the listener fails. The listener must be bound to 127.0.0.1.
/// Deliveries of earlier runs are read from the journal.
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

    /// Claims an invocation's log line for a delivery. Returns `false` if it belongs to another
    /// one.
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

    /// Returns a new listener for changes.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<String> {
        self.changes.subscribe()
    }

    /// Holds what is now known about a delivery, and sends it to the stream.
    pub(crate) fn keep(&self, delivery: Delivery) {
        let summary = Summary::of(&delivery).to_json();
        // This comes first: a page that hears of the delivery may ask for it at once.
        self.deliveries().put(delivery);
        // It fails if nobody listens.
        let _ = self.changes.send(summary);
    }

    /// Writes what is now known about a delivery into the journal.
    pub(crate) fn record(&self, delivery: &Delivery) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = journal.append(delivery, &self.deliveries()) {
            (self.setup.say)(&format!("{}: {error}", self.setup.journal.display()));
        }
    }
}
