//! One line of JSON per message: ids, the event's type, the outcome, and never a payload.
//!
//! | field | meaning |
//! |---|---|
//! | `webhook.outcome` | `handled`, `duplicate`, `left` (it comes again) |
//! | `webhook.reason` | of one that was left, or whose mark is missing |
//! | `webhook.provider`, `webhook.event_type`, `webhook.event_id`, `webhook.idempotency_key`, `webhook.replay_of` | of the event |
//! | `webhook.message_id` | the queue's id for the message |

use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::filter_fn,
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::{
    batch::{Failure, Handled},
    event::Event,
};

/// JSON lines on standard output, which Lambda takes to its log group. Our own lines from `level` on; of dependencies
/// warnings and errors alone, since the SDK's traces hold bodies.
pub(crate) fn init(level: Level) {
    let enabled = move |metadata: &Metadata<'_>| {
        let ours = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        *metadata.level() <= if ours { level } else { level.min(Level::WARN) }
    };
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(lines.with_filter(filter_fn(enabled))).init();
}

pub(crate) fn handled(message_id: &str, event: &Event<'_>, handled: Handled) {
    let (outcome, reason) = match handled {
        Handled::Now => ("handled", None),
        Handled::Unmarked => ("handled", Some("the mark that it is done may be missing")),
        Handled::Before => ("duplicate", None),
    };
    let (provider, event_type) = event.provider_and_type();
    tracing::info!(
        webhook.outcome = outcome,
        webhook.reason = reason,
        webhook.provider = provider,
        webhook.event_type = event_type,
        webhook.event_id = event.id,
        webhook.idempotency_key = event.idempotency_key.as_str(),
        webhook.replay_of = event.replay_of,
        webhook.message_id = message_id,
        "message"
    );
}

pub(crate) fn left(message_id: &str, event: Option<&Event<'_>>, failure: &Failure) {
    let name = event.map(Event::provider_and_type);
    tracing::warn!(
        webhook.outcome = "left",
        webhook.reason = failure.to_string(),
        webhook.provider = name.map(|(provider, _)| provider),
        webhook.event_type = name.map(|(_, event_type)| event_type),
        webhook.event_id = event.map(|event| event.id.as_str()),
        webhook.idempotency_key = event.map(|event| event.idempotency_key.as_str()),
        webhook.replay_of = event.and_then(|event| event.replay_of.as_deref()),
        webhook.message_id = message_id,
        "message"
    );
}

pub(crate) fn not_a_batch(request_id: &str) {
    tracing::error!(
        webhook.outcome = "left",
        webhook.reason = "the event is no batch of SQS messages",
        webhook.request_id = request_id,
        "batch"
    );
}
