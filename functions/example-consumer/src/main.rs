//! An example consumer: a Lambda function that reads the queue, and does what every consumer of it
//! must do.
//!
//! - **A message may come twice** (SQS delivers at least once; a standard queue repeats more
//!   often), and rarely the receiver queues an event twice (`docs/promises.md`). So each
//!   `idempotencykey` is claimed in a table of the consumer's own before the work, and marked as
//!   done after it: `consumed.rs`. The work is then done **at least once, and almost always once**:
//!   if a process dies between the work and the mark, its claim expires, and the event is processed
//!   again. Work that must not happen twice even then has to be safe to repeat: pass the key on to
//!   whatever it calls.
//! - **A message that fails must not take its batch with it**: the function reports which messages
//!   failed (`ReportBatchItemFailures`), and the others are deleted.
//! - **Order**: if a message of a FIFO queue fails, all later messages of its group in the batch
//!   are left on the queue, and reported too.
//! - **Large events** are in a bucket, and the message points there. The object is not deleted
//!   here, because the message may come again: the bucket's lifecycle deletes it.
//! - **A replay** (an operator's `cargo webhook replay`) has a key of its own, so it is processed.
//!   Its `replayof` is the key of the first message.
//!
//! Your own code goes into `handler.rs`, and nowhere else.
//!
//! | variable | meaning |
//! |---|---|
//! | `CONSUMED_TABLE` | `DynamoDB` table: partition key `id` (S), TTL attribute `expires_at_s` |
//! | `PAYLOAD_BUCKET` | the receiver's bucket; without it, messages that point there fail |
//! | `RUST_LOG` | log filter in the syntax of tracing-subscriber's `Targets` (default: `info`); dependencies log only warnings and errors |
//!
//! The role needs `dynamodb:PutItem`, `UpdateItem` and `DeleteItem` on the table, `s3:GetObject` on
//! the bucket's objects, and for the event source mapping `sqs:ReceiveMessage`, `DeleteMessage` and
//! `GetQueueAttributes` on the queue. The mapping must have
//! `FunctionResponseTypes: [ReportBatchItemFailures]`, or a failure that is reported counts as
//! success. The queue's visibility timeout must be at least 6 s longer than the function's timeout,
//! or a message comes again while its claim still holds.
//!
//! Each message is one line of JSON in the log, without any of its payload:
//!
//! | field | meaning |
//! |---|---|
//! | `webhook.outcome` | `handled`, `duplicate`, `left` (it comes again) |
//! | `webhook.reason` | why it was left, or that its mark may be missing |
//! | `webhook.provider`, `webhook.event_type`, `webhook.event_id`, `webhook.idempotency_key`, `webhook.replay_of` | of the event |
//! | `webhook.message_id` | the queue's id for the message |
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

#![forbid(unsafe_code)]

mod consumed;
mod event;
mod handler;

use std::{collections::HashSet, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::{LevelFilter, Targets, filter_fn},
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};
use webhook_aws::{
    BucketName, CredentialsFrom, Environment, PayloadBucket, PayloadPointer, StartError, TableName,
    is_fifo, load,
};
use webhook_ingest::{CallError, ClaimToken, UnixMillis, invocation_deadline};
use webhook_verify::bounded_name;

use crate::{
    consumed::{Claim, ConsumedTable},
    event::{Event, NotAnEvent},
    handler::HandlerError,
};

/// Reserved before the deadline so that the response gets out.
const REPLY_MARGIN: Duration = Duration::from_millis(250);
/// Reserved as well, to mark the work as done or to release the claim.
const CLOSING: Duration = Duration::from_millis(1250);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let environment = Environment::of_process();
    let table: TableName = environment.required("CONSUMED_TABLE")?;
    let bucket: Option<BucketName> = environment.optional("PAYLOAD_BUCKET")?;
    let filter: Option<Targets> = environment.optional("RUST_LOG")?;
    init_log(filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)));
    let sdk = load(CredentialsFrom::Environment).await?;
    let consumer = Consumer {
        consumed: ConsumedTable::new(&sdk, table),
        payloads: bucket.map(|name| PayloadBucket::new(&sdk, name)),
    };
    let runtime =
        lambda_runtime::Runtime::new(service_fn(|invocation| handle(&consumer, invocation)));
    Box::pin(runtime.run()).await.map_err(|error| StartError::Runtime(error.to_string()))
}

/// Starts the log: JSON lines on standard output. Dependencies log only warnings and errors,
/// because the SDK's traces contain bodies.
fn init_log(filter: Targets) {
    let is_enabled = move |metadata: &Metadata<'_>| {
        let (target, level) = (metadata.target(), *metadata.level());
        let is_ours = target.starts_with(env!("CARGO_CRATE_NAME"));
        filter.would_enable(target, &level) && (is_ours || level <= Level::WARN)
    };
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(lines.with_filter(filter_fn(is_enabled))).init();
}

