//! Idempotency records in `DynamoDB`: each step is one conditional write.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client, Config,
    config::retry::RetryConfig,
    operation::{delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use webhook_ingest::{CallError, ClaimResult, ClaimToken, Fenced, IdempotencyStore, NewClaim, Status, UnixMillis};

use crate::{
    connection::{open, ping},
    error::call_error,
};

/// The table's attributes.
pub(crate) mod attribute {
    pub(crate) const ID: &str = "id";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const CLAIM_TOKEN: &str = "claim_token";
    pub(crate) const LEASE_EXPIRES_AT_MS: &str = "lease_expires_at_ms";
    pub(crate) const EXPIRES_AT_S: &str = "expires_at_s";
    pub(crate) const EVENT_TYPE: &str = "event_type";
    pub(crate) const EVENT_ID: &str = "event_id";
    pub(crate) const RECEIVED_AT: &str = "received_at";
    pub(crate) const DELIVERY_ID: &str = "delivery_id";
    pub(crate) const MESSAGE_ID: &str = "message_id";

    /// In the order in which a person reads them.
    pub(crate) const ALL: [&str; 10] = [
        ID,
        STATUS,
        EVENT_TYPE,
        EVENT_ID,
        RECEIVED_AT,
        DELIVERY_ID,
        MESSAGE_ID,
        CLAIM_TOKEN,
        LEASE_EXPIRES_AT_MS,
        EXPIRES_AT_S,
    ];
}

/// The table's partition key: a text.
pub const KEY_ATTRIBUTE: &str = attribute::ID;
/// The table's TTL attribute: Unix seconds.
pub const TTL_ATTRIBUTE: &str = attribute::EXPIRES_AT_S;

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
    #[must_use]
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self { client: Client::new(config), table }
    }

    /// Opens the connection that the first claim would open.
    pub async fn connect(&self) {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let call =
            self.client.describe_table().table_name(&self.table).customize().config_override(once).mutate_request(ping);
        open(call.send()).await;
    }
}

impl IdempotencyStore for DynamoStore {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(claim)))
            .condition_expression(FREE)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_values(":in_progress", text(Status::InProgress.as_str()))
            .expression_attribute_values(":now_s", number(claim.now.seconds().0))
            .expression_attribute_values(":now_ms", number(claim.now.0))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(put) => {
                let replaced = put.attributes.as_ref().and_then(status);
                Ok(ClaimResult::Claimed { taken_over: replaced == Some(Status::InProgress) })
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(held)) => {
                    held_by(held.item().ok_or(CallError::Answer("a failed condition without its item"))?, &claim.token)
                }
                _ => Err(call_error(&error)),
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
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(attribute::ID, text(id))
            .update_expression(COMPLETED)
            .condition_expression(OURS)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_values(":token", text(token.as_str()))
            .expression_attribute_values(":enqueued", text(Status::Enqueued.as_str()))
            .expression_attribute_values(":message_id", text(message_id))
            .expression_attribute_values(":expires_at_s", number(expires_at_s))
            .send()
            .await;
        match update {
            Ok(_) => Ok(Fenced::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::Lost),
                _ => Err(call_error(&error)),
            },
        }
    }

    async fn release(&self, id: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(attribute::ID, text(id))
            .condition_expression(OURS)
            .expression_attribute_values(":token", text(token.as_str()))
            .send()
            .await;
        match delete {
            Ok(_) => Ok(Fenced::Done),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::Lost),
                _ => Err(call_error(&error)),
            },
        }
    }
}

pub(crate) type Item = HashMap<String, AttributeValue>;

fn item(claim: &NewClaim) -> Item {
    let mut item: Item = [
        (attribute::ID, text(&claim.id)),
        (attribute::STATUS, text(Status::InProgress.as_str())),
        (attribute::CLAIM_TOKEN, text(claim.token.as_str())),
        (attribute::LEASE_EXPIRES_AT_MS, number(claim.lease_expires_at.0)),
        (attribute::EXPIRES_AT_S, number(claim.expires_at_s)),
        (attribute::EVENT_TYPE, text(&claim.event_type)),
        (attribute::EVENT_ID, text(&claim.event_id)),
        (attribute::RECEIVED_AT, text(&claim.received_at())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(delivery_id) = &claim.delivery_id {
        item.insert(attribute::DELIVERY_ID.to_owned(), text(delivery_id));
    }
    item
}

/// What the record in the way says. Bearing our own token, it is our own write, whose reply was lost.
fn held_by(item: &Item, token: &ClaimToken) -> Result<ClaimResult, CallError> {
    let delivery_id = item.get(attribute::DELIVERY_ID).and_then(|value| value.as_s().ok()).cloned();
    match status(item).ok_or(CallError::Answer("a record without a status"))? {
        Status::Enqueued => Ok(ClaimResult::Enqueued { delivery_id }),
        Status::InProgress if item.get(attribute::CLAIM_TOKEN) == Some(&text(token.as_str())) => {
            Ok(ClaimResult::Claimed { taken_over: false })
        }
        Status::InProgress => {
            let lease_expires_at_ms = item
                .get(attribute::LEASE_EXPIRES_AT_MS)
                .and_then(|value| value.as_n().ok()?.parse().ok())
                .ok_or(CallError::Answer("a record in progress without a lease"))?;
            Ok(ClaimResult::InProgress { lease_expires_at: UnixMillis(lease_expires_at_ms), delivery_id })
        }
    }
}

fn status(item: &Item) -> Option<Status> {
    item.get(attribute::STATUS).and_then(|value| value.as_s().ok()).and_then(|text| Status::from_text(text))
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
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

    #[test]
    fn a_record_of_another_making_is_an_error_and_no_verdict() {
        let token = ClaimToken::named("t");
        for (record, expected) in [
            (vec![], CallError::Answer("a record without a status")),
            (vec![("status", text("COMPLETED"))], CallError::Answer("a record without a status")),
            (vec![("status", text("IN_PROGRESS"))], CallError::Answer("a record in progress without a lease")),
        ] {
            let item: Item = record.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(held_by(&item, &token), Err(expected));
        }
    }
}
