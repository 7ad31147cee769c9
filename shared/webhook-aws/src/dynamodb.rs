//! Idempotency records in `DynamoDB`: each step is one conditional write.
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>, and its neighbours.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use webhook_ingest::{CallError, ClaimResult, ClaimToken, Fenced, IdempotencyStore, NewClaim, Status, UnixMillis};

use crate::{
    Config, ConfigError, attribute,
    client::{Client, Failure},
    endpoint::Service,
};

/// Absent; or expired, whether or not `DynamoDB` has deleted it yet (that lags by days); or in progress with a lease that
/// has run out. `status` is a reserved word.
const FREE: &str = "attribute_not_exists(id) OR expires_at_s < :now_s \
                    OR (#status = :in_progress AND lease_expires_at_ms < :now_ms)";
/// The fence.
const OURS: &str = "claim_token = :token";
const COMPLETED: &str = "SET #status = :enqueued, message_id = :message_id, expires_at_s = :expires_at_s";

/// A table with the partition key `id` (S) and the TTL attribute `expires_at_s`.
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// Records in the table of this name.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`].
    pub fn new(config: &Config, table: String) -> Result<Self, ConfigError> {
        Ok(Self { client: Client::new(config, Service::DynamoDb)?, table })
    }

    /// Opens the connection that the first claim would open.
    pub async fn connect(&self) {
        self.client.open().await;
    }

    async fn call(&self, target: &'static str, input: &impl Serialize) -> Result<Bytes, Failure> {
        self.client.json(target, "application/x-amz-json-1.0", input).await
    }
}

impl IdempotencyStore for DynamoStore {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        let received_at = claim.received_at();
        let mut item = vec![
            (attribute::ID, Value::S(&claim.id)),
            (attribute::STATUS, Value::S(Status::InProgress.as_str())),
            (attribute::CLAIM_TOKEN, Value::S(claim.token.as_str())),
            (attribute::LEASE_EXPIRES_AT_MS, Value::number(claim.lease_expires_at.0)),
            (attribute::EXPIRES_AT_S, Value::number(claim.expires_at_s)),
            (attribute::EVENT_TYPE, Value::S(&claim.event_type)),
            (attribute::EVENT_ID, Value::S(&claim.event_id)),
            (attribute::RECEIVED_AT, Value::S(&received_at)),
        ];
        if let Some(delivery_id) = &claim.delivery_id {
            item.push((attribute::DELIVERY_ID, Value::S(delivery_id)));
        }
        let put = Write {
            item: Some(Members(&item)),
            condition_expression: FREE,
            expression_attribute_names: Some(Members(&[("#status", attribute::STATUS)])),
            expression_attribute_values: Members(&[
                (":in_progress", Value::S(Status::InProgress.as_str())),
                (":now_s", Value::number(claim.now.seconds().0)),
                (":now_ms", Value::number(claim.now.0)),
            ]),
            return_values: Some("ALL_OLD"),
            return_values_on_condition_check_failure: Some("ALL_OLD"),
            ..Write::to(&self.table)
        };
        match self.call("DynamoDB_20120810.PutItem", &put).await {
            Ok(answer) => {
                let answer: PutAnswer = read(&answer)?;
                let replaced = answer.attributes.as_ref().and_then(Record::status);
                Ok(ClaimResult::Claimed { taken_over: replaced == Some(Status::InProgress) })
            }
            Err(failure) => match failure.is(CONDITION_FAILED) {
                Some(refusal) => {
                    let held: Held = read(&refusal.body)?;
                    held.item
                        .ok_or(CallError::Answer("a failed condition without its item"))?
                        .in_the_way_of(&claim.token)
                }
                None => Err(failure.into()),
            },
        }
    }

    async fn complete(
        &self,
        id: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> Result<Fenced, CallError> {
        let update = Write {
            key: Some(Members(&[(attribute::ID, Value::S(id))])),
            update_expression: Some(COMPLETED),
            condition_expression: OURS,
            expression_attribute_names: Some(Members(&[("#status", attribute::STATUS)])),
            expression_attribute_values: Members(&[
                (":token", Value::S(token.as_str())),
                (":enqueued", Value::S(Status::Enqueued.as_str())),
                (":message_id", Value::S(message_id)),
                (":expires_at_s", Value::number(expires_at_s)),
            ]),
            ..Write::to(&self.table)
        };
        fenced(self.call("DynamoDB_20120810.UpdateItem", &update).await)
    }

    async fn release(&self, id: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        let delete = Write {
            key: Some(Members(&[(attribute::ID, Value::S(id))])),
            condition_expression: OURS,
            expression_attribute_values: Members(&[(":token", Value::S(token.as_str()))]),
            ..Write::to(&self.table)
        };
        fenced(self.call("DynamoDB_20120810.DeleteItem", &delete).await)
    }
}

const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

fn fenced(answer: Result<Bytes, Failure>) -> Result<Fenced, CallError> {
    match answer {
        Ok(_) => Ok(Fenced::Done),
        Err(failure) if failure.is(CONDITION_FAILED).is_some() => Ok(Fenced::Lost),
        Err(failure) => Err(failure.into()),
    }
}

