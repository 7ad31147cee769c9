//! Checks a new version of a provider's function before any traffic moves to it. CodeDeploy invokes
//! this function (a pre-traffic hook), and waits until the function reports "succeeded" or
//! "failed". After "failed" the old version keeps the traffic.
//!
//! Two deliveries go to the new version, and neither can queue anything:
//!
//! 1. One without a signature must be answered 401: the version starts, and refuses a delivery that
//!    is not signed.
//! 2. One that is signed with the provider's secret, but malformed
//!    ([`malformed_body`](webhook_verify::sign::malformed_body)), must be answered 400: the version
//!    reads the right secret and the right schemes. 401 would mean that it refuses the provider,
//!    503 that it has no secret.
//!
//! | variable | meaning |
//! |---|---|
//! | `PROVIDER` | whose function is checked |
//! | `NEW_VERSION` | ARN of the version that is checked |
//! | `SIGNING_SECRET_ID`, `SIGNATURE_SCHEMES`, `PUBLIC_URL` | as the function has them |
//!
//! The role needs `lambda:InvokeFunction` on the version, `secretsmanager:GetSecretValue` on the
//! secret, and `codedeploy:PutLifecycleEventHookExecutionStatus` on the deployment group.
//!
//! Source:
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>.

#![forbid(unsafe_code)]

mod check;

use std::{fmt, str::FromStr};

use aws_sdk_codedeploy::types::LifecycleEventStatus;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Deserialize;
use webhook_aws::{CredentialsFrom, Environment, SecretId, StartError, call_error, load};
use webhook_ingest::CallError;
use webhook_verify::{Provider, Scheme, providers};

use crate::check::{Check, patient_client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let environment = Environment::of_process();
    let Known(provider) = environment.required("PROVIDER")?;
    let new_version = environment.required("NEW_VERSION")?;
    let secret_id: SecretId = environment.required("SIGNING_SECRET_ID")?;
    let schemes =
        environment.optional("SIGNATURE_SCHEMES")?.map(|list: String| accepted(provider, &list));
    let public_url = environment.optional("PUBLIC_URL")?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::INFO)
        .init();
    let sdk = load(CredentialsFrom::Environment).await?;
    let check = Check {
        provider,
        schemes: schemes.unwrap_or_else(|| provider.schemes().iter().collect()),
        public_url,
        secret: webhook_aws::SecretsManager::new(&sdk, secret_id),
        lambda: patient_client(&sdk),
        new_version,
    };
    let codedeploy = aws_sdk_codedeploy::Client::new(&sdk);
    let hook = service_fn(|invocation| handle(&check, &codedeploy, invocation));
    Box::pin(lambda_runtime::Runtime::new(hook).run())
        .await
        .map_err(|error| StartError::Runtime(error.to_string()))
}

/// A provider in the list of deployed providers, read by its name.
struct Known(&'static Provider);

impl FromStr for Known {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        providers::named(name).map(Self).ok_or_else(|| format!("{name:?} is not a provider"))
    }
}

/// Returns the schemes that the function accepts. An unknown name is ignored here: it stops the
/// start of the function itself.
fn accepted(provider: &'static Provider, list: &str) -> Vec<&'static Scheme> {
    list.split(',').filter_map(|name| provider.scheme(name.trim())).collect()
}

/// What CodeDeploy sends.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deployment {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
}

/// Checks the version, and tells CodeDeploy.
async fn handle(
    check: &Check,
    codedeploy: &aws_sdk_codedeploy::Client,
    invocation: LambdaEvent<Deployment>,
) -> Result<(), NotReported> {
    let (provider, version) = (check.provider.name(), check.new_version.as_str());
    let status = match check.run().await {
        Ok(()) => {
            tracing::info!(
                webhook.provider = provider,
                version,
                "the new version gets its traffic"
            );
            LifecycleEventStatus::Succeeded
        }
        Err(reason) => {
            let reason = reason.to_string();
            tracing::error!(
                webhook.provider = provider,
                version,
                reason,
                "the new version gets no traffic"
            );
            LifecycleEventStatus::Failed
        }
    };
    let Deployment { deployment_id, lifecycle_event_hook_execution_id } = invocation.payload;
    let report = codedeploy
        .put_lifecycle_event_hook_execution_status()
        .deployment_id(deployment_id)
        .lifecycle_event_hook_execution_id(lifecycle_event_hook_execution_id)
        .status(status);
    report.send().await.map(|_| ()).map_err(|error| NotReported(call_error(&error)))
}

/// CodeDeploy was not told, so it fails the deployment after an hour.
#[derive(Debug)]
struct NotReported(CallError);

impl fmt::Display for NotReported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not tell CodeDeploy the result: {}", self.0)
    }
}

impl From<NotReported> for Diagnostic {
    fn from(error: NotReported) -> Self {
        Self { error_type: "NotReported".to_owned(), error_message: error.to_string() }
    }
}
