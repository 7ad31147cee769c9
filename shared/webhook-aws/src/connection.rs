//! Opens connections while Lambda starts a function, when no sender is waiting and the function has
//! a whole processor. TLS is most of what a first call costs.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::time::timeout;

/// How long the start waits for a connection: many times what one takes within a region. If a
/// service hangs, the start goes on without the connection.
const OPEN_AT_MOST: Duration = Duration::from_millis(500);

/// Turns the request into `GET /ping`, which `DynamoDB` and SQS answer for everybody. The response
/// does not matter.
pub(crate) fn to_ping(request: &mut HttpRequest) {
    // The endpoint stays in the URI: the SDK panics when it signs a request without one.
    let uri = format!("{}/ping", request.uri().trim_end_matches('/'));
    // Both are valid; even if they were not, the unchanged request would open the connection.
    let _ = request.set_method("GET");
    let _ = request.set_uri(uri);
}

/// Sends `ping` and waits for it, but not long: a slow one goes on in the background. If it fails,
/// the first call opens the connection.
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
