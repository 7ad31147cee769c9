//! What all parts of a run share: time, chance, the services and the network to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use crate::{
    agenda::{Action, Agenda, Moment, Timer},
    network::Network,
    plan::Plan,
    services::{Queue, Table, Vault},
    traffic::KEYS,
};

/// The world of one run. Only one thread uses it; the lock is there because the ports' futures must
/// be `Send`.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) agenda: Agenda,
    pub(crate) plan: Plan,
    pub(crate) network: Network,
    pub(crate) table: Table,
    pub(crate) queue: Queue,
    /// Acme's and Beta's.
    pub(crate) vaults: [Vault; 2],
    /// The invocation that is being polled.
    pub(crate) polled: usize,
    /// The times that invocations wait for.
    pub(crate) timers: Vec<Timer>,
    /// What happened outside of invocations and their requests.
    pub(crate) asides: Vec<(Moment, String)>,
}

impl Shared {
    pub(crate) fn new(rng: Rng, plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(World {
            rng,
            agenda: Agenda::default(),
            network: Network::new(&plan),
            table: Table::default(),
            queue: Queue::new(plan.fifo),
            vaults: KEYS.map(|keys| Vault { current: keys[0], previous: None }),
            plan,
            polled: 0,
            timers: Vec::new(),
            asides: Vec::new(),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) fn later(&mut self, after_ms: u64, action: Action) {
        let chance = self.rng.u32(..);
        self.agenda.add(after_ms, chance, action);
    }

    /// Decides whether something goes wrong now: with this likelihood, while the run has faults
    /// left.
    pub(crate) fn fault(&mut self, percent: u32) -> bool {
        let strikes = self.network.faults_left > 0 && self.rng.u32(..100) < percent;
        if strikes {
            self.network.faults_left -= 1;
        }
        strikes
    }

    pub(crate) fn aside(&mut self, text: String) {
        let moment = self.agenda.moment();
        self.asides.push((moment, text));
    }
}
