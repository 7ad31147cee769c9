//! A delivery as it leaves a provider: a body and all its headers. Header values are those of recorded deliveries; ids are
//! invented.

use webhook_verify::{Header, SigningSecret, UnixSeconds, sign};

use crate::{error::CliError, provider::ProviderName};

/// A provider, and how it signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sender {
    /// Pinwheel today: over the raw body.
    PinwheelV2,
    /// Pinwheel's first version: over the payload.
    PinwheelV1 {
        /// The value of the unsigned UUID header, which is left out if this is `None`.
        delivery_id: Option<String>,
    },
    /// Endgrate, for a body that travels as it was signed.
    Endgrate,
    /// Endgrate, for a body whose spelling was changed on its way.
    EndgratePythonForm,
}

impl Sender {
    /// Returns who signs.
    #[must_use]
    pub fn provider(&self) -> ProviderName {
        match self {
            Self::PinwheelV2 | Self::PinwheelV1 { .. } => ProviderName::Pinwheel,
            Self::Endgrate | Self::EndgratePythonForm => ProviderName::Endgrate,
        }
    }

    fn sign(&self, secret: &SigningSecret, at: UnixSeconds, body: &[u8]) -> Result<Vec<Header>, CliError> {
        Ok(match self {
            Self::PinwheelV2 => sign::pinwheel_v2(secret, at, body).into(),
            Self::PinwheelV1 { delivery_id } => {
                let mut headers = sign::pinwheel_v1(secret, at, body)?.to_vec();
                headers.extend(delivery_id.as_deref().map(sign::pinwheel_delivery_id));
                headers
            }
            Self::Endgrate => sign::endgrate(secret, body).into(),
            Self::EndgratePythonForm => sign::endgrate_python_form(secret, body)?.into(),
        })
    }

    /// Returns the headers beside the signature. Pinwheel's registration id is the same for all its events.
    fn other_headers(&self) -> Vec<Header> {
        let mut headers = vec![
            Header::new("accept", "*/*"),
            Header::new("content-type", "application/json"),
            Header::new("user-agent", USER_AGENT),
        ];
        if *self == Self::PinwheelV2 {
            headers.push(Header::new("pinwheel-version", "2023-11-22"));
            headers.push(Header::new("x-pinwheel-webhook-id", "0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10"));
        }
        headers
    }
}

/// The name of both providers' HTTP client.
pub(crate) const USER_AGENT: &str = "python-requests/2.31.0";

/// A signed delivery, ready to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingDelivery {
    sender: Sender,
    at: UnixSeconds,
    signature: Vec<Header>,
    body: Vec<u8>,
}

impl OutgoingDelivery {
    /// Signs `body` as `sender` does at `at`.
    ///
    /// # Errors
    /// [`CliError::NoSignedText`] if the scheme signs a re-serialised text and the body has none.
    pub fn sign(sender: Sender, secret: &SigningSecret, at: UnixSeconds, body: Vec<u8>) -> Result<Self, CliError> {
        let signature = sender.sign(secret, at, &body)?;
        Ok(Self { sender, at, signature, body })
    }

    /// Returns who sends it.
    #[must_use]
    pub fn provider(&self) -> ProviderName {
        self.sender.provider()
    }

    /// Returns when it was signed.
    #[must_use]
    pub fn at(&self) -> UnixSeconds {
        self.at
    }

    /// Returns the headers that belong to the signature: signature, timestamp, delivery id.
    #[must_use]
    pub fn signature_headers(&self) -> &[Header] {
        &self.signature
    }

