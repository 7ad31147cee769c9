//! Alarms and graphs look at what is there: metrics that the code emits (`functions/metrics.rs` shows that it emits the list,
//! and no other) or AWS's own; and each alarm leads to what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_lambda::metrics::{METRICS, NAMESPACE};
use webhook_tests::{
    http::post,
    template::{resources, template},
    workspace,
};

use crate::world::{api, deploy, providers, signed};

/// A metric as CloudWatch finds it: namespace, name, names of its dimensions.
type Metric = (String, String, BTreeSet<String>);

fn metric(namespace: &str, name: &str, dimensions: &[&str]) -> Metric {
    (
        namespace.to_owned(),
        name.to_owned(),
        dimensions.iter().map(|name| (*name).to_owned()).collect(),
    )
}

/// All that there is to look at. Of AWS's own:
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>,
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>,
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>.
fn known() -> BTreeSet<Metric> {
    let ours = METRICS.iter().flat_map(|listed| {
        listed
            .dimension_sets()
            .into_iter()
            .map(|dimensions| metric(NAMESPACE, listed.name(), &dimensions))
    });
    let of_aws = [
        metric("AWS/ApiGateway", "5xx", &["ApiId"]),
        metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["TableName"]),
        metric("AWS/DynamoDB", "SystemErrors", &["TableName", "Operation"]),
        metric("AWS/DynamoDB", "WriteThrottleEvents", &["TableName"]),
        metric("AWS/Lambda", "Duration", &["FunctionName"]),
        metric("AWS/Lambda", "Errors", &["FunctionName"]),
        metric("AWS/Lambda", "Errors", &["FunctionName", "Resource"]),
        metric("AWS/Lambda", "Errors", &["FunctionName", "Resource", "ExecutedVersion"]),
        metric("AWS/Lambda", "Invocations", &["FunctionName"]),
        metric("AWS/Lambda", "Throttles", &["FunctionName"]),
        metric("AWS/SQS", "ApproximateAgeOfOldestMessage", &["QueueName"]),
        metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", &["QueueName"]),
    ];
    ours.chain(of_aws).chain(filtered()).collect()
}

