//! Checks the bucket for messages that are too large for the queue: its region, its policy, and how
//! long it keeps payloads.

use aws_sdk_s3::{
    Client,
    types::{ExpirationStatus, LifecycleExpiration, LifecycleRule},
};
use serde_json::Value;
use webhook_aws::call_error;
use webhook_verify::Provider;

use crate::doctor::{
    asked::Asked,
    keys::Keys,
    report::{Finding, Verdict, ok, unknown, wrong},
};

/// A message lives 14 days in the queue and 14 in the dead-letter queue, and its payload must live
/// longer.
const LEAST_DAYS: i32 = 29;

/// Checks the bucket, and notes its key.
pub(crate) async fn check(
    client: &Client,
    bucket: &str,
    region: &str,
    providers: &[&Provider],
    keys: &mut Keys,
) -> Vec<Finding> {
    let location = client.get_bucket_location().bucket(bucket).send().await;
    let location = match Asked::from(location.map_err(|error| call_error(&error))) {
        Asked::Found(found) => {
            found.location_constraint.map(|place| place.as_str().to_owned()).unwrap_or_default()
        }
        Asked::Absent => {
            let text = format!(
                "{bucket} does not exist: name another bucket in ExistingPayloadBucketName"
            );
            return vec![wrong("bucket", text)];
        }
        Asked::Failed(error) => {
            return vec![unknown(
                "bucket",
                &format!("read the region of the bucket {bucket}"),
                &error,
            )];
        }
    };
    let place = place(bucket, &location, region);
    if place.verdict != Verdict::Ok {
        // From another region, S3 does not answer the calls below.
        return vec![place];
    }
    let policy = client.get_bucket_policy().bucket(bucket).send().await;
    let policy = match Asked::from(policy.map_err(|error| call_error(&error))) {
        Asked::Found(found) => plain_http(bucket, found.policy.as_deref().unwrap_or_default()),
        Asked::Absent => plain_http(bucket, ""),
        Asked::Failed(error) => {
            unknown("bucket.policy", &format!("read the policy of {bucket}"), &error)
        }
    };
    let rules = client.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
    let prefixes: Vec<_> =
        providers.iter().map(|provider| format!("{}/", provider.name())).collect();
    let rules = match Asked::from(rules.map_err(|error| call_error(&error))) {
        Asked::Found(found) => lifecycle(bucket, &found.rules.unwrap_or_default(), &prefixes),
        Asked::Absent => lifecycle(bucket, &[], &prefixes),
        Asked::Failed(error) => {
            unknown("bucket.lifecycle", &format!("read the lifecycle of {bucket}"), &error)
        }
    };
    let mut findings = vec![place, policy, rules];
    let encryption = client.get_bucket_encryption().bucket(bucket).send().await;
    match Asked::from(encryption.map_err(|error| call_error(&error))) {
        Asked::Found(found) => {
            for rule in found.server_side_encryption_configuration.unwrap_or_else(no_rules).rules()
            {
                let default = rule.apply_server_side_encryption_by_default();
                keys.used(
                    default.and_then(|default| default.kms_master_key_id()),
                    "the bucket",
                    true,
                );
            }
        }
        Asked::Absent => {}
        Asked::Failed(error) => {
            findings.push(unknown("bucket", &format!("read the encryption of {bucket}"), &error));
        }
    }
    findings
}

fn no_rules() -> aws_sdk_s3::types::ServerSideEncryptionConfiguration {
    let none =
        aws_sdk_s3::types::ServerSideEncryptionConfiguration::builder().set_rules(Some(Vec::new()));
    none.build().expect("a list is there")
}

/// `location` is as S3 has it: empty for its first region, `EU` for its second.
fn place(bucket: &str, location: &str, region: &str) -> Finding {
    let location = match location {
        "" => "us-east-1",
        "EU" => "eu-west-1",
        location => location,
    };
    if location == region {
        ok("bucket", format!("{bucket} is in {region}"))
    } else {
        let text = format!(
            "{bucket} is in {location}, but the functions are in {region}: name a bucket of \
             {region} in ExistingPayloadBucketName"
        );
        wrong("bucket", text)
    }
}

fn plain_http(bucket: &str, policy: &str) -> Finding {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    if statements.iter().any(refuses_plain_http) {
        return ok("bucket.policy", format!("{bucket} refuses plain HTTP"));
    }
    wrong(
        "bucket.policy",
        format!(
            "{bucket} accepts plain HTTP: add a Deny of s3:* for everybody to its policy, on the \
             condition that aws:SecureTransport is false"
        ),
    )
}

fn refuses_plain_http(statement: &Value) -> bool {
    let of_all = |value: &Value| {
        value == "*" || value["AWS"] == "*" || value["AWS"] == serde_json::json!(["*"])
    };
    let secure = &statement["Condition"]["Bool"]["aws:SecureTransport"];
    let secure = if secure.is_array() { &secure[0] } else { secure };
    let actions = match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        action => vec![action.clone()],
    };
    statement["Effect"] == "Deny"
        && of_all(&statement["Principal"])
        && (secure == "false" || secure == &Value::Bool(false))
        && actions.iter().any(|action| action == "s3:*" || action == "*")
}

