//! The signing secret in Secrets Manager: the versions `AWSCURRENT` and `AWSPREVIOUS`.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueError};
use webhook_ingest::{CallError, SecretStore, StoredSecret, StoredSecrets};
use zeroize::Zeroizing;

use crate::error::call_error;

/// One secret, by name or ARN.
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// The secret of this name or ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, secret_id: String) -> Self {
        Self { client: Client::new(config), secret_id }
    }

    /// `None` where there is no such secret, or no such version of it.
    async fn version(&self, stage: &str) -> Result<Option<StoredSecret>, CallError> {
        let value = self.client.get_secret_value().secret_id(&self.secret_id).version_stage(stage).send().await;
        match value {
            Ok(value) => {
                let text = value.secret_string.map(Zeroizing::new);
                Ok(Some(text.map_or(StoredSecret::NoText, StoredSecret::Text)))
            }
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(call_error(&error)),
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
        current.ok_or_else(|| CallError::Service("ResourceNotFoundException".to_owned()))
    }
}
