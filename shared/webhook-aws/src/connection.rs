//! Connections that are opened while Lambda starts a function, when nobody waits and the processor is whole: TLS is most of what
//! a first call costs.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::time::timeout;

/// Many times what it takes within a region. If a service hangs, the start ends after this, and with the 9 s that a delivery may
/// take, its answer is out within 10 s.
const OPEN_AT_MOST: Duration = Duration::from_millis(500);

/// Makes a request `GET /ping`, which `DynamoDB` and SQS answer to everybody; what they answer does not matter.
pub(crate) fn to_ping(request: &mut HttpRequest) {
    // The endpoint stays in the URI: to sign a request without one is a panic of the SDK's.
    let uri = format!("{}/ping", request.uri().trim_end_matches('/'));
    // Both are valid, and a request that cannot be changed opens the connection too.
    let _ = request.set_method("GET");
    let _ = request.set_uri(uri);
}

/// Sends `ping`. If it takes long, it goes on beside what follows; if it fails, the first call opens a connection.
pub(crate) async fn open(ping: impl Future<Output = bool> + Send + 'static) {
    let _ = timeout(OPEN_AT_MOST, tokio::spawn(ping)).await;
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn a_ping_goes_to_the_endpoint_of_its_request() {
        for (endpoint, expected) in [
            ("https://sqs.eu-west-1.amazonaws.com/", "https://sqs.eu-west-1.amazonaws.com/ping"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566/ping"),
        ] {
            let mut request = HttpRequest::new(SdkBody::empty());
            request.set_uri(endpoint).expect("a valid URI");
            to_ping(&mut request);
            assert_eq!((request.method(), request.uri()), ("GET", expected));
        }
    }
}
