//! A delivery as an HTTP API hands it to a function: payload format 2.0.
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
//!
//! Account, API, addresses and request id are invented. The time is the delivery's, so that equal
//! input gives equal text.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    delivery::{OutgoingDelivery, USER_AGENT},
    error::CliError,
};

/// How an event holds its body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyEncoding {
    /// As text: what API Gateway does with JSON.
    Text,
    /// As base64: what it does with bodies that are not text.
    Base64,
}

impl OutgoingDelivery {
    /// Returns the event as indented JSON, with a line break at its end.
    ///
    /// # Errors
    /// [`CliError::BodyNotText`] for a body that [`BodyEncoding::Text`] cannot hold;
    /// [`CliError::TimeOutOfRange`] if the time is after the year 9999.
    pub fn to_lambda_event(&self, encoding: BodyEncoding) -> Result<String, CliError> {
        let body = match encoding {
            BodyEncoding::Text => {
                str::from_utf8(self.body()).map_err(|_| CliError::BodyNotText)?.to_owned()
            }
            BodyEncoding::Base64 => BASE64_STANDARD.encode(self.body()),
        };
        let path = format!("/webhooks/{}", self.sender().provider.name());
        let route_key = format!("POST {path}");
        let at = OffsetDateTime::from_unix_timestamp(self.at().0)
            .map_err(|_| CliError::TimeOutOfRange)?;
        let headers = self.headers_behind_the_gateway();
        let event = HttpApiEvent {
            version: "2.0",
            route_key: &route_key,
            raw_path: &path,
            raw_query_string: "",
            headers: headers.clone(),
            request_context: RequestContext {
                account_id: "123456789012",
                api_id: API_ID,
                domain_name: DOMAIN_NAME,
                domain_prefix: API_ID,
                http: Http {
                    method: "POST",
                    path: &path,
                    protocol: "HTTP/1.1",
                    source_ip: SOURCE_IP,
                    user_agent: &headers.get(USER_AGENT).cloned().unwrap_or_default(),
                },
                request_id: "JKJaXmPLvHcESHA=",
                route_key: &route_key,
                stage: "$default",
                time: common_log_time(at),
                time_epoch: at.unix_timestamp() * 1000,
            },
            body,
            is_base64_encoded: encoding == BodyEncoding::Base64,
        };
        Ok(event.to_json())
    }

    /// Returns the provider's headers and those that its HTTP client and API Gateway add, sorted,
    /// with names in lower case.
    fn headers_behind_the_gateway(&self) -> BTreeMap<String, String> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let own = self.headers();
        let own = own.iter().map(|header| (header.name().to_owned(), text(header.value())));
        let added = [
            ("accept-encoding", "gzip, deflate".to_owned()),
            ("content-length", self.body().len().to_string()),
            ("host", DOMAIN_NAME.to_owned()),
            ("x-amzn-trace-id", format!("Root=1-{:08x}-abcdef012345678912345678", self.at().0)),
            ("x-forwarded-for", SOURCE_IP.to_owned()),
            ("x-forwarded-port", "443".to_owned()),
            ("x-forwarded-proto", "https".to_owned()),
        ];
        own.chain(added.map(|(name, value)| (name.to_owned(), value))).collect()
    }
}

const API_ID: &str = "a1b2c3d4e5";
const DOMAIN_NAME: &str = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com";

/// From a block that is reserved for documentation (RFC 5737).
const SOURCE_IP: &str = "192.0.2.44";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpApiEvent<'e> {
    version: &'e str,
    route_key: &'e str,
    raw_path: &'e str,
    raw_query_string: &'e str,
    headers: BTreeMap<String, String>,
    request_context: RequestContext<'e>,
    body: String,
    is_base64_encoded: bool,
}

impl HttpApiEvent<'_> {
    fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("JSON can hold texts and numbers") + "\n"
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'e> {
    account_id: &'e str,
    api_id: &'e str,
    domain_name: &'e str,
    domain_prefix: &'e str,
    http: Http<'e>,
    request_id: &'e str,
    route_key: &'e str,
    stage: &'e str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'e> {
    method: &'e str,
    path: &'e str,
    protocol: &'e str,
    source_ip: &'e str,
    user_agent: &'e str,
}

