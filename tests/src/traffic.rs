//! What providers and forgers send, what they get back, and what must be on the queue and in the table in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_verify::{Header, SigningSecret, sha256_hex, sign};

use crate::{emulator::Aws, event::http_api_v2, function, now};

/// What both providers sign with.
pub const SECRET: &str = "secret-of-the-providers";
/// What forgers sign with.
const ANOTHER: &str = "secret-of-nobody";

/// How an event is signed, and what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// The signature covers the payload alone.
    PinwheelV1,
    /// The signature covers the body, which has an id.
    PinwheelV2,
    /// An event that goes by its hash.
    Endgrate,
    /// A body over SQS's limit: the message points into the bucket.
    EndgrateLarge,
}

/// Something that happened at a provider.
#[derive(Clone, Debug)]
pub struct Event {
    /// How it is signed.
    pub kind: Kind,
    /// What is sent.
    pub body: String,
    /// Its key in the table.
    pub key: String,
    /// The message's `id`.
    pub id: String,
    /// What the envelope ends with: the signed bytes as they are.
    tail: String,
}

impl Event {
    /// The event of this number. Numbers are the caller's: equal ones are one event. Every 50 share an account or a session,
    /// and so their order on the queue.
    #[must_use]
    pub fn new(kind: Kind, number: usize) -> Self {
        let group = number / 50;
        let (body, id) = match kind {
            Kind::PinwheelV1 => {
                let payload = format!(r#"{{"account_id":"a{group}","amount":"{number}"}}"#);
                let body = format!(
                    r#"{{"event": "paystubs.added", "webhook_id": "w{number}", "payload": {{"account_id": "a{group}", "amount": "{number}"}}}}"#
                );
                let id = format!("payload-sha256:{}", sha256_hex(payload.as_bytes()));
                let key = format!("pinwheel#{id}");
                return Self { kind, body, key, id, tail: format!(r#""payload":{payload}}}}}"#) };
            }
            Kind::PinwheelV2 => (
                format!(
                    r#"{{"event_id":"e{number}","event":"account.added","payload":{{"account_id":"a{group}","rate":1.0}}}}"#
                ),
                format!("e{number}"),
            ),
            Kind::Endgrate | Kind::EndgrateLarge => {
                let size = if kind == Kind::Endgrate { 0 } else { 1_048_576 };
                let body = format!(
                    r#"{{"session_id": "s{group}", "transfer_data": {{"n": {number}, "text": "{}"}}}}"#,
                    "x".repeat(size)
                );
                let id = format!("body-sha256:{}", sha256_hex(body.as_bytes()));
                (body, id)
            }
        };
        let key = format!("{}#{id}", kind.provider());
        Self { kind, tail: format!(r#","data":{body}}}"#), body, key, id }
    }

    /// An honest delivery of it, signed now: the event that Lambda gets.
    #[must_use]
    pub fn delivery(&self) -> String {
        self.request(&self.signed(SECRET), &self.body)
    }

    /// A delivery that no provider has sent: signed with another secret, or of an altered body, or without a signature.
    #[must_use]
    pub fn forgery(&self, how: u8) -> String {
        // An event of its own, which nobody sends: were it let through, it would show.
        let altered = Self::new(self.kind, usize::MAX / 2);
        match how % 4 {
            0 => self.request(&self.signed(ANOTHER), &self.body),
            1 => altered.request(&altered.signed(ANOTHER), &altered.body),
            2 => self.request(&self.signed(SECRET), &altered.body),
            _ => self.request(&[], &self.body),
        }
    }

    fn signed(&self, key: &str) -> Vec<Header> {
        let secret = SigningSecret::new(key.as_bytes().to_vec()).expect("is not empty");
        let body = self.body.as_bytes();
        match self.kind {
            Kind::PinwheelV1 => sign::pinwheel_v1(&secret, now(), body).expect("has a payload").into(),
            Kind::PinwheelV2 => sign::pinwheel_v2(&secret, now(), body).into(),
            Kind::Endgrate | Kind::EndgrateLarge => sign::endgrate(&secret, body).into(),
        }
    }

    fn request(&self, headers: &[Header], body: &str) -> String {
        http_api_v2(&format!("/webhooks/{}", self.kind.provider()), headers, body).to_string()
    }
}

impl Kind {
    /// Whose events these are: the function's name.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::PinwheelV1 | Self::PinwheelV2 => "pinwheel",
            Self::Endgrate | Self::EndgrateLarge => "endgrate",
        }
    }
}

/// What the sender of a delivery sees.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Seen {
    /// 200: queued now.
    Accepted,
    /// 200: queued before.
    Duplicate,
    /// 409, and for how many seconds.
    InFlight(u64),
    /// 401.
    Refused,
    /// 503, to be tried again after 5 s.
    Unavailable,
    /// Lambda's own error: the function died.
    Died,
}

impl Seen {
    /// Reads the answer to a delivery of `event`, which must be one of the contract's to the byte.
    ///
    /// # Errors
    /// Any other answer.
    pub fn read(event: &Event, answer: Option<function::Answer>) -> Result<Self, String> {
        let response = match answer {
            None => return Ok(Self::Died),
            Some(Err(error)) => return Err(format!("an error to Lambda: {error}")),
            Some(Ok(response)) => response,
        };
        let body: Value =
            response["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let retry_after = response["headers"]["retry-after"].as_str().map(str::parse);
        let seen = match (response["statusCode"].as_i64(), retry_after) {
            (Some(200), None) if body == json!({"status": "accepted", "id": event.id}) => Self::Accepted,
            (Some(200), None) if body == json!({"status": "duplicate", "id": event.id}) => Self::Duplicate,
            (Some(409), Some(Ok(seconds))) if body == json!({"status": "in_progress"}) => Self::InFlight(seconds),
            (Some(401), None) if body == json!({"error": "unauthorized"}) => Self::Refused,
            (Some(503), Some(Ok(5))) if body == json!({"error": "unavailable"}) => Self::Unavailable,
            _ => return Err(format!("not an answer of the contract: {response}")),
        };
        Ok(seen)
    }

    /// Whether it tells the provider that it need not send again.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Accepted | Self::Duplicate)
    }
}

/// A message that was taken off the queue.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The queue's id of it.
    pub message_id: String,
    /// The envelope; of one that was too large for the queue, from the bucket.
    pub envelope: String,
}

impl Taken {
    /// Reads a message, and what it points to.
    ///
    /// # Panics
    /// It has no body or id, or points nowhere.
    pub async fn read(aws: &Aws, message: Message) -> Self {
        let body = message.body.expect("a message has a body");
        let envelope = match PayloadPointer::parse(&body) {
            None => body,
            Some(PayloadPointer { bucket, key }) => {
                let object = aws.s3.get_object().bucket(bucket).key(key).send().await.expect("the object is there");
                let bytes = object.body.collect().await.expect("the object is read").to_vec();
                String::from_utf8(bytes).expect("the object is text")
            }
        };
        Self { message_id: message.message_id.expect("a message has an id"), envelope }
    }
}

/// An item of the table.
type Record = HashMap<String, AttributeValue>;

/// What is wrong with queue and table after all of `events` were answered 200, in sentences; empty where all is well: each is
/// on the queue once, with the bytes that were signed, and its record says so; and nothing else is there.
#[must_use]
pub fn violations(events: &[Event], messages: &[Taken], records: &[Record]) -> Vec<String> {
    let mut found = Vec::new();
    let mut on_queue: BTreeMap<String, Vec<&Taken>> = BTreeMap::new();
    for message in messages {
        let envelope: Value = serde_json::from_str(&message.envelope).unwrap_or_default();
        on_queue.entry(envelope["idempotencykey"].as_str().unwrap_or("(no key)").to_owned()).or_default().push(message);
    }
    let text =
        |record: &Record, name: &str| record.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let mut in_table: BTreeMap<String, (String, String)> = records
        .iter()
        .map(|record| (text(record, "id"), (text(record, "status"), text(record, "message_id"))))
        .collect();
    let keys: BTreeSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
    for event in events {
        let key = &event.key;
        match on_queue.get(key).map_or(&[][..], Vec::as_slice) {
            [] => found.push(format!("LOST: {key} was answered 200 and is not on the queue")),
            [message] => {
                if !message.envelope.ends_with(&event.tail) {
                    found.push(format!("FORGED: the message of {key} does not carry what was signed"));
                }
                match in_table.remove(key) {
                    Some((status, id)) if status == "ENQUEUED" && id == message.message_id => {}
                    record => {
                        found.push(format!("RECORD: {key} has {record:?}, its message is {}", message.message_id));
                    }
                }
            }
            [_, _, ..] => found.push(format!("TWICE: {key} is on the queue {} times", on_queue[key].len())),
        }
    }
    for key in on_queue.keys().filter(|key| !keys.contains(key.as_str())) {
        found.push(format!("FORGED: {key} is on the queue, and nobody has sent it"));
    }
    for key in in_table.keys().filter(|key| !keys.contains(key.as_str())) {
        found.push(format!("FORGED: {key} has a record, and nobody has sent it"));
    }
    found
}
