//! `webhook redrive`: messages go from the dead-letter queue back to the queue.

use std::process::Stdio;

use aws_sdk_sqs::types::Message;
use serde_json::json;
use webhook_tests::traffic::{Event, Kind};

use crate::world::{
    TRACE, World, any_kind, attribute, attributes, command, parsed, system_attribute,
};

/// Delivers two events, and lets a consumer fail until both are on the dead-letter queue. Returns
/// their messages.
async fn two_dead_letters(world: &World, events: &[Event; 2]) -> Vec<Message> {
    for event in events {
        assert_eq!(world.deliver(event).await, "accepted");
    }
    let failed = world.fail_messages().await;
    assert_eq!(world.aws.take_messages(world.queue()).await, []);
    failed
}

fn group(event: &Event) -> String {
    match event.kind.scheme.facts.group {
        [] => event.key.clone(),
        _ => format!("{}#grp_0", event.kind.provider.name()),
    }
}

/// Returns the end of the line that `redrive` prints about an event's message.
fn described(event: &Event, event_type: &str) -> String {
    format!("{}, type {event_type}, group {}", event.key, group(event))
}

#[tokio::test]
async fn a_dry_run_lists_the_messages_and_moves_none() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let events = [1, 2].map(|number| Event::new(kind, number));
        let failed = two_dead_letters(&world, &events).await;
        let (code, listed, err) = world.run("redrive --from {dead_letters} --to {queue} --dry-run");
        let what = |line: &str| {
            line.split_once(", key ").map(|(_, what)| what.to_owned()).unwrap_or_default()
        };
        let event_type = attribute(&failed[0], "event_type");
        let expected = events.each_ref().map(|event| described(event, &event_type));
        assert_eq!((code, listed.lines().map(what).collect::<Vec<_>>()), (0, expected.to_vec()));
        assert_eq!(err, "2 would be moved; the dead-letter queue holds about 2.\n");
        assert_eq!(world.aws.take_messages(world.queue()).await, []);
    }
}

/// This takes less than five minutes from the first send, so the queue still drops messages with
/// the first deduplication id.
#[tokio::test]
async fn a_redrive_moves_messages_unchanged_and_in_order() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let events = [1, 2].map(|number| Event::new(kind, number));
        let failed = two_dead_letters(&world, &events).await;
        let event_type = attribute(&failed[0], "event_type");
        let expected = events.each_ref().map(|event| described(event, &event_type));

        let (code, first, err) = world.run("redrive --from {dead_letters} --to {queue} --max 1");
        assert_eq!((code, err.as_str()), (0, "1 moved; the dead-letter queue holds about 1.\n"));
        assert!(first.starts_with("moved ") && first.trim_end().ends_with(&expected[0]), "{first}");
        let (code, second, err) = world.run("redrive --from {dead_letters} --to {queue}");
        assert_eq!((code, err.as_str()), (0, "1 moved; the dead-letter queue holds about 0.\n"));
        assert!(second.trim_end().ends_with(&expected[1]), "{second}");
        assert_eq!(world.run("redrive --from {dead_letters} --to {queue}").0, 0);

        let messages = world.aws.take_messages(world.queue()).await;
        assert_eq!((messages.len(), failed.len()), (2, 2));
        for (number, event) in events.iter().enumerate() {
            let (message, before) = (&messages[number], &failed[number]);
            assert_eq!(message.body, before.body);
            assert_eq!(parsed(message)["id"], json!(event.id));
            let expected = [
                ("event_id", event.id.as_str()),
                ("event_type", &event_type),
                ("idempotency_key", &event.key),
                ("provider", kind.provider.name()),
                ("signature_scheme", kind.scheme.name),
            ];
            assert_eq!(
                attributes(message),
                expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
            );
            assert_eq!(attributes(message), attributes(before));
            assert_eq!(system_attribute(message, "MessageGroupId"), Some(group(event)));
            assert_eq!(system_attribute(message, "AWSTraceHeader").as_deref(), Some(TRACE));
        }
    }
}

#[tokio::test]
async fn a_redrive_leaves_in_place_what_it_cannot_send() {
    let world = World::new(any_kind()).await;
    assert_eq!(world.deliver(&Event::new(any_kind(), 1)).await, "accepted");
    world.fail_messages().await;
    let (code, out, err) = world.run("redrive --from {dead_letters} --to {gone}");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: cannot send the message: the service refused the call: "),
        "{err}"
    );
    let (code, _, err) = world.run("redrive --from {dead_letters} --to {queue}");
    assert_eq!(
        (code, err.as_str()),
        (0, "1 moved; the dead-letter queue holds about 0.\n"),
        "it is shown again at once"
    );
}

#[tokio::test]
async fn a_redrive_ends_when_a_message_comes_back() {
    let world = World::new(any_kind()).await;
    for number in 0..20 {
        // Each in a group of its own.
        assert_eq!(world.deliver(&Event::new(any_kind(), 50 * number)).await, "accepted");
    }
    world.fail_messages().await;
    let arguments = format!("redrive --from {} --to {}", world.dead_letters, world.queue());
    let mut redrive = command(&arguments, &world.variables);
    let child =
        redrive.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    while !ended.is_finished() {
        world.fail_messages().await;
    }
    let output = ended.await.expect("no panic").expect("it ends");
    let err = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(" came back: a consumer fails on it.\n"), "{err}");
    world.fail_messages().await;
    let held = world.aws.take_messages(world.queue()).await.len()
        + world.aws.take_messages(&world.dead_letters).await.len();
    assert_eq!(held, 20, "none is lost");
}
