//! Deliveries as Pinwheel sends them (version 2), as events of an HTTP API.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use hyper::body::Bytes;
use serde_json::Value;
use webhook_verify::{SigningSecret, UnixSeconds, providers, sign::Signer};

use crate::aws::SECRET;

const SAMPLE: &str = include_str!("../../../events/pinwheel/account.added.json");
/// Length of an event's id, a UUID, without its last group.
const ID_PREFIX: usize = 24;

/// Makes deliveries, each with an event id of its own.
#[derive(Default)]
pub struct Deliveries {
    sent: u64,
}

impl Deliveries {
    /// Returns an authentic delivery of a new event.
    ///
    /// # Errors
    /// The sample has no id.
    pub fn new_event(&mut self) -> Result<Bytes> {
        self.event(|signature| signature)
    }

    /// Returns a delivery with a signature that does not match.
    ///
    /// # Errors
    /// The sample has no id.
    pub fn forgery(&mut self) -> Result<Bytes> {
        self.event(|signature| {
            let first = if signature.starts_with("v2=0") { "v2=1" } else { "v2=0" };
            format!("{first}{}", &signature[4..])
        })
    }

    fn event(&mut self, signature: impl FnOnce(String) -> String) -> Result<Bytes> {
        self.sent += 1;
        let mut event: Value = serde_json::from_str(SAMPLE)?;
        let body = body(&event, self.sent).context("a sample whose body has an id")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let secret = SigningSecret::new(SECRET.as_bytes().to_vec())?;
        let pinwheel = providers::named("pinwheel").context("the provider Pinwheel")?;
        let scheme = pinwheel.scheme("v2").context("its version 2")?;
        let headers =
            Signer::new(scheme, &secret, UnixSeconds(i64::try_from(now)?)).sign(body.as_bytes())?;
        for header in &headers {
            event["headers"][header.name()] = String::from_utf8_lossy(header.value()).into();
        }
        let signed = String::from_utf8_lossy(headers[0].value()).into_owned();
        event["headers"][headers[0].name()] = signature(signed).into();
        event["body"] = body.into();
        Ok(event.to_string().into())
    }
}

/// Returns the sample's body with the id of this number.
fn body(sample: &Value, number: u64) -> Option<String> {
    let body = sample["body"].as_str()?;
    let id = serde_json::from_str::<Value>(body).ok()?["event_id"].as_str()?.to_owned();
    Some(body.replace(&id, &format!("{}{number:012}", id.get(..ID_PREFIX)?)))
}

#[cfg(test)]
mod tests {
    use webhook_verify::{Delivery, Header, SigningSecrets, Tolerance, VerifyError};

    use super::*;

    fn verified(event: &[u8]) -> Result<String, VerifyError> {
        let event: Value = serde_json::from_slice(event).expect("an event");
        let headers = event["headers"].as_object().expect("headers").iter();
        let headers: Vec<Header> = headers
            .map(|(name, value)| Header::new(name.clone(), value.as_str().expect("a text")))
            .collect();
        let body = event["body"].as_str().expect("a body");
        let now = UnixSeconds(
            event["headers"]["x-timestamp"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("a time"),
        );
        let secret = SigningSecret::new(SECRET.as_bytes().to_vec()).expect("not empty");
        let delivery = Delivery::new(&headers, body.as_bytes()).expect("small");
        let pinwheel = providers::named("pinwheel").expect("it is deployed");
        let unverified = pinwheel.parse(delivery)?;
        let verified = unverified.verify(
            &SigningSecrets::new(secret, None),
            now,
            Tolerance::of(pinwheel),
            None,
        )?;
        Ok(verified.event().expect("an object").id().to_owned())
    }

    #[test]
    fn each_delivery_is_an_event_of_its_own_and_a_forgery_is_refused() {
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
