//! The deployed template: HTTP in, IAM enforced, table and queue.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use webhook_tests::{http::post, now, samples, stack::Account};
use webhook_verify::{Header, SigningSecret};

#[tokio::test]
async fn the_template_as_it_is_takes_every_sample_over_http_with_iam_enforced() {
    let account = Account::start(|_| ()).await;
    let stack = account.deploy(&[]).await;
    let mut accepted = 0;
    for sample in samples::all() {
        let (headers, body) = sample.delivery_at(now());
        let (status, answer) = post(&stack.url(sample.sender.provider().name()), &headers, &body);
        assert_eq!((status, &answer), (sample.answer.status(), &sample.answer.body()), "{}", sample.file);
        if status == 200 {
            accepted += 1;
            let again = post(&stack.url(sample.sender.provider().name()), &headers, &body);
            assert_eq!(again, (200, json!({"status": "duplicate", "id": answer["id"]})), "{}", sample.file);
        }
    }
    let records = stack.aws.records(&stack.outputs["IdempotencyTableName"]).await;
    assert_eq!(records.len(), accepted);
    let enqueued = AttributeValue::S("ENQUEUED".to_owned());
    assert!(records.iter().all(|record| record["status"] == enqueued), "{records:?}");
    let messages = stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await;
    assert_eq!(messages.len(), accepted);
    for message in messages {
        let envelope: Value = serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON");
        assert_eq!(envelope["specversion"], "1.0");
    }

    let large = json!({"transfer_data": "x".repeat(2_000_000)}).to_string();
    let secret = SigningSecret::new(webhook_cli::DEVELOPMENT_SECRET.into()).expect("not empty");
    let headers: Vec<Header> = webhook_verify::sign::endgrate(&secret, large.as_bytes()).into();
    let (status, _) = post(&stack.url("endgrate"), &headers, large.as_bytes());
    assert_eq!(status, 200, "the bucket takes what the queue does not");
    let [message] = &stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await[..] else { panic!("one message") };
    assert!(message.body.as_deref().is_some_and(|body| body.contains(&stack.outputs["PayloadBucketName"])));

    let other_path = stack.url("pinwheel").replace("/webhooks/pinwheel", "/");
    assert_eq!(post(&other_path, &[], b"{}").0, 404, "no route but the providers'");
}
