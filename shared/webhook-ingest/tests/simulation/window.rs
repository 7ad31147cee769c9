//! The only window in which a FIFO queue may hold an event twice: each of its causes hits it, and
//! it excuses nothing else.

use webhook_ingest::{Fault, Outcome};

use crate::{
    LONG,
    checks::{Counts, Doubt, Violation, check},
    network::Fate,
    plan::Gaps,
    run::{End, Finished, Scenario, run},
    seeds::sweep,
};

#[test]
fn late_retries_hit_the_window_by_each_of_its_causes() {
    let swept = sweep(0..20_000, LONG);
    assert_eq!(swept.broken, None);
    for doubt in Doubt::ALL {
        assert!(swept.counts.contains_key(doubt.window()), "{doubt:?}: {:?}", swept.counts);
    }
}

#[test]
fn nothing_is_queued_twice_if_all_retries_come_within_5_min() {
    let scenario = Scenario { gaps: Gaps::Short, flaw: None };
    let swept = sweep(0..20_000, scenario);
    assert_eq!(swept.broken, None);
    assert_eq!(Doubt::ALL.map(|doubt| swept.counts.get(doubt.window())), [None; 3]);
}

/// Returns the first run whose double has this cause, and no other.
fn run_with(doubt: Doubt) -> Finished {
    let counted = |finished: &Finished| {
        let mut counts = Counts::new();
        assert_eq!(check(finished, &mut counts), Ok(()));
        Doubt::ALL.map(|doubt| counts.get(doubt.window()).copied().unwrap_or(0))
    };
    let alone = |counted: [u64; 3]| {
        Doubt::ALL.iter().zip(counted).all(|(&known, count)| (count > 0) == (known == doubt))
    };
    let mut runs = (0..).map(|seed| run(seed, LONG));
    runs.find(|finished| alone(counted(finished))).expect("seeds do not end")
}

#[test]
fn a_second_message_without_a_cause_in_the_history_is_a_violation() {
    for doubt in Doubt::ALL {
        let mut finished = run_with(doubt);
        for invocation in &mut finished.invocations {
            if let Some((_, end @ (End::Crashed | End::Killed))) = &mut invocation.end {
                *end = End::Answered(Outcome::Unavailable(Fault::DeadlineNear));
            }
        }
        for exchange in &mut finished.exchanges {
            exchange.fate = Fate::Fine;
        }
        let verdict = check(&finished, &mut Counts::new());
        assert!(matches!(verdict, Err(Violation::Twice { .. })), "{doubt:?}: {verdict:?}");
    }
}
