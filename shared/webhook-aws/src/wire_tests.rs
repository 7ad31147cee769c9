//! What the adapters send is what the AWS SDK's own clients send: an emulator may be lenient where AWS is not.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use serde_json::Value;
use webhook_ingest::{
    ClaimToken, EventQueue as _, IdempotencyStore as _, Message, NewClaim, SecretStore as _, UnixMillis,
};

use crate::{
    Config, DynamoStore, SecretsManager, SqsQueue,
    client::tests::{OK, server},
};

/// Target, content type and body of the one call that `call` makes.
async fn sent(call: impl AsyncFnOnce(Config)) -> (String, String, Value) {
    let (config, server) = server(&[OK]);
    call(config).await;
    let seen = &server.join().expect("the server ends")[0];
    let body = serde_json::from_slice(&seen.body).expect("JSON");
    (seen.headers["x-amz-target"].clone(), seen.headers["content-type"].clone(), body)
}

/// A client of the SDK that calls where `config` does.
macro_rules! sdk_client {
    ($sdk:ident, $config:expr) => {{
        let endpoint = $config.endpoint(crate::endpoint::Service::Sqs).expect("a URL").to_string();
        let credentials = $sdk::config::Credentials::new("id", "secret", None, None, "tests");
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version_latest()
                .region($sdk::config::Region::new("eu-west-1"))
                .credentials_provider(credentials)
                .endpoint_url(endpoint)
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    }};
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: &str) -> AttributeValue {
    AttributeValue::N(value.to_owned())
}

#[tokio::test]
async fn a_claim() {
    let claim = NewClaim {
        id: "pinwheel#e".to_owned(),
        token: ClaimToken::named("t"),
        now: UnixMillis(1_795_262_400_500),
        lease_expires_at: UnixMillis(1_795_262_420_000),
        expires_at_s: 1_797_854_400,
        event_type: "account.added".to_owned(),
        event_id: "e".to_owned(),
        delivery_id: Some("d".to_owned()),
    };
    let ours = sent(async |config| drop(store(&config).claim(&claim).await)).await;
    let item: HashMap<String, AttributeValue> = [
        ("id", text("pinwheel#e")),
        ("status", text("IN_PROGRESS")),
        ("claim_token", text("t")),
        ("lease_expires_at_ms", number("1795262420000")),
        ("expires_at_s", number("1797854400")),
        ("event_type", text("account.added")),
        ("event_id", text("e")),
        ("received_at", text(&claim.received_at())),
        ("delivery_id", text("d")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let theirs = sent(async |config| {
        let put = sdk_client!(aws_sdk_dynamodb, config).put_item().table_name("table").set_item(Some(item));
        let put = put
            .condition_expression(
                "attribute_not_exists(id) OR expires_at_s < :now_s OR (#status = :in_progress AND lease_expires_at_ms < :now_ms)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":in_progress", text("IN_PROGRESS"))
            .expression_attribute_values(":now_s", number("1795262400"))
            .expression_attribute_values(":now_ms", number("1795262400500"))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        drop(put.send().await);
    })
    .await;
    assert_eq!(ours, theirs);
}

fn store(config: &Config) -> DynamoStore {
    DynamoStore::new(config, "table".to_owned()).expect("the endpoint is a URL")
}

#[tokio::test]
async fn completion_and_release_of_a_claim() {
    let token = ClaimToken::named("t");
    let ours = sent(async |config| drop(store(&config).complete("p#e", &token, "m", 7).await)).await;
    let theirs = sent(async |config| {
        let update = sdk_client!(aws_sdk_dynamodb, config).update_item().table_name("table").key("id", text("p#e"));
        let update = update
            .update_expression("SET #status = :enqueued, message_id = :message_id, expires_at_s = :expires_at_s")
            .condition_expression("claim_token = :token")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":token", text("t"))
            .expression_attribute_values(":enqueued", text("ENQUEUED"))
            .expression_attribute_values(":message_id", text("m"))
            .expression_attribute_values(":expires_at_s", number("7"));
        drop(update.send().await);
    })
    .await;
    assert_eq!(ours, theirs);

    let ours = sent(async |config| drop(store(&config).release("p#e", &token).await)).await;
    let theirs = sent(async |config| {
        let delete = sdk_client!(aws_sdk_dynamodb, config).delete_item().table_name("table").key("id", text("p#e"));
        let delete =
            delete.condition_expression("claim_token = :token").expression_attribute_values(":token", text("t"));
        drop(delete.send().await);
    })
    .await;
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn a_message_for_a_fifo_queue_and_for_a_standard_one() {
    let message = Message {
        body: "{\"a\":\"\u{1f600}\\u0000\"}".to_owned(),
        attributes: vec![("provider", "pinwheel".to_owned()), ("event_id", "e".to_owned())],
        group_id: "pinwheel#a".to_owned(),
        deduplication_id: "d".to_owned(),
        trace_header: Some("Root=1-6b0187c0-abcdef012345678912345678".to_owned()),
        payload_key: "pinwheel/t".to_owned(),
    };
    for url in ["https://sqs.eu-west-1.amazonaws.com/1/q.fifo", "https://sqs.eu-west-1.amazonaws.com/1/q"] {
        let ours = sent(async |config| {
            let queue = SqsQueue::new(&config, url.to_owned(), None).expect("the endpoint is a URL");
            drop(queue.send(&message).await);
        })
        .await;
        let theirs = sent(async |config| {
            let text = |value: &str| {
                let value = MessageAttributeValue::builder().data_type("String").string_value(value);
                value.build().expect("it has a type")
            };
            let trace_header = MessageSystemAttributeValue::builder().data_type("String");
            let trace_header = trace_header.string_value("Root=1-6b0187c0-abcdef012345678912345678");
            let send = sdk_client!(aws_sdk_sqs, config)
                .send_message()
                .queue_url(url)
                .message_body(&message.body)
                .message_group_id("pinwheel#a")
                .set_message_deduplication_id(crate::is_fifo(url).then(|| "d".to_owned()))
                .message_attributes("provider", text("pinwheel"))
                .message_attributes("event_id", text("e"))
                .message_system_attributes(
                    MessageSystemAttributeNameForSends::AwsTraceHeader,
                    trace_header.build().expect("it has a type"),
                );
            drop(send.send().await);
        })
        .await;
        assert_eq!(ours, theirs, "{url}");
    }
}

#[tokio::test]
async fn the_fetch_of_a_secret() {
    let ours = sent(async |config| {
        let secret = SecretsManager::new(&config, "arn:secret".to_owned()).expect("the endpoint is a URL");
        drop(secret.fetch_current().await);
    })
    .await;
    let theirs = sent(async |config| {
        let get = sdk_client!(aws_sdk_secretsmanager, config).get_secret_value();
        drop(get.secret_id("arn:secret").version_stage("AWSCURRENT").send().await);
    })
    .await;
    assert_eq!(ours, theirs);
}
