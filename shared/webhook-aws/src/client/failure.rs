//! How a call fails, and whether another attempt may help.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use webhook_ingest::CallError;

/// A call without the answer that was hoped for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was sent.
    NotSent(&'static str),
    /// No answer came, or none in time: whether the call took effect is unknown.
    NoAnswer(&'static str),
    /// The service answered with an error.
    Refused(Refusal),
}

/// An error that a service answered with.
pub(crate) struct Refusal {
    status: StatusCode,
    code: Option<String>,
    request_id: Option<String>,
    /// The answer's body.
    pub(crate) body: Bytes,
}

/// No body: it may be a record.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({}, {:?})", self.status, self.code)
    }
}

/// Errors by which services ask for patience, with whatever status: the AWS SDKs retry them all.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
const TRANSIENT: [&str; 16] = [
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "EC2ThrottledException",
];

impl Failure {
    /// What a service's error answer says.
    pub(crate) fn refused(answer: Response<Bytes>) -> Self {
        let (head, body) = answer.into_parts();
        let code = header(&head.headers, "x-amzn-errortype").and_then(bare_code);
        let code = code.or_else(|| json_code(&body)).or_else(|| xml_code(&body));
        let request_id =
            ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| header(&head.headers, name));
        Self::Refused(Refusal { status: head.status, code, request_id: request_id.map(str::to_owned), body })
    }

    /// The service's refusal, if it is the one of this name.
    pub(crate) fn is(&self, name: &str) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) if refusal.code.as_deref() == Some(name) => Some(refusal),
            _ => None,
        }
    }

    /// Whether another attempt may go better.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NotSent(_) => false,
            Self::NoAnswer(_) => true,
            Self::Refused(refusal) => {
                matches!(refusal.status.as_u16(), 500 | 502..=504)
                    || refusal.code.as_deref().is_some_and(|code| TRANSIENT.contains(&code))
            }
        }
    }
}

/// What the pipeline learns: the service's own name for the error, and nothing of the request, so it may be logged.
impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(why) | Failure::NoAnswer(why) => Self::NoAnswer(why),
            Failure::Refused(Refusal { code: Some(code), request_id: Some(id), .. }) => {
                Self::Service(format!("{code} (request {id})"))
            }
            Failure::Refused(Refusal { code: Some(code), .. }) => Self::Service(code),
            Failure::Refused(_) => Self::Answer("an error without a code"),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `X` of `X`, `com.amazonaws.service#X` and `X:http://internal.amazon.com/…`.
/// Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization>.
fn bare_code(code: &str) -> Option<String> {
    let code = code.split(':').next()?.rsplit('#').next()?;
    let is_name = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
    is_name.then(|| code.to_owned())
}

fn json_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error<'a> {
        #[serde(borrow, rename = "__type")]
        of_type: Option<&'a str>,
        code: Option<&'a str>,
    }
    let error: Error<'_> = serde_json::from_slice(body).ok()?;
    bare_code(error.of_type.or(error.code)?)
}

/// S3's.
fn xml_code(body: &[u8]) -> Option<String> {
    let (_, from_code) = str::from_utf8(body).ok()?.split_once("<Code>")?;
    bare_code(from_code.split_once("</Code>")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, headers: &[(&str, &str)], body: &'static str) -> Failure {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        Failure::refused(answer.body(Bytes::from_static(body.as_bytes())).expect("an answer"))
    }

    #[test]
    fn an_error_is_known_by_the_services_own_name_for_it() {
        let id = ("x-amzn-requestid", "r-1");
        for (headers, body, expected) in [
            (&[id][..], r#"{"__type":"com.amazonaws.dynamodb.v20120810#AccessDenied"}"#, "AccessDenied (request r-1)"),
            (&[], r#"{"__type":"AccessDenied","message":"about the request"}"#, "AccessDenied"),
            (&[], r#"{"code":"AccessDenied"}"#, "AccessDenied"),
            (&[("x-amzn-errortype", "AccessDenied:http://internal.amazon.com/")], "{}", "AccessDenied"),
            (&[("x-amz-request-id", "r-2")], "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket (request r-2)"),
        ] {
            let error = CallError::from(refusal(400, headers, body));
            assert_eq!(error, CallError::Service(expected.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_does_not_look_like_a_name_is_not_repeated() {
        let bodies = ["", "[]", "{}", r#"{"__type":""}"#, r#"{"__type":"a b"}"#, "<Code>Slow", "<Code>{\"a\"}</Code>"];
        for body in bodies {
            let error = CallError::from(refusal(400, &[], body));
            assert_eq!(error, CallError::Answer("an error without a code"), "{body}");
        }
    }

    #[test]
    fn faults_of_a_service_and_pleas_for_patience_are_transient_and_no_other() {
        for (status, code, transient) in [
            (500, "", true),
            (502, "", true),
            (503, "", true),
            (504, "", true),
            (501, "", false),
            (400, "", false),
            (400, "ThrottlingException", true),
            (400, "ProvisionedThroughputExceededException", true),
            (400, "ConditionalCheckFailedException", false),
            (403, "AccessDeniedException", false),
        ] {
            let failure = refusal(status, &[("x-amzn-errortype", code)], "");
            assert_eq!(failure.is_transient(), transient, "{status} {code}");
        }
        assert!(Failure::NoAnswer("").is_transient());
        assert!(!Failure::NotSent("").is_transient());
    }
}
