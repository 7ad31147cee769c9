//! The edge: a Lambda function that receives one provider's webhooks.
//!
//! It reads the configuration from the environment, turns the HTTP event into headers and body,
//! turns the outcome into a response, and writes a line of log and a line of metrics.
//! `webhook-ingest` does what happens in between.
//!
//! # What may end the process
//!
//! No sender's request and no event ends the process: each gets a response, or is an error to
//! Lambda.
//!
//! The headers of Lambda's Runtime API are different. `lambda_runtime` reads them before it calls
//! this crate, and ends the process if one of them is malformed. It has no hook to prevent that.
//! Lambda then starts a new process. There are two cases:
//!
//! - `Lambda-Runtime-Client-Context` or `Lambda-Runtime-Cognito-Identity` is not the JSON object
//!   that the mobile SDK sends. Only a caller of Lambda's `Invoke` chooses their content, and needs
//!   the permission `lambda:InvokeFunction`. APIs, load balancers and function URLs pass neither
//!   on.
//! - `Lambda-Runtime-Deadline-Ms` is missing or not a number, or the request id is missing. Lambda
//!   always sends both.

#![forbid(unsafe_code)]

mod clock;
mod config;
pub mod event;
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
/// [`StartError`] if a required variable is not set, if a variable has a value that cannot be used,
/// or if the Lambda runtime fails.
pub fn run(provider: &'static Provider) -> Result<(), StartError> {
    // One thread: an instance handles one delivery at a time.
    Builder::new_current_thread().enable_all().build()?.block_on(serve(provider))
}

async fn serve(provider: &'static Provider) -> Result<(), StartError> {
    let config = FunctionConfig::read(provider, &Environment::of_process())?;
    log::init(config.log_filter.clone());
    let aws = load(CredentialsFrom::Environment).await?;
    // Leaked, so that a slow fetch of the secret can go on in the background of the first delivery.
    let function: &'static _ = Box::leak(Box::new(Function::new(provider, &aws, config)));
    function.warm_up().await;
    // No layer for tracing spans: the one line of log has the request's id.
    let runtime = Runtime::new(service_fn(|event| function.handle(event)));
    let ended = Box::pin(runtime.run()).await;
    ended.map_err(|error| StartError::Runtime(format!("the Lambda runtime failed: {error}")))
}
