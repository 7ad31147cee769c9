//! The example consumer's real bootstrap, behind the queue that the receivers' real bootstraps
//! fill: the consumer's side of the contract.

use std::{
    collections::HashMap,
    process::Command,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    function::{Function, bootstrap},
    now,
    traffic::{Event, Kind, Taken, variables_of},
};

const NOT_AN_EVENT: &str =
    "the message is not a CloudEvents 1.0 object with id, type, idempotencykey and data";

/// A receiver, a queue and a consumer. The test takes the part of the event source mapping between
/// the last two.
struct World {
    aws: Aws,
    receiver: Function,
    consumer: Function,
    fifo: bool,
    queue: String,
    consumed: String,
    variables: HashMap<String, String>,
}

impl World {
    async fn new(kind: Kind, fifo: bool) -> Self {
        let aws = Aws::shared();
        let (queue, consumed, bucket) =
            (aws.create_queue(fifo).await, aws.create_table().await, aws.create_bucket().await);
        let common = client_variables(&Emulator::shared().endpoint);
        let mut variables = common.clone();
        variables.extend(variables_of(kind.provider, &aws).await);
        for (name, value) in [
            ("IDEMPOTENCY_TABLE", aws.create_table().await),
            ("QUEUE_URL", queue.clone()),
            ("PAYLOAD_BUCKET", bucket.clone()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let mut consumers = common;
        consumers.insert("CONSUMED_TABLE".to_owned(), consumed.clone());
        consumers.insert("PAYLOAD_BUCKET".to_owned(), bucket);
        Self {
            receiver: Function::start(kind.provider.name(), &variables).await,
            consumer: Function::start("example-consumer", &consumers).await,
            aws,
            fifo,
            queue,
            consumed,
            variables,
        }
    }

    /// Delivers an event to the receiver, which must accept it.
    async fn deliver(&self, event: &Event) {
        let answer =
            self.receiver.invoke_text(event.delivery(), Duration::from_secs(15), None).await;
        assert_eq!(answer.expect("an answer")["statusCode"], 200);
    }

    /// Takes the messages off the queue as records of Lambda's event.
    async fn records(&self) -> Vec<Value> {
        let messages = self.aws.take_messages(&self.queue).await;
        messages.iter().map(|message| self.record(message)).collect()
    }

    fn record(&self, message: &Message) -> Value {
        let attributes = message
            .attributes
            .iter()
            .flatten()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value)));
        let message_attributes =
            message.message_attributes.iter().flatten().map(|(name, value)| {
                (
                    name.clone(),
                    json!({"dataType": value.data_type, "stringValue": value.string_value}),
                )
            });
        let suffix = if self.fifo { ".fifo" } else { "" };
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes.collect::<serde_json::Map<_, _>>(),
            "messageAttributes": message_attributes.collect::<serde_json::Map<_, _>>(),
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:events{suffix}"),
            "awsRegion": "us-east-1",
        })
    }

    /// Hands the records to the consumer, and returns the ids of those that it reports as failed.
    async fn consume(&self, records: &[Value]) -> Vec<String> {
        let answer = self.consumer.invoke(&json!({"Records": records})).await.expect("an answer");
        let failures = answer["batchItemFailures"].as_array().expect("a list");
        let id = |failure: &Value| failure["itemIdentifier"].as_str().expect("an id").to_owned();
        failures.iter().map(id).collect()
    }

    /// Waits for `count` of the consumer's log lines about messages, and returns outcome, reason
    /// and event id of each. (A line may come after its answer.)
    async fn lines(&self, count: usize) -> Vec<(String, Option<String>, Option<String>)> {
        let started_at = Instant::now();
        loop {
            let log = self.consumer.log();
            let lines: Vec<Value> =
                log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let lines: Vec<_> = lines.iter().filter(|line| line["message"] == "message").collect();
            if lines.len() >= count {
                assert_eq!(lines.len(), count, "{log}");
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let facts = lines.iter().map(|line| {
                    (
                        text(&line["webhook.outcome"]).expect("one"),
                        text(&line["webhook.reason"]),
                        text(&line["webhook.event_id"]),
                    )
                });
                return facts.collect();
            }
            assert!(
                started_at.elapsed() < Duration::from_secs(40),
                "fewer than {count} messages in the log: {log}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn id(record: &Value) -> String {
    record["messageId"].as_str().expect("an id").to_owned()
}

/// Returns a line of the log, as [`World::lines`] does.
fn line(
    outcome: &str,
    reason: Option<&str>,
    id: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    (outcome.to_owned(), reason.map(str::to_owned), id.map(str::to_owned))
}

fn event(kind: Kind, number: usize) -> Event {
    Event::with(kind, number, "\"note\": \"PAYLOADCANARY\"")
}

/// Returns a kind for tests in which nothing depends on the provider.
fn any_kind() -> Kind {
    Kind::in_turn(0)
}

#[tokio::test]
async fn an_event_is_handled_once_and_its_second_message_is_a_duplicate() {
    for kind in Kind::all() {
        for fifo in [true, false] {
            let (world, event) = (World::new(kind, fifo).await, event(kind, 1));
            world.deliver(&event).await;
            let records = world.records().await;
            assert_eq!(records.len(), 1);
            assert_eq!(world.consume(&records).await, [""; 0]);
            assert_eq!(
                world.consume(&records).await,
                [""; 0],
                "it is off the queue, and not handled again"
            );
            let outcomes: Vec<_> =
                world.lines(2).await.into_iter().map(|(outcome, ..)| outcome).collect();
            assert_eq!(outcomes, ["handled", "duplicate"]);
            let log = world.consumer.log();
            assert_eq!(log.matches("an event to work on").count(), 1, "{log}");

            let marks = world.aws.records(&world.consumed).await;
            assert_eq!(marks.len(), 1);
            assert_eq!(marks[0]["id"].as_s().ok(), Some(&event.key));
            assert!(marks[0].contains_key("done_at"));
        }
    }
}

#[tokio::test]
async fn no_payload_is_logged() {
    for kind in Kind::all() {
        for fifo in [true, false] {
            let world = World::new(kind, fifo).await;
            world.deliver(&event(kind, 1)).await;
            let records = world.records().await;
            assert!(records[0]["body"].as_str().is_some_and(|body| body.contains("PAYLOADCANARY")));
            for outcome in ["handled", "duplicate"] {
                assert_eq!(world.consume(&records).await, [""; 0], "{outcome}");
            }
            world.lines(2).await;
            let log = world.consumer.log();
            assert!(!log.contains("PAYLOADCANARY"), "{log}");
        }
    }
}

#[tokio::test]
async fn a_large_event_is_fetched_from_the_bucket() {
    let kind = any_kind().large();
    let (world, event) = (World::new(kind, true).await, Event::new(kind, 1));
    world.deliver(&event).await;
    let messages = world.aws.take_messages(&world.queue).await;
    let records: Vec<_> = messages.iter().map(|message| world.record(message)).collect();
    assert!(records[0]["body"].as_str().is_some_and(|body| body.len() < 1000), "a pointer");
    let envelope = Taken::read(&world.aws, messages[0].clone()).await.envelope;
    let (_, data) = envelope.split_once(",\"data\":").expect("an envelope has data");
    assert_eq!(world.consume(&records).await, [""; 0]);
    assert_eq!(world.lines(1).await, [line("handled", None, Some(&event.id))]);
    // The last brace is the envelope's.
    assert!(
        world.consumer.log().contains(&format!("\"data_bytes\":{},", data.len() - 1)),
        "{}",
        world.consumer.log()
    );
}

#[tokio::test]
async fn a_pointer_to_another_bucket_is_not_followed() {
    let world = World::new(any_kind(), true).await;
    world.deliver(&event(any_kind(), 1)).await;
    let mut records = world.records().await;
    records[0]["body"] = json!(
        "[\"software.amazon.payloadoffloading.PayloadS3Pointer\",\
         {\"s3BucketName\":\"another\",\"s3Key\":\"k\"}]"
    );
    assert_eq!(world.consume(&records).await, [id(&records[0])]);
    let reason = "could not get the payload: unexpected response: a pointer to a different bucket";
    assert_eq!(world.lines(1).await, [line("left", Some(reason), None)]);
}

#[tokio::test]
async fn a_failing_message_is_reported_with_the_rest_of_its_group() {
    let grouped = Kind::all().into_iter().find(|kind| !kind.scheme.facts.group.is_empty());
    let kind = grouped.unwrap_or_else(any_kind);
    let world = World::new(kind, true).await;
    // Every 50 numbers are a group.
    let [a1, b1, a2, a3, b2] = [1, 51, 2, 3, 52].map(|number| event(kind, number));
    for event in [&a1, &b1, &a2, &a3, &b2] {
        world.deliver(event).await;
    }
    let mut records = world.records().await;
    if grouped.is_none() {
        // No scheme reads a group, so each event is a group by itself: the test sets the groups.
        let is_b = |record: &Value| {
            [&b1.id, &b2.id]
                .iter()
                .any(|&id| record["messageAttributes"]["event_id"]["stringValue"] == *id)
        };
        for record in &mut records {
            record["attributes"]["MessageGroupId"] = json!(if is_b(record) { "b" } else { "a" });
        }
    }
    records.sort_by_key(|record| {
        let number = |name: &str| record["attributes"][name].as_str().expect("a number").to_owned();
        number("SequenceNumber")
    });
    let position = |event: &Event| {
        let has_id =
            |record: &Value| record["messageAttributes"]["event_id"]["stringValue"] == event.id;
        records.iter().position(has_id).expect("is there")
    };
    let (poisoned, behind) = (position(&a2), position(&a3));
    let mut batch = records.clone();
    batch[poisoned]["body"] = json!("POISON");
    assert_eq!(world.consume(&batch).await, [id(&records[poisoned]), id(&records[behind])]);
    let lines = world.lines(5).await;
    assert_eq!(lines[poisoned], line("left", Some(NOT_AN_EVENT), None));
    assert_eq!(lines[behind], line("left", Some("an earlier message of its group failed"), None));
    for handled in [&a1, &b1, &b2] {
        assert_eq!(lines[position(handled)], line("handled", None, Some(&handled.id)));
    }
    assert!(!world.consumer.log().contains("POISON"));

    // They come again, in order.
    let again = [records[poisoned].clone(), records[behind].clone()];
    assert_eq!(world.consume(&again).await, [""; 0]);
    let lines = world.lines(7).await;
    assert_eq!(
        lines[5..],
        [line("handled", None, Some(&a2.id)), line("handled", None, Some(&a3.id))]
    );
}

#[tokio::test]
async fn on_a_standard_queue_a_message_that_fails_is_reported_alone() {
    let (world, mut records) = with_two_messages().await;
    records[0]["body"] = json!("");
    assert_eq!(world.consume(&records).await, [id(&records[0])]);
}

#[tokio::test]
async fn a_message_claimed_elsewhere_comes_again_until_that_claim_ends() {
    let (world, event) = (World::new(any_kind(), true).await, event(any_kind(), 1));
    world.deliver(&event).await;
    let records = world.records().await;
    let now = now().0;
    let claim = |expires_at_s: i64| {
        let put = world.aws.dynamodb.put_item().table_name(&world.consumed);
        let put = put.item("id", AttributeValue::S(event.key.clone()));
        let put = put.item("claim_token", AttributeValue::S("another".to_owned()));
        put.item("expires_at_s", AttributeValue::N(expires_at_s.to_string())).send()
    };
    claim(now + 60).await.expect("a claim is put");
    assert_eq!(world.consume(&records).await, [id(&records[0])]);
    let reason = "another invocation is working on it";
    assert_eq!(world.lines(1).await, [line("left", Some(reason), Some(&event.id))]);
    claim(now - 1).await.expect("a claim is put");
    assert_eq!(world.consume(&records).await, [""; 0]);
    assert_eq!(world.lines(2).await[1], line("handled", None, Some(&event.id)));
}

#[tokio::test]
async fn the_constant_deadline_of_cargo_lambda_counts_as_in_the_future() {
    let (world, event) = (World::new(any_kind(), true).await, event(any_kind(), 1));
    world.deliver(&event).await;
    let batch = json!({"Records": world.records().await});
    let answer = world.consumer.invoke_under_watch(&batch).await.expect("an answer");
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(world.lines(1).await, [line("handled", None, Some(&event.id))]);
}

#[tokio::test]
async fn if_time_is_up_all_messages_come_again() {
    let (world, records) = with_two_messages().await;
    let batch = json!({"Records": records}).to_string();
    let answer =
        world.consumer.invoke_text(batch, Duration::from_secs(1), None).await.expect("an answer");
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.aws.records(&world.consumed).await, []);
    let reasons: Vec<_> =
        world.lines(2).await.into_iter().filter_map(|(_, reason, _)| reason).collect();
    assert_eq!(reasons, ["the invocation's time is up"; 2]);
}

#[tokio::test]
async fn without_its_table_all_messages_come_again() {
    let (world, records) = with_two_messages().await;
    world
        .aws
        .dynamodb
        .delete_table()
        .table_name(&world.consumed)
        .send()
        .await
        .expect("the table is deleted");
    let all: Vec<_> = records.iter().map(id).collect();
    assert_eq!(world.consume(&records).await, all);
    for (_, reason, _) in world.lines(2).await {
        let expected =
            "could not claim the event: the service refused the call: ResourceNotFoundException";
        assert!(reason.as_ref().is_some_and(|reason| reason.starts_with(expected)), "{reason:?}");
    }
}

/// Returns a world with a standard queue, and the records of two messages that were on it.
async fn with_two_messages() -> (World, Vec<Value>) {
    let world = World::new(any_kind(), false).await;
    for number in [1, 2] {
        world.deliver(&event(any_kind(), number)).await;
    }
    let records = world.records().await;
    (world, records)
}

#[tokio::test]
async fn a_replay_is_handled_even_if_the_original_was() {
    let (world, event) = (World::new(any_kind(), true).await, event(any_kind(), 1));
    world.deliver(&event).await;
    let records = world.records().await;
    assert_eq!(world.consume(&records).await, [""; 0]);
    let file = std::env::temp_dir().join(format!("consumed-{}.json", std::process::id()));
    std::fs::write(&file, records[0]["body"].as_str().expect("a body")).expect("it can be written");
    let replay = Command::new(bootstrap("webhook"))
        .arg("replay")
        .arg(file)
        .env_clear()
        .envs(&world.variables)
        .output();
    assert!(replay.is_ok_and(|ended| ended.status.success()));
    let replays = world.records().await;
    assert_eq!(replays.len(), 1);
    assert_eq!(world.consume(&replays).await, [""; 0]);
    assert_eq!(
        world.lines(2).await,
        [line("handled", None, Some(&event.id)), line("handled", None, Some(&event.id))]
    );
    let replay_of = format!("\"webhook.replay_of\":\"{}\"", event.key);
    assert!(world.consumer.log().contains(&replay_of), "{}", world.consumer.log());
}

#[tokio::test]
async fn an_event_that_is_not_a_batch_is_an_error_and_the_process_lives() {
    let (world, event) = (World::new(any_kind(), true).await, event(any_kind(), 1));
    world.deliver(&event).await;
    let records = world.records().await;
    for text in [
        "{}",
        "null",
        "[]",
        "7",
        r#"{"Records": [{"body": "BODYCANARY"}]}"#,
        r#"{"Records": [{"messageId": ""}]}"#,
    ] {
        let answer =
            world.consumer.invoke_text(text.to_owned(), Duration::from_secs(15), None).await;
        let error = answer.expect_err("an empty answer would have the messages deleted");
        assert_eq!(error["errorMessage"], "the event is not a batch of SQS messages", "{text}");
    }
    assert_eq!(world.consume(&[]).await, [""; 0]);
    assert_eq!(world.consume(&records).await, [""; 0]);
    assert_eq!(world.lines(1).await, [line("handled", None, Some(&event.id))]);
    assert!(!world.consumer.log().contains("BODYCANARY"));
}

#[tokio::test]
async fn a_variable_that_is_missing_or_cannot_be_used_stops_the_start() {
    for (name, value, message) in [
        ("CONSUMED_TABLE", "", "Error: CONSUMED_TABLE is not set\n"),
        (
            "CONSUMED_TABLE",
            "my table",
            "Error: CONSUMED_TABLE cannot be used: \"my table\" is not a table's name (3 to 255 \
             letters, digits, `_`, `-` and `.`) or its ARN\n",
        ),
        (
            "PAYLOAD_BUCKET",
            "s3://b",
            "Error: PAYLOAD_BUCKET cannot be used: \"s3://b\" is not a bucket's name (3 to 63 \
             lower-case letters, digits, `-` and `.`), without s3:// and without a path\n",
        ),
        (
            "RUST_LOG",
            "info=loud",
            "Error: RUST_LOG cannot be used: error parsing level filter: expected one of \"off\", \
             \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5\n",
        ),
        ("AWS_REGION", "", "Error: AWS_REGION is not set\n"),
    ] {
        let mut variables = client_variables(&Emulator::shared().endpoint);
        variables.remove("AWS_DEFAULT_REGION");
        variables.insert("CONSUMED_TABLE".to_owned(), "consumed".to_owned());
        variables.insert(name.to_owned(), value.to_owned());
        let mut consumer = Function::start("example-consumer", &variables).await;
        assert_eq!(consumer.ended().await.code(), Some(1), "{name}={value}");
        assert_eq!(consumer.log(), message);
    }
}
