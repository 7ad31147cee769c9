//! Outcomes to HTTP answers: the one table of statuses.
//!
//! A fault of ours is never a 4xx, or the provider may stop trying; a fault of the sender's never a 5xx. All reasons for which
//! a sender is not proven are the same bytes.

use lambda_http::{
    aws_lambda_events::apigw::ApiGatewayProxyResponse,
    http::{HeaderMap, HeaderValue, header},
};
use serde::Serialize;
use webhook_ingest::Outcome;

/// The answer in the form of REST APIs, which HTTP APIs, ALBs and function URLs read, too.
pub(crate) type Response = ApiGatewayProxyResponse;

/// How soon to try again after a fault of ours, in seconds.
const RETRY_AFTER_FAULT_S: u64 = 5;

/// `multi_value_headers`: the event had them, so the answer has them.
pub(crate) fn response(outcome: &Outcome, multi_value_headers: bool) -> Response {
    let error = |error| Body { error: Some(error), ..Body::default() };
    let status = |status, id| Body { status: Some(status), id, error: None };
    let (status_code, retry_after_s, body) = match outcome {
        Outcome::Accepted { id } => (200, None, status("accepted", Some(id))),
        Outcome::Duplicate { id } => (200, None, status("duplicate", Some(id))),
        Outcome::InProgress { retry_after_s } => (409, Some(*retry_after_s), status("in_progress", None)),
        Outcome::Refused(_) => (401, None, error("unauthorized")),
        Outcome::Malformed => (400, None, error("malformed")),
        Outcome::TooLarge => (413, None, error("too_large")),
        Outcome::Unavailable(_) => (503, Some(RETRY_AFTER_FAULT_S), error("unavailable")),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    let mut response = Response::default();
    response.status_code = status_code;
    response.multi_value_headers = if multi_value_headers { headers.clone() } else { HeaderMap::new() };
    response.headers = headers;
    // Texts alone: nothing in it can fail to serialise.
    response.body = Some(serde_json::to_string(&body).unwrap_or_default().into());
    response
}

/// An answer's body: a status, or an error.
#[derive(Default, Serialize)]
struct Body<'o> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// To an event that is no HTTP request, or a malformed one.
pub(crate) fn malformed_event() -> Response {
    response(&Outcome::Malformed, false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use webhook_ingest::Fault;
    use webhook_verify::VerifyError;

    use super::*;

    fn answer(outcome: &Outcome) -> (i64, Option<String>, String) {
        let response = response(outcome, false);
        let retry_after = response.headers.get("retry-after").map(|value| value.to_str().expect("ASCII").to_owned());
        let Some(lambda_http::Body::Text(body)) = response.body else { panic!("a body of text") };
        (response.status_code, retry_after, body)
    }

    #[test]
    fn each_outcome_has_the_contracts_answer() {
        let id = || "e\"1".to_owned();
        for (outcome, (status, retry_after, body)) in [
            (Outcome::Accepted { id: id() }, (200, None, r#"{"status":"accepted","id":"e\"1"}"#)),
            (Outcome::Duplicate { id: id() }, (200, None, r#"{"status":"duplicate","id":"e\"1"}"#)),
            (Outcome::InProgress { retry_after_s: 17 }, (409, Some("17"), r#"{"status":"in_progress"}"#)),
            (Outcome::Refused(VerifyError::SignatureMismatch), (401, None, r#"{"error":"unauthorized"}"#)),
            (Outcome::Malformed, (400, None, r#"{"error":"malformed"}"#)),
            (Outcome::TooLarge, (413, None, r#"{"error":"too_large"}"#)),
            (Outcome::Unavailable(Fault::DeadlineNear), (503, Some("5"), r#"{"error":"unavailable"}"#)),
        ] {
            let expected = (status, retry_after.map(str::to_owned), body.to_owned());
            assert_eq!(answer(&outcome), expected, "{outcome:?}");
        }
    }

    #[test]
    fn headers_are_given_in_both_forms_where_the_event_had_both() {
        let outcome = Outcome::InProgress { retry_after_s: 1 };
        let json = |multi_value| serde_json::to_value(response(&outcome, multi_value)).expect("serialises");
        assert_eq!(json(false)["headers"], json!({"content-type": "application/json", "retry-after": "1"}));
        assert_eq!(json(false)["multiValueHeaders"], json!({}));
        assert_eq!(json(true)["headers"], json!({"content-type": "application/json", "retry-after": "1"}));
        assert_eq!(
            json(true)["multiValueHeaders"],
            json!({"content-type": ["application/json"], "retry-after": ["1"]})
        );
        assert_eq!(json(true)["isBase64Encoded"], json!(false));
    }
}
