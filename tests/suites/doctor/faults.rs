//! Plants each fault once, in a stack of its own, and compares the lines that report it.

use crate::{plant::provider, world::World};

/// What a test breaks after the deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    AliasOfLatest,
    AliasOfAnother,
    LatestDiffers,
    FunctionStopped,
    SecretRandom,
    SecretUnusable,
    SecretDeleted,
    TableDeleted,
    NoTimeToLive,
    QueueDeleted,
    SmallQueue,
    ShortRetention,
    NoDeadLetterQueue,
    AnotherDeadLetterQueue,
    DeadLettersKeptShortly,
    QueueKeyNotAllowed,
    BucketFarAway,
    PlainHttp,
    NoLifecycle,
    ShortLifecycle,
    AlarmDeleted,
    AlarmSilent,
    AlarmRings,
    NobodySubscribed,
    KeyDisabled,
}

/// The exit code and the lines of each fault. Names of the stack are in braces. Unit tests cover
/// what the emulator cannot show: it invokes a function that is stopped, and it shows an
/// unconfirmed subscription like a confirmed one.
const FAULTS: [(Fault, i32, &[&str]); 25] = [
    (
        Fault::AliasOfLatest,
        1,
        &["WRONG    version: the alias live of {function} serves version $LATEST, which can \
           change while it gets traffic: deploy the stack again"],
    ),
    (
        Fault::AliasOfAnother,
        1,
        &["WRONG    version: the alias live of {function} serves version 2, but the stack \
           published 1: commit the code that should run, and deploy the stack"],
    ),
    (
        Fault::LatestDiffers,
        1,
        &["WRONG    environment: version 1 of {function} differs from $LATEST in RUST_LOG: give \
           the stack a new Release and deploy it with DeploymentStrategy=None"],
    ),
    (
        Fault::FunctionStopped,
        1,
        &["WRONG    concurrency: {function} is stopped (its reserved concurrency is 0): set \
           ReservedConcurrency and deploy"],
    ),
    (
        Fault::SecretRandom,
        1,
        &[
            "WRONG    secret: {secret} still has the random value that it was created with: store \
             the provider's secret with `aws secretsmanager put-secret-value`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::SecretUnusable,
        1,
        &[
            "WRONG    secret: {secret} cannot be used: {reason}; store the provider's secret with \
             `aws secretsmanager put-secret-value`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::SecretDeleted,
        1,
        &[
            "WRONG    secret: {secret} is deleted: restore it with `aws secretsmanager \
             restore-secret`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::TableDeleted,
        1,
        &["WRONG    table: {table} does not exist in this region: restore it, or name another in \
           ExistingTableName"],
    ),
    (
        Fault::NoTimeToLive,
        1,
        &["WRONG    table.ttl: {table} has no time to live: enable it on expires_at_s, or \
           records are kept for ever"],
    ),
    (
        Fault::QueueDeleted,
        1,
        &["WRONG    queue: {queue} does not exist: name another queue in ExistingQueueArn"],
    ),
    (
        Fault::SmallQueue,
        0,
        &["warning  queue.size: {queue} takes messages of up to 262144 bytes: longer ones go to \
           the payload bucket, with a pointer on the queue; set MaximumMessageSize to 1048576"],
    ),
    (
        Fault::ShortRetention,
        0,
        &["warning  queue.retention: {queue} keeps messages for 345600 s: an event that no \
           consumer has taken by then is lost; set MessageRetentionPeriod to 1209600"],
    ),
    (
        Fault::NoDeadLetterQueue,
        1,
        &["WRONG    dead-letters: {queue} has no dead-letter queue: a message that consumers \
           fail on blocks its group until it expires; name one in the queue's redrive policy"],
    ),
    (
        Fault::AnotherDeadLetterQueue,
        1,
        &[
            "WRONG    dead-letters: {queue} sends failed messages to {other}, but the stack \
             watches {dead}: name the same queue in the redrive policy and in the stack",
            "warning  dead-letters.retention: {other} keeps messages for 345600 s: set its \
             MessageRetentionPeriod to 1209600",
        ],
    ),
    (
        Fault::DeadLettersKeptShortly,
        0,
        &["warning  dead-letters.retention: {dead} keeps messages for 345600 s: set its \
           MessageRetentionPeriod to 1209600"],
    ),
    (
        Fault::QueueKeyNotAllowed,
        1,
        &["WRONG    key: the functions may not use {other}, the key of the queue: name it in \
           ExistingKmsKeyArns"],
    ),
    (
        Fault::BucketFarAway,
        1,
        &["WRONG    bucket: {bucket} is in eu-west-2, but the functions are in us-east-1: name a \
           bucket of us-east-1 in ExistingPayloadBucketName"],
    ),
    (
        Fault::PlainHttp,
        1,
        &["WRONG    bucket.policy: {bucket} accepts plain HTTP: add a Deny of s3:* for everybody \
           to its policy, on the condition that aws:SecureTransport is false"],
    ),
    (
        Fault::NoLifecycle,
        1,
        &["WRONG    bucket.lifecycle: {bucket} keeps some payloads for ever, and they are \
           people's data: add a lifecycle rule with an expiration of 29 days or more"],
    ),
    (
        Fault::ShortLifecycle,
        1,
        &["WRONG    bucket.lifecycle: {bucket} deletes payloads after 28 days, but their \
           messages may live 28 in the two queues: set the expiration of its lifecycle rule to 29 \
           days or more"],
    ),
    (
        Fault::AlarmDeleted,
        1,
        &["WRONG    alarms: deleted alarms: {function}-errors; deploy the stack with \
           Alarms=false, and then with Alarms=true"],
    ),
    (
        Fault::AlarmSilent,
        1,
        &["WRONG    alarms: alarms whose actions are off: {function}-errors; run `aws cloudwatch \
           enable-alarm-actions`"],
    ),
    (
        Fault::AlarmRings,
        0,
        &["warning  alarms.state: alarms in state ALARM: {function}-errors; infra/ALARMS.md \
           says what to do"],
    ),
    (
        Fault::NobodySubscribed,
        1,
        &["WRONG    alarms.heard: nobody is subscribed to {topic}: set AlarmEmail and deploy, or \
           run `aws sns subscribe`"],
    ),
    (
        Fault::KeyDisabled,
        1,
        &["WRONG    key: {other}, the key of the topic of the alarms, is Disabled: enable it, or \
           cancel its deletion"],
    ),
];

#[tokio::test]
async fn each_fault_has_its_lines_and_its_exit_code() {
    let mut differ = Vec::new();
    for (fault, status, expected) in FAULTS {
        let name = format!("fault-{fault:?}").to_lowercase();
        let world = World::healthy(&name, &[]).await;
        let other = world.plant(fault).await;
        let expected = world.lines(expected, &other);
        let ended = world.examine(&[]).await;
        let (found, expected) = ((ended.not_ok(), ended.status), (expected, status));
        if found != expected {
            differ.push((fault, found, expected));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

impl World {
    /// Fills in the names.
    fn lines(&self, lines: &[&str], other: &str) -> Vec<String> {
        let unusable = "the value is a JSON object whose `signing_secret` is missing or not text";
        let url = self.url_of(provider());
        let names = [
            ("{function}", self.of_provider("FunctionName")),
            ("{secret}", self.of_provider("SecretArn")),
            ("{url}", &url),
            ("{reason}", unusable),
            ("{table}", self.output("IdempotencyTableName")),
            ("{queue}", self.output("EventQueueArn")),
            ("{dead}", self.output("DeadLetterQueueArn")),
            ("{bucket}", self.output("PayloadBucketName")),
            ("{topic}", self.output("AlarmTopicArn")),
            ("{other}", other),
        ];
        let filled = |line: &str| {
            names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
        };
        lines.iter().map(|line| filled(line)).collect()
    }
}
