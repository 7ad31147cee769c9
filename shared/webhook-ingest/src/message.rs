//! A message for the queue: the envelope, and what the queue needs to know about it. The adapter
//! makes it fit what its queue accepts.

use webhook_verify::Event;

use crate::{
    clock::UnixMillis,
    envelope::{cloud_event_text, envelope},
    record::ClaimToken,
};

/// The message that is sent for an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The envelope: a `CloudEvents` JSON object.
    pub body: String,
    /// The provider's name.
    pub provider: String,
    /// The event's name without the provider's prefix, as the provider wrote it.
    pub event_type: String,
    /// The `id` in the envelope.
    pub event_id: String,
    /// Equal for all messages of one event; the queue keeps only one of them.
    pub idempotency_key: String,
    /// The name of the signature scheme.
    pub signature_scheme: String,
    /// What the event is about. Messages of one provider and group keep their order.
    pub group: String,
    /// The token of the claim under which the message is sent; the record has it too.
    pub claim_token: ClaimToken,
    /// The tracing header of the invocation.
    pub trace_header: Option<String>,
    /// Whether an operator put the event on the queue again.
    pub is_replay: bool,
}

impl Message {
    pub(crate) fn new(
        event: &Event<'_>,
        claim_token: ClaimToken,
        received_at: UnixMillis,
        trace_header: Option<String>,
    ) -> Self {
        Self {
            body: envelope(event, received_at),
            provider: event.provider().to_owned(),
            event_type: event.event_type().to_owned(),
            event_id: cloud_event_text(event.id()).into_owned(),
            idempotency_key: event.idempotency_key().to_owned(),
            signature_scheme: event.scheme().name.to_owned(),
            group: event.group().to_owned(),
            claim_token,
            trace_header,
            is_replay: false,
        }
    }
}