/// Handles one invocation. The event is taken as text: if the runtime parsed it and failed, its
/// error might quote a payload.
async fn handle(
    consumer: &Consumer,
    invocation: LambdaEvent<Box<RawValue>>,
) -> Result<SqsBatchResponse, NotABatch> {
    let LambdaEvent { payload, context } = invocation;
    let deadline = invocation_deadline(context.deadline, UnixMillis::now());
    match messages(payload.get()) {
        Ok(messages) => Ok(Box::pin(consumer.consume(messages, deadline)).await),
        Err(error) => {
            tracing::error!(
                webhook.outcome = "left",
                webhook.reason = %error,
                webhook.request_id = context.request_id,
                "batch"
            );
            Err(error)
        }
    }
}

/// The event is not a batch of messages. Lambda gets this as an error: after an empty response it
/// would delete the messages.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the event is not a batch of SQS messages")]
struct NotABatch;

impl From<NotABatch> for Diagnostic {
    fn from(error: NotABatch) -> Self {
        Self { error_type: "NotABatch".to_owned(), error_message: error.to_string() }
    }
}

/// Reads a batch. A message without an id could not be reported as failed, so it fails the whole
/// batch.
fn messages(event: &str) -> Result<Vec<(String, SqsMessage)>, NotABatch> {
    let SqsEvent { records, .. } = serde_json::from_str(event).map_err(|_| NotABatch)?;
    let with_id = |mut message: SqsMessage| {
        let id = message.message_id.take().filter(|id| !id.is_empty()).ok_or(NotABatch)?;
        Ok((id, message))
    };
    records.into_iter().map(with_id).collect()
}

/// Why a message leaves the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Handled {
    /// The work was done.
    Now,
    /// The work was done, but its mark may be missing.
    Unmarked,
    /// The work had been done before.
    Before,
}

/// Why a message stays on the queue.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    NotAnEvent(#[from] NotAnEvent),
    #[error("the payload is in a bucket and PAYLOAD_BUCKET is not set")]
    NoPayloadBucket,
    #[error("could not get the payload: {0}")]
    Payload(CallError),
    #[error("could not claim the event: {0}")]
    Claim(CallError),
    #[error("another invocation is working on it")]
    InProgress,
    #[error("the handler failed: {0}")]
    Handler(#[from] HandlerError),
    #[error("the invocation's time is up")]
    NoTime,
    #[error("an earlier message of its group failed")]
    Behind,
}

/// The table and the bucket that the work needs.
struct Consumer {
    consumed: ConsumedTable,
    payloads: Option<PayloadBucket>,
}

impl Consumer {
    /// Processes the messages in order, and returns those that must come again.
    async fn consume(
        &self,
        messages: Vec<(String, SqsMessage)>,
        deadline: UnixMillis,
    ) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let mut failed_groups = HashSet::new();
        for (id, message) in messages {
            let group = ordered_group(&message).map(str::to_owned);
            let result = if group.as_ref().is_some_and(|group| failed_groups.contains(group)) {
                logged(&id, None, Err(Failure::Behind))
            } else {
                self.work_on(&id, message.body.unwrap_or_default(), deadline).await
            };
            if result.is_err() {
                failed_groups.extend(group);
                response.add_failure(id);
            }
        }
        response
    }

    async fn work_on(
        &self,
        id: &str,
        body: String,
        deadline: UnixMillis,
    ) -> Result<Handled, Failure> {
        let envelope = match within(deadline, self.envelope(body)).await.flatten() {
            Ok(envelope) => envelope,
            Err(failure) => return logged(id, None, Err(failure)),
        };
        match Event::parse(&envelope) {
            Ok(event) => logged(id, Some(&event), self.work_on_event(&event, deadline).await),
            Err(error) => logged(id, None, Err(error.into())),
        }
    }

    /// Returns the message's body, or the body that it points to.
    async fn envelope(&self, body: String) -> Result<String, Failure> {
        match PayloadPointer::parse(&body) {
            None => Ok(body),
            Some(pointer) => {
                let payloads = self.payloads.as_ref().ok_or(Failure::NoPayloadBucket)?;
                payloads.get(&pointer).await.map_err(Failure::Payload)
            }
        }
    }

    /// Claims the event, does the work, and marks it as done.
    async fn work_on_event(
        &self,
        event: &Event<'_>,
        deadline: UnixMillis,
    ) -> Result<Handled, Failure> {
        let (key, token) = (&event.idempotency_key, ClaimToken::random());
        let claim = self.consumed.claim(key, &token, UnixMillis::now(), deadline);
        // A claim that takes too long may have been written nevertheless: it then runs out.
        match within(deadline, claim).await?.map_err(Failure::Claim)? {
            Claim::Done => return Ok(Handled::Before),
            Claim::InProgress => return Err(Failure::InProgress),
            Claim::Ours => {}
        }
        let worked = within(deadline, handler::handle(event)).await;
        if let Err(failure) = worked.and_then(|worked| Ok(worked?)) {
            // If this fails, the claim runs out by itself.
            let _ = until_reply(deadline, self.consumed.release(key, &token)).await;
            return Err(failure);
        }
        // The work is done, so the message leaves the queue, with or without the mark: if it came
        // again, the work could be repeated. Without the mark, a second message of the same event
        // is processed once the claim has run out.
        match until_reply(deadline, self.consumed.mark_done(key, &token, UnixMillis::now())).await {
            Some(Ok(())) => Ok(Handled::Now),
            Some(Err(_)) | None => Ok(Handled::Unmarked),
        }
    }
}

