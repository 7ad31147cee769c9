//! `cargo webhook doctor`, run as a user types it, on stacks of the real template: a healthy one,
//! and one for each fault.

mod existing;
mod faults;
mod plant;
mod recorder;
mod world;

use serde_json::Value;
use webhook_tests::stack::output;
use webhook_verify::providers::PROVIDERS;

use crate::world::{Ended, World};

/// Reads of services that name the operation by a path.
const READS: [&str; 2] = ["GET /", "HEAD /"];
/// The first words of the names of reads in the other services.
const READING: [&str; 3] = ["Describe", "Get", "List"];

#[tokio::test]
async fn every_check_of_a_healthy_stack_is_ok() {
    let world = World::healthy("healthy", &[]).await;
    let ended = world.examine(&[]).await;
    assert_eq!((ended.not_ok(), ended.status), (Vec::new(), 0), "{}", ended.errors);
    assert_eq!(ended.lines, healthy_lines(&world));
}

#[tokio::test]
async fn the_doctor_reads_and_queues_nothing() {
    let world = World::healthy("unchanged", &[]).await;
    let ended = world.examine(&[]).await;
    let (posts, calls): (Vec<_>, Vec<_>) =
        ended.operations.iter().partition(|operation| operation.starts_with("POST /"));
    let (reads, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(|operation| {
        READS.iter().any(|read| operation.starts_with(read))
            || READING.iter().any(|read| operation.starts_with(read))
    });
    assert_eq!(others, [""; 0], "only reads");
    assert!(reads.len() > 20, "{reads:?}");
    let urls: Vec<_> = PROVIDERS
        .iter()
        .flat_map(|provider| {
            let url = world.url_of(provider).replace(&world.stack.endpoint, "POST ");
            vec![url; 1 + provider.schemes().len()]
        })
        .collect();
    assert_eq!(posts, urls.iter().collect::<Vec<_>>(), "only the requests to each URL");
    assert!(world.aws().records(world.output("IdempotencyTableName")).await.is_empty());
    assert!(world.aws().take_messages(world.output("EventQueueUrl")).await.is_empty());
}

/// Returns the lines for a healthy stack, in the order in which a webhook passes through it.
fn healthy_lines(world: &World) -> Vec<String> {
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
            format!("provider: {stack} receives webhooks of {name}"),
            format!(
                "secret: {} has a usable secret for {name}",
                world.output(&output(provider, "SecretArn"))
            ),
            format!("version: the alias live of {function} serves version 1"),
            format!("environment: version 1 of {function} has the stack's resources and settings"),
            format!("concurrency: {function} has a reserved concurrency of 2"),
            format!("url.unsigned: {url} refuses an unsigned request"),
        ]);
        let signed = provider.schemes().iter().map(|scheme| scheme.name);
        lines.extend(
            signed.map(|scheme| format!("url.signed: {url} accepts the signature of {scheme}")),
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
        format!("alarms: {alarms} alarms of {stack} notify {topic}"),
        format!("alarms.heard: 1 of 1 subscriptions of {topic} are confirmed"),
    ]);
    lines.iter().map(|line| format!("ok       {line}")).collect()
}

#[tokio::test]
async fn providers_and_alarms_that_are_off_are_skipped() {
    let provider = PROVIDERS[0];
    let switch = format!("Enable{}", output(provider, ""));
    let world = World::with_existing("partly", &[(&switch, "false"), ("Alarms", "false")]).await;
    world.set_time_to_live("expires_at_s", true).await;
    let Ended { lines, .. } = world.examine(&[]).await;
    for expected in [
        format!("skipped  provider: {} is switched off ({switch}=false)", provider.name()),
        "skipped  alarms: partly has no alarms (Alarms=false): nobody is told of a fault"
            .to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected}: {lines:?}");
    }
}

#[tokio::test]
async fn a_denied_read_is_unknown_and_ends_with_2() {
    let world = World::healthy("denied", &[]).await;
    let ended = world.examine_without(Some("DescribeTable"), &[]).await;
    let table = world.output("IdempotencyTableName");
    let expected = format!(
        "unknown  table: cannot describe the table {table}: the service refused the call: \
         AccessDeniedException"
    );
    assert_eq!((ended.not_ok(), ended.status), (vec![expected], 2));
}

#[tokio::test]
async fn json_has_the_verdict_and_every_check() {
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
async fn a_stack_that_does_not_exist_is_an_error() {
    let mut world = World::with_existing("there", &[]).await;
    world.stack.name = "not-there".to_owned();
    let ended = world.examine(&[]).await;
    let error = "error: there is no stack not-there in this region and account: check the name, \
                 AWS_REGION and AWS_PROFILE\n";
    assert_eq!((ended.status, ended.lines, ended.errors.as_str()), (2, Vec::new(), error));
}
