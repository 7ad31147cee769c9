//! The main combinations of existing and created resources. Each is deployed, and passes deliveries
//! of all its providers to the queue. (`infra/rules/test_parameters.py` lints all combinations.)

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use webhook_aws::PayloadPointer;
use webhook_cli::DEVELOPMENT_SECRET;
use webhook_tests::{
    api::texts,
    http::post,
    stack::Stack,
    template::{pascal_case, resources, template},
};

use crate::world::{api, aws, deploy, providers, signed, text};

/// Over SQS's limit.
const LARGE: usize = 1_100_000;
/// Far longer than a consumer takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// The types of resources that hold something or that may exist before the stack.
const HOLDERS: [&str; 5] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
];

/// Returns which of the [`HOLDERS`] the stack and its nested stacks have made.
async fn made(stack: &Stack) -> BTreeSet<String> {
    let api = api().await;
    let mut stacks = vec![stack.name.clone()];
    let mut made = BTreeSet::new();
    while let Some(stack) = stacks.pop() {
        let listed =
            api.query("cloudformation", "ListStackResources", &[("StackName", stack.as_str())]);
        let listed = listed.expect("the stack is there");
        let ids = texts(&listed, "PhysicalResourceId");
        for (of_type, id) in texts(&listed, "ResourceType").into_iter().zip(ids) {
            if of_type == "AWS::CloudFormation::Stack" {
                stacks.push(id);
            } else if HOLDERS.contains(&of_type.as_str()) {
                made.insert(of_type);
            }
        }
    }
    made
}

