//! That the walk bites: each flaw is caught, with how few faults, and how.

use super::{Schedule, explore, scope::{self, Bounds}, table::in_parallel};
use crate::flaws::Flaw;

/// How a flaw was caught: with the fewest faults, in the first scope, in the fewest steps.
fn catch(flaw: Flaw, most_faults: u32) -> Option<Schedule> {
    for faults in 0..=most_faults {
        for (scope, bounded) in scope::all() {
            if faults > 0 && scope.starts_with("two-events-three-times") { continue; }
            let bounds = Bounds { faults, steps: u32::MAX, flaw: Some(flaw) };
            if explore(bounded, bounds).broken.is_none() {
                continue;
            }
            let shortest = (1..).find_map(|steps| explore(bounded, Bounds { steps, ..bounds }).broken);
            return shortest.map(|(choices, _)| Schedule { scope, faults, flaw: Some(flaw), choices });
        }
    }
    None
}

#[test]
fn each_flaw_is_caught() {
    let most = std::env::var("MOST").map_or(0, |text| text.parse().expect("a number"));
    in_parallel(&Flaw::ALL, |&flaw| {
        match catch(flaw, most) {
            Some(caught) => eprintln!("== {flaw:?} {} {}\n{}", caught.faults, caught.scope, caught.report(&caught.repeat())),
            None => eprintln!("== {flaw:?} NOT CAUGHT"),
        }
    });
}
