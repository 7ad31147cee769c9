//! What the pipeline learns of a failed call: the service's own name for the error, and nothing of the request.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use webhook_ingest::CallError;

/// What is known of a failed call: nothing that repeats the request, so it may be logged.
#[must_use]
pub fn call_error<E, R>(error: &SdkError<E, R>) -> CallError
where
    SdkError<E, R>: ProvideErrorMetadata + RequestId,
{
    match error {
        SdkError::ConstructionFailure(_) => CallError::NoAnswer("the request could not be built"),
        SdkError::TimeoutError(_) => CallError::NoAnswer("the service took too long"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallError::NoAnswer("the service took too long"),
        SdkError::DispatchFailure(failure) if failure.is_io() => CallError::NoAnswer("the connection failed"),
        SdkError::DispatchFailure(_) => {
            CallError::NoAnswer("the request could not be sent: region, credentials or TLS")
        }
        // Code and request id are the service's own words: neither repeats anything of the request.
        _ => match (error.code(), error.request_id()) {
            (Some(code), Some(id)) => CallError::Service(format!("{code} (request {id})")),
            (Some(code), None) => CallError::Service(code.to_owned()),
            (None, _) => CallError::Answer("an error without a code"),
        },
    }
}
