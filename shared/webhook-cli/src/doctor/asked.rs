//! The result of a read from AWS: the thing, its absence, or a failure.

use webhook_ingest::CallError;

/// The services' own names for "there is no such thing".
const ABSENT: [&str; 11] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
    "TableNotFoundException",
    "com.amazonaws.sqs#QueueDoesNotExist",
];

/// The result of a read.
pub(crate) enum Asked<T> {
    Found(T),
    Absent,
    Failed(CallError),
}

impl<T> From<Result<T, CallError>> for Asked<T> {
    fn from(result: Result<T, CallError>) -> Self {
        match result {
            Ok(found) => Self::Found(found),
            // The code comes before the request id.
            Err(CallError::Refused(name))
                if ABSENT.contains(&name.split(' ').next().unwrap_or_default()) =>
            {
                Self::Absent
            }
            Err(error) => Self::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_that_does_not_exist_is_absent_and_not_a_failure() {
        let asked = |name: &str| Asked::<()>::from(Err(CallError::Refused(name.to_owned())));
        assert!(matches!(asked("ResourceNotFoundException (request 1)"), Asked::Absent));
        assert!(matches!(asked("AccessDeniedException (request 1)"), Asked::Failed(_)));
        assert!(matches!(Asked::from(Ok(())), Asked::Found(())));
    }
}
