//! The one call to CloudWatch. The SDK's client for it would bring fourteen crates, among them a
//! second `http`, and would switch that on for the functions as well.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Request;
use webhook_aws::SdkConfig;
use webhook_ingest::CallError;

use crate::http::exchange;

const TARGET: &str = "GraniteServiceVersion20100801.DescribeAlarms";
/// The most names that one call takes.
const NAMES_AT_MOST: usize = 100;

/// An alarm and its state.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Alarm {
    #[serde(rename = "AlarmName")]
    pub(crate) name: String,
    pub(crate) actions_enabled: bool,
    #[serde(default, rename = "AlarmActions")]
    pub(crate) actions: Vec<String>,
    #[serde(default, rename = "StateValue")]
    pub(crate) state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(default)]
    metric_alarms: Vec<Alarm>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
}

/// Returns the alarms with these names, without those that do not exist.
pub(crate) async fn alarms(config: &SdkConfig, names: &[&str]) -> Result<Vec<Alarm>, CallError> {
    let mut found = Vec::new();
    for names in names.chunks(NAMES_AT_MOST) {
        let body = json!({ "AlarmNames": names, "MaxRecords": NAMES_AT_MOST }).to_string();
        let answer = call(config, &body).await?;
        let described: Described = serde_json::from_slice(&answer)
            .map_err(|_| CallError::UnexpectedResponse("no list of alarms"))?;
        found.extend(described.metric_alarms);
    }
    Ok(found)
}

async fn call(config: &SdkConfig, body: &str) -> Result<Vec<u8>, CallError> {
    const NO_CREDENTIALS: CallError = CallError::NoResponse("there are no credentials");
    const NOT_SIGNED: CallError = CallError::NoResponse("the request could not be built");
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let url = format!("{}/", endpoint(config.endpoint_url(), &region));
    let credentials = config.credentials_provider().ok_or(NO_CREDENTIALS)?;
    let identity = credentials.provide_credentials().await.map_err(|_| NO_CREDENTIALS)?.into();
    let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", TARGET)];
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("monitoring")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| NOT_SIGNED)?
        .into();
    let signable = SignableRequest::new(
        "POST",
        &url,
        headers.into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    );
    let signed = sign(signable.map_err(|_| NOT_SIGNED)?, &parameters).map_err(|_| NOT_SIGNED)?;
    let mut request = Request::post(&url);
    for (name, value) in headers.into_iter().chain(signed.output().headers()) {
        request = request.header(name, value);
    }
    let reply =
        exchange(request.body(body)).map_err(|_| CallError::NoResponse("the connection failed"))?;
    match reply.status.as_u16() {
        200 => Ok(reply.body().to_vec()),
        status => {
            let refusal: Option<Refusal> = serde_json::from_slice(reply.body()).ok();
            let code = refusal.map_or_else(|| format!("HTTP {status}"), |refusal| refusal.code);
            Err(if status >= 500 { CallError::Failed(code) } else { CallError::Refused(code) })
        }
    }
}

/// `replaced` is the endpoint of an emulator, or a company's own.
fn endpoint(replaced: Option<&str>, region: &str) -> String {
    match replaced {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if region.starts_with("cn-") => {
            format!("https://monitoring.{region}.amazonaws.com.cn")
        }
        None => format!("https://monitoring.{region}.amazonaws.com"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_regions_or_the_one_that_replaces_it() {
        for (replaced, region, expected) in [
            (None, "eu-west-1", "https://monitoring.eu-west-1.amazonaws.com"),
            (None, "cn-north-1", "https://monitoring.cn-north-1.amazonaws.com.cn"),
            (Some("http://127.0.0.1:4566/"), "eu-west-1", "http://127.0.0.1:4566"),
        ] {
            assert_eq!(endpoint(replaced, region), expected);
        }
    }
}
