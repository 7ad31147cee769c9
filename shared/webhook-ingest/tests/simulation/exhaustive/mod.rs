//! Every schedule of a small scope.

mod bites;
mod reduction;
mod schedule;
mod scope;
mod state;
mod verdict;
mod walk;

use std::{collections::BTreeSet, ops::ControlFlow};

use crate::{checks::Counts, traffic::Kind};

use self::{
    schedule::run,
    scope::{Bounds, Scope},
    verdict::{Broken, judge},
    walk::{Count, walk},
};

/// What a walk has found.
#[derive(Clone, Debug)]
pub(crate) struct Explored {
    pub(crate) count: Count,
    pub(crate) counts: Counts,
    /// The first schedule that breaks a promise.
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

#[test]
fn measure() {
    let var = |name: &str, default: u32| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    for kind in [Kind::EndgrateConfiguration, Kind::PinwheelV2] {
        for second_ahead_ms in scope::SECOND_AHEAD_MS {
            let scope = Scope {
                kind,
                events: var("EVENTS", 1) as usize,
                deliveries: var("DELIVERIES", 2),
                forgeries: var("FORGERIES", 0),
                rotations: var("ROTATIONS", 0),
                signs_anew: kind == Kind::PinwheelV2,
                second_ahead_ms,
            };
            for faults in var("FROM", 0)..=var("FAULTS", 1) {
                let begun = std::time::Instant::now();
                let bounds = Bounds { faults, steps: u32::MAX, flaw: None };
                let explored = explore(scope, bounds);
                eprintln!("{scope:?} {faults} {explored:?} {:?}", begun.elapsed());
            }
        }
    }
}
