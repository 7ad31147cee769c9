//! The templates in `infra/`, as JSON.

use std::process::Command;

use serde_json::Value;

use crate::workspace;

/// Reads a template with SAM's own reader. A tag such as `!Ref Name` is then `{"Ref": "Name"}`.
///
/// # Panics
/// SAM is not installed, or the file is no template.
#[must_use]
pub fn template(name: &str) -> Value {
    const READ: &str = "import json, sys; from samcli.yamlhelper import yaml_parse; \
                        json.dump(yaml_parse(open(sys.argv[1], encoding='utf-8').read()), sys.stdout)";
    let python = workspace().join(".tools/sam/bin/python");
    assert!(python.exists(), "SAM is not installed: run `make tools` first");
    let output = Command::new(python).args(["-c", READ]).arg(workspace().join("infra").join(name)).output();
    let output = output.expect("Python runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A template's resources of a type, by their names.
///
/// # Panics
/// The template has no resources.
pub fn resources<'t>(template: &'t Value, of_type: &str) -> impl Iterator<Item = (&'t String, &'t Value)> {
    let resources = template["Resources"].as_object().expect("a template has resources");
    resources.iter().filter(move |(_, resource)| resource["Type"] == of_type)
}
