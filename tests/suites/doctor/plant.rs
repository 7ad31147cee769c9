//! How each fault is planted in a stack.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use webhook_tests::{api::texts, stack::output};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::{faults::Fault, world::World};

/// The provider whose parts are broken; those of the others stay healthy.
pub(crate) fn provider() -> &'static Provider {
    PROVIDERS[0]
}

impl World {
    /// Plants the fault. Returns the name of the resource that this made, or an empty text.
    #[expect(clippy::too_many_lines, reason = "one arm for each fault")]
    pub(crate) async fn plant(&self, fault: Fault) -> String {
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
                self.aws().rotate_secret(self.of_provider("SecretArn"), "{}").await;
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
                self.set_queue("EventQueueUrl", QueueAttributeName::RedrivePolicy, "").await;
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

    /// Returns an output of the provider whose parts are broken.
    pub(crate) fn of_provider(&self, what: &str) -> &str {
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