/// `prefixes` are those under which the functions put payloads.
fn lifecycle(bucket: &str, rules: &[LifecycleRule], prefixes: &[String]) -> Finding {
    let days: Vec<_> = prefixes
        .iter()
        .map(|prefix| rules.iter().filter_map(|rule| expires(rule, prefix)).min())
        .collect();
    if days.iter().any(Option::is_none) {
        let text = format!(
            "{bucket} keeps some payloads for ever, and they are people's data: add a lifecycle \
             rule with an expiration of {LEAST_DAYS} days or more"
        );
        return wrong("bucket.lifecycle", text);
    }
    match days.into_iter().flatten().min() {
        Some(days) if days < LEAST_DAYS => {
            let text = format!(
                "{bucket} deletes payloads after {days} days, but their messages may live 28 in \
                 the two queues: set the expiration of its lifecycle rule to {LEAST_DAYS} days or \
                 more"
            );
            wrong("bucket.lifecycle", text)
        }
        Some(days) => {
            ok("bucket.lifecycle", format!("{bucket} deletes payloads after {days} days"))
        }
        None => ok("bucket.lifecycle", format!("{bucket} gets no payloads")),
    }
}

/// Returns after how many days the rule deletes everything under the prefix.
fn expires(rule: &LifecycleRule, prefix: &str) -> Option<i32> {
    let filter = rule.filter();
    let is_partial = filter.is_some_and(|filter| filter.and().is_some() || filter.tag().is_some());
    #[expect(deprecated, reason = "rules that were made long ago have it")]
    let old = rule.prefix();
    let of_prefix = filter.and_then(|filter| filter.prefix()).or(old).unwrap_or_default();
    let applies =
        *rule.status() == ExpirationStatus::Enabled && !is_partial && prefix.starts_with(of_prefix);
    rule.expiration().and_then(LifecycleExpiration::days).filter(|_| applies)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::LifecycleRuleFilter;

    use super::*;

    #[test]
    fn the_bucket_must_be_in_the_functions_region() {
        let here = |region| ok("bucket", format!("payloads is in {region}"));
        assert_eq!(place("payloads", "", "us-east-1"), here("us-east-1"));
        assert_eq!(place("payloads", "EU", "eu-west-1"), here("eu-west-1"));
        assert_eq!(place("payloads", "eu-west-2", "eu-west-2"), here("eu-west-2"));
        let text = "payloads is in us-east-1, but the functions are in eu-west-2: name a bucket of \
                    eu-west-2 in ExistingPayloadBucketName";
        assert_eq!(place("payloads", "", "eu-west-2"), wrong("bucket", text));
    }

    #[test]
    fn plain_http_must_be_refused_to_everybody_for_everything() {
        let right = serde_json::json!({"Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]});
        let refused = ok("bucket.policy", "payloads refuses plain HTTP");
        assert_eq!(plain_http("payloads", &right.to_string()), refused);
        let open = wrong(
            "bucket.policy",
            "payloads accepts plain HTTP: add a Deny of s3:* for everybody to its policy, on the \
             condition that aws:SecureTransport is false",
        );
        assert_eq!(plain_http("payloads", ""), open);
        for (pointer, value) in [
            ("/Statement/0/Effect", "Allow"),
            ("/Statement/0/Principal", "123456789012"),
            ("/Statement/0/Action", "s3:GetObject"),
            ("/Statement/0/Condition/Bool/aws:SecureTransport", "true"),
        ] {
            let mut policy = right.clone();
            *policy.pointer_mut(pointer).expect("is there") = value.into();
            assert_eq!(plain_http("payloads", &policy.to_string()), open, "{pointer}");
        }
    }

    fn rule(days: i32, prefix: &str, status: ExpirationStatus) -> LifecycleRule {
        let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
        let expiration = LifecycleExpiration::builder().days(days).build();
        LifecycleRule::builder()
            .filter(filter)
            .expiration(expiration)
            .status(status)
            .build()
            .expect("is complete")
    }

    #[test]
    fn payloads_must_outlive_their_messages_and_expire() {
        let prefixes = ["acme/".to_owned(), "beta/".to_owned()];
        let on = |days, prefix| rule(days, prefix, ExpirationStatus::Enabled);
        let kept = "payloads keeps some payloads for ever, and they are people's data: add a \
                    lifecycle rule with an expiration of 29 days or more";
        let early = "payloads deletes payloads after 28 days, but their messages may live 28 in \
                     the two queues: set the expiration of its lifecycle rule to 29 days or more";
        for (rules, expected) in [
            (vec![on(60, "")], ok("bucket.lifecycle", "payloads deletes payloads after 60 days")),
            (
                vec![on(29, "acme/"), on(60, "beta")],
                ok("bucket.lifecycle", "payloads deletes payloads after 29 days"),
            ),
            (vec![], wrong("bucket.lifecycle", kept)),
            (vec![on(60, "acme/")], wrong("bucket.lifecycle", kept)),
            (vec![rule(60, "", ExpirationStatus::Disabled)], wrong("bucket.lifecycle", kept)),
            (vec![on(60, ""), on(28, "beta/")], wrong("bucket.lifecycle", early)),
            (
                vec![on(60, ""), on(1, "logs/")],
                ok("bucket.lifecycle", "payloads deletes payloads after 60 days"),
            ),
        ] {
            assert_eq!(lifecycle("payloads", &rules, &prefixes), expected);
        }
    }
}
