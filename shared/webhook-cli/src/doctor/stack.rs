//! Reads the stack from `CloudFormation`, and checks that it is complete.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use webhook_aws::{SdkConfig, call_error};
use webhook_ingest::CallError;
use webhook_verify::Provider;

use crate::{
    doctor::report::{Finding, ok, skipped, warning, wrong},
    error::CliError,
    scaffold::Name,
};

/// The code of `CloudFormation` for a stack that does not exist, as for every other invalid
/// request.
const NO_STACK: &str = "ValidationError";

/// A stack, with the resources of the stacks nested in it.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) parameters: BTreeMap<String, String>,
    /// Types and names (or ARNs).
    pub(crate) resources: Vec<(String, String)>,
}

impl Stack {
    /// Reads the stack.
    ///
    /// # Errors
    /// The stack does not exist, or a call fails.
    pub(crate) async fn read(config: &SdkConfig, name: &str) -> Result<Self, CliError> {
        let client = Client::new(config);
        let described = client.describe_stacks().stack_name(name).send().await;
        let described = described.map_err(|error| match call_error(&error) {
            CallError::Refused(code) if code.starts_with(NO_STACK) => {
                CliError::NoStack(name.to_owned())
            }
            source => CliError::Aws { call: "describe the stack", source },
        })?;
        let stack = described.stacks.unwrap_or_default().into_iter().next();
        let stack = stack.ok_or_else(|| CliError::NoStack(name.to_owned()))?;
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        Ok(Self {
            name: name.to_owned(),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            outputs: outputs
                .filter_map(|output| output.output_key.zip(output.output_value))
                .collect(),
            parameters: parameters
                .filter_map(|parameter| parameter.parameter_key.zip(parameter.parameter_value))
                .collect(),
            resources: resources(&client, name).await?,
        })
    }

    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns one of the provider's outputs, such as its `Url`.
    pub(crate) fn output_of(&self, provider: &Provider, what: &str) -> Option<&str> {
        self.output(&format!("{}{what}", in_template(provider)))
    }

    /// Returns whether the stack made the provider's secret.
    pub(crate) fn is_secret_of_stack(&self, provider: &Provider) -> bool {
        self.parameter(&format!("Existing{}SecretArn", in_template(provider))).is_empty()
    }

    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the names of all resources of this type.
    pub(crate) fn resources_of<'s>(&'s self, of_type: &'s str) -> impl Iterator<Item = &'s str> {
        self.resources
            .iter()
            .filter(move |(kind, _)| kind == of_type)
            .map(|(_, name)| name.as_str())
    }
}

/// Lists the resources of the stack and of those nested in it.
async fn resources(client: &Client, name: &str) -> Result<Vec<(String, String)>, CliError> {
    let mut found = Vec::new();
    let mut stacks = vec![name.to_owned()];
    while let Some(stack) = stacks.pop() {
        let mut pages =
            client.list_stack_resources().stack_name(&stack).into_paginator().items().send();
        while let Some(resource) = pages.next().await {
            let resource = resource.map_err(|error| CliError::Aws {
                call: "list the stack's resources",
                source: call_error(&error),
            })?;
            let (Some(kind), Some(name)) = (resource.resource_type, resource.physical_resource_id)
            else {
                continue;
            };
            if kind == "AWS::CloudFormation::Stack" {
                stacks.push(name);
            } else {
                found.push((kind, name));
            }
        }
    }
    Ok(found)
}

/// Returns how the template spells the provider: `acme-pay` is `AcmePay` there.
fn in_template(provider: &Provider) -> String {
    Name::new(provider.name()).map(|name| name.pascal()).unwrap_or_default()
}

/// Checks that no deployment failed.
pub(crate) fn status(stack: &Stack) -> Finding {
    let text = format!("{} is {}", stack.name, stack.status);
    match stack.status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => ok("stack", text),
        "UPDATE_ROLLBACK_COMPLETE" => warning(
            "stack",
            format!(
                "{text}: the last deployment failed, and the version before it runs; read the \
                 stack's events in CloudFormation, and deploy again"
            ),
        ),
        status if status.ends_with("_IN_PROGRESS") => {
            warning("stack", format!("{text}: run this again when the deployment has ended"))
        }
        _ => wrong(
            "stack",
            format!("{text}: read the stack's events in CloudFormation, and deploy again"),
        ),
    }
}

/// Checks that the stack has the outputs that providers, operators and this command need.
pub(crate) fn outputs(stack: &Stack) -> Finding {
    let always = ["IdempotencyTableName", "EventQueueArn", "PayloadBucketName"];
    let by_parameter = [("Alarms", "true", "AlarmTopicArn"), ("FrontDoor", "HttpApi", "ApiId")];
    let by_parameter = by_parameter
        .into_iter()
        .filter(|(name, value, _)| stack.parameter(name) == *value)
        .map(|(.., output)| output);
    let missing: Vec<_> = always
        .into_iter()
        .chain(by_parameter)
        .filter(|name| stack.output(name).is_none())
        .collect();
    if missing.is_empty() {
        return ok("outputs", format!("{} has the outputs of the template", stack.name));
    }
    let missing = missing.join(", ");
    wrong(
        "outputs",
        format!(
            "{} lacks the outputs {missing}: check that it is a stack of infra/template.yaml, and \
             deploy it again",
            stack.name
        ),
    )
}

