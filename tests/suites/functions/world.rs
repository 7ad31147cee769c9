//! One function with a table, a queue, a bucket and a secret of its own, and deliveries to it.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_cli::development_url;
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    event::http_api_v2,
    function::Function,
    now,
    traffic::{Event, KEY, Kind, secret_of},
};
use webhook_verify::{
    Header, Provider, Scheme,
    description::{Body, EventType, Unsigned},
};

/// A key that no function has.
pub(crate) const ANOTHER: &str = "a-key-of-somebody-else";

/// An answer: status, `Retry-After`, body.
pub(crate) type Answer = (i64, Option<String>, Value);

pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) function: Function,
    pub(crate) table: String,
    pub(crate) queue: String,
    pub(crate) bucket: String,
    pub(crate) secret: String,
    /// The path that its provider posts to.
    pub(crate) path: String,
}

/// What a function needs to start; tests change it before they start one.
pub(crate) struct Setup {
    pub(crate) aws: Aws,
    pub(crate) provider: &'static Provider,
    pub(crate) variables: HashMap<String, String>,
}

impl Setup {
    pub(crate) async fn new(provider: &'static Provider, fifo: bool) -> Self {
        let aws = Aws::shared();
        let mut variables = client_variables(&Emulator::shared().endpoint);
        for (name, value) in [
            ("IDEMPOTENCY_TABLE", aws.create_table().await),
            ("QUEUE_URL", aws.create_queue(fifo).await),
            ("PAYLOAD_BUCKET", aws.create_bucket().await),
            ("SIGNING_SECRET_ID", aws.create_secret(&secret_of(provider)).await),
        ] {
            variables.insert(name.to_owned(), value);
        }
        if provider.signs_url() {
            variables.insert("PUBLIC_URL".to_owned(), development_url(provider));
        }
        Self { aws, provider, variables }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Returns the same setup with a new secret of this stored value.
    pub(crate) async fn with_secret(self, value: &str) -> Self {
        let name = self.aws.create_secret(value).await;
        self.with("SIGNING_SECRET_ID", &name)
    }

    pub(crate) async fn start(self) -> World {
        let function = Function::start(self.provider.name(), &self.variables).await;
        let variable = |name: &str| self.variables[name].clone();
        World {
            table: variable("IDEMPOTENCY_TABLE"),
            queue: variable("QUEUE_URL"),
            bucket: variable("PAYLOAD_BUCKET"),
            secret: variable("SIGNING_SECRET_ID"),
            path: format!("/webhooks/{}", self.provider.name()),
            aws: self.aws,
            function,
        }
    }
}

impl World {
    pub(crate) async fn of(provider: &'static Provider) -> Self {
        Setup::new(provider, true).await.start().await
    }

    /// Returns an HTTP API event for this function.
    pub(crate) fn event(&self, headers: &[Header], body: &str) -> Value {
        http_api_v2(&self.path, headers, body)
    }

    /// Delivers the event as its provider does.
    pub(crate) async fn deliver(&self, event: &Event) -> Answer {
        self.send(&signed(event), &event.body).await
    }

    pub(crate) async fn send(&self, headers: &[Header], body: &str) -> Answer {
        self.invoke(&self.event(headers, body)).await
    }

    pub(crate) async fn invoke(&self, event: &Value) -> Answer {
        answer(&self.function.invoke(event).await.expect("the function answers"))
    }

    pub(crate) async fn invoke_within(&self, event: &Value, time_left: Duration) -> Answer {
        answer(
            &self
                .function
                .invoke_text(event.to_string(), time_left, None)
                .await
                .expect("the function answers"),
        )
    }

    pub(crate) async fn records(&self) -> Vec<HashMap<String, AttributeValue>> {
        self.aws.records(&self.table).await
    }

