//! The ports of `webhook-ingest` on AWS: `DynamoDB` for idempotency records, SQS for events, S3 for those that SQS does not
//! take, Secrets Manager for what they are verified with.
//!
//! All that a delivery waits for, and nothing else: each adapter makes one or two kinds of calls through a small client.
//! What waits for a person, or may take its time, uses the AWS SDK: `webhook-aws-sdk`.

#![forbid(unsafe_code)]

pub mod attribute;
mod client;
mod config;
mod dynamodb;
mod endpoint;
mod payloads;
mod secrets_manager;
mod sqs;
#[cfg(test)]
mod wire_tests;

pub use client::AMAZON_ROOTS;
pub use config::{Config, ConfigError};
pub use dynamodb::DynamoStore;
pub use endpoint::Variant;
pub use payloads::PayloadPointer;
pub use secrets_manager::SecretsManager;
pub use sqs::{SqsQueue, is_fifo};
