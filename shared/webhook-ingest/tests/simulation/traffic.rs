//! What is sent: events of two providers in all their schemes, as honest deliveries, replays and
//! forgeries.

use std::sync::Arc;

use fastrand::Rng;
use webhook_ingest::testing::{ACME, BETA};
use webhook_verify::{
    Header, Provider, Scheme, SigningSecret, UnixSeconds,
    description::{Body, TimeSource},
    json::python_form_of_member,
    providers::PROVIDERS,
    sign::{Signer, example_body},
};

/// The signing secrets of the first provider and of the second, before and after a rotation.
pub(crate) const KEYS: [[&str; 2]; 2] =
    [["acme's first", "acme's second"], ["beta's first", "beta's second"]];
pub(crate) const FIRST: usize = 0;
const SECOND: usize = 1;
/// Two providers, which have between them every shape of a description.
pub(crate) const EVERY_SHAPE: [&Provider; 2] = [ACME, BETA];
/// The receiver's URL, for providers that sign it.
pub(crate) const PUBLIC_URL: &str = "https://example.com/webhooks";
const DELIVERY_ID: &str = "x-acme-delivery";

/// How an event is signed, and what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    AcmeV1,
    AcmeV2,
    /// Without an id of its own: its body identifies it.
    AcmeV2Anonymous,
    BetaData,
    /// Spelled differently on the wire from what was signed.
    BetaPythonForm,
    /// Remembered for only 360 s, whatever retention is configured.
    BetaState,
    /// Of a deployed provider, which takes Beta's place.
    Deployed(&'static Scheme),
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind::AcmeV1,
    Kind::AcmeV2,
    Kind::AcmeV2Anonymous,
    Kind::BetaData,
    Kind::BetaPythonForm,
    Kind::BetaState,
];

/// Returns the run's providers. In every fourth run a deployed one takes Beta's place, each in
/// turn.
pub(crate) fn cast(seed: u64) -> [&'static Provider; 2] {
    let turn = usize::try_from(seed / 4).expect("fits");
    if seed.is_multiple_of(4) { [ACME, PROVIDERS[turn % PROVIDERS.len()]] } else { EVERY_SHAPE }
}

/// Something that happened at a provider, once or several times with equal bytes.
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) body: String,
    /// The id in a signed header, if its scheme has one.
    id: String,
    /// The body of a different event, for forgeries.
    altered: String,
    /// The end of a message with this event: what was signed, byte for byte.
    tail: String,
}

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    Honest,
    /// The bytes of an honest delivery (for v1, only the signed ones), sent again by somebody else.
    Replayed,
    Forged(Forgery),
}

/// How a delivery is forged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forgery {
    WrongKey,
    WrongKeyForHonestBody,
    AlteredBody,
    AlteredTimestamp,
    NoSignature,
    TwoSignatures,
    AnotherScheme,
    AnotherProvider,
}

pub(crate) const FORGERIES: [Forgery; 8] = [
    Forgery::WrongKey,
    Forgery::WrongKeyForHonestBody,
    Forgery::AlteredBody,
    Forgery::AlteredTimestamp,
    Forgery::NoSignature,
    Forgery::TwoSignatures,
    Forgery::AnotherScheme,
    Forgery::AnotherProvider,
];

/// One HTTP request.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) provider: usize,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Arc<[u8]>,
    pub(crate) origin: Origin,
    pub(crate) event: usize,
    /// Whether it was signed with the secret that follows the rotation.
    pub(crate) newer_key: bool,
    /// When the provider made it.
    pub(crate) made_ms: u64,
}

impl Kind {
    pub(crate) fn provider(self) -> usize {
        match self {
            Self::AcmeV1 | Self::AcmeV2 | Self::AcmeV2Anonymous => FIRST,
            Self::BetaData | Self::BetaPythonForm | Self::BetaState | Self::Deployed(_) => SECOND,
        }
    }

