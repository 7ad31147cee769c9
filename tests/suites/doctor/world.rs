//! One emulated account for the suite, and stacks in it that are healthy until a test breaks
//! something.

use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter,
};
use serde_json::json;
use tokio::sync::OnceCell;
use webhook_tests::{
    api::{Api, texts},
    emulator::{Aws, client_variables},
    function::bootstrap,
    stack::{Account, Stack, output},
};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::recorder::Recorder;

/// The account, and the packaged template's URL.
async fn account() -> &'static (Account, String) {
    static ACCOUNT: OnceCell<(Account, String)> = OnceCell::const_new();
    ACCOUNT
        .get_or_init(|| async {
            let account = Account::start(|_| ()).await;
            let packaged = account.package().await;
            (account, packaged)
        })
        .await
}

/// A deployed stack.
pub(crate) struct World {
    pub(crate) stack: Stack,
    /// Clients that seem to use TLS, so policies that refuse plain HTTP let the tests' own calls
    /// pass.
    aws: Aws,
}

/// How a run of the doctor ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) lines: Vec<String>,
    pub(crate) errors: String,
    pub(crate) operations: Vec<String>,
}

impl Ended {
    /// Returns the lines that are not `ok`.
    pub(crate) fn not_ok(&self) -> Vec<String> {
        self.lines.iter().filter(|line| !line.starts_with("ok ")).cloned().collect()
    }
}

impl World {
    /// Deploys a stack, and does what the emulator leaves out and what an operator has to do.
    pub(crate) async fn healthy(name: &str, parameters: &[(&str, &str)]) -> Self {
        let world = Self::with_existing(name, parameters).await;
        world.set_time_to_live("expires_at_s", true).await;
        world.refuse_plain_http().await;
        world.expire_after(60).await;
        world.reserve_concurrency(2);
        world.subscribe();
        world
    }

    /// Deploys a stack, and does nothing more.
    pub(crate) async fn with_existing(name: &str, parameters: &[(&str, &str)]) -> Self {
        let (account, packaged) = account().await;
        let stack =
            account.create(name, packaged, parameters).await.expect("the parameters are right");
        let by_tls = Recorder::start(&stack.endpoint, None).await;
        Self { aws: Aws::at(&by_tls.endpoint), stack }
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        &self.stack.outputs[name]
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    pub(crate) fn api(&self) -> Api {
        Api::at(&self.stack.endpoint)
    }

    pub(crate) fn url_of(&self, provider: &Provider) -> String {
        self.stack.url(provider.name())
    }

    /// Sets the TTL, because the emulator accepts the template's setting and does not apply it.
    pub(crate) async fn set_time_to_live(&self, attribute: &str, enabled: bool) {
        let ttl =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(enabled).build();
        let update = self
            .aws()
            .dynamodb
            .update_time_to_live()
            .table_name(self.output("IdempotencyTableName"));
        update
            .time_to_live_specification(ttl.expect("is complete"))
            .send()
            .await
            .expect("it is set");
    }

    /// Puts back the policy that deploying into the emulator removes.
    async fn refuse_plain_http(&self) {
        let bucket = self.output("PayloadBucketName");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]});
        let put = self.aws().s3.put_bucket_policy().bucket(bucket).policy(policy.to_string());
        put.send().await.expect("a policy is put");
    }

    /// Sets a lifecycle, because the emulator accepts the template's and does not apply it.
    pub(crate) async fn expire_after(&self, days: i32) {
        let rule = LifecycleRule::builder()
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .expiration(LifecycleExpiration::builder().days(days).build());
        let rules =
            BucketLifecycleConfiguration::builder().rules(rule.build().expect("is complete"));
        let put = self
            .aws()
            .s3
            .put_bucket_lifecycle_configuration()
            .bucket(self.output("PayloadBucketName"));
        let put = put.lifecycle_configuration(rules.build().expect("is complete"));
        put.send().await.expect("a lifecycle is put");
    }

    /// Sets the concurrency, because the emulator accepts the parameter and does not apply it.
    fn reserve_concurrency(&self, invocations: u32) {
        for provider in PROVIDERS {
            let function = self.output(&output(provider, "FunctionName"));
            let path = format!("/2017-10-31/functions/{function}/concurrency");
            let body = json!({"ReservedConcurrentExecutions": invocations});
            let _ = self.api().json("PUT", "lambda", &path, None, &body);
        }
    }

    /// Returns how many alarms the stack has.
    pub(crate) fn alarms(&self) -> usize {
        let prefix = format!("{}-", self.stack.name);
        let listed =
            self.api().query("monitoring", "DescribeAlarms", &[("AlarmNamePrefix", &prefix)]);
        texts(&listed.expect("alarms are listed"), "AlarmName").len()
    }

    /// Subscribes a queue to the alarms' topic: a queue has no e-mail to confirm.
    fn subscribe(&self) {
        let (topic, queue) = (self.output("AlarmTopicArn"), self.output("DeadLetterQueueArn"));
        let form = [("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", queue)];
        self.api().query("sns", "Subscribe", &form).expect("a queue is subscribed");
    }

    pub(crate) async fn create_table_with_sort_key(&self) -> String {
        let name = "with-sort-key";
        let attribute = |name: &str| {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            attribute.attribute_type(ScalarAttributeType::S).build().expect("is complete")
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .expect("is complete")
        };
        let create = self
            .aws()
            .dynamodb
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest);
        let create =
            create.attribute_definitions(attribute("id")).attribute_definitions(attribute("sk"));
        let create =
            create.key_schema(key("id", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
        create.send().await.expect("a table is made");
        name.to_owned()
    }

    /// Returns the queue's URL as the functions' variable spells it.
    pub(crate) fn queue_url_of_functions(&self) -> String {
        let mut parts = self.output("EventQueueArn").split(':').skip(3);
        let mut part = || parts.next().expect("an ARN");
        format!("https://sqs.{}.amazonaws.com/{}/{}", part(), part(), part())
    }

    /// Runs the doctor on the stack, with these options.
    pub(crate) async fn examine(&self, options: &[&str]) -> Ended {
        self.examine_without(None, options).await
    }

    /// Does the same with an operator who may not make this call.
    pub(crate) async fn examine_without(
        &self,
        denied: Option<&'static str>,
        options: &[&str],
    ) -> Ended {
        let recorder = Recorder::start(&self.stack.endpoint, denied).await;
        let mut command = Command::new(bootstrap("webhook"));
        command.args(["doctor", "--stack", &self.stack.name]).args(options);
        for provider in PROVIDERS {
            if self.stack.outputs.contains_key(&output(provider, "FunctionName")) {
                let url = self.url_of(provider).replace(&self.stack.endpoint, &recorder.endpoint);
                command.args(["--url", &format!("{}={url}", provider.name())]);
            }
        }
        command.env_clear().envs(client_variables(&recorder.endpoint)).stdin(Stdio::null());
        let ended =
            tokio::task::spawn_blocking(move || command.output().expect("the command runs")).await;
        let ended = ended.expect("the command ends");
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .expect("UTF-8")
                .replace(&recorder.endpoint, &self.stack.endpoint)
        };
        Ended {
            status: ended.status.code().expect("a code"),
            lines: text(ended.stdout).lines().map(str::to_owned).collect(),
            errors: text(ended.stderr),
            operations: recorder.operations(),
        }
    }
}
