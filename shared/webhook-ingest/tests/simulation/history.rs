//! A readable history of a run: one line for each thing that happened, in order.

use crate::{
    agenda::Moment,
    checks::Violation,
    network::{Effect, Fate},
    run::{End, Finished},
};

pub(crate) fn history(run: &Finished) -> String {
    let mut lines: Vec<(Moment, String)> = run.asides.clone();
    for (number, invocation) in run.invocations.iter().enumerate() {
        let sent = &invocation.sent;
        let provider = run.plan.providers[sent.provider].name();
        let (event, origin, kind) = (sent.event, sent.origin, run.events[sent.event].kind);
        let attempt = invocation.sender.map_or_else(String::new, |(sender, attempt)| {
            format!(", attempt {attempt} of sender s{sender}")
        });
        let (instance, ahead_ms) = (invocation.instance, invocation.ahead_ms);
        lines.push((
            invocation.arrived,
            format!(
                "#{number} begins: {origin:?} delivery of e{event} ({kind:?}) for \
                 {provider}{attempt}, at instance {instance}, whose clock is {ahead_ms} ms ahead"
            ),
        ));
        if let Some((at, end)) = &invocation.end {
            lines.push((
                *at,
                match end {
                    End::Answered(outcome) => format!("#{number} answers {outcome:?}"),
                    End::Crashed => format!("#{number} crashes"),
                    End::Killed => format!("#{number} is killed by Lambda at its deadline"),
                },
            ));
        }
    }
    for (exchange, entry) in run.exchanges.iter().enumerate() {
        let (number, operation) = (entry.invocation, entry.operation);
        let fate = if entry.fate == Fate::Fine {
            String::new()
        } else {
            format!(" (its fate: {:?})", entry.fate)
        };
        lines
            .push((entry.left, format!("#{number} sends request {exchange}: {operation:?}{fate}")));
        if let Some((at, effect)) = &entry.effect {
            let effect = match effect {
                Effect::Looked(result) => format!("looks: {result:?}"),
                Effect::Claimed { result, repeated } => {
                    let again = if *repeated { ", by its own token" } else { "" };
                    format!("claims: {result:?}{again}")
                }
                Effect::Completed(fenced) => format!("completes: {fenced:?}"),
                Effect::Released(fenced) => format!("releases: {fenced:?}"),
                Effect::Sent { message, new: true } => {
                    format!("puts message {message} on the queue")
                }
                Effect::Sent { message, new: false } => {
                    format!("is dropped as a duplicate of message {message}")
                }
                Effect::Fetched(vault) => format!("fetches {vault:?}"),
            };
            lines.push((*at, format!("    request {exchange} of #{number} {effect}")));
        }
        if let Some((at, good)) = entry.result {
            let result = if good { "a reply" } else { "an error" };
            lines.push((at, format!("#{number} gets {result} to request {exchange}")));
        }
        if let Some(at) = entry.abandoned {
            lines.push((at, format!("#{number} stops waiting for request {exchange}")));
        }
    }
    lines.sort_by_key(|&(at, _)| at);
    let lines: Vec<_> = lines
        .iter()
        .map(|(at, line)| format!("{:>6}.{:03} s  {line}", at.ms / 1000, at.ms % 1000))
        .collect();
    lines.join("\n")
}

/// Returns what is printed for a seed that fails.
pub(crate) fn report(seed: u64, test: &str, run: &Finished, violation: &Violation) -> String {
    let next = seed + 1;
    format!(
        "seed {seed}: {violation}\n\n{:?}\n\n{}\n\nseed {seed}: {violation}\nrepeat it with\n\
         SIMULATION_SEEDS={seed}..{next} cargo test -p webhook-ingest --test simulation {test}\n",
        run.plan,
        history(run)
    )
}