/// Delivers a small and a large event of each provider through the front door, each twice. Then
/// each must be once in the table and once on the queue, the large ones by a pointer to the bucket.
async fn assert_delivers(stack: &Stack, providers: &[&str], queue: &str) {
    for provider in providers {
        for (id, bytes) in [("small", 10), ("large", LARGE)] {
            let event = signed(provider, DEVELOPMENT_SECRET, id, bytes);
            for status in ["accepted", "duplicate"] {
                let answer = post(&stack.url(provider), &event.headers, event.body.as_bytes());
                assert_eq!(
                    (answer.0, &answer.1["status"]),
                    (200, &json!(status)),
                    "{provider} {id}: {}",
                    answer.1
                );
            }
        }
    }
    let records = stack.aws.records(&stack.outputs["IdempotencyTableName"]).await;
    assert_eq!(records.len(), 2 * providers.len());
    assert!(
        records.iter().all(|record| text(record, "status").as_deref() == Some("ENQUEUED")),
        "{records:?}"
    );
    let messages = stack.aws.take_messages(queue).await;
    assert_eq!(messages.len(), 2 * providers.len());
    let pointers: Vec<_> = messages
        .iter()
        .filter_map(|message| PayloadPointer::parse(message.body.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(pointers.len(), providers.len());
    for pointer in pointers {
        assert_eq!(pointer.bucket, stack.outputs["PayloadBucketName"]);
        let head = stack.aws.s3.head_object().bucket(pointer.bucket).key(pointer.key).send().await;
        assert!(head.expect("the object is there").content_length() > Some(1_000_000));
    }
}

#[tokio::test]
async fn by_default_everything_is_created() {
    let stack = deploy("created", &[]).await;
    assert_eq!(made(&stack).await, HOLDERS.map(str::to_owned).into());
    assert_delivers(&stack, &providers(), &stack.outputs["EventQueueUrl"]).await;
}

#[tokio::test]
async fn existing_resources_are_used_and_none_is_created_again() {
    let api = api().await;
    // This stack has the resources that the other one is to use.
    let theirs = deploy("theirs", &[("Alarms", "false")]).await;
    let http_api = api.json(
        "POST",
        "apigateway",
        "/v2/apis",
        None,
        &json!({"name": "theirs", "protocolType": "HTTP"}),
    );
    let http_api = http_api["apiId"].as_str().expect("an id");
    let stage = json!({"stageName": "$default", "autoDeploy": true});
    let _ = api.json("POST", "apigateway", &format!("/v2/apis/{http_api}/stages"), None, &stage);
    let key = api.json("POST", "kms", "/", Some("TrentService.CreateKey"), &json!({}));
    let topic = texts(
        &api.query("sns", "CreateTopic", &[("Name", "theirs")]).expect("a topic is made"),
        "TopicArn",
    );
    let secrets: Vec<_> = providers()
        .into_iter()
        .map(pascal_case)
        .map(|name| {
            (format!("Existing{name}SecretArn"), &theirs.outputs[&format!("{name}SecretArn")])
        })
        .collect();
    let mut parameters = vec![
        ("ExistingHttpApiId", http_api),
        ("ExistingQueueArn", &theirs.outputs["EventQueueArn"]),
        ("ExistingDeadLetterQueueArn", &theirs.outputs["DeadLetterQueueArn"]),
        ("ExistingTableName", &theirs.outputs["IdempotencyTableName"]),
        ("ExistingPayloadBucketName", &theirs.outputs["PayloadBucketName"]),
        ("KmsKeyArn", key["KeyMetadata"]["Arn"].as_str().expect("an ARN")),
        ("AlarmTopicArn", &topic[0]),
    ];
    parameters.extend(secrets.iter().map(|(parameter, arn)| (parameter.as_str(), arn.as_str())));
    let stack = deploy("existing", &parameters).await;
    assert_eq!(made(&stack).await, BTreeSet::new());
    assert_eq!(stack.outputs["AlarmTopicArn"], topic[0]);
    assert_eq!(stack.outputs["IdempotencyTableName"], theirs.outputs["IdempotencyTableName"]);
    assert_delivers(&stack, &providers(), &theirs.outputs["EventQueueUrl"]).await;
}

#[tokio::test]
async fn a_standard_queue_and_a_function_url_serve_one_provider() {
    for provider in providers() {
        let others: Vec<_> = providers()
            .into_iter()
            .filter(|other| *other != provider)
            .map(|other| format!("Enable{}", pascal_case(other)))
            .collect();
        let queue = aws().await.create_queue(false).await;
        let arn = format!(
            "arn:aws:sqs:us-east-1:000000000000:{}",
            queue.rsplit('/').next().expect("a name")
        );
        let name = format!("url-{provider}");
        let mut parameters = vec![
            ("FrontDoor", "FunctionUrl"),
            ("ReservedConcurrency", "5"),
            ("ExistingQueueArn", &arn),
        ];
        parameters.extend(others.iter().map(|other| (other.as_str(), "false")));
        let stack = deploy(&name, &parameters).await;
        let expected = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"];
        assert_eq!(made(&stack).await, expected.map(str::to_owned).into());
        let functions =
            stack.outputs.keys().filter(|output| output.ends_with("FunctionName")).count();
        assert_eq!(functions, 1, "{:?}", stack.outputs);
        assert_delivers(&stack, &[provider], &queue).await;
    }
}

#[tokio::test]
async fn with_every_provider_off_the_rest_is_deployed() {
    let off: Vec<_> = providers()
        .into_iter()
        .map(|provider| format!("Enable{}", pascal_case(provider)))
        .collect();
    let parameters: Vec<_> = off.iter().map(|parameter| (parameter.as_str(), "false")).collect();
    let stack = deploy("off", &parameters).await;
    let without_secrets =
        HOLDERS.into_iter().filter(|of_type| *of_type != "AWS::SecretsManager::Secret");
    assert_eq!(made(&stack).await, without_secrets.map(str::to_owned).collect());
    let of_providers = |output: &&String| {
        ["Url", "SecretArn", "FunctionName"].iter().any(|end| output.ends_with(end))
    };
    let left: BTreeSet<_> = stack.outputs.keys().filter(of_providers).map(String::as_str).collect();
    assert_eq!(left, BTreeSet::from(["DeadLetterQueueUrl", "EventQueueUrl"]));
}

#[tokio::test]
async fn the_example_consumer_reads_the_queue_and_marks_each_event_in_its_table() {
    let stack = deploy("consumed", &[("ExampleConsumer", "true")]).await;
    let mut keys = BTreeSet::new();
    let deliveries =
        || providers().into_iter().map(|provider| (provider, 10)).chain([(providers()[0], LARGE)]);
    for (provider, bytes) in deliveries() {
        let event = signed(provider, DEVELOPMENT_SECRET, &format!("{provider}-{bytes}"), bytes);
        assert_eq!(post(&stack.url(provider), &event.headers, event.body.as_bytes()).0, 200);
    }
    for record in stack.aws.records(&stack.outputs["IdempotencyTableName"]).await {
        keys.extend(text(&record, "id"));
    }
    let started_at = Instant::now();
    let marks = loop {
        let marks = stack.aws.records(&stack.outputs["ConsumedEventsTableName"]).await;
        if marks.len() == deliveries().count()
            && marks.iter().all(|mark| mark.contains_key("done_at"))
        {
            break marks;
        }
        assert!(started_at.elapsed() < PATIENCE, "not all events are consumed: {marks:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(marks.iter().filter_map(|mark| text(mark, "id")).collect::<BTreeSet<_>>(), keys);

    // The table expires the marks by an attribute that they have.
    let template = template("template.yaml");
    let (_, table) = resources(&template, "AWS::DynamoDB::Table")
        .find(|(name, _)| *name == "ConsumedEventsTable")
        .expect("the table is in the template");
    let ttl = table["Properties"]["TimeToLiveSpecification"]["AttributeName"]
        .as_str()
        .expect("it has a TTL");
    assert!(
        marks.iter().all(|mark| matches!(mark.get(ttl), Some(AttributeValue::N(_)))),
        "{marks:?}"
    );
}
