//! Walks every schedule of a small scope: proof by exhaustion, in addition to the proof by chance.
//!
//! Pipeline, services, senders and flaws are those of the rest of this simulation, in virtual time.
//! But instead of drawing, a depth-first [`walk`] takes each option in turn. [`schedule`] has the
//! options: which invocation goes on, what happens to its call, when and where the next delivery
//! arrives, whether the secret is rotated before that, whether an expired record has been deleted.
//! Only what happens to calls counts as a fault, and a schedule has at most as many faults as asked
//! for.
//!
//! One of these things happens to a call: it works; it fails before its effect, or after it; the
//! request is lost; the reply is lost, and the client asks again after 2 s; the reply or the
//! request arrives only after the lease is over; the process dies before the effect, or after it.
//!
//! Each schedule is judged by [`verdict`]. Equal states are walked once; [`state`] says which are
//! equal, and [`reduction`] shows that nothing is lost by that. [`caught`] shows how each flaw is
//! caught.
//!
//! # Bounds
//!
//! Calls take no time, except through faults. A secret is fetched at once. Deliveries arrive at
//! only a few times: while something is in flight, at once or 2 s, 8 s or 16.5 s later; otherwise
//! 8 s after the one before (within its lease), 16.5 s (after its lease, by every clock), 285 s
//! (just before SQS forgets), 359.5 s (after SQS forgets, and just before the record expires) or
//! after the record has expired.
//!
//! # How to run it
//!
//! `make exhaustive` walks with up to three faults, `FAULTS=4 make exhaustive` with up to four.
//! `make test` walks a part with up to two. A schedule that breaks a promise is printed with its
//! timeline and the line that repeats it.

mod caught;
mod launch;
mod reduction;
mod schedule;
mod scope;
mod state;
mod table;
mod timeline;
mod verdict;
mod walk;

use std::{fmt, ops::ControlFlow};

use crate::{checks::Counts, flaws::Flaw};

use self::{
    schedule::{Ended, run},
    scope::{Bounds, Scope},
    verdict::{Broken, judge},
    walk::{Count, Path, walk},
};

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    pub(crate) count: Count,
    pub(crate) counts: Counts,
    /// The first schedule that breaks a promise: its choices.
    pub(crate) broken: Option<(String, Broken)>,
}

/// Walks all schedules of a scope, or until one breaks a promise.
pub(crate) fn explore(scope: Scope, bounds: Bounds) -> Explored {
    let mut counts = Counts::new();
    let (count, broken) = walk(|path| {
        let ended = run(path, scope, bounds, true, |_, _| {});
        match judge(&ended, &mut counts) {
            Ok(()) => ControlFlow::Continue(ended.visit),
            Err(broken) => ControlFlow::Break((path.name(), broken)),
        }
    });
    Explored { count, counts, broken }
}

/// One schedule. It is written like `three-times+5/2/NoFence/0.1.0`.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) scope: String,
    pub(crate) faults: u32,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) choices: String,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = self.flaw.map_or_else(|| "sound".to_owned(), |flaw| format!("{flaw:?}"));
        write!(f, "{}/{}/{flaw}/{}", self.scope, self.faults, self.choices)
    }
}

impl Schedule {
    fn read(text: &str) -> Option<Self> {
        let [scope, faults, flaw, choices] = text.split('/').collect::<Vec<_>>().try_into().ok()?;
        let flaw = Flaw::ALL.into_iter().find(|known| format!("{known:?}") == flaw);
        Some(Self {
            scope: scope.to_owned(),
            faults: faults.parse().ok()?,
            flaw,
            choices: choices.to_owned(),
        })
    }

    /// Runs this schedule alone.
    fn repeat(&self) -> Ended {
        let (_, scope) =
            scope::all().find(|(name, _)| *name == self.scope).expect("is the name of a scope");
        let choices: Vec<usize> =
            self.choices.split('.').filter_map(|choice| choice.parse().ok()).collect();
        let bounds = Bounds { faults: self.faults, steps: u32::MAX, flaw: self.flaw };
        run(&mut Path::given(&choices), scope, bounds, false, |_, _| {})
    }

    /// Returns what a reader needs to follow the schedule and to repeat it.
    fn report(&self, ended: &Ended) -> String {
        let verdict = judge(ended, &mut Counts::new())
            .map_or_else(|broken| broken.to_string(), |()| "kept".to_owned());
        format!(
            "{}\nverdict: {verdict}\nrepeat it: {VARIABLE}={self} cargo test -p \
             webhook-ingest --test simulation small_scope -- --nocapture\n",
            timeline::timeline(ended)
        )
    }
}

/// The variable with a schedule to run alone.
const VARIABLE: &str = "SIMULATION_SCHEDULE";
