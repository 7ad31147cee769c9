//! One function with a table, a queue, a bucket and a secret of its own.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::Value;
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    event::http_api_v2,
    function::Function,
    now,
};
use webhook_verify::{Header, SigningSecret, sign};

pub(crate) const SECRET: &str = "secret-of-the-suite";

/// An answer: status, `Retry-After`, body.
pub(crate) type Answer = (i64, Option<String>, Value);

pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) function: Function,
    pub(crate) table: String,
    pub(crate) queue: String,
    pub(crate) bucket: String,
    pub(crate) secret: String,
    path: String,
}

/// What a function needs to start; tests change it before they start one.
pub(crate) struct Setup {
    pub(crate) aws: Aws,
    pub(crate) provider: &'static str,
    pub(crate) variables: HashMap<String, String>,
}

impl Setup {
    pub(crate) async fn new(provider: &'static str, fifo: bool) -> Self {
        let aws = Aws::shared();
        let mut variables = client_variables(&Emulator::shared().endpoint);
        for (name, value) in [
            ("IDEMPOTENCY_TABLE", aws.create_table().await),
            ("QUEUE_URL", aws.create_queue(fifo).await),
            ("PAYLOAD_BUCKET", aws.create_bucket().await),
            ("SIGNING_SECRET_ID", aws.create_secret(SECRET).await),
        ] {
            variables.insert(name.to_owned(), value);
        }
        Self { aws, provider, variables }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) async fn start(self) -> World {
        let function = Function::start(self.provider, &self.variables).await;
        let variable = |name: &str| self.variables[name].clone();
        World {
            table: variable("IDEMPOTENCY_TABLE"),
            queue: variable("QUEUE_URL"),
            bucket: variable("PAYLOAD_BUCKET"),
            secret: variable("SIGNING_SECRET_ID"),
            path: format!("/webhooks/{}", self.provider),
            aws: self.aws,
            function,
        }
    }
}

impl World {
    pub(crate) async fn pinwheel() -> Self {
        Setup::new("pinwheel", true).await.start().await
    }

    pub(crate) async fn endgrate() -> Self {
        Setup::new("endgrate", true).await.start().await
    }

    /// An HTTP API event for this function.
    pub(crate) fn event(&self, headers: &[Header], body: &str) -> Value {
        http_api_v2(&self.path, headers, body)
    }

    pub(crate) async fn deliver(&self, headers: &[Header], body: &str) -> Answer {
        self.invoke(&self.event(headers, body)).await
    }

    pub(crate) async fn invoke(&self, event: &Value) -> Answer {
        answer(&self.function.invoke(event).await.expect("the function answers"))
    }

    pub(crate) async fn invoke_within(&self, event: &Value, time_left: Duration) -> Answer {
        answer(&self.function.invoke_text(event.to_string(), time_left, None).await.expect("the function answers"))
    }

    pub(crate) async fn records(&self) -> Vec<HashMap<String, AttributeValue>> {
        self.aws.records(&self.table).await
    }

    /// The only record.
    pub(crate) async fn record(&self) -> HashMap<String, AttributeValue> {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// Puts a record as another invocation would have left it, with a lease that ends then.
    pub(crate) async fn put_in_progress(&self, id: &str, lease_ms: i64) {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        let put = self.aws.dynamodb.put_item().table_name(&self.table).item("id", text(id));
        let put = put.item("status", text("IN_PROGRESS")).item("claim_token", text("another"));
        let put = put.item("lease_expires_at_ms", number(lease_ms)).item("expires_at_s", number(now().0 + 3600));
        put.send().await.expect("a record is put");
    }

    pub(crate) async fn messages(&self) -> Vec<Message> {
        self.aws.take_messages(&self.queue).await
    }

    /// The only message.
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

pub(crate) fn secret(key: &str) -> SigningSecret {
    SigningSecret::new(key.as_bytes().to_vec()).expect("not empty")
}

/// Signed with the suite's secret, now.
pub(crate) fn v2(body: &str) -> [Header; 2] {
    sign::pinwheel_v2(&secret(SECRET), now(), body.as_bytes())
}

pub(crate) fn v1(body: &str) -> [Header; 2] {
    sign::pinwheel_v1(&secret(SECRET), now(), body.as_bytes()).expect("the body has a payload")
}

pub(crate) fn endgrate(body: &str) -> [Header; 1] {
    sign::endgrate(&secret(SECRET), body.as_bytes())
}

/// The text of a record's attribute.
pub(crate) fn text<'r>(record: &'r HashMap<String, AttributeValue>, name: &str) -> Option<&'r str> {
    record.get(name).map(|value| value.as_s().expect("a text").as_str())
}

/// The number in a record's attribute.
pub(crate) fn number(record: &HashMap<String, AttributeValue>, name: &str) -> i64 {
    record[name].as_n().expect("a number").parse().expect("a whole number")
}
