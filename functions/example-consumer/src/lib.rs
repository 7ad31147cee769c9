//! An example consumer: a Lambda function that reads the queue, and what each consumer of it must get right.
//!
//! - **A message may come twice** (SQS is at-least-once; a standard queue more often), and so may an event (the window that
//!   the receiver leaves open). So each key (`idempotencykey`) is claimed in a table of the consumer's own before the work,
//!   and marked as done after it: `consumed.rs`. The work is then done **at least once, and mostly once**: a process that
//!   dies after the work and before the mark leaves a claim that runs out, and the message is worked again. Work that must
//!   not happen twice even then has to be safe to repeat: let it hand the key to whatever it calls.
//! - **One message that fails must not take its batch with it**: the function reports which ones failed
//!   (`ReportBatchItemFailures`), and the others are deleted.
//! - **Order**: on a FIFO queue, where a message fails, all later ones of its group in the batch are left undone and
//!   reported too: `batch.rs`.
//! - **Large events** lie in a bucket, and the message points there: `event.rs`. The object is not deleted here, since the
//!   message may come again: the bucket's lifecycle does it.
//! - **A replay** (an operator's `cargo webhook replay`) comes under a key of its own, and so is worked: `replayof` names
//!   the key of the first.
//!
//! Your own code goes into `handler.rs`, and nowhere else.
//!
//! | variable | meaning |
//! |---|---|
//! | `CONSUMED_TABLE` | `DynamoDB` table: partition key `id` (S), TTL attribute `expires_at_s` |
//! | `PAYLOAD_BUCKET` | the receiver's bucket; without it, messages that point there fail |
//! | `RUST_LOG` | `error`, `warn`, `info` (the default), `debug` or `trace`; dependencies stay at warn |
//!
//! The role needs `dynamodb:PutItem`, `UpdateItem` and `DeleteItem` on the table, `s3:GetObject` on the bucket's objects,
//! and for the event source mapping `sqs:ReceiveMessage`, `DeleteMessage` and `GetQueueAttributes` on the queue. The mapping
//! must have `FunctionResponseTypes: [ReportBatchItemFailures]`, or a failure that is reported counts as success; the
//! queue's visibility timeout must be longer than the function's timeout and 6 s, or a message comes again while its claim
//! still holds.

#![forbid(unsafe_code)]

mod batch;
mod config;
mod consumed;
mod event;
mod handler;
mod log;

use std::fmt;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use webhook_aws_sdk::PayloadBucket;
use webhook_ingest::UnixMillis;

pub use crate::config::VARIABLES;
use crate::{
    batch::{BatchResponse, Consumer, NotABatch},
    config::Config,
    consumed::ConsumedTable,
};

/// Why the function does not start, in a sentence for the operator.
pub struct Error(String);

/// What `main` prints of it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads batches until Lambda ends the process.
///
/// # Errors
/// The environment lacks a variable, or has one with a value that is not understood.
pub async fn run() -> Result<(), Error> {
    let config = Config::from_env().map_err(|error| Error(error.to_string()))?;
    log::init(config.log_level);
    let sdk = webhook_aws_sdk::load_sdk_config().await.ok_or_else(|| Error("AWS_REGION is not set".to_owned()))?;
    let consumer = Consumer {
        consumed: ConsumedTable::new(&sdk, config.consumed_table),
        payloads: config.payload_bucket.map(|name| PayloadBucket::new(&sdk, name)),
    };
    let runtime = lambda_runtime::Runtime::new(service_fn(|invocation| handle(&consumer, invocation)));
    Box::pin(runtime.run()).await.map_err(|error| Error(error.to_string()))
}

/// One invocation. An event that is no batch is an error to Lambda: an empty answer would have its messages deleted.
async fn handle(consumer: &Consumer, invocation: LambdaEvent<Box<RawValue>>) -> Result<BatchResponse, NotABatch> {
    let LambdaEvent { payload, context } = invocation;
    let deadline = UnixMillis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    let response = Box::pin(consumer.consume(payload.get(), deadline)).await;
    if response.is_err() {
        log::not_a_batch(&context.request_id);
    }
    response
}
