//! A delivery as it leaves a provider: a body and all its headers.

use webhook_verify::{
    Header, Provider, Scheme, SigningSecret, UnixSeconds, description::Unsigned,
    json::NoPythonForm, sign::Signer,
};

use crate::{error::CliError, provider::development_url};

/// A provider, and how it signs.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Who sends.
    pub provider: &'static Provider,
    /// One of the provider's schemes.
    pub scheme: &'static Scheme,
    /// Whether the Python form is signed in place of the body, if the scheme allows both, as if the
    /// body was re-serialised after it was signed.
    pub respelled: bool,
    /// The value of the scheme's header with an unsigned id, which is left out if this is `None`.
    pub delivery_id: Option<String>,
    /// The value of the scheme's header with a signed id, if it has one; with `None` the signer
    /// makes one.
    pub id: Option<String>,
    /// The URL of the receiver, if the scheme signs it.
    pub public_url: Option<String>,
}

impl Sender {
    /// Returns a sender without options. If the scheme signs the receiver's URL, it is the
    /// development URL.
    #[must_use]
    pub fn new(provider: &'static Provider, scheme: &'static Scheme) -> Self {
        let public_url = scheme.signs_url().then(|| development_url(provider));
        Self { provider, scheme, respelled: false, delivery_id: None, id: None, public_url }
    }

    fn sign(
        &self,
        secret: &SigningSecret,
        at: UnixSeconds,
        body: &[u8],
    ) -> Result<Vec<Header>, NoPythonForm> {
        let mut signer =
            Signer::new(self.scheme, secret, at).public_url(self.public_url.as_deref());
        if let Some(id) = &self.id {
            signer = signer.id(id);
        }
        if self.respelled {
            signer = signer.respelled();
        }
        let mut headers = signer.sign(body)?;
        if let (Some(name), Some(id)) = (delivery_id_header(self.scheme), &self.delivery_id) {
            headers.push(Header::new(name, id.as_str()));
        }
        Ok(headers)
    }

    /// Returns the headers that do not belong to the signature.
    fn other_headers(&self) -> Vec<Header> {
        let own = self.provider.other_headers();
        let common = [
            ("accept", "*/*"),
            ("content-type", "application/json"),
            (USER_AGENT, "cargo-webhook"),
        ];
        let is_own = |common: &str| own.iter().any(|(name, _)| *name == common);
        let all = common.into_iter().filter(|(name, _)| !is_own(name)).chain(own.iter().copied());
        all.map(|(name, value)| Header::new(name, value)).collect()
    }
}

/// The name of the header with the sender's program.
pub(crate) const USER_AGENT: &str = "user-agent";

