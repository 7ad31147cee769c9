//! Checks the KMS keys that the stack's resources are encrypted with: they must be enabled, and the
//! functions must be allowed to use them.

use std::collections::BTreeMap;

use aws_sdk_kms::{Client, types::KeyState};
use webhook_aws::call_error;

use crate::doctor::{
    asked::Asked,
    report::{Finding, ok, unknown, wrong},
    stack::Stack,
};

/// The parameters that list the keys that the functions may use, separated by commas.
const ALLOWED: [&str; 2] = ["KmsKeyArn", "ExistingKmsKeyArns"];

/// Keys by id, ARN or alias, and what each encrypts.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, Use>);

#[derive(Debug, Default)]
struct Use {
    of: Vec<&'static str>,
    by_functions: bool,
}

/// What KMS says of a key.
struct Described<'k> {
    arn: &'k str,
    state: &'k str,
    is_customers: bool,
}

impl Keys {
    /// Notes a key, if there is one. `by_functions` says whether the functions use what it
    /// encrypts.
    pub(crate) fn used(&mut self, key: Option<&str>, of: &'static str, by_functions: bool) {
        let Some(key) = key.filter(|key| !key.is_empty()) else { return };
        let noted = self.0.entry(key.to_owned()).or_default();
        noted.by_functions |= by_functions;
        if !noted.of.contains(&of) {
            noted.of.push(of);
        }
    }

    /// Notes the keys that the stack names.
    pub(crate) fn named_by(&mut self, stack: &Stack) {
        for key in ALLOWED.iter().flat_map(|name| stack.parameter(name).split(',')) {
            self.used(Some(key), "the stack's parameters", false);
        }
    }

    /// Checks each key.
    pub(crate) async fn check(&self, client: &Client, stack: &Stack) -> Vec<Finding> {
        let allowed: Vec<_> =
            ALLOWED.iter().flat_map(|name| stack.parameter(name).split(',')).collect();
        let mut findings = Vec::new();
        for (key, of) in &self.0 {
            let described = client.describe_key().key_id(key).send().await;
            findings.push(match Asked::from(described.map_err(|error| call_error(&error))) {
                Asked::Absent => wrong(
                    "key",
                    format!(
                        "{key}, the key of {}, does not exist: name another key there",
                        of.of.join(", ")
                    ),
                ),
                Asked::Failed(error) => unknown("key", &format!("describe the key {key}"), &error),
                Asked::Found(described) => {
                    let Some(described) = described.key_metadata else { continue };
                    let described = Described {
                        arn: described.arn().unwrap_or(key),
                        state: described.key_state().map(KeyState::as_str).unwrap_or_default(),
                        is_customers: described
                            .key_manager()
                            .is_some_and(|manager| manager.as_str() == "CUSTOMER"),
                    };
                    judge(&described, of, &allowed)
                }
            });
        }
        findings
    }
}

fn judge(key: &Described<'_>, of: &Use, allowed: &[&str]) -> Finding {
    let Described { arn, state, is_customers } = key;
    let users = of.of.join(", ");
    if *state != "Enabled" {
        return wrong(
            "key",
            format!("{arn}, the key of {users}, is {state}: enable it, or cancel its deletion"),
        );
    }
    if *is_customers && of.by_functions && !allowed.contains(arn) {
        let text = format!(
            "the functions may not use {arn}, the key of {users}: name it in ExistingKmsKeyArns"
        );
        return wrong("key", text);
    }
    ok("key", format!("{arn}, the key of {users}, is enabled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_must_be_enabled_and_open_to_the_functions() {
        let key = |state, is_customers| Described { arn: "arn:k", state, is_customers };
        let mut keys = Keys::default();
        keys.used(Some("arn:k"), "the table", true);
        keys.used(Some("arn:k"), "the queue", true);
        keys.used(Some("arn:k"), "the queue", true);
        keys.used(Some("arn:t"), "the topic of the alarms", false);
        keys.used(None, "the bucket", true);
        let (both, topic) = (&keys.0["arn:k"], &keys.0["arn:t"]);
        assert_eq!(keys.0.len(), 2);
        let enabled = ok("key", "arn:k, the key of the table, the queue, is enabled");
        assert_eq!(judge(&key("Enabled", true), both, &["arn:k"]), enabled);
        assert_eq!(
            judge(&key("Enabled", false), both, &[""]),
            enabled,
            "AWS's own key needs no permission"
        );
        let disabled = "arn:k, the key of the table, the queue, is Disabled: enable it, or cancel \
                        its deletion";
        assert_eq!(judge(&key("Disabled", true), both, &["arn:k"]), wrong("key", disabled));
        let denied = "the functions may not use arn:k, the key of the table, the queue: name it in \
                      ExistingKmsKeyArns";
        assert_eq!(judge(&key("Enabled", true), both, &[""]), wrong("key", denied));
        let topic = judge(&key("Enabled", true), topic, &[""]);
        assert_eq!(topic, ok("key", "arn:k, the key of the topic of the alarms, is enabled"));
    }
}
