//! AWS, through its official SDK: the adapters for the pipeline's ports, and what operators and
//! consumers need from the same services.
//!
//! - [`load()`] reads the SDK's configuration, and [`Environment`] reads the project's own
//!   variables. Names of resources have types that check them when a program starts.
//! - The pipeline's ports: [`DynamoStore`] for idempotency records, [`SqsQueue`] for events,
//!   [`PayloadBucket`] for events that are too large for the queue, [`SecretsManager`] for the
//!   signing secrets. `limits` has what these services accept.
//! - For operators and consumers: [`Records`], [`DeadLetters`], [`PayloadBucket`] again.

#![forbid(unsafe_code)]

pub mod attribute;
mod call_error;
mod connection;
mod dead_letters;
mod dynamodb;
mod environment;
mod limits;
mod load;
mod names;
mod payload_bucket;
mod payload_pointer;
mod records;
mod secrets_manager;
mod sqs;

pub use aws_config::SdkConfig;
pub use call_error::call_error;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use dynamodb::DynamoStore;
pub use environment::{Environment, StartError};
pub use limits::{SQS_MAX_BYTES, group_id, message_attributes, message_size};
pub use load::{CredentialsFrom, load, patient};
pub use names::{BucketName, InvalidName, QueueUrl, SecretId, TableName, is_fifo};
pub use payload_bucket::PayloadBucket;
pub use payload_pointer::PayloadPointer;
pub use records::{Purge, Record, Records};
pub use secrets_manager::SecretsManager;
pub use sqs::SqsQueue;
