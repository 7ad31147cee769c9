//! The template's tables and functions are those that the code expects.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook_aws::attribute;
use webhook_tests::template::{pascal_case, resources, template};
use webhook_verify::{Provider, providers::named};

use crate::world::{configuration, deploy, providers, variables};

/// Set by the template, but never read. A new version must differ from the previous one in more
/// than its description: this makes it differ.
const NOT_READ: [&str; 1] = ["RELEASE"];

/// Empty by default, which counts as absent.
const EMPTY: [&str; 3] = ["PUBLIC_URL", "SIGNATURE_SCHEMES", "TIMESTAMP_TOLERANCE_S"];

/// The variables of the example consumer: the table at the head of its `main.rs`.
const CONSUMERS: [&str; 3] = ["CONSUMED_TABLE", "PAYLOAD_BUCKET", "RUST_LOG"];

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn tables_have_the_key_and_the_ttl_attribute_of_the_code() {
    let template = template("template.yaml");
    let tables: BTreeSet<_> =
        resources(&template, "AWS::DynamoDB::Table").map(|(name, _)| name.as_str()).collect();
    // combinations.rs runs a consumer, and shows that it writes the same attributes.
    assert_eq!(tables, BTreeSet::from(["ConsumedEventsTable", "IdempotencyTable"]));
    for (name, table) in resources(&template, "AWS::DynamoDB::Table") {
        let properties = &table["Properties"];
        let attributes = json!([{"AttributeName": attribute::ID, "AttributeType": "S"}]);
        assert_eq!(properties["AttributeDefinitions"], attributes, "{name}");
        assert_eq!(
            properties["KeySchema"],
            json!([{"AttributeName": attribute::ID, "KeyType": "HASH"}]),
            "{name}"
        );
        let ttl = json!({"AttributeName": attribute::EXPIRES_AT_S, "Enabled": true});
        assert_eq!(properties["TimeToLiveSpecification"], ttl, "{name}");
    }
}

#[tokio::test]
async fn deployed_functions_have_the_configuration_that_they_need() {
    deploy("wiring", &[("ExampleConsumer", "true")]).await;
    let receivers = names(webhook_lambda::VARIABLES.into_iter().chain(NOT_READ));
    for provider in providers() {
        let variables = variables(&format!("wiring-{provider}")).await;
        assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), receivers, "{provider}");
        let public_url = named(provider).is_some_and(Provider::signs_url).then_some("PUBLIC_URL");
        let expected = EMPTY.into_iter().filter(|name| Some(*name) != public_url);
        let empty =
            variables.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name.as_str());
        assert_eq!(names(empty), names(expected), "{provider}");
    }
    let variables = variables("wiring-example-consumer").await;
    assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), names(CONSUMERS));
    assert!(variables.values().all(|value| !value.is_empty()), "{variables:?}");

    for name in providers().into_iter().chain(["example-consumer"]) {
        let function = format!("wiring-{name}");
        let configuration = configuration(&function).await;
        let text = |name: &str| configuration[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (text("Runtime").as_str(), text("Handler").as_str()),
            ("provided.al2023", "bootstrap"),
            "{function}"
        );
        assert_eq!(configuration["LoggingConfig"]["LogGroup"], format!("/aws/lambda/{function}"));
    }
}

#[tokio::test]
async fn each_provider_gets_the_values_of_its_own_parameters() {
    let value = |provider: &str, of: &str| match of {
        "SignatureSchemes" => format!("{provider}-v1,{provider}-v2"),
        _ => format!("https://hooks.example.com/webhooks/{provider}"),
    };
    let parameters: Vec<(String, String)> = providers()
        .into_iter()
        .flat_map(|provider| {
            let parameter =
                |of: &str| (format!("{}{of}", pascal_case(provider)), value(provider, of));
            ["SignatureSchemes", "PublicUrl"].map(parameter)
        })
        .collect();
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    deploy("own", &parameters).await;
    for provider in providers() {
        let variables = variables(&format!("own-{provider}")).await;
        assert_eq!(variables["SIGNATURE_SCHEMES"], value(provider, "SignatureSchemes"));
        assert_eq!(variables["PUBLIC_URL"], value(provider, "PublicUrl"));
    }
}

