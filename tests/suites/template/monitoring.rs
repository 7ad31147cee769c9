//! Alarms and graphs use metrics that exist: AWS's own, or those that the code emits
//! (`functions/metrics.rs` shows that it emits those of the list, and no others). Each alarm names
//! the section that says what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_lambda::metrics::{METRICS, NAMESPACE};
use webhook_tests::{
    http::post,
    stack::Stack,
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

/// Returns all metrics that exist. AWS's own are from:
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

/// Returns the metrics that filters make from the API's access log.
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

/// Returns the metrics that an alarm watches.
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

/// Returns the section of ALARMS.md that an alarm names.
fn section(alarm: &Value) -> &str {
    let (said, section) =
        text(&alarm["AlarmDescription"]).rsplit_once(" See \"").expect("it names a section");
    assert!(said.len() > 80, "it says what happened and what to do: {said}");
    section.strip_suffix("\" in infra/ALARMS.md.").expect("it names the file")
}

/// Returns the properties of each alarm of the templates, by its name.
fn alarms() -> BTreeMap<String, Value> {
    let templates = ["monitoring.yaml", "provider-alarms.yaml"].map(template);
    templates
        .iter()
        .flat_map(|template| resources(template, "AWS::CloudWatch::Alarm"))
        .map(|(name, alarm)| (name.clone(), alarm["Properties"].clone()))
        .collect()
}

#[test]
fn each_alarm_watches_metrics_that_exist() {
    let known = known();
    for (name, alarm) in &alarms() {
        let unknown: Vec<_> = watched(alarm).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{name} watches {unknown:?}, which nobody emits");
    }
}

#[test]
fn each_alarm_watches_its_metrics_and_names_its_section() {
    let alarms = alarms();
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
        ("ApiTooLargeAlarm", "Webhooks ApiTooLarge", "Deliveries that are too large"),
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
}

#[test]
fn each_alarm_has_a_section_on_its_page_and_each_section_an_alarm() {
    let alarms = alarms();
    let sections: BTreeSet<&str> = alarms.values().map(section).collect();
    let page = alarms_page();
    let headings: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections, headings);
}

