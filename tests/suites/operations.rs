//! The operator's commands, as they are typed, against the emulator and what the real bootstraps left there.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    function::{Function, bootstrap},
    traffic::{Event, Kind, variables_of},
};
use webhook_verify::description::Unsigned;

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// A function with all that is its own, and a dead-letter queue behind its queue.
struct World {
    aws: Aws,
    function: Function,
    variables: HashMap<String, String>,
    dead_letters: String,
}

impl World {
    async fn new(kind: Kind) -> Self {
        let aws = Aws::shared();
        let (queue, dead_letters) = (aws.create_queue(true).await, aws.create_queue(true).await);
        let policy =
            json!({"deadLetterTargetArn": arn(&aws, &dead_letters).await, "maxReceiveCount": "1"})
                .to_string();
        let set = aws
            .sqs
            .set_queue_attributes()
            .queue_url(&queue)
            .attributes(QueueAttributeName::RedrivePolicy, policy);
        set.send().await.expect("a redrive policy is set");
        let mut variables = client_variables(&Emulator::shared().endpoint);
        variables.extend(variables_of(kind.provider, &aws).await);
        for (name, value) in [
            ("IDEMPOTENCY_TABLE", aws.create_table().await),
            ("QUEUE_URL", queue),
            ("PAYLOAD_BUCKET", aws.create_bucket().await),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let function = Function::start(kind.provider.name(), &variables).await;
        Self { aws, function, variables, dead_letters }
    }

    fn queue(&self) -> &str {
        &self.variables["QUEUE_URL"]
    }

    /// Delivers an event and gives the answer's status.
    async fn deliver(&self, event: &Event) -> Value {
        let answer =
            self.function.invoke_text(event.delivery(), Duration::from_secs(15), Some(TRACE)).await;
        let answer = answer.expect("an answer");
        let body: Value =
            serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        body["status"].clone()
    }

    /// Lets a consumer fail until the queue gives all its messages up, and returns them as the consumer got them.
    async fn fail_messages(&self) -> Vec<Message> {
        let mut failed = Vec::new();
        loop {
            let receive =
                self.aws.sqs.receive_message().queue_url(self.queue()).visibility_timeout(0);
            let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
            let receive = receive.message_attribute_names("All").max_number_of_messages(10);
            let received =
                receive.send().await.expect("a queue is read").messages.unwrap_or_default();
            if received.is_empty() {
                return failed;
            }
            failed.extend(received);
        }
    }

    async fn message(&self) -> Message {
        let mut messages = self.aws.take_messages(self.queue()).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// Runs `webhook` with the function's variables; `{queue}` and `{dead_letters}` stand for its queues, `{gone}` for one
    /// that does not exist.
    fn run(&self, arguments: &str) -> Ended {
        self.run_with(arguments, &self.variables)
    }

    fn run_with(&self, arguments: &str, variables: &HashMap<String, String>) -> Ended {
        let gone = self.queue().replace(".fifo", "-gone.fifo");
        let arguments = arguments
            .replace("{queue}", self.queue())
            .replace("{dead_letters}", &self.dead_letters);
        let arguments = arguments.replace("{gone}", &gone);
        let output = command(&arguments, variables).output().expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
    }
}

/// How a run ended: exit code, standard output, standard error.
type Ended = (i32, String, String);

fn command(arguments: &str, variables: &HashMap<String, String>) -> Command {
    let mut command = Command::new(bootstrap("webhook"));
    command.args(arguments.split(' ')).env_clear().envs(variables).stdin(Stdio::null());
    command
}

async fn arn(aws: &Aws, queue: &str) -> String {
    let get = aws
        .sqs
        .get_queue_attributes()
        .queue_url(queue)
        .attribute_names(QueueAttributeName::QueueArn);
    let attributes =
        get.send().await.expect("a queue is asked").attributes.expect("it has attributes");
    attributes[&QueueAttributeName::QueueArn].clone()
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since_epoch.as_millis()).expect("fits")
}

fn system_attribute(message: &Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes
        .iter()
        .find(|(attribute, _)| attribute.as_str() == name)
        .map(|(_, value)| value.clone())
}

/// Names and texts of the message attributes, in alphabetical order.
fn attributes(message: &Message) -> Vec<(String, String)> {
    let attributes = message.message_attributes.iter().flatten();
    let mut texts: Vec<_> = attributes
        .map(|(name, value)| (name.clone(), value.string_value.clone().unwrap_or_default()))
        .collect();
    texts.sort();
    texts
}

fn attribute(message: &Message, name: &str) -> String {
    let found = attributes(message).into_iter().find(|(attribute, _)| attribute == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

fn parsed(message: &Message) -> Value {
    serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON")
}

/// For a test in which nothing depends on the provider.
fn any_kind() -> Kind {
    Kind::in_turn(0)
}

/// The new key in what `replay` prints.
fn new_key(out: &str) -> String {
    out.split(" as ")
        .nth(1)
        .and_then(|rest| rest.split(": message ").next())
        .expect("a key")
        .to_owned()
}

#[tokio::test]
async fn a_record_is_shown_found_and_purged_and_its_event_is_then_queued_again() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let [event, another] = [1, 2].map(|number| Event::new(kind, number));
        let (key, id) = (&event.key, &event.id);
        assert_eq!(world.deliver(&event).await, "accepted");
        let message = world.message().await;
        assert_eq!(world.deliver(&another).await, "accepted");

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

        let table = &world.variables["IDEMPOTENCY_TABLE"];
        let found = world.run(&format!("record find --event-id {id}"));
        let notes = format!(
            "Reading all of the table {table}: it has no index on the event's id.\n1 of 2 records.\n"
        );
        assert_eq!(found, (0, shown.clone(), notes));
        let (code, out, _) = world.run(&format!("record find --event-id {}", &id[..id.len() - 1]));
        assert_eq!((code, out.as_str()), (1, ""));

        let unconfirmed = world.run(&format!("record purge {key}"));
        assert_eq!(
            unconfirmed,
            (
                2,
                shown.clone(),
                "error: nothing was deleted: add --yes to delete this record\n".to_owned()
            )
        );
        assert_eq!(world.deliver(&event).await, "duplicate");

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
async fn a_record_in_use_is_purged_by_force_alone() {
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
            "Nothing was deleted: a function is at work on the event. Wait for the end of its lease, or add --force.\n"
        )
    );
    let (code, out, _) = world.run("record purge p#left --yes");
    assert!(out.trim_end().ends_with("Z, which is past)"), "{out}");
    assert_eq!((code, world.aws.records(table).await.len()), (0, 1));
    assert_eq!(world.run("record purge p#held --yes --force").0, 0);
    assert_eq!(world.aws.records(table).await, []);
}

#[tokio::test]
async fn a_call_that_fails_is_named_with_the_services_word() {
    let world = World::new(any_kind()).await;
    let (code, out, err) = world.run("record show p#1 --table no-such-table");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with(
            "error: cannot read the record: the service refused the call: ResourceNotFoundException"
        ),
        "{err}"
    );
    let mut variables = world.variables.clone();
    variables.retain(|name, _| !name.ends_with("REGION"));
    let no_region =
        "error: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one\n"
            .to_owned();
    assert_eq!(world.run_with("record show p#1", &variables), (2, String::new(), no_region));
}

