//! The signing secret in Secrets Manager: the versions `AWSCURRENT` and `AWSPREVIOUS`.
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueError};
use webhook_ingest::{CallError, SecretStore, StoredSecret, StoredSecrets};
use zeroize::Zeroizing;

use crate::{call_error::call_error, names::SecretId};

/// One secret, by name or ARN.
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// Reads this secret.
    #[must_use]
    pub fn new(config: &SdkConfig, secret_id: SecretId) -> Self {
        Self { client: Client::new(config), secret_id: secret_id.into() }
    }

    /// Returns the version, or `None` if there is no such secret or no such version of it.
    async fn version(&self, stage: &str) -> Result<Option<StoredSecret>, CallError> {
        match self
            .client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_stage(stage)
            .send()
            .await
        {
            Ok(value) => {
                let text = value.secret_string.map(Zeroizing::new);
                Ok(Some(text.map_or(StoredSecret::NotText, StoredSecret::Text)))
            }
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                Some(_) | None => Err(call_error(&error)),
            },
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
        current.ok_or_else(|| CallError::Refused("ResourceNotFoundException".to_owned()))
    }
}
