//! The ports of `webhook-ingest` on AWS: `DynamoDB` for idempotency records, SQS for events, S3 for those that SQS does not
//! take, Secrets Manager for what they are verified with.
//!
//! [`Records`] and [`DeadLetters`] are what an operator does with a table and a queue: no function calls them.

#![forbid(unsafe_code)]

mod connection;
mod dead_letters;
mod dynamodb;
mod error;
mod payloads;
mod put_object;
mod records;
mod sdk;
mod secrets_manager;
mod sqs;

pub use aws_config::SdkConfig;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use dynamodb::{DynamoStore, KEY_ATTRIBUTE, TTL_ATTRIBUTE};
pub use error::call_error;
pub use payloads::{PayloadBucket, PayloadPointer};
pub use records::{Purge, Record, Records};
pub use sdk::{from_environment as sdk_config_from_environment, load as load_sdk_config};
pub use secrets_manager::SecretsManager;
pub use sqs::SqsQueue;