/// In the emulator every API may call every function, so a missing permission would not show there.
#[test]
fn only_its_front_door_may_call_a_function() {
    let template = template("provider.yaml");
    let source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:\
                  ${ApiId}/*/POST/webhooks/${Provider}";
    let expected = [
        (
            "Permission",
            "BehindApi",
            json!({
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": source},
            }),
        ),
        (
            "UrlInvokePermission",
            "BehindUrl",
            json!({
                "Action": "lambda:InvokeFunction",
                "Principal": "*",
                "InvokedViaFunctionUrl": true,
            }),
        ),
        (
            "UrlPermission",
            "BehindUrl",
            json!({
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "FunctionUrlAuthType": "NONE",
            }),
        ),
    ];
    let mut found: Vec<_> = resources(&template, "AWS::Lambda::Permission")
        .map(|(name, permission)| {
            let mut properties = permission["Properties"].clone();
            let function = properties.as_object_mut().expect("an object").remove("FunctionName");
            assert_eq!(function, Some(json!({"Ref": "Function.Alias"})), "{name}");
            (name.as_str(), permission["Condition"].as_str().expect("a condition"), properties)
        })
        .collect();
    found.sort_by_key(|(name, ..)| *name);
    assert_eq!(found, expected);
}

/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// Returns the properties of a resource in `template.yaml`.
fn properties<'t>(template: &'t Value, resource: &str) -> &'t Value {
    &template["Resources"][resource]["Properties"]
}

/// Returns the default of a parameter in `template.yaml`.
fn default<'t>(template: &'t Value, parameter: &str) -> &'t Value {
    &template["Parameters"][parameter]["Default"]
}

#[test]
fn payloads_outlive_the_messages_that_point_to_them() {
    let template = template("template.yaml");
    let retention = |queue: &str| {
        properties(&template, queue)["MessageRetentionPeriod"].as_u64().expect("a number")
    };
    let lived = retention("EventQueue") + retention("DeadLetterQueue");
    assert_eq!(lived, 28 * DAY_S, "14 days, the most that SQS allows, in each");
    let expiry_days = 60;
    assert!(
        expiry_days * DAY_S > 2 * lived,
        "no payload goes before the message that points to it, not even after a redrive"
    );
    assert_eq!(
        properties(&template, "PayloadBucket")["LifecycleConfiguration"]["Rules"],
        json!([{"Id": "expire", "Status": "Enabled", "ExpirationInDays": expiry_days}])
    );
}

#[test]
fn a_message_is_received_five_times_before_it_is_a_dead_letter() {
    let template = template("template.yaml");
    assert_eq!(properties(&template, "EventQueue")["RedrivePolicy"]["maxReceiveCount"], 5);
}

#[test]
fn messages_stay_hidden_six_times_as_long_as_the_consumer_may_run() {
    let template = template("template.yaml");
    let timeout = properties(&template, "ExampleConsumerFunction")["Timeout"].as_u64();
    let visibility = default(&template, "VisibilityTimeoutSeconds").as_u64();
    assert!(
        visibility.expect("a number") >= 6 * timeout.expect("a number"),
        "AWS's advice for a queue that a function reads"
    );
}

#[test]
fn receivers_time_out_after_15_s() {
    let provider = template("provider.yaml");
    let timeout = &properties(&provider, "Function")["Timeout"];
    assert_eq!(*timeout, 15, "Pinwheel waits no longer; the code gives up at 10 s");
}

#[test]
fn times_have_the_contracts_defaults() {
    let (template, provider) = (template("template.yaml"), template("provider.yaml"));
    assert_eq!(*default(&template, "TimestampToleranceSeconds"), "", "each provider's own");
    assert_eq!(*default(&template, "RetentionSeconds"), 2_592_000);
    let variables = &provider["Resources"]["Function"]["Properties"]["Environment"]["Variables"];
    assert_eq!(variables["SECRET_CACHE_S"], "300");
}

#[test]
fn tables_can_be_restored_to_any_point_in_time() {
    let template = template("template.yaml");
    for table in ["IdempotencyTable", "ConsumedEventsTable"] {
        assert_eq!(
            properties(&template, table)["PointInTimeRecoverySpecification"],
            json!({"PointInTimeRecoveryEnabled": true})
        );
    }
}

#[test]
fn only_the_parameter_decides_on_tracing() {
    let mut functions = 0;
    for template in ["template.yaml", "provider.yaml"].map(template) {
        for (name, function) in resources(&template, "AWS::Serverless::Function") {
            // The hook's role may not send traces, so Lambda would refuse a hook that is set to
            // send them.
            let tracing =
                if name == "PreTrafficHook" { Value::Null } else { json!({"Ref": "Tracing"}) };
            assert_eq!(function["Properties"]["Tracing"], tracing, "{name}");
            functions += 1;
        }
    }
    assert_eq!(functions, 3, "receiver, hook and consumer");
}

#[test]
fn only_the_parameter_decides_how_long_logs_are_kept() {
    let mut groups = 0;
    for template in ["template.yaml", "provider.yaml"].map(template) {
        for (name, group) in resources(&template, "AWS::Logs::LogGroup") {
            assert_eq!(
                group["Properties"]["RetentionInDays"],
                json!({"Ref": "LogRetentionDays"}),
                "{name}"
            );
            groups += 1;
        }
    }
    assert_eq!(groups, 4, "receiver, hook and consumer, and the API's access log");
}
