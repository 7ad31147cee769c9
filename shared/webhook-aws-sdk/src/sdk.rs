//! The SDK's settings, shared by all clients.

use std::{env, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use webhook_aws::AMAZON_ROOTS;

/// A connection within a region is up in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Then the retry has a chance.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
/// The SDK's default of 1 s is long where a batch of messages has a deadline.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);

/// Region, credentials and endpoints from wherever the SDK finds them; timeouts, retries and TLS as set here. `None` where it
/// finds no region.
pub async fn load() -> Option<SdkConfig> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await;
    let has_region = config.region().is_some_and(|region| !region.as_ref().is_empty());
    has_region.then_some(config)
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
