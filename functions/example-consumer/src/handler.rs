//! What is done with an event. **Your code goes here.**

use crate::event::Event;

/// Why the work failed. The text goes to the log: it must hold no payload.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct HandlerError(pub(crate) String);

/// Handles one event. Replace the body of this function.
///
/// `Ok` takes the message off the queue. After an error the message stays there: it comes again
/// after the queue's visibility timeout, and goes to the dead-letter queue after as many attempts
/// as the queue allows. When the invocation's time runs out, the work is stopped, which counts as
/// an error.
///
/// This function may run twice for one event (`main.rs` says when): make it safe to repeat, with
/// the help of `event.idempotency_key`.
#[expect(clippy::unused_async, reason = "the code that replaces this body will wait for something")]
pub(crate) async fn handle(event: &Event<'_>) -> Result<(), HandlerError> {
    // match event.name.as_str() {
    //     "acme.order.paid" => {
    //         let body: OrderPaid = serde_json::from_str(event.data.get())?;
    //         …
    //     }
    tracing::info!(
        webhook.idempotency_key = event.idempotency_key.as_str(),
        data_bytes = event.data.get().len(),
        "an event to work on"
    );
    Ok(())
}
