//! The AWS adapters keep the contract of the ports. They call the emulator over HTTP.

use std::str::FromStr;

use webhook_aws::{
    DynamoStore, SQS_MAX_BYTES, SecretsManager, SqsQueue, message_attributes, message_size,
};
use webhook_ingest::{
    CallError, ClaimToken, EventQueue, IdempotencyStore as _, Message, SecretStore, StoredSecret,
    testing::{queue_contract, store_contract},
};
use webhook_tests::emulator::Aws;

#[tokio::test]
async fn the_dynamodb_store_keeps_the_contract() {
    let aws = Aws::shared();
    let store = DynamoStore::new(&aws.config, name(&aws.create_table().await));
    store_contract(&store, "dynamodb").await;
}

#[tokio::test]
async fn the_sqs_queue_keeps_the_contract() {
    let aws = Aws::shared();
    let url = aws.create_queue(true).await;
    queue_contract(&SqsQueue::new(&aws.config, name(&url), None), "sqs").await;
    let bodies: Vec<_> =
        aws.take_messages(&url).await.into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, [Some("first".to_owned()), Some("other".to_owned())]);
}

fn message_of_size(size: usize) -> Message {
    let mut message = Message {
        body: String::new(),
        provider: "p".to_owned(),
        event_type: "t".to_owned(),
        event_id: "e".to_owned(),
        idempotency_key: format!("p#size-{size}"),
        signature_scheme: "s".to_owned(),
        group: "g".to_owned(),
        claim_token: ClaimToken::named(size.to_string()),
        trace_header: None,
        is_replay: false,
    };
    let attributes = message_attributes(&message);
    message.body = "x".repeat(size - message_size("", &attributes));
    assert_eq!(message_size(&message.body, &attributes), size);
    message
}

#[tokio::test]
async fn a_message_at_the_limit_is_sent_and_a_larger_one_goes_to_the_bucket() {
    let aws = Aws::shared();
    let (url, bucket) = (aws.create_queue(true).await, aws.create_bucket().await);
    let queue = SqsQueue::new(&aws.config, name(&url), Some(name(&bucket)));
    let (largest, too_large) = (message_of_size(SQS_MAX_BYTES), message_of_size(SQS_MAX_BYTES + 1));
    queue.send(&largest).await.expect("is sent");
    queue.send(&too_large).await.expect("is sent");

    let [whole, pointer] = &aws.take_messages(&url).await[..] else { panic!("two messages") };
    assert_eq!(whole.body.as_ref(), Some(&largest.body));
    let expected = format!(
        "[\"software.amazon.payloadoffloading.PayloadS3Pointer\",\
         {{\"s3BucketName\":\"{bucket}\",\"s3Key\":\"p/1048577\"}}]"
    );
    assert_eq!(pointer.body.as_ref(), Some(&expected));
    let attributes = pointer.message_attributes.as_ref().expect("it has attributes");
    let size = &attributes["ExtendedPayloadSize"];
    let body_size = too_large.body.len().to_string();
    assert_eq!(
        (size.data_type.as_str(), size.string_value.as_deref()),
        ("Number", Some(body_size.as_str()))
    );
    assert_eq!(attributes["event_id"].string_value.as_deref(), Some("e"));
    let object = aws
        .s3
        .get_object()
        .bucket(&bucket)
        .key("p/1048577")
        .send()
        .await
        .expect("the object is there");
    let stored = object.body.collect().await.expect("it is read").into_bytes();
    assert!(stored == too_large.body.as_bytes(), "the object is the message's body");
}

/// Creates a queue that takes messages of up to 256 KiB, and returns its URL.
async fn create_queue_of_256_kib(aws: &Aws) -> String {
    let url = aws.create_queue(true).await;
    let limit = aws_sdk_sqs::types::QueueAttributeName::MaximumMessageSize;
    aws.sqs
        .set_queue_attributes()
        .queue_url(&url)
        .attributes(limit, "262144")
        .send()
        .await
        .expect("is set");
    url
}

