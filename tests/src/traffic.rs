//! What providers and forgers send, what they get back, and what must be on the queue and in the
//! table in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_cli::{OutgoingDelivery, Sender, development_url};
use webhook_verify::{
    Header, Provider, Scheme, SigningSecret, UnixSeconds,
    description::Id,
    json::{PythonForm, python_form_of_member},
    providers::PROVIDERS,
    sha256_hex,
    sign::example_body,
};

use crate::{emulator::Aws, event::http_api_v2, function, now};

/// The key that every provider signs with, written as each writes its secrets ([`secret_of`]).
pub const KEY: &str = "secret-of-the-providers";
/// The key that forgers sign with.
const ANOTHER: &str = "secret-of-nobody";

/// Returns the secret that a provider signs with, as it writes its secrets.
#[must_use]
pub fn secret_of(provider: &Provider) -> String {
    provider.key().write(KEY)
}

/// Returns the variables that differ between the providers' functions: a new secret, and the URL if
/// the provider signs it.
pub async fn variables_of(provider: &Provider, aws: &Aws) -> HashMap<String, String> {
    let secret = aws.create_secret(&secret_of(provider)).await;
    let mut variables = HashMap::from([("SIGNING_SECRET_ID".to_owned(), secret)]);
    if provider.signs_url() {
        variables.insert("PUBLIC_URL".to_owned(), development_url(provider));
    }
    variables
}

/// How an event is signed, and whether it fits into a message.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The provider of the event.
    pub provider: &'static Provider,
    /// One of the provider's schemes.
    pub scheme: &'static Scheme,
    /// Whether the body is over SQS's limit, so that the message points into the bucket.
    pub is_large: bool,
}

impl Kind {
    /// Returns every scheme of every provider, with bodies that fit into a message.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let of = |provider: &'static Provider| {
            provider.schemes().iter().map(move |scheme| Self { provider, scheme, is_large: false })
        };
        PROVIDERS.iter().copied().flat_map(of).collect()
    }

    /// Returns the kind of this number, starting again after the last one.
    ///
    /// # Panics
    /// Never: there is always a provider.
    #[must_use]
    pub fn in_turn(number: usize) -> Self {
        *Self::all().iter().cycle().nth(number).expect("there is a provider")
    }

    /// Returns the same kind with a body that does not fit into a message.
    #[must_use]
    pub fn large(self) -> Self {
        Self { is_large: true, ..self }
    }
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
    /// The end of its envelope: the signed bytes as they are.
    tail: String,
}

impl Event {
    /// Returns the event of this number. Equal numbers are the same event. Every 50 numbers share a
    /// group, and so keep their order on the queue.
    ///
    /// # Panics
    /// Never: an example can be signed.
    #[must_use]
    pub fn new(kind: Kind, number: usize) -> Self {
        let filling = kind.is_large.then(|| format!("\"filling\": \"{}\"", "x".repeat(1_048_576)));
        Self::with(kind, number, &filling.unwrap_or_default())
    }

    /// Returns the event of this number with more signed members, which are given as JSON text.
    ///
    /// # Panics
    /// If the scheme signs a Python form, and the members have none.
    #[must_use]
    pub fn with(kind: Kind, number: usize, members: &str) -> Self {
        let Kind { provider, scheme, .. } = kind;
        let mut body = example_body(scheme, number, number / 50);
        if !members.is_empty() {
            let number = format!("\"number\": {number}");
            body = body.replace(&number, &format!("{number}, {members}"));
        }
        // Written out here, and not taken from the code under test.
        let (signed, tail) = match scheme.signed_member() {
            Some(member) => {
                let signed = python_form_of_member(body.as_bytes(), member, PythonForm::Compact)
                    .expect("has one");
                let signed = String::from_utf8(signed).expect("is text");
                let tail = format!("\"{member}\":{signed}}}}}");
                (signed, tail)
            }
            None => (body.clone(), format!(",\"data\":{body}}}")),
        };
        let id = match scheme.facts.id {
            Id::Signed(_) | Id::SignedHeader(_) => format!("evt_{number}"),
            Id::HashOfBody if scheme.signed_member().is_some() => {
                format!("payload-sha256:{}", sha256_hex(signed.as_bytes()))
            }
            Id::HashOfBody => format!("body-sha256:{}", sha256_hex(signed.as_bytes())),
        };
        Self { kind, key: format!("{}#{id}", provider.name()), body, id, tail }
    }

    /// Returns an honest delivery, signed now, as the event that Lambda gets.
    #[must_use]
    pub fn delivery(&self) -> String {
        self.request(&self.signed(KEY, now()), &self.body)
    }

    /// Returns a delivery that no provider has sent: signed with a different secret, with an
    /// altered body, or without a signature.
    #[must_use]
    pub fn forgery(&self, how: u8) -> String {
        // An event that nobody sends, so that it would be noticed if it were let through.
        let altered = Self::new(self.kind, usize::MAX / 2);
        match how % 4 {
            0 => self.request(&self.signed(ANOTHER, now()), &self.body),
            1 => altered.request(&altered.signed(ANOTHER, now()), &altered.body),
            2 => self.request(&self.signed(KEY, now()), &altered.body),
            _ => self.request(&[], &self.body),
        }
    }

