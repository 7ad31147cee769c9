//! Every schedule of a small scope: proof by exhaustion, beside the proof by chance.
//!
//! The same pipeline, services, senders and flaws as in the rest of this simulation, in virtual
//! time; but where that draws, a depth-first [`walk`] takes each way in turn. What there is to
//! choose, [`schedule`] says: which invocation goes on, what becomes of its call, when and where
//! the next delivery arrives, whether the secret is rotated before, whether a record whose time is
//! over has been deleted. Only what becomes of calls counts as a fault, and a schedule has at most
//! as many as asked for.
//!
//! A call is done; fails before its effect, or after it; is lost on its way; its reply is lost, and
//! the client asks again after 2 s; its answer comes when the lease is over, or the request itself
//! does; or the process dies before it, or after it.
//!
//! Each schedule is judged by [`verdict`]. Equal states are walked once; [`state`] says which are
//! equal, and [`reduction`] shows that nothing is lost by that. [`bites`] shows how each flaw is
//! caught.
//!
//! # Bounds
//!
//! Calls take no time but for their faults; a fetch of the secret is made at once. Times are a few:
//! while something is in flight a delivery arrives at once or 2 s later; else 8 s after the one
//! before (within the lease), 16.5 s (after it, by every clock), 285 s (just before SQS forgets),
//! 359.5 s (after, and just before the record's end) or after the record's end.
//!
//! # How to run it
//!
//! `make exhaustive` walks with up to three faults, `FAULTS=4 make exhaustive` with four. `make
//! test` walks a part with up to two. A schedule that breaks a promise is printed with its
//! timeline, and with the line that repeats it alone.

mod bites;
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

/// What a walk has found.
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

/// One schedule, as it is written: `three-times+5/2/NoFence/0.1.0`.
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

    /// Runs it alone.
    fn repeat(&self) -> Ended {
        let (_, scope) =
            scope::all().find(|(name, _)| *name == self.scope).expect("is the name of a scope");
        let choices: Vec<usize> =
            self.choices.split('.').filter_map(|choice| choice.parse().ok()).collect();
        let bounds = Bounds { faults: self.faults, steps: u32::MAX, flaw: self.flaw };
        run(&mut Path::given(&choices), scope, bounds, false, |_, _| {})
    }

    /// What a reader needs to follow it, and to repeat it.
    fn report(&self, ended: &Ended) -> String {
        let verdict = judge(ended, &mut Counts::new())
            .map_or_else(|broken| broken.to_string(), |()| "kept".to_owned());
        format!(
            "{}\nverdict: {verdict}\nrepeat it with\n{VARIABLE}={self} cargo test -p webhook-ingest --test simulation \
             small_scope -- --nocapture\n",
            timeline::timeline(ended)
        )
    }
}

/// The variable that names a schedule to be run alone.
const VARIABLE: &str = "SIMULATION_SCHEDULE";
