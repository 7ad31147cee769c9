//! Where a service is: AWS's own names for its endpoints, or what the environment says.
//!
//! The SDK finds out by rules and a list of regions that it parses at each start, for each service. Here are the names of the
//! four services that a function calls; a test holds them to the SDK's.

use http::Uri;

use crate::{Config, ConfigError};

/// The services that a function calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Service {
    DynamoDb,
    Sqs,
    S3,
    SecretsManager,
}

impl Service {
    const ALL: [Self; 4] = [Self::DynamoDb, Self::Sqs, Self::S3, Self::SecretsManager];

    /// In signatures, and in host names.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
        }
    }

    /// The variable that says where this service alone is.
    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
    fn variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        }
    }
}

/// The kind of endpoint that is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Variant {
    /// `AWS_USE_FIPS_ENDPOINT`: TLS by a validated module, on the side of AWS.
    pub fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`: IPv6 besides IPv4.
    pub dual_stack: bool,
}

/// Endpoints in place of AWS's: of all services, or of one alone, which comes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnEndpoints {
    all: Option<String>,
    of_one: Vec<(Service, String)>,
}

impl OwnEndpoints {
    pub(crate) fn new(all: Option<String>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let of_one = |service: Service| Some((service, variable(service.variable())?));
        Self { all, of_one: Service::ALL.into_iter().filter_map(of_one).collect() }
    }

    fn of(&self, service: Service) -> Option<&str> {
        let of_one = self.of_one.iter().find(|(one, _)| *one == service);
        of_one.map(|(_, endpoint)| endpoint).or(self.all.as_ref()).map(String::as_str)
    }
}

impl Config {
    /// Where `service` is.
    pub(crate) fn endpoint(&self, service: Service) -> Result<Uri, ConfigError> {
        url(match self.own_endpoints.of(service) {
            Some(own) => own.to_owned(),
            None => format!("https://{}", host(service, &self.region, self.variant)),
        })
    }

    /// Where the objects of `bucket` are. Behind an endpoint that is not AWS's usual one, buckets are paths, as emulators want.
    pub(crate) fn bucket_endpoint(&self, bucket: &str) -> Result<Uri, ConfigError> {
        url(match self.own_endpoints.of(Service::S3) {
            Some(own) => format!("{}/{bucket}", own.trim_end_matches('/')),
            None => bucket_url(bucket, &self.region, self.variant),
        })
    }
}

fn url(text: String) -> Result<Uri, ConfigError> {
    let is_url = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    text.parse().ok().filter(is_url).ok_or(ConfigError::Endpoint(text))
}

fn bucket_url(bucket: &str, region: &str, variant: Variant) -> String {
    let host = host(Service::S3, region, variant);
    // A certificate's wildcard stands for one label.
    if bucket.contains('.') { format!("https://{host}/{bucket}") } else { format!("https://{bucket}.{host}") }
}

fn host(service: Service, region: &str, Variant { fips, dual_stack }: Variant) -> String {
    let name = service.signing_name();
    let (suffix, dual_stack_suffix) = suffixes(region);
    // The usual name is the validated one there.
    let is_fips_already =
        region.starts_with("us-gov-") && matches!(service, Service::DynamoDb | Service::Sqs) && !dual_stack;
    let fips = if fips && !is_fips_already { "-fips" } else { "" };
    // The usual name has both kinds of addresses there.
    let is_dual_already = service == Service::SecretsManager && suffix.starts_with("amazonaws.com");
    if !dual_stack || is_dual_already {
        format!("{name}{fips}.{region}.{suffix}")
    } else if service == Service::S3 {
        format!("{name}{fips}.dualstack.{region}.{suffix}")
    } else {
        format!("{name}{fips}.{region}.{dual_stack_suffix}")
    }
}

/// The domains of the region's partition.
fn suffixes(region: &str) -> (&'static str, &'static str) {
    const PARTITIONS: [(&str, &str, &str); 6] = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    let own = PARTITIONS.into_iter().find(|(prefix, ..)| region.starts_with(prefix));
    own.map_or(("amazonaws.com", "api.aws"), |(_, suffix, dual_stack_suffix)| (suffix, dual_stack_suffix))
}

#[cfg(test)]
mod tests;
