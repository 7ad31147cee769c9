//! What is walked: how many events, deliveries and faults there are, and the surroundings.

use std::time::Duration;

use fastrand::Rng;
use webhook_ingest::Settings;
use webhook_verify::Tolerance;

use crate::{
    flaws::Flaw,
    network::Fate,
    plan::{CLOCKS_APART_MS, Gaps, Plan},
    traffic::{Event, FIRST, Kind},
};

/// How long an invocation lasts before Lambda kills it. This is shorter than in the template, so
/// that an instance whose clock is behind does get killed, and one whose clock is ahead has hardly
/// a second.
const TIMEOUT_MS: u64 = 6_000;
/// How long the client waits for a lost reply.
pub(crate) const CLIENT_PATIENCE_MS: u64 = 2_000;
/// When a lease is over by every clock: 5 s for the margin, 5 s for clocks.
const LEASE_OVER_MS: u64 = TIMEOUT_MS + 10_000;
/// How late a late request arrives: when its lease is over by every clock.
pub(crate) const LATE_MS: u64 = LEASE_OVER_MS + 1_000;
/// How long Acme's signatures are accepted. Its records are kept for twice as long.
const TOLERANCE_S: u64 = 300;

/// What a walk covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scope {
    pub(crate) kind: Kind,
    pub(crate) events: usize,
    /// How many deliveries of each event there are at most.
    pub(crate) deliveries: u32,
    /// How many deliveries of all events there are at most.
    pub(crate) in_all: u32,
    pub(crate) forgeries: u32,
    pub(crate) rotations: u32,
    /// Whether an honest sender signs each attempt again. If not, it repeats the first attempt's
    /// bytes.
    pub(crate) signs_anew: bool,
    /// How far the clock of the second instance is ahead of that of the first.
    pub(crate) second_ahead_ms: i64,
}

/// What can happen to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallFate {
    Network(Fate),
    DeadBefore,
    DeadAfter,
}

/// The fates of a call. Only the first is not a fault.
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

/// The fates of a fetch. It has no effect, so fewer of them make a difference.
pub(crate) const FETCH_FATES: [CallFate; 5] = [
    CallFate::Network(Fate::Fine),
    CallFate::Network(Fate::ErrorBefore),
    CallFate::Network(Fate::RequestLost),
    CallFate::Network(Fate::ReplyLost),
    CallFate::DeadBefore,
];

impl Scope {
    /// Returns the possible times between a delivery and what was before it.
    ///
    /// While an invocation is in flight: at once, or 2 s, 8 s or 16.5 s later. When all have ended:
    /// after the invocation and before the end of its lease; after the lease; just before SQS
    /// forgets the message; after that and just before the record expires; after the record has
    /// expired.
    pub(crate) fn waits_ms(&self, in_flight: bool) -> &'static [u64] {
        const AFTER: [u64; 5] =
            [TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500, 285_000, 359_500, 367_000];
        const AFTER_DATED: [u64; 5] =
            [TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500, 285_000, 359_500, 607_000];
        match (in_flight, self.kind.provider()) {
            (true, _) => &[0, 2_000, TIMEOUT_MS + 2_000, LEASE_OVER_MS + 500],
            (false, FIRST) => &AFTER_DATED,
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

/// A scope's name, without the clocks.
pub(crate) type Name = &'static str;

/// One event, twice.
const TWICE: Scope = Scope {
    kind: Kind::BetaState,
    events: 1,
    deliveries: 2,
    in_all: 2,
    forgeries: 0,
    rotations: 0,
    signs_anew: false,
    second_ahead_ms: 0,
};
const THREE_TIMES: Scope = Scope { deliveries: 3, in_all: 3, ..TWICE };
/// Three deliveries of two events of one group.
const TWO_EVENTS: Scope = Scope { events: 2, in_all: 3, ..TWICE };
const DATED: Scope = Scope { kind: Kind::AcmeV2, signs_anew: true, ..TWICE };

/// All scopes, the smaller ones first.
const SCOPES: [(Name, Scope); 12] = [
    ("twice", TWICE),
    ("twice-dated", DATED),
    ("twice-unsigned-id", Scope { kind: Kind::AcmeV1, ..DATED }),
    ("two-events-once", Scope { deliveries: 1, in_all: 2, ..TWO_EVENTS }),
    ("twice-rotated", Scope { rotations: 1, ..TWICE }),
    ("twice-forged-rotated", Scope { rotations: 1, forgeries: 1, signs_anew: true, ..TWICE }),
    ("three-times", THREE_TIMES),
    ("three-times-dated", Scope { kind: Kind::AcmeV2, signs_anew: true, ..THREE_TIMES }),
    ("two-events", TWO_EVENTS),
    ("two-events-rotated", Scope { rotations: 1, ..TWO_EVENTS }),
    (
        "three-times-forged-rotated",
        Scope { rotations: 1, forgeries: 1, signs_anew: true, ..THREE_TIMES },
    ),
    ("two-events-three-times", Scope { deliveries: 3, in_all: 6, ..TWO_EVENTS }),
];

/// The clock of the second instance shows the same as that of the first, or 5 s more or less.
pub(crate) const CLOCKS: [(Name, i64); 3] =
    [("", 0), ("+5", CLOCKS_APART_MS), ("-5", -CLOCKS_APART_MS)];

/// Returns a scope with each of the clocks, and the name of each.
pub(crate) fn with_clocks(name: Name) -> impl Iterator<Item = (String, Scope)> {
    let named = SCOPES.into_iter().filter(move |&(known, _)| known == name);
    named.flat_map(|(name, scope)| {
        CLOCKS.map(|(clock, second_ahead_ms)| {
            (format!("{name}{clock}"), Scope { second_ahead_ms, ..scope })
        })
    })
}

/// Returns all scopes with all clocks.
pub(crate) fn all() -> impl Iterator<Item = (String, Scope)> {
    SCOPES.into_iter().flat_map(|(name, _)| with_clocks(name))
}

/// How a walk is bounded in addition to its scope, and its flaw, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) faults: u32,
    pub(crate) steps: u32,
    pub(crate) flaw: Option<Flaw>,
}
