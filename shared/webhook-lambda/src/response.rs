//! Turns outcomes into HTTP responses: the one table of statuses.
//!
//! A fault of ours is never a 4xx, or the provider may stop trying; a fault of the sender's is
//! never a 5xx. All refusals get the same bytes, whatever the reason.

use lambda_http::{
    aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    http::{HeaderMap, HeaderValue, header},
};
use serde::Serialize;
use webhook_ingest::Outcome;

// Not by the crate's path: the fuzz targets compile this file in another crate.
use super::event::EventFormat;

/// A response in the format of the event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Response {
    /// For version 2.0 events. Only this form has `cookies`, an empty list.
    Version2(ApiGatewayV2httpResponse),
    /// For REST APIs; ALBs read the same members.
    Version1(ApiGatewayProxyResponse),
}

/// How soon to try again after a fault of ours, in seconds.
const RETRY_AFTER_FAULT_S: u64 = 5;

/// Returns the response to a delivery.
pub(crate) fn response(outcome: &Outcome, format: EventFormat) -> Response {
    let error = |error| Body { error: Some(error), ..Body::default() };
    let status = |status, id| Body { status: Some(status), id, error: None };
    match outcome {
        Outcome::Accepted { id } => answer(format, 200, None, &status("accepted", Some(id))),
        Outcome::Duplicate { id } => answer(format, 200, None, &status("duplicate", Some(id))),
        Outcome::InProgress { retry_after_s } => {
            answer(format, 409, Some(*retry_after_s), &status("in_progress", None))
        }
        Outcome::Challenge(challenge) => with_body(format, 200, None, challenge.body().to_owned()),
        Outcome::Refused(_) => answer(format, 401, None, &error("unauthorized")),
        Outcome::Malformed(_) => malformed(format),
        Outcome::TooLarge => answer(format, 413, None, &error("too_large")),
        Outcome::Unavailable(_) => {
            answer(format, 503, Some(RETRY_AFTER_FAULT_S), &error("unavailable"))
        }
    }
}

/// Returns the response to a malformed event, which is the same as to a malformed delivery.
pub(crate) fn malformed(format: EventFormat) -> Response {
    answer(format, 400, None, &Body { error: Some("malformed"), ..Body::default() })
}

/// A response's body: a status, or an error.
#[derive(Default, Serialize)]
struct Body<'o> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

fn answer(
    format: EventFormat,
    status_code: i64,
    retry_after_s: Option<u64>,
    body: &Body<'_>,
) -> Response {
    // Only text: serialising it cannot fail.
    with_body(format, status_code, retry_after_s, serde_json::to_string(body).unwrap_or_default())
}

