//! Resources that exist already and do not fit the stack: the lines that report them.

use webhook_tests::stack::output;
use webhook_verify::providers::PROVIDERS;

use crate::{
    plant::provider,
    world::{Ended, World},
};

#[tokio::test]
async fn existing_resources_that_do_not_fit_are_reported() {
    let world = World::healthy("apart", &[]).await;
    let aws = world.aws();
    let (table, bucket) = (world.create_table_with_sort_key().await, "open-for-ever");
    aws.s3.create_bucket().bucket(bucket).send().await.expect("a bucket is made");
    let queue = "arn:aws:sqs:us-east-1:000000000000:standard";
    aws.sqs.create_queue().queue_name("standard").send().await.expect("a queue is made");
    let parameters = [
        ("ExistingTableName", table.as_str()),
        ("ExistingPayloadBucketName", bucket),
        ("ExistingQueueArn", queue),
    ];
    let world = World::with_existing("existing", &parameters).await;
    let ended = world.examine(&[]).await;
    let expected = [
        format!(
            "WRONG    table.key: {table} has the key id (S, HASH), sk (S, RANGE): name in \
             ExistingTableName a table with the partition key id (String) and without a sort key"
        ),
        format!(
            "WRONG    table.ttl: {table} has no time to live: enable it on expires_at_s, or \
             records are kept for ever"
        ),
        format!(
            "warning  queue: {queue} is a standard queue: it may deliver events twice and out of \
             order, so consumers must deduplicate"
        ),
        format!(
            "warning  queue.retention: {queue} keeps messages for 345600 s: an event that no \
             consumer has taken by then is lost; set MessageRetentionPeriod to 1209600"
        ),
        format!(
            "WRONG    dead-letters: {queue} has no dead-letter queue: a message that consumers \
             fail on blocks its group until it expires; name one in the queue's redrive policy"
        ),
        "WRONG    bucket.policy: open-for-ever accepts plain HTTP: add a Deny of s3:* for \
         everybody to its policy, on the condition that aws:SecureTransport is false"
            .to_owned(),
        "WRONG    bucket.lifecycle: open-for-ever keeps some payloads for ever, and they are \
         people's data: add a lifecycle rule with an expiration of 29 days or more"
            .to_owned(),
        format!(
            "WRONG    alarms.heard: nobody is subscribed to {}: set AlarmEmail and deploy, or run \
             `aws sns subscribe`",
            world.output("AlarmTopicArn")
        ),
    ];
    assert_eq!((ended.not_ok(), ended.status), (expected.to_vec(), 1));
}

#[tokio::test]
async fn a_table_that_serves_two_queues_is_reported() {
    let world = World::healthy("first", &[]).await;
    let table = world.output("IdempotencyTableName").to_owned();
    let second = World::with_existing("second", &[("ExistingTableName", &table)]).await;
    let mut functions: Vec<_> =
        PROVIDERS.iter().map(|of| second.output(&output(of, "FunctionName"))).collect();
    functions.sort_unstable();
    let url = second.queue_url_of_functions();
    let Ended { status, .. } = second.examine(&[]).await;
    assert_eq!(status, 1, "the second stack sees the first one's functions");
    let ended = world.examine(&[]).await;
    let expected = format!(
        "WRONG    table.shared: {table} also serves another queue, {url}, through {}: an event on \
         one queue counts as a duplicate for the other, and is lost there; give each stack its own \
         table",
        functions.join(", ")
    );
    assert_eq!((ended.not_ok(), ended.status), (vec![expected], 1));
}

#[tokio::test]
async fn a_url_that_is_not_the_providers_is_reported() {
    let world = World::healthy("astray", &[]).await;
    let url = world.url_of(provider()).replace("/webhooks/", "/nothing/");
    let ended = world.examine(&["--url", &format!("{}={url}", provider().name())]).await;
    let hint =
        "there is no such route; check that the URL is the provider's, and the API this stack's";
    let mut expected = vec![format!(
        "WRONG    url.unsigned: {url} answers 404 to an unsigned request instead of 401: {hint}"
    )];
    expected.extend(provider().schemes().iter().map(|scheme| {
        let what = format!("a malformed request signed by {}", scheme.name);
        format!("WRONG    url.signed: {url} answers 404 to {what} instead of 400: {hint}")
    }));
    assert_eq!((ended.not_ok(), ended.status), (expected, 1));
}