/// The emulator writes no access log, so this compares the filters with the log's format.
#[test]
fn log_filters_read_members_that_the_access_log_has() {
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
async fn alarms_on_queues_of_another_account_are_not_created() {
    let parameters = [
        ("ExistingQueueArn", "arn:aws:sqs:us-east-1:111111111111:events.fifo"),
        ("ExistingDeadLetterQueueArn", "arn:aws:sqs:us-east-1:111111111111:dead.fifo"),
    ];
    deploy("elsewhere", &parameters).await;
    let alarms = cloudwatch("DescribeAlarms", &json!({"AlarmNamePrefix": "elsewhere-"})).await;
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

fn alarms_page() -> String {
    fs::read_to_string(workspace().join("infra/ALARMS.md")).expect("it can be read")
}

/// Returns the metrics that a graph draws, with the values of their dimensions. In the rows of the
/// dashboard's JSON, `.` repeats the value from the row above, and `...` all values that are not
/// given.
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

/// Returns the metrics of a search such as
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

/// Calls an action of CloudWatch.
async fn cloudwatch(action: &str, body: &Value) -> Value {
    let target = format!("GraniteServiceVersion20100801.{action}");
    api().await.json("POST", "monitoring", "/", Some(&target), body)
}

/// Returns the values that each dimension of a metric has in a stack.
fn dimensions_of(stack: &Stack) -> BTreeMap<&'static str, BTreeSet<String>> {
    let last = |output: &str| stack.outputs[output].rsplit(':').next().expect("an ARN").to_owned();
    let functions: Vec<String> =
        providers().iter().map(|provider| format!("{}-{provider}", stack.name)).collect();
    [
        ("ApiId", vec![stack.outputs["ApiId"].clone()]),
        ("Resource", functions.iter().map(|function| format!("{function}:live")).collect()),
        ("FunctionName", functions),
        ("QueueName", vec![last("EventQueueArn"), last("DeadLetterQueueArn")]),
        ("TableName", vec![stack.outputs["IdempotencyTableName"].clone()]),
        ("Operation", vec!["PutItem".to_owned()]),
    ]
    .map(|(dimension, values)| (dimension, values.into_iter().collect()))
    .into()
}

#[tokio::test]
async fn deployed_alarms_watch_the_stack_and_notify_its_topic() {
    let stack = deploy("watched", &[]).await;
    let of_stack = dimensions_of(&stack);
    let alarms = cloudwatch("DescribeAlarms", &json!({"AlarmNamePrefix": "watched-"})).await;
    let mut count = 0;
    for alarm in items(&alarms["MetricAlarms"]) {
        count += 1;
        for dimension in alarm["Dimensions"].as_array().into_iter().flatten() {
            assert!(
                of_stack[text(&dimension["Name"])].contains(text(&dimension["Value"])),
                "{dimension} in {alarm}"
            );
        }
        assert_eq!(alarm["AlarmActions"], json!([stack.outputs["AlarmTopicArn"]]), "{alarm}");
    }
    assert_eq!(count, 8 + 9 * providers().len(), "the shared ones, and each provider's");
}

#[tokio::test]
async fn deployed_graphs_draw_metrics_that_exist_in_the_stack() {
    let stack = deploy("graphed", &[]).await;
    let (of_stack, known) = (dimensions_of(&stack), known());
    let name = &stack.outputs["DashboardName"];
    assert_eq!(name, "graphed-us-east-1", "an account shows the dashboards of all its regions");
    let body = cloudwatch("GetDashboard", &json!({"DashboardName": name})).await;
    let dashboard: Value =
        serde_json::from_str(text(&body["DashboardBody"])).expect("a dashboard is JSON");
    let mut graphed = BTreeSet::new();
    for widget in items(&dashboard["widgets"]) {
        let drawn = drawn(widget);
        assert!(!drawn.is_empty(), "{widget}");
        for (metric, dimensions) in drawn {
            assert!(known.contains(&metric), "{metric:?} is drawn, but nobody emits it");
            for (dimension, values) in dimensions {
                assert!(values.is_subset(&of_stack[dimension.as_str()]), "{dimension}: {values:?}");
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
    assert_eq!(alone.count(), 1, "the end of a rotation is seen on a graph of its own");
}

#[test]
fn each_graph_is_explained_on_the_alarms_page_in_order() {
    let template = template("monitoring.yaml");
    let (_, dashboard) =
        resources(&template, "AWS::CloudWatch::Dashboard").next().expect("there is a dashboard");
    let titles: Vec<&str> = text(&dashboard["Properties"]["DashboardBody"]["Fn::Sub"][0])
        .split("\"title\": \"")
        .skip(1)
        .map(|rest| rest.split_once('"').expect("a title ends").0)
        .collect();
    let page = alarms_page();
    let (_, graphs) =
        page.split_once("| graph | normal | alarms |\n|---|---|---|\n").expect("there is a table");
    let rows: Vec<_> =
        graphs.lines().map_while(|row| row.strip_prefix("| ")?.split(" | ").next()).collect();
    assert_eq!(rows.len(), titles.len(), "{rows:?} {titles:?}");
    assert!(
        rows.iter().zip(&titles).all(|(row, title)| title.starts_with(row)),
        "{rows:?} {titles:?}"
    );
}

#[tokio::test]
async fn deployed_functions_emit_metrics_under_their_own_names() {
    let stack = deploy("emitting", &[]).await;
    let api = api().await;
    for provider in providers() {
        let event = signed(provider, DEVELOPMENT_SECRET, "e1", 10);
        assert_eq!(post(&stack.url(provider), &event.headers, event.body.as_bytes()).0, 200);
        let group = json!({"logGroupName": format!("/aws/lambda/emitting-{provider}")});
        let log = api.json("POST", "logs", "/", Some("Logs_20140328.FilterLogEvents"), &group);
        let lines = items(&log["events"]).flat_map(|event| text(&event["message"]).lines());
        let line = lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["_aws"].is_object());
        let line = line.unwrap_or_else(|| panic!("no line of metrics in {log}"));
        assert_eq!(line["FunctionName"], format!("emitting-{provider}"));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
    }
}
