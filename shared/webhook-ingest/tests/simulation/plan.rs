//! The surroundings of a run: what its seed decides before it begins. Everything else is decided by
//! chance on the way.

use std::time::Duration;

use fastrand::Rng;
use webhook_ingest::Settings;
use webhook_verify::{FUTURE_TOLERANCE, MAX_BODY_BYTES, Provider, Tolerance, providers::PROVIDERS};

use crate::{
    network::{FATES, Fate},
    traffic::{EVERY_SHAPE, Event, Kind, PUBLIC_URL},
};

/// How far apart two clocks may be: the lease makes up for that much. Each run places the band of
/// its clocks anywhere within 5 s of the true time, so each clock is off by up to 5 s.
pub(crate) const CLOCKS_APART_MS: i64 = 5_000;
/// How far a sender's clock may be ahead: by less than 300 s, or its deliveries would be refused by
/// an instance whose clock is behind.
const SENDER_AHEAD_AT_MOST_MS: i64 = 294_000;

/// How long the record of a state event is kept, whatever is configured.
const STATE_RETENTION_MS: u64 = 360_000;

/// How long a sender waits between its attempts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gaps {
    /// Any length, drawn for each run.
    Any,
    /// Short enough that an event is done with before a FIFO queue forgets it.
    Short,
    /// About as long as a FIFO queue remembers, or longer.
    Long,
}

