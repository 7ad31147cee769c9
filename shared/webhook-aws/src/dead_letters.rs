//! An operator's view of a dead-letter queue: receives its messages, and sends them back to the
//! queue that they came from.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    types::{
        Message, MessageSystemAttributeName, MessageSystemAttributeNameForSends, QueueAttributeName,
    },
};
use webhook_ingest::CallError;

use crate::{
    call_error::call_error, load::patient_timeouts, names::QueueUrl, sqs::system_attribute,
};

/// SQS's limit for one call.
const MOST_AT_ONCE: usize = 10;
/// With long polling, SQS queries all of the queue's servers instead of a sample, so that no
/// message is overlooked.
const WAIT_S: i32 = 1;

/// A dead-letter queue.
pub struct DeadLetters {
    client: Client,
    url: QueueUrl,
}

/// A message that was received and is hidden from other consumers for a while.
#[derive(Debug)]
pub struct DeadLetter(Message);

impl DeadLetters {
    /// Uses the queue at `url`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: QueueUrl) -> Self {
        let config =
            aws_sdk_sqs::config::Builder::from(config).timeout_config(patient_timeouts()).build();
        Self { client: Client::from_conf(config), url }
    }

    /// Receives at most `most` messages and hides them from other consumers for `hidden_for`.
    /// Returns no message if all are hidden, or wait behind a hidden message of their group.
    ///
    /// # Errors
    /// [`CallError`] if the call fails.
    pub async fn receive(
        &self,
        most: usize,
        hidden_for: Duration,
    ) -> Result<Vec<DeadLetter>, CallError> {
        let receive = self
            .client
            .receive_message()
            .queue_url(self.url.as_str())
            .max_number_of_messages(i32::try_from(most.clamp(1, MOST_AT_ONCE)).unwrap_or(1))
            .wait_time_seconds(WAIT_S)
            .visibility_timeout(i32::try_from(hidden_for.as_secs()).unwrap_or(i32::MAX))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = receive.send().await.map_err(|error| call_error(&error))?;
        Ok(received.messages.unwrap_or_default().into_iter().map(DeadLetter).collect())
    }

    /// Sends a copy of the message to the queue at `url`, with the same body, attributes, group and
    /// trace header. Returns the queue's id for the copy.
    ///
    /// The copy's deduplication id is made from the message's own id. The original deduplication
    /// id would not do: within five minutes of the first send, SQS would take the copy for a
    /// duplicate, answer that it was sent, and drop it. The new one is unknown to the queue. It is
    /// the same for each copy of a message, so SQS drops a second copy: one that is sent because
    /// the first response was lost, or because the process died before it deleted the message.
    ///
    /// # Errors
    /// [`CallError`] if the call fails.
    pub async fn send(&self, letter: &DeadLetter, url: &QueueUrl) -> Result<String, CallError> {
        let trace_header =
            letter.system_attribute(&MessageSystemAttributeName::AwsTraceHeader).map(|header| {
                [(MessageSystemAttributeNameForSends::AwsTraceHeader, system_attribute(header))]
                    .into()
            });
        let deduplication_id = url.is_fifo().then(|| format!("redrive#{}", letter.id()));
        let request = self
            .client
            .send_message()
            .queue_url(url.as_str())
            .message_body(letter.0.body.as_deref().unwrap_or_default())
            .set_message_attributes(letter.0.message_attributes.clone())
            .set_message_group_id(letter.group_id().map(str::to_owned))
            .set_message_deduplication_id(deduplication_id)
            .set_message_system_attributes(trace_header);
        let sent = request.send().await.map_err(|error| call_error(&error))?;
        sent.message_id.ok_or(CallError::UnexpectedResponse("a sent message without an id"))
    }

    /// Deletes the message.
    ///
    /// # Errors
    /// [`CallError`] if the call fails.
    pub async fn delete(&self, letter: &DeadLetter) -> Result<(), CallError> {
        let delete = self
            .client
            .delete_message()
            .queue_url(self.url.as_str())
            .receipt_handle(letter.handle());
        delete.send().await.map(drop).map_err(|error| call_error(&error))
    }

    /// Makes the message visible to other consumers again, at once.
    ///
    /// # Errors
    /// [`CallError`] if the call fails. The message then becomes visible when its visibility
    /// timeout ends.
    pub async fn release(&self, letter: &DeadLetter) -> Result<(), CallError> {
        let release = self
            .client
            .change_message_visibility()
            .queue_url(self.url.as_str())
            .receipt_handle(letter.handle());
        release.visibility_timeout(0).send().await.map(drop).map_err(|error| call_error(&error))
    }

    /// Returns about how many messages the queue has, hidden ones included.
    ///
    /// # Errors
    /// [`CallError`] if the call fails, or if the response has no number.
    pub async fn about(&self) -> Result<u64, CallError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self
            .client
            .get_queue_attributes()
            .queue_url(self.url.as_str())
            .set_attribute_names(Some(names.to_vec()));
        let got = get.send().await.map_err(|error| call_error(&error))?;
        let number = |name| got.attributes.as_ref()?.get(name)?.parse::<u64>().ok();
        names
            .iter()
            .map(number)
            .sum::<Option<u64>>()
            .ok_or(CallError::UnexpectedResponse("a queue without a number of messages"))
    }
}

impl DeadLetter {
    /// Returns the queue's id for the message.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.message_id.as_deref().unwrap_or_default()
    }

    /// Returns the id of its group: SQS keeps messages of one group in order.
    #[must_use]
    pub fn group_id(&self) -> Option<&str> {
        self.system_attribute(&MessageSystemAttributeName::MessageGroupId)
    }

    /// Returns the text of a message attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.message_attributes.as_ref()?.get(name)?.string_value.as_deref()
    }

    fn system_attribute(&self, name: &MessageSystemAttributeName) -> Option<&str> {
        self.0.attributes.as_ref()?.get(name).map(String::as_str)
    }

    fn handle(&self) -> &str {
        self.0.receipt_handle.as_deref().unwrap_or_default()
    }
}