    pub(crate) fn scheme(self) -> &'static Scheme {
        match self {
            Self::AcmeV1 => &ACME.schemes()[0],
            Self::AcmeV2 | Self::AcmeV2Anonymous => &ACME.schemes()[1],
            Self::BetaData | Self::BetaPythonForm | Self::BetaState => &BETA.schemes()[0],
            Self::Deployed(scheme) => scheme,
        }
    }

    /// Returns the body of an event. All events of a provider are in one group.
    fn body(self, number: usize) -> String {
        match self {
            Self::AcmeV1 => {
                format!(
                    r#"{{"event": "paystubs.added", "webhook_id": "w", "payload": {{"account_id": "a", "n": {number}}}}}"#
                )
            }
            Self::AcmeV2 => {
                format!(
                    r#"{{"event_id":"e{number}","event":"account.added","payload":{{"account_id":"a"}}}}"#
                )
            }
            Self::AcmeV2Anonymous => {
                format!(
                    r#"{{"event":"account.added","payload":{{"account_id":"a","n":{number}}}}}"#
                )
            }
            Self::BetaData => {
                format!(r#"{{"session_id": "s", "transfer_data": {{"n": {number}}}}}"#)
            }
            Self::BetaPythonForm => format!(r#"{{"session_id":"s","transfer_id":"t{number}"}}"#),
            Self::BetaState => format!(r#"{{"session_id": "s", "state": {{"n": {number}}}}}"#),
            Self::Deployed(scheme) => example_body(scheme, number, 0),
        }
    }
}

impl Event {
    pub(crate) fn draw(rng: &mut Rng, number: usize, providers: [&'static Provider; 2]) -> Self {
        let kind = match KINDS[rng.usize(..KINDS.len())] {
            kind if providers[kind.provider()].schemes().contains(kind.scheme()) => kind,
            kind => Kind::Deployed(
                rng.choice(providers[kind.provider()].schemes()).expect("there is a scheme"),
            ),
        };
        Self::new(kind, number)
    }

    pub(crate) fn new(kind: Kind, number: usize) -> Self {
        let body = kind.body(number);
        let tail = match kind {
            Kind::AcmeV1 => format!(r#""payload":{{"account_id":"a","n":{number}}}}}}}"#),
            Kind::BetaPythonForm => {
                format!(r#","data":{{"session_id": "s", "transfer_id": "t{number}"}}}}"#)
            }
            Kind::Deployed(Scheme { messages: [message, ..], .. })
                if let Body::PythonFormOfMember(member, form) = message.body =>
            {
                let signed = python_form_of_member(body.as_bytes(), member, form)
                    .expect("an example has one");
                format!(r#""{member}":{}}}}}"#, String::from_utf8_lossy(&signed))
            }
            _ => format!(r#","data":{body}}}"#),
        };
        Self { kind, body, id: format!("evt_{number}"), altered: kind.body(number + 1_000), tail }
    }

    /// Returns whether a message carries what was signed of this event.
    pub(crate) fn is_in(&self, message: &str) -> bool {
        message.ends_with(&self.tail)
    }

    /// Returns whether the signature covers a time, so that a captured delivery becomes too old.
    pub(crate) fn signs_time(&self) -> bool {
        self.kind.scheme().time.is_some()
    }

    /// Returns an honest delivery, signed at `at` by the provider's clock.
    pub(crate) fn deliver(
        &self,
        event: usize,
        newer_key: bool,
        made_ms: u64,
        at: UnixSeconds,
        uuid: &str,
    ) -> Sent {
        let key = KEYS[self.kind.provider()][usize::from(newer_key)];
        Sent {
            provider: self.kind.provider(),
            headers: signed(self.kind, key, at, &self.id, &self.body, uuid),
            body: self.body.as_bytes().into(),
            origin: Origin::Honest,
            event,
            newer_key,
            made_ms,
        }
    }

    /// Returns a delivery that the provider never sent, made from a captured one.
    pub(crate) fn forge(&self, forgery: Forgery, captured: &Sent, at: UnixSeconds) -> Sent {
        let mut sent = Sent { origin: Origin::Forged(forgery), ..captured.clone() };
        let wrong = |body: &str| signed(self.kind, "another", at, &self.id, body, "forged");
        match forgery {
            Forgery::WrongKey => {
                sent.headers = wrong(&self.altered);
                sent.body = self.altered.as_bytes().into();
            }
            Forgery::WrongKeyForHonestBody => sent.headers = wrong(&self.body),
            Forgery::AlteredBody => sent.body = self.altered.as_bytes().into(),
            Forgery::AlteredTimestamp => {
                // If no time is signed, or it is in the signature header, the body is altered
                // instead.
                match self.kind.scheme().time.map(|time| time.source) {
                    Some(TimeSource::Header(names)) => {
                        sent.headers[1] = Header::new(names[0], (at.0 + 7).to_string());
                    }
                    Some(TimeSource::Label(_)) | None => sent.body = self.altered.as_bytes().into(),
                }
            }
            Forgery::NoSignature => {
                sent.headers.remove(0);
            }
            Forgery::TwoSignatures => sent.headers.push(wrong(&self.body)[0].clone()),
            Forgery::AnotherScheme => {
                let value = String::from_utf8_lossy(sent.headers[0].value()).into_owned();
                let other = match value.split_once('=') {
                    Some(("v1", digits)) => format!("v2={digits}"),
                    Some(("v2", digits)) => format!("v1={digits}"),
                    // Beta has only one scheme.
                    _ => value.chars().rev().collect(),
                };
                sent.headers[0] = Header::new(sent.headers[0].name(), other);
            }
            Forgery::AnotherProvider => sent.provider = 1 - sent.provider,
        }
        sent
    }
}

impl Sent {
    /// Returns the same delivery, sent again by somebody else. The unsigned parts of v1 are changed
    /// if `alters` returns true.
    pub(crate) fn replay(&self, alters: impl FnOnce() -> bool) -> Self {
        let mut sent = Self { origin: Origin::Replayed, ..self.clone() };
        if sent.headers.last().is_some_and(|header| header.name() == DELIVERY_ID) && alters() {
            sent.headers[2] = Header::new(DELIVERY_ID, "another");
            let body =
                String::from_utf8_lossy(&sent.body).replace("paystubs.added", "payroll.moved");
            sent.body = body.as_bytes().into();
        }
        sent
    }
}

fn signed(kind: Kind, key: &str, at: UnixSeconds, id: &str, body: &str, uuid: &str) -> Vec<Header> {
    let secret = SigningSecret::new(key.as_bytes().to_vec()).expect("is not empty");
    let signer = Signer::new(kind.scheme(), &secret, at).id(id).public_url(Some(PUBLIC_URL));
    let signer = if kind == Kind::BetaPythonForm { signer.respelled() } else { signer };
    let mut headers = signer.sign(body.as_bytes()).expect("can be signed");
    if kind == Kind::AcmeV1 {
        headers.push(Header::new(DELIVERY_ID, uuid));
    }
    headers
}
