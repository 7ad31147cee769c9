//! Deliveries as Pinwheel sends them (version 2), in the event of an HTTP API.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use hyper::body::Bytes;
use serde_json::{Value, json};
use webhook_verify::{SigningSecret, UnixSeconds, sign};

use crate::aws::SECRET;

/// Deliveries of events of which each has an id of its own.
#[derive(Default)]
pub struct Deliveries {
    sent: u64,
}

impl Deliveries {
    /// An authentic delivery of an event that was not there before.
    ///
    /// # Errors
    /// Never: the secret is not empty.
    pub fn new_event(&mut self) -> Result<Bytes> {
        self.event(|signature| signature)
    }

    /// A delivery whose signature is another body's.
    ///
    /// # Errors
    /// Never: the secret is not empty.
    pub fn forgery(&mut self) -> Result<Bytes> {
        self.event(|signature| {
            let first = if signature.starts_with("v2=0") { "v2=1" } else { "v2=0" };
            format!("{first}{}", &signature[4..])
        })
    }

    fn event(&mut self, signature: impl FnOnce(String) -> String) -> Result<Bytes> {
        self.sent += 1;
        let body = body(self.sent);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let secret = SigningSecret::new(SECRET.as_bytes().to_vec())?;
        let [signed, time] = sign::pinwheel_v2(&secret, UnixSeconds(i64::try_from(now)?), body.as_bytes());
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Ok(http_api(&body, &signature(text(signed.value())), &text(time.value())).to_string().into())
    }
}

/// An `account.added` of 418 bytes, as in `events/pinwheel/account.added.json`, in Python's spelling.
fn body(number: u64) -> String {
    format!(
        r#"{{"event_id": "0d9c1a54-7b0e-4f38-8b86-{number:012}", "event": "account.added", "payload": {{"created_at": "2026-11-21T11:59:58.412007+00:00", "link_token_id": "8a1d7d0e-3b7c-4a57-9d0f-5a0e4c9b2d02", "platform_id": "fce3eee0-285b-496f-9b36-30e976194736", "connected": true, "monitoring_status": "active", "end_user_id": "user-1001", "account_id": "5f0f3c1e-8f6b-4f0e-9c53-0c2b6f6d1a01", "platform_name": "Acme Payroll"}}}}"#
    )
}

/// Payload format 2.0.
fn http_api(body: &str, signature: &str, timestamp: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/pinwheel",
        "rawPath": "/webhooks/pinwheel",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "pinwheel-version": "2023-11-22",
            "user-agent": "python-requests/2.31.0",
            "x-amzn-trace-id": "Root=1-6b0187c0-abcdef012345678912345678",
            "x-forwarded-for": "192.0.2.44",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-pinwheel-signature": signature,
            "x-pinwheel-webhook-id": "0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10",
            "x-timestamp": timestamp,
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/webhooks/pinwheel",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.44",
                "userAgent": "python-requests/2.31.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /webhooks/pinwheel",
            "stage": "$default",
            "time": "21/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_262_400_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use webhook_verify::{Delivery, Header, Provider, SigningSecrets, Tolerance, VerifyError, providers::Pinwheel};

    use super::*;

    fn verified(event: &[u8]) -> Result<String, VerifyError> {
        let event: Value = serde_json::from_slice(event).expect("an event");
        let headers = event["headers"].as_object().expect("headers").iter();
        let headers: Vec<Header> =
            headers.map(|(name, value)| Header::new(name.clone(), value.as_str().expect("a text"))).collect();
        let body = event["body"].as_str().expect("a body");
        let now =
            UnixSeconds(event["headers"]["x-timestamp"].as_str().and_then(|text| text.parse().ok()).expect("a time"));
        let secret = SigningSecret::new(SECRET.as_bytes().to_vec()).expect("not empty");
        let delivery = Delivery::new(&headers, body.as_bytes()).expect("small");
        let unverified = Pinwheel.parse(delivery)?;
        let verified = Pinwheel.verify(&unverified, &SigningSecrets::new(secret, None), now, Tolerance::default())?;
        Ok(Pinwheel.event(&verified).expect("an object").id().to_owned())
    }

    #[test]
    fn each_delivery_verifies_and_is_an_event_of_its_own_and_a_forgery_does_not_verify() {
        let mut deliveries = Deliveries::default();
        for number in 1..=20 {
            let event = deliveries.new_event().expect("is made");
            assert_eq!(verified(&event), Ok(format!("0d9c1a54-7b0e-4f38-8b86-{number:012}")));
        }
        for _ in 0..20 {
            let event = deliveries.forgery().expect("is made");
            assert_eq!(verified(&event), Err(VerifyError::SignatureMismatch));
        }
    }
}
