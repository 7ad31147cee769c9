//! Tests that the walk catches each flaw. `caught.md` has the shortest schedules that catch them,
//! as timelines.

use super::{
    Schedule, explore,
    scope::{self, Bounds, Name, with_clocks},
    table::{asked, in_parallel},
};
use crate::flaws::Flaw;

/// The scopes in which flaws are searched for, the smaller ones first, and with how many faults at
/// most.
const SEARCHED: [(Name, u32); 8] = [
    ("twice", 2),
    ("twice-dated", 1),
    ("twice-unsigned-id", 1),
    ("two-events-once", 1),
    ("twice-rotated", 1),
    ("three-times", 2),
    ("three-times-dated", 1),
    ("two-events-rotated", 1),
];
const MOST_FAULTS: u32 = 2;

/// The flaws that no schedule catches, and why.
const HARMLESS: [(Flaw, &str); 1] = [(
    Flaw::CompleteWithoutFence,
    "An invocation that completes has sent the event. So what it writes into another's record is \
     true: the event is on the queue. Only `release` needs the fence.",
)];

const CAUGHT: &str = include_str!("caught.md");

/// Finds a schedule that catches the flaw: with the fewest faults, then in the first scope, then
/// with the fewest steps.
fn catch(flaw: Flaw) -> Option<Schedule> {
    for faults in 0..=MOST_FAULTS {
        let searched = SEARCHED.into_iter().filter(|&(_, most)| faults <= most);
        for (scope, bounded) in searched.flat_map(|(name, _)| with_clocks(name)) {
            let bounds = Bounds { faults, steps: u32::MAX, flaw: Some(flaw) };
            if explore(bounded, bounds).broken.is_none() {
                continue;
            }
            let shortest =
                (1..).find_map(|steps| explore(bounded, Bounds { steps, ..bounds }).broken);
            return shortest.map(|(choices, _)| Schedule {
                scope,
                faults,
                flaw: Some(flaw),
                choices,
            });
        }
    }
    None
}

/// Returns what a flaw's section of `caught.md` should be.
fn section(flaw: Flaw, caught: Option<&Schedule>) -> String {
    let Some(schedule) = caught else {
        let why =
            HARMLESS.iter().find(|(harmless, _)| *harmless == flaw).map_or("", |(_, why)| why);
        return format!("## {flaw:?}: not caught\n\n{why}\n");
    };
    let (faults, scope) = (schedule.faults, &schedule.scope);
    format!(
        "## {flaw:?}: k = {faults}, in `{scope}`\n```text\n{}```\n",
        schedule.report(&schedule.repeat())
    )
}

/// Returns a flaw's section of `caught.md` as it is.
fn written(flaw: Flaw) -> &'static str {
    let Some(begin) = CAUGHT.find(&format!("## {flaw:?}: ")) else { return "" };
    let text = &CAUGHT[begin..];
    &text[..text[2..].find("\n## ").map_or(text.len(), |end| end + 2)]
}

/// Reads the schedule in a section.
fn schedule(section: &str) -> Option<Schedule> {
    let (_, after) = section.split_once("SIMULATION_SCHEDULE=")?;
    Schedule::read(after.split(' ').next()?)
}

#[test]
fn each_flaw_is_caught_in_a_small_scope_as_it_is_written_down() {
    let searches = asked().is_some();
    let wrong = in_parallel(&Flaw::ALL, |&flaw| {
        let written = written(flaw);
        let caught = if searches { catch(flaw) } else { schedule(written) };
        let section = section(flaw, caught.as_ref());
        if let Some(Schedule { scope, faults: faults @ 1.., .. }) = caught {
            let (_, bounded) =
                scope::all().find(|(name, _)| *name == scope).expect("is the name of a scope");
            let fewer = Bounds { faults: faults - 1, steps: u32::MAX, flaw: Some(flaw) };
            assert_eq!(
                explore(bounded, fewer).broken,
                None,
                "{flaw:?} is caught with fewer faults"
            );
        }
        (section.trim_end() != written.trim_end()).then_some(section)
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "caught.md should say:\n{}", wrong.join("\n"));
}
