//! What is done with an event. **Your code goes here.**

use crate::event::Event;

/// Why the work failed. The text goes to the log: no payload in it.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct HandlerError(pub(crate) String);

/// Handles one event. Replace the body of this function.
///
/// `Ok` takes the message off the queue. An error leaves it there: it comes again after the queue's visibility timeout and,
/// after as many times as the queue allows, goes to the dead-letter queue. It is stopped where the invocation's time runs
/// out, which counts as an error.
///
/// It may run twice for one event (see the crate's documentation): make it safe to repeat, with `event.idempotency_key`.
#[expect(clippy::unused_async, reason = "what replaces it will wait for something")]
pub(crate) async fn handle(event: &Event<'_>) -> Result<(), HandlerError> {
    // match event.name.as_str() {
    //     "pinwheel.paystubs.added" => { let body: PaystubsAdded = serde_json::from_str(event.data.get())?; … }
    let (provider, event_type) = event.provider_and_type();
    tracing::info!(
        webhook.provider = provider,
        webhook.event_type = event_type,
        webhook.event_id = event.id,
        data_bytes = event.data.get().len(),
        "an event to work on"
    );
    Ok(())
}
