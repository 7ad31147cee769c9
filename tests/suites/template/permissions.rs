//! The roles allow every call that the code makes, and nothing more. Each permission is taken away
//! once: the delivery that needs it then ends as the table here says. A permission that is not in
//! the table fails the test.
//!
//! The functions run on this machine, with the credentials of their deployed roles. So each case
//! has a new process without a cached secret, and a log of its own.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use serde_json::{Value, json};
use webhook_aws::PayloadPointer;
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_tests::{
    api::{Api, texts},
    emulator::client_variables,
    event::http_api_v2,
    function::Function,
    stack::Stack,
};
use webhook_verify::providers::named;

use crate::world::{api, configuration, deploy, providers, signed, text, variables};

const SMALL: usize = 10;
/// Over SQS's limit.
const LARGE: usize = 1_100_000;
/// The time for each delivery. A `complete` that is denied is retried until it is up.
const TIME_LEFT: Duration = Duration::from_secs(8);

/// The permissions that no delivery in the emulator can show, and why.
pub(crate) const UNSEEN: [(&str, &str); 15] = [
    (
        "logs:CreateLogStream",
        "Lambda calls it, not the code; the emulator keeps logs without asking",
    ),
    ("logs:PutLogEvents", "the same"),
    ("xray:PutTelemetryRecords", "the same, if Tracing is Active"),
    ("xray:PutTraceSegments", "the same"),
    (
        "ec2:AssignPrivateIpAddresses",
        "Lambda calls it to attach a function to a VPC, which the emulator does not do",
    ),
    ("ec2:CreateNetworkInterface", "the same"),
    ("ec2:DeleteNetworkInterface", "the same"),
    ("ec2:DescribeNetworkInterfaces", "the same"),
    ("ec2:DescribeSubnets", "the same"),
    ("ec2:UnassignPrivateIpAddresses", "the same"),
    ("kms:Decrypt", "the services call KMS in the caller's name, which the emulator's do not"),
    ("kms:GenerateDataKey", "the same"),
    (
        "sqs:ReceiveMessage",
        "the consumer's event source mapping calls it; the emulator's needs no role for that",
    ),
    ("sqs:DeleteMessage", "the same"),
    ("sqs:GetQueueAttributes", "the same"),
];
/// The same, for the consumer alone.
const UNSEEN_OF_CONSUMER: (&str, &str) =
    ("dynamodb:DeleteItem", "for a handler that fails, and the example's cannot");

/// A role of the stack, with all its policies merged into one that can be changed.
pub(crate) struct Role<'a> {
    api: &'a Api,
    name: String,
    statements: Vec<(Vec<String>, Value)>,
}

impl<'a> Role<'a> {
    /// Reads the policies of a function's role, and takes them off it. [`Role::allow_all_but`] puts
    /// them back as one.
    pub(crate) async fn of(api: &'a Api, function: &str) -> Self {
        let arn = configuration(function).await["Role"].as_str().expect("it has a role").to_owned();
        let name = arn.rsplit('/').next().expect("an ARN ends in a name").to_owned();
        let role = ("RoleName", name.as_str());
        let call = |action: &str, parameters: &[(&str, &str)]| {
            api.query("iam", action, parameters).expect("IAM allows")
        };
        let mut statements = Vec::new();
        for policy in texts(&call("ListRolePolicies", &[role]), "member") {
            let named = [role, ("PolicyName", policy.as_str())];
            statements.extend(document(&call("GetRolePolicy", &named)));
            call("DeleteRolePolicy", &named);
        }
        for arn in texts(&call("ListAttachedRolePolicies", &[role]), "PolicyArn") {
            let named = ("PolicyArn", arn.as_str());
            let [version] = &texts(&call("GetPolicy", &[named]), "DefaultVersionId")[..] else {
                panic!("one policy")
            };
            statements
                .extend(document(&call("GetPolicyVersion", &[named, ("VersionId", version)])));
            call("DetachRolePolicy", &[role, named]);
        }
        Self { api, name, statements }
    }

    /// Returns every action that the role allows. Each must be in one statement only, so that
    /// removing it there takes it away.
    pub(crate) fn actions(&self) -> BTreeSet<&str> {
        let mut actions = BTreeSet::new();
        for action in self.statements.iter().flat_map(|(actions, _)| actions) {
            assert!(actions.insert(action.as_str()), "{action} is allowed twice");
        }
        actions
    }

    /// Returns the statement that allows an action.
    pub(crate) fn statement(&self, action: &str) -> &Value {
        let allows =
            |(actions, _): &&(Vec<String>, Value)| actions.iter().any(|allowed| allowed == action);
        &self.statements.iter().find(allows).expect("it is allowed").1
    }

