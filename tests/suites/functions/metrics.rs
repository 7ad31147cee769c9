//! What the functions count and measure: each metric of the list, and no other.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook_lambda::metrics::{METRICS, NAMESPACE};
use webhook_tests::now;
use webhook_verify::sign;

use crate::world::{SECRET, Setup, World, endgrate, secret, v1, v2};

const BODY: &str = r#"{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}"#;

/// A metric as CloudWatch finds it: namespace, name, names of its dimensions, unit.
type Published = (String, String, Vec<String>, String);

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

/// The metrics of a line, after a look at what the format's specification asks of it.
fn published(line: &Value) -> BTreeSet<Published> {
    let mut members = BTreeSet::from(["_aws".to_owned()]);
    let mut published = BTreeSet::new();
    for directive in items(&line["_aws"]["CloudWatchMetrics"]) {
        for metric in items(&directive["Metrics"]) {
            let name = text(&metric["Name"]);
            assert!(line[&name].is_u64(), "{name} in {line}");
            members.insert(name.clone());
            for dimensions in items(&directive["Dimensions"]) {
                let dimensions: Vec<String> = items(dimensions).map(text).collect();
                for dimension in &dimensions {
                    assert!(line[dimension].as_str().is_some_and(|value| !value.is_empty()), "{dimension} in {line}");
                    members.insert(dimension.clone());
                }
                let metric = (text(&directive["Namespace"]), name.clone(), dimensions.clone(), text(&metric["Unit"]));
                assert!(published.insert(metric), "{name} by {dimensions:?} is there twice in {line}");
            }
        }
    }
    let found: BTreeSet<String> = line.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(found, members, "nothing but metrics and dimensions");
    let age_ms = now().0 * 1000 - line["_aws"]["Timestamp"].as_i64().expect("a time");
    assert!((-1_000..60_000).contains(&age_ms), "{age_ms} ms ago");
    published
}

/// Outcome and reason of a line, and the names of its counts that are not zero.
fn told(line: &Value) -> (String, Value, String) {
    let is_count = |name: &str| METRICS.iter().any(|metric| metric.name() == name && metric.unit() == "Count");
    let members = line.as_object().expect("an object").iter();
    let counts = members.filter(|(name, value)| is_count(name) && **value != json!(0)).map(|(name, value)| {
        assert_eq!(*value, 1, "{name}");
        name.as_str()
    });
    (text(&line["Outcome"]), line["Reason"].clone(), counts.collect::<Vec<_>>().join(" "))
}

/// What each of the deliveries told, in their order.
async fn told_by(world: &World, count: usize) -> Vec<(String, Value, String)> {
    world.function.metric_lines(count).await.iter().map(told).collect()
}

fn expected(lines: &[(&str, Value, &str)]) -> Vec<(String, Value, String)> {
    lines
        .iter()
        .map(|(outcome, reason, counts)| ((*outcome).to_owned(), reason.clone(), (*counts).to_owned()))
        .collect()
}

/// All that can be told of Pinwheel's deliveries but faults, in one process.
async fn without_faults() -> World {
    let world = World::pinwheel().await;
    world.function.invoke(&json!({})).await.expect_err("not an HTTP request");
    world.deliver(&v2(BODY), BODY).await;
    world.deliver(&v2(BODY), BODY).await;
    world.put_in_progress("pinwheel#e2", now().0 * 1000 + 60_000).await;
    let other = BODY.replace("e1", "e2");
    world.deliver(&v2(&other), &other).await;
    world.put_in_progress("pinwheel#e2", now().0 * 1000 - 1).await;
    world.deliver(&v2(&other), &other).await;
    let unsigned = r#"{"event": "x.added", "webhook_id": "w", "payload": {"id": 1}}"#;
    for (uuid, name) in [("u1", "x.added"), ("u2", "x.removed")] {
        let [signature, time, ..] = v1(unsigned);
        let headers = [signature, time, sign::pinwheel_delivery_id(uuid)];
        world.deliver(&headers, &unsigned.replace("x.added", name)).await;
    }
    world.deliver(&sign::pinwheel_v2(&secret("another"), now(), BODY.as_bytes()), BODY).await;
    world.deliver(&[], BODY).await;
    world.deliver(&v2("[]"), "[]").await;
    world.deliver(&[], &" ".repeat(6_291_457)).await;
    world
}

/// The provider still signs with a secret that is the previous one when the function starts.
async fn with_the_previous_secret() -> World {
    let setup = Setup::new("pinwheel", true).await;
    setup.aws.rotate_secret(&setup.variables["SIGNING_SECRET_ID"], "rotated").await;
    let world = setup.start().await;
    world.deliver(&v2(BODY), BODY).await;
    world
}

/// A fault at the claim, whose release fails too.
async fn without_a_table() -> World {
    let world = Setup::new("pinwheel", true).await.with("IDEMPOTENCY_TABLE", "no-such-table").start().await;
    world.deliver(&v2(BODY), BODY).await;
    world
}