/// Checks that the stack has the provider's function and secret, unless the provider is switched
/// off.
pub(crate) fn provider(stack: &Stack, provider: &Provider) -> Finding {
    let name = provider.name();
    let outputs = ["FunctionName", "SecretArn"];
    let missing: Vec<_> =
        outputs.iter().filter(|output| stack.output_of(provider, output).is_none()).collect();
    let switch = format!("Enable{}", in_template(provider));
    match (missing.as_slice(), stack.parameter(&switch)) {
        ([], _) => ok("provider", format!("{} receives webhooks of {name}", stack.name)),
        (_, "false") => skipped("provider", format!("{name} is switched off ({switch}=false)")),
        (_, "") => wrong(
            "provider",
            format!("{} has no provider {name}: deploy the template that has it", stack.name),
        ),
        ([missing, ..], _) => wrong(
            "provider",
            format!(
                "{} lacks the output {}{missing}: deploy it again",
                stack.name,
                in_template(provider)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use webhook_verify::providers::PROVIDERS;

    use super::*;

    fn stack(status: &str, parameters: &[(&str, &str)], outputs: &[(&str, &str)]) -> Stack {
        let texts = |texts: &[(&str, &str)]| {
            texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Stack {
            name: "webhooks".to_owned(),
            status: status.to_owned(),
            outputs: texts(outputs),
            parameters: texts(parameters),
            resources: Vec::new(),
        }
    }

    #[test]
    fn a_stack_is_ok_after_a_successful_deployment() {
        for (name, expected) in [
            ("CREATE_COMPLETE", ok("stack", "webhooks is CREATE_COMPLETE")),
            ("UPDATE_COMPLETE", ok("stack", "webhooks is UPDATE_COMPLETE")),
            (
                "UPDATE_IN_PROGRESS",
                warning(
                    "stack",
                    "webhooks is UPDATE_IN_PROGRESS: run this again when the deployment has ended",
                ),
            ),
            (
                "UPDATE_ROLLBACK_COMPLETE",
                warning(
                    "stack",
                    "webhooks is UPDATE_ROLLBACK_COMPLETE: the last deployment failed, and the \
                     version before it runs; read the stack's events in CloudFormation, and deploy \
                     again",
                ),
            ),
            (
                "UPDATE_ROLLBACK_FAILED",
                wrong(
                    "stack",
                    "webhooks is UPDATE_ROLLBACK_FAILED: read the stack's events in \
                     CloudFormation, and deploy again",
                ),
            ),
        ] {
            assert_eq!(status(&stack(name, &[], &[])), expected, "{name}");
        }
    }

    #[test]
    fn the_outputs_that_the_parameters_ask_for_must_exist() {
        let always =
            [("IdempotencyTableName", "t"), ("EventQueueArn", "q"), ("PayloadBucketName", "b")];
        let right = ok("outputs", "webhooks has the outputs of the template");
        assert_eq!(
            outputs(&stack("", &[("Alarms", "false"), ("FrontDoor", "FunctionUrl")], &always)),
            right
        );
        let lacking = wrong(
            "outputs",
            "webhooks lacks the outputs PayloadBucketName, AlarmTopicArn, ApiId: check that it is \
             a stack of infra/template.yaml, and deploy it again",
        );
        assert_eq!(
            outputs(&stack("", &[("Alarms", "true"), ("FrontDoor", "HttpApi")], &always[..2])),
            lacking
        );
    }

    #[test]
    fn a_provider_is_deployed_switched_off_or_missing() {
        let of = PROVIDERS[0];
        let (name, pascal) = (of.name(), in_template(of));
        let (switch, function) = (format!("Enable{pascal}"), format!("{pascal}FunctionName"));
        let secret = format!("{pascal}SecretArn");
        let both = [(function.as_str(), "f"), (secret.as_str(), "s")];
        for (enabled, outputs, expected) in [
            (
                Some("true"),
                &both[..],
                ok("provider", format!("webhooks receives webhooks of {name}")),
            ),
            (
                Some("false"),
                &[],
                skipped("provider", format!("{name} is switched off ({switch}=false)")),
            ),
            (
                Some("true"),
                &both[..1],
                wrong("provider", format!("webhooks lacks the output {secret}: deploy it again")),
            ),
            (
                None,
                &[],
                wrong(
                    "provider",
                    format!("webhooks has no provider {name}: deploy the template that has it"),
                ),
            ),
        ] {
            let parameters: Vec<_> =
                enabled.iter().map(|value| (switch.as_str(), *value)).collect();
            assert_eq!(provider(&stack("", &parameters, outputs), of), expected);
        }
    }
}
