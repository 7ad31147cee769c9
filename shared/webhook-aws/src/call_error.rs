//! What the pipeline learns from a failed call: the service's own name for the error, and nothing
//! from the request.

use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, THROTTLING_ERRORS};
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use webhook_ingest::CallError;

/// The error codes of a service that KMS throttled. The SDK does not know them.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors>.
const KMS_THROTTLING: &[&str] = &["KmsThrottled", "KMS.ThrottlingException"];

/// Returns the rule that retries a call if KMS throttled it. The SDK's own rules do not retry it,
/// and an encrypted queue would refuse a message that it accepts a moment later.
pub(crate) fn retry_kms_throttling<E>() -> AwsErrorCodeClassifier<E> {
    AwsErrorCodeClassifier::builder().transient_errors(KMS_THROTTLING).build()
}

/// Returns what may be logged about a failed call: nothing that repeats the request.
pub fn call_error<E>(error: &SdkError<E, HttpResponse>) -> CallError
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId,
{
    match error {
        SdkError::ConstructionFailure(_) => CallError::NoResponse("the request could not be built"),
        SdkError::TimeoutError(_) => CallError::NoResponse("the service took too long"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            CallError::NoResponse("the service took too long")
        }
        // `as_other`: the connection closed before the response was complete.
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some() => {
            CallError::NoResponse("the connection failed")
        }
        SdkError::DispatchFailure(_) => CallError::NoResponse(
            "the request could not be sent: check region, credentials and TLS",
        ),
        _ => service_error(error),
    }
}

fn service_error<E>(error: &SdkError<E, HttpResponse>) -> CallError
where
    SdkError<E, HttpResponse>: ProvideErrorMetadata + RequestId,
{
    let Some(code) = error.code() else {
        return CallError::UnexpectedResponse("an error without a code");
    };
    // Code and request id are the service's own: neither repeats anything from the request.
    let name = match error.request_id() {
        Some(id) => format!("{code} (request {id})"),
        None => code.to_owned(),
    };
    let failed =
        error.raw_response().map(HttpResponse::status).is_some_and(StatusCode::is_server_error);
    if failed || THROTTLING_ERRORS.contains(&code) || KMS_THROTTLING.contains(&code) {
        CallError::Failed(name)
    } else {
        CallError::Refused(name)
    }
}
