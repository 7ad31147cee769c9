//! `webhook record`: show, find, purge.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use webhook_tests::traffic::{Event, Kind};
use webhook_verify::description::Unsigned;

use crate::world::{World, any_kind, attribute};

#[tokio::test]
async fn a_record_is_shown_with_its_attributes_in_order() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let event = Event::new(kind, 1);
        let (key, id) = (&event.key, &event.id);
        assert_eq!(world.deliver(&event).await, "accepted");
        let message = world.message().await;

        let (code, shown, err) = world.run(&format!("record show {key}"));
        assert_eq!((code, err.as_str()), (0, ""));
        let names: Vec<_> = shown.lines().filter_map(|line| line.split(": ").next()).collect();
        let is_in_body = |place: &Unsigned| matches!(place, Unsigned::Member(_));
        let delivery_id = kind
            .scheme
            .facts
            .delivery_id
            .iter()
            .find(|place| is_in_body(place))
            .map(|_| "delivery_id");
        let expected: Vec<_> = ["id", "status", "event_type", "event_id", "received_at"]
            .into_iter()
            .chain(delivery_id)
            .chain(["message_id", "claim_token", "lease_expires_at_ms", "expires_at_s"])
            .collect();
        assert_eq!(names, expected, "{kind:?}");
        let event_type = attribute(&message, "event_type");
        let expected =
            format!("id: {key}\nstatus: ENQUEUED\nevent_type: {event_type}\nevent_id: {id}\n");
        assert!(shown.starts_with(&expected), "{shown}");
    }
}

#[tokio::test]
async fn a_record_is_found_by_the_whole_id_of_its_event() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let [event, other] = [1, 2].map(|number| Event::new(kind, number));
        let id = &event.id;
        assert_eq!(world.deliver(&event).await, "accepted");
        assert_eq!(world.deliver(&other).await, "accepted");
        let (_, shown, _) = world.run(&format!("record show {}", event.key));

        let table = &world.variables["IDEMPOTENCY_TABLE"];
        let found = world.run(&format!("record find --event-id {id}"));
        let notes = format!(
            "Reading all of the table {table}: it has no index on the event's id.\n\
             1 of 2 records.\n"
        );
        assert_eq!(found, (0, shown, notes));
        let (code, out, _) = world.run(&format!("record find --event-id {}", &id[..id.len() - 1]));
        assert_eq!((code, out.as_str()), (1, ""));
    }
}

#[tokio::test]
async fn a_record_is_not_purged_without_yes() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let event = Event::new(kind, 1);
        let key = &event.key;
        assert_eq!(world.deliver(&event).await, "accepted");
        let (_, shown, _) = world.run(&format!("record show {key}"));

        let unconfirmed = world.run(&format!("record purge {key}"));
        assert_eq!(
            unconfirmed,
            (2, shown, "error: nothing was deleted: add --yes to delete this record\n".to_owned())
        );
        assert_eq!(world.deliver(&event).await, "duplicate");
    }
}

#[tokio::test]
async fn a_purged_record_is_gone_and_its_event_is_queued_again() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let event = Event::new(kind, 1);
        let key = &event.key;
        assert_eq!(world.deliver(&event).await, "accepted");
        let (_, shown, _) = world.run(&format!("record show {key}"));

        assert_eq!(
            world.run(&format!("record purge {key} --yes")),
            (0, shown, "Deleted.\n".to_owned())
        );
        let none = (1, String::new(), format!("There is no record {key}.\n"));
        for arguments in [
            "record show KEY",
            "record purge KEY",
            "record purge KEY --yes",
            "record purge KEY --yes --force",
        ] {
            assert_eq!(world.run(&arguments.replace("KEY", key)), none, "{arguments}");
        }
        assert_eq!(world.deliver(&event).await, "accepted");
    }
}

#[tokio::test]
async fn a_record_in_use_is_purged_only_with_force() {
    let world = World::new(any_kind()).await;
    let table = &world.variables["IDEMPOTENCY_TABLE"];
    for (id, lease_expires_at_ms) in [("p#held", now_ms() + 60_000), ("p#left", now_ms() - 1)] {
        let put = world
            .aws
            .dynamodb
            .put_item()
            .table_name(table)
            .item("id", AttributeValue::S(id.to_owned()));
        let put = put.item("status", AttributeValue::S("IN_PROGRESS".to_owned()));
        let put =
            put.item("lease_expires_at_ms", AttributeValue::N(lease_expires_at_ms.to_string()));
        put.send().await.expect("a record is put");
    }
    let (code, out, err) = world.run("record purge p#held --yes");
    assert!(out.starts_with("id: p#held\nstatus: IN_PROGRESS\nlease_expires_at_ms: "), "{out}");
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "Nothing was deleted: a function is processing the event. Wait until its lease \
             expires, or add --force.\n"
        )
    );
    let (code, out, _) = world.run("record purge p#left --yes");
    assert!(out.trim_end().ends_with("Z, which is past)"), "{out}");
    assert_eq!((code, world.aws.records(table).await.len()), (0, 1));
    assert_eq!(world.run("record purge p#held --yes --force").0, 0);
    assert_eq!(world.aws.records(table).await, []);
}

#[tokio::test]
async fn a_call_that_fails_is_reported_with_the_services_error() {
    let world = World::new(any_kind()).await;
    let (code, out, err) = world.run("record show p#1 --table no-such-table");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with(
            "error: cannot read the record: the service refused the call: ResourceNotFoundException"
        ),
        "{err}"
    );
}

#[tokio::test]
async fn without_a_region_the_error_says_what_to_set() {
    let world = World::new(any_kind()).await;
    let mut variables = world.variables.clone();
    variables.retain(|name, _| !name.ends_with("REGION"));
    let no_region =
        "error: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one\n"
            .to_owned();
    assert_eq!(world.run_with("record show p#1", &variables), (2, String::new(), no_region));
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since_epoch.as_millis()).expect("fits")
}
