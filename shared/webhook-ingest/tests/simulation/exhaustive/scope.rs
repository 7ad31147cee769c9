//! What is walked: how many events, deliveries and faults there are, and the surroundings.

use std::time::Duration;

use fastrand::Rng;
use webhook_ingest::Settings;
use webhook_verify::Tolerance;

use crate::{
    flaws::Flaw,
    network::Fate,
    plan::{CLOCKS_APART_MS, Gaps, Plan},
    traffic::{Event, Kind, PINWHEEL},
};

/// Lambda ends an invocation after so long. Shorter than in the template, so that an instance whose clock is behind is ended
/// from outside, and one whose clock is ahead has hardly a second.
const TIMEOUT_MS: u64 = 6_000;
/// The client's patience with a reply that is lost.
pub(crate) const CLIENT_PATIENCE_MS: u64 = 2_000;
/// When a lease is over by every clock: 5 s for the margin, 5 s for clocks.
const LEASE_OVER_MS: u64 = TIMEOUT_MS + 10_000;
/// A late request arrives after so long: when its lease is over by every clock.
pub(crate) const LATE_MS: u64 = LEASE_OVER_MS + 1_000;
/// How long a signature of Pinwheel's is accepted. Its records live twice as long.
const TOLERANCE_S: u64 = 300;

/// The bounds of a walk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scope {
    pub(crate) kind: Kind,
    pub(crate) events: usize,
    /// Of each event.
    pub(crate) deliveries: u32,
    pub(crate) forgeries: u32,
    pub(crate) rotations: u32,
    /// An honest sender signs each attempt anew; else it repeats the first attempt's bytes.
    pub(crate) signs_anew: bool,
    /// How far the clock of the second instance is ahead of that of the first.
    pub(crate) second_ahead_ms: i64,
}

/// What can become of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallFate {
    Network(Fate),
    DeadBefore,
    DeadAfter,
}

/// The first is no fault.
pub(crate) const CALL_FATES: [CallFate; 9] = [
    CallFate::Network(Fate::Fine),
    CallFate::Network(Fate::ErrorBefore),
    CallFate::Network(Fate::ErrorAfter),
    CallFate::Network(Fate::RequestLost),
    CallFate::Network(Fate::ReplyLost),
    CallFate::Network(Fate::ReplyLate),
    CallFate::Network(Fate::RequestLate),
    CallFate::DeadBefore,
    CallFate::DeadAfter,
];

/// A fetch has no effect, so fewer differ.
pub(crate) const FETCH_FATES: [CallFate; 5] = [
    CallFate::Network(Fate::Fine),
    CallFate::Network(Fate::ErrorBefore),
    CallFate::Network(Fate::RequestLost),
    CallFate::Network(Fate::ReplyLost),
    CallFate::DeadBefore,
];

impl Scope {
    /// The times between a delivery and what was before it.
    ///
    /// While an invocation is in flight: at once, or 2 s later. When all are over: after the end of the invocation and before that
    /// of its lease; after the lease; just before SQS forgets the message, and just after; after the record's time.
    pub(crate) fn waits_ms(&self, in_flight: bool) -> &'static [u64] {
        const AFTER: [u64; 5] = [TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500, 285_000, 359_500, 367_000];
        const AFTER_PINWHEEL: [u64; 5] = [TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500, 285_000, 359_500, 607_000];
        match (in_flight, self.kind.provider()) {
            (true, _) => &[0, 2_000, TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500],
            (false, PINWHEEL) => &AFTER_PINWHEEL,
            (false, _) => &AFTER,
        }
    }

    pub(crate) fn new_events(&self) -> Vec<Event> {
        (0..self.events).map(|number| Event::new(self.kind, number)).collect()
    }

    pub(crate) fn plan(&self) -> Plan {
        let plan = Plan::draw(&mut Rng::with_seed(0), Gaps::Any);
        let tolerance = Tolerance { past: Duration::from_secs(TOLERANCE_S) };
        let retention = Duration::from_secs(2 * TOLERANCE_S);
        Plan {
            fifo: true,
            settings: Settings { tolerance, retention, ..plan.settings },
            secret_cache: Duration::from_hours(24),
            rotations_ms: [None; 2],
            faults: 0,
            client_attempts: 2,
            client_patience_ms: CLIENT_PATIENCE_MS,
            timeout_ms: TIMEOUT_MS,
            clocks_ahead_ms: [self.second_ahead_ms.min(0), self.second_ahead_ms.max(0)],
            lambda_ahead_ms: 0,
            service_ahead_ms: 0,
            sender_ahead_ms: 0,
            sweep_lag_ms: None,
            ..plan
        }
    }
}

/// The second instance's clock shows the same, or 5 s more or less.
pub(crate) const SECOND_AHEAD_MS: [i64; 3] = [0, CLOCKS_APART_MS, -CLOCKS_APART_MS];

/// How a walk is bounded beside its scope, and what is broken in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) faults: u32,
    pub(crate) steps: u32,
    pub(crate) flaw: Option<Flaw>,
}