/// Returns the group within which order matters. Messages of a standard queue have groups too, but
/// no order.
fn ordered_group(message: &SqsMessage) -> Option<&str> {
    let is_ordered = message.event_source_arn.as_deref().is_some_and(is_fifo);
    message.attributes.get("MessageGroupId").filter(|_| is_ordered).map(String::as_str)
}

/// Awaits work, which must leave time for the closing call.
async fn within<T>(deadline: UnixMillis, work: impl Future<Output = T>) -> Result<T, Failure> {
    let left = deadline.minus(REPLY_MARGIN).minus(CLOSING).since(UnixMillis::now());
    if left.is_zero() {
        return Err(Failure::NoTime);
    }
    tokio::time::timeout(left, work).await.map_err(|_| Failure::NoTime)
}

/// Awaits a closing call until the response must be sent.
async fn until_reply<T>(deadline: UnixMillis, closing: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(deadline.minus(REPLY_MARGIN).since(UnixMillis::now()), closing).await.ok()
}

/// Writes the message's line and returns its result. Texts that the provider chose are bounded.
fn logged(
    message_id: &str,
    event: Option<&Event<'_>>,
    result: Result<Handled, Failure>,
) -> Result<Handled, Failure> {
    let (outcome, reason) = match &result {
        Ok(Handled::Now) => ("handled", None),
        Ok(Handled::Unmarked) => {
            ("handled", Some("the work is done, but its mark may be missing".to_owned()))
        }
        Ok(Handled::Before) => ("duplicate", None),
        Err(failure) => ("left", Some(failure.to_string())),
    };
    let name = event.map(Event::provider_and_type);
    let bounded = |text: Option<&str>| text.map(|text| bounded_name(text).into_owned());
    // A macro, because `tracing` fixes the level at each call.
    macro_rules! at {
        ($level:ident) => {
            tracing::$level!(
                webhook.outcome = outcome,
                webhook.reason = reason,
                webhook.provider = bounded(name.map(|(provider, _)| provider)),
                webhook.event_type = bounded(name.map(|(_, event_type)| event_type)),
                webhook.event_id = bounded(event.map(|event| event.id.as_str())),
                webhook.idempotency_key = event.map(|event| event.idempotency_key.as_str()),
                webhook.replay_of = bounded(event.and_then(|event| event.replay_of.as_deref())),
                webhook.message_id = message_id,
                "message"
            )
        };
    }
    if reason.is_some() {
        at!(warn);
    } else {
        at!(info);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_names_the_messages_that_come_again() {
        let mut response = SqsBatchResponse::default();
        response.add_failure("m1");
        let json = serde_json::to_string(&response).expect("serialises");
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#);
    }

    #[test]
    fn a_batch_is_read_as_lambda_writes_it() {
        let event = concat!(
            r#"{"Records":[{"messageId":"m1","body":"b","attributes":{"MessageGroupId":"g"},"#,
            r#""messageAttributes":{"provider":{"stringValue":"p","stringListValues":[],"#,
            r#""binaryListValues":[],"dataType":"String"}},"#,
            r#""eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:1:q.fifo"},"#,
            r#"{"messageId":"m2","attributes":{"MessageGroupId":"g"},"#,
            r#""eventSourceARN":"arn:aws:sqs:us-east-1:1:q"},{"messageId":"m3"}]}"#,
        );
        let messages = messages(event).expect("is a batch");
        let [first, standard, bare] = &messages[..] else { panic!("three messages") };
        assert_eq!((first.0.as_str(), first.1.body.as_deref()), ("m1", Some("b")));
        assert_eq!(ordered_group(&first.1), Some("g"));
        assert_eq!((standard.0.as_str(), ordered_group(&standard.1)), ("m2", None));
        assert_eq!(
            (bare.0.as_str(), bare.1.body.as_deref(), ordered_group(&bare.1)),
            ("m3", None, None)
        );
    }

    #[test]
    fn an_event_that_is_not_a_batch_is_an_error() {
        for event in [
            "{}",
            "[]",
            r#"{"Records":null}"#,
            r#"{"Records":[{"body":"b"}]}"#,
            r#"{"Records":[{"messageId":"m1"},{"messageId":""}]}"#,
        ] {
            assert_eq!(messages(event), Err(NotABatch), "{event}");
        }
    }
}