/// The input of a conditional write: `PutItem` has an item, `UpdateItem` a key and an expression, `DeleteItem` a key.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Write<'a> {
    table_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Members<'a, Value<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Members<'a, Value<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_expression: Option<&'a str>,
    condition_expression: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression_attribute_names: Option<Members<'a, &'a str>>,
    expression_attribute_values: Members<'a, Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values_on_condition_check_failure: Option<&'a str>,
}

impl<'a> Write<'a> {
    fn to(table_name: &'a str) -> Self {
        Self { table_name, ..Self::default() }
    }
}

/// The members of an object.
struct Members<'a, T>(&'a [(&'a str, T)]);

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(&[])
    }
}

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// An attribute's value as it is written: `{"S":"text"}`, `{"N":"7"}`.
#[derive(Serialize)]
enum Value<'a> {
    S(&'a str),
    N(String),
}

impl Value<'_> {
    fn number(value: i64) -> Self {
        Self::N(value.to_string())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutAnswer {
    attributes: Option<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Held {
    item: Option<Record>,
}

/// What a claim looks at in a record that was there.
#[derive(Deserialize)]
struct Record {
    status: Option<Attribute>,
    claim_token: Option<Attribute>,
    lease_expires_at_ms: Option<Attribute>,
    delivery_id: Option<Attribute>,
}

/// An attribute's value as it is read: a text, a number, or neither.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    s: Option<String>,
    n: Option<String>,
}

fn read<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, CallError> {
    serde_json::from_slice(answer).map_err(|_| CallError::Answer("what DynamoDB answered is not of its form"))
}

impl Record {
    fn status(&self) -> Option<Status> {
        Status::from_text(self.status.as_ref()?.s.as_deref()?)
    }

    /// What the record says to a claim that it is in the way of. Bearing the claim's own token, it is the claim's own write,
    /// whose reply was lost.
    fn in_the_way_of(self, token: &ClaimToken) -> Result<ClaimResult, CallError> {
        let status = self.status().ok_or(CallError::Answer("a record without a status"))?;
        let delivery_id = self.delivery_id.and_then(|value| value.s);
        let is_ours = self.claim_token.is_some_and(|value| value.s.as_deref() == Some(token.as_str()));
        match status {
            Status::Enqueued => Ok(ClaimResult::Enqueued { delivery_id }),
            Status::InProgress if is_ours => Ok(ClaimResult::Claimed { taken_over: false }),
            Status::InProgress => {
                let lease_expires_at_ms = self.lease_expires_at_ms.and_then(|value| value.n?.parse().ok());
                let lease_expires_at_ms =
                    lease_expires_at_ms.ok_or(CallError::Answer("a record in progress without a lease"))?;
                Ok(ClaimResult::InProgress { lease_expires_at: UnixMillis(lease_expires_at_ms), delivery_id })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expressions_name_the_attributes_that_are_written() {
        for name in [attribute::ID, attribute::EXPIRES_AT_S, attribute::LEASE_EXPIRES_AT_MS] {
            assert!(FREE.contains(name), "{name}");
        }
        assert!(OURS.contains(attribute::CLAIM_TOKEN));
        for name in [attribute::MESSAGE_ID, attribute::EXPIRES_AT_S] {
            assert!(COMPLETED.contains(name), "{name}");
        }
    }

    fn verdict(record: &str) -> Result<ClaimResult, CallError> {
        let held: Held = read(record.as_bytes())?;
        held.item.expect("an item").in_the_way_of(&ClaimToken::named("t"))
    }

    #[test]
    fn a_record_in_the_way_says_how_the_event_stands() {
        let enqueued =
            |delivery_id: Option<&str>| ClaimResult::Enqueued { delivery_id: delivery_id.map(str::to_owned) };
        let in_progress = ClaimResult::InProgress { lease_expires_at: UnixMillis(7), delivery_id: None };
        for (record, expected) in [
            (r#"{"status":{"S":"ENQUEUED"},"claim_token":{"S":"t"}}"#, enqueued(None)),
            (r#"{"status":{"S":"ENQUEUED"},"delivery_id":{"S":"d"},"id":{"S":"i"}}"#, enqueued(Some("d"))),
            (r#"{"status":{"S":"IN_PROGRESS"},"claim_token":{"S":"t"}}"#, ClaimResult::Claimed { taken_over: false }),
            (r#"{"status":{"S":"IN_PROGRESS"},"claim_token":{"S":"u"},"lease_expires_at_ms":{"N":"7"}}"#, in_progress),
        ] {
            assert_eq!(verdict(&format!(r#"{{"__type":"x","Item":{record}}}"#)), Ok(expected), "{record}");
        }
    }

    #[test]
    fn a_record_of_another_making_is_an_error_and_no_verdict() {
        for (record, expected) in [
            ("{}", "a record without a status"),
            (r#"{"status":{"S":"COMPLETED"}}"#, "a record without a status"),
            (r#"{"status":{"BOOL":true}}"#, "a record without a status"),
            (r#"{"status":{"S":"IN_PROGRESS"}}"#, "a record in progress without a lease"),
            (
                r#"{"status":{"S":"IN_PROGRESS"},"lease_expires_at_ms":{"S":"7"}}"#,
                "a record in progress without a lease",
            ),
            ("[]", "what DynamoDB answered is not of its form"),
        ] {
            assert_eq!(verdict(&format!(r#"{{"Item":{record}}}"#)), Err(CallError::Answer(expected)), "{record}");
        }
    }
}
