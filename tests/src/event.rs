//! A request as the Lambda event that an HTTP API, a REST API or a load balancer makes of it.

use serde_json::{Value, json};
use webhook_verify::Header;

fn text(header: &Header) -> String {
    String::from_utf8_lossy(header.value()).into_owned()
}

fn single(headers: &[Header]) -> Value {
    headers
        .iter()
        .map(|header| (header.name().to_lowercase(), json!(text(header))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn multiple(headers: &[Header]) -> Value {
    let mut members = serde_json::Map::new();
    for header in headers {
        let values = members.entry(header.name()).or_insert_with(|| json!([]));
        values.as_array_mut().expect("only arrays are put in").push(json!(text(header)));
    }
    members.into()
}

/// Returns the event of an HTTP API with payload format 2.0. A function URL's is the same.
#[must_use]
pub fn http_api_v2(path: &str, headers: &[Header], body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("POST {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": single(headers),
        "requestContext": {
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// Returns the event of a REST API, or of an HTTP API with payload format 1.0.
#[must_use]
pub fn rest_v1(path: &str, headers: &[Header], body: &str) -> Value {
    let last_values = headers.iter().map(|header| (header.name().to_owned(), json!(text(header))));
    json!({
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": last_values.collect::<serde_json::Map<_, _>>(),
        "multiValueHeaders": multiple(headers),
        "queryStringParameters": null,
        "requestContext": {"resourcePath": path, "httpMethod": "POST", "stage": "prod"},
        "body": body,
        "isBase64Encoded": false,
    })
}

/// Returns the event of an Application Load Balancer, whose target group may have multi-value
/// headers switched on.
#[must_use]
pub fn alb(path: &str, headers: &[Header], body: &str, multi_value: bool) -> Value {
    let target_group = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/t/1";
    let mut event = json!({
        "requestContext": {"elb": {"targetGroupArn": target_group}},
        "httpMethod": "POST",
        "path": path,
        "queryStringParameters": {},
        "body": body,
        "isBase64Encoded": false,
    });
    if multi_value {
        event["multiValueHeaders"] = multiple(headers);
    } else {
        event["headers"] = single(headers);
    }
    event
}
