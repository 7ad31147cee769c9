//! `make demo`: shows the whole path on this machine, in an AWS emulator, without an AWS account.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    fmt::Write as _,
    process::{Command, ExitCode},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use serde_json::Value;
use webhook_tests::{
    http::post,
    now,
    samples::{self, Sample},
    stack::{Account, Stack},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if !Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        say("python3 is needed: install it (Debian, Ubuntu: apt-get install python3-venv; macOS: \
             brew install python).");
        return ExitCode::FAILURE;
    }
    // Ctrl-C ends this process. The emulator holds the other end of a pipe to it, and so ends too.
    let step = |step: &str| say(&format!("… {step}"));
    let account = Account::start(step).await;
    step("deploying infra/template.yaml with `sam deploy`");
    let stack = account.deploy(&[]).await;
    say("… deployed, with the template's IAM policies enforced");
    show(&stack).await;
    say("\n… stopping");
    ExitCode::SUCCESS
}

/// Sends the samples of every provider, which include a duplicate, a forgery and a stale delivery.
/// Shows what happens to each.
async fn show(stack: &Stack) {
    for (number, sample) in samples::all().iter().enumerate() {
        say(&format!("\n▸ {}", sample.file));
        deliver(stack, sample).await;
        if number == 0 {
            say("\n▸ the same event again");
            deliver(stack, sample).await;
        }
    }
    say("\nThat was: HTTP API → function → signature → DynamoDB → SQS, each event once.");
    say("`make dev` keeps such a stack running, with an inspector in front of it.");
}

async fn deliver(stack: &Stack, sample: &Sample) {
    let (headers, body) = sample.delivery_at(now());
    let (status, answer) = post(&stack.url(sample.sender.provider.name()), &headers, &body);
    say(&format!("  answer   {status} {answer}"));
    if let Some(id) = answer["id"].as_str() {
        let records = stack.aws.records(&stack.outputs["IdempotencyTableName"]).await;
        let record = records.iter().find(|record| text(record, "event_id") == Some(id));
        say(&format!("  record   {}", record.map_or_else(|| "none".to_owned(), describe_record)));
    }
    let messages = stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await;
    if messages.is_empty() {
        say("  message  none");
    }
    for message in &messages {
        say(&format!("  message  {}", describe_message(message)));
    }
}

fn describe_record(record: &HashMap<String, AttributeValue>) -> String {
    let mut described = String::new();
    for name in ["id", "status", "event_type", "message_id"] {
        // Writing into a string cannot fail.
        let _ = write!(described, "{name}={} ", text(record, name).unwrap_or("-"));
    }
    let expires_at_s = record.get("expires_at_s").and_then(|value| value.as_n().ok());
    let _ = write!(described, "expires_at_s={}", expires_at_s.map_or("-", String::as_str));
    described
}

fn describe_message(message: &Message) -> String {
    let envelope: Value = message
        .body
        .as_deref()
        .and_then(|body| serde_json::from_str(body).ok())
        .unwrap_or_default();
    let mut described = String::new();
    for name in ["type", "id", "signaturescheme", "unsignedfields"] {
        if let Some(value) = envelope[name].as_str() {
            let _ = write!(described, "{name}={value} ");
        }
    }
    let data = envelope["data"].to_string();
    let _ = write!(described, "data={}…", data.chars().take(60).collect::<String>());
    described
}

fn text<'r>(record: &'r HashMap<String, AttributeValue>, name: &str) -> Option<&'r str> {
    record.get(name)?.as_s().ok().map(String::as_str)
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(text: &str) {
    println!("{text}");
}
