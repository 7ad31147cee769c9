//! The stack's services in the emulator: secrets, records, queues, logs.
//!
//! Queues are read at the emulator's own `/_ministack/sqs/messages`, which shows messages without
//! receiving them. So nothing is hidden from consumers, no receive is counted, and no group of a
//! FIFO queue is blocked. Even a `ReceiveMessage` with a visibility timeout of zero would block the
//! group. AWS has no such path, but this module never talks to AWS.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use webhook_aws::{
    BucketName, PayloadBucket, PayloadPointer, SecretId, SecretsManager, attribute::RECEIVED_AT,
};
use webhook_ingest::{SecretStore, StoredSecrets};

use crate::{
    inspector::{Receiver, Setup},
    receive::RequestBody,
};

/// The most messages or records that are listed.
const MAX_LISTED: usize = 500;
/// About how many bytes of payloads from the bucket are listed at most.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

/// A failed call, as a message for the reader.
#[derive(Debug)]
pub(crate) struct EmulatorError(String);

impl EmulatorError {
    fn new(call: &str, reason: impl fmt::Display) -> Self {
        Self(format!("{call} in the emulator: {reason}"))
    }
}

impl fmt::Display for EmulatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) struct Emulator {
    endpoint: String,
    client: Client<HttpConnector, RequestBody>,
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    bucket: PayloadBucket,
    secrets: BTreeMap<&'static str, SecretsManager>,
}

impl Emulator {
    pub(crate) fn new(
        setup: &Setup,
        client: Client<HttpConnector, RequestBody>,
    ) -> Result<Self, String> {
        let bucket: BucketName =
            setup.payload_bucket.parse().map_err(|error| format!("{error}"))?;
        let mut secrets = BTreeMap::new();
        for receiver in &setup.receivers {
            let id: SecretId = receiver.secret_id.parse().map_err(|error| format!("{error}"))?;
            secrets.insert(receiver.provider.name(), SecretsManager::new(&setup.aws, id));
        }
        Ok(Self {
            endpoint: setup.endpoint.clone(),
            client,
            dynamodb: aws_sdk_dynamodb::Client::new(&setup.aws),
            table: setup.table.clone(),
            bucket: PayloadBucket::new(&setup.aws, bucket),
            secrets,
        })
    }

    /// Returns the provider's secret: the current version, and the one before it.
    pub(crate) async fn secrets(&self, provider: &str) -> Result<StoredSecrets, EmulatorError> {
        let secrets = self
            .secrets
            .get(provider)
            .ok_or_else(|| EmulatorError::new("GetSecretValue", "no such secret"))?;
        secrets.fetch().await.map_err(|error| EmulatorError::new("GetSecretValue", error))
    }

    /// Returns the record of an event.
    pub(crate) async fn record(
        &self,
        idempotency_key: &str,
    ) -> Result<Option<Value>, EmulatorError> {
        let get = self.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key("id", AttributeValue::S(idempotency_key.to_owned())).send().await;
        let item = get.map_err(|error| EmulatorError::new("GetItem", error))?.item;
        Ok(item.map(|item| attributes(&item)))
    }

    /// Returns the newest records, ordered by when their events were received, and whether there
    /// are more.
    pub(crate) async fn records(&self) -> Result<(Vec<Value>, bool), EmulatorError> {
        let scan = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut items: Vec<_> =
            scan.try_collect().await.map_err(|error| EmulatorError::new("Scan", error))?;
        let received_at =
            |item: &HashMap<String, AttributeValue>| item.get(RECEIVED_AT)?.as_s().ok().cloned();
        items.sort_by_cached_key(received_at);
        let (items, is_truncated) = newest(items);
        Ok((items.iter().map(attributes).collect(), is_truncated))
    }

    /// Returns the newest messages on a queue, in their order, and whether there are more.
    pub(crate) async fn messages(
        &self,
        queue_url: &str,
    ) -> Result<(Vec<Message>, bool), EmulatorError> {
        let (peeked, mut is_truncated) = newest(self.peek(queue_url).await?);
        let mut messages = VecDeque::new();
        let mut bytes = 0;
        for message in peeked.into_iter().rev() {
            if bytes > MAX_PAYLOAD_BYTES {
                is_truncated = true;
                break;
            }
            let message = self.open(message).await;
            bytes += message.payload.as_ref().map_or(0, String::len);
            messages.push_front(message);
        }
        Ok((messages.into(), is_truncated))
    }

    /// Returns the message of an event, if it is on the queue.
    pub(crate) async fn message(
        &self,
        queue_url: &str,
        idempotency_key: &str,
    ) -> Result<Option<Message>, EmulatorError> {
        let is_of = |message: &PeekedMessage| {
            let key = message
                .attributes
                .get("idempotency_key")
                .and_then(|attribute| attribute.value.as_deref());
            key == Some(idempotency_key)
        };
        match self.peek(queue_url).await?.into_iter().find(is_of) {
            Some(message) => Ok(Some(self.open(message).await)),
            None => Ok(None),
        }
    }

    /// Reads a queue without receiving its messages.
    async fn peek(&self, queue_url: &str) -> Result<Vec<PeekedMessage>, EmulatorError> {
        const PEEK: &str = "reading a queue";
        let url = format!("{}/_ministack/sqs/messages?QueueUrl={queue_url}", self.endpoint);
        let request = Request::get(url).body(RequestBody::default());
        let (status, body) = self.call(PEEK, request).await?;
        if status != StatusCode::OK {
            return Err(EmulatorError::new(PEEK, status));
        }
        let peeked: Peeked =
            serde_json::from_slice(&body).map_err(|error| EmulatorError::new(PEEK, error))?;
        let regions = peeked.messages.into_values().flat_map(BTreeMap::into_values);
        Ok(regions.flat_map(BTreeMap::into_values).flatten().collect())
    }

