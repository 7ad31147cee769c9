//! Events on SQS. What is over the queue's limit goes to S3, and a pointer to it on the queue.

use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Config,
    config::retry::RetryConfig,
    operation::send_message::builders::SendMessageFluentBuilder,
    types::{MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue},
};
use webhook_ingest::{CallError, EventQueue, Message, SQS_MAX_BYTES};

use crate::{
    connection::{open, ping},
    error::call_error,
    payloads::PayloadPointer,
    put_object::PutObject,
};

/// A queue, and a bucket for what is too large for it.
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: String,
    fifo: bool,
    bucket: Option<PutObject>,
}

impl SqsQueue {
    /// The queue at `url`: FIFO where it ends in `.fifo`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String, bucket: Option<String>) -> Self {
        let bucket = bucket.map(|name| PutObject::new(config, name));
        Self { client: aws_sdk_sqs::Client::new(config), fifo: is_fifo(&url), url, bucket }
    }

    /// Opens the connection that the first send would open.
    pub async fn connect(&self) {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let call = self.client.list_queues().customize().config_override(once).mutate_request(ping);
        open(call.send()).await;
    }

    /// A message with all but its body.
    fn addressed(&self, message: &Message) -> SendMessageFluentBuilder {
        let mut send = self.client.send_message().queue_url(&self.url).message_group_id(&message.group_id);
        if self.fifo {
            send = send.message_deduplication_id(&message.deduplication_id);
        }
        for (name, value) in &message.attributes {
            send = send.message_attributes(*name, attribute("String", value));
        }
        if let Some(trace_header) = &message.trace_header {
            send = send.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                system_attribute(trace_header),
            );
        }
        send
    }
}

impl EventQueue for SqsQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        let request = if message.size() > SQS_MAX_BYTES {
            let bucket = self.bucket.as_ref().ok_or(CallError::NoPayloadBucket)?;
            bucket.put(&message.payload_key, &message.body).await?;
            let pointer = PayloadPointer { bucket: bucket.bucket().to_owned(), key: message.payload_key.clone() };
            self.addressed(message)
                .message_body(pointer.to_string())
                .message_attributes(PayloadPointer::ATTRIBUTE, attribute("Number", &message.body.len().to_string()))
        } else {
            self.addressed(message).message_body(&message.body)
        };
        let sent = request.send().await.map_err(|error| call_error(&error))?;
        sent.message_id.ok_or(CallError::Answer("a sent message without an id"))
    }
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(data_type).string_value(value).build().expect("the data type is set")
}

pub(crate) fn system_attribute(value: &str) -> MessageSystemAttributeValue {
    MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .expect("the data type is set")
}

/// SQS's own rule: a FIFO queue's name ends so, in lower case.
pub(crate) fn is_fifo(url: &str) -> bool {
    url.strip_suffix(".fifo").is_some()
}