    /// Allows everything that the template allows, except these actions.
    pub(crate) fn allow_all_but(&self, removed: &[&str]) {
        let statements = self.statements.iter().filter_map(|(actions, statement)| {
            let left: Vec<_> =
                actions.iter().filter(|action| !removed.contains(&action.as_str())).collect();
            let mut statement = statement.clone();
            statement["Action"] = json!(left);
            (!left.is_empty()).then_some(statement)
        });
        let document =
            json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
                .to_string();
        let policy = [
            ("RoleName", self.name.as_str()),
            ("PolicyName", "all"),
            ("PolicyDocument", &document),
        ];
        self.api.query("iam", "PutRolePolicy", &policy).expect("the policy is put");
    }

    /// Returns the variables with which a process makes its calls in this role.
    pub(crate) fn credentials(&self) -> HashMap<String, String> {
        let arn = format!("arn:aws:iam::000000000000:role/{}", self.name);
        let assumed = self.api.query(
            "sts",
            "AssumeRole",
            &[("RoleArn", arn.as_str()), ("RoleSessionName", "tests")],
        );
        let assumed = assumed.expect("the role is assumed");
        let variables = [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ];
        variables
            .map(|(variable, element)| (variable.to_owned(), texts(&assumed, element).remove(0)))
            .into()
    }
}

/// Returns the statements of the policy in IAM's response that allow something, each with its
/// actions.
fn document(answer: &str) -> Vec<(Vec<String>, Value)> {
    let [encoded] =
        &texts(answer, ["PolicyDocument", "Document"][usize::from(answer.contains("<Document>"))])
            [..]
    else {
        panic!("one document in {answer}")
    };
    let query = format!("d={encoded}");
    let (_, text) = form_urlencoded::parse(query.as_bytes()).next().expect("one member");
    let document: Value = serde_json::from_str(&text).expect("a policy is JSON");
    let statements = document["Statement"].as_array().expect("a list").iter();
    // The calls that Lambda makes for the VPC are denied to the code. Neither the emulator nor the
    // code makes them.
    let denies =
        |statement: &&Value| statement["Effect"] == "Deny" && statement["Action"] == "ec2:*";
    let statements = statements.filter(|statement| !denies(statement)).map(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        let actions = match &statement["Action"] {
            Value::String(action) => vec![action.clone()],
            actions => serde_json::from_value(actions.clone()).expect("a list of texts"),
        };
        (actions, statement.clone())
    });
    statements.collect()
}

/// The result of a delivery.
#[derive(Debug, Eq, PartialEq)]
struct Seen {
    status: i64,
    /// The log's reason, and whether it says that a call was denied.
    fault: Option<(String, bool)>,
    /// Whether a call was denied, but the answer did not change.
    warned: bool,
    /// The record's status.
    record: Option<String>,
    messages: usize,
}

fn accepted() -> Seen {
    Seen {
        status: 200,
        fault: None,
        warned: false,
        record: Some("ENQUEUED".to_owned()),
        messages: 1,
    }
}

fn denied(step: &str) -> Seen {
    Seen {
        status: 503,
        fault: Some((step.to_owned(), true)),
        warned: false,
        record: None,
        messages: 0,
    }
}

/// Returns the cases: the actions that are taken away, the size of the delivery, and its result. A
/// case shows what its first action is for.
fn cases() -> Vec<(&'static [&'static str], usize, Seen)> {
    let in_progress = || Some("IN_PROGRESS".to_owned());
    vec![
        (&["secretsmanager:GetSecretValue"], SMALL, denied("secret")),
        (&["dynamodb:PutItem"], SMALL, denied("claim")),
        (&["sqs:SendMessage"], SMALL, denied("send")),
        (&["s3:PutObject"], LARGE, denied("send")),
        // The event is on the queue, so the answer is 200.
        (
            &["dynamodb:UpdateItem"],
            SMALL,
            Seen { warned: true, record: in_progress(), ..accepted() },
        ),
        // A claim is released only if the send fails, so that has to fail as well.
        (
            &["dynamodb:DeleteItem", "sqs:SendMessage"],
            SMALL,
            Seen { warned: true, record: in_progress(), ..denied("send") },
        ),
    ]
}

/// A receiver in its deployed environment and role.
struct Receiver<'a> {
    stack: &'a Stack,
    role: Role<'a>,
    provider: &'static str,
    variables: HashMap<String, String>,
}

impl<'a> Receiver<'a> {
    async fn of(api: &'a Api, stack: &'a Stack, provider: &'static str) -> Self {
        let function = format!("{}-{provider}", stack.name);
        let mut all = client_variables(&stack.endpoint);
        all.extend(variables(&function).await);
        Self { stack, role: Role::of(api, &function).await, provider, variables: all }
    }

