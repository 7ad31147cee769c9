//! The two deliveries that a new version must refuse, each with its own status.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_lambda::{Client, primitives::Blob};
use aws_smithy_types::timeout::TimeoutConfig;
use serde::Deserialize;
use serde_json::json;
use webhook_aws::{SdkConfig, SecretsManager, call_error};
use webhook_ingest::{CallError, SecretError, SecretStore as _, UnixMillis, stored_secret_text};
use webhook_verify::{
    Header, KeyError, Provider, Scheme, SigningSecret,
    sign::{Signer, malformed_body},
};

/// Longer than a function may run (15 s), with its cold start.
const INVOCATION_AT_MOST: Duration = Duration::from_secs(25);

/// What is checked, and with what.
pub(crate) struct Check {
    pub(crate) provider: &'static Provider,
    /// The schemes that the function accepts.
    pub(crate) schemes: Vec<&'static Scheme>,
    pub(crate) public_url: Option<String>,
    pub(crate) secret: SecretsManager,
    pub(crate) lambda: Client,
    pub(crate) new_version: String,
}

/// Why the new version must not get traffic.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the signing secret could not be read: {0}")]
    Secret(#[from] SecretError),
    #[error("the signing secret cannot be used: {0}")]
    Spelling(#[from] KeyError),
    #[error("the version could not be invoked: {0}")]
    Invoke(CallError),
    #[error("the version failed ({0}): its log has the reason")]
    Failed(String),
    #[error("the version's answer to {delivery} is not an HTTP response")]
    NoAnswer { delivery: &'static str },
    #[error("the version answers {actual} to {delivery}; expected {expected}")]
    Answer { delivery: &'static str, expected: u16, actual: u16 },
}

/// The part of a response that is checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
}

/// Returns a client that waits for a cold start.
pub(crate) fn patient_client(sdk: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(INVOCATION_AT_MOST).build();
    Client::from_conf(aws_sdk_lambda::config::Builder::from(sdk).timeout_config(timeouts).build())
}

impl Check {
    /// Sends both deliveries.
    ///
    /// # Errors
    /// [`Unfit`] if the version does not answer as it must, or if the check itself fails.
    pub(crate) async fn run(&self) -> Result<(), Unfit> {
        self.expect("an unsigned delivery", 401, &[], "{}").await?;
        let secret = self.signing_secret().await?;
        // Schemes are listed with the oldest first.
        let probes =
            self.schemes.iter().rev().filter_map(|scheme| Some((scheme, malformed_body(scheme)?)));
        for (scheme, body) in probes {
            let signer = Signer::new(scheme, &secret, UnixMillis::now().seconds());
            let headers = signer.public_url(self.public_url.as_deref()).sign(body.as_bytes());
            let headers = headers.expect("a malformed body can be signed");
            self.expect("a signed delivery that is malformed", 400, &headers, &body).await?;
        }
        Ok(())
    }

    async fn signing_secret(&self) -> Result<SigningSecret, Unfit> {
        let stored = self.secret.fetch_current().await.map_err(SecretError::Call)?;
        let (text, _) = stored_secret_text(&stored)?;
        Ok(self.provider.key().read(&text)?)
    }

    async fn expect(
        &self,
        delivery: &'static str,
        expected: u16,
        headers: &[Header],
        body: &str,
    ) -> Result<(), Unfit> {
        let invoke = self.lambda.invoke().function_name(&self.new_version);
        let output = invoke.payload(Blob::new(self.event(headers, body))).send().await;
        let output = output.map_err(|error| Unfit::Invoke(call_error(&error)))?;
        if let Some(kind) = output.function_error {
            return Err(Unfit::Failed(kind));
        }
        let answer =
            output.payload.and_then(|payload| serde_json::from_slice(payload.as_ref()).ok());
        match answer {
            Some(Answer { status_code }) if status_code == expected => Ok(()),
            Some(Answer { status_code: actual }) => {
                Err(Unfit::Answer { delivery, expected, actual })
            }
            None => Err(Unfit::NoAnswer { delivery }),
        }
    }

    /// Returns the event of a request, as an HTTP API or a function URL sends it.
    fn event(&self, headers: &[Header], body: &str) -> Vec<u8> {
        let path = format!("/webhooks/{}", self.provider.name());
        let headers: BTreeMap<_, _> = headers
            .iter()
            .map(|header| (header.name(), String::from_utf8_lossy(header.value())))
            .collect();
        let event = json!({
            "version": "2.0",
            "routeKey": format!("POST {path}"),
            "rawPath": path,
            "headers": headers,
            "requestContext": { "http": { "method": "POST", "path": path } },
            "body": body,
            "isBase64Encoded": false,
        });
        event.to_string().into_bytes()
    }
}
