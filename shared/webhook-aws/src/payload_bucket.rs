//! Keeps bodies that are too large for the queue in a bucket.

use std::{env, sync::OnceLock, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_s3::{Client, operation::put_object::PutObjectError, primitives::ByteStream};
use webhook_ingest::CallError;

use crate::{
    call_error::{call_error, retry_kms_throttling},
    load::timeouts,
    names::BucketName,
    payload_pointer::PayloadPointer,
};

/// Longer than for other calls: a body has megabytes.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

/// The bucket for bodies that are too large for the queue.
pub struct PayloadBucket {
    config: SdkConfig,
    /// Built on first use: most functions never need it, and it takes a twentieth of a cold start.
    client: OnceLock<Client>,
    name: String,
}

impl PayloadBucket {
    /// Keeps bodies in this bucket.
    #[must_use]
    pub fn new(config: &SdkConfig, name: BucketName) -> Self {
        Self { config: config.clone(), client: OnceLock::new(), name: name.into() }
    }

    /// Puts the body into the bucket and returns the pointer to it. The SDK adds a checksum, which
    /// buckets with Object Lock require.
    ///
    /// # Errors
    /// [`CallError`] if the call fails.
    pub async fn put(&self, key: String, body: &str) -> Result<PayloadPointer, CallError> {
        let put = self
            .client()
            .put_object()
            .bucket(&self.name)
            .key(&key)
            .content_type("application/json");
        let body = ByteStream::from(body.as_bytes().to_vec());
        put.body(body).send().await.map_err(|error| call_error(&error))?;
        Ok(PayloadPointer { bucket: self.name.clone(), key })
    }

    /// Returns the body that a message points to.
    ///
    /// # Errors
    /// [`CallError`] if the pointer names a different bucket, or the object is absent or cannot be
    /// read.
    pub async fn get(&self, pointer: &PayloadPointer) -> Result<String, CallError> {
        if pointer.bucket != self.name {
            return Err(CallError::UnexpectedResponse("a pointer to a different bucket"));
        }
        let object = self.client().get_object().bucket(&self.name).key(&pointer.key).send().await;
        let body = object.map_err(|error| call_error(&error))?.body.collect().await;
        let body = body.map_err(|_| CallError::NoResponse("the connection failed"))?;
        String::from_utf8(body.to_vec())
            .map_err(|_| CallError::UnexpectedResponse("a body that is not UTF-8"))
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .force_path_style(has_own_endpoint(&self.config))
                .timeout_config(timeouts(ATTEMPT_TIMEOUT))
                .retry_classifier(retry_kms_throttling::<PutObjectError>());
            Client::from_conf(config.build())
        })
    }
}

/// Returns whether S3's endpoint is replaced, for example by an emulator's. Emulators serve buckets
/// by path, not by host name.
fn has_own_endpoint(config: &SdkConfig) -> bool {
    env::var("AWS_ENDPOINT_URL_S3").is_ok_and(|url| !url.is_empty())
        || config.endpoint_url().is_some()
}
