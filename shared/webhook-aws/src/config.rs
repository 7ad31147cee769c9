//! As whom, and where, a function calls AWS.

use std::env;

use aws_credential_types::Credentials;

use crate::{
    client::Http,
    endpoint::{OwnEndpoints, Variant},
};

/// Region, credentials, endpoints and connections: what clients of several services share.
#[derive(Clone)]
pub struct Config {
    pub(crate) region: String,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) own_endpoints: OwnEndpoints,
    pub(crate) variant: Variant,
    pub(crate) http: Http,
}

/// Why there is no configuration, or no client of it, in words for the operator.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Neither `AWS_REGION` nor `AWS_DEFAULT_REGION`.
    #[error("AWS_REGION is not set")]
    NoRegion,
    /// Of region, or of `AWS_ENDPOINT_URL` and its variants for a service.
    #[error("{0} is no URL: look at AWS_REGION and AWS_ENDPOINT_URL, and the latter's variants for a service")]
    Endpoint(String),
    /// TLS would trust nobody.
    #[error("SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate")]
    NoRoots,
}

impl Config {
    /// With `endpoint_url` in place of AWS's endpoints, where there is one; the variants of `AWS_ENDPOINT_URL` for a service come
    /// before it. Without credentials, every call fails.
    ///
    /// # Errors
    /// [`ConfigError::NoRoots`].
    pub fn new(
        region: String,
        credentials: Option<Credentials>,
        endpoint_url: Option<String>,
    ) -> Result<Self, ConfigError> {
        let own_endpoints = OwnEndpoints::new(endpoint_url, variable);
        Ok(Self { region, credentials, own_endpoints, variant: Variant::default(), http: Http::new()? })
    }

    /// With endpoints of this kind.
    #[must_use]
    pub fn with_variant(self, variant: Variant) -> Self {
        Self { variant, ..self }
    }

    /// From the environment, where Lambda puts all of it: the region, the keys, `AWS_ENDPOINT_URL` and its variants for a service,
    /// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
    ///
    /// # Errors
    /// [`ConfigError::NoRegion`], [`ConfigError::NoRoots`].
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::from_variables(variable)
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let is_true = |name: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self {
            region: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).ok_or(ConfigError::NoRegion)?,
            credentials: credentials(&variable),
            variant: Variant {
                fips: is_true("AWS_USE_FIPS_ENDPOINT"),
                dual_stack: is_true("AWS_USE_DUALSTACK_ENDPOINT"),
            },
            own_endpoints: OwnEndpoints::new(variable("AWS_ENDPOINT_URL"), variable),
            http: Http::new()?,
        })
    }
}

/// A variable that is there and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A function's credentials stay the same for the life of its process.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Service;

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(|wanted| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn all_that_lambda_sets_is_read() {
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
        ];
        let read = config(&variables).expect("a configuration");
        let credentials = read.credentials.as_ref().expect("they are set");
        let keys = (credentials.access_key_id(), credentials.secret_access_key(), credentials.session_token());
        assert_eq!(keys, ("id", "secret", Some("token")));
        let url = read.endpoint(Service::SecretsManager).expect("a URL").to_string();
        assert_eq!(url, "https://secretsmanager.eu-west-1.amazonaws.com/");
    }

    #[test]
    fn another_kind_of_endpoint_or_ones_own_is_taken_where_the_environment_says_so() {
        let region = ("AWS_DEFAULT_REGION", "us-east-1");
        for (variables, sqs) in [
            (&[region][..], "https://sqs.us-east-1.amazonaws.com/"),
            (&[region, ("AWS_USE_FIPS_ENDPOINT", "false")], "https://sqs.us-east-1.amazonaws.com/"),
            (&[region, ("AWS_USE_FIPS_ENDPOINT", "true")], "https://sqs-fips.us-east-1.amazonaws.com/"),
            (&[region, ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")], "https://sqs.us-east-1.api.aws/"),
            (&[region, ("AWS_ENDPOINT_URL", "http://a:1")], "http://a:1/"),
            (&[region, ("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_SQS", "http://b:2/c/")], "http://b:2/c/"),
            (&[region, ("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_S3", "http://b:2")], "http://a:1/"),
        ] {
            let read = config(variables).expect("a configuration");
            assert_eq!(read.endpoint(Service::Sqs).expect("a URL").to_string(), sqs);
        }
        assert_eq!(config(&[]).err(), Some(ConfigError::NoRegion));
    }
}