/// Within five minutes of the first send, when the queue still drops whatever comes under the first deduplication id.
#[tokio::test]
async fn a_redrive_moves_messages_in_order_and_as_they_were() {
    for kind in Kind::all() {
        let world = World::new(kind).await;
        let events = [1, 2].map(|number| Event::new(kind, number));
        for event in &events {
            assert_eq!(world.deliver(event).await, "accepted");
        }
        let failed = world.fail_messages().await;
        assert_eq!(world.aws.take_messages(world.queue()).await, []);

        let (code, listed, err) = world.run("redrive --from {dead_letters} --to {queue} --dry-run");
        let what = |line: &str| {
            line.split_once(", key ").map(|(_, what)| what.to_owned()).unwrap_or_default()
        };
        let group = |event: &Event| match kind.scheme.facts.group {
            [] => event.key.clone(),
            _ => format!("{}#grp_0", kind.provider.name()),
        };
        let event_type = attribute(&failed[0], "event_type");
        let expected = events
            .each_ref()
            .map(|event| format!("{}, type {event_type}, group {}", event.key, group(event)));
        assert_eq!((code, listed.lines().map(what).collect::<Vec<_>>()), (0, expected.to_vec()));
        assert_eq!(err, "2 would be moved; the dead-letter queue holds about 2.\n");
        assert_eq!(world.aws.take_messages(world.queue()).await, []);

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
async fn a_redrive_ends_where_a_message_comes_back() {
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

fn save(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("the folder for temporary files can be written");
    path
}

#[tokio::test]
async fn a_replay_reaches_a_consumer_beside_the_original_and_says_what_it_is() {
    for kind in Kind::all() {
        // A number that is spelled differently wherever it is read and written again.
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

        // Again, and it is another message.
        assert_eq!(world.run(&format!("replay {}", file.display())).0, 0);
        assert_eq!(world.aws.take_messages(world.queue()).await.len(), 1);
        assert_eq!(world.deliver(&event).await, "duplicate", "the table knows the event as before");
    }
}

/// The object that a message points to, and its name.
async fn payload(world: &World, message: &Message) -> (String, String) {
    let pointer =
        PayloadPointer::parse(message.body.as_deref().expect("a body")).expect("a pointer");
    let get = world.aws.s3.get_object().bucket(&pointer.bucket).key(&pointer.key);
    let body =
        get.send().await.expect("the object is there").body.collect().await.expect("it is read");
    (String::from_utf8(body.to_vec()).expect("UTF-8"), pointer.key)
}

#[tokio::test]
async fn a_large_event_is_replayed_through_the_bucket() {
    let kind = any_kind().large();
    let (world, event) = (World::new(kind).await, Event::new(kind, 1));
    assert_eq!(world.deliver(&event).await, "accepted");
    let original = world.message().await;
    let (envelope, name) = payload(&world, &original).await;

    let pointer = save("pointer.json", original.body.as_deref().expect("a body"));
    let bucket = &world.variables["PAYLOAD_BUCKET"];
    let refused = format!(
        "error: this cannot be replayed: it is a pointer: replay the object s3://{bucket}/{name}, to which it points\n"
    );
    assert_eq!(world.run(&format!("replay {}", pointer.display())), (2, String::new(), refused));

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

    let mut variables = world.variables.clone();
    variables.remove("PAYLOAD_BUCKET");
    let file = save("large.json", &envelope);
    let no_bucket = "error: cannot put the message on the queue: the message is over the queue's limit and \
                     PAYLOAD_BUCKET is not set\n";
    let ended = world.run_with(&format!("replay {}", file.display()), &variables);
    assert_eq!(ended, (2, String::new(), no_bucket.to_owned()));
}