fn with_body(
    format: EventFormat,
    status_code: i64,
    retry_after_s: Option<u64>,
    body: String,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    let body = Some(body.into());
    // The types are `non_exhaustive`, so they cannot be written as literals.
    if format == EventFormat::Version2 {
        let mut response = ApiGatewayV2httpResponse::default();
        response.status_code = status_code;
        response.headers = headers;
        response.body = body;
        return Response::Version2(response);
    }
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = status_code;
    if format == EventFormat::MultiValue {
        response.multi_value_headers = headers.clone();
    }
    response.headers = headers;
    response.body = body;
    Response::Version1(response)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use webhook_ingest::Fault;
    use webhook_verify::{Malformed, VerifyError};

    use super::*;

    const FORMATS: [EventFormat; 3] =
        [EventFormat::Version2, EventFormat::MultiValue, EventFormat::SingleValue];

    fn json(response: &Response) -> Value {
        serde_json::to_value(response).expect("a response serialises")
    }

    #[test]
    fn each_outcome_has_the_contracts_response_in_every_format() {
        let id = || "e\"1".to_owned();
        for (outcome, (status, retry_after, body)) in [
            (Outcome::Accepted { id: id() }, (200, None, r#"{"status":"accepted","id":"e\"1"}"#)),
            (Outcome::Duplicate { id: id() }, (200, None, r#"{"status":"duplicate","id":"e\"1"}"#)),
            (
                Outcome::InProgress { retry_after_s: 17 },
                (409, Some("17"), r#"{"status":"in_progress"}"#),
            ),
            (
                Outcome::Refused(VerifyError::SignatureMismatch),
                (401, None, r#"{"error":"unauthorized"}"#),
            ),
            (Outcome::Malformed(Malformed::NotAnObject), (400, None, r#"{"error":"malformed"}"#)),
            (Outcome::TooLarge, (413, None, r#"{"error":"too_large"}"#)),
            (
                Outcome::Unavailable(Fault::DeadlineNear),
                (503, Some("5"), r#"{"error":"unavailable"}"#),
            ),
        ] {
            let mut headers = json!({"content-type": "application/json"});
            let mut multi_value_headers = json!({"content-type": ["application/json"]});
            if let Some(seconds) = retry_after {
                headers["retry-after"] = json!(seconds);
                multi_value_headers["retry-after"] = json!([seconds]);
            }
            let version1 = |multi_value_headers| {
                json!({
                    "statusCode": status,
                    "headers": headers,
                    "multiValueHeaders": multi_value_headers,
                    "body": body,
                    "isBase64Encoded": false,
                })
            };
            let mut version2 = version1(json!({}));
            version2["cookies"] = json!([]);
            for (format, expected) in [
                (EventFormat::Version2, version2),
                (EventFormat::MultiValue, version1(multi_value_headers)),
                (EventFormat::SingleValue, version1(json!({}))),
            ] {
                assert_eq!(json(&response(&outcome, format)), expected, "{outcome:?} {format:?}");
            }
        }
    }

    #[test]
    fn a_challenge_is_answered_with_the_body_that_its_provider_wants() {
        for format in FORMATS {
            let body = r#"{"challenge":"3eZb\u0001"}"#;
            let answer = json(&with_body(format, 200, None, body.to_owned()));
            assert_eq!(
                (&answer["statusCode"], &answer["body"]),
                (&json!(200), &json!(body)),
                "{format:?}"
            );
            assert_eq!(answer["headers"], json!({"content-type": "application/json"}));
        }
    }

    #[test]
    fn a_malformed_event_gets_the_response_to_a_malformed_delivery() {
        for format in FORMATS {
            assert_eq!(
                json(&malformed(format)),
                json(&response(&Outcome::Malformed(Malformed::NotAnObject), format)),
                "{format:?}"
            );
        }
    }

    /// `cargo lambda watch` reads the response to a version 2.0 event as this type, whose `cookies`
    /// have no default.
    #[test]
    fn cargo_lambda_watch_can_read_the_response_to_a_version_2_event() {
        let sent = response(&Outcome::TooLarge, EventFormat::Version2);
        let read: ApiGatewayV2httpResponse =
            serde_json::from_value(json(&sent)).expect("has all members");
        assert_eq!((read.status_code, read.cookies.len()), (413, 0));
        let without = json(&response(&Outcome::TooLarge, EventFormat::SingleValue));
        assert!(
            serde_json::from_value::<ApiGatewayV2httpResponse>(without).is_err(),
            "it requires cookies"
        );
    }

    /// Each quote is escaped in the body; there, quote and backslash are escaped once more, because
    /// the body is a JSON string.
    #[test]
    fn an_id_of_1024_quotes_makes_a_response_of_4_kb() {
        let id = "\"".repeat(webhook_verify::MAX_NAME_BYTES);
        let text =
            serde_json::to_string(&response(&Outcome::Accepted { id }, EventFormat::MultiValue))
                .expect("serialises");
        assert_eq!(text.matches(r#"\\\""#).count(), 1024);
        assert_eq!(text.len(), 4 * 1024 + 193);
    }
}
