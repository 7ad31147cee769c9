//! The sample events in `events/`. In each provider's folder, `samples.json` says how each file is
//! signed and which answer it gets.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use webhook_cli::{BodyEncoding, OutgoingDelivery, Sender, development_secret};
use webhook_verify::{Header, Provider, SigningSecret, UnixSeconds, providers::PROVIDERS};

use crate::workspace;

/// 2026-11-21T12:00:00Z, when the samples were sent. A receiver accepts them if its clock shows
/// this time, or if its tolerance reaches back to it.
pub const SENT_AT: UnixSeconds = UnixSeconds(1_795_262_400);

/// The file in each provider's folder that lists the samples.
pub const MANIFEST: &str = "samples.json";

/// One file in `events/`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Below `events/`, such as `acme/created.json`.
    pub file: String,
    /// Who sends it, and how it is signed.
    pub sender: Sender,
    /// Whether it is signed by somebody without the secret.
    pub forged: bool,
    /// When it is signed.
    pub at: UnixSeconds,
    /// How the Lambda event encodes the body.
    pub encoding: BodyEncoding,
    /// What a receiver with the development secret answers after all earlier samples.
    pub answer: Answer,
}

/// What a receiver answers to a sample, and what it then queues.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Queued.
    Accepted {
        /// The event's name without the provider's prefix.
        event_type: String,
        /// The message's id.
        id: String,
    },
    /// An earlier sample has the same event.
    Duplicate {
        /// The event's name without the provider's prefix.
        event_type: String,
        /// The message's id.
        id: String,
    },
    /// Not proven: nothing is written.
    Refused {
        /// [`webhook_verify::VerifyError::reason`], for the log and the metric alone.
        reason: String,
    },
    /// Proven, but not a JSON object.
    Malformed,
    /// Proven, but not an event: the provider asks whether the receiver is alive. Nothing is
    /// written.
    Challenge {
        /// The body that the provider expects.
        body: Value,
    },
}

impl Answer {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Accepted { .. } | Self::Duplicate { .. } | Self::Challenge { .. } => 200,
            Self::Refused { .. } => 401,
            Self::Malformed => 400,
        }
    }

    /// Returns the answer's body.
    #[must_use]
    pub fn body(&self) -> Value {
        match self {
            Self::Accepted { id, .. } => json!({ "status": "accepted", "id": id }),
            Self::Duplicate { id, .. } => json!({ "status": "duplicate", "id": id }),
            Self::Refused { .. } => json!({ "error": "unauthorized" }),
            Self::Malformed => json!({ "error": "malformed" }),
            Self::Challenge { body } => body.clone(),
        }
    }
}

/// Returns the folder of the samples.
#[must_use]
pub fn folder() -> PathBuf {
    workspace().join("events")
}

/// Returns every sample of every provider, in the order of the manifests. Accepted samples are all
/// different events.
#[must_use]
pub fn all() -> Vec<Sample> {
    PROVIDERS.iter().flat_map(|provider| of(provider)).collect()
}

/// Returns the samples of one provider.
///
/// # Panics
/// If its manifest cannot be read.
#[must_use]
pub fn of(provider: &'static Provider) -> Vec<Sample> {
    let path = folder().join(provider.name()).join(MANIFEST);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    rows.iter().map(|row| Sample::read(provider, row)).collect()
}

impl Sample {
    fn read(provider: &'static Provider, row: &Value) -> Self {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let required = |name: &str| {
            text(name).unwrap_or_else(|| panic!("{}: no {name:?} in {row}", provider.name()))
        };
        let flag = |name: &str| row[name].as_bool().unwrap_or_default();
        let scheme = required("scheme");
        let scheme = provider
            .scheme(&scheme)
            .unwrap_or_else(|| panic!("{}: unknown scheme {scheme:?}", provider.name()));
        let (event_type, id) = (|| required("type"), || required("id"));
        Self {
            file: format!("{}/{}", provider.name(), required("file")),
            sender: Sender {
                respelled: flag("respelled"),
                delivery_id: text("delivery_id"),
                id: text("message_id"),
                ..Sender::new(provider, scheme)
            },
            forged: flag("forged"),
            at: row["signed_at"].as_i64().map_or(SENT_AT, UnixSeconds),
            encoding: if flag("base64") { BodyEncoding::Base64 } else { BodyEncoding::Text },
            answer: match required("answer").as_str() {
                "accepted" => Answer::Accepted { event_type: event_type(), id: id() },
                "duplicate" => Answer::Duplicate { event_type: event_type(), id: id() },
                "refused" => Answer::Refused { reason: required("reason") },
                "malformed" => Answer::Malformed,
                "challenge" => Answer::Challenge { body: row["body"].clone() },
                other => panic!("{}: unknown answer {other:?}", provider.name()),
            },
        }
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(&self.file)
    }

    /// Returns the file's text, a Lambda event.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    pub fn event(&self) -> String {
        fs::read_to_string(self.path())
            .unwrap_or_else(|error| panic!("events/{}: {error}", self.file))
    }

    /// Returns all headers and the body of the delivery, signed by its sender at `now`. A stale
    /// sample keeps its own time.
    ///
    /// # Panics
    /// If the sample's body cannot be signed.
    #[must_use]
    pub fn delivery_at(&self, now: UnixSeconds) -> (Vec<Header>, Vec<u8>) {
        let at = if self.at == SENT_AT { now } else { self.at };
        let secret = self.secret();
        let delivery = OutgoingDelivery::sign(self.sender.clone(), &secret, at, self.request().1);
        let delivery = delivery.expect("a sample can be signed");
        (delivery.headers(), delivery.body().to_vec())
    }

    /// Returns the secret that signs the sample: the development secret, or a different one for a
    /// forgery.
    ///
    /// # Panics
    /// Never: both are written as the provider writes its secrets.
    #[must_use]
    pub fn secret(&self) -> SigningSecret {
        let key = self.sender.provider.key();
        let text = if self.forged {
            key.write("not-the-development-secret")
        } else {
            development_secret(self.sender.provider)
        };
        key.read(&text).expect("is written as the provider does")
    }

    /// Returns the request in the event, as API Gateway received it: headers and the exact bytes of
    /// the body.
    ///
    /// # Panics
    /// If the file is not an event of an HTTP API.
    #[must_use]
    pub fn request(&self) -> (Vec<Header>, Vec<u8>) {
        let event: Value = serde_json::from_str(&self.event()).expect("a sample is JSON");
        let headers = event["headers"].as_object().expect("a sample has headers");
        let headers = headers
            .iter()
            .map(|(name, value)| Header::new(name, value.as_str().expect("a header is text")));
        let body = event["body"].as_str().expect("a sample has a body");
        let body = match event["isBase64Encoded"].as_bool() {
            Some(true) => {
                BASE64_STANDARD.decode(body).expect("the body is base64, as the event says")
            }
            Some(false) | None => body.as_bytes().to_vec(),
        };
        (headers.collect(), body)
    }
}
