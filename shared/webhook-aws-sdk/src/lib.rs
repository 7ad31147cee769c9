//! The AWS SDK, for what no provider waits for: an operator's look at table and dead-letter queue ([`Records`],
//! [`DeadLetters`]), and consumers ([`PayloadBucket`]). No function that receives webhooks has it: see `webhook-aws`.

#![forbid(unsafe_code)]

mod dead_letters;
mod error;
mod payload_bucket;
mod records;
mod sdk;

pub use aws_config::SdkConfig;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use error::call_error;
pub use payload_bucket::PayloadBucket;
pub use records::{Purge, Record, Records};
pub use sdk::load as load_sdk_config;