    /// Reads a message, and the payload that it points to.
    async fn open(&self, peeked: PeekedMessage) -> Message {
        let mut payload = None;
        let pointer = PayloadPointer::parse(&peeked.body);
        if let Some(pointer) = &pointer {
            payload = self.bucket.get(pointer).await.ok();
        }
        let envelope = payload.as_deref().unwrap_or(&peeked.body);
        let attributes = peeked
            .attributes
            .into_iter()
            .filter_map(|(name, attribute)| Some((name, attribute.value?)));
        Message {
            id: peeked.message_id,
            envelope: RawValue::from_string(envelope.to_owned())
                .ok()
                .filter(|_| pointer.is_none() || payload.is_some()),
            attributes: attributes.collect(),
            group_id: peeked.group_id,
            deduplication_id: peeked.deduplication_id,
            is_offloaded: pointer.is_some(),
            payload,
            receive_count: peeked.receive_count,
        }
    }

    /// Returns the lines that a receiver's function has logged for deliveries since `since_ms`, or
    /// none if the log cannot be read.
    pub(crate) async fn log_lines(&self, receiver: &Receiver, since_ms: i64) -> Vec<Value> {
        const CALL: &str = "FilterLogEvents";
        let log_group = format!("/aws/lambda/{}", receiver.function_name);
        let question = json!({ "logGroupName": log_group, "startTime": since_ms });
        let request = Request::post(format!("{}/", self.endpoint))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{CALL}"))
            // The emulator reads the caller's account from this, but does not check the signature.
            .header(
                header::AUTHORIZATION,
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(RequestBody::from(question.to_string()));
        // The log group does not exist before the first invocation.
        let Ok((StatusCode::OK, body)) = self.call(CALL, request).await else { return Vec::new() };
        let Ok(LogEvents { events }) = serde_json::from_slice(&body) else { return Vec::new() };
        let lines =
            events.iter().filter_map(|event| serde_json::from_str::<Value>(&event.message).ok());
        lines.filter(|line| line["message"] == "delivery").collect()
    }

    async fn call(
        &self,
        call: &str,
        request: Result<Request<RequestBody>, axum::http::Error>,
    ) -> Result<(StatusCode, Bytes), EmulatorError> {
        let request = request.map_err(|error| EmulatorError::new(call, error))?;
        let response =
            self.client.request(request).await.map_err(|error| EmulatorError::new(call, error))?;
        let (parts, body) = response.map(Body::new).into_parts();
        let body = body.collect().await.map_err(|error| EmulatorError::new(call, error))?;
        Ok((parts.status, body.to_bytes()))
    }
}

/// A message on a queue.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    envelope: Option<Box<RawValue>>,
    attributes: BTreeMap<String, String>,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    is_offloaded: bool,
    payload: Option<String>,
    receive_count: u64,
}

impl Message {
    /// Returns the message as JSON. The envelope is as it was sent, so no number loses digits.
    pub(crate) fn to_json(&self) -> Box<RawValue> {
        let attribute = |name: &str| self.attributes.get(name).map(String::as_str);
        let members = [
            ("message_id", json!(self.id)),
            ("attributes", json!(self.attributes)),
            ("group_id", json!(self.group_id)),
            ("deduplication_id", json!(self.deduplication_id)),
            ("offloaded", json!(self.is_offloaded)),
            ("payload", json!(self.payload)),
            ("provider", json!(attribute("provider"))),
            ("event_type", json!(attribute("event_type"))),
            ("event_id", json!(attribute("event_id"))),
            ("idempotency_key", json!(attribute("idempotency_key"))),
            ("receive_count", json!(self.receive_count)),
        ];
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let envelope = self.envelope.as_ref().map_or("null", |envelope| envelope.get());
        let text = format!("{{\"envelope\":{envelope},{}}}", members.join(","));
        RawValue::from_string(text).unwrap_or_default()
    }
}

/// Returns the last items, which are the newest, and whether there are more.
fn newest<T>(mut items: Vec<T>) -> (Vec<T>, bool) {
    let older = items.len().saturating_sub(MAX_LISTED);
    items.drain(..older);
    (items, older > 0)
}

/// Returns the attributes of a record as JSON, with numbers as numbers.
fn attributes(item: &HashMap<String, AttributeValue>) -> Value {
    let member = |value: &AttributeValue| match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_else(|_| json!(number)),
        other => json!(format!("{other:?}")),
    };
    item.iter()
        .map(|(name, value)| (name.clone(), member(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Messages by account, region and queue.
#[derive(Deserialize)]
struct Peeked {
    messages: BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<PeekedMessage>>>>,
}

#[derive(Deserialize)]
struct PeekedMessage {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "Body")]
    body: String,
    #[serde(rename = "MessageAttributes")]
    attributes: BTreeMap<String, PeekedAttribute>,
    #[serde(rename = "MessageGroupId")]
    group_id: Option<String>,
    #[serde(rename = "MessageDeduplicationId")]
    deduplication_id: Option<String>,
    #[serde(rename = "ReceiveCount")]
    receive_count: u64,
}

#[derive(Deserialize)]
struct PeekedAttribute {
    #[serde(rename = "StringValue")]
    value: Option<String>,
}

#[derive(Deserialize)]
struct LogEvents {
    events: Vec<LogEvent>,
}

#[derive(Deserialize)]
struct LogEvent {
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_listed_if_there_are_too_many() {
        assert_eq!(newest((1..=500).collect()), ((1..=500).collect::<Vec<_>>(), false));
        assert_eq!(newest((1..=502).collect()), ((3..=502).collect::<Vec<_>>(), true));
        assert_eq!(newest(Vec::<u8>::new()), (Vec::new(), false));
    }
}