/// The surroundings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) providers: [&'static Provider; 2],
    /// The queue deduplicates for five minutes; a standard queue does not at all.
    pub(crate) fifo: bool,
    pub(crate) settings: Settings,
    /// How long an instance uses a secret before it fetches it again.
    pub(crate) secret_cache: Duration,
    /// How many events there are, each with its own sender.
    pub(crate) events: usize,
    /// How many more senders there are, each for an event that has one already.
    pub(crate) recurrences: usize,
    /// The latest time at which a sender or an attack begins.
    pub(crate) horizon_ms: u64,
    /// The first and the longest wait between two attempts of a sender. Each wait doubles the one
    /// before.
    pub(crate) gaps_ms: [u64; 2],
    /// How long a sender waits for a response.
    pub(crate) patience_ms: u64,
    /// Whether a sender signs each attempt again. If not, it repeats the first attempt's bytes.
    pub(crate) signs_anew: bool,
    /// How likely an attempt is delivered twice at once.
    pub(crate) twins_percent: u32,
    pub(crate) attacks: usize,
    /// For each provider: when the operator stores the new secret, and when the provider begins to
    /// sign with it.
    pub(crate) rotations_ms: [Option<[u64; 2]>; 2],
    /// How many faults there are at most.
    pub(crate) faults: u32,
    /// How likely a fault is, wherever one is possible.
    pub(crate) fault_percent: u32,
    /// The kind of all faults of requests; `None` for any kind.
    pub(crate) only_fate: Option<Fate>,
    pub(crate) crash_percent: u32,
    pub(crate) client_attempts: u32,
    /// How long the client waits for the reply to one request.
    pub(crate) client_patience_ms: u64,
    /// How long an invocation lasts before Lambda kills it.
    pub(crate) timeout_ms: u64,
    /// The band of all our clocks: how far the slowest and the fastest may be ahead of true time.
    pub(crate) clocks_ahead_ms: [i64; 2],
    /// How far Lambda's clock, by which it states deadlines, is ahead.
    pub(crate) lambda_ahead_ms: i64,
    /// How far `DynamoDB`'s clock, by which it deletes expired records, is ahead.
    pub(crate) service_ahead_ms: i64,
    pub(crate) sender_ahead_ms: i64,
    /// The longest delay with which an expired record is deleted; `None` if it never is.
    pub(crate) sweep_lag_ms: Option<u64>,
    /// While a function has this many idle instances, it starts no more.
    pub(crate) instances: usize,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng, gaps: Gaps) -> Self {
        let gaps_ms = match gaps {
            Gaps::Any => of(
                rng,
                &[[1_000, 20_000], [5_000, 60_000], [10_000, 400_000], [301_000, 1_200_000]],
            ),
            Gaps::Short => [1_000, 10_000],
            Gaps::Long => [290_000, 600_000],
        };
        let horizon_ms = match gaps {
            Gaps::Any => of(rng, &[50, 10_000, 100_000, 700_000, 2_000_000]),
            Gaps::Short => 10_000,
            Gaps::Long => 1_000_000,
        };
        let tolerance_s = of(rng, &[86_400, 86_400, 600, 300, 100]);
        let small = tolerance_s < 86_400;
        let tolerance = Tolerance { past: Duration::from_secs(tolerance_s) };
        // The shortest retention that the configuration accepts, or the default.
        let shortest = (2 * tolerance.past).max(Duration::from_secs(360));
        let retention = if small || rng.bool() { shortest } else { Duration::from_hours(720) };
        let schemes =
            EVERY_SHAPE.iter().chain(PROVIDERS).flat_map(|provider| provider.schemes()).collect();
        let public_url = Some(PUBLIC_URL.to_owned());
        let settings =
            Settings { tolerance, schemes, retention, max_body_bytes: MAX_BODY_BYTES, public_url };
        let first_clock = rng.i64(-CLOCKS_APART_MS..=0);
        let band = [first_clock, first_clock + CLOCKS_APART_MS];
        let quiet = rng.u32(..8) == 0;
        Self {
            providers: EVERY_SHAPE,
            fifo: gaps != Gaps::Any || rng.u32(..4) > 0,
            settings,
            secret_cache: Duration::from_mins(5),
            events: rng.usize(1..=3),
            recurrences: if gaps == Gaps::Any { rng.usize(..=1) } else { 0 },
            horizon_ms,
            gaps_ms,
            patience_ms: of(rng, &[4_000, 15_000]),
            signs_anew: small || rng.bool(),
            twins_percent: of(rng, &[0, 20, 60]),
            attacks: if gaps == Gaps::Any { rng.usize(..=4) } else { 0 },
            rotations_ms: [rotation(rng, horizon_ms), rotation(rng, horizon_ms)],
            faults: if quiet { 0 } else { rng.u32(1..=8) },
            fault_percent: of(rng, &[3, 10, 30]),
            only_fate: rng.bool().then(|| of(rng, &FATES)),
            crash_percent: of(rng, &[0, 10, 30]),
            client_attempts: rng.u32(1..=3),
            client_patience_ms: of(rng, &[2_000, 2_000, 60_000]),
            timeout_ms: of(rng, &[15_000, 15_000, 9_000, 6_000]),
            clocks_ahead_ms: band,
            lambda_ahead_ms: clock(rng, band),
            service_ahead_ms: clock(rng, band),
            sender_ahead_ms: of(rng, &[0, 0, SENDER_AHEAD_AT_MOST_MS]),
            sweep_lag_ms: of(rng, &[None, Some(1_000), Some(200_000)]),
            instances: rng.usize(2..=4),
        }
    }

    /// Returns the longest time for which the event's record may be kept. If the signature is dated
    /// ahead, the record is kept for a minute longer than the signature verifies.
    pub(crate) fn longest_retention_ms(&self, event: &Event) -> u64 {
        let verifies_s = self.settings.tolerance.past.as_secs() + FUTURE_TOLERANCE.as_secs() + 60;
        let retention_ms = self.retention_ms(event);
        if event.signs_time() { retention_ms.max(verifies_s * 1000) } else { retention_ms }
    }

    /// Returns how long the event's record must be kept at least.
    pub(crate) fn retention_ms(&self, event: &Event) -> u64 {
        if event.kind == Kind::BetaState {
            STATE_RETENTION_MS
        } else {
            self.settings.retention.as_secs() * 1000
        }
    }
}

/// Draws a clock within the band, often at one of its ends.
pub(crate) fn clock(rng: &mut Rng, [first, last]: [i64; 2]) -> i64 {
    match rng.u32(..6) {
        0 | 1 => first,
        2 | 3 => last,
        _ => rng.i64(first..=last),
    }
}

/// Draws when the operator stores the new secret, and when the provider begins to sign with it: up
/// to 20 s before or up to 40 s after.
fn rotation(rng: &mut Rng, horizon_ms: u64) -> Option<[u64; 2]> {
    (rng.u32(..4) == 0).then(|| {
        let at_ms = rng.u64(..=horizon_ms) + 20_000;
        [at_ms, at_ms - 20_000 + rng.u64(..60_000)]
    })
}

fn of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}
