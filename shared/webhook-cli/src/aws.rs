//! Calls to AWS from a command, which is no asynchronous program.

use tokio::runtime::Builder;
use webhook_aws::SdkConfig;
use webhook_ingest::CallError;

use crate::Error;

/// Runs `work` with region, credentials and endpoints as the functions read them.
pub(crate) fn with_aws<T>(work: impl AsyncFnOnce(&SdkConfig) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let config = webhook_aws::load_sdk_config().await;
        if config.region().is_none_or(|region| region.as_ref().is_empty()) {
            return Err(Error::NoRegion);
        }
        work(&config).await
    })
}

/// What `what` failed with.
pub(crate) fn failed(what: &'static str) -> impl Fn(CallError) -> Error {
    move |source| Error::Aws { what, source }
}