/// Returns the header with the delivery's id, if the scheme has one that no signature covers.
pub(crate) fn delivery_id_header(scheme: &Scheme) -> Option<&'static str> {
    scheme.facts.delivery_id.iter().find_map(|place| match place {
        Unsigned::Header(name) => Some(*name),
        Unsigned::Member(_) => None,
    })
}

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
    /// [`CliError::NoSignedText`] if the scheme signs a re-serialised form of the body, and this
    /// body has none.
    pub fn sign(
        sender: Sender,
        secret: &SigningSecret,
        at: UnixSeconds,
        body: Vec<u8>,
    ) -> Result<Self, CliError> {
        let signature = sender.sign(secret, at, &body)?;
        Ok(Self { sender, at, signature, body })
    }

    /// Returns who sends it, and how it is signed.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Returns when it was signed.
    #[must_use]
    pub fn at(&self) -> UnixSeconds {
        self.at
    }

    /// Returns the headers that belong to the signature: signature, timestamp, ids.
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
    use webhook_verify::{
        Delivery, SigningSecrets, Tolerance,
        catalogue::{CATALOGUE, GITHUB, SQUARE, STANDARD_WEBHOOKS, ZOOM},
        description::Id,
        providers::PROVIDERS,
        sign::example_body,
    };

    use super::*;

    const AT: UnixSeconds = UnixSeconds(1_700_000_000);

    fn secret() -> SigningSecret {
        SigningSecret::new(b"secret-of-the-tests".to_vec()).expect("not empty")
    }

    fn headers(sender: Sender, body: &str) -> Vec<(String, String)> {
        let delivery =
            OutgoingDelivery::sign(sender, &secret(), AT, body.into()).expect("can be signed");
        let text = |header: &Header| {
            (header.name().to_owned(), String::from_utf8_lossy(header.value()).into_owned())
        };
        delivery.headers().iter().map(text).collect()
    }

    fn expected(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The signatures were computed with Python.
    #[test]
    fn a_delivery_has_the_providers_headers_and_those_of_the_signature() {
        let github = Sender {
            delivery_id: Some("7".to_owned()),
            ..Sender::new(GITHUB, &GITHUB.schemes()[0])
        };
        let github_headers = [
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("x-github-event", "ping"),
            (
                "x-hub-signature-256",
                "sha256=7171bca5ed7e69133f4c1b7787d1aa5051def83d095882bf655d1d98d7d7dfe6",
            ),
            ("x-github-delivery", "7"),
        ];
        assert_eq!(headers(github, "{}"), expected(&github_headers));
        let common = [
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("user-agent", "cargo-webhook"),
        ]
        .as_slice();
        let zoom_headers = [
            (
                "x-zm-signature",
                "v0=c34e0c86c1df3b8acf9f432e72ef34446827eb61847d67d7c0bfba38e62b6725",
            ),
            ("x-zm-request-timestamp", "1700000000"),
        ]
        .as_slice();
        let zoom = Sender::new(ZOOM, &ZOOM.schemes()[0]);
        assert_eq!(headers(zoom, "{}"), expected(&[common, zoom_headers].concat()));
    }

    #[test]
    fn a_providers_own_header_replaces_a_common_one() {
        const OF_FORM: &Provider = &Provider::new("of-form", ZOOM.key(), ZOOM.schemes())
            .also_sends(&[
                ("content-type", "application/cloudevents+json"),
                ("accept", "application/json"),
            ]);
        let sent = headers(Sender::new(OF_FORM, &OF_FORM.schemes()[0]), "{}");
        let own = [
            ("user-agent", "cargo-webhook"),
            ("content-type", "application/cloudevents+json"),
            ("accept", "application/json"),
        ];
        assert_eq!(sent[..3], expected(&own));
        assert!(sent[3..].iter().all(|(name, _)| name.starts_with("x-zm-")), "{sent:?}");
    }

    /// The signatures were computed with Python.
    #[test]
    fn a_signed_id_and_a_signed_url_are_those_of_the_sender() {
        let scheme = &STANDARD_WEBHOOKS.schemes()[0];
        let with_id =
            Sender { id: Some("msg_7".to_owned()), ..Sender::new(STANDARD_WEBHOOKS, scheme) };
        let own = [
            ("webhook-signature", "v1,umRsCOaY7KvaP0MPPGI0gtDYMYjkg3BUVjElUfxMxmU="),
            ("webhook-timestamp", "1700000000"),
            ("webhook-id", "msg_7"),
        ];
        assert_eq!(headers(with_id, "{}")[3..], expected(&own));
        let square = Sender::new(SQUARE, &SQUARE.schemes()[0]);
        let other =
            Sender { public_url: Some("https://example.com/s".to_owned()), ..square.clone() };
        for (sender, signature) in [
            (square, "v5aXolKDbGM4OPaFDb1dQbVe6zw96rNfowXkSwegdJw="),
            (other, "JOgjbU7mO0KbnXFWkesLovYA9FUYBF7Wi0VRpI9nCvw="),
        ] {
            assert_eq!(
                headers(sender, "{}")[3..],
                expected(&[("x-square-hmacsha256-signature", signature)])
            );
        }
    }

    #[test]
    fn every_scheme_verifies_what_its_sender_sends() {
        for provider in PROVIDERS.iter().chain(CATALOGUE) {
            for scheme in provider.schemes() {
                let sender =
                    Sender { id: Some("evt_1".to_owned()), ..Sender::new(provider, scheme) };
                let url = sender.public_url.clone();
                let body = example_body(scheme, 1, 1).into_bytes();
                let sent = OutgoingDelivery::sign(sender, &secret(), AT, body)
                    .expect("an example can be signed");
                let headers = sent.headers();
                let delivery = Delivery::new(&headers, sent.body()).expect("small");
                let verified = provider.parse(delivery).and_then(|unverified| {
                    let secrets = SigningSecrets::new(secret(), None);
                    unverified.verify(&secrets, AT, Tolerance::of(provider), url.as_deref())
                });
                let verified = verified.unwrap_or_else(|error| panic!("{}: {error}", scheme.name));
                let id = verified.event().map(|event| event.id().to_owned());
                let has_id = !matches!(scheme.facts.id, Id::HashOfBody);
                assert_eq!(
                    (verified.scheme(), id == Ok("evt_1".to_owned())),
                    (scheme, has_id),
                    "{}",
                    scheme.name
                );
            }
        }
    }

    #[test]
    fn a_body_that_a_scheme_cannot_sign_is_refused_with_the_reason() {
        use webhook_verify::{
            description::{Body, Message},
            json::PythonForm,
        };
        const OF_MEMBER: &Provider = &{
            const MESSAGE: Message = Message {
                body: Body::PythonFormOfMember("data", PythonForm::Compact),
                ..Message::RAW_BODY
            };
            const SCHEME: Scheme = Scheme { messages: &[MESSAGE], ..GITHUB.schemes()[0] };
            Provider::new("of-member", GITHUB.key(), &[SCHEME])
        };
        for (body, expected) in [
            (
                "{}",
                "this scheme signs a re-serialised form of the body, and this body has none: the \
                 document has no member with the signed name",
            ),
            (
                "{",
                "this scheme signs a re-serialised form of the body, and this body has none: the \
                 text is not JSON by RFC 8259",
            ),
        ] {
            let sender = Sender::new(OF_MEMBER, &OF_MEMBER.schemes()[0]);
            let error = OutgoingDelivery::sign(sender, &secret(), AT, body.into()).map(|_| ());
            assert_eq!(error.map_err(|error| error.to_string()), Err(expected.to_owned()));
        }
    }
}
