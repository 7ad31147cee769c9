//! The ports of `webhook-ingest` on AWS: `DynamoDB` for idempotency records, SQS for events, S3 for those that SQS does not
//! take, Secrets Manager for what they are verified with.

mod dynamodb;
mod error;
mod sdk;
mod secrets_manager;
mod sqs;

pub use dynamodb::DynamoStore;
pub use sdk::load as load_sdk_config;
pub use secrets_manager::SecretsManager;
pub use sqs::SqsQueue;