/// The secret is deleted, and each delivery asks for it: Secrets Manager's refusal ends the cached one.
async fn without_a_secret() -> World {
    let world = Setup::new("endgrate", true).await.with("SECRET_CACHE_S", "0").start().await;
    let body = |id: u8| json!({ "session_id": id }).to_string();
    world.deliver(&endgrate(&body(1)), &body(1)).await;
    let delete = world.aws.secrets.delete_secret().secret_id(&world.secret).force_delete_without_recovery(true);
    delete.send().await.expect("the secret is deleted");
    world.deliver(&endgrate(&body(2)), &body(2)).await;
    world.deliver(&sign::endgrate(&secret("another"), body(3).as_bytes()), &body(3)).await;
    world
}

#[tokio::test]
async fn each_metric_of_the_list_is_emitted_with_its_unit_and_dimensions_and_no_other() {
    let mut emitted = BTreeSet::new();
    for (world, count) in [
        (without_faults().await, 11),
        (with_the_previous_secret().await, 1),
        (without_a_table().await, 1),
        (without_a_secret().await, 3),
    ] {
        for line in world.function.metric_lines(count).await {
            emitted.extend(published(&line));
        }
    }
    let listed: BTreeSet<Published> = METRICS
        .iter()
        .flat_map(|metric| metric.dimension_sets().into_iter().map(move |dimensions| (metric, dimensions)))
        .map(|(metric, dimensions)| {
            let dimensions = dimensions.into_iter().map(str::to_owned).collect();
            (NAMESPACE.to_owned(), metric.name().to_owned(), dimensions, metric.unit().to_owned())
        })
        .collect();
    assert_eq!(emitted, listed);
}

#[tokio::test]
async fn each_delivery_counts_once_under_its_outcome_with_its_reason_and_what_happened_on_the_way() {
    let none = || Value::Null;
    let world = without_faults().await;
    assert_eq!(
        told_by(&world, 11).await,
        expected(&[
            ("malformed", none(), "ColdStarts Deliveries"),
            ("accepted", none(), "Deliveries"),
            ("duplicate", none(), "Deliveries"),
            ("in_progress", none(), "Deliveries"),
            ("accepted", none(), "Deliveries LeaseTakeovers"),
            ("accepted", none(), "Deliveries"),
            ("duplicate", none(), "Deliveries DeliveryIdChanges EventTypeChanges"),
            ("refused", json!("signature_mismatch"), "Deliveries Refusals SecretRefetches"),
            ("refused", json!("header_missing"), "Deliveries Refusals"),
            ("malformed", none(), "Deliveries"),
            ("too_large", none(), "Deliveries"),
        ])
    );
    let lines = world.function.metric_lines(11).await;
    let sizes: Vec<&Value> = lines.iter().map(|line| &line["BodySize"]).collect();
    assert_eq!(json!(sizes), json!([null, 71, 71, 71, 71, 61, 63, 71, 71, 2, 6_291_457]));
    assert!(lines.iter().all(|line| line["FunctionName"] == "pinwheel"));

    assert_eq!(
        told_by(&with_the_previous_secret().await, 1).await,
        expected(&[("accepted", none(), "ColdStarts Deliveries PreviousSecretUses SecretRefetches")])
    );
    assert_eq!(
        told_by(&without_a_table().await, 1).await,
        expected(&[("unavailable", json!("claim"), "ColdStarts Deliveries Faults Warnings")])
    );
    let world = without_a_secret().await;
    assert_eq!(
        told_by(&world, 3).await,
        expected(&[
            ("accepted", none(), "ColdStarts Deliveries"),
            ("unavailable", json!("secret"), "Deliveries Faults SecretFetchFailures"),
            ("unavailable", json!("secret"), "Deliveries Faults SecretFetchFailures"),
        ])
    );
    let line = &world.function.delivery_lines(3).await[1];
    assert_eq!((&line["level"], &line["webhook.outcome"]), (&json!("ERROR"), &json!("unavailable")));
    assert!(line["webhook.secret_fetch_error"].as_str().is_some_and(|error| error.contains("NotFound")), "{line}");
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_a_refetch() {
    let world = World::endgrate().await;
    let [first, second] = [r#"{"completed": true}"#, r#"{"completed": false}"#];
    world.deliver(&endgrate(first), first).await;
    world.aws.rotate_secret(&world.secret, "rotated").await;
    world.deliver(&sign::endgrate(&secret("rotated"), second.as_bytes()), second).await;
    assert_eq!(
        told_by(&world, 2).await,
        expected(&[
            ("accepted", Value::Null, "ColdStarts Deliveries"),
            ("accepted", Value::Null, "Deliveries SecretRefetches"),
        ])
    );
}

#[tokio::test]
async fn no_log_level_silences_metrics() {
    let world = Setup::new("pinwheel", true).await.with("RUST_LOG", "off").start().await;
    world.deliver(&v2(BODY), BODY).await;
    world.deliver(&sign::pinwheel_v2(&secret(SECRET), now(), b"{}"), BODY).await;
    assert_eq!(
        told_by(&world, 2).await,
        expected(&[
            ("accepted", Value::Null, "ColdStarts Deliveries"),
            ("refused", json!("signature_mismatch"), "Deliveries Refusals SecretRefetches"),
        ])
    );
    assert_eq!(world.function.log().lines().count(), 2, "{}", world.function.log());
}
