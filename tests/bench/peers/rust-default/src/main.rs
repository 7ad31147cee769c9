//! Pinwheel's webhook, version 2, with every default: verified, claimed in DynamoDB, sent to SQS,
//! completed.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::{Body, Error, Request, Response, run, service_fn, tracing};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

const LEASE_MS: u128 = 20_000;
const RETENTION_S: u128 = 2_592_000;
const TOLERANCE_S: u128 = 86_400;
const FREE: &str = "attribute_not_exists(id) OR expires_at_s < :now_s \
                    OR (#status = :in_progress AND lease_expires_at_ms < :now_ms)";

struct Function {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    table: String,
    queue_url: String,
    secret: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_from_env().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let secret =
        secrets.get_secret_value().secret_id(env::var("SIGNING_SECRET_ID")?).send().await?;
    let function = Function {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        sqs: aws_sdk_sqs::Client::new(&config),
        table: env::var("IDEMPOTENCY_TABLE")?,
        queue_url: env::var("QUEUE_URL")?,
        secret: secret.secret_string.ok_or("a secret without a text")?,
    };
    run(service_fn(|request| function.handle(request))).await
}

impl Function {
    async fn handle(&self, request: Request) -> Result<Response<Body>, Error> {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        if !self.is_authentic(&request, now_ms / 1000) {
            return answer(401, &json!({"error": "unauthorized"}));
        }
        let event: Value = serde_json::from_slice(request.body())?;
        let id = event["event_id"].as_str().ok_or("an event without an id")?;
        let key = format!("pinwheel#{id}");
        let token = Uuid::new_v4().to_string();
        if !self.claim(&key, &token, now_ms).await? {
            return answer(200, &json!({"status": "duplicate", "id": id}));
        }
        let message_id = self.send(&key, id, &event).await?;
        self.complete(&key, &token, &message_id).await?;
        tracing::info!(event_id = id, "accepted");
        answer(200, &json!({"status": "accepted", "id": id}))
    }

    fn is_authentic(&self, request: &Request, now_s: u128) -> bool {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let (Some(timestamp), Some(signature)) =
            (header("x-timestamp"), header("x-pinwheel-signature"))
        else {
            return false;
        };
        let Some(tag) = signature.strip_prefix("v2=").and_then(|digits| hex::decode(digits).ok())
        else {
            return false;
        };
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()) else { return false };
        let mac = mac
            .chain_update("v2:")
            .chain_update(timestamp)
            .chain_update(":")
            .chain_update(request.body());
        let is_recent =
            timestamp.parse().is_ok_and(|signed: u128| now_s.abs_diff(signed) <= TOLERANCE_S);
        mac.verify_slice(&tag).is_ok() && is_recent
    }

    /// Whether the event is ours to send.
    async fn claim(&self, key: &str, token: &str, now_ms: u128) -> Result<bool, Error> {
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", text(key))
            .item("status", text("IN_PROGRESS"))
            .item("claim_token", text(token))
            .item("lease_expires_at_ms", number(now_ms + LEASE_MS))
            .item("expires_at_s", number(now_ms / 1000 + RETENTION_S))
            .condition_expression(FREE)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":in_progress", text("IN_PROGRESS"))
            .expression_attribute_values(":now_s", number(now_ms / 1000))
            .expression_attribute_values(":now_ms", number(now_ms))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.into_service_error() {
                PutItemError::ConditionalCheckFailedException(_) => Ok(false),
                error => Err(error.into()),
            },
        }
    }

    async fn send(&self, key: &str, id: &str, event: &Value) -> Result<String, Error> {
        let sent = self
            .sqs
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(
                json!({"specversion": "1.0", "id": id, "idempotencykey": key, "data": event})
                    .to_string(),
            )
            .message_group_id(key)
            .message_deduplication_id(key);
        Ok(sent.send().await?.message_id.ok_or("a message without an id")?)
    }

    async fn complete(&self, key: &str, token: &str, message_id: &str) -> Result<(), Error> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", text(key))
            .update_expression("SET #status = :enqueued, message_id = :message_id")
            .condition_expression("claim_token = :token")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":token", text(token))
            .expression_attribute_values(":enqueued", text("ENQUEUED"))
            .expression_attribute_values(":message_id", text(message_id));
        update.send().await?;
        Ok(())
    }
}

fn answer(status: u16, body: &Value) -> Result<Response<Body>, Error> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(body.to_string().into())?)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u128) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
