//! The SDK's settings, shared by all clients.

use std::{env, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Amazon's own five roots: every AWS endpoint's chain ends in one of them (<https://www.amazontrust.com/repository/>).
/// Compiled in, because parsing a system's whole bundle is most of what a cold start costs, and because it trusts fewer.
const AMAZON_ROOTS: &[u8] = include_bytes!("../roots/amazon.pem");

/// A connection within a region is up in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Then the retry has a chance: the pipeline gives all calls of a delivery 8 s together.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
/// The SDK's default of 1 s is for batch work: a provider is waiting here.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);

/// For a command: region, credentials and endpoints from wherever the SDK finds them; timeouts, retries and TLS as set here.
pub async fn load() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await
}

/// For a function: as [`load`], but from the environment alone, where Lambda puts all of it. To look elsewhere, the SDK links a
/// client of STS, which is a tenth of a cold start.
///
/// Read are the region, the keys, `AWS_ENDPOINT_URL` with its variants for a service, `AWS_USE_FIPS_ENDPOINT` and
/// `AWS_USE_DUALSTACK_ENDPOINT`.
#[must_use]
pub fn from_environment() -> SdkConfig {
    let is_true = |name: &str| variable(name).map(|value| value.eq_ignore_ascii_case("true"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .service_config(ServiceVariables)
        .http_client(http_client())
        .timeout_config(timeouts())
        .retry_config(retries());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_use_fips(is_true("AWS_USE_FIPS_ENDPOINT"));
    config.set_use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"));
    config.build()
}

/// A variable that is there and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// `AWS_ENDPOINT_URL_SECRETS_MANAGER` for `AWS_ENDPOINT_URL` of "Secrets Manager", and so on
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
#[derive(Debug)]
struct ServiceVariables;

impl LoadServiceConfig for ServiceVariables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        variable(&format!("{}_{}", key.env(), key.service_id().to_uppercase().replace(' ', "_")))
            .or_else(|| variable(key.env()))
    }
}

fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls_context()).build_https()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

/// `SSL_CERT_FILE` or `SSL_CERT_DIR` (OpenSSL's names) replace Amazon's roots, for a network that inspects TLS.
fn tls_context() -> TlsContext {
    let own_roots = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| env::var_os(name).is_some());
    let trust_store =
        if own_roots { TrustStore::default() } else { TrustStore::empty().with_pem_certificate(AMAZON_ROOTS) };
    TlsContext::builder().with_trust_store(trust_store).build().expect("a trust store is all that a TLS context needs")
}

/// For calls that a person waits for, perhaps over a slow line.
pub(crate) fn patient() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

/// S3's endpoint where it is not AWS's usual one: an emulator serves buckets by path, and not by host name.
pub(crate) fn own_s3_endpoint(config: &SdkConfig) -> Option<String> {
    env::var("AWS_ENDPOINT_URL_S3").ok().or_else(|| config.endpoint_url().map(str::to_owned))
}
