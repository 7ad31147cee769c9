//! What is sent: events of both providers in all their schemes, honest deliveries of them, captured ones, and forgeries.

use std::sync::Arc;

use fastrand::Rng;
use webhook_verify::{Header, SigningSecret, UnixSeconds, sign};

/// The signing secrets of Pinwheel and of Endgrate, before and after a rotation.
pub(crate) const KEYS: [[&str; 2]; 2] =
    [["pinwheel's first", "pinwheel's second"], ["endgrate's first", "endgrate's second"]];
pub(crate) const PINWHEEL: usize = 0;
pub(crate) const ENDGRATE: usize = 1;

/// How an event is signed, and what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    PinwheelV1,
    PinwheelV2,
    /// Without an id of its own: its body identifies it.
    PinwheelV2Anonymous,
    EndgrateData,
    /// Spelled on the wire in another way than it was signed.
    EndgratePythonForm,
    /// Remembered for 360 s alone, whatever the configured retention.
    EndgrateConfiguration,
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind::PinwheelV1,
    Kind::PinwheelV2,
    Kind::PinwheelV2Anonymous,
    Kind::EndgrateData,
    Kind::EndgratePythonForm,
    Kind::EndgrateConfiguration,
];

/// Something that happened at a provider, once or more often with equal bytes.
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) body: String,
    /// The body of another event: for forgeries.
    altered: String,
    /// What a message of it ends with: what was signed, byte for byte.
    tail: String,
}

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    Honest,
    /// The bytes of an honest delivery (of v1: what is signed of them), sent again by somebody else.
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
    /// Signed with the secret that follows the rotation.
    pub(crate) newer_key: bool,
    /// When the provider made it.
    pub(crate) made_ms: u64,
}

impl Kind {
    pub(crate) fn provider(self) -> usize {
        match self {
            Self::PinwheelV1 | Self::PinwheelV2 | Self::PinwheelV2Anonymous => PINWHEEL,
            Self::EndgrateData | Self::EndgratePythonForm | Self::EndgrateConfiguration => ENDGRATE,
        }
    }

    /// The events of a provider are all of one group.
    fn body(self, number: usize) -> String {
        match self {
            Self::PinwheelV1 => {
                format!(
                    r#"{{"event": "paystubs.added", "webhook_id": "w", "payload": {{"account_id": "a", "n": {number}}}}}"#
                )
            }
            Self::PinwheelV2 => {
                format!(r#"{{"event_id":"e{number}","event":"account.added","payload":{{"account_id":"a"}}}}"#)
            }
            Self::PinwheelV2Anonymous => {
                format!(r#"{{"event":"account.added","payload":{{"account_id":"a","n":{number}}}}}"#)
            }
            Self::EndgrateData => format!(r#"{{"session_id": "s", "transfer_data": {{"n": {number}}}}}"#),
            Self::EndgratePythonForm => format!(r#"{{"session_id":"s","transfer_id":"t{number}"}}"#),
            Self::EndgrateConfiguration => format!(r#"{{"session_id": "s", "schemas": {{"n": {number}}}}}"#),
        }
    }
}

impl Event {
    pub(crate) fn draw(rng: &mut Rng, number: usize) -> Self {
        Self::new(KINDS[rng.usize(..KINDS.len())], number)
    }

    pub(crate) fn new(kind: Kind, number: usize) -> Self {
        let body = kind.body(number);
        let tail = match kind {
            Kind::PinwheelV1 => format!(r#""payload":{{"account_id":"a","n":{number}}}}}}}"#),
            Kind::EndgratePythonForm => format!(r#","data":{{"session_id": "s", "transfer_id": "t{number}"}}}}"#),
            _ => format!(r#","data":{body}}}"#),
        };
        Self { kind, body, altered: kind.body(number + 1_000), tail }
    }

    /// Whether a message carries what was signed of this event.
    pub(crate) fn is_in(&self, message: &str) -> bool {
        message.ends_with(&self.tail)
    }

    /// Whether what was signed says when: a captured delivery then ages.
    pub(crate) fn signs_time(&self) -> bool {
        self.kind.provider() == PINWHEEL
    }

    /// An honest delivery, signed by the provider's clock.
    pub(crate) fn deliver(&self, event: usize, newer_key: bool, made_ms: u64, at: UnixSeconds, uuid: &str) -> Sent {
        let key = KEYS[self.kind.provider()][usize::from(newer_key)];
        Sent {
            provider: self.kind.provider(),
            headers: signed(self.kind, key, at, &self.body, uuid),
            body: self.body.as_bytes().into(),
            origin: Origin::Honest,
            event,
            newer_key,
            made_ms,
        }
    }

    /// A delivery that its provider never sent, made of a captured one.
    pub(crate) fn forge(&self, forgery: Forgery, captured: &Sent, at: UnixSeconds) -> Sent {
        let mut sent = Sent { origin: Origin::Forged(forgery), ..captured.clone() };
        let wrong = |body: &str| signed(self.kind, "another", at, body, "forged");
        match forgery {
            Forgery::WrongKey => {
                sent.headers = wrong(&self.altered);
                sent.body = self.altered.as_bytes().into();
            }
            Forgery::WrongKeyForHonestBody => sent.headers = wrong(&self.body),
            Forgery::AlteredBody => sent.body = self.altered.as_bytes().into(),
            Forgery::AlteredTimestamp => {
                // Endgrate signs no time: its forger has to alter the body instead.
                if self.signs_time() {
                    sent.headers[1] = Header::new("x-timestamp", (at.0 + 7).to_string());
                } else {
                    sent.body = self.altered.as_bytes().into();
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
                    // Endgrate has but one.
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
    /// The same again by somebody else; of v1 what is not signed is changed, too, if `alters` says so.
    pub(crate) fn replay(&self, alters: impl FnOnce() -> bool) -> Self {
        let mut sent = Self { origin: Origin::Replayed, ..self.clone() };
        if sent.headers.len() == 3 && alters() {
            sent.headers[2] = sign::pinwheel_delivery_id("another");
            let body = String::from_utf8_lossy(&sent.body).replace("paystubs.added", "payroll.moved");
            sent.body = body.as_bytes().into();
        }
        sent
    }
}

fn signed(kind: Kind, key: &str, at: UnixSeconds, body: &str, uuid: &str) -> Vec<Header> {
    let secret = SigningSecret::new(key.as_bytes().to_vec()).expect("is not empty");
    let body = body.as_bytes();
    match kind {
        Kind::PinwheelV1 => {
            let mut headers = sign::pinwheel_v1(&secret, at, body).expect("has a payload").to_vec();
            headers.push(sign::pinwheel_delivery_id(uuid));
            headers
        }
        Kind::PinwheelV2 | Kind::PinwheelV2Anonymous => sign::pinwheel_v2(&secret, at, body).into(),
        Kind::EndgrateData | Kind::EndgrateConfiguration => sign::endgrate(&secret, body).into(),
        Kind::EndgratePythonForm => sign::endgrate_python_form(&secret, body).expect("has a Python form").into(),
    }
}