    /// Delivers an event to a new process.
    async fn deliver(&self, secret: &str, id: &str, bytes: usize) -> Seen {
        let mut variables = self.variables.clone();
        variables.extend(self.role.credentials());
        let function = Function::start(self.provider, &variables).await;
        let event = signed(self.provider, secret, id, bytes);
        let event = http_api_v2("/", &event.headers, &event.body);
        let answer =
            function.invoke_text(event.to_string(), TIME_LEFT, None).await.expect("an answer");
        let line = function.delivery_lines(1).await.remove(0);
        let is_denied =
            |name: &str| line[name].as_str().is_some_and(|text| text.contains("AccessDenied"));
        let records = self.stack.aws.records(&self.variables["IDEMPOTENCY_TABLE"]).await;
        let key = line["webhook.idempotency_key"].as_str();
        let own = format!("{}#", self.provider);
        assert!(
            records.iter().all(|record| text(record, "id").is_some_and(|id| id.starts_with(&own))),
            "{records:?}"
        );
        let record = records.iter().find(|record| text(record, "id").as_deref() == key);
        Seen {
            status: answer["statusCode"].as_i64().expect("a status"),
            fault: line["webhook.reason"]
                .as_str()
                .map(|reason| (reason.to_owned(), is_denied("webhook.detail"))),
            warned: is_denied("webhook.warning"),
            record: record.and_then(|record| text(record, "status")),
            messages: self.stack.aws.take_messages(&self.variables["QUEUE_URL"]).await.len(),
        }
    }
}

/// With these parameters, every role has all the permissions that it can have: for keys, traces, a
/// VPC.
pub(crate) const EVERYTHING: [(&str, &str); 5] = [
    ("KmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000"),
    (
        "ExistingKmsKeyArns",
        "arn:aws:kms:us-east-1:000000000000:key/1,arn:aws:kms:us-east-1:000000000000:key/2",
    ),
    ("Tracing", "Active"),
    ("SubnetIds", "subnet-01234567"),
    ("SecurityGroupIds", "sg-01234567"),
];

/// Fails if the role allows an action that is neither in `shown` nor in [`UNSEEN`].
pub(crate) fn assert_nothing_more<'a>(role: &Role<'_>, shown: impl Iterator<Item = &'a str>) {
    let known: BTreeSet<&str> = shown.chain(UNSEEN.iter().map(|(action, _)| *action)).collect();
    let unknown: Vec<_> =
        role.actions().into_iter().filter(|action| !known.contains(action)).collect();
    assert_eq!(unknown, [""; 0], "no case shows what these actions are for");
}

async fn a_receiver_may_make_its_calls_and_no_others(provider: &'static str) {
    let api = api().await;
    let stack = deploy(&format!("permissions-{provider}"), &EVERYTHING).await;
    let receiver = Receiver::of(&api, &stack, provider).await;
    assert_nothing_more(&receiver.role, cases().iter().map(|(removed, ..)| removed[0]));
    assert_is_its_own(&receiver.role, provider);

    receiver.role.allow_all_but(&[]);
    let key = named(provider).expect("is on the list").key();
    stack
        .aws
        .rotate_secret(&receiver.variables["SIGNING_SECRET_ID"], &key.write("a newer secret"))
        .await;
    for (case, secret, bytes) in [
        ("a message", "a newer secret", SMALL),
        ("one for the bucket", "a newer secret", LARGE),
        ("one by the previous secret", DEVELOPMENT_SECRET, SMALL),
    ] {
        assert_eq!(receiver.deliver(secret, case, bytes).await, accepted(), "{case}");
    }
    for (removed, bytes, expected) in cases() {
        assert!(
            receiver.role.actions().contains(removed[0]),
            "{} is not allowed in the first place",
            removed[0]
        );
        receiver.role.allow_all_but(removed);
        assert_eq!(
            receiver.deliver("a newer secret", removed[0], bytes).await,
            expected,
            "without {removed:?}"
        );
    }
    receiver.role.allow_all_but(&[]);
    assert_eq!(
        receiver.deliver("a newer secret", "the last", SMALL).await,
        accepted(),
        "all permissions are back"
    );
}

/// Fails if a role may write another provider's data. The emulator does not know a request's
/// leading keys, so the condition is compared here. (Each delivery compares the keys of the
/// records.)
fn assert_is_its_own(role: &Role<'_>, provider: &str) {
    let keys =
        json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": format!("{provider}#*")}});
    assert_eq!(role.statement("dynamodb:PutItem")["Condition"], keys);
    let objects = role.statement("s3:PutObject")["Resource"].as_str().expect("one resource");
    assert!(objects.ends_with(&format!("/{provider}/*")), "{objects}");
    let key = |end: &str| format!("arn:aws:kms:us-east-1:000000000000:key/{end}");
    let keys = [key("00000000-0000-4000-8000-000000000000"), key("1"), key("2")];
    assert_eq!(role.statement("kms:Decrypt")["Resource"], json!(keys));
}

