//! The names of endpoints are those that the SDK's own rules give.

use aws_sdk_dynamodb::config::endpoint as dynamodb;
use aws_sdk_s3::config::endpoint as s3;
use aws_sdk_secretsmanager::config::endpoint as secrets_manager;
use aws_sdk_sqs::config::endpoint as sqs;

use super::*;

const BUCKETS: [&str; 2] = ["payloads", "a.b"];

/// What the SDK's resolver of a service says.
macro_rules! by_the_sdk {
    ($sdk:ident, $region:expr, $variant:expr $(, $bucket:expr)?) => {{
        use $sdk::{DefaultResolver, Params, ResolveEndpoint as _};
        let params = Params::builder().region($region).use_fips($variant.fips).use_dual_stack($variant.dual_stack);
        $(let params = params.bucket($bucket);)?
        let endpoint = DefaultResolver::new().resolve_endpoint(&params.build().expect("all is set")).await;
        endpoint.expect("the SDK knows of such an endpoint").url().to_owned()
    }};
}

#[tokio::test]
async fn each_service_is_where_the_sdks_rules_say_in_every_partition_and_variant() {
    let regions = [
        "us-east-1",
        "us-west-2",
        "eu-central-1",
        "ap-southeast-2",
        "il-central-1",
        "mx-central-1",
        "us-gov-east-1",
        "us-gov-west-1",
        "cn-north-1",
        "cn-northwest-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-south-1",
        "eu-isoe-west-1",
        "eusc-de-east-1",
    ];
    for region in regions {
        for (fips, dual_stack) in [(false, false), (true, false), (false, true), (true, true)] {
            // There are none: S3's rules refuse them, and those of the others name hosts that do not exist.
            if fips && region.starts_with("cn-") {
                continue;
            }
            let variant = Variant { fips, dual_stack };
            let mut expected = vec![
                (Service::DynamoDb, by_the_sdk!(dynamodb, region, variant), None),
                (Service::Sqs, by_the_sdk!(sqs, region, variant), None),
                (Service::SecretsManager, by_the_sdk!(secrets_manager, region, variant), None),
            ];
            for bucket in BUCKETS {
                expected.push((Service::S3, by_the_sdk!(s3, region, variant, bucket), Some(bucket)));
            }
            for (service, url, bucket) in expected {
                let ours = match bucket {
                    Some(bucket) => bucket_url(bucket, region, variant),
                    None => format!("https://{}", host(service, region, variant)),
                };
                assert_eq!(ours, url, "{service:?} {region} {variant:?}");
            }
        }
    }
}

#[test]
fn an_endpoint_of_ones_own_is_taken_as_it_is_and_buckets_are_paths_there() {
    let config = Config::new("eu-west-1".to_owned(), None, Some("http://127.0.0.1:4566/".to_owned()));
    let config = config.expect("it has roots");
    for service in [Service::DynamoDb, Service::Sqs, Service::SecretsManager] {
        assert_eq!(config.endpoint(service).expect("a URL").to_string(), "http://127.0.0.1:4566/");
    }
    assert_eq!(config.bucket_endpoint("a.b").expect("a URL").to_string(), "http://127.0.0.1:4566/a.b");
}

#[test]
fn what_is_no_url_is_named() {
    for (region, endpoint, named) in [
        ("eu-west-1", Some("localhost:4566"), "localhost:4566"),
        ("eu-west-1", Some("ftp://localhost"), "ftp://localhost"),
        ("eu west", None, "https://sqs.eu west.amazonaws.com"),
    ] {
        let config = Config::new(region.to_owned(), None, endpoint.map(str::to_owned)).expect("it has roots");
        assert_eq!(config.endpoint(Service::Sqs), Err(ConfigError::Endpoint(named.to_owned())));
    }
}
