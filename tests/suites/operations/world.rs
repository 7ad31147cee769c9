//! One function with its own resources and a dead-letter queue, and the commands that are run on
//! them.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    time::Duration,
};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use serde_json::{Value, json};
use webhook_tests::{
    emulator::{Aws, Emulator, client_variables},
    function::{Function, bootstrap},
    traffic::{Event, Kind, variables_of},
};

pub(crate) const TRACE: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// A function with its own resources, and a dead-letter queue behind its queue.
pub(crate) struct World {
    pub(crate) aws: Aws,
    function: Function,
    pub(crate) variables: HashMap<String, String>,
    pub(crate) dead_letters: String,
}

impl World {
    pub(crate) async fn new(kind: Kind) -> Self {
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

    pub(crate) fn queue(&self) -> &str {
        &self.variables["QUEUE_URL"]
    }

    /// Delivers an event, and returns the `status` in the answer.
    pub(crate) async fn deliver(&self, event: &Event) -> Value {
        let answer =
            self.function.invoke_text(event.delivery(), Duration::from_secs(15), Some(TRACE)).await;
        let answer = answer.expect("an answer");
        let body: Value =
            serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        body["status"].clone()
    }

    /// Receives messages like a consumer that fails, until the queue has moved all of them to the
    /// dead-letter queue. Returns them.
    pub(crate) async fn fail_messages(&self) -> Vec<Message> {
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

    /// Returns the only message on the queue.
    pub(crate) async fn message(&self) -> Message {
        let mut messages = self.aws.take_messages(self.queue()).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// Runs `webhook` with the function's variables. `{queue}` and `{dead_letters}` stand for its
    /// queues, `{gone}` for one that does not exist.
    pub(crate) fn run(&self, arguments: &str) -> Ended {
        self.run_with(arguments, &self.variables)
    }

    pub(crate) fn run_with(&self, arguments: &str, variables: &HashMap<String, String>) -> Ended {
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
pub(crate) type Ended = (i32, String, String);

pub(crate) fn command(arguments: &str, variables: &HashMap<String, String>) -> Command {
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

pub(crate) fn system_attribute(message: &Message, name: &str) -> Option<String> {
    let attributes = message.attributes.as_ref()?;
    attributes
        .iter()
        .find(|(attribute, _)| attribute.as_str() == name)
        .map(|(_, value)| value.clone())
}

/// Returns names and texts of the message attributes, in alphabetical order.
pub(crate) fn attributes(message: &Message) -> Vec<(String, String)> {
    let attributes = message.message_attributes.iter().flatten();
    let mut texts: Vec<_> = attributes
        .map(|(name, value)| (name.clone(), value.string_value.clone().unwrap_or_default()))
        .collect();
    texts.sort();
    texts
}

pub(crate) fn attribute(message: &Message, name: &str) -> String {
    let found = attributes(message).into_iter().find(|(attribute, _)| attribute == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

pub(crate) fn parsed(message: &Message) -> Value {
    serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON")
}

/// Returns a kind for tests in which nothing depends on the provider.
pub(crate) fn any_kind() -> Kind {
    Kind::in_turn(0)
}
