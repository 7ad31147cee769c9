//! The signing secret in Secrets Manager: the versions `AWSCURRENT` and `AWSPREVIOUS`.
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use serde::{Deserialize, Serialize};
use webhook_ingest::{CallError, SecretStore, StoredSecret, StoredSecrets};
use zeroize::Zeroizing;

use crate::{Config, ConfigError, client::Client, endpoint::Service};

/// One secret, by name or ARN.
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// The secret of this name or ARN.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`].
    pub fn new(config: &Config, secret_id: String) -> Result<Self, ConfigError> {
        Ok(Self { client: Client::new(config, Service::SecretsManager)?, secret_id })
    }

    /// `None` where there is no such secret, or no such version of it.
    async fn version(&self, stage: &str) -> Result<Option<StoredSecret>, CallError> {
        let input = GetSecretValue { secret_id: &self.secret_id, version_stage: stage };
        let answer = self.client.json("secretsmanager.GetSecretValue", "application/x-amz-json-1.1", &input).await;
        match answer {
            Ok(answer) => {
                let value: SecretValue = serde_json::from_slice(&answer)
                    .map_err(|_| CallError::Answer("what Secrets Manager answered is not of its form"))?;
                let text = value.secret_string.map(Zeroizing::new);
                Ok(Some(text.map_or(StoredSecret::NoText, StoredSecret::Text)))
            }
            Err(failure) if failure.is("ResourceNotFoundException").is_some() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl SecretStore for SecretsManager {
    async fn fetch(&self) -> Result<StoredSecrets, CallError> {
        let (current, previous) = tokio::join!(self.fetch_current(), self.version("AWSPREVIOUS"));
        Ok(StoredSecrets { current: current?, previous })
    }

    async fn fetch_current(&self) -> Result<StoredSecret, CallError> {
        let current = self.version("AWSCURRENT").await?;
        current.ok_or_else(|| CallError::Service("ResourceNotFoundException".to_owned()))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue<'a> {
    secret_id: &'a str,
    version_stage: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
}
