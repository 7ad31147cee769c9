//! Every schedule of a small scope.

mod schedule;
mod scope;
mod state;
mod walk;

use std::ops::ControlFlow;

use crate::{
    checks::{Counts, Violation, check_so_far},
    traffic::Kind,
};

use self::{
    scope::{Bounds, Scope},
    schedule::run,
    walk::{Count, walk},
};

pub(crate) fn explore(scope: Scope, bounds: Bounds, counts: &mut Counts) -> (Count, Option<(String, Violation)>) {
    walk(|path| {
        let ended = run(path, scope, bounds, true, |_| {});
        match check_so_far(&ended.finished, counts) {
            Ok(()) => ControlFlow::Continue(ended.visit),
            Err(violation) => ControlFlow::Break((path.name(), violation)),
        }
    })
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
            for faults in 0..=var("FAULTS", 1) {
                let begun = std::time::Instant::now();
                let bounds = Bounds { faults, steps: u32::MAX, flaw: None };
                let mut counts = Counts::new();
                let (count, found) = explore(scope, bounds, &mut counts);
                eprintln!("{scope:?} {faults} {count:?} {:?} {found:?} {counts:?}", begun.elapsed());
            }
        }
    }
}
