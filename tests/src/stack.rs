//! Deploys the template with SAM into an emulator that enforces its IAM policies. What the emulator
//! does not support is changed first: see [`provider_template`], [`without_unknown_conditions`],
//! `without_expressions` and `with_account_in_conditions`.

use std::{
    collections::HashMap,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use webhook_cli::{development_secret, development_url};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::{
    api::{Api, texts},
    emulator::{Aws, Emulator, REGION, client_variables},
    function::bootstrap,
    template::{pascal_case, provider_template, without_unknown_conditions},
    workspace,
};

const ARTIFACTS: &str = "artifacts";
/// The nested templates in `infra/` that all providers share.
const NESTED: [&str; 2] = ["monitoring.yaml", "provider-alarms.yaml"];
/// The emulator speaks plain HTTP, which the template's policies refuse. With this header, it takes
/// a request for one over TLS.
const AS_IF_BY_TLS: (&str, &str) = ("x-forwarded-proto", "https");
/// Far longer than a stack takes on a loaded machine.
const CREATED_WITHIN: Duration = Duration::from_mins(2);

/// An emulated AWS account that enforces IAM, and the template with the built functions beside it.
pub struct Account {
    /// The emulator that has the account.
    pub emulator: Emulator,
    template: PathBuf,
}

/// A deployed stack.
pub struct Stack {
    /// The endpoint of its account.
    pub endpoint: String,
    /// Clients of the account's administrator.
    pub aws: Aws,
    /// The stack's name.
    pub name: String,
    /// The template's outputs, by name.
    pub outputs: HashMap<String, String>,
}

impl Account {
    /// Builds the functions and starts the emulator. `say` is called with the name of each step.
    ///
    /// # Panics
    /// If a step fails.
    pub async fn start(say: impl Fn(&str)) -> Self {
        Self::start_in(say, || Emulator::start(true)).await
    }

    /// Like [`Account::start`], with an emulator that keeps its state in `folder` and continues
    /// from what is there.
    ///
    /// # Panics
    /// If a step fails.
    pub async fn start_kept(folder: &Path, say: impl Fn(&str)) -> Self {
        Self::start_in(say, || Emulator::kept(folder)).await
    }

    async fn start_in(say: impl Fn(&str), emulator: impl FnOnce() -> Emulator) -> Self {
        say("building the functions");
        let providers: Vec<_> = PROVIDERS.iter().map(|provider| provider.name()).collect();
        let names = providers.iter().copied().chain(["example-consumer", "pre-traffic-hook"]);
        let functions: Vec<_> = names.map(|name| (name, bootstrap(name))).collect();
        say("starting the AWS emulator");
        let emulator = emulator();
        let aws = Aws::at(&emulator.endpoint);
        // If the state was kept, the bucket exists already, which is not an error in this region.
        aws.s3.create_bucket().bucket(ARTIFACTS).send().await.expect("a bucket is made");
        let template = lay_out(&emulator.scratch, &providers, &functions);
        Self { emulator, template }
    }

    /// Deploys the template as a user does, with `sam deploy`.
    ///
    /// # Panics
    /// If SAM fails. The message has its output.
    pub async fn deploy(&self, parameters: &[(&str, &str)]) -> Stack {
        let mut deploy = self.sam("deploy");
        deploy.args(["--no-resolve-s3", "--s3-bucket", ARTIFACTS, "--no-confirm-changeset"]);
        deploy.args(["--parameter-overrides", "Architecture=x86_64"]);
        deploy.args(public_urls().iter().map(|(name, value)| format!("{name}={value}")));
        deploy.args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
        run(deploy);
        self.stack(&self.stack_name()).await
    }

    /// Uploads code and templates to a bucket with `sam package`, and returns the packaged
    /// template's URL.
    ///
    /// # Panics
    /// If SAM fails. The message has its output.
    pub async fn package(&self) -> String {
        const PACKAGED: &str = "packaged.yaml";
        let mut package = self.sam("package");
        package.args(["--s3-bucket", ARTIFACTS, "--output-template-file", PACKAGED]);
        run(package);
        let text = fs::read(self.emulator.scratch.join(PACKAGED))
            .expect("the packaged template can be read");
        let aws = Aws::at(&self.emulator.endpoint);
        aws.s3
            .put_object()
            .bucket(ARTIFACTS)
            .key(PACKAGED)
            .body(text.into())
            .send()
            .await
            .expect("it is uploaded");
        format!("{}/{ARTIFACTS}/{PACKAGED}", self.emulator.endpoint)
    }

    /// Deploys the packaged template without SAM, in a second instead of ten.
    ///
    /// # Errors
    /// The message that refuses the template or a parameter, or the reasons why the creation was
    /// rolled back.
    ///
    /// # Panics
    /// If the stack is neither created nor rolled back.
    pub async fn create(
        &self,
        name: &str,
        packaged: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Stack, String> {
        let api = Api::at(&self.emulator.endpoint);
        let mut form = vec![("StackName".to_owned(), name), ("TemplateURL".to_owned(), packaged)];
        for (index, capability) in
            ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"].into_iter().enumerate()
        {
            form.push((format!("Capabilities.member.{}", index + 1), capability));
        }
        let urls = public_urls();
        let urls: Vec<_> = urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        let all = [("Architecture", "x86_64")].iter().chain(&urls).chain(parameters).copied();
        for (index, (key, value)) in all.enumerate() {
            form.push((format!("Parameters.member.{}.ParameterKey", index + 1), key));
            form.push((format!("Parameters.member.{}.ParameterValue", index + 1), value));
        }
        let form: Vec<_> = form.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        api.query("cloudformation", "CreateStack", &form)?;
        let started_at = Instant::now();
        loop {
            let described =
                api.query("cloudformation", "DescribeStacks", &[("StackName", name)])?;
            match &texts(&described, "StackStatus")[..] {
                [status] if status == "CREATE_COMPLETE" => return Ok(self.stack(name).await),
                [status] if status == "ROLLBACK_COMPLETE" => {
                    let events =
                        api.query("cloudformation", "DescribeStackEvents", &[("StackName", name)])?;
                    return Err(texts(&events, "ResourceStatusReason").join("\n"));
                }
                [status]
                    if status.ends_with("_IN_PROGRESS")
                        && started_at.elapsed() < CREATED_WITHIN =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                _ => panic!("{name} is not created: {described}"),
            }
        }
    }

    /// Returns a stack that exists, after making it reachable by plain HTTP, and replacing each
    /// generated secret by the development secret. A secret with a second version stays: a
    /// developer may have set it.
    async fn stack(&self, name: &str) -> Stack {
        let endpoint = self.emulator.endpoint.clone();
        let described =
            Api::at(&endpoint).query("cloudformation", "DescribeStacks", &[("StackName", name)]);
        let described = described.expect("the stack is there");
        let outputs = texts(&described, "OutputKey")
            .into_iter()
            .zip(texts(&described, "OutputValue"))
            .collect();
        let stack = Stack { aws: Aws::at(&endpoint), endpoint, name: name.to_owned(), outputs };
        stack.admit_plain_http().await;
        for provider in PROVIDERS {
            if let Some(secret) = stack.outputs.get(&output(provider, "SecretArn"))
                && stack.aws.is_first_version(secret).await
            {
                stack.aws.rotate_secret(secret, &development_secret(provider)).await;
            }
        }
        stack
    }

    /// Returns the name of the development stack, which SAM reads in the copied settings.
    fn stack_name(&self) -> String {
        let settings = self.template.with_file_name("samconfig.toml");
        let settings = fs::read_to_string(settings).expect("the settings can be read");
        let name = settings.lines().find_map(|line| line.strip_prefix("stack_name = \""));
        name.and_then(|name| name.strip_suffix('"'))
            .expect("the settings name the stack")
            .to_owned()
    }

    fn sam(&self, command: &str) -> Command {
        let program = workspace().join(".tools/sam/bin/sam");
        assert!(program.exists(), "SAM is not installed: run `make tools` first");
        let mut sam = Command::new(program);
        sam.arg(command).arg("--template-file").arg(&self.template);
        sam.env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.emulator.scratch)
            .env("SAM_CLI_TELEMETRY", "0")
            .env("LC_ALL", "C.UTF-8")
            .envs(client_variables(&self.emulator.endpoint))
            .current_dir(&self.emulator.scratch)
            // If this process is killed, SAM ends with the emulator.
            .process_group(self.emulator.process_group())
            .stdin(Stdio::null());
        sam
    }
}

impl Stack {
    /// Returns the URL of a provider's front door in the emulator.
    ///
    /// # Panics
    /// If the stack has none.
    #[must_use]
    pub fn url(&self, provider: &str) -> String {
        if let Some(api) = self.outputs.get("ApiId") {
            return format!(
                "{}/_aws/execute-api/{api}/$default/webhooks/{provider}",
                self.endpoint
            );
        }
        let url = self.outputs.get(&(pascal_case(provider) + "Url")).expect("it has a front door");
        let host = url.strip_prefix("https://").expect("a URL");
        let (id, _) = host.split_once('.').expect("a function URL begins with its id");
        format!("{}/_aws/lambda-url/{id}/", self.endpoint)
    }

    /// Removes the policies that refuse plain HTTP, which is all that the emulator serves.
    async fn admit_plain_http(&self) {
        let (name, value) = AS_IF_BY_TLS;
        for queue in ["EventQueueUrl", "DeadLetterQueueUrl"] {
            let Some(queue) = self.outputs.get(queue) else { continue };
            let attribute = aws_sdk_sqs::types::QueueAttributeName::Policy;
            let set =
                self.aws.sqs.set_queue_attributes().queue_url(queue).attributes(attribute, "");
            let set = set.customize().mutate_request(move |request| {
                request.headers_mut().insert(name, value);
            });
            set.send().await.expect("the queue's policy is removed");
        }
        let delete = self.aws.s3.delete_bucket_policy().bucket(&self.outputs["PayloadBucketName"]);
        let delete = delete.customize().mutate_request(move |request| {
            request.headers_mut().insert(name, value);
        });
        delete.send().await.expect("the bucket's policy is removed");
    }
}

/// Returns the URL parameters of the providers that sign the receiver's URL. Without them, their
/// functions do not start.
fn public_urls() -> Vec<(String, String)> {
    let signing = PROVIDERS.iter().filter(|provider| provider.signs_url());
    signing.map(|provider| (output(provider, "PublicUrl"), development_url(provider))).collect()
}

/// Returns the name of a provider's output or parameter, such as `AcmePayUrl`.
#[must_use]
pub fn output(provider: &Provider, what: &str) -> String {
    pascal_case(provider.name()) + what
}

/// Lays the templates out beside the built functions, as `sam build` does, but without compiling
/// again. Each provider gets its own copy of `provider.yaml`. Returns the path of the template.
fn lay_out(scratch: &Path, providers: &[&str], functions: &[(&str, PathBuf)]) -> PathBuf {
    let infra = scratch.join("infra");
    fs::create_dir_all(&infra).expect("a folder is made");
    let read = |name: &str| {
        fs::read_to_string(workspace().join("infra").join(name)).expect("the template can be read")
    };
    let write = |name: &str, text: String| {
        fs::write(infra.join(name), text).expect("the template is written");
    };
    for name in NESTED {
        write(name, with_account_in_conditions(&without_expressions(&read(name))));
    }
    let mut template = without_unknown_conditions(&read("template.yaml"));
    for provider in providers {
        write(&format!("{provider}.yaml"), provider_template(provider));
        let entry = |url: &str| {
            format!("TemplateURL: {url}\n      Parameters:\n        Provider: {provider}\n")
        };
        assert!(
            template.contains(&entry("provider.yaml")),
            "{provider} has no entry in infra/template.yaml"
        );
        template = template.replace(&entry("provider.yaml"), &entry(&format!("{provider}.yaml")));
    }
    write("template.yaml", template);
    fs::copy(workspace().join("infra/samconfig.toml"), infra.join("samconfig.toml"))
        .expect("the settings are copied");
    for (name, binary) in functions {
        let folder = scratch.join("functions").join(name);
        fs::create_dir_all(&folder).expect("a folder is made");
        fs::copy(binary, folder.join("bootstrap")).expect("a bootstrap is copied");
    }
    infra.join("template.yaml")
}

/// Runs SAM until it ends.
fn run(mut sam: Command) {
    let output = sam.output().expect("SAM runs");
    let said = |stream: &[u8]| String::from_utf8_lossy(stream).into_owned();
    assert!(
        output.status.success(),
        "SAM fails:\n{}\n{}",
        said(&output.stdout),
        said(&output.stderr)
    );
}

/// Replaces account and region by their values in conditions, because the emulator does not know
/// them there.
fn with_account_in_conditions(template: &str) -> String {
    let known = |line: &str| {
        let is_condition = line.contains("!Equals [");
        let values = [("!Ref AWS::Region", REGION), ("!Ref AWS::AccountId", "\"000000000000\"")];
        let put = |line: String, (name, value): &(&str, &str)| line.replace(name, value);
        if is_condition { values.iter().fold(line.to_owned(), put) } else { line.to_owned() }
    };
    template.lines().map(|line| known(line) + "\n").collect()
}

/// Replaces the metric expressions of alarms, which the emulator does not know, by a metric that
/// nobody emits. The nested stacks can then be deployed with everything else unchanged.
fn without_expressions(template: &str) -> String {
    const ALARM: &str = "      Metrics:";
    const STAND_IN: &str = concat!(
        "      Namespace: Emulator\n      MetricName: Expression\n",
        "      Statistic: Sum\n      Period: 60\n",
    );
    let mut simple = String::new();
    let mut skipping = false;
    for line in template.lines() {
        if line == ALARM {
            simple.push_str(STAND_IN);
        }
        skipping = line == ALARM || skipping && line.starts_with("        ");
        if !skipping {
            simple.push_str(line);
            simple.push('\n');
        }
    }
    simple
}