/// The metrics that filters make of the API's access log.
fn filtered() -> Vec<Metric> {
    let template = template("monitoring.yaml");
    let filters = resources(&template, "AWS::Logs::MetricFilter");
    let transformations = filters
        .flat_map(|(_, filter)| items(&filter["Properties"]["MetricTransformations"]).cloned());
    let metric = |of: Value| {
        let dimensions: Vec<&str> =
            items(&of["Dimensions"]).map(|dimension| text(&dimension["Key"])).collect();
        metric(text(&of["MetricNamespace"]), text(&of["MetricName"]), &dimensions)
    };
    transformations.map(metric).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

/// The metrics that an alarm looks at.
fn watched(alarm: &Value) -> BTreeSet<Metric> {
    let of = |metric: &Value| {
        let dimensions =
            items(&metric["Dimensions"]).map(|dimension| text(&dimension["Name"]).to_owned());
        (
            text(&metric["Namespace"]).to_owned(),
            text(&metric["MetricName"]).to_owned(),
            dimensions.collect(),
        )
    };
    match alarm["Metrics"].as_array() {
        None => BTreeSet::from([of(alarm)]),
        Some(queries) => queries
            .iter()
            .map(|query| &query["MetricStat"]["Metric"])
            .filter(|metric| !metric.is_null())
            .map(of)
            .collect(),
    }
}

/// The section of OPERATIONS.md that an alarm names.
fn section(alarm: &Value) -> &str {
    let (said, section) =
        text(&alarm["AlarmDescription"]).rsplit_once(" See \"").expect("it names a section");
    assert!(said.len() > 80, "it says what happened and what to do: {said}");
    section.strip_suffix("\" in infra/OPERATIONS.md.").expect("it names the file")
}

#[test]
fn each_alarm_watches_what_is_emitted_and_names_a_section_that_is_there() {
    let (of_stack, of_provider) = (template("monitoring.yaml"), template("provider-alarms.yaml"));
    let alarms: Vec<(&String, &Value)> = [&of_stack, &of_provider]
        .into_iter()
        .flat_map(|template| resources(template, "AWS::CloudWatch::Alarm"))
        .map(|(name, alarm)| (name, &alarm["Properties"]))
        .collect();
    let known = known();
    for (name, alarm) in &alarms {
        let unknown: Vec<_> = watched(alarm).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{name} would never see {unknown:?}");
    }
    let found: BTreeMap<&str, (String, &str)> = alarms
        .iter()
        .map(|(name, alarm)| {
            let metrics: BTreeSet<_> = watched(alarm)
                .into_iter()
                .map(|(space, name, _)| format!("{space} {name}"))
                .collect();
            (name.as_str(), (metrics.into_iter().collect::<Vec<_>>().join(", "), section(alarm)))
        })
        .collect();
    let expected: BTreeMap<&str, (String, &str)> = [
        ("ApiServerErrorsAlarm", "AWS/ApiGateway 5xx", "Faults answered 503"),
        ("ApiThrottledAlarm", "Webhooks ApiThrottled", "Throttled by the API"),
        ("ApiTooLargeAlarm", "Webhooks ApiTooLarge", "Too large deliveries"),
        ("ApiUnknownRoutesAlarm", "Webhooks ApiUnknownRoutes", "Unknown routes"),
        ("DeadLettersAlarm", "AWS/SQS ApproximateNumberOfMessagesVisible", "Dead letters"),
        ("DurationAlarm", "AWS/Lambda Duration", "Slow answers"),
        ("ErrorsAlarm", "AWS/Lambda Errors", "Function errors"),
        ("FaultsAlarm", "Webhooks Faults", "Faults answered 503"),
        ("LeaseTakeoversAlarm", "Webhooks LeaseTakeovers", "Leases taken over"),
        ("MostRefusedAlarm", "Webhooks Deliveries, Webhooks Refusals", "Refused signatures"),
        ("OldestMessageAlarm", "AWS/SQS ApproximateAgeOfOldestMessage", "Events that wait"),
        ("RefusedAlarm", "Webhooks Deliveries, Webhooks Refusals", "Refused signatures"),
        ("RequestsAlarm", "AWS/Lambda Invocations", "Many requests"),
        ("SecretFetchFailuresAlarm", "Webhooks SecretFetchFailures", "Secret cannot be fetched"),
        ("TableSystemErrorsAlarm", "AWS/DynamoDB SystemErrors", "Table throttled or failing"),
        ("TableThrottlesAlarm", "AWS/DynamoDB WriteThrottleEvents", "Table throttled or failing"),
        ("ThrottlesAlarm", "AWS/Lambda Throttles", "Throttled function"),
        ("VersionErrorsAlarm", "AWS/Lambda Errors", "Function errors"),
        ("VersionFaultsAlarm", "Webhooks Faults", "Faults answered 503"),
    ]
    .map(|(name, metrics, section)| (name, (metrics.to_owned(), section)))
    .into();
    assert_eq!(found, expected);

    let sections: BTreeSet<&str> = found.values().map(|(_, section)| *section).collect();
    let operations = operations();
    let (_, under_alarms) =
        operations.split_once("\n## Alarms\n").expect("there is a chapter on alarms");
    let (under_alarms, _) = under_alarms.split_once("\n## ").expect("another follows");
    let headings: BTreeSet<&str> =
        under_alarms.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections, headings, "each alarm has its section, and each section an alarm");
}

