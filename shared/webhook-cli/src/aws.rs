//! Calls to AWS from a command, which is no asynchronous program.

use aws_credential_types::provider::ProvideCredentials as _;
use tokio::runtime::Builder;
use webhook_aws::Variant;
use webhook_aws_sdk::SdkConfig;
use webhook_ingest::CallError;

use crate::Error;

/// Runs `work` with region, credentials and endpoints as the functions read them.
pub(crate) fn with_aws<T>(work: impl AsyncFnOnce(&SdkConfig) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let config = webhook_aws_sdk::load_sdk_config().await.ok_or(Error::NoRegion)?;
        work(&config).await
    })
}

/// The same for the adapters that the functions use.
pub(crate) async fn adapters(config: &SdkConfig) -> Result<webhook_aws::Config, Error> {
    let provider = config.credentials_provider().ok_or(Error::NoCredentials)?;
    let credentials = provider.provide_credentials().await.map_err(|_| Error::NoCredentials)?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let variant = Variant { fips: config.use_fips() == Some(true), dual_stack: config.use_dual_stack() == Some(true) };
    let adapters = webhook_aws::Config::new(region, Some(credentials), config.endpoint_url().map(str::to_owned))?;
    Ok(adapters.with_variant(variant))
}

/// What `what` failed with.
pub(crate) fn failed(what: &'static str) -> impl Fn(CallError) -> Error {
    move |source| Error::Aws { what, source }
}
