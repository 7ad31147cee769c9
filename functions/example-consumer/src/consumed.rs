//! The consumer's own table: which events are done, and which are being processed. One item per
//! idempotency key.
//!
//! ```text
//!            claim               mark_done
//!  (absent) ───────▶ claimed ──────────────▶ done (has done_at) ──▶ (expired)
//!      ▲               │  ▲
//!      └───────────────┘  └── claim, once it has expired: its owner must be dead
//!           release
//! ```
//!
//! A claim is an item that expires soon; a mark is one that expires late. Only `expires_at_s`
//! decides whether an item has expired, because `DynamoDB`'s own deletion lags by days.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use webhook_aws::{SdkConfig, TableName, call_error};
use webhook_ingest::{CallError, ClaimToken, UnixMillis};

use crate::event::IdempotencyKey;

/// Longer than a message can live: 14 days on the queue and 14 in the dead-letter queue, and both
/// once more after a redrive.
const REMEMBERED_FOR: Duration = Duration::from_hours(60 * 24);
/// The clocks of two instances may differ by this.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

const FREE: &str = "attribute_not_exists(id) OR expires_at_s < :now_s";
const OURS: &str = "claim_token = :token";

pub(crate) struct ConsumedTable {
    client: Client,
    table: String,
}

/// The result of a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claim {
    /// The work is ours.
    Ours,
    /// The work is done.
    Done,
    /// Another invocation is working on it, or died recently while it was.
    InProgress,
}

impl ConsumedTable {
    pub(crate) fn new(config: &SdkConfig, table: TableName) -> Self {
        Self { client: Client::new(config), table: table.into() }
    }

    /// Claims the event until after `deadline`, when this invocation is certainly dead.
    pub(crate) async fn claim(
        &self,
        key: &IdempotencyKey,
        token: &ClaimToken,
        now: UnixMillis,
        deadline: UnixMillis,
    ) -> Result<Claim, CallError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("id", text(key.as_str()))
            .item("claim_token", text(token.as_str()))
            .item("expires_at_s", number(deadline.plus(CLOCK_SKEW).seconds().0 + 1))
            .condition_expression(FREE)
            .expression_attribute_values(":now_s", number(now.seconds().0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Claim::Ours),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(held)) => Ok(held_by(
                    held.item().ok_or(CallError::UnexpectedResponse(
                        "a failed condition without its item",
                    ))?,
                    token,
                )),
                _ => Err(call_error(&error)),
            },
        }
    }

    /// Marks the work as done. After an error the mark may be missing.
    pub(crate) async fn mark_done(
        &self,
        key: &IdempotencyKey,
        token: &ClaimToken,
        now: UnixMillis,
    ) -> Result<(), CallError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(key.as_str()))
            .update_expression("SET done_at = :done_at, expires_at_s = :expires_at_s")
            .condition_expression(OURS)
            .expression_attribute_values(":token", text(token.as_str()))
            .expression_attribute_values(":done_at", text(&now.rfc3339()))
            .expression_attribute_values(
                ":expires_at_s",
                number(now.plus(REMEMBERED_FOR).seconds().0),
            );
        update.send().await.map(drop).map_err(|error| call_error(&error))
    }

    /// Releases the claim, so that the event can be processed when its message comes again. If this
    /// fails, the claim runs out by itself.
    pub(crate) async fn release(
        &self,
        key: &IdempotencyKey,
        token: &ClaimToken,
    ) -> Result<(), CallError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(key.as_str()))
            .condition_expression(OURS)
            .expression_attribute_values(":token", text(token.as_str()));
        delete.send().await.map(drop).map_err(|error| call_error(&error))
    }
}

/// Returns the result of a claim that found this item. An item with our own token is our own write:
/// its reply was lost.
fn held_by(item: &HashMap<String, AttributeValue>, token: &ClaimToken) -> Claim {
    if item.contains_key("done_at") {
        Claim::Done
    } else if item.get("claim_token") == Some(&text(token.as_str())) {
        Claim::Ours
    } else {
        Claim::InProgress
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_item_that_a_claim_finds_decides_its_result() {
        let token = ClaimToken::named("t");
        let item = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect()
        };
        for (pairs, expected) in [
            (&[("claim_token", "t")][..], Claim::Ours),
            (&[("claim_token", "another")], Claim::InProgress),
            (&[("claim_token", "another"), ("done_at", "2026-11-21T12:00:00Z")], Claim::Done),
            (&[("claim_token", "t"), ("done_at", "2026-11-21T12:00:00Z")], Claim::Done),
        ] {
            assert_eq!(held_by(&item(pairs), &token), expected, "{pairs:?}");
        }
    }
}