    /// Returns all headers that the provider itself writes, with names in lower case.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        let mut headers = self.sender.other_headers();
        headers.extend_from_slice(&self.signature);
        headers
    }

    /// Returns the body, byte for byte.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(sender: Sender, key: &str, at: i64, body: &str) -> Vec<(String, String)> {
        let secret = SigningSecret::new(key.into()).expect("not empty");
        let delivery = OutgoingDelivery::sign(sender, &secret, UnixSeconds(at), body.into()).expect("can be signed");
        let text = |header: &Header| (header.name().to_owned(), String::from_utf8_lossy(header.value()).into_owned());
        delivery.headers().iter().map(text).collect()
    }

    fn expected(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const COMMON: [(&str, &str); 3] =
        [("accept", "*/*"), ("content-type", "application/json"), ("user-agent", "python-requests/2.31.0")];

    #[test]
    fn pinwheel_v2_sends_the_published_vector() {
        let body = "{\n    \"coordinates\": [41.0555388, -73.8679639],\n    \"location\": \"Lyndhurst Mansion, South Broadway, Tarrytown, NY\",\n    \"type\": {\n        \"common_name\": \"American sycamore\",\n        \"genus\": \"platanus\",\n        \"species\": \"occidentalis\"\n    }\n}";
        let own = [
            ("pinwheel-version", "2023-11-22"),
            ("x-pinwheel-webhook-id", "0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10"),
            ("x-pinwheel-signature", "v2=42fb9eba200e821d4de63667f5a30f7e1b83609b135e148e26ce01eef2aa6ba8"),
            ("x-timestamp", "860860860"),
        ];
        let sent = headers(Sender::PinwheelV2, "TEST_KEY", 860_860_860, body);
        assert_eq!(sent, expected(&[COMMON.as_slice(), &own].concat()));
    }

    #[test]
    fn pinwheel_v1_sends_the_computed_vector_and_the_delivery_id() {
        let body = r#"{"event": "direct_deposit_payment.added", "webhook_id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "payload": {"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "account_id": "449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65", "link_token_id": "4787acbc-11cf-4db3-998c-5ea7c4feebcd", "name": "direct_deposit_payment", "timestamp": "2021-01-12T02:36:01.287148+00:00", "outcome": "success", "params": {"amount": 100.0, "account_name": "Zo\u00eb\u2019s Checking"}}}"#;
        let own = [
            ("x-pinwheel-signature", "v1=b384769d44bf67aabbc0221d9e6f61912c821b331d1281d8f0310bb0f73ed472"),
            ("x-timestamp", "1609205925"),
            ("x-pinwheel-webhook-uuid", "7"),
        ];
        let with_id = Sender::PinwheelV1 { delivery_id: Some("7".to_owned()) };
        assert_eq!(headers(with_id, "TEST_KEY", 1_609_205_925, body), expected(&[COMMON.as_slice(), &own].concat()));
        let without_id = Sender::PinwheelV1 { delivery_id: None };
        assert_eq!(
            headers(without_id, "TEST_KEY", 1_609_205_925, body),
            expected(&[COMMON.as_slice(), &own[..2]].concat())
        );
    }

    #[test]
    fn endgrate_sends_the_computed_vector_for_its_own_spelling_and_for_another() {
        let body = r#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0c0d", "session_id": "6566e85e7cf20dca9cef0c0a", "metadata": {"user_id": 1, "label": "Zo\u00eb", "rate": 1.0}, "endgrate": {"endgrate_type": "crm-contact"}, "completed": true}"#;
        let respelled = body.replace(", ", ",").replace("Zo\\u00eb", "Zoë");
        let sent = expected(&[COMMON.as_slice(), &[("x-endgrate-signature", "MNY2DxBT57oO6Z78b7Ntb7ScCjY=")]].concat());
        assert_eq!(headers(Sender::Endgrate, "TEST_API_KEY", 0, body), sent);
        assert_eq!(headers(Sender::EndgratePythonForm, "TEST_API_KEY", 0, &respelled), sent);
    }

    #[test]
    fn a_body_that_a_scheme_cannot_sign_is_refused_with_the_reason() {
        let secret = SigningSecret::new(b"k".to_vec()).expect("not empty");
        for (sender, body, expected) in [
            (
                Sender::PinwheelV1 { delivery_id: None },
                "{}",
                "this scheme signs a re-serialised text, and the body has none: the document has no such member",
            ),
            (
                Sender::EndgratePythonForm,
                "{",
                "this scheme signs a re-serialised text, and the body has none: the text is not JSON by RFC 8259",
            ),
        ] {
            let error = OutgoingDelivery::sign(sender, &secret, UnixSeconds(0), body.into()).map(|_| ());
            assert_eq!(error.map_err(|error| error.to_string()), Err(expected.to_owned()));
        }
    }
}
