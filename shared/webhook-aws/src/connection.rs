//! Connections that are open before the first delivery needs them: TLS is most of what a first call costs, and while Lambda
//! starts a function, nobody waits and the CPU is whole.

use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpRequest;

/// Many times what a connection within a region takes; a service that hangs delays the first delivery by so much. With the 9 s
/// that a delivery may take, a start and its delivery stay within 10 s.
const AT_MOST: Duration = Duration::from_millis(500);

/// Makes a call for its connection's sake. Where it fails, the first delivery opens the connection.
pub(crate) async fn open(call: impl Future) {
    let _ = tokio::time::timeout(AT_MOST, call).await;
}

/// Makes of any call one that asks for nothing: the endpoints of `DynamoDB` and SQS answer `GET /ping` to everybody. It goes
/// where the client's calls go, over a connection that the client keeps; what the answer is does not matter.
pub(crate) fn ping(request: &mut HttpRequest) {
    let uri = format!("{}/ping", request.uri().trim_end_matches('/'));
    for header in ["content-length", "content-type", "x-amz-target"] {
        request.headers_mut().remove(header);
    }
    *request.body_mut() = "".into();
    // Neither fails; if one did, so would the call.
    let _ = (request.set_method("GET"), request.set_uri(uri));
}
