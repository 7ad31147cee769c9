//! Idempotency records in `DynamoDB`: each step is one conditional write.
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>, and
//! the pages on `UpdateItem` and `DeleteItem`.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use webhook_ingest::{
    CallError, ClaimResult, ClaimToken, Fenced, IdempotencyStore, NewClaim, Status, UnixMillis,
};

use crate::{attribute, call_error::call_error, connection, names::TableName};

/// The record may be claimed: it is absent; or it has expired, even if `DynamoDB` has not deleted
/// it yet (which may take days); or it is in progress with a lease that has expired. `#status`,
/// because `status` is a reserved word.
const FREE: &str = "attribute_not_exists(id) OR expires_at_s < :now_s \
                    OR (#status = :in_progress AND lease_expires_at_ms < :now_ms)";
/// The fence: the record still has the token of this claim.
const OURS: &str = "claim_token = :token";
const COMPLETED: &str =
    "SET #status = :enqueued, message_id = :message_id, expires_at_s = :expires_at_s";

/// A table with the partition key `id` (S) and the TTL attribute `expires_at_s`.
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// Keeps records in this table.
    #[must_use]
    pub fn new(config: &SdkConfig, table: TableName) -> Self {
        Self { client: Client::new(config), table: table.into() }
    }

    /// Opens the connection that the first claim would open.
    pub async fn connect(&self) {
        let ping = self.client.describe_endpoints().customize().mutate_request(connection::to_ping);
        connection::open(async move { ping.send().await.is_ok() }).await;
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
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(put) => {
                let taken_over =
                    put.attributes.as_ref().and_then(status) == Some(Status::InProgress);
                Ok(ClaimResult::Claimed { taken_over })
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item().ok_or(CallError::UnexpectedResponse(
                        "a failed condition without its item",
                    ))?;
                    held_by(item, &claim.token)
                }
                Some(_) | None => Err(call_error(&error)),
            },
        }
    }

    async fn complete(
        &self,
        idempotency_key: &str,
        token: &ClaimToken,
        message_id: &str,
        expires_at_s: i64,
    ) -> Result<Fenced, CallError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(attribute::ID, text(idempotency_key))
            .update_expression(COMPLETED)
            .condition_expression(OURS)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_values(":token", text(token.as_str()))
            .expression_attribute_values(":enqueued", text(Status::Enqueued.as_str()))
            .expression_attribute_values(":message_id", text(message_id))
            .expression_attribute_values(":expires_at_s", number(expires_at_s));
        match update.send().await {
            Ok(_) => Ok(Fenced::Applied),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::NotOwner),
                Some(_) | None => Err(call_error(&error)),
            },
        }
    }

    async fn release(
        &self,
        idempotency_key: &str,
        token: &ClaimToken,
    ) -> Result<Fenced, CallError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(attribute::ID, text(idempotency_key))
            .condition_expression(OURS)
            .expression_attribute_values(":token", text(token.as_str()));
        match delete.send().await {
            Ok(_) => Ok(Fenced::Applied),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::NotOwner),
                Some(_) | None => Err(call_error(&error)),
            },
        }
    }
}

type Item = HashMap<String, AttributeValue>;

/// Returns the record of a claim. The claim has already bounded the names that a sender chose.
fn item(claim: &NewClaim) -> Item {
    let delivery_id = claim.delivery_id.as_deref().map(|id| (attribute::DELIVERY_ID, text(id)));
    [
        (attribute::ID, text(&claim.idempotency_key)),
        (attribute::STATUS, text(Status::InProgress.as_str())),
        (attribute::CLAIM_TOKEN, text(claim.token.as_str())),
        (attribute::LEASE_EXPIRES_AT_MS, number(claim.lease_expires_at.0)),
        (attribute::EXPIRES_AT_S, number(claim.expires_at_s)),
        (attribute::EVENT_TYPE, text(&claim.event_type)),
        (attribute::EVENT_ID, text(&claim.event_id)),
        (attribute::RECEIVED_AT, text(&claim.received_at())),
    ]
    .into_iter()
    .chain(delivery_id)
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Returns the result of a claim that found this record. A record with the claim's own token is the
/// claim's own write: its reply was lost.
fn held_by(item: &Item, token: &ClaimToken) -> Result<ClaimResult, CallError> {
    let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let (delivery_id, event_type) = (field(attribute::DELIVERY_ID), field(attribute::EVENT_TYPE));
    match status(item).ok_or(CallError::UnexpectedResponse("a record without a status"))? {
        Status::Enqueued => Ok(ClaimResult::Enqueued { delivery_id, event_type }),
        Status::InProgress if field(attribute::CLAIM_TOKEN).as_deref() == Some(token.as_str()) => {
            Ok(ClaimResult::Claimed { taken_over: false })
        }
        Status::InProgress => {
            let lease = item
                .get(attribute::LEASE_EXPIRES_AT_MS)
                .and_then(|value| value.as_n().ok()?.parse().ok());
            let lease = lease
                .ok_or(CallError::UnexpectedResponse("a record in progress without a lease"))?;
            Ok(ClaimResult::InProgress {
                lease_expires_at: UnixMillis(lease),
                delivery_id,
                event_type,
            })
        }
    }
}

fn status(item: &Item) -> Option<Status> {
    Status::from_text(item.get(attribute::STATUS)?.as_s().ok()?)
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

    fn held(attributes: &[(&str, AttributeValue)]) -> Result<ClaimResult, CallError> {
        let item =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        held_by(&item, &ClaimToken::named("t"))
    }

    #[test]
    fn the_record_that_a_claim_finds_decides_its_result() {
        let in_progress = ("status", text("IN_PROGRESS"));
        let enqueued = ("status", text("ENQUEUED"));
        let (ours, theirs) = (("claim_token", text("t")), ("claim_token", text("u")));
        let unsigned = [("delivery_id", text("d")), ("event_type", text("a.b"))];
        let [delivery_id, event_type] = ["d", "a.b"].map(|text| Some(text.to_owned()));
        for (record, expected) in [
            (
                vec![enqueued.clone(), ours.clone()],
                ClaimResult::Enqueued { delivery_id: None, event_type: None },
            ),
            (
                [&[enqueued][..], &unsigned].concat(),
                ClaimResult::Enqueued { delivery_id, event_type },
            ),
            (vec![in_progress.clone(), ours], ClaimResult::Claimed { taken_over: false }),
            (
                vec![in_progress, theirs, ("lease_expires_at_ms", number(7))],
                ClaimResult::InProgress {
                    lease_expires_at: UnixMillis(7),
                    delivery_id: None,
                    event_type: None,
                },
            ),
        ] {
            assert_eq!(held(&record), Ok(expected), "{record:?}");
        }
    }

    #[test]
    fn a_record_that_this_code_did_not_write_is_an_error() {
        let in_progress = ("status", text("IN_PROGRESS"));
        for (record, expected) in [
            (vec![], "a record without a status"),
            (vec![("status", text("COMPLETED"))], "a record without a status"),
            (vec![("status", AttributeValue::Bool(true))], "a record without a status"),
            (vec![in_progress.clone()], "a record in progress without a lease"),
            (
                vec![in_progress, ("lease_expires_at_ms", text("7"))],
                "a record in progress without a lease",
            ),
        ] {
            assert_eq!(held(&record), Err(CallError::UnexpectedResponse(expected)), "{record:?}");
        }
    }
}
