//! `webhook replay`: an event is queued again, as a message that says so.

use std::path::PathBuf;

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_tests::traffic::{Event, Kind};

use crate::world::{World, any_kind, attributes, parsed, system_attribute};

fn save(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("the folder for temporary files can be written");
    path
}

/// Returns the new key from what `replay` prints.
fn new_key(out: &str) -> String {
    out.split(" as ")
        .nth(1)
        .and_then(|rest| rest.split(": message ").next())
        .expect("a key")
        .to_owned()
}

#[tokio::test]
async fn a_replay_is_a_new_message_that_names_the_original() {
    for kind in Kind::all() {
        // A number whose spelling would change if it were parsed and written again.
        let (world, event) = (World::new(kind).await, Event::with(kind, 1, "\"rate\": 1.10e2"));
        assert_eq!(world.deliver(&event).await, "accepted");
        let original = world.message().await;
        let text = original.body.as_deref().expect("a body");
        let file = save(&format!("replay-{}.json", kind.scheme.name), text);

        let (code, out, err) = world.run(&format!("replay {}", file.display()));
        assert_eq!((code, err.as_str()), (0, ""));
        let (old_key, key) = (&event.key, new_key(&out));
        let replay = world.message().await;
        let id = replay.message_id.as_deref().expect("an id");
        assert_eq!(out, format!("replayed {old_key} as {key}: message {id}\n"));
        assert!(key.starts_with(&format!("{old_key}#replay-")), "{key}");
        assert!(replay.body.as_deref().is_some_and(|envelope| envelope.ends_with(event.tail())));

        let mut expected = parsed(&original);
        let mut envelope = parsed(&replay);
        let replayed_at =
            envelope.as_object_mut().expect("an object").remove("replayedat").expect("a time");
        assert!(replayed_at.as_str().is_some_and(|time| time.ends_with('Z')), "{replayed_at}");
        expected["idempotencykey"] = json!(key);
        expected["replayof"] = json!(old_key);
        assert_eq!(envelope, expected);
        let group = system_attribute(&replay, "MessageGroupId");
        assert_eq!(group, system_attribute(&original, "MessageGroupId"));
        let changed: Vec<_> = attributes(&replay)
            .into_iter()
            .filter(|attribute| !attributes(&original).contains(attribute))
            .collect();
        let expected = [("idempotency_key", key.as_str()), ("replay", "true")];
        assert_eq!(changed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

        // A second replay is a message of its own.
        assert_eq!(world.run(&format!("replay {}", file.display())).0, 0);
        assert_eq!(world.aws.take_messages(world.queue()).await.len(), 1);
        assert_eq!(world.deliver(&event).await, "duplicate", "the table knows the event as before");
    }
}

/// Returns the object that a message points to, and its name.
async fn payload(world: &World, message: &Message) -> (String, String) {
    let pointer =
        PayloadPointer::parse(message.body.as_deref().expect("a body")).expect("a pointer");
    let get = world.aws.s3.get_object().bucket(&pointer.bucket).key(&pointer.key);
    let body =
        get.send().await.expect("the object is there").body.collect().await.expect("it is read");
    (String::from_utf8(body.to_vec()).expect("UTF-8"), pointer.key)
}

/// Returns a world, an event that is too large for the queue, and its message.
async fn with_a_large_event() -> (World, Event, Message) {
    let kind = any_kind().large();
    let (world, event) = (World::new(kind).await, Event::new(kind, 1));
    assert_eq!(world.deliver(&event).await, "accepted");
    let original = world.message().await;
    (world, event, original)
}

#[tokio::test]
async fn a_pointer_is_refused_with_the_name_of_its_object() {
    let (world, _, original) = with_a_large_event().await;
    let (_, name) = payload(&world, &original).await;
    let pointer = save("pointer.json", original.body.as_deref().expect("a body"));
    let bucket = &world.variables["PAYLOAD_BUCKET"];
    let refused = format!(
        "error: this cannot be replayed: it is a pointer to s3://{bucket}/{name}: \
         download that object and replay it\n"
    );
    assert_eq!(world.run(&format!("replay {}", pointer.display())), (2, String::new(), refused));
}

#[tokio::test]
async fn a_large_event_is_replayed_through_the_bucket() {
    let (world, event, original) = with_a_large_event().await;
    let (envelope, name) = payload(&world, &original).await;
    let (code, out, err) =
        world.run(&format!("replay {}", save("large.json", &envelope).display()));
    assert_eq!((code, err.as_str()), (0, ""));
    let replay = world.message().await;
    let (replayed, replay_name) = payload(&world, &replay).await;
    assert_ne!(replay_name, name, "each message has an object of its own");
    let replayed: Value = serde_json::from_str(&replayed).expect("JSON");
    assert_eq!(
        (&replayed["idempotencykey"], &replayed["replayof"]),
        (&json!(new_key(&out)), &json!(event.key))
    );
}

#[tokio::test]
async fn a_large_replay_without_a_bucket_is_refused() {
    let (world, _, original) = with_a_large_event().await;
    let (envelope, _) = payload(&world, &original).await;
    let mut variables = world.variables.clone();
    variables.remove("PAYLOAD_BUCKET");
    let file = save("large-without-bucket.json", &envelope);
    let no_bucket = "error: cannot put the message on the queue: the message is over the queue's \
                     limit and PAYLOAD_BUCKET is not set\n";
    let ended = world.run_with(&format!("replay {}", file.display()), &variables);
    assert_eq!(ended, (2, String::new(), no_bucket.to_owned()));
}