    /// Returns the end of its envelope: the signed bytes as they are, in `data`.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.tail
    }

    /// Returns the headers of a delivery, signed with this key at this time.
    ///
    /// # Panics
    /// If the body was changed, and cannot be signed.
    #[must_use]
    pub fn signed(&self, key: &str, at: UnixSeconds) -> Vec<Header> {
        let Kind { provider, scheme, .. } = self.kind;
        let secret = SigningSecret::new(key.as_bytes().to_vec()).expect("is not empty");
        let sender = Sender { id: Some(self.id.clone()), ..Sender::new(provider, scheme) };
        let body = self.body.clone().into_bytes();
        OutgoingDelivery::sign(sender, &secret, at, body)
            .expect("an example can be signed")
            .headers()
    }

    fn request(&self, headers: &[Header], body: &str) -> String {
        http_api_v2(&format!("/webhooks/{}", self.kind.provider.name()), headers, body).to_string()
    }
}

/// What the sender of a delivery sees.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Seen {
    /// 200: queued now.
    Accepted,
    /// 200: queued before.
    Duplicate,
    /// 409, with the seconds in `Retry-After`.
    InFlight(u64),
    /// 401.
    Refused,
    /// 503, to be tried again after 5 s.
    Unavailable,
    /// Lambda's own error: the function died.
    Died,
}

impl Seen {
    /// Reads the answer to a delivery of `event`, which must be exactly one of the contract's.
    ///
    /// # Errors
    /// Any other answer.
    pub fn read(event: &Event, answer: Option<function::Answer>) -> Result<Self, String> {
        let response = match answer {
            None => return Ok(Self::Died),
            Some(Err(error)) => return Err(format!("an error to Lambda: {error}")),
            Some(Ok(response)) => response,
        };
        let body: Value = response["body"]
            .as_str()
            .and_then(|body| serde_json::from_str(body).ok())
            .unwrap_or_default();
        let retry_after = response["headers"]["retry-after"].as_str().map(str::parse);
        let seen = match (response["statusCode"].as_i64(), retry_after) {
            (Some(200), None) if body == json!({"status": "accepted", "id": event.id}) => {
                Self::Accepted
            }
            (Some(200), None) if body == json!({"status": "duplicate", "id": event.id}) => {
                Self::Duplicate
            }
            (Some(409), Some(Ok(seconds))) if body == json!({"status": "in_progress"}) => {
                Self::InFlight(seconds)
            }
            (Some(401), None) if body == json!({"error": "unauthorized"}) => Self::Refused,
            (Some(503), Some(Ok(5))) if body == json!({"error": "unavailable"}) => {
                Self::Unavailable
            }
            _ => return Err(format!("not an answer of the contract: {response}")),
        };
        Ok(seen)
    }

    /// Returns whether the answer tells the provider not to send again.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Accepted | Self::Duplicate)
    }
}

/// A message that was taken off the queue.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its id on the queue.
    pub message_id: String,
    /// The envelope. If it was too large for the queue, it comes from the bucket.
    pub envelope: String,
}

impl Taken {
    /// Reads a message, and what it points to.
    ///
    /// # Panics
    /// If it has no body or id, or points to nothing.
    pub async fn read(aws: &Aws, message: Message) -> Self {
        let body = message.body.expect("a message has a body");
        let envelope = match PayloadPointer::parse(&body) {
            None => body,
            Some(PayloadPointer { bucket, key }) => {
                let object = aws
                    .s3
                    .get_object()
                    .bucket(bucket)
                    .key(key)
                    .send()
                    .await
                    .expect("the object is there");
                let bytes = object.body.collect().await.expect("the object is read").to_vec();
                String::from_utf8(bytes).expect("the object is text")
            }
        };
        Self { message_id: message.message_id.expect("a message has an id"), envelope }
    }
}

/// An item of the table.
type Record = HashMap<String, AttributeValue>;

/// Returns what is wrong with queue and table after all of `events` were answered 200, in
/// sentences. Each event must be on the queue once, with the bytes that were signed, and its record
/// must say so. Nothing else may be there.
#[must_use]
pub fn violations(events: &[Event], messages: &[Taken], records: &[Record]) -> Vec<String> {
    let mut found = Vec::new();
    let mut on_queue: BTreeMap<String, Vec<&Taken>> = BTreeMap::new();
    for message in messages {
        let envelope: Value = serde_json::from_str(&message.envelope).unwrap_or_default();
        on_queue
            .entry(envelope["idempotencykey"].as_str().unwrap_or("(no key)").to_owned())
            .or_default()
            .push(message);
    }
    let text = |record: &Record, name: &str| {
        record.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
    };
    let mut in_table: BTreeMap<String, (String, String)> = records
        .iter()
        .map(|record| (text(record, "id"), (text(record, "status"), text(record, "message_id"))))
        .collect();
    let keys: BTreeSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
    for event in events {
        let key = &event.key;
        match on_queue.get(key).map_or(&[][..], Vec::as_slice) {
            [] => found.push(format!("LOST: {key} was answered 200, but is not on the queue")),
            [message] => {
                if !message.envelope.ends_with(&event.tail) {
                    found.push(format!(
                        "FORGED: the message of {key} does not carry what was signed"
                    ));
                }
                match in_table.remove(key) {
                    Some((status, id)) if status == "ENQUEUED" && id == message.message_id => {}
                    record => {
                        found.push(format!(
                            "RECORD: {key} has {record:?}, but its message is {}",
                            message.message_id
                        ));
                    }
                }
            }
            [_, _, ..] => {
                found.push(format!("TWICE: {key} is on the queue {} times", on_queue[key].len()));
            }
        }
    }
    for key in on_queue.keys().filter(|key| !keys.contains(key.as_str())) {
        found.push(format!("FORGED: {key} is on the queue, but nobody has sent it"));
    }
    for key in in_table.keys().filter(|key| !keys.contains(key.as_str())) {
        found.push(format!("FORGED: {key} has a record, but nobody has sent it"));
    }
    found
}
