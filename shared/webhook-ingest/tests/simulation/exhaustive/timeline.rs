//! A readable timeline of a schedule: who made which call, what happened to it, and what was left.

use webhook_ingest::{ClaimResult, Fenced, Outcome};

use super::schedule::{BEGINS_MS, Ended};
use crate::{
    agenda::Moment,
    network::{Effect, Exchange, Fate, Operation},
    run::{End, status},
    traffic::Origin,
};

/// Returns one line for each thing that happens.
pub(crate) fn timeline(ended: &Ended) -> String {
    let run = &ended.finished;
    let mut lines: Vec<(Moment, String)> = run.asides.clone();
    for (number, invocation) in run.invocations.iter().enumerate() {
        let what = match invocation.sent.origin {
            Origin::Honest => "delivery",
            Origin::Replayed => "replay",
            Origin::Forged(_) => "forgery",
        };
        let instance = ["A", "B"][invocation.instance];
        let clock = match invocation.ahead_ms {
            0 => "",
            1.. => ", 5 s ahead",
            ..0 => ", 5 s behind",
        };
        let event = invocation.sent.event;
        lines.push((
            invocation.arrived,
            format!("#{number} {what} of event {event} at instance {instance}{clock}"),
        ));
        if let Some((at, end)) = &invocation.end {
            let end = match end {
                End::Answered(outcome) => format!("#{number} answers {}", answer(outcome)),
                End::Crashed => format!("#{number} is dead"),
                End::Killed => format!("#{number} is killed by Lambda"),
            };
            lines.push((*at, end));
        }
    }
    for exchange in &run.exchanges {
        lines.extend(lines_of(exchange));
    }
    lines.sort_by_key(|&(at, _)| at);
    let lines: Vec<_> = lines
        .iter()
        .map(|(at, line)| {
            let ms = at.ms - BEGINS_MS;
            format!("{:>5}.{} s  {line}", ms / 1000, ms % 1000 / 100)
        })
        .collect();
    format!("{}\n         left: {}", lines.join("\n"), ended.left)
}

fn answer(outcome: &Outcome) -> String {
    format!("{} {}", status(outcome), outcome.name())
}

/// Returns the lines of a request: two if it arrives late, otherwise one.
fn lines_of(exchange: &Exchange) -> Vec<(Moment, String)> {
    let number = exchange.invocation;
    let call = match exchange.operation {
        Operation::Claim => "claim",
        Operation::Complete => "complete",
        Operation::Release => "release",
        Operation::Send => "send",
        Operation::Fetch => "fetch",
    };
    let fate = match exchange.fate {
        Fate::Fine => "",
        Fate::ErrorBefore => ": error, before its effect",
        Fate::ErrorAfter => ": error, after its effect",
        Fate::RequestLost => ": the request is lost",
        Fate::ReplyLost => ": the reply is lost",
        Fate::RequestLate => ": late",
        Fate::ReplyLate => ": the reply is late",
    };
    let done = exchange.effect.as_ref().map(|(at, effect)| (*at, effect_of(effect)));
    match (exchange.fate, done) {
        (Fate::RequestLate, Some((at, effect))) => vec![
            (exchange.left, format!("  #{number} {call}{fate}")),
            (at, format!("  #{number} {call} arrives: {effect}")),
        ],
        (_, Some((at, effect))) => vec![(at, format!("  #{number} {call}{fate}: {effect}"))],
        (Fate::Fine, None) => vec![(exchange.left, format!("  #{number} {call}: not made"))],
        (_, None) => vec![(exchange.left, format!("  #{number} {call}{fate}"))],
    }
}

fn effect_of(effect: &Effect) -> String {
    let claimed = |result: &ClaimResult| match result {
        ClaimResult::Claimed { taken_over: false } => "claimed",
        ClaimResult::Claimed { taken_over: true } => "taken over",
        ClaimResult::InProgress { .. } => "in flight",
        ClaimResult::Enqueued { .. } => "on the queue before",
    };
    match effect {
        Effect::Looked(result) => format!("sees {}", claimed(result)),
        Effect::Claimed { result, .. } => claimed(result).to_owned(),
        Effect::Completed(Fenced::Applied) => "marked".to_owned(),
        Effect::Released(Fenced::Applied) => "given back".to_owned(),
        Effect::Completed(Fenced::NotOwner) | Effect::Released(Fenced::NotOwner) => {
            "not its own".to_owned()
        }
        Effect::Sent { message, new: true } => format!("message {message} is on the queue"),
        Effect::Sent { message, new: false } => format!("dropped, as message {message} is there"),
        Effect::Fetched(vault) if vault.previous.is_some() => "both secrets".to_owned(),
        Effect::Fetched(_) => "the secret".to_owned(),
    }
}
