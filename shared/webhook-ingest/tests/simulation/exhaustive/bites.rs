//! That the walk bites: each flaw is caught, with how many faults, and how.

use super::{Explored, explore, schedule, scope::{Bounds, SECOND_AHEAD_MS, Scope}, verdict::Broken};
use crate::{flaws::Flaw, traffic::Kind};

/// The scopes in which flaws are looked for, the smallest first.
fn scopes() -> Vec<Scope> {
    let mut scopes = Vec::new();
    for (events, deliveries, forgeries, rotations) in [(1, 2, 0, 0), (1, 2, 1, 0), (1, 2, 0, 1), (1, 3, 0, 1), (1, 3, 0, 0), (2, 1, 0, 0)] {
        for (kind, signs_anew) in [(Kind::EndgrateConfiguration, false), (Kind::EndgrateConfiguration, true), (Kind::PinwheelV2, true), (Kind::PinwheelV1, true)] {
            for second_ahead_ms in SECOND_AHEAD_MS {
                scopes.push(Scope { kind, events, deliveries, forgeries, rotations, signs_anew, second_ahead_ms });
            }
        }
    }
    scopes
}

/// How a flaw was caught.
struct Caught {
    faults: u32,
    scope: Scope,
    steps: u32,
    name: String,
    broken: Broken,
}

fn catch(flaw: Flaw, most_faults: u32) -> Option<Caught> {
    for faults in 0..=most_faults {
        for scope in scopes() {
            let bounds = Bounds { faults, steps: u32::MAX, flaw: Some(flaw) };
            if explore(scope, bounds).broken.is_none() {
                continue;
            }
            for steps in 1.. {
                if let Explored { broken: Some((name, broken)), .. } = explore(scope, Bounds { steps, ..bounds }) {
                    return Some(Caught { faults, scope, steps, name, broken });
                }
            }
        }
    }
    None
}

#[test]
fn each_flaw_is_caught() {
    for flaw in Flaw::ALL {
        let begun = std::time::Instant::now();
        match catch(flaw, 1) {
            Some(Caught { faults, scope, steps, name, broken }) => {
                eprintln!("{flaw:?} {faults} {steps} {name} {broken} {scope:?} {:?}", begun.elapsed());
                let bounds = Bounds { faults, steps, flaw: Some(flaw) };
                let choices: Vec<usize> = name.split('.').filter_map(|choice| choice.parse().ok()).collect();
                let ended = schedule::run(&mut super::walk::Path::given(&choices), scope, bounds, false, |_, _| {});
                eprintln!("{}", crate::history::history(&ended.finished));
            }
            None => eprintln!("{flaw:?} NOT CAUGHT {:?}", begun.elapsed()),
        }
    }
}
