//! The operator's commands, as they are typed, against the emulator and what the real bootstraps left there.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    event::http_api_v2,
    function::{Function, bootstrap},
};
use webhook_verify::{SigningSecret, UnixSeconds, sign};

const SECRET: &str = "secret-of-the-suite";
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// A function with all that is its own, and a dead-letter queue behind its queue.
struct World {
    aws: Aws,
    function: Function,
    provider: &'static str,
    variables: HashMap<String, String>,
    dead_letters: String,
}

impl World {
    async fn new(provider: &'static str) -> Self {
        let aws = Aws::shared();
        let (queue, dead_letters) = (aws.create_queue(true).await, aws.create_queue(true).await);
        let policy = json!({"deadLetterTargetArn": arn(&aws, &dead_letters).await, "maxReceiveCount": "1"}).to_string();
        let set =
            aws.sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::RedrivePolicy, policy);
        set.send().await.expect("a redrive policy is set");
        let mut variables = client_variables(&Emulator::shared().endpoint);
        for (name, value) in [
            ("IDEMPOTENCY_TABLE", aws.create_table().await),
            ("QUEUE_URL", queue),
            ("PAYLOAD_BUCKET", aws.create_bucket().await),
            ("SIGNING_SECRET_ID", aws.create_secret(SECRET).await),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let function = Function::start(provider, &variables).await;
        Self { aws, function, provider, variables, dead_letters }
    }

    fn queue(&self) -> &str {
        &self.variables["QUEUE_URL"]
    }

    /// Delivers a body and gives the answer's status.
    async fn deliver(&self, body: &str) -> Value {
        let secret = SigningSecret::new(SECRET.into()).expect("not empty");
        let headers = match self.provider {
            "pinwheel" => sign::pinwheel_v2(&secret, now(), body.as_bytes()).to_vec(),
            _ => sign::endgrate(&secret, body.as_bytes()).to_vec(),
        };
        let event = http_api_v2(&format!("/webhooks/{}", self.provider), &headers, body).to_string();
        let answer = self.function.invoke_text(event, std::time::Duration::from_secs(15), Some(TRACE)).await;
        let answer = answer.expect("an answer");
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        body["status"].clone()
    }

