//! Each fault once, in a stack of its own, and the lines that tell of it.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use webhook_tests::{api::texts, stack::output};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::world::{Ended, World};

/// The provider whose parts are broken; the others' stay right.
fn provider() -> &'static Provider {
    PROVIDERS[0]
}

/// What is broken, after the deployment.
#[derive(Clone, Copy, Debug)]
enum Fault {
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

/// The lines of each fault. In braces: a name of this stack. What the emulator cannot show has unit tests: it invokes a function
/// that is stopped, and it shows a subscription that nobody has confirmed like any other.
const FAULTS: [(Fault, i32, &[&str]); 25] = [
    (
        Fault::AliasOfLatest,
        1,
        &[
            "WRONG    version: live of {function} serves version $LATEST, which changes under the traffic: deploy the stack \
           again",
        ],
    ),
    (
        Fault::AliasOfAnother,
        1,
        &[
            "WRONG    version: live of {function} serves version 2, and the stack published 1: commit what is to run, and \
           deploy the stack",
        ],
    ),
    (
        Fault::LatestDiffers,
        1,
        &[
            "WRONG    environment: version 1 of {function} differs from $LATEST in RUST_LOG: give the stack a new Release \
           and deploy it with DeploymentStrategy=None",
        ],
    ),
    (
        Fault::FunctionStopped,
        1,
        &[
            "WRONG    concurrency: {function} is stopped (its reserved concurrency is 0): set ReservedConcurrency and \
             deploy",
        ],
    ),
    (
        Fault::SecretRandom,
        1,
        &[
            "WRONG    secret: {secret} still has the random value that it was created with: put the provider's in with \
             `aws secretsmanager put-secret-value`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::SecretUnusable,
        1,
        &[
            "WRONG    secret: {secret} cannot be used: {reason}; put the provider's in with `aws secretsmanager \
             put-secret-value`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::SecretDeleted,
        1,
        &[
            "WRONG    secret: {secret} is deleted: restore it with `aws secretsmanager restore-secret`",
            "skipped  url.signed: {url}: there is no secret to sign with",
        ],
    ),
    (
        Fault::TableDeleted,
        1,
        &[
            "WRONG    table: {table} does not exist in this region: restore it, or name another in ExistingTableName",
        ],
    ),
    (
        Fault::NoTimeToLive,
        1,
        &[
            "WRONG    table.ttl: {table} has no time to live: enable it on expires_at_s, or records are kept for ever",
        ],
    ),
    (
        Fault::QueueDeleted,
        1,
        &["WRONG    queue: {queue} does not exist: name another queue in ExistingQueueArn"],
    ),
    (
        Fault::SmallQueue,
        0,
        &[
            "warning  queue.size: {queue} takes 262144 bytes: longer messages go to the payload bucket, with a pointer on \
           the queue; set MaximumMessageSize to 1048576",
        ],
    ),
    (
        Fault::ShortRetention,
        0,
        &[
            "warning  queue.retention: {queue} keeps messages for 345600 s: an event that no consumer has taken by then is \
           lost; set MessageRetentionPeriod to 1209600",
        ],
    ),
    (
        Fault::NoDeadLetterQueue,
        1,
        &[
            "WRONG    dead-letters: {queue} has no dead-letter queue: what consumers fail on blocks its group and expires; \
           name one in its redrive policy",
        ],
    ),
    (
        Fault::AnotherDeadLetterQueue,
        1,
        &[
            "WRONG    dead-letters: {queue} sends failed messages to {other}, and the stack watches {dead}: name one in \
             both places",
            "warning  dead-letters.retention: {other} keeps messages for 345600 s: set its MessageRetentionPeriod to \
             1209600",
        ],
    ),
    (
        Fault::DeadLettersKeptShortly,
        0,
        &[
            "warning  dead-letters.retention: {dead} keeps messages for 345600 s: set its MessageRetentionPeriod to \
           1209600",
        ],
    ),
    (
        Fault::QueueKeyNotAllowed,
        1,
        &[
            "WRONG    key: the functions may not use {other}, of the queue: name it in the parameter for keys of existing \
           resources",
        ],
    ),
    (
        Fault::BucketFarAway,
        1,
        &[
            "WRONG    bucket: {bucket} is in eu-west-2, and the functions are in us-east-1: name a bucket of us-east-1",
        ],
    ),
    (
        Fault::PlainHttp,
        1,
        &[
            "WRONG    bucket.policy: {bucket} does not refuse plain HTTP: give its policy a Deny for everybody where \
           aws:SecureTransport is false",
        ],
    ),
    (
        Fault::NoLifecycle,
        1,
        &[
            "WRONG    bucket.lifecycle: {bucket} keeps some payloads for ever, and they are people's data: set an \
           expiration of 29 days or more",
        ],
    ),
    (
        Fault::ShortLifecycle,
        1,
        &[
            "WRONG    bucket.lifecycle: {bucket} deletes payloads after 28 days, and their messages may live 28 in the two \
           queues: set an expiration of 29 days or more",
        ],
    ),
    (
        Fault::AlarmDeleted,
        1,
        &[
            "WRONG    alarms: {function}-errors: deleted; deploy the stack with Alarms=false and then with true",
        ],
    ),
    (
        Fault::AlarmSilent,
        1,
        &[
            "WRONG    alarms: {function}-errors: actions are off; run `aws cloudwatch enable-alarm-actions`",
        ],
    ),
    (
        Fault::AlarmRings,
        0,
        &[
            "warning  alarms.state: {function}-errors: ringing now; infra/OPERATIONS.md says what to do",
        ],
    ),
    (
        Fault::NobodySubscribed,
        1,
        &[
            "WRONG    alarms.heard: nobody is subscribed to {topic}: give AlarmEmail, or `aws sns subscribe`",
        ],
    ),
    (
        Fault::KeyDisabled,
        1,
        &[
            "WRONG    key: {other}, of the topic of the alarms, is Disabled: enable it, or cancel its deletion",
        ],
    ),
];

#[tokio::test]
async fn each_fault_has_its_line_and_its_exit_status() {
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
    /// Breaks something. Gives the name of what it made for that, if anything.
    async fn plant(&self, fault: Fault) -> String {
        let none = String::new();
        match fault {
            Fault::AliasOfLatest => self.point_alias_to("$LATEST"),
            Fault::AliasOfAnother => {
                self.log_at("debug");
                let published = self.lambda("POST", "/2015-03-31", "/versions", &json!({}));
                self.point_alias_to(published["Version"].as_str().expect("a version"));
            }
            Fault::LatestDiffers => self.log_at("debug"),
            Fault::FunctionStopped => {
                let body = json!({"ReservedConcurrentExecutions": 0});
                let _ = self.lambda("PUT", "/2017-10-31", "/concurrency", &body);
            }
            Fault::SecretRandom => self.go_back_to_the_first_secret().await,
            Fault::SecretUnusable => {
                self.aws().rotate_secret(self.of_provider("SecretArn"), "{}").await
            }
            Fault::SecretDeleted => {
                let delete =
                    self.aws().secrets.delete_secret().secret_id(self.of_provider("SecretArn"));
                delete.send().await.expect("it is deleted");
            }
            Fault::TableDeleted => {
                let delete = self
                    .aws()
                    .dynamodb
                    .delete_table()
                    .table_name(self.output("IdempotencyTableName"));
                delete.send().await.expect("it is deleted");
            }
            Fault::NoTimeToLive => self.set_time_to_live("expires_at_s", false).await,
            Fault::QueueDeleted => {
                let delete = self.aws().sqs.delete_queue().queue_url(self.output("EventQueueUrl"));
                delete.send().await.expect("it is deleted");
            }
            Fault::SmallQueue => {
                self.set_queue("EventQueueUrl", QueueAttributeName::MaximumMessageSize, "262144")
                    .await;
            }
            Fault::ShortRetention => {
                self.set_queue(
                    "EventQueueUrl",
                    QueueAttributeName::MessageRetentionPeriod,
                    "345600",
                )
                .await;
            }
            Fault::NoDeadLetterQueue => {
                self.set_queue("EventQueueUrl", QueueAttributeName::RedrivePolicy, "").await
            }
            Fault::AnotherDeadLetterQueue => return self.redrive_to_another().await,
            Fault::DeadLettersKeptShortly => {
                self.set_queue(
                    "DeadLetterQueueUrl",
                    QueueAttributeName::MessageRetentionPeriod,
                    "345600",
                )
                .await;
            }
            Fault::QueueKeyNotAllowed => {
                let key = self.create_key();
                self.set_queue("EventQueueUrl", QueueAttributeName::KmsMasterKeyId, &key).await;
                return key;
            }
            Fault::BucketFarAway => {
                let (s3, bucket) = (&self.aws().s3, self.output("PayloadBucketName"));
                s3.delete_bucket().bucket(bucket).send().await.expect("it is deleted");
                let far = CreateBucketConfiguration::builder();
                let far = far.location_constraint(BucketLocationConstraint::EuWest2).build();
                let create = s3.create_bucket().bucket(bucket).create_bucket_configuration(far);
                create.send().await.expect("it is made again");
            }
            Fault::PlainHttp => {
                let delete =
                    self.aws().s3.delete_bucket_policy().bucket(self.output("PayloadBucketName"));
                delete.send().await.expect("it is deleted");
            }
            Fault::NoLifecycle => {
                let delete = self
                    .aws()
                    .s3
                    .delete_bucket_lifecycle()
                    .bucket(self.output("PayloadBucketName"));
                delete.send().await.expect("it is deleted");
            }
            Fault::ShortLifecycle => self.expire_after(28).await,
            Fault::AlarmDeleted => self.alarm("DeleteAlarms", "AlarmNames.member.1", &[]),
            Fault::AlarmSilent => self.alarm("DisableAlarmActions", "AlarmNames.member.1", &[]),
            Fault::AlarmRings => {
                self.alarm(
                    "SetAlarmState",
                    "AlarmName",
                    &[("StateValue", "ALARM"), ("StateReason", "by the test")],
                );
            }
            Fault::NobodySubscribed => self.unsubscribe(),
            Fault::KeyDisabled => {
                let key = self.create_key();
                let attribute =
                    [("AttributeName", "KmsMasterKeyId"), ("AttributeValue", key.as_str())];
                let topic = [("TopicArn", self.output("AlarmTopicArn"))];
                let form: Vec<_> = topic.into_iter().chain(attribute).collect();
                self.api().query("sns", "SetTopicAttributes", &form).expect("the topic is there");
                let _ = self.kms("DisableKey", &json!({"KeyId": key}));
                return key;
            }
        }
        none
    }

    /// Fills in the names.
    fn lines(&self, lines: &[&str], other: &str) -> Vec<String> {
        let unusable = "the value is a JSON object without the text `signing_secret`";
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

    fn of_provider(&self, what: &str) -> &str {
        self.output(&output(provider(), what))
    }

    fn lambda(&self, method: &str, version: &str, path: &str, body: &Value) -> Value {
        let path = format!("{version}/functions/{}{path}", self.of_provider("FunctionName"));
        self.api().json(method, "lambda", &path, None, body)
    }

    fn create_key(&self) -> String {
        let made = self.kms("CreateKey", &json!({}));
        made["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_owned()
    }

    fn kms(&self, call: &str, body: &Value) -> Value {
        self.api().json("POST", "kms", "/", Some(&format!("TrentService.{call}")), body)
    }

    fn point_alias_to(&self, version: &str) {
        let _ = self.lambda(
            "PUT",
            "/2015-03-31",
            "/aliases/live",
            &json!({"FunctionVersion": version}),
        );
    }

    fn log_at(&self, level: &str) {
        let configuration = self.lambda("GET", "/2015-03-31", "/configuration", &Value::Null);
        let mut variables = configuration["Environment"]["Variables"].clone();
        variables["RUST_LOG"] = level.into();
        let body = json!({"Environment": {"Variables": variables}});
        let _ = self.lambda("PUT", "/2015-03-31", "/configuration", &body);
    }

    async fn go_back_to_the_first_secret(&self) {
        let secrets = &self.aws().secrets;
        let id = self.of_provider("SecretArn");
        let version = async |stage: &str| {
            let value = secrets.get_secret_value().secret_id(id).version_stage(stage).send().await;
            value.expect("it is there").version_id.expect("it has an id")
        };
        let (first, current) = (version("AWSPREVIOUS").await, version("AWSCURRENT").await);
        let update =
            secrets.update_secret_version_stage().secret_id(id).version_stage("AWSCURRENT");
        let update = update.move_to_version_id(first).remove_from_version_id(current);
        update.send().await.expect("the stage is moved");
    }

    async fn set_queue(&self, queue: &str, name: QueueAttributeName, value: &str) {
        let set = self
            .aws()
            .sqs
            .set_queue_attributes()
            .queue_url(self.output(queue))
            .attributes(name, value);
        set.send().await.expect("the attribute is set");
    }

    async fn redrive_to_another(&self) -> String {
        let url = self.aws().create_queue(true).await;
        let get = self
            .aws()
            .sqs
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::QueueArn);
        let attributes =
            get.send().await.expect("a queue is asked").attributes.expect("it has attributes");
        let arn = attributes[&QueueAttributeName::QueueArn].clone();
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": "5"}).to_string();
        self.set_queue("EventQueueUrl", QueueAttributeName::RedrivePolicy, &policy).await;
        arn
    }

    fn alarm(&self, action: &str, parameter: &str, others: &[(&str, &str)]) {
        let alarm = format!("{}-errors", self.of_provider("FunctionName"));
        let form: Vec<_> =
            [(parameter, alarm.as_str())].into_iter().chain(others.iter().copied()).collect();
        self.api().query("monitoring", action, &form).expect("the alarm is there");
    }

    fn unsubscribe(&self) {
        let topic = [("TopicArn", self.output("AlarmTopicArn"))];
        let listed = self
            .api()
            .query("sns", "ListSubscriptionsByTopic", &topic)
            .expect("the topic is there");
        for subscription in texts(&listed, "SubscriptionArn") {
            let form = [("SubscriptionArn", subscription.as_str())];
            self.api().query("sns", "Unsubscribe", &form).expect("it was subscribed");
        }
    }
}

#[tokio::test]
async fn what_exists_already_and_does_not_fit_is_told() {
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
            "WRONG    table.key: {table} has the key id (S, HASH), sk (S, RANGE): name a table in ExistingTableName with \
             the partition key id (String) and without a sort key"
        ),
        format!(
            "WRONG    table.ttl: {table} has no time to live: enable it on expires_at_s, or records are kept for ever"
        ),
        format!("warning  queue: {queue} is a standard queue: it may deliver an event twice, and in another order"),
        format!(
            "warning  queue.retention: {queue} keeps messages for 345600 s: an event that no consumer has taken by then \
             is lost; set MessageRetentionPeriod to 1209600"
        ),
        format!(
            "WRONG    dead-letters: {queue} has no dead-letter queue: what consumers fail on blocks its group and \
             expires; name one in its redrive policy"
        ),
        "WRONG    bucket.policy: open-for-ever does not refuse plain HTTP: give its policy a Deny for everybody where \
         aws:SecureTransport is false"
            .to_owned(),
        "WRONG    bucket.lifecycle: open-for-ever keeps some payloads for ever, and they are people's data: set an \
         expiration of 29 days or more"
            .to_owned(),
        format!(
            "WRONG    alarms.heard: nobody is subscribed to {}: give AlarmEmail, or `aws sns subscribe`",
            world.output("AlarmTopicArn")
        ),
    ];
    assert_eq!((ended.not_ok(), ended.status), (expected.to_vec(), 1));
}

#[tokio::test]
async fn a_table_that_another_stack_uses_with_another_queue_is_told() {
    let world = World::healthy("first", &[]).await;
    let table = world.output("IdempotencyTableName").to_owned();
    let second = World::with_existing("second", &[("ExistingTableName", &table)]).await;
    let mut functions: Vec<_> =
        PROVIDERS.iter().map(|of| second.output(&output(of, "FunctionName"))).collect();
    functions.sort_unstable();
    let url = second.queue_url_of_functions();
    let Ended { status, .. } = second.examine(&[]).await;
    assert_eq!(status, 1, "it sees the first");
    let ended = world.examine(&[]).await;
    let expected = format!(
        "WRONG    table.shared: {table} also serves another queue, {url}, for {}: an event that one queue got is a \
         duplicate to the other, and lost there; give each stack a table of its own",
        functions.join(", ")
    );
    assert_eq!((ended.not_ok(), ended.status), (vec![expected], 1));
}

#[tokio::test]
async fn a_url_that_is_not_the_providers_is_told() {
    let world = World::healthy("astray", &[]).await;
    let url = world.url_of(provider()).replace("/webhooks/", "/nothing/");
    let ended = world.examine(&["--url", &format!("{}={url}", provider().name())]).await;
    let hint = "there is no such route: is the URL the provider's, and the API this stack's?";
    let mut expected = vec![format!(
        "WRONG    url.unsigned: {url} answers 404 to an unsigned request, and not 401: {hint}"
    )];
    expected.extend(provider().schemes().iter().map(|scheme| {
        let what = format!("a malformed request that is signed by {}", scheme.name);
        format!("WRONG    url.signed: {url} answers 404 to {what}, and not 400: {hint}")
    }));
    assert_eq!((ended.not_ok(), ended.status), (expected, 1));
}
