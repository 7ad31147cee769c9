//! What the functions count and measure: each metric of the list, and no other.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook_lambda::metrics::{METRICS, NAMESPACE};
use webhook_tests::{
    now,
    traffic::{Event, KEY, Kind},
};
use webhook_verify::description::EventType;

use crate::world::{Setup, World, forged, malformed_delivery, signed, with_unsigned};

/// A metric as CloudWatch finds it: namespace, name, names of its dimensions, unit.
type Published = (String, String, Vec<String>, String);

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

/// Returns the metrics of a line, after checking it against the format's specification.
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
                    assert!(
                        line[dimension].as_str().is_some_and(|value| !value.is_empty()),
                        "{dimension} in {line}"
                    );
                    members.insert(dimension.clone());
                }
                let metric = (
                    text(&directive["Namespace"]),
                    name.clone(),
                    dimensions.clone(),
                    text(&metric["Unit"]),
                );
                assert!(
                    published.insert(metric),
                    "{name} by {dimensions:?} is there twice in {line}"
                );
            }
        }
    }
    let found: BTreeSet<String> = line.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(found, members, "a line has metrics and dimensions only");
    let age_ms = now().0 * 1000 - line["_aws"]["Timestamp"].as_i64().expect("a time");
    assert!((-1_000..60_000).contains(&age_ms), "{age_ms} ms ago");
    published
}

/// Returns outcome and reason of a line, and the names of its counts that are not zero.
fn counted(line: &Value) -> (String, Value, String) {
    let is_count =
        |name: &str| METRICS.iter().any(|metric| metric.name() == name && metric.unit() == "Count");
    let members = line.as_object().expect("an object").iter();
    let counts = members.filter(|(name, value)| is_count(name) && **value != json!(0)).map(
        |(name, value)| {
            assert_eq!(*value, 1, "{name}");
            name.as_str()
        },
    );
    (text(&line["Outcome"]), line["Reason"].clone(), counts.collect::<Vec<_>>().join(" "))
}

/// Returns outcome, reason and counts of each delivery's line, in their order.
async fn counted_lines(world: &World, count: usize) -> Vec<(String, Value, String)> {
    world.function.metric_lines(count).await.iter().map(counted).collect()
}

fn expected(lines: &[(&str, Value, &str)]) -> Vec<(String, Value, String)> {
    lines
        .iter()
        .map(|(outcome, reason, counts)| {
            ((*outcome).to_owned(), reason.clone(), (*counts).to_owned())
        })
        .collect()
}

/// Returns whether an event of the kind has an unsigned delivery id, and an unsigned type.
fn unsigned_facts(kind: Kind) -> (bool, bool) {
    let facts = &kind.scheme.facts;
    (!facts.delivery_id.is_empty(), matches!(facts.event_type, EventType::Unsigned(_)))
}

/// The expected outcome, reason and counts of a delivery, and the size of its body.
type ExpectedLine = ((&'static str, Value, &'static str), Value);

/// Makes deliveries with every outcome except faults, in one process. Returns the expected line of
/// each.
async fn without_faults(kind: Kind) -> (World, Vec<ExpectedLine>) {
    let world = World::of(kind.provider).await;
    let (none, mut lines) = (|| Value::Null, Vec::new());
    world.function.invoke(&json!({})).await.expect_err("not an HTTP request");
    lines.push((("malformed", none(), "ColdStarts Deliveries"), none()));
    let mut deliver =
        async |headers: &[_], body: &str, metrics: (&'static str, Value, &'static str)| {
            world.send(headers, body).await;
            lines.push((metrics, json!(body.len())));
        };
    let [first, second, third] = [1, 2, 3].map(|number| Event::new(kind, number));
    deliver(&signed(&first), &first.body, ("accepted", none(), "Deliveries")).await;
    deliver(&signed(&first), &first.body, ("duplicate", none(), "Deliveries")).await;
    world.put_in_progress(&second.key, now().0 * 1000 + 60_000).await;
    deliver(&signed(&second), &second.body, ("in_progress", none(), "Deliveries")).await;
    world.put_in_progress(&second.key, now().0 * 1000 - 1).await;
    deliver(&signed(&second), &second.body, ("accepted", none(), "Deliveries LeaseTakeovers"))
        .await;
    let changes = match unsigned_facts(kind) {
        (false, false) => "Deliveries",
        (true, false) => "Deliveries DeliveryIdChanges",
        (false, true) => "Deliveries EventTypeChanges",
        (true, true) => "Deliveries DeliveryIdChanges EventTypeChanges",
    };
    for (number, outcome, counts) in [(1, "accepted", "Deliveries"), (22, "duplicate", changes)] {
        let (headers, body) = with_unsigned(&third, number);
        deliver(&headers, &body, (outcome, none(), counts)).await;
    }
    let mismatch = ("refused", json!("signature_mismatch"), "Deliveries Refusals SecretRefetches");
    deliver(&forged(&first), &first.body, mismatch).await;
    deliver(&[], &first.body, ("refused", json!("header_missing"), "Deliveries Refusals")).await;
    if let Some((headers, body, _)) = malformed_delivery(kind) {
        deliver(&headers, &body, ("malformed", none(), "Deliveries")).await;
    }
    deliver(&[], &" ".repeat(6_291_457), ("too_large", none(), "Deliveries")).await;
    (world, lines)
}

/// Makes a delivery that is signed with the secret that was the previous one already at the start.
async fn with_the_previous_secret(kind: Kind) -> World {
    let setup = Setup::new(kind.provider, true).await;
    setup
        .aws
        .rotate_secret(&setup.variables["SIGNING_SECRET_ID"], &kind.provider.key().write("rotated"))
        .await;
    let world = setup.start().await;
    world.deliver(&Event::new(kind, 1)).await;
    world
}