    /// Lets a consumer fail until the queue gives all its messages up.
    async fn fail_messages(&self) {
        loop {
            let receive = self.aws.sqs.receive_message().queue_url(self.queue()).visibility_timeout(0);
            let received = receive.max_number_of_messages(10).send().await.expect("a queue is read");
            if received.messages.unwrap_or_default().is_empty() {
                return;
            }
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
        let arguments = arguments.replace("{queue}", self.queue()).replace("{dead_letters}", &self.dead_letters);
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
    let get = aws.sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::QueueArn);
    let attributes = get.send().await.expect("a queue is asked").attributes.expect("it has attributes");
    attributes[&QueueAttributeName::QueueArn].clone()
}

fn now() -> UnixSeconds {
    UnixSeconds(i64::try_from(UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("fits"))
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since_epoch.as_millis()).expect("fits")
}

fn system_attribute(message: &Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes.iter().find(|(attribute, _)| attribute.as_str() == name).map(|(_, value)| value.clone())
}

/// Names and texts of the message attributes, in alphabetical order.
fn attributes(message: &Message) -> Vec<(String, String)> {
    let attributes = message.message_attributes.iter().flatten();
    let mut texts: Vec<_> =
        attributes.map(|(name, value)| (name.clone(), value.string_value.clone().unwrap_or_default())).collect();
    texts.sort();
    texts
}

fn parsed(message: &Message) -> Value {
    serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON")
}

/// The new key in what `replay` prints.
fn new_key(out: &str) -> String {
    out.split(" as ").nth(1).and_then(|rest| rest.split(": message ").next()).expect("a key").to_owned()
}

#[tokio::test]
async fn a_record_is_shown_found_and_purged_and_its_event_is_then_queued_again() {
    let world = World::new("pinwheel").await;
    assert_eq!(world.deliver(r#"{"event_id":"e1","event":"x.added"}"#).await, "accepted");
    assert_eq!(world.deliver(r#"{"event_id":"e2","event":"x.added"}"#).await, "accepted");

    let (code, shown, err) = world.run("record show pinwheel#e1");
    assert_eq!((code, err.as_str()), (0, ""));
    let names: Vec<_> = shown.lines().filter_map(|line| line.split(": ").next()).collect();
    let expected = [
        "id",
        "status",
        "event_type",
        "event_id",
        "received_at",
        "message_id",
        "claim_token",
        "lease_expires_at_ms",
        "expires_at_s",
    ];
    assert_eq!(names, expected);
    assert!(shown.starts_with("id: pinwheel#e1\nstatus: ENQUEUED\nevent_type: x.added\nevent_id: e1\n"), "{shown}");

    let table = &world.variables["IDEMPOTENCY_TABLE"];
    let found = world.run("record find --event-id e1");
    let notes = format!("Reading all of the table {table}: it has no index on the event's id.\n1 of 2 records.\n");
    assert_eq!(found, (0, shown.clone(), notes));
    let (code, out, _) = world.run("record find --event-id e");
    assert_eq!((code, out.as_str()), (1, ""));

    let unconfirmed = world.run("record purge pinwheel#e1");
    assert_eq!(
        unconfirmed,
        (2, shown.clone(), "error: nothing was deleted: add --yes to delete this record\n".to_owned())
    );
    assert_eq!(world.deliver(r#"{"event_id":"e1","event":"x.added"}"#).await, "duplicate");

    assert_eq!(world.run("record purge pinwheel#e1 --yes"), (0, shown, "Deleted.\n".to_owned()));
    let none = (1, String::new(), "There is no record pinwheel#e1.\n".to_owned());
    for arguments in [
        "record show pinwheel#e1",
        "record purge pinwheel#e1",
        "record purge pinwheel#e1 --yes",
        "record purge pinwheel#e1 --yes --force",
    ] {
        assert_eq!(world.run(arguments), none, "{arguments}");
    }
    assert_eq!(world.deliver(r#"{"event_id":"e1","event":"x.added"}"#).await, "accepted");
}

#[tokio::test]
async fn a_record_in_use_is_purged_by_force_alone_and_one_whose_lease_ran_out_without() {
    let world = World::new("pinwheel").await;
    let table = &world.variables["IDEMPOTENCY_TABLE"];
    for (id, lease_expires_at_ms) in [("p#held", now_ms() + 60_000), ("p#left", now_ms() - 1)] {
        let put = world.aws.dynamodb.put_item().table_name(table).item("id", AttributeValue::S(id.to_owned()));
        let put = put.item("status", AttributeValue::S("IN_PROGRESS".to_owned()));
        let put = put.item("lease_expires_at_ms", AttributeValue::N(lease_expires_at_ms.to_string()));
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
    let world = World::new("pinwheel").await;
    let (code, out, err) = world.run("record show p#1 --table no-such-table");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: cannot read the record: the service refused the call: ResourceNotFoundException"),
        "{err}"
    );
    let mut variables = world.variables.clone();
    variables.retain(|name, _| !name.ends_with("REGION"));
    let no_region = "error: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one\n".to_owned();
    assert_eq!(world.run_with("record show p#1", &variables), (2, String::new(), no_region));
}

/// Within five minutes of the first send, when the queue still drops whatever comes under the first deduplication id.
#[tokio::test]
async fn a_redrive_moves_messages_in_order_and_as_they_were() {
    let world = World::new("pinwheel").await;
    for id in ["e1", "e2"] {
        let body = json!({"event_id": id, "event": "x.added", "payload": {"account_id": "a1"}}).to_string();
        assert_eq!(world.deliver(&body).await, "accepted");
    }
    world.fail_messages().await;
    assert_eq!(world.aws.take_messages(world.queue()).await, []);

    let (code, listed, err) = world.run("redrive --from {dead_letters} --to {queue} --dry-run");
    let what = |line: &str| line.split_once(", key ").map(|(_, what)| what.to_owned()).unwrap_or_default();
    let expected = ["pinwheel#e1, type x.added, group pinwheel#a1", "pinwheel#e2, type x.added, group pinwheel#a1"];
    assert_eq!((code, listed.lines().map(what).collect::<Vec<_>>()), (0, expected.map(str::to_owned).to_vec()));
    assert_eq!(err, "2 would be moved; the dead-letter queue holds about 2.\n");
    assert_eq!(world.aws.take_messages(world.queue()).await, []);

    let (code, first, err) = world.run("redrive --from {dead_letters} --to {queue} --max 1");
    assert_eq!((code, err.as_str()), (0, "1 moved; the dead-letter queue holds about 1.\n"));
    assert!(first.starts_with("moved ") && first.trim_end().ends_with(expected[0]), "{first}");
    let (code, second, err) = world.run("redrive --from {dead_letters} --to {queue}");
    assert_eq!((code, err.as_str()), (0, "1 moved; the dead-letter queue holds about 0.\n"));
    assert!(second.trim_end().ends_with(expected[1]), "{second}");
    assert_eq!(world.run("redrive --from {dead_letters} --to {queue}").0, 0);

    let messages = world.aws.take_messages(world.queue()).await;
    let ids: Vec<_> = messages.iter().map(|message| parsed(message)["id"].clone()).collect();
    assert_eq!(ids, ["e1", "e2"]);
    for message in &messages {
        let id = parsed(message)["id"].as_str().expect("an id").to_owned();
        let expected = [
            ("event_id", id.clone()),
            ("event_type", "x.added".to_owned()),
            ("idempotency_key", format!("pinwheel#{id}")),
            ("provider", "pinwheel".to_owned()),
            ("signature_scheme", "pinwheel-v2".to_owned()),
        ];
        assert_eq!(attributes(message), expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(system_attribute(message, "MessageGroupId").as_deref(), Some("pinwheel#a1"));
        assert_eq!(system_attribute(message, "AWSTraceHeader").as_deref(), Some(TRACE));
    }
}

#[tokio::test]
async fn a_redrive_leaves_in_place_what_it_cannot_send() {
    let world = World::new("pinwheel").await;
    assert_eq!(world.deliver(r#"{"event_id":"e1","event":"x.added"}"#).await, "accepted");
    world.fail_messages().await;
    let (code, out, err) = world.run("redrive --from {dead_letters} --to {gone}");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: cannot send the message: the service refused the call: "), "{err}");
    let (code, _, err) = world.run("redrive --from {dead_letters} --to {queue}");
    assert_eq!(
        (code, err.as_str()),
        (0, "1 moved; the dead-letter queue holds about 0.\n"),
        "it is shown again at once"
    );
}

#[tokio::test]
async fn a_redrive_ends_where_a_message_comes_back() {
    let world = World::new("pinwheel").await;
    for id in 0..20 {
        assert_eq!(world.deliver(&json!({"event_id": format!("e{id}")}).to_string()).await, "accepted");
    }
    world.fail_messages().await;
    let arguments = format!("redrive --from {} --to {}", world.dead_letters, world.queue());
    let mut redrive = command(&arguments, &world.variables);
    let child = redrive.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    while !ended.is_finished() {
        world.fail_messages().await;
    }
    let output = ended.await.expect("no panic").expect("it ends");
    let err = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(" came back: a consumer fails on it.\n"), "{err}");
    world.fail_messages().await;
    let held =
        world.aws.take_messages(world.queue()).await.len() + world.aws.take_messages(&world.dead_letters).await.len();
    assert_eq!(held, 20, "none is lost");
}

fn save(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("the folder for temporary files can be written");
    path
}

#[tokio::test]
async fn a_replay_reaches_a_consumer_beside_the_original_and_says_what_it_is() {
    for (provider, body) in [
        ("pinwheel", r#"{"event_id": "e1", "event": "x.added", "payload": {"account_id": "a1", "amount": 1.10e2}}"#),
        ("endgrate", r#"{"transfer_data": [], "session_id": "s1", "rate": 1.0}"#),
    ] {
        let world = World::new(provider).await;
        assert_eq!(world.deliver(body).await, "accepted");
        let original = world.message().await;
        let text = original.body.as_deref().expect("a body");
        let file = save(&format!("replay-{provider}.json"), text);

        let (code, out, err) = world.run(&format!("replay {}", file.display()));
        assert_eq!((code, err.as_str()), (0, ""));
        let (old_key, key) = (parsed(&original)["idempotencykey"].as_str().expect("a key").to_owned(), new_key(&out));
        let replay = world.message().await;
        let id = replay.message_id.as_deref().expect("an id");
        assert_eq!(out, format!("replayed {old_key} as {key}: message {id}\n"));
        assert!(key.starts_with(&format!("{old_key}#replay-")), "{key}");
        assert!(replay.body.as_deref().is_some_and(|replay| replay.ends_with(&format!(",\"data\":{body}}}"))));

        let mut expected = parsed(&original);
        let mut envelope = parsed(&replay);
        let replayed_at = envelope.as_object_mut().expect("an object").remove("replayedat").expect("a time");
        assert!(replayed_at.as_str().is_some_and(|time| time.ends_with('Z')), "{replayed_at}");
        expected["idempotencykey"] = json!(key);
        expected["replayof"] = json!(old_key);
        assert_eq!(envelope, expected);
        let group = system_attribute(&replay, "MessageGroupId");
        assert_eq!(group, system_attribute(&original, "MessageGroupId"));
        let changed: Vec<_> =
            attributes(&replay).into_iter().filter(|attribute| !attributes(&original).contains(attribute)).collect();
        let expected = [("idempotency_key", key.as_str()), ("replay", "true")];
        assert_eq!(changed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

        // Again, and it is another message.
        assert_eq!(world.run(&format!("replay {}", file.display())).0, 0);
        assert_eq!(world.aws.take_messages(world.queue()).await.len(), 1);
        assert_eq!(world.deliver(body).await, "duplicate", "the table knows the event as before");
    }
}

/// The object that a message points to, and its name.
async fn payload(world: &World, message: &Message) -> (String, String) {
    let pointer = PayloadPointer::parse(message.body.as_deref().expect("a body")).expect("a pointer");
    let get = world.aws.s3.get_object().bucket(&pointer.bucket).key(&pointer.key);
    let body = get.send().await.expect("the object is there").body.collect().await.expect("it is read");
    (String::from_utf8(body.to_vec()).expect("UTF-8"), pointer.key)
}

#[tokio::test]
async fn a_large_event_is_replayed_through_the_bucket() {
    let world = World::new("pinwheel").await;
    let body = json!({"event_id": "e1", "event": "x.added", "payload": {"text": "x".repeat(1_100_000)}}).to_string();
    assert_eq!(world.deliver(&body).await, "accepted");
    let original = world.message().await;
    let (envelope, name) = payload(&world, &original).await;

    let pointer = save("pointer.json", original.body.as_deref().expect("a body"));
    let bucket = &world.variables["PAYLOAD_BUCKET"];
    let refused = format!(
        "error: this cannot be replayed: it is a pointer: replay the object s3://{bucket}/{name}, to which it points\n"
    );
    assert_eq!(world.run(&format!("replay {}", pointer.display())), (2, String::new(), refused));

    let (code, out, err) = world.run(&format!("replay {}", save("large.json", &envelope).display()));
    assert_eq!((code, err.as_str()), (0, ""));
    let replay = world.message().await;
    let (replayed, replay_name) = payload(&world, &replay).await;
    assert_ne!(replay_name, name, "each message has an object of its own");
    let replayed: Value = serde_json::from_str(&replayed).expect("JSON");
    assert_eq!((&replayed["idempotencykey"], &replayed["replayof"]), (&json!(new_key(&out)), &json!("pinwheel#e1")));

    let mut variables = world.variables.clone();
    variables.remove("PAYLOAD_BUCKET");
    let file = save("large.json", &envelope);
    let no_bucket = "error: cannot put the message on the queue: the message is over the queue's limit and \
                     PAYLOAD_BUCKET is not set\n";
    let ended = world.run_with(&format!("replay {}", file.display()), &variables);
    assert_eq!(ended, (2, String::new(), no_bucket.to_owned()));
}
