//! The template's tables and functions are those that the code expects.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook_aws::attribute;
use webhook_tests::template::{resources, template};

use crate::world::{configuration, deploy, providers, variables};

/// In the template for another reason than to be read: a version must differ from the one before in more than its
/// description.
const NOT_READ: &str = "RELEASE";

/// What the example consumer reads: the table at the head of its `main.rs`.
const CONSUMERS: [&str; 3] = ["CONSUMED_TABLE", "PAYLOAD_BUCKET", "RUST_LOG"];

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn tables_have_the_key_of_the_code_and_expire_items_by_its_attribute() {
    let template = template("template.yaml");
    let tables: BTreeSet<_> = resources(&template, "AWS::DynamoDB::Table").map(|(name, _)| name.as_str()).collect();
    // That the consumer writes the same attributes is shown where one runs: see combinations.rs.
    assert_eq!(tables, BTreeSet::from(["ConsumedEventsTable", "IdempotencyTable"]));
    for (name, table) in resources(&template, "AWS::DynamoDB::Table") {
        let properties = &table["Properties"];
        let attributes = json!([{"AttributeName": attribute::ID, "AttributeType": "S"}]);
        assert_eq!(properties["AttributeDefinitions"], attributes, "{name}");
        assert_eq!(properties["KeySchema"], json!([{"AttributeName": attribute::ID, "KeyType": "HASH"}]), "{name}");
        let ttl = json!({"AttributeName": attribute::EXPIRES_AT_S, "Enabled": true});
        assert_eq!(properties["TimeToLiveSpecification"], ttl, "{name}");
    }
}

#[tokio::test]
async fn functions_get_the_variables_that_their_code_reads_and_run_as_it_is_built() {
    deploy("wiring", &[("ExampleConsumer", "true")]).await;
    let receivers = names(webhook_lambda::VARIABLES.into_iter().chain([NOT_READ]));
    for provider in providers() {
        let variables = variables(&format!("wiring-{provider}")).await;
        assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), receivers, "{provider}");
        assert!(variables.values().all(|value| !value.is_empty()), "{variables:?}");
    }
    let variables = variables("wiring-example-consumer").await;
    let set: BTreeSet<_> = variables.keys().cloned().collect();
    let read = names(CONSUMERS);
    assert!(read.is_subset(&set), "{set:?}");
    // What it does not read comes from the template's globals.
    assert!(set.difference(&read).all(|name| receivers.contains(name)), "{set:?}");
    assert!(read.iter().all(|name| !variables[name].is_empty()), "{variables:?}");

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

/// The emulator lets every door call every function, so that a missing permission would not show there.
#[test]
fn each_front_door_may_call_its_function_and_nobody_else_may() {
    let template = template("template.yaml");
    let mut expected = BTreeSet::new();
    for provider in providers() {
        let (first, rest) = provider.split_at(1);
        let name = first.to_uppercase() + rest;
        let alias = json!({"Ref": format!("{name}Function.Alias")});
        let route = format!("/*/POST/webhooks/{provider}");
        let api = resource_of(&template, &format!("{name}Permission"));
        let source = api["Properties"]["SourceArn"]["Fn::Sub"][0].as_str().expect("a text");
        assert!(source.ends_with(&format!("${{ApiId}}{route}")), "{source}");
        assert_eq!(api["Properties"]["Principal"], "apigateway.amazonaws.com");
        let url = &resource_of(&template, &format!("{name}UrlPermission"))["Properties"];
        assert_eq!((&url["Action"], &url["FunctionUrlAuthType"]), (&json!("lambda:InvokeFunctionUrl"), &json!("NONE")));
        let invoke = &resource_of(&template, &format!("{name}UrlInvokePermission"))["Properties"];
        let through_url = (&json!("lambda:InvokeFunction"), &json!(true));
        assert_eq!((&invoke["Action"], &invoke["InvokedViaFunctionUrl"]), through_url);
        for (permission, condition) in
            [("Permission", "BehindApi"), ("UrlPermission", "BehindUrl"), ("UrlInvokePermission", "BehindUrl")]
        {
            let permission = format!("{name}{permission}");
            let resource = resource_of(&template, &permission);
            assert_eq!(resource["Condition"], format!("{name}{condition}"), "{permission}");
            assert_eq!(resource["Properties"]["FunctionName"], alias, "{permission}");
            expected.insert(permission);
        }
    }
    let found: BTreeSet<_> = resources(&template, "AWS::Lambda::Permission").map(|(name, _)| name.clone()).collect();
    assert_eq!(found, expected);
}

fn resource_of<'t>(template: &'t Value, name: &str) -> &'t Value {
    &template["Resources"][name]
}

/// Seconds in a day.
const DAY_S: u64 = 86_400;

#[test]
fn what_is_kept_outlives_what_needs_it() {
    let template = template("template.yaml");
    let resource = |name: &str| &template["Resources"][name]["Properties"];
    let parameter = |name: &str, of: &str| template["Parameters"][name][of].as_u64().expect("a number");
    let retention = |queue: &str| resource(queue)["MessageRetentionPeriod"].as_u64().expect("a number");

    let lived = retention("EventQueue") + retention("DeadLetterQueue");
    assert_eq!(lived, 28 * DAY_S, "14 days, the most that SQS knows, in each");
    let expiry = "PayloadExpiryDays";
    assert!(parameter(expiry, "MinValue") * DAY_S > lived, "no payload goes before the message that points to it");
    assert!(parameter(expiry, "Default") * DAY_S > 2 * lived, "nor after a redrive");
    assert_eq!(
        resource("PayloadBucket")["LifecycleConfiguration"]["Rules"],
        json!([{"Id": "expire", "Status": "Enabled", "ExpirationInDays": {"Ref": expiry}}])
    );

    let consumer_timeout = resource("ExampleConsumerFunction")["Timeout"].as_u64().expect("a number");
    let visibility = parameter("VisibilityTimeoutSeconds", "Default");
    assert!(visibility >= 6 * consumer_timeout, "AWS's advice for a queue that a function reads");

    let timeout = template["Globals"]["Function"]["Timeout"].as_u64().expect("a number");
    assert_eq!(timeout, 15, "Pinwheel waits no longer; the code gives up at 10 s");
    assert_eq!(parameter("TimestampToleranceSeconds", "Default"), 86_400);
    assert_eq!(parameter("RetentionSeconds", "Default"), 2_592_000);
    assert_eq!(parameter("SecretCacheSeconds", "Default"), 300);
    for table in ["IdempotencyTable", "ConsumedEventsTable"] {
        assert_eq!(resource(table)["PointInTimeRecoverySpecification"], json!({"PointInTimeRecoveryEnabled": true}));
    }
}

/// Under each of `Globals` and the functions: nothing but the parameter decides.
#[test]
fn tracing_and_log_retention_are_parameters() {
    let template = template("template.yaml");
    assert_eq!(template["Globals"]["Function"]["Tracing"], json!({"Ref": "Tracing"}));
    let groups: Vec<&Value> = resources(&template, "AWS::Logs::LogGroup").map(|(_, group)| group).collect();
    assert_eq!(groups.len(), 4);
    assert!(groups.iter().all(|group| group["Properties"]["RetentionInDays"] == json!({"Ref": "LogRetentionDays"})));
}
