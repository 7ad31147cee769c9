//! A wrong parameter gives a message that names it. The messages here are the emulator's.
//! `CloudFormation`'s are similar: `Parameter ExistingTableName failed to satisfy constraint: must
//! be …`, with the template's words at the end.

use std::collections::BTreeSet;

use serde_json::Value;
use webhook_tests::template::{pascal_case, template};

use crate::world::{aws, providers, try_deploy};

/// For each parameter with a pattern, a value that is nearly right. `{Name}` stands for any
/// provider.
const NEARLY_RIGHT: [(&str, &str); 23] = [
    ("AlarmEmail", "oncall@example"),
    ("AlarmTopicArn", "arn:aws:sns:us-east-1:000000000000:alarms.fifo"),
    ("CertificateArn", "arn:aws:iam::000000000000:server-certificate/c"),
    ("DomainName", "https://webhooks.example.com"),
    ("ExistingDeadLetterQueueArn", "https://sqs.us-east-1.amazonaws.com/000000000000/dead"),
    ("ExistingHttpApiId", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
    ("ExistingPayloadBucketName", "arn:aws:s3:::payloads"),
    ("ExistingQueueArn", "https://sqs.us-east-1.amazonaws.com/000000000000/events.fifo"),
    ("ExistingTableName", "arn:aws:dynamodb:us-east-1:000000000000:table/records"),
    ("ExistingKmsKeyArns", "arn:aws:kms:us-east-1:000000000000:alias/webhooks"),
    ("HostedZoneId", "example.com"),
    ("KmsKeyArn", "arn:aws:kms:us-east-1:000000000000:alias/webhooks"),
    ("LogKmsKeyArn", "arn:aws:kms:us-east-1:000000000000:alias/webhooks"),
    ("PermissionsBoundaryArn", "arn:aws:iam::000000000000:role/boundary"),
    ("QueueSenderArns", "arn:aws:iam::000000000000:role/operators,operators"),
    ("Release", "no spaces"),
    ("ReservedConcurrency", "0"),
    ("SecurityGroupIds", "sg-01234567,default"),
    ("SubnetIds", "subnet-01234567,eu-west-1a"),
    ("TimestampToleranceSeconds", "5 minutes"),
    ("Existing{Name}SecretArn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:name"),
    ("{Name}PublicUrl", "http://hooks.example.com"),
    ("{Name}SignatureSchemes", "one, two"),
];

/// Values that are right by themselves but wrong together, and the rule's message.
const TOGETHER: [(&[(&str, &str)], &str); 13] = [
    (
        &[("SubnetIds", "subnet-01234567")],
        "SubnetIds needs SecurityGroupIds; set both, or neither.",
    ),
    (
        &[("SecurityGroupIds", "sg-01234567")],
        "SecurityGroupIds needs SubnetIds; set both, or neither.",
    ),
    (
        &[("FrontDoor", "FunctionUrl")],
        "FrontDoor FunctionUrl needs ReservedConcurrency; nothing else limits it.",
    ),
    (
        &[
            ("FrontDoor", "FunctionUrl"),
            ("ReservedConcurrency", "5"),
            ("ExistingHttpApiId", "a1b2c3d4e5"),
        ],
        "ExistingHttpApiId must be empty if FrontDoor is FunctionUrl.",
    ),
    (
        &[
            ("FrontDoor", "FunctionUrl"),
            ("ReservedConcurrency", "5"),
            ("DomainName", "webhooks.example.com"),
            ("CertificateArn", CERTIFICATE),
        ],
        "DomainName must be empty if FrontDoor is FunctionUrl.",
    ),
    (
        &[("DomainName", "webhooks.example.com")],
        "DomainName needs CertificateArn, a certificate for it in this region.",
    ),
    (
        &[
            ("DomainName", "webhooks.example.com"),
            ("CertificateArn", CERTIFICATE),
            ("ExistingHttpApiId", "a1b2c3d4e5"),
        ],
        "DomainName must be empty if ExistingHttpApiId is set; give that API its domain yourself.",
    ),
    (&[("CertificateArn", CERTIFICATE)], "CertificateArn needs DomainName; set both, or neither."),
    (
        &[("HostedZoneId", "Z0123456789")],
        "HostedZoneId needs DomainName; name the domain of the record.",
    ),
    (
        &[("ExistingDeadLetterQueueArn", "arn:aws:sqs:us-east-1:000000000000:dead")],
        "ExistingDeadLetterQueueArn needs ExistingQueueArn; name its queue, too.",
    ),
    (
        &[
            ("QueueSenderArns", "arn:aws:iam::000000000000:role/operators"),
            ("ExistingQueueArn", "arn:aws:sqs:us-east-1:000000000000:events"),
        ],
        "QueueSenderArns must be empty if ExistingQueueArn is set; change that queue's own policy.",
    ),
    (
        &[("DeploymentStrategy", "AllAtOnce"), ("Alarms", "false")],
        "Alarms must be true unless DeploymentStrategy is None; they roll a deployment back.",
    ),
    (
        &[
            ("AlarmTopicArn", "arn:aws:sns:us-east-1:000000000000:alarms"),
            ("AlarmEmail", "oncall@example.com"),
        ],
        "AlarmEmail must be empty if AlarmTopicArn is set; subscribe it to that topic instead.",
    ),
];

const CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000";

/// Returns the message that refuses these parameters.
async fn refusal(parameters: &[(&str, &str)]) -> String {
    try_deploy("refused", parameters)
        .await
        .err()
        .unwrap_or_else(|| panic!("{parameters:?} are accepted"))
}

/// Returns wrong values of a parameter, according to the template's constraints.
fn wrong_values(name: &str, parameter: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let number = |what: &str| parameter[what].as_i64();
    if parameter["AllowedValues"].is_array() {
        wrong.push("another".to_owned());
    }
    wrong.extend(number("MinValue").map(|least| (least - 1).to_string()));
    wrong.extend(number("MaxValue").map(|most| (most + 1).to_string()));
    if parameter["AllowedPattern"].is_string() {
        let is_it = |of: &str| {
            of == name
                || providers()
                    .into_iter()
                    .any(|provider| of.replace("{Name}", &pascal_case(provider)) == name)
        };
        let nearly = NEARLY_RIGHT
            .iter()
            .find(|(of, _)| is_it(of))
            .unwrap_or_else(|| panic!("{name} is missing in NEARLY_RIGHT"));
        wrong.push(nearly.1.to_owned());
    }
    wrong
}

#[tokio::test]
async fn a_wrong_value_is_refused_with_its_parameter_and_constraint() {
    let template = template("template.yaml");
    let parameters = template["Parameters"].as_object().expect("there are parameters");
    for (name, parameter) in parameters {
        let wrong = wrong_values(name, parameter);
        assert!(!wrong.is_empty(), "{name} takes any value");
        for value in wrong {
            let message = refusal(&[(name.as_str(), value.as_str())]).await;
            assert!(message.contains(name.as_str()), "{name}={value}: {message}");
            if parameter["AllowedPattern"].is_string() {
                let constraint = parameter["ConstraintDescription"]
                    .as_str()
                    .expect("it says what the value must be");
                assert!(message.contains(constraint), "{name}={value}: {message}");
            }
        }
    }
}

#[test]
fn each_rule_of_the_template_has_a_test_case() {
    let template = template("template.yaml");
    let rules = template["Rules"].as_object().expect("there are rules").values();
    let assertions = rules.flat_map(|rule| rule["Assertions"].as_array().expect("a list"));
    let said: BTreeSet<&str> = assertions
        .map(|assertion| assertion["AssertDescription"].as_str().expect("a text"))
        .collect();
    assert_eq!(said, TOGETHER.iter().map(|(_, message)| *message).collect());
}

#[tokio::test]
async fn conflicting_values_are_refused_by_a_rule_that_names_a_parameter() {
    for (parameters, expected) in TOGETHER {
        let message = refusal(parameters).await;
        assert!(message.ends_with(expected), "{parameters:?}: {message}");
        assert!(parameters.iter().any(|(name, _)| expected.contains(name)), "{expected}");
    }
}

/// Function names have a maximum length, and the stack's name is the part of them that the deployer
/// chooses. What the failed creation had already made is deleted, even what is otherwise retained.
#[tokio::test]
async fn a_stack_name_that_is_too_long_is_refused_and_leaves_nothing_behind() {
    let name = "w".repeat(48);
    let message = try_deploy(&name, &[]).await.err().expect("it is refused");
    let expected = "must be at most 49 characters (stack's name, hyphen, provider's); \
                    shorten the stack's name";
    assert!(message.contains(expected), "{message}");
    assert!(message.contains("FunctionName"), "{message}");

    let aws = aws().await;
    let of_stack = |name: &String| name.contains("wwwwwwww");
    let tables = aws.dynamodb.list_tables().send().await.expect("tables are listed");
    assert!(!tables.table_names().iter().any(of_stack), "{tables:?}");
    let queues = aws.sqs.list_queues().send().await.expect("queues are listed");
    assert!(!queues.queue_urls().iter().any(of_stack), "{queues:?}");
    let buckets = aws.s3.list_buckets().send().await.expect("buckets are listed");
    assert!(
        !buckets.buckets().iter().filter_map(|bucket| bucket.name.as_ref()).any(of_stack),
        "{buckets:?}"
    );
}
