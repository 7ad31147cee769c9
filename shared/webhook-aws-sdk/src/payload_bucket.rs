//! Bodies that were too large for the queue, as consumers read them.

use std::{env, time::Duration};

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_s3::Client;
use webhook_aws::PayloadPointer;
use webhook_ingest::CallError;

use crate::error::call_error;

/// Megabytes take longer than a record does.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The bucket for bodies that are too large for the queue, as consumers read it.
pub struct PayloadBucket {
    client: Client,
    name: String,
}

impl PayloadBucket {
    /// The bucket of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(has_own_s3_endpoint(config))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(OBJECT_TIMEOUT).build())
            .build();
        Self { client: Client::from_conf(config), name }
    }

    /// The body that a message points to.
    ///
    /// # Errors
    /// The pointer leads to another bucket, or the object is not there or cannot be read.
    pub async fn get(&self, pointer: &PayloadPointer) -> Result<String, CallError> {
        if pointer.bucket != self.name {
            return Err(CallError::Answer("a pointer to another bucket"));
        }
        let object = self.client.get_object().bucket(&self.name).key(&pointer.key).send().await;
        let body = object.map_err(|error| call_error(&error))?.body.collect().await;
        let body = body.map_err(|_| CallError::NoAnswer("the connection failed"))?;
        String::from_utf8(body.to_vec()).map_err(|_| CallError::Answer("a body that is not UTF-8"))
    }
}

/// Whether S3 is not where AWS has it: an emulator serves buckets by path, and not by host name.
fn has_own_s3_endpoint(config: &SdkConfig) -> bool {
    env::var("AWS_ENDPOINT_URL_S3").is_ok_and(|url| !url.is_empty()) || config.endpoint_url().is_some()
}