/// Formats a time as web servers do in their logs: `21/Nov/2026:12:00:00 +0000`.
fn common_log_time(at: OffsetDateTime) -> String {
    let month = at.month().to_string();
    let month = month.get(..3).unwrap_or_default();
    let (hour, minute, second) = at.to_hms();
    format!("{:02}/{month}/{:04}:{hour:02}:{minute:02}:{second:02} +0000", at.day(), at.year())
}

#[cfg(test)]
mod tests {
    use webhook_verify::{
        Provider, SigningSecret, UnixSeconds,
        catalogue::{GITHUB, SLACK},
    };

    use super::*;
    use crate::delivery::Sender;

    fn event(
        provider: &'static Provider,
        at: i64,
        body: &[u8],
        encoding: BodyEncoding,
    ) -> Result<String, String> {
        let secret = SigningSecret::new(b"TEST_KEY".to_vec()).expect("not empty");
        let sender = Sender::new(provider, &provider.schemes()[0]);
        let delivery = OutgoingDelivery::sign(sender, &secret, UnixSeconds(at), body.to_vec())
            .expect("can be signed");
        delivery.to_lambda_event(encoding).map_err(|error| error.to_string())
    }

    /// The signature is HMAC-SHA256 of `v0:860860860:{"é": "\n"}` under `TEST_KEY`, computed with
    /// Python.
    #[test]
    fn an_event_has_the_shape_of_payload_format_2() {
        let expected = r#"{
  "version": "2.0",
  "routeKey": "POST /webhooks/slack",
  "rawPath": "/webhooks/slack",
  "rawQueryString": "",
  "headers": {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "content-length": "12",
    "content-type": "application/json",
    "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "user-agent": "cargo-webhook",
    "x-amzn-trace-id": "Root=1-334fb1bc-abcdef012345678912345678",
    "x-forwarded-for": "192.0.2.44",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
    "x-slack-request-timestamp": "860860860",
    "x-slack-signature": "v0=972a85d4adbb68ebab904bc60c7e8ebb0b7bf51031064c2d912ea6c0412ec658"
  },
  "requestContext": {
    "accountId": "123456789012",
    "apiId": "a1b2c3d4e5",
    "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "domainPrefix": "a1b2c3d4e5",
    "http": {
      "method": "POST",
      "path": "/webhooks/slack",
      "protocol": "HTTP/1.1",
      "sourceIp": "192.0.2.44",
      "userAgent": "cargo-webhook"
    },
    "requestId": "JKJaXmPLvHcESHA=",
    "routeKey": "POST /webhooks/slack",
    "stage": "$default",
    "time": "12/Apr/1997:16:01:00 +0000",
    "timeEpoch": 860860860000
  },
  "body": "{\"é\": \"\\n\"}",
  "isBase64Encoded": false
}
"#;
        let made = event(SLACK, 860_860_860, "{\"é\": \"\\n\"}".as_bytes(), BodyEncoding::Text);
        assert_eq!(made, Ok(expected.to_owned()));
    }

    #[test]
    fn any_bytes_travel_as_base64_and_only_text_as_text() {
        let made = event(GITHUB, 0, b"\xff{}", BodyEncoding::Base64).expect("is made");
        assert!(
            made.ends_with("  \"body\": \"/3t9\",\n  \"isBase64Encoded\": true\n}\n"),
            "{made}"
        );
        assert_eq!(
            event(GITHUB, 0, b"\xff{}", BodyEncoding::Text),
            Err("the body is not UTF-8, so the event cannot hold it as text: use --base64"
                .to_owned())
        );
    }

    #[test]
    fn a_time_without_a_date_is_refused() {
        let last = event(SLACK, 253_402_300_799, b"{}", BodyEncoding::Text).expect("is made");
        assert!(last.contains("\"31/Dec/9999:23:59:59 +0000\""), "{last}");
        for at in [253_402_300_800, i64::MAX] {
            assert_eq!(
                event(SLACK, at, b"{}", BodyEncoding::Text),
                Err("the timestamp is after the year 9999, so the event cannot be dated".to_owned())
            );
        }
    }
}