/// The emulator writes no access log: this shows that the filters read members that a line has.
#[test]
fn filters_look_at_what_the_access_log_has() {
    let (of_stack, of_api) = (template("monitoring.yaml"), template("template.yaml"));
    let format =
        text(&of_api["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]);
    let line: Value = serde_json::from_str(format).expect("a line is JSON");
    let filters: BTreeMap<&str, &str> = resources(&of_stack, "AWS::Logs::MetricFilter")
        .map(|(_, filter)| {
            let [transformation] =
                &items(&filter["Properties"]["MetricTransformations"]).collect::<Vec<_>>()[..]
            else {
                panic!("one metric: {filter}")
            };
            assert_eq!(transformation["MetricValue"], "1");
            assert_eq!(transformation["Dimensions"], json!([{"Key": "ApiId", "Value": "$.api"}]));
            (text(&transformation["MetricName"]), text(&filter["Properties"]["FilterPattern"]))
        })
        .collect();
    let expected = [
        ("ApiThrottled", "{ $.status = \"429\" }"),
        ("ApiTooLarge", "{ $.status = \"413\" }"),
        ("ApiUnknownRoutes", "{ $.status = \"404\" }"),
    ];
    assert_eq!(filters, expected.into());
    assert_eq!(
        (&line["api"], &line["status"]),
        (&json!("$context.apiId"), &json!("$context.status"))
    );
}

#[tokio::test]
async fn alarms_on_queues_of_another_account_are_not_made() {
    let parameters = [
        ("ExistingQueueArn", "arn:aws:sqs:us-east-1:111111111111:events.fifo"),
        ("ExistingDeadLetterQueueArn", "arn:aws:sqs:us-east-1:111111111111:dead.fifo"),
    ];
    deploy("elsewhere", &parameters).await;
    let target = "GraniteServiceVersion20100801.DescribeAlarms";
    let alarms = api().await.json(
        "POST",
        "monitoring",
        "/",
        Some(target),
        &json!({"AlarmNamePrefix": "elsewhere-"}),
    );
    let names: Vec<&str> =
        items(&alarms["MetricAlarms"]).map(|alarm| text(&alarm["AlarmName"])).collect();
    assert_eq!(names.len(), 6 + 9 * providers().len(), "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name.ends_with("oldest-message") || name.ends_with("dead-letters")),
        "{names:?}"
    );
}

fn operations() -> String {
    fs::read_to_string(workspace().join("infra/OPERATIONS.md")).expect("it can be read")
}

#[test]
fn links_within_operations_lead_to_headings() {
    let operations = operations();
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let headings: BTreeSet<String> = operations
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches(['#', ' '])))
        .collect();
    let links: Vec<&str> = operations
        .split("](#")
        .skip(1)
        .map(|rest| rest.split_once(')').expect("a link ends").0)
        .collect();
    assert!(links.len() > 3, "{links:?}");
    let dead: Vec<_> = links.iter().filter(|link| !headings.contains(**link)).collect();
    assert_eq!(dead, [&""; 0]);
}

/// The metrics that a graph draws, as rows of the dashboard's JSON: `.` stands for what stands there in the row before, and
/// `...` for all that is not given.
fn drawn(widget: &Value) -> Vec<(Metric, BTreeMap<String, BTreeSet<String>>)> {
    let mut above: Vec<String> = Vec::new();
    let mut drawn = Vec::new();
    for row in items(&widget["properties"]["metrics"]) {
        if let Some(search) = row[0]["expression"].as_str() {
            drawn.extend(searched(search));
            continue;
        }
        let mut row: Vec<String> =
            items(row).filter_map(Value::as_str).map(str::to_owned).collect();
        if row[0] == "..." {
            let kept = above.len() - (row.len() - 1);
            row = above[..kept].iter().chain(&row[1..]).cloned().collect();
        }
        for (cell, before) in row.iter_mut().zip(&above) {
            if cell == "." {
                cell.clone_from(before);
            }
        }
        let dimensions: BTreeMap<String, BTreeSet<String>> = row[2..]
            .chunks(2)
            .map(|pair| (pair[0].clone(), BTreeSet::from([pair[1].clone()])))
            .collect();
        drawn.push((
            (row[0].clone(), row[1].clone(), dimensions.keys().cloned().collect()),
            dimensions,
        ));
        above = row;
    }
    drawn
}

