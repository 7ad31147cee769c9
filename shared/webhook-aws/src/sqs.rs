//! Events on SQS. What is over the queue's limit goes to S3, and a pointer to it on the queue, as Amazon's SQS Extended
//! Client does it, so that its consumers read both.
//! Source: <https://github.com/awslabs/payload-offloading-java-common-lib-for-aws>, `PayloadS3Pointer`.

use std::time::Duration;

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::{
    operation::send_message::builders::SendMessageFluentBuilder,
    types::{MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue},
};
use webhook_ingest::{CallError, EventQueue, Message, SQS_MAX_BYTES};

use crate::{error::call_error, sdk::has_own_endpoint};

/// The class that the Extended Client (version 2 and later, Java and Python) writes before its pointer.
const POINTER_CLASS: &str = "software.amazon.payloadoffloading.PayloadS3Pointer";
/// By this attribute the Extended Client knows a pointer. A Number: the size of the payload in bytes.
const POINTER_ATTRIBUTE: &str = "ExtendedPayloadSize";
/// Megabytes take longer than a record does.
const PUT_OBJECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A queue, and a bucket for what is too large for it.
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: String,
    fifo: bool,
    bucket: Option<Bucket>,
}

struct Bucket {
    client: aws_sdk_s3::Client,
    name: String,
}

impl SqsQueue {
    /// The queue at `url`: FIFO where it ends in `.fifo`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String, bucket: Option<String>) -> Self {
        let bucket = bucket.map(|name| Bucket { client: s3_client(config), name });
        // SQS's own rule: a FIFO queue's name ends so, in lower case.
        let fifo = url.strip_suffix(".fifo").is_some();
        Self { client: aws_sdk_sqs::Client::new(config), url, fifo, bucket }
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
                MessageSystemAttributeValue::builder()
                    .data_type("String")
                    .string_value(trace_header)
                    .build()
                    .expect("the data type is set"),
            );
        }
        send
    }

    /// Puts the body into the bucket and returns the text that points to it.
    async fn offload(&self, message: &Message) -> Result<String, CallError> {
        let bucket = self.bucket.as_ref().ok_or(CallError::NoPayloadBucket)?;
        bucket
            .client
            .put_object()
            .bucket(&bucket.name)
            .key(&message.payload_key)
            .content_type("application/json")
            .body(ByteStream::from(message.body.clone().into_bytes()))
            .send()
            .await
            .map_err(|error| call_error(&error))?;
        let pointer = serde_json::json!([
            POINTER_CLASS,
            { "s3BucketName": bucket.name, "s3Key": message.payload_key },
        ]);
        Ok(pointer.to_string())
    }
}

impl EventQueue for SqsQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        let request = if message.size() > SQS_MAX_BYTES {
            self.addressed(message)
                .message_body(self.offload(message).await?)
                .message_attributes(POINTER_ATTRIBUTE, attribute("Number", &message.body.len().to_string()))
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

fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(has_own_endpoint())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(PUT_OBJECT_TIMEOUT).build())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
