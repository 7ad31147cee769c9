//! Checks a deployed stack. Each file examines one part of it: it reads from AWS, and small
//! functions judge what was read. Nothing is changed: all calls are reads, and the requests to a
//! provider's URL are not queued.

mod alarms;
mod asked;
mod bucket;
mod cloudwatch;
mod front_door;
mod functions;
mod keys;
mod queue;
mod report;
mod secrets;
mod stack;
mod table;

use ureq::http::Uri;
use webhook_aws::{SdkConfig, patient};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::{error::CliError, values::http_url};

use functions::{Live, Variables, queue_of_arn, queue_of_url};
use keys::Keys;
pub(crate) use report::Report;
use report::{Finding, skipped, wrong};
use stack::Stack;

/// What is examined, and how it is reached.
pub(crate) struct Doctor<'d> {
    pub(crate) stack: &'d str,
    /// URLs that the stack does not know, or that replace its own.
    pub(crate) urls: &'d [(&'static Provider, Uri)],
    /// Whether the functions run against an emulator, and so accept the development secret.
    pub(crate) emulated: bool,
}

impl Doctor<'_> {
    /// Examines everything, in the order in which a webhook passes through it.
    pub(crate) async fn examine(&self, config: &SdkConfig) -> Result<Report, CliError> {
        let config = &patient(config);
        let stack = Stack::read(config, self.stack).await?;
        let lambda = aws_sdk_lambda::Client::new(config);
        let mut keys = Keys::default();
        let mut findings = vec![stack::status(&stack), stack::outputs(&stack)];
        for provider in PROVIDERS {
            findings.extend(self.provider(config, &lambda, &stack, provider, &mut keys).await);
        }
        if let Some(table) = stack.output("IdempotencyTableName") {
            let dynamodb = aws_sdk_dynamodb::Client::new(config);
            findings.extend(table::check(&dynamodb, table, &mut keys).await);
            if let Some(queue) = stack.output("EventQueueArn") {
                findings.push(functions::shared_table(&lambda, table, queue).await);
            }
        }
        if let Some(queue) = stack.output("EventQueueArn") {
            let sqs = aws_sdk_sqs::Client::new(config);
            findings.extend(queue::check(&sqs, &stack, queue, &mut keys).await);
        }
        if let Some(bucket) = stack.output("PayloadBucketName") {
            let region = config.region().map(ToString::to_string).unwrap_or_default();
            // An emulator serves buckets by path and not by host name.
            let s3 = aws_sdk_s3::config::Builder::from(config)
                .force_path_style(config.endpoint_url().is_some());
            let s3 = aws_sdk_s3::Client::from_conf(s3.build());
            findings.extend(bucket::check(&s3, bucket, &region, PROVIDERS, &mut keys).await);
        }
        findings.extend(alarms::check(config, &stack, &mut keys).await);
        keys.named_by(&stack);
        findings.extend(keys.check(&aws_sdk_kms::Client::new(config), &stack).await);
        Ok(Report::new(self.stack, findings))
    }

    async fn provider(
        &self,
        config: &SdkConfig,
        lambda: &aws_sdk_lambda::Client,
        stack: &Stack,
        provider: &'static Provider,
        keys: &mut Keys,
    ) -> Vec<Finding> {
        let mut findings = vec![stack::provider(stack, provider)];
        let outputs =
            stack.output_of(provider, "FunctionName").zip(stack.output_of(provider, "SecretArn"));
        let Some((function, secret_id)) = outputs else { return findings };
        let secrets = aws_sdk_secretsmanager::Client::new(config);
        let is_stacks = stack.is_secret_of_stack(provider);
        let (finding, secret) =
            secrets::check(&secrets, provider, secret_id, is_stacks, self.emulated, keys).await;
        findings.push(finding);
        let mut variables = Variables::new();
        match functions::read(lambda, function).await {
            Ok(live) => {
                findings.push(functions::version(stack, function, &live));
                findings.push(functions::environment(
                    function,
                    &live,
                    &expected(stack, secret_id, &live),
                ));
                variables = live.variables;
            }
            Err(finding) => findings.push(finding),
        }
        findings.push(functions::concurrency(lambda, stack, function).await);
        match self.url(stack, provider) {
            Some(Ok(url)) => {
                findings.extend(front_door::check(provider, &url, secret.as_ref(), &variables));
            }
            Some(Err(reason)) => findings.push(wrong("url", reason)),
            None => findings.push(skipped(
                "url",
                format!(
                    "the API is not part of the stack: give the URL with --url {}=https://…",
                    provider.name()
                ),
            )),
        }
        findings
    }

    fn url(&self, stack: &Stack, provider: &'static Provider) -> Option<Result<Uri, String>> {
        let named = self.urls.iter().find(|(of, _)| of.name() == provider.name());
        match named {
            Some((_, url)) => Some(Ok(url.clone())),
            None => stack.output_of(provider, "Url").map(|url| {
                http_url(url)
                    .map_err(|error| format!("the stack's output {url} is not a URL: {error}"))
            }),
        }
    }
}

/// Returns the variables that the function should have, by the stack's outputs. Two spellings of a
/// queue's URL are equal if account and name are, so the function's own spelling is accepted.
fn expected(stack: &Stack, secret_id: &str, live: &Live) -> Vec<(&'static str, String)> {
    let output = |name: &str| stack.output(name).unwrap_or_default().to_owned();
    let queue_arn = output("EventQueueArn");
    let url = live.variables.get("QUEUE_URL").cloned().unwrap_or_default();
    let queue = if queue_of_url(&url) == queue_of_arn(&queue_arn) { url } else { queue_arn };
    vec![
        ("IDEMPOTENCY_TABLE", output("IdempotencyTableName")),
        ("QUEUE_URL", queue),
        ("PAYLOAD_BUCKET", output("PayloadBucketName")),
        ("SIGNING_SECRET_ID", secret_id.to_owned()),
    ]
}
