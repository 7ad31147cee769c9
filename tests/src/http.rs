//! A provider's HTTP client.

use serde_json::Value;
use webhook_verify::Header;

/// Posts a delivery, and returns status and body. A body that is not JSON is returned as a string.
///
/// # Panics
/// If there is no response.
#[must_use]
pub fn post(url: &str, headers: &[Header], body: &[u8]) -> (u16, Value) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.post(url).header("content-type", "application/json");
    for header in
        headers.iter().filter(|header| !header.name().eq_ignore_ascii_case("content-type"))
    {
        request = request.header(header.name(), header.value());
    }
    let mut response = request.send(body).expect("the receiver responds");
    let text = response.body_mut().read_to_string().expect("the body is text");
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