/// Makes a delivery that fails at the claim, and whose release fails too.
async fn without_a_table(kind: Kind) -> World {
    let world = Setup::new(kind.provider, true)
        .await
        .with("IDEMPOTENCY_TABLE", "no-such-table")
        .start()
        .await;
    world.deliver(&Event::new(kind, 1)).await;
    world
}

/// Makes three deliveries, each of which fetches the secret. It is deleted after the first: Secrets
/// Manager's refusal ends the cached one.
pub(crate) async fn without_a_secret(kind: Kind) -> World {
    let world = Setup::new(kind.provider, true).await.with("SECRET_CACHE_S", "0").start().await;
    world.deliver(&Event::new(kind, 1)).await;
    let delete = world
        .aws
        .secrets
        .delete_secret()
        .secret_id(&world.secret)
        .force_delete_without_recovery(true);
    delete.send().await.expect("the secret is deleted");
    world.deliver(&Event::new(kind, 2)).await;
    let forgery = Event::new(kind, 3);
    world.send(&forged(&forgery), &forgery.body).await;
    world
}

#[tokio::test]
async fn exactly_the_listed_metrics_are_emitted_with_unit_and_dimensions() {
    for kind in Kind::all() {
        let mut emitted = BTreeSet::new();
        let (world, expected_lines) = without_faults(kind).await;
        for (world, count) in [
            (world, expected_lines.len()),
            (with_the_previous_secret(kind).await, 1),
            (without_a_table(kind).await, 1),
            (without_a_secret(kind).await, 3),
        ] {
            for line in world.function.metric_lines(count).await {
                emitted.extend(published(&line));
            }
        }
        let (has_delivery_id, has_unsigned_type) = unsigned_facts(kind);
        let listed: BTreeSet<Published> = METRICS
            .iter()
            .filter(|metric| has_delivery_id || metric.name() != "DeliveryIdChanges")
            .filter(|metric| has_unsigned_type || metric.name() != "EventTypeChanges")
            .flat_map(|metric| {
                metric.dimension_sets().into_iter().map(move |dimensions| (metric, dimensions))
            })
            .map(|(metric, dimensions)| {
                let dimensions = dimensions.into_iter().map(str::to_owned).collect();
                (
                    NAMESPACE.to_owned(),
                    metric.name().to_owned(),
                    dimensions,
                    metric.unit().to_owned(),
                )
            })
            .collect();
        assert_eq!(emitted, listed, "{kind:?}");
    }
}

#[tokio::test]
async fn each_delivery_counts_once_under_its_outcome_and_reason() {
    for kind in Kind::all() {
        let none = || Value::Null;
        let (world, expected_lines) = without_faults(kind).await;
        let (lines, sizes): (Vec<_>, Vec<_>) = expected_lines.into_iter().unzip();
        assert_eq!(counted_lines(&world, lines.len()).await, expected(&lines), "{kind:?}");
        let lines = world.function.metric_lines(lines.len()).await;
        let body_sizes: Vec<&Value> = lines.iter().map(|line| &line["BodySize"]).collect();
        assert_eq!(json!(body_sizes), json!(sizes), "{kind:?}");
        assert!(lines.iter().all(|line| line["FunctionName"] == kind.provider.name()));

        assert_eq!(
            counted_lines(&with_the_previous_secret(kind).await, 1).await,
            expected(&[(
                "accepted",
                none(),
                "ColdStarts Deliveries PreviousSecretUses SecretRefetches"
            )])
        );
        assert_eq!(
            counted_lines(&without_a_table(kind).await, 1).await,
            expected(&[("unavailable", json!("claim"), "ColdStarts Deliveries Faults Warnings")])
        );
        assert_eq!(
            counted_lines(&without_a_secret(kind).await, 3).await,
            expected(&[
                ("accepted", none(), "ColdStarts Deliveries"),
                ("unavailable", json!("secret"), "Deliveries Faults SecretFetchFailures"),
                ("unavailable", json!("secret"), "Deliveries Faults SecretFetchFailures"),
            ])
        );
    }
}

#[tokio::test]
async fn a_rotated_secret_counts_as_a_refetch() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        world.deliver(&Event::new(kind, 1)).await;
        world.aws.rotate_secret(&world.secret, &kind.provider.key().write("rotated")).await;
        let second = Event::new(kind, 2);
        world.send(&second.signed("rotated", now()), &second.body).await;
        assert_eq!(
            counted_lines(&world, 2).await,
            expected(&[
                ("accepted", Value::Null, "ColdStarts Deliveries"),
                ("accepted", Value::Null, "Deliveries SecretRefetches"),
            ])
        );
    }
}

#[tokio::test]
async fn no_log_level_silences_metrics() {
    for kind in Kind::all() {
        let world = Setup::new(kind.provider, true).await.with("RUST_LOG", "off").start().await;
        let event = Event::new(kind, 1);
        world.deliver(&event).await;
        // The signature of another body.
        world.send(&Event::new(kind, 2).signed(KEY, now()), &event.body).await;
        assert_eq!(
            counted_lines(&world, 2).await,
            expected(&[
                ("accepted", Value::Null, "ColdStarts Deliveries"),
                ("refused", json!("signature_mismatch"), "Deliveries Refusals SecretRefetches"),
            ])
        );
        assert_eq!(world.function.log().lines().count(), 2, "{}", world.function.log());
    }
}