#[test]
fn each_receiver_may_make_its_calls_and_no_others() {
    // At the same time, because most of it goes into a `complete` that is retried until its time is
    // up.
    std::thread::scope(|scope| {
        for provider in providers() {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(a_receiver_may_make_its_calls_and_no_others(provider));
            });
        }
    });
}

/// The consumer in its deployed environment and role. The test is its event source mapping.
struct Consumer<'a> {
    stack: &'a Stack,
    role: Role<'a>,
    variables: HashMap<String, String>,
}

impl Consumer<'_> {
    /// Hands a message to a new process. Returns whether it is to come again, the log's outcome and
    /// reason, and the mark's attributes.
    async fn consume(
        &self,
        id: &str,
        in_bucket: bool,
    ) -> (bool, String, Option<String>, Option<BTreeSet<String>>) {
        let key = format!("provider#{id}");
        let envelope = json!({
            "specversion": "1.0",
            "id": id,
            "type": "provider.x",
            "idempotencykey": key,
            "data": {},
        });
        let mut body = envelope.to_string();
        if in_bucket {
            let bucket = self.variables["PAYLOAD_BUCKET"].clone();
            let put = self
                .stack
                .aws
                .s3
                .put_object()
                .bucket(&bucket)
                .key(id)
                .body(body.into_bytes().into());
            put.send().await.expect("the administrator may put an object");
            body = PayloadPointer { bucket, key: id.to_owned() }.to_string();
        }
        let mut variables = self.variables.clone();
        variables.extend(self.role.credentials());
        let function = Function::start("example-consumer", &variables).await;
        let record = json!({
            "messageId": "m1",
            "body": body,
            "attributes": {},
            "eventSourceARN": "arn:aws:sqs:::q",
        });
        let answer = function.invoke(&json!({"Records": [record]})).await.expect("an answer");
        let comes_again = answer["batchItemFailures"] == json!([{"itemIdentifier": "m1"}]);
        assert!(comes_again || answer["batchItemFailures"] == json!([]), "{answer}");
        let line = function.lines(1, |line| line["message"] == "message").await.remove(0);
        // Without the request's id, which is new each time.
        let reason = line["webhook.reason"]
            .as_str()
            .map(|reason| reason.split(" (request").next().unwrap_or_default());
        let marks = self.stack.aws.records(&self.variables["CONSUMED_TABLE"]).await;
        let mark = marks.iter().find(|mark| text(mark, "id").as_ref() == Some(&key));
        (
            comes_again,
            line["webhook.outcome"].as_str().expect("an outcome").to_owned(),
            reason.map(str::to_owned),
            mark.map(|mark| mark.keys().cloned().collect()),
        )
    }
}

#[tokio::test]
async fn the_example_consumer_may_make_its_calls_and_no_others() {
    let api = api().await;
    let mut parameters = EVERYTHING.to_vec();
    parameters.push(("ExampleConsumer", "true"));
    let stack = deploy("permissions-consumer", &parameters).await;
    let function = "permissions-consumer-example-consumer";
    let mut all = client_variables(&stack.endpoint);
    all.extend(variables(function).await);
    let consumer = Consumer { stack: &stack, role: Role::of(&api, function).await, variables: all };

    let claim = || BTreeSet::from(["id", "claim_token", "expires_at_s"].map(str::to_owned));
    let mark = || claim().into_iter().chain(["done_at".to_owned()]).collect();
    let handled = || (false, "handled".to_owned(), None, Some(mark()));
    let left = |reason: &str| (true, "left".to_owned(), Some(reason.to_owned()), None);
    let unmarked = (
        false,
        "handled".to_owned(),
        Some("the work is done, but its mark may be missing".to_owned()),
        Some(claim()),
    );
    let cases = [
        (
            "s3:GetObject",
            true,
            left("could not get the payload: the service refused the call: AccessDenied"),
        ),
        (
            "dynamodb:PutItem",
            false,
            left("could not claim the event: the service refused the call: AccessDeniedException"),
        ),
        ("dynamodb:UpdateItem", false, unmarked),
    ];
    let shown = cases.iter().map(|(action, ..)| *action).chain([UNSEEN_OF_CONSUMER.0]);
    assert_nothing_more(&consumer.role, shown);

    consumer.role.allow_all_but(&[]);
    assert_eq!(consumer.consume("a", false).await, handled());
    assert_eq!(consumer.consume("b", true).await, handled());
    for (action, in_bucket, expected) in cases {
        assert!(
            consumer.role.actions().contains(action),
            "{action} is not allowed in the first place"
        );
        consumer.role.allow_all_but(&[action]);
        assert_eq!(consumer.consume(action, in_bucket).await, expected, "without {action}");
    }
    consumer.role.allow_all_but(&[]);
    assert_eq!(consumer.consume("c", true).await, handled(), "all permissions are back");
}
