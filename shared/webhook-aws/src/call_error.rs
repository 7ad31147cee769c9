//! What the pipeline learns of a failed call: the service's own name for the error, and nothing of the request.

use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, THROTTLING_ERRORS};
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use webhook_ingest::CallError;

/// The names under which services pass on that KMS throttles them; the SDK does not know them.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors>.
const KMS_THROTTLING: &[&str] = &["KmsThrottled", "KMS.ThrottlingException"];

/// Retries a call that KMS throttled: the SDK's own rules do not, and an encrypted queue would refuse what it takes a moment later.
pub(crate) fn retry_kms_throttling<E>() -> AwsErrorCodeClassifier<E> {
    AwsErrorCodeClassifier::builder().transient_errors(KMS_THROTTLING).build()
}

/// Returns what may be logged of a failed call: nothing that repeats the request.
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
        // The second: the connection ended before the response was complete.
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
    // Code and request id are the service's own words: neither repeats anything of the request.
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
