//! The SDK's configuration, shared by the clients of functions, consumers and the command line.

use std::{env, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use crate::environment::StartError;

/// Amazon's own five roots, as PEM: every AWS endpoint's chain ends in one of them
/// (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &[u8] = include_bytes!("../roots/amazon.pem");

/// A connection within a region is up in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Short enough to leave time for the next attempt: the pipeline gives all calls of a delivery 8 s
/// together.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
/// The SDK's default of 1 s is for batch work: here a provider is waiting.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);

/// Where the credentials come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialsFrom {
    /// Only from the environment, where Lambda puts a function's credentials. The whole chain would
    /// build an STS client, which takes a twentieth of a cold start.
    Environment,
    /// From wherever the SDK finds them: environment, profile, single sign-on, instance.
    Chain,
}

/// Loads region, credentials and endpoints as the SDK documents them, with the timeouts, retries
/// and TLS of this project.
///
/// # Errors
/// [`StartError`] if there is no region, or if no certificate can be read from `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`.
pub async fn load(credentials: CredentialsFrom) -> Result<SdkConfig, StartError> {
    let loader = match credentials {
        CredentialsFrom::Environment => loader()?
            .region(EnvironmentVariableRegionProvider::new())
            .credentials_provider(EnvironmentVariableCredentialsProvider::new()),
        CredentialsFrom::Chain => loader()?,
    };
    let config = loader.load().await;
    match config.region() {
        Some(region) if !region.as_ref().is_empty() => Ok(config),
        Some(_) | None => Err(StartError::Missing("AWS_REGION")),
    }
}

fn loader() -> Result<ConfigLoader, StartError> {
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client()?)
        .timeout_config(timeouts(ATTEMPT_TIMEOUT))
        .retry_config(retries())
        // Its grace period of 5 s is longer than an attempt may take, and it costs 3 % of a
        // delivery.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled()))
}

/// Returns timeouts for calls whose attempts may each take this long.
pub(crate) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .build()
}

/// Returns the configuration with timeouts for calls that a person waits for.
#[must_use]
pub fn patient(config: &SdkConfig) -> SdkConfig {
    config.clone().into_builder().timeout_config(patient_timeouts()).build()
}

/// Returns timeouts for calls that a person waits for, perhaps over a slow line.
pub(crate) fn patient_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

/// Returns an HTTP client that has one connector for all AWS clients with the usual timeouts.
/// Otherwise each would build TLS for itself, which takes a sixteenth of a cold start.
fn http_client() -> Result<SharedHttpClient, StartError> {
    let tls = TlsContext::builder().with_trust_store(trust_store()?).build().map_err(|error| {
        StartError::Runtime(format!("the TLS client could not be built: {error}"))
    })?;
    let connector = move |settings: &HttpConnectorSettings| {
        // ring, because aws-lc gathers entropy at its first use, which is most of a cold start.
        let connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .connector_settings(settings.clone())
            .tls_context(tls.clone());
        SharedHttpConnector::new(connector.build())
    };
    let usual = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let shared = connector(&usual);
    Ok(http_client_fn(move |settings, _| {
        if settings.connect_timeout() == usual.connect_timeout() {
            shared.clone()
        } else {
            connector(settings)
        }
    }))
}

/// Returns Amazon's roots. In a network that inspects TLS, `SSL_CERT_FILE` or `SSL_CERT_DIR`
/// (OpenSSL's names) replace them. Parsing a system's whole bundle would be most of a cold start.
fn trust_store() -> Result<TrustStore, StartError> {
    let is_replaced =
        ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| env::var_os(name).is_some());
    if !is_replaced {
        return Ok(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS));
    }
    // Without this check, a store without certificates would show only as failed connections.
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        return Err(StartError::Runtime(
            "no certificate can be read from SSL_CERT_FILE or SSL_CERT_DIR".to_owned(),
        ));
    }
    Ok(TrustStore::default())
}

#[cfg(test)]
mod tests;