/// `SEARCH('{namespace,dimension,…} MetricName=("a" OR "b") FunctionName=("c" OR "d")', …)`.
fn searched(search: &str) -> Vec<(Metric, BTreeMap<String, BTreeSet<String>>)> {
    let (_, schema) = search.split_once("SEARCH('{").expect("a search");
    let (schema, terms) = schema.split_once("} ").expect("a schema");
    let mut schema = schema.split(',').map(str::to_owned);
    let namespace = schema.next().expect("a namespace");
    let dimensions: BTreeSet<String> = schema.collect();
    let quoted = |name: &str| -> BTreeSet<String> {
        let (_, rest) = terms.split_once(&format!("{name}=")).expect("the term is there");
        let end = rest.find([')', '\'']).expect("it ends");
        rest[..end].split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let functions = BTreeMap::from([("FunctionName".to_owned(), quoted("FunctionName"))]);
    // The first term may be a single name without brackets, which ends at the next term.
    let names =
        quoted("MetricName").into_iter().filter(|name| !functions["FunctionName"].contains(name));
    names.map(|name| ((namespace.clone(), name, dimensions.clone()), functions.clone())).collect()
}

/// What the deployed alarms and graphs name is what the deployed stack has, and its functions emit.
#[tokio::test]
async fn deployed_alarms_watch_the_stack_and_metrics_that_are_emitted() {
    let stack = deploy("watched", &[]).await;
    let last = |output: &str| stack.outputs[output].rsplit(':').next().expect("an ARN").to_owned();
    let functions: Vec<String> =
        providers().iter().map(|provider| format!("watched-{provider}")).collect();
    let names: BTreeMap<&str, BTreeSet<String>> = [
        ("ApiId", vec![stack.outputs["ApiId"].clone()]),
        ("FunctionName", functions.clone()),
        ("QueueName", vec![last("EventQueueArn"), last("DeadLetterQueueArn")]),
        ("Resource", functions.iter().map(|function| format!("{function}:live")).collect()),
        ("TableName", vec![stack.outputs["IdempotencyTableName"].clone()]),
        ("Operation", vec!["PutItem".to_owned()]),
    ]
    .map(|(dimension, values)| (dimension, values.into_iter().collect()))
    .into();
    let api = api().await;
    let call = |action: &str, body: &Value| {
        api.json(
            "POST",
            "monitoring",
            "/",
            Some(&format!("GraniteServiceVersion20100801.{action}")),
            body,
        )
    };

    let alarms = call("DescribeAlarms", &json!({"AlarmNamePrefix": "watched-"}));
    let mut count = 0;
    for alarm in items(&alarms["MetricAlarms"]) {
        count += 1;
        for dimension in alarm["Dimensions"].as_array().into_iter().flatten() {
            assert!(
                names[text(&dimension["Name"])].contains(text(&dimension["Value"])),
                "{dimension} in {alarm}"
            );
        }
        assert_eq!(alarm["AlarmActions"], json!([stack.outputs["AlarmTopicArn"]]), "{alarm}");
    }
    assert_eq!(count, 8 + 9 * functions.len(), "the shared ones, and each provider's");

    let known = known();
    assert_eq!(
        stack.outputs["DashboardName"], "watched-us-east-1",
        "a dashboard is the account's, in all regions"
    );
    let body = call("GetDashboard", &json!({"DashboardName": stack.outputs["DashboardName"]}));
    let dashboard: Value =
        serde_json::from_str(text(&body["DashboardBody"])).expect("a dashboard is JSON");
    let mut graphed = BTreeSet::new();
    for widget in items(&dashboard["widgets"]) {
        let drawn = drawn(widget);
        assert!(!drawn.is_empty(), "{widget}");
        for (metric, dimensions) in drawn {
            assert!(known.contains(&metric), "{metric:?} is drawn, and nobody emits it");
            for (dimension, values) in dimensions {
                assert!(values.is_subset(&names[dimension.as_str()]), "{dimension}: {values:?}");
            }
            graphed.insert(metric.1);
        }
    }
    assert!(
        graphed.contains("ApproximateAgeOfOldestMessage") && graphed.contains("CompleteDuration"),
        "{graphed:?}"
    );
    let alone = items(&dashboard["widgets"]).filter(|widget| {
        let metrics = drawn(widget).into_iter().map(|((_, name, _), _)| name);
        metrics.collect::<BTreeSet<_>>() == BTreeSet::from(["PreviousSecretUses".to_owned()])
    });
    assert_eq!(alone.count(), 1, "a rotation is seen to end on a graph of its own");
    let titles: Vec<_> =
        items(&dashboard["widgets"]).map(|widget| text(&widget["properties"]["title"])).collect();
    let operations = operations();
    let (_, graphs) = operations
        .split_once("| graph | normal | alarms |\n|---|---|---|\n")
        .expect("there is a table");
    let rows: Vec<_> =
        graphs.lines().map_while(|row| row.strip_prefix("| ")?.split(" | ").next()).collect();
    assert_eq!(rows.len(), titles.len(), "each graph is explained");
    assert!(
        rows.iter().zip(&titles).all(|(row, title)| title.starts_with(row)),
        "{rows:?} {titles:?}"
    );

    for provider in providers() {
        let event = signed(provider, DEVELOPMENT_SECRET, "e1", 10);
        assert_eq!(post(&stack.url(provider), &event.headers, event.body.as_bytes()).0, 200);
        let group = json!({"logGroupName": format!("/aws/lambda/watched-{provider}")});
        let log = api.json("POST", "logs", "/", Some("Logs_20140328.FilterLogEvents"), &group);
        let lines = items(&log["events"]).flat_map(|event| text(&event["message"]).lines());
        let line = lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["_aws"].is_object());
        let line = line.unwrap_or_else(|| panic!("no line of metrics in {log}"));
        assert_eq!(line["FunctionName"], format!("watched-{provider}"));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
    }
}
