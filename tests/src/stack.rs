//! The template as it is, deployed with SAM into an emulator that enforces its IAM policies.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use webhook_cli::DEVELOPMENT_SECRET;

use crate::{
    emulator::{Aws, Emulator, client_variables, workspace},
    function::bootstrap,
};

const STACK: &str = "webhooks";
const ARTIFACTS: &str = "artifacts";
/// The emulator speaks plain HTTP, which the template's policies refuse. It believes this header.
const AS_IF_BY_TLS: (&str, &str) = ("x-forwarded-proto", "https");

/// A deployed stack.
pub struct Stack {
    /// What it runs in.
    pub emulator: Emulator,
    /// The emulator's administrator.
    pub aws: Aws,
    /// The template's outputs, by name.
    pub outputs: HashMap<String, String>,
}

impl Stack {
    /// Deploys the template with [`DEVELOPMENT_SECRET`] as both providers' secret. `say` is told of each step.
    ///
    /// # Panics
    /// A step fails; the message has what SAM said.
    pub async fn deploy(parameters: &[(&str, &str)], say: impl Fn(&str)) -> Self {
        say("building the functions");
        let functions = ["pinwheel", "endgrate", "example-consumer"].map(|name| (name, bootstrap(name)));
        say("starting the AWS emulator");
        let emulator = Emulator::start(true);
        let aws = Aws::at(&emulator.endpoint);
        aws.s3.create_bucket().bucket(ARTIFACTS).send().await.expect("a bucket is made");
        say("deploying infra/template.yaml with `sam deploy`");
        let template = lay_out(&emulator.scratch, &functions);
        sam_deploy(&emulator, &template, parameters);
        let outputs = outputs(&emulator);
        let stack = Self { emulator, aws, outputs };
        stack.admit_plain_http().await;
        for output in ["PinwheelSecretArn", "EndgrateSecretArn"] {
            stack.aws.rotate_secret(&stack.outputs[output], DEVELOPMENT_SECRET).await;
        }
        stack
    }

    /// The URL of a provider's route, as the emulator spells it.
    #[must_use]
    pub fn url(&self, provider: &str) -> String {
        let api = &self.outputs["ApiId"];
        format!("{}/_aws/execute-api/{api}/$default/webhooks/{provider}", self.emulator.endpoint)
    }

    /// Lifts the policies that refuse plain HTTP, from what the emulator serves by nothing else.
    async fn admit_plain_http(&self) {
        let (name, value) = AS_IF_BY_TLS;
        for queue in ["EventQueueUrl", "DeadLetterQueueUrl"] {
            let attribute = aws_sdk_sqs::types::QueueAttributeName::Policy;
            let set = self.aws.sqs.set_queue_attributes().queue_url(&self.outputs[queue]).attributes(attribute, "");
            let set = set.customize().mutate_request(move |request| {
                request.headers_mut().insert(name, value);
            });
            set.send().await.expect("the queue's policy is lifted");
        }
        let delete = self.aws.s3.delete_bucket_policy().bucket(&self.outputs["PayloadBucketName"]);
        let delete = delete.customize().mutate_request(move |request| {
            request.headers_mut().insert(name, value);
        });
        delete.send().await.expect("the bucket's policy is lifted");
    }
}

/// Lays the template out beside the built functions, so that each `CodeUri` names a folder with a bootstrap: what
/// `sam build` does, without compiling again.
fn lay_out(scratch: &Path, functions: &[(&str, PathBuf)]) -> PathBuf {
    let infra = scratch.join("infra");
    copy_folder(&workspace().join("infra"), &infra).expect("the template is copied");
    for (name, binary) in functions {
        let folder = scratch.join("functions").join(name);
        fs::create_dir_all(&folder).expect("a folder is made");
        fs::copy(binary, folder.join("bootstrap")).expect("a bootstrap is copied");
    }
    infra.join("template.yaml")
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn sam(emulator: &Emulator) -> Command {
    let program = workspace().join(".tools/sam/bin/sam");
    assert!(program.exists(), "SAM is not installed: run `make tools` first");
    let mut sam = Command::new(program);
    sam.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &emulator.scratch)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("LC_ALL", "C.UTF-8")
        .envs(client_variables(&emulator.endpoint))
        .current_dir(&emulator.scratch)
        .stdin(Stdio::null());
    sam
}

fn sam_deploy(emulator: &Emulator, template: &Path, parameters: &[(&str, &str)]) {
    let mut deploy = sam(emulator);
    deploy.args([
        "deploy",
        "--stack-name",
        STACK,
        "--no-resolve-s3",
        "--s3-bucket",
        ARTIFACTS,
        "--no-confirm-changeset",
    ]);
    deploy.arg("--template-file").arg(template).args(["--parameter-overrides", "Architecture=x86_64"]);
    // The emulator knows no alarm over an expression of metrics.
    deploy.arg("Alarms=false");
    deploy.args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
    let output = deploy.output().expect("SAM runs");
    let said = |stream: &[u8]| String::from_utf8_lossy(stream).into_owned();
    assert!(output.status.success(), "sam deploy fails:\n{}\n{}", said(&output.stdout), said(&output.stderr));
}

fn outputs(emulator: &Emulator) -> HashMap<String, String> {
    let listed = sam(emulator).args(["list", "stack-outputs", "--stack-name", STACK, "--output", "json"]).output();
    let listed = listed.expect("SAM runs");
    let outputs: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("SAM lists the outputs as JSON");
    let text = |output: &Value, name: &str| output[name].as_str().expect("a text").to_owned();
    outputs.iter().map(|output| (text(output, "OutputKey"), text(output, "OutputValue"))).collect()
}
