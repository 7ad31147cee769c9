//! The one call of S3 that a function makes, on the SDK's own runtime (credentials, signature, retries, timeouts, connections)
//! and without its client of S3, which is a seventh of a function's size, most of it checksums in many instruction sets. Here the
//! signature covers the body's SHA-256, and S3 checks it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>.

use std::{fmt, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig, SigningOptions,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_sdk_dynamodb::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::client::{
    auth::{AuthSchemeOptionResolverParams, SharedAuthScheme, static_resolver::StaticAuthSchemeOptionResolver},
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::StaticRuntimePlugin,
};
use aws_smithy_types::{body::SdkBody, config_bag::Layer};
use webhook_ingest::CallError;

use crate::{error::call_error, sdk::own_s3_endpoint};

/// Megabytes take longer than a record does.
pub(crate) const OBJECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Puts objects of JSON into one bucket.
pub(crate) struct PutObject {
    operation: Operation<Object, (), PutObjectError>,
    bucket: String,
}

impl PutObject {
    /// For the bucket of this name.
    pub(crate) fn new(config: &SdkConfig, bucket: String) -> Self {
        let timeouts = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let mut operation = Operation::builder()
            .service_name("S3")
            .operation_name("PutObject")
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint(config, &bucket))
            .timeout_config(timeouts.operation_attempt_timeout(OBJECT_TIMEOUT).build())
            .retry_classifier(AwsErrorCodeClassifier::<PutObjectError>::new())
            .retry_classifier(TransientErrorClassifier::<PutObjectError>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .with_connection_poisoning()
            .runtime_plugin(signing(config));
        if let Some(retries) = config.retry_config() {
            operation = operation.standard_retry(retries);
        }
        if let Some(http_client) = config.http_client() {
            operation = operation.http_client(http_client);
        }
        let operation = operation.serializer(|object: Object| object.request()).deserializer(read).build();
        Self { operation, bucket }
    }

    /// The bucket's name.
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Puts an object. `key` needs no escape in a URL: letters, digits, `-`, `_`, `.`, `~` and `/`.
    pub(crate) async fn put(&self, key: &str, body: &str) -> Result<(), CallError> {
        let object = Object { key: key.to_owned(), body: body.to_owned() };
        self.operation.invoke(object).await.map_err(|error| call_error(&error))
    }
}

struct Object {
    key: String,
    body: String,
}

impl Object {
    fn request(self) -> Result<HttpRequest, aws_smithy_runtime_api::box_error::BoxError> {
        let length = self.body.len();
        let mut request = HttpRequest::new(SdkBody::from(self.body));
        request.set_method("PUT")?;
        request.set_uri(format!("/{}", self.key))?;
        request.headers_mut().insert("content-type", "application/json");
        request.headers_mut().insert("content-length", length.to_string());
        Ok(request)
    }
}

/// No body: it is a payload.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.key)
    }
}

fn read(response: &HttpResponse) -> Result<(), OrchestratorError<PutObjectError>> {
    if response.status().is_success() {
        return Ok(());
    }
    let mut refusal = ErrorMetadata::builder();
    if let Some(code) = response.body().bytes().and_then(error_code) {
        refusal = refusal.code(code);
    }
    Err(OrchestratorError::operation(PutObjectError(refusal.build())))
}

/// S3's word for what is wrong, from its XML.
fn error_code(xml: &[u8]) -> Option<String> {
    let xml = str::from_utf8(xml).ok()?;
    let (_, from_code) = xml.split_once("<Code>")?;
    let (code, _) = from_code.split_once("</Code>")?;
    code.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| code.to_owned())
}

/// S3 refused.
#[derive(Debug)]
struct PutObjectError(ErrorMetadata);

impl fmt::Display for PutObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code().unwrap_or("an error without a code"))
    }
}

impl std::error::Error for PutObjectError {}

impl ProvideErrorMetadata for PutObjectError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Signature version 4 as S3 wants it: the path as it is, and the body's hash in a header of its own.
fn signing(config: &SdkConfig) -> StaticRuntimePlugin {
    let mut options = SigningOptions::default();
    options.double_uri_encode = false;
    options.normalize_uri_path = false;
    options.content_sha256_header = true;
    let mut settings = Layer::new("PutObject");
    settings.store_put(SigV4OperationSigningConfig {
        region: config.region().cloned().map(Into::into),
        name: Some("s3".into()),
        signing_options: options,
        ..SigV4OperationSigningConfig::default()
    });
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    let mut components = RuntimeComponentsBuilder::new("PutObject")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
        .with_identity_cache(config.identity_cache())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(components)
}

/// Where the bucket is. In AWS's isolated partitions `AWS_ENDPOINT_URL_S3` has to say it.
fn endpoint(config: &SdkConfig, bucket: &str) -> String {
    if let Some(own) = own_s3_endpoint(config) {
        return format!("{}/{bucket}", own.trim_end_matches('/'));
    }
    let region = config.region().map_or("", Region::as_ref);
    let fips = if config.use_fips() == Some(true) { "-fips" } else { "" };
    let dual_stack = if config.use_dual_stack() == Some(true) { ".dualstack" } else { "" };
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let service = format!("s3{fips}{dual_stack}.{region}.{suffix}");
    // A certificate's wildcard stands for one label.
    if bucket.contains('.') { format!("https://{service}/{bucket}") } else { format!("https://{bucket}.{service}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_found_in_its_region_partition_and_kind_of_endpoint() {
        let endpoint_of = |bucket: &str, region: &'static str, fips: bool, dual_stack: bool| {
            let config = SdkConfig::builder()
                .region(Region::from_static(region))
                .use_fips(fips)
                .use_dual_stack(dual_stack)
                .build();
            endpoint(&config, bucket)
        };
        let emulated = SdkConfig::builder().endpoint_url("http://127.0.0.1:4566/").build();
        assert_eq!(endpoint(&emulated, "a.b"), "http://127.0.0.1:4566/a.b");
        for (bucket, region, fips, dual_stack, expected) in [
            ("payloads", "us-east-1", false, false, "https://payloads.s3.us-east-1.amazonaws.com"),
            ("a.b", "eu-west-1", false, false, "https://s3.eu-west-1.amazonaws.com/a.b"),
            ("payloads", "us-gov-west-1", true, false, "https://payloads.s3-fips.us-gov-west-1.amazonaws.com"),
            ("payloads", "us-east-1", false, true, "https://payloads.s3.dualstack.us-east-1.amazonaws.com"),
            ("payloads", "cn-north-1", false, false, "https://payloads.s3.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(endpoint_of(bucket, region, fips, dual_stack), expected);
        }
    }

    #[test]
    fn an_error_code_is_read_and_nothing_that_does_not_look_like_one() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>";
        assert_eq!(error_code(xml.as_bytes()), Some("SlowDown".to_owned()));
        for other in ["", "<Error/>", "<Code>Slow", "<Code>a b</Code>", "<Code>{\"secret\"}</Code>"] {
            assert_eq!(error_code(other.as_bytes()), None, "{other}");
        }
    }
}
