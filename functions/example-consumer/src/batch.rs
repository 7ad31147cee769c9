//! A batch of messages, one after the other, and the report of those that must come again.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};
use webhook_aws_sdk::PayloadBucket;
use webhook_ingest::{CallError, ClaimToken, UnixMillis};

use crate::{
    consumed::{Claim, ConsumedTable},
    event::{self, Event, NotAnEvent},
    handler::{self, HandlerError},
    log,
};

/// Kept back at the end of an invocation for the answer to travel.
const REPLY_MARGIN: Duration = Duration::from_millis(250);
/// Kept back besides: to mark or give back a claim.
const CLOSING: Duration = Duration::from_millis(1250);

/// What a batch needs of the world.
pub(crate) struct Consumer {
    pub(crate) consumed: ConsumedTable,
    pub(crate) payloads: Option<PayloadBucket>,
}

/// The event was no batch of messages: nothing was worked.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the event is no batch of SQS messages")]
pub(crate) struct NotABatch;

impl From<NotABatch> for Diagnostic {
    fn from(error: NotABatch) -> Self {
        Self { error_type: "NotABatch".to_owned(), error_message: error.to_string() }
    }
}

/// What Lambda wants to know: the messages that stay on the queue. All others are deleted.
#[derive(Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchResponse {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// Lambda's event, as far as it counts here. A record without an id cannot be reported, so it makes all of the batch fail.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Message>,
}

/// One message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    #[serde(rename = "messageId")]
    pub(crate) id: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(rename = "eventSourceARN", default)]
    queue_arn: String,
}

impl Message {
    /// SQS's own rule: a FIFO queue's name ends so, in lower case.
    fn is_ordered(&self) -> bool {
        self.queue_arn.strip_suffix(".fifo").is_some()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    message_group_id: Option<String>,
}

/// How a message ended that is off the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Handled {
    /// The work was done.
    Now,
    /// The work was done, and the mark of it may be missing.
    Unmarked,
    /// The work had been done before.
    Before,
}

/// Why a message must come again.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    NotAnEvent(#[from] NotAnEvent),
    #[error("the payload: {0}")]
    Payload(CallError),
    #[error("the table: {0}")]
    Table(CallError),
    #[error("another invocation is at work on it")]
    InProgress,
    #[error("the handler: {0}")]
    Handler(#[from] HandlerError),
    #[error("the invocation's time is up")]
    NoTime,
    #[error("an earlier message of its group failed")]
    Behind,
}

impl Consumer {
    /// Works the batch in its order.
    pub(crate) async fn consume(&self, batch: &str, deadline: UnixMillis) -> Result<BatchResponse, NotABatch> {
        let Batch { records } = serde_json::from_str(batch).map_err(|_| NotABatch)?;
        if records.iter().any(|message| message.id.is_empty()) {
            return Err(NotABatch);
        }
        let mut response = BatchResponse::default();
        let mut stopped_groups = HashSet::new();
        for message in records {
            let id = message.id.clone();
            // A standard queue has groups, too, but no order.
            let group = message.attributes.message_group_id.clone().filter(|_| message.is_ordered());
            let failed = if group.as_ref().is_some_and(|group| stopped_groups.contains(group)) {
                log::left(&id, None, &Failure::Behind);
                true
            } else {
                self.work(message, deadline).await.is_err()
            };
            if failed {
                stopped_groups.extend(group);
                response.batch_item_failures.push(BatchItemFailure { item_identifier: id });
            }
        }
        Ok(response)
    }

    /// One message: fetch, read, claim, work, mark.
    async fn work(&self, message: Message, deadline: UnixMillis) -> Result<(), ()> {
        let Message { id, body, .. } = message;
        let left = |event: Option<&Event<'_>>, failure: &Failure| log::left(&id, event, failure);
        let fetched = within(deadline, event::envelope(body, self.payloads.as_ref())).await;
        let envelope =
            fetched.and_then(|envelope| envelope.map_err(Failure::Payload)).map_err(|error| left(None, &error))?;
        let event = Event::parse(&envelope).map_err(|error| left(None, &error.into()))?;
        match self.work_event(&event, deadline).await {
            Ok(handled) => {
                log::handled(&id, &event, handled);
                Ok(())
            }
            Err(failure) => {
                left(Some(&event), &failure);
                Err(())
            }
        }
    }

    async fn work_event(&self, event: &Event<'_>, deadline: UnixMillis) -> Result<Handled, Failure> {
        let (key, token) = (&event.idempotency_key, ClaimToken::random());
        let claim = within(deadline, self.consumed.claim(key, &token, now(), deadline)).await;
        // One that took too long may have been written all the same: it runs out.
        match claim?.map_err(Failure::Table)? {
            Claim::Done => return Ok(Handled::Before),
            Claim::InProgress => return Err(Failure::InProgress),
            Claim::Ours => {}
        }
        let worked = within(deadline, handler::handle(event)).await;
        match worked.and_then(|worked| worked.map_err(Failure::Handler)) {
            // The work is done, so the message goes, whether or not the mark is there: had it to come again, the work
            // would be done again. Without the mark a second message of the event is worked, once the claim has run out.
            Ok(()) => match to_the_end(deadline, self.consumed.done(key, &token, now())).await {
                Some(Ok(())) => Ok(Handled::Now),
                Some(Err(_)) | None => Ok(Handled::Unmarked),
            },
            Err(failure) => {
                // Where this fails the claim runs out by itself.
                let _ = to_the_end(deadline, self.consumed.give_back(key, &token)).await;
                Err(failure)
            }
        }
    }
}

/// Awaits what must leave time for closing.
async fn within<T>(deadline: UnixMillis, work: impl Future<Output = T>) -> Result<T, Failure> {
    let left = deadline.minus(REPLY_MARGIN).minus(CLOSING).since(now());
    if left.is_zero() {
        return Err(Failure::NoTime);
    }
    tokio::time::timeout(left, work).await.map_err(|_| Failure::NoTime)
}

/// Awaits what closes: until the answer must leave.
async fn to_the_end<T>(deadline: UnixMillis, closing: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(deadline.minus(REPLY_MARGIN).since(now()), closing).await.ok()
}

fn now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_what_comes_again() {
        let failures = vec![BatchItemFailure { item_identifier: "m1".to_owned() }];
        let response = BatchResponse { batch_item_failures: failures };
        let json = serde_json::to_string(&response).expect("serialises");
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#);
    }

    #[test]
    fn a_message_is_read_as_lambda_spells_it() {
        let event = r#"{"Records":[{"messageId":"m1","body":"b","attributes":{"MessageGroupId":"g"},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:1:q.fifo"},{"messageId":"m2"}]}"#;
        let Batch { records } = serde_json::from_str(event).expect("is a batch");
        let [first, second] = &records[..] else { panic!("two messages") };
        assert_eq!((first.id.as_str(), first.body.as_str()), ("m1", "b"));
        assert_eq!(first.attributes.message_group_id.as_deref(), Some("g"));
        assert!(first.is_ordered() && !second.is_ordered());
        assert_eq!((second.body.as_str(), second.queue_arn.as_str()), ("", ""));
        for event in ["{}", "[]", r#"{"Records":[{"body":"b"}]}"#, r#"{"Records":null}"#] {
            assert!(serde_json::from_str::<Batch>(event).is_err(), "{event}");
        }
    }
}
