//! The deployed template: HTTP in, IAM enforced, table and queue.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use webhook_cli::{OutgoingDelivery, Sender, development_secret};
use webhook_tests::{
    function::bootstrap,
    http::post,
    now,
    samples::{self, Answer},
    stack::{Account, Stack},
    traffic::{Event, Kind},
};
use webhook_verify::providers::PROVIDERS;

/// One deployment for all, because it takes ten seconds.
#[tokio::test]
async fn the_deployed_template_works_over_http_with_iam_enforced() {
    let account = Account::start(|_| ()).await;
    let stack = account.deploy(&[]).await;
    every_sample_gets_its_answer(&stack).await;
    what_cargo_webhook_sends_is_queued(&stack).await;
    large_events_go_through_the_bucket(&stack).await;
    only_the_providers_have_routes(&stack);
}

async fn every_sample_gets_its_answer(stack: &Stack) {
    let mut accepted = 0;
    for sample in samples::all() {
        let (headers, body) = sample.delivery_at(now());
        let url = stack.url(sample.sender.provider.name());
        let (status, answer) = post(&url, &headers, &body);
        assert_eq!(
            (status, &answer),
            (sample.answer.status(), &sample.answer.body()),
            "{}",
            sample.file
        );
        if matches!(sample.answer, Answer::Accepted { .. }) {
            accepted += 1;
            let again = post(&url, &headers, &body);
            assert_eq!(
                again,
                (200, json!({"status": "duplicate", "id": answer["id"]})),
                "{}",
                sample.file
            );
        }
    }
    let records = stack.aws.records(&stack.outputs["IdempotencyTableName"]).await;
    assert_eq!(records.len(), accepted);
    let enqueued = AttributeValue::S("ENQUEUED".to_owned());
    assert!(records.iter().all(|record| record["status"] == enqueued), "{records:?}");
    let messages = stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await;
    assert_eq!(messages.len(), accepted);
    for message in messages {
        let envelope: Value =
            serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON");
        assert_eq!(envelope["specversion"], "1.0");
    }
}

async fn what_cargo_webhook_sends_is_queued(stack: &Stack) {
    for (number, kind) in Kind::all().into_iter().enumerate() {
        let (status, sent) = send(&kind, 100 + number, &stack.url(kind.provider.name()));
        assert!(status.starts_with("200 OK\n"), "{kind:?}: {status}");
        let messages = stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await;
        let [message] = &messages[..] else { panic!("{kind:?}: one message") };
        assert!(
            message.body.as_deref().is_some_and(|body| body.ends_with(sent.tail())),
            "{kind:?}: the bytes that were signed"
        );
    }
}

async fn large_events_go_through_the_bucket(stack: &Stack) {
    for (number, kind) in Kind::all().into_iter().enumerate() {
        let provider = kind.provider;
        let large = Event::new(kind.large(), 200 + number);
        let secret = provider
            .key()
            .read(&development_secret(provider))
            .expect("is written as the provider does");
        let sender = Sender { id: Some(large.id), ..Sender::new(provider, kind.scheme) };
        let delivery = OutgoingDelivery::sign(sender, &secret, now(), large.body.into_bytes())
            .expect("can be signed");
        let (status, _) = post(&stack.url(provider.name()), &delivery.headers(), delivery.body());
        assert_eq!(status, 200, "{kind:?}: the bucket takes what the queue does not");
        let [message] = &stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await[..] else {
            panic!("{kind:?}: one message")
        };
        assert!(
            message
                .body
                .as_deref()
                .is_some_and(|body| body.contains(&stack.outputs["PayloadBucketName"]))
        );
    }
}

fn only_the_providers_have_routes(stack: &Stack) {
    let (route, other) = (format!("/webhooks/{}", PROVIDERS[0].name()), "/");
    let other_path = stack.url(PROVIDERS[0].name()).replace(&route, other);
    assert_eq!(post(&other_path, &[], b"{}").0, 404);
}

/// Sends an event as a developer does, with `cargo webhook send`, and returns what it prints.
fn send(kind: &Kind, number: usize, url: &str) -> (String, Event) {
    let event = Event::new(*kind, number);
    let mut command = Command::new(bootstrap("webhook"));
    command
        .args(["send", kind.provider.name(), "--scheme", kind.scheme.name, "--url", url])
        .env_clear();
    if kind.scheme.signed_headers().next().is_some() {
        command.args(["--id", &event.id]);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
    child
        .stdin
        .take()
        .expect("is piped")
        .write_all(event.body.as_bytes())
        .expect("the body is taken");
    let output = child.wait_with_output().expect("the command ends");
    (String::from_utf8(output.stdout).expect("is text"), event)
}
