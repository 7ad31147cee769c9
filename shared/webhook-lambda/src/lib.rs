//! The edge: a Lambda function that receives one provider's webhooks.
//!
//! Configuration from the environment, the HTTP event to headers and body, the outcome to an answer, a line of log and one of
//! metrics. What happens in between is `webhook-ingest`'s.
//!
//! # What may end the process
//!
//! No HTTP request that a sender makes does, and no event: each gets an answer, or is an error to Lambda. What comes before the
//! event is `lambda_runtime`'s to read, which has no hook there and ends the process, and Lambda starts another, if a header
//! of the Runtime API is not as documented: `Lambda-Runtime-Client-Context` and `Lambda-Runtime-Cognito-Identity` that lack members
//! of the mobile SDK's objects, a missing or non-numeric `Lambda-Runtime-Deadline-Ms`, a missing request id. Lambda itself
//! writes these headers. The content of the first two is chosen by whoever calls Lambda's `Invoke` with a client context or a
//! Cognito identity, which takes the permission `lambda:InvokeFunction`; no front door of HTTP passes either on.

#![forbid(unsafe_code)]

mod clock;
mod config;
mod event;
mod function;
mod invocation;
mod log;
pub mod metrics;
mod response;

use lambda_runtime::{Runtime, service_fn};
use tokio::runtime::Builder;
use webhook_aws::{CredentialsFrom, Environment, load};
use webhook_verify::Provider;

pub use webhook_aws::StartError;

pub use crate::config::VARIABLES;
use crate::{config::FunctionConfig, function::Function};

/// Serves the provider's webhooks until Lambda ends the process.
///
/// # Errors
/// The environment lacks a variable, or a variable has a value that cannot be used.
pub fn run<P: Provider>(provider: P) -> Result<(), StartError> {
    // One thread: an instance handles one delivery at a time.
    Builder::new_current_thread().enable_all().build()?.block_on(serve(provider))
}

async fn serve<P: Provider>(provider: P) -> Result<(), StartError> {
    let config = FunctionConfig::read::<P>(&Environment::of_process())?;
    log::init(config.log_filter.clone());
    let aws = load(CredentialsFrom::Environment).await?;
    let function = Function::new(provider, &aws, config);
    function.warm_up().await;
    // No layer for tracing spans: the one line of log has the request's id.
    let runtime = Runtime::new(service_fn(|event| function.handle(event)));
    let ended = Box::pin(runtime.run()).await;
    ended.map_err(|error| StartError::Runtime(format!("the Lambda runtime failed: {error}")))
}
