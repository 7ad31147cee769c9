//! Sends events to SQS. The body of a message that is too large for the queue goes to S3, and a
//! pointer to it goes to the queue.
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.

use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::send_message::{SendMessageError, SendMessageOutput},
    types::{
        MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    },
};
use webhook_ingest::{CallError, EventQueue, Message};
use webhook_verify::sha256_hex;

use crate::{
    call_error::{call_error, retry_kms_throttling},
    connection,
    limits::{
        SQS_MAX_BYTES, group_id, message_attributes, message_body, message_size, trace_header,
    },
    names::{BucketName, QueueUrl},
    payload_bucket::PayloadBucket,
    payload_pointer::PayloadPointer,
};

/// A queue, and a bucket for messages that are too large for it.
pub struct SqsQueue {
    client: Client,
    url: QueueUrl,
    bucket: Option<PayloadBucket>,
}

impl SqsQueue {
    /// Sends to the queue at `url`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: QueueUrl, bucket: Option<BucketName>) -> Self {
        let sqs = aws_sdk_sqs::config::Builder::from(config)
            .retry_classifier(retry_kms_throttling::<SendMessageError>());
        let bucket = bucket.map(|name| PayloadBucket::new(config, name));
        Self { client: Client::from_conf(sqs.build()), url, bucket }
    }

    /// Opens the connection that the first send would open.
    pub async fn connect(&self) {
        let ping = self.client.list_queues().customize().mutate_request(connection::to_ping);
        connection::open(async move { ping.send().await.is_ok() }).await;
    }

    /// Sends the message with this body. `payload_bytes` is the size of the payload that the body
    /// points to.
    async fn send_body(
        &self,
        message: &Message,
        attributes: &[(&'static str, String)],
        body: &str,
        payload_bytes: Option<usize>,
    ) -> Result<SendMessageOutput, SdkError<SendMessageError>> {
        let mut send = self
            .client
            .send_message()
            .queue_url(self.url.as_str())
            .message_body(body)
            .message_group_id(group_id(&message.provider, &message.group));
        if self.url.is_fifo() {
            send = send.message_deduplication_id(sha256_hex(message.idempotency_key.as_bytes()));
        }
        for (name, value) in attributes {
            send = send.message_attributes(*name, attribute("String", value));
        }
        if let Some(bytes) = payload_bytes {
            send = send.message_attributes(
                PayloadPointer::ATTRIBUTE,
                attribute("Number", &bytes.to_string()),
            );
        }
        if let Some(header) = message.trace_header.as_deref().and_then(trace_header) {
            send = send.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                system_attribute(header),
            );
        }
        send.send().await
    }

    /// Puts the body into the bucket and a pointer to it on the queue.
    async fn send_pointer(
        &self,
        message: &Message,
        attributes: &[(&'static str, String)],
        body: &str,
    ) -> Result<SendMessageOutput, CallError> {
        let bucket = self.bucket.as_ref().ok_or(CallError::MessageTooLarge)?;
        // Unique per claim: if two messages shared an object, the consumer of the first could
        // delete it before the second is read.
        let key = format!("{}/{}", message.provider, message.claim_token);
        let pointer = bucket.put(key, body).await?;
        let sent =
            self.send_body(message, attributes, &pointer.to_string(), Some(body.len())).await;
        sent.map_err(|error| call_error(&error))
    }
}

impl EventQueue for SqsQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        let attributes = message_attributes(message);
        let body = message_body(&message.body);
        let sent = if message_size(&body, &attributes) > SQS_MAX_BYTES {
            self.send_pointer(message, &attributes, &body).await?
        } else {
            match self.send_body(message, &attributes, &body, None).await {
                Ok(sent) => sent,
                Err(error) if is_too_large(&error) => {
                    self.send_pointer(message, &attributes, &body).await?
                }
                Err(error) => return Err(call_error(&error)),
            }
        };
        sent.message_id.ok_or(CallError::UnexpectedResponse("a sent message without an id"))
    }
}

/// Returns whether the queue refused the message because of its size: a queue may accept less than
/// SQS does (`MaximumMessageSize`). SQS has no error code for that; only the text of a general
/// error says so.
fn is_too_large(error: &SdkError<SendMessageError>) -> bool {
    error.code().is_some_and(|code| code.starts_with("InvalidParameterValue"))
        && error.message().is_some_and(|message| message.contains("shorter than"))
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    let attribute =
        MessageAttributeValue::builder().data_type(data_type).string_value(value).build();
    attribute.expect("the data type is set")
}

pub(crate) fn system_attribute(value: &str) -> MessageSystemAttributeValue {
    let attribute =
        MessageSystemAttributeValue::builder().data_type("String").string_value(value).build();
    attribute.expect("the data type is set")
}
