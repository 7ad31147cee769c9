//! `cargo webhook doctor`, as it is typed, on stacks of the real template: one that is right, and one for each fault.

mod faults;
mod recorder;
mod world;

use serde_json::Value;
use webhook_tests::stack::output;
use webhook_verify::providers::PROVIDERS;

use crate::world::{Ended, World};

/// Reads of services that name the operation by a path.
const READS: [&str; 2] = ["GET /", "HEAD /"];
/// How the names of reads begin elsewhere.
const READING: [&str; 3] = ["Describe", "Get", "List"];

#[tokio::test]
async fn a_right_stack_is_fine_and_is_left_as_it_was() {
    let world = World::healthy("right", &[]).await;
    let ended = world.examine(&[]).await;
    assert_eq!((ended.not_ok(), ended.status), (Vec::new(), 0), "{}", ended.errors);
    assert_eq!(ended.lines, right_lines(&world));

    let (posts, calls): (Vec<_>, Vec<_>) =
        ended.operations.iter().partition(|operation| operation.starts_with("POST /"));
    let (reads, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(|operation| {
        READS.iter().any(|read| operation.starts_with(read))
            || READING.iter().any(|read| operation.starts_with(read))
    });
    assert_eq!(others, [""; 0], "reads alone");
    assert!(reads.len() > 20, "{reads:?}");
    let urls: Vec<_> = PROVIDERS
        .iter()
        .flat_map(|provider| {
            let url = world.url_of(provider).replace(&world.stack.endpoint, "POST ");
            vec![url; 1 + provider.schemes().len()]
        })
        .collect();
    assert_eq!(posts, urls.iter().collect::<Vec<_>>(), "and what is sent to each URL");
    assert!(world.aws().records(world.output("IdempotencyTableName")).await.is_empty());
    assert!(world.aws().take_messages(world.output("EventQueueUrl")).await.is_empty());
}

/// What is said of a stack that is right, in the order in which a webhook goes.
fn right_lines(world: &World) -> Vec<String> {
    let (stack, table, queue) =
        (&world.stack.name, world.output("IdempotencyTableName"), world.output("EventQueueArn"));
    let (dead, bucket, topic) = (
        world.output("DeadLetterQueueArn"),
        world.output("PayloadBucketName"),
        world.output("AlarmTopicArn"),
    );
    let mut lines = vec![
        format!("stack: {stack} is CREATE_COMPLETE"),
        format!("outputs: {stack} has the outputs of the template"),
    ];
    for provider in PROVIDERS {
        let function = world.output(&output(provider, "FunctionName"));
        let (name, url) = (provider.name(), world.url_of(provider));
        lines.extend([
            format!("provider: {name} is received by {stack}"),
            format!(
                "secret: {} has a secret of {name}",
                world.output(&output(provider, "SecretArn"))
            ),
            format!("version: live of {function} serves version 1"),
            format!("environment: version 1 of {function} has the stack's resources and settings"),
            format!("concurrency: {function} has 2 invocations at once of its own"),
            format!("url.unsigned: {url} refuses what is not signed"),
        ]);
        let signed = provider.schemes().iter().map(|scheme| scheme.name);
        lines.extend(
            signed.map(|scheme| format!("url.signed: {url} knows what {scheme} has signed")),
        );
    }
    let alarms = world.alarms();
    lines.extend([
        format!("table: {table} is ACTIVE"),
        format!("table.key: {table} has the partition key id (String)"),
        format!("table.ttl: {table} deletes expired records"),
        format!(
            "table.shared: {table} serves one queue (functions that use it: {})",
            PROVIDERS.len()
        ),
        format!("queue: {queue} is a FIFO queue"),
        format!("queue.size: {queue} takes messages of up to 1048576 bytes"),
        format!("queue.retention: {queue} keeps messages for 14 days"),
        format!("dead-letters: {queue} sends failed messages to {dead}"),
        format!("dead-letters.retention: {dead} keeps messages for 14 days"),
        format!("bucket: {bucket} is in us-east-1"),
        format!("bucket.policy: {bucket} refuses plain HTTP"),
        format!("bucket.lifecycle: {bucket} deletes payloads after 60 days"),
        format!("alarms: {alarms} alarms of {stack} go to {topic}"),
        format!("alarms.heard: 1 of 1 subscriptions of {topic} are confirmed"),
    ]);
    lines.iter().map(|line| format!("ok       {line}")).collect()
}

#[tokio::test]
async fn a_provider_may_be_off_and_alarms_too() {
    let provider = PROVIDERS[0];
    let switch = format!("Enable{}", output(provider, ""));
    let world = World::with_existing("partly", &[(&switch, "false"), ("Alarms", "false")]).await;
    world.set_time_to_live("expires_at_s", true).await;
    let Ended { lines, .. } = world.examine(&[]).await;
    for expected in [
        format!("skipped  provider: {} is switched off ({switch}=false)", provider.name()),
        "skipped  alarms: partly has no alarms (Alarms=false): nobody hears of a fault".to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected}: {lines:?}");
    }
}

#[tokio::test]
async fn what_an_operator_may_not_read_is_unknown_and_not_fine() {
    let world = World::healthy("denied", &[]).await;
    let ended = world.examine_without(Some("DescribeTable"), &[]).await;
    let table = world.output("IdempotencyTableName");
    let expected = format!(
        "unknown  table: cannot describe the table {table}: the service refused the call: AccessDeniedException"
    );
    assert_eq!((ended.not_ok(), ended.status), (vec![expected], 2));
}

#[tokio::test]
async fn a_machine_gets_json() {
    let world = World::healthy("json", &[]).await;
    world.set_time_to_live("expires_at_s", false).await;
    let ended = world.examine(&["--json"]).await;
    let report: Value = serde_json::from_str(&ended.lines.join("\n")).expect("JSON");
    assert_eq!(
        (&report["stack"], &report["verdict"], ended.status),
        (&"json".into(), &"wrong".into(), 1)
    );
    let checks = report["checks"].as_array().expect("a list");
    assert_eq!(
        checks[0],
        serde_json::json!({"check": "stack", "verdict": "ok", "text": "json is CREATE_COMPLETE"})
    );
    let wrong: Vec<_> = checks.iter().filter(|check| check["verdict"] == "wrong").collect();
    assert_eq!((wrong.len(), &wrong[0]["check"]), (1, &"table.ttl".into()));
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_an_error() {
    let mut world = World::with_existing("there", &[]).await;
    world.stack.name = "not-there".to_owned();
    let ended = world.examine(&[]).await;
    let error = "error: there is no stack not-there in this region and account\n";
    assert_eq!((ended.status, ended.lines, ended.errors.as_str()), (2, Vec::new(), error));
}