    /// Returns the only record.
    pub(crate) async fn record(&self) -> HashMap<String, AttributeValue> {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// Puts a record as another invocation would have left it, with a lease that ends at
    /// `lease_ms`.
    pub(crate) async fn put_in_progress(&self, id: &str, lease_ms: i64) {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        let put = self.aws.dynamodb.put_item().table_name(&self.table).item("id", text(id));
        let put = put.item("status", text("IN_PROGRESS")).item("claim_token", text("another"));
        let put = put
            .item("lease_expires_at_ms", number(lease_ms))
            .item("expires_at_s", number(now().0 + 3600));
        put.send().await.expect("a record is put");
    }

    pub(crate) async fn messages(&self) -> Vec<Message> {
        self.aws.take_messages(&self.queue).await
    }

    /// Returns the only message.
    pub(crate) async fn message(&self) -> Message {
        let mut messages = self.messages().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    pub(crate) async fn assert_nothing_written(&self) {
        assert_eq!(self.records().await, []);
        assert_eq!(self.messages().await, []);
    }
}

fn answer(response: &Value) -> Answer {
    let body = response["body"].as_str().expect("a body of text");
    let body = serde_json::from_str(body).expect("a body of JSON");
    assert_eq!(response["headers"]["content-type"], "application/json");
    assert_eq!(response["isBase64Encoded"], false);
    let retry_after = response["headers"]["retry-after"].as_str().map(str::to_owned);
    (response["statusCode"].as_i64().expect("a status"), retry_after, body)
}

/// Returns the headers of an honest delivery, signed now.
pub(crate) fn signed(event: &Event) -> Vec<Header> {
    event.signed(KEY, now())
}

/// Returns the headers of a delivery that is signed with a key that the function does not have.
pub(crate) fn forged(event: &Event) -> Vec<Header> {
    event.signed(ANOTHER, now())
}

/// Returns the answer to the first delivery of the event.
pub(crate) fn accepted(event: &Event) -> Answer {
    (200, None, json!({"status": "accepted", "id": event.id}))
}

/// Returns the answer to a delivery of an event that was queued before.
pub(crate) fn duplicate(event: &Event) -> Answer {
    (200, None, json!({"status": "duplicate", "id": event.id}))
}

pub(crate) fn refused() -> Answer {
    (401, None, json!({"error": "unauthorized"}))
}

pub(crate) fn malformed() -> Answer {
    (400, None, json!({"error": "malformed"}))
}

pub(crate) fn unavailable() -> Answer {
    (503, Some("5".to_owned()), json!({"error": "unavailable"}))
}

/// Returns the kinds of one provider, one for each of its schemes.
pub(crate) fn kinds_of(provider: &'static Provider) -> impl Iterator<Item = Kind> {
    Kind::all().into_iter().filter(move |kind| kind.provider.name() == provider.name())
}

/// Returns the first kind of a provider, for tests that do not depend on the scheme.
pub(crate) fn kind_of(provider: &'static Provider) -> Kind {
    kinds_of(provider).next().expect("a provider has a scheme")
}

/// Returns one kind for each way of signing a body: as it is sent, a Python form of it, a Python
/// form of a member. For tests with large bodies, which are slow.
pub(crate) fn kinds_by_body() -> Vec<Kind> {
    let ways = |kind: &Kind| {
        kind.scheme.messages.iter().map(|message| std::mem::discriminant(&message.body))
    };
    let mut kinds: Vec<Kind> = Vec::new();
    for kind in Kind::all() {
        if !kinds.iter().any(|other| ways(other).eq(ways(&kind))) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Returns whether the MAC covers all of the body.
pub(crate) fn signs_whole_body(kind: &Kind) -> bool {
    kind.scheme.signed_member().is_none()
}

/// Returns whether the MAC may cover the body in a different spelling than the one that is sent.
pub(crate) fn signs_python_form(kind: &Kind) -> bool {
    kind.scheme.messages.iter().any(|message| matches!(message.body, Body::PythonForm(_)))
}

/// Returns the unsigned headers from which facts are read, with values made from this number.
pub(crate) fn unsigned_headers(scheme: &Scheme, number: usize) -> Vec<Header> {
    let event_type =
        if let EventType::Unsigned(place) = &scheme.facts.event_type { Some(place) } else { None };
    let places = scheme.facts.delivery_id.iter().chain(event_type);
    let names = places
        .filter_map(|place| if let Unsigned::Header(name) = place { Some(*name) } else { None });
    names.map(|name| Header::new(name, format!("unsigned-{number}"))).collect()
}

/// Returns headers and body of an honest delivery, with a value made from this number in each place
/// that is not signed.
pub(crate) fn with_unsigned(event: &Event, number: usize) -> (Vec<Header>, String) {
    let scheme = event.kind.scheme;
    let changed = unsigned_headers(scheme, number);
    let mut headers = signed(event);
    headers.retain(|header| changed.iter().all(|changed| changed.name() != header.name()));
    headers.extend(changed);
    let mut body = event.body.clone();
    for name in scheme.facts.unsigned_members {
        body = body.replace(&format!("\"example.{name}\""), &format!("\"unsigned-{number}\""));
    }
    (headers, body)
}

/// Returns an authentic delivery that is malformed: headers, body, and the reason. `None` if the
/// kind has no such deliveries.
pub(crate) fn malformed_delivery(kind: Kind) -> Option<(Vec<Header>, String, &'static str)> {
    let mut event = Event::new(kind, 1);
    let reason = if signs_whole_body(&kind) {
        "[]".clone_into(&mut event.body);
        "not_an_object"
    } else {
        let name = kind.scheme.facts.unsigned_members.first()?;
        event.body = event.body.replace(&format!("example.{name}"), &"x".repeat(1025));
        "unsigned_field_too_long"
    };
    Some((signed(&event), event.body, reason))
}

/// Returns the text of a record's attribute.
pub(crate) fn text<'r>(record: &'r HashMap<String, AttributeValue>, name: &str) -> Option<&'r str> {
    record.get(name).map(|value| value.as_s().expect("a text").as_str())
}

/// Returns the number in a record's attribute.
pub(crate) fn number(record: &HashMap<String, AttributeValue>, name: &str) -> i64 {
    record[name].as_n().expect("a number").parse().expect("a whole number")
}
