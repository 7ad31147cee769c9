//! Events on SQS. What is over the queue's limit goes to S3, and a pointer to it on the queue.
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use webhook_ingest::{CallError, EventQueue, Message, SQS_MAX_BYTES};

use crate::{Config, ConfigError, PayloadPointer, client::Client, endpoint::Service};

/// Megabytes take longer than a record does.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A queue, and a bucket for what is too large for it.
pub struct SqsQueue {
    client: Client,
    url: String,
    fifo: bool,
    bucket: Option<Bucket>,
}

/// The bucket, and its name.
struct Bucket {
    client: Client,
    name: String,
}

impl SqsQueue {
    /// The queue at `url`: FIFO where it ends in `.fifo`.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`].
    pub fn new(config: &Config, url: String, bucket: Option<String>) -> Result<Self, ConfigError> {
        let bucket = bucket.map(|name| Bucket::new(config, name)).transpose()?;
        Ok(Self { client: Client::new(config, Service::Sqs)?, fifo: is_fifo(&url), url, bucket })
    }

    /// Opens the connection that the first send would open.
    pub async fn connect(&self) {
        self.client.open().await;
    }

    /// `payload_bytes`: the size of the payload that `body` points to.
    async fn send_body(
        &self,
        message: &Message,
        body: &str,
        payload_bytes: Option<usize>,
    ) -> Result<String, CallError> {
        let labels = message.attributes.iter().map(|(name, value)| (*name, Attribute::text(value)));
        let size = payload_bytes.map(|bytes| bytes.to_string());
        let size = size.as_deref().map(|size| (PayloadPointer::ATTRIBUTE, Attribute::number(size)));
        let trace_header = message.trace_header.as_deref();
        let input = SendMessage {
            queue_url: &self.url,
            message_body: body,
            message_group_id: &message.group_id,
            message_deduplication_id: self.fifo.then_some(&message.deduplication_id),
            message_attributes: labels.chain(size).collect(),
            message_system_attributes: trace_header.map(|header| TraceHeader { header: Attribute::text(header) }),
        };
        let answer = self.client.json("AmazonSQS.SendMessage", "application/x-amz-json-1.0", &input).await?;
        let sent: Result<Sent, _> = serde_json::from_slice(&answer);
        Ok(sent.map_err(|_| CallError::Answer("a sent message without an id"))?.message_id)
    }
}

impl Bucket {
    fn new(config: &Config, name: String) -> Result<Self, ConfigError> {
        let client = Client::at(config.bucket_endpoint(&name)?, config, Service::S3);
        Ok(Self { client: client.with_attempt_timeout(OBJECT_TIMEOUT), name })
    }
}

impl EventQueue for SqsQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        if message.size() <= SQS_MAX_BYTES {
            return self.send_body(message, &message.body, None).await;
        }
        let Bucket { client, name } = self.bucket.as_ref().ok_or(CallError::NoPayloadBucket)?;
        let (key, payload) = (&message.payload_key, &message.body);
        client.put(&format!("/{key}"), "application/json", payload.clone().into()).await?;
        let pointer = PayloadPointer { bucket: name.clone(), key: key.clone() };
        self.send_body(message, &pointer.to_string(), Some(payload.len())).await
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage<'a> {
    queue_url: &'a str,
    message_body: &'a str,
    message_group_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a String>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_system_attributes: Option<TraceHeader<'a>>,
}

#[derive(Serialize)]
struct TraceHeader<'a> {
    #[serde(rename = "AWSTraceHeader")]
    header: Attribute<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute<'a> {
    data_type: &'static str,
    string_value: &'a str,
}

impl<'a> Attribute<'a> {
    fn text(string_value: &'a str) -> Self {
        Self { data_type: "String", string_value }
    }

    fn number(string_value: &'a str) -> Self {
        Self { data_type: "Number", string_value }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: String,
}

/// SQS's own rule: a FIFO queue's name ends so, in lower case.
#[must_use]
pub fn is_fifo(url: &str) -> bool {
    url.strip_suffix(".fifo").is_some()
}
