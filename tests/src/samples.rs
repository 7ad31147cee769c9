//! The files in `events/`: how each is signed, and the answer that it gets the first time.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use webhook_cli::{BodyEncoding, DEVELOPMENT_SECRET, OutgoingDelivery, Sender};
use webhook_verify::{Header, SigningSecret, UnixSeconds};

use crate::emulator::workspace;

/// 2026-11-21T12:00:00Z: when the samples were sent. A receiver whose clock stands there, or that tolerates as much,
/// takes them.
pub const SENT_AT: UnixSeconds = UnixSeconds(1_795_262_400);

/// One file in `events/`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Below `events/`, such as `pinwheel/account.added.json`.
    pub file: &'static str,
    /// Who sends it, and signs it how.
    pub sender: Sender,
    /// What it is signed with: [`DEVELOPMENT_SECRET`], but for forgeries.
    pub secret: &'static str,
    /// When it is signed.
    pub at: UnixSeconds,
    /// How the event holds the body.
    pub encoding: BodyEncoding,
    /// What a receiver with the development secret answers.
    pub answer: Answer,
}

/// What a receiver answers to a sample that it sees for the first time, and what it then queues.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Queued.
    Accepted {
        /// The event's name without the provider's prefix.
        event_type: String,
        /// The message's id.
        id: String,
    },
    /// Not proven: nothing is written.
    Refused {
        /// [`webhook_verify::VerifyError::reason`], for the log and the metric alone.
        reason: &'static str,
    },
    /// Proven, and not a JSON object.
    Malformed,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Accepted { .. } => 200,
            Self::Refused { .. } => 401,
            Self::Malformed => 400,
        }
    }

    /// The answer's body.
    #[must_use]
    pub fn body(&self) -> Value {
        match self {
            Self::Accepted { id, .. } => json!({ "status": "accepted", "id": id }),
            Self::Refused { .. } => json!({ "error": "unauthorized" }),
            Self::Malformed => json!({ "error": "malformed" }),
        }
    }
}

/// The folder that holds the samples.
#[must_use]
pub fn folder() -> PathBuf {
    workspace().join("events")
}

/// Every file in `events/`, in the order in which README tells of them. No two that are accepted are the same event.
#[must_use]
pub fn all() -> Vec<Sample> {
    let v1 = Sender::PinwheelV1 { delivery_id: Some("7c4e9b1a-2d6f-4e83-b5a0-1f8d3c6e9a07".to_owned()) };
    let v2 = || Sender::PinwheelV2;
    let refused = |reason| Answer::Refused { reason };
    vec![
        Sample::new(
            "pinwheel/account.added.json",
            v2(),
            accepted("account.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a01"),
        ),
        Sample::new(
            "pinwheel/paystubs.added.json",
            v2(),
            accepted("paystubs.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a02"),
        ),
        Sample::new(
            "pinwheel/direct_deposit_switch.added.pending.json",
            v2(),
            accepted("direct_deposit_switch.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a03"),
        ),
        Sample::new(
            "pinwheel/direct_deposit_switch.added.success.json",
            v2(),
            accepted("direct_deposit_switch.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a04"),
        ),
        Sample::new(
            "pinwheel/direct_deposit_payment.added.v1.json",
            v1,
            accepted(
                "direct_deposit_payment.added",
                "payload-sha256:df373d6ab4eabde1f4854c8a50c29390cb69993243daca0b5689087db4f21cd4",
            ),
        ),
        Sample::new(
            "pinwheel/unknown_event.json",
            v2(),
            accepted("benefits.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a06"),
        ),
        Sample::new("pinwheel/base64.json", v2(), accepted("documents.added", "0d9c1a54-7b0e-4f38-8b86-2f4f5c1f0a09"))
            .in_base64(),
        Sample::new("pinwheel/not_an_object.json", v2(), Answer::Malformed),
        Sample::new("pinwheel/wrong_signature.json", v2(), refused("signature_mismatch")).forged(),
        Sample::new("pinwheel/stale.json", v2(), refused("timestamp_too_old")).signed_at(UnixSeconds(860_860_860)),
        Sample::new(
            "endgrate/completed.json",
            Sender::Endgrate,
            accepted("completed", "body-sha256:565b7c90e10c8c37df0437e82178403b45d6b55d40c913669a0a0b8ff2c7a688"),
        ),
        Sample::new(
            "endgrate/configuration.json",
            Sender::Endgrate,
            accepted("configuration", "body-sha256:3fd73a18d76ced9af17b1b45e373808459005673cd9087186d84cfd88092372f"),
        ),
        Sample::new(
            "endgrate/data.json",
            Sender::Endgrate,
            accepted("data", "body-sha256:587530f68b8517f4cd1754ebe3c9cc7ad900268537500ab9019b03c316034d7e"),
        ),
        Sample::new(
            "endgrate/error.json",
            Sender::Endgrate,
            accepted("error", "body-sha256:a91f5b809d294fb7822ad8de829dbf4a0dfd477dbe20fbd19bb6747e42fa7a91"),
        ),
        Sample::new(
            "endgrate/python_form.json",
            Sender::EndgratePythonForm,
            accepted("completed", "body-sha256:3ce707251c8dd2be2f6841bd95b28b8baf6193d36f665868a2788ee805044937"),
        ),
        Sample::new(
            "endgrate/base64.json",
            Sender::Endgrate,
            accepted("completed", "body-sha256:ec8112d56130581b6ed293eef235c9071965c1d3c62488258f2bf741c540b61c"),
        )
        .in_base64(),
        Sample::new("endgrate/wrong_signature.json", Sender::Endgrate, refused("signature_mismatch")).forged(),
    ]
}