#[tokio::test]
async fn a_message_that_the_queue_refuses_for_its_size_goes_to_the_bucket() {
    let aws = Aws::shared();
    let (url, bucket) = (create_queue_of_256_kib(&aws).await, aws.create_bucket().await);
    let queue = SqsQueue::new(&aws.config, name(&url), Some(name(&bucket)));
    let message = message_of_size(300_000);
    queue.send(&message).await.expect("is sent");
    let [pointer] = &aws.take_messages(&url).await[..] else { panic!("one message") };
    assert!(
        pointer.body.as_ref().is_some_and(|body| body.contains("\"s3Key\":\"p/300000\"")),
        "{pointer:?}"
    );
    let object = aws
        .s3
        .get_object()
        .bucket(&bucket)
        .key("p/300000")
        .send()
        .await
        .expect("the object is there");
    let stored = object.body.collect().await.expect("it is read").into_bytes();
    assert!(stored == message.body.as_bytes(), "the object is the message's body");
}

#[tokio::test]
async fn without_a_bucket_a_message_that_the_queue_refuses_is_too_large() {
    let aws = Aws::shared();
    let url = create_queue_of_256_kib(&aws).await;
    let queue = SqsQueue::new(&aws.config, name(&url), None);
    assert_eq!(queue.send(&message_of_size(300_001)).await, Err(CallError::MessageTooLarge));
    assert_eq!(aws.take_messages(&url).await.len(), 0);
}

#[tokio::test]
async fn without_a_bucket_a_message_over_the_limit_is_too_large() {
    let aws = Aws::shared();
    let url = aws.create_queue(true).await;
    let queue = SqsQueue::new(&aws.config, name(&url), None);
    assert_eq!(
        queue.send(&message_of_size(SQS_MAX_BYTES + 1)).await,
        Err(CallError::MessageTooLarge)
    );
    assert_eq!(aws.take_messages(&url).await.len(), 0);
}

/// Parses the name of something that the emulator made.
fn name<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("is a name")
}

fn text(stored: StoredSecret) -> Option<String> {
    match stored {
        StoredSecret::Text(text) => Some(text.to_string()),
        StoredSecret::NotText => None,
    }
}

#[tokio::test]
async fn a_secret_without_a_previous_version_is_read() {
    let aws = Aws::shared();
    let secret = aws.create_secret("first").await;
    let store = SecretsManager::new(&aws.config, name(&secret));
    let fetched = store.fetch().await.expect("is read");
    assert_eq!(text(fetched.current), Some("first".to_owned()));
    assert_eq!(fetched.previous.map(|version| version.and_then(text)), Ok(None));
}

#[tokio::test]
async fn both_versions_of_a_rotated_secret_are_read() {
    let aws = Aws::shared();
    let secret = aws.create_secret("first").await;
    aws.rotate_secret(&secret, "second").await;
    let store = SecretsManager::new(&aws.config, name(&secret));
    let fetched = store.fetch().await.expect("is read");
    assert_eq!(text(fetched.current), Some("second".to_owned()));
    assert_eq!(
        fetched.previous.map(|version| version.and_then(text)),
        Ok(Some("first".to_owned()))
    );
}

#[tokio::test]
async fn a_binary_secret_has_no_text() {
    let aws = Aws::shared();
    let secret = aws.create_secret("text").await;
    let binary = aws_sdk_secretsmanager::primitives::Blob::new(b"\x00\x01".to_vec());
    aws.secrets
        .put_secret_value()
        .secret_id(&secret)
        .secret_binary(binary)
        .send()
        .await
        .expect("a secret is put");
    let fetched = SecretsManager::new(&aws.config, name(&secret)).fetch().await.expect("is read");
    assert_eq!(text(fetched.current), None);
}

#[tokio::test]
async fn an_absent_secret_is_an_error() {
    let aws = Aws::shared();
    let absent = SecretsManager::new(&aws.config, name("absent")).fetch().await.map(|_| ());
    assert_eq!(absent, Err(CallError::Refused("ResourceNotFoundException".to_owned())));
}

#[tokio::test]
async fn a_failing_call_names_the_services_error() {
    let aws = Aws::shared();
    let store = DynamoStore::new(&aws.config, name("no-such-table"));
    let error = store.release("id", &ClaimToken::named("t")).await.expect_err("fails");
    let CallError::Refused(code) = error else { panic!("{error}") };
    assert!(code.starts_with("ResourceNotFoundException"), "{code}");
}
