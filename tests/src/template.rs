//! The templates in `infra/`, as JSON.

use std::process::Command;

use serde_json::Value;

use crate::{emulator::REGION, workspace};

/// Reads a template with SAM's own reader. A tag such as `!Ref Name` is then `{"Ref": "Name"}`.
///
/// # Panics
/// If SAM is not installed, or the file is not a template.
#[must_use]
pub fn template(name: &str) -> Value {
    const READ: &str = "import json, sys; from samcli.yamlhelper import yaml_parse; \
                        json.dump(yaml_parse(open(sys.argv[1], encoding='utf-8').read()), \
                        sys.stdout)";
    serde_json::from_str(&python(READ, name, &[])).expect("JSON")
}

/// A condition key that the emulator does not know, so that a statement with it allows nothing
/// there. In the templates, it is on lines of its own.
const UNKNOWN_KEY: &str = "aws:ResourceAccount";

/// Returns a template's text without the conditions that the emulator does not know.
#[must_use]
pub fn without_unknown_conditions(template: &str) -> String {
    template
        .lines()
        .filter(|line| !line.contains(UNKNOWN_KEY))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// Returns `provider.yaml` for one provider, with its functions in `../functions` and with SAM's
/// transform applied. `CloudFormation` applies the transform to nested templates too, but the
/// emulator does not. As the emulator has no `CodeDeploy`, the transform is applied as if
/// `DeploymentStrategy` were `None`.
///
/// # Panics
/// If SAM is not installed, or its translator rejects the template.
#[must_use]
pub fn provider_template(provider: &str) -> String {
    const EXPAND: &str = "
import json, sys, types
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform
lines = open(sys.argv[1], encoding='utf-8')
template = yaml_parse(''.join(line for line in lines if sys.argv[3] not in line))
functions = {'Function': sys.argv[2], 'PreTrafficHook': 'pre-traffic-hook'}
for name in functions:
    template['Resources'][name]['Properties']['CodeUri'] = 's3://artifacts/code'
parameters = {'Provider': sys.argv[2], 'DeploymentStrategy': 'None'}
expanded = transform(template, parameters, types.SimpleNamespace(load=dict))
for name, folder in functions.items():
    expanded['Resources'][name]['Properties']['Code'] = f'../functions/{folder}'
json.dump(expanded, sys.stdout)
";
    python(EXPAND, "provider.yaml", &[provider, UNKNOWN_KEY])
}

/// Runs a script with SAM's Python on a template, and returns what it prints.
fn python(script: &str, template: &str, arguments: &[&str]) -> String {
    let python = workspace().join(".tools/sam/bin/python");
    assert!(python.exists(), "SAM is not installed: run `make tools` first");
    let mut python = Command::new(python);
    python.args(["-c", script]).arg(workspace().join("infra").join(template)).args(arguments);
    // The translator demands a region, although it does not need one here.
    let output = python.env("AWS_DEFAULT_REGION", REGION).output().expect("Python runs");
    assert!(output.status.success(), "{template}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns a provider's name as it is spelled in logical ids, parameters and outputs: `AcmePay` for
/// `acme-pay`.
#[must_use]
pub fn pascal_case(provider: &str) -> String {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    provider.split('-').map(capitalized).collect()
}

/// Returns a template's resources of one type, with their names.
///
/// # Panics
/// If the template has no resources.
pub fn resources<'t>(
    template: &'t Value,
    of_type: &str,
) -> impl Iterator<Item = (&'t String, &'t Value)> {
    let resources = template["Resources"].as_object().expect("a template has resources");
    resources.iter().filter(move |(_, resource)| resource["Type"] == of_type)
}