impl Sample {
    fn new(file: &'static str, sender: Sender, answer: Answer) -> Self {
        Self { file, sender, secret: DEVELOPMENT_SECRET, at: SENT_AT, encoding: BodyEncoding::Text, answer }
    }

    fn in_base64(self) -> Self {
        Self { encoding: BodyEncoding::Base64, ..self }
    }

    fn forged(self) -> Self {
        Self { secret: "not-the-development-secret", ..self }
    }

    fn signed_at(self, at: UnixSeconds) -> Self {
        Self { at, ..self }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(self.file)
    }

    /// The file's text: a Lambda event.
    ///
    /// # Panics
    /// The file cannot be read.
    #[must_use]
    pub fn event(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_else(|error| panic!("events/{}: {error}", self.file))
    }

    /// The delivery as its sender would sign it at `now`: all headers, and the body. A sample of a stale delivery keeps its
    /// time.
    ///
    /// # Panics
    /// The sample's body cannot be signed.
    #[must_use]
    pub fn delivery_at(&self, now: UnixSeconds) -> (Vec<Header>, Vec<u8>) {
        let at = if self.at == SENT_AT { now } else { self.at };
        let secret = SigningSecret::new(self.secret.into()).expect("no sample has an empty secret");
        let delivery = OutgoingDelivery::sign(self.sender.clone(), &secret, at, self.request().1);
        let delivery = delivery.expect("a sample can be signed");
        (delivery.headers(), delivery.body().to_vec())
    }

    /// The request in the event, as it was before API Gateway: headers and the exact bytes of the body.
    ///
    /// # Panics
    /// The file is not an event of an HTTP API.
    #[must_use]
    pub fn request(&self) -> (Vec<Header>, Vec<u8>) {
        let event: Value = serde_json::from_str(&self.event()).expect("a sample is JSON");
        let headers = event["headers"].as_object().expect("a sample has headers");
        let headers = headers.iter().map(|(name, value)| Header::new(name, value.as_str().expect("a header is text")));
        let body = event["body"].as_str().expect("a sample has a body");
        let body = match event["isBase64Encoded"].as_bool() {
            Some(true) => BASE64_STANDARD.decode(body).expect("the body is the base64 that it says it is"),
            Some(false) | None => body.as_bytes().to_vec(),
        };
        (headers.collect(), body)
    }
}

fn accepted(event_type: &str, id: &str) -> Answer {
    Answer::Accepted { event_type: event_type.to_owned(), id: id.to_owned() }
}
