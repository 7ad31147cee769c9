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
    // Both are valid, and a request that cannot be changed opens the connection too.
    let _ = request.set_method("GET");
    let _ = request.set_uri("/ping");
}

/// Sends `ping`. If it takes long, it goes on beside what follows; if it fails, the first call opens a connection.
pub(crate) async fn open(ping: impl Future<Output = bool> + Send + 'static) {
    let _ = timeout(OPEN_AT_MOST, tokio::spawn(ping)).await;
}
