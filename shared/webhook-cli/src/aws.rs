//! Calls to AWS from commands, which are not asynchronous.

use aws_credential_types::provider::ProvideCredentials as _;
use tokio::runtime::Builder;
use webhook_aws::{CredentialsFrom, SdkConfig, StartError, load};
use webhook_ingest::CallError;

use crate::{error::CliError, provider::with_example_provider};

/// Runs `work` with the SDK's configuration.
pub(crate) fn with_aws<T>(
    work: impl AsyncFnOnce(&SdkConfig) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(StartError::from)?;
    runtime.block_on(async {
        let config = load(CredentialsFrom::Chain).await.map_err(|error| match error {
            StartError::Missing("AWS_REGION") => CliError::NoRegion,
            error => error.into(),
        })?;
        // Without this check, a call would fail without saying why.
        let credentials = config.credentials_provider().ok_or(CliError::NoCredentials)?;
        credentials.provide_credentials().await.map_err(|_| CliError::NoCredentials)?;
        work(&config).await
    })
}

/// Adds to an error which call failed.
pub(crate) fn failed(call: &'static str) -> impl Fn(CallError) -> CliError {
    move |source| CliError::Aws { call, source }
}

/// Returns the end of the help of an operator's command: where region and credentials come from,
/// and examples.
pub(crate) fn aws_help(examples: &str) -> String {
    format!(
        "Region and credentials come from the environment (AWS_REGION, AWS_ACCESS_KEY_ID, …) or\n\
         from the profile that AWS_PROFILE names. For a profile with single sign-on, export its\n\
         keys first:\n  \
         eval \"$(aws configure export-credentials --format env)\"\n\n{}",
        with_example_provider(examples)
    )
}
