//! AWS, through its official SDK: what the pipeline's ports need, and what operators and consumers need of the same services.
//!
//! - [`load()`] reads the SDK's configuration, [`Environment`] the project's own variables; names of resources are types that check
//!   themselves.
//! - The pipeline's ports: [`DynamoStore`] for idempotency records, [`SqsQueue`] for events, [`PayloadBucket`] for those that are
//!   too large for it, [`SecretsManager`] for what deliveries are verified with. `limits` has what these services accept.
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
