//! The template's tables and functions are those that the code expects.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook_aws::attribute;
use webhook_tests::template::{pascal_case, resources, template};
use webhook_verify::{Provider, providers::named};

use crate::world::{configuration, deploy, providers, variables};

/// Set by the template, and never read: a version must differ from the one before in more than its description.
const NOT_READ: [&str; 1] = ["RELEASE"];

/// Empty by default, which counts as absent.
const EMPTY: [&str; 3] = ["PUBLIC_URL", "SIGNATURE_SCHEMES", "TIMESTAMP_TOLERANCE_S"];

/// What the example consumer reads: the table at the head of its `main.rs`.
const CONSUMERS: [&str; 3] = ["CONSUMED_TABLE", "PAYLOAD_BUCKET", "RUST_LOG"];

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn tables_have_the_key_of_the_code_and_expire_items_by_its_attribute() {
    let template = template("template.yaml");
    let tables: BTreeSet<_> =
        resources(&template, "AWS::DynamoDB::Table").map(|(name, _)| name.as_str()).collect();
    // That the consumer writes the same attributes is shown where one runs: see combinations.rs.
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
async fn functions_get_the_variables_and_the_runtime_that_they_need() {
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

/// The emulator lets every door call every function, so that a missing permission would not show there.
#[test]
fn each_front_door_may_call_its_function_and_nobody_else_may() {
    let template = template("provider.yaml");
    let source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiId}/*/POST/webhooks/${Provider}";
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
            json!({"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true}),
        ),
        (
            "UrlPermission",
            "BehindUrl",
            json!({"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}),
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

#[test]
fn what_is_kept_outlives_what_needs_it() {
    let (template, provider) = (template("template.yaml"), template("provider.yaml"));
    let resource = |name: &str| &template["Resources"][name]["Properties"];
    let parameter =
        |name: &str, of: &str| template["Parameters"][name][of].as_u64().expect("a number");
    let retention =
        |queue: &str| resource(queue)["MessageRetentionPeriod"].as_u64().expect("a number");

    let lived = retention("EventQueue") + retention("DeadLetterQueue");
    assert_eq!(lived, 28 * DAY_S, "14 days, the most that SQS knows, in each");
    let expiry_days = 60;
    assert!(
        expiry_days * DAY_S > 2 * lived,
        "no payload goes before the message that points to it, nor after a redrive"
    );
    assert_eq!(
        resource("PayloadBucket")["LifecycleConfiguration"]["Rules"],
        json!([{"Id": "expire", "Status": "Enabled", "ExpirationInDays": expiry_days}])
    );

    let consumer_timeout =
        resource("ExampleConsumerFunction")["Timeout"].as_u64().expect("a number");
    let visibility = parameter("VisibilityTimeoutSeconds", "Default");
    assert!(visibility >= 6 * consumer_timeout, "AWS's advice for a queue that a function reads");

    let receiver = &provider["Resources"]["Function"]["Properties"];
    assert_eq!(receiver["Timeout"], 15, "Pinwheel waits no longer; the code gives up at 10 s");
    assert_eq!(
        template["Parameters"]["TimestampToleranceSeconds"]["Default"], "",
        "each provider's own"
    );
    assert_eq!(parameter("RetentionSeconds", "Default"), 2_592_000);
    assert_eq!(receiver["Environment"]["Variables"]["SECRET_CACHE_S"], "300");
    for table in ["IdempotencyTable", "ConsumedEventsTable"] {
        assert_eq!(
            resource(table)["PointInTimeRecoverySpecification"],
            json!({"PointInTimeRecoveryEnabled": true})
        );
    }
}

/// Nothing but the parameter decides.
#[test]
fn tracing_and_log_retention_are_parameters() {
    let (mut functions, mut groups) = (0, 0);
    for template in ["template.yaml", "provider.yaml"].map(template) {
        for (name, function) in resources(&template, "AWS::Serverless::Function") {
            // The hook's role may send no traces, and Lambda refuses a function that should and may not.
            let tracing =
                if name == "PreTrafficHook" { Value::Null } else { json!({"Ref": "Tracing"}) };
            assert_eq!(function["Properties"]["Tracing"], tracing, "{name}");
            functions += 1;
        }
        for (name, group) in resources(&template, "AWS::Logs::LogGroup") {
            assert_eq!(
                group["Properties"]["RetentionInDays"],
                json!({"Ref": "LogRetentionDays"}),
                "{name}"
            );
            groups += 1;
        }
    }
    assert_eq!(
        (functions, groups),
        (3, 4),
        "receiver, hook and consumer, and the API's access log"
    );
}
