//! The SDK's settings, shared by all clients.

use std::{env, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

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

/// Region, credentials and endpoints as the SDK reads them from the environment; timeouts, retries and TLS as set here.
pub async fn load() -> SdkConfig {
    let http_client =
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls_context()).build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
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
