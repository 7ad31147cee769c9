//! An operator's view of idempotency records: looks them up, finds them by the event's id, deletes
//! them.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    operation::delete_item::{DeleteItemError, builders::DeleteItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use webhook_ingest::{CallError, Status, UnixMillis};
use webhook_verify::bounded_name;

use crate::{
    attribute,
    call_error::call_error,
    dynamodb::{number, text},
    load::patient_timeouts,
    names::TableName,
};

type Item = HashMap<String, AttributeValue>;

/// The record exists, and no invocation is processing its event. `#status`, because `status` is a
/// reserved word.
const IDLE: &str =
    "attribute_exists(id) AND (#status <> :in_progress OR lease_expires_at_ms < :now_ms)";

/// The records of a table.
pub struct Records {
    client: Client,
    table: String,
}

/// A record as the table has it: each attribute's value, as text, by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record(BTreeMap<String, String>);

/// The result of deleting a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Purge {
    /// It was deleted; this is what it had been.
    Deleted(Record),
    /// There was no such record.
    Absent,
    /// An invocation is processing the event: the record was kept.
    InProgress(Record),
}

impl Records {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: TableName) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .timeout_config(patient_timeouts())
            .build();
        Self { client: Client::from_conf(config), table: table.into() }
    }

    /// Returns the record with this key, by a consistent read.
    ///
    /// # Errors
    /// [`CallError`] if the call fails.
    pub async fn get(&self, id: &str) -> Result<Option<Record>, CallError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(attribute::ID, text(id))
            .consistent_read(true);
        let got = get.send().await.map_err(|error| call_error(&error))?;
        Ok(got.item.as_ref().map(Record::from_item))
    }

    /// Reads the whole table, page by page, and gives the records of this event to `found` as they
    /// come. Returns how many records it read.
    ///
    /// # Errors
    /// [`CallError`] if a call fails. The records found before that were given to `found`.
    pub async fn find(
        &self,
        event_id: &str,
        mut found: impl FnMut(Record),
    ) -> Result<u64, CallError> {
        let mut read = 0;
        let mut start = None;
        loop {
            let scan = self
                .client
                .scan()
                .table_name(&self.table)
                .filter_expression("event_id = :event_id")
                .expression_attribute_values(":event_id", text(&bounded_name(event_id)))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page = scan.send().await.map_err(|error| call_error(&error))?;
            read += u64::try_from(page.scanned_count).unwrap_or(0);
            page.items.iter().flatten().map(Record::from_item).for_each(&mut found);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(read);
            }
        }
    }

    /// Deletes the record with this key unless an invocation holds a lease on it `now`.
    ///
    /// # Errors
    /// [`CallError`] if the call fails. It is then unknown whether the record is gone.
    pub async fn purge(&self, id: &str, now: UnixMillis) -> Result<Purge, CallError> {
        let delete = self
            .delete(id)
            .condition_expression(IDLE)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_values(":in_progress", text(Status::InProgress.as_str()))
            .expression_attribute_values(":now_ms", number(now.0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match delete {
            Ok(deleted) => Ok(purged(deleted.attributes.as_ref())),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(held)) => Ok(held
                    .item()
                    .filter(|item| !item.is_empty())
                    .map_or(Purge::Absent, |item| Purge::InProgress(Record::from_item(item)))),
                _ => Err(call_error(&error)),
            },
        }
    }

    /// Deletes the record with this key, even if an invocation is processing its event.
    ///
    /// # Errors
    /// [`CallError`] if the call fails. It is then unknown whether the record is gone.
    pub async fn purge_by_force(&self, id: &str) -> Result<Purge, CallError> {
        let deleted = self.delete(id).send().await.map_err(|error| call_error(&error))?;
        Ok(purged(deleted.attributes.as_ref()))
    }

    fn delete(&self, id: &str) -> DeleteItemFluentBuilder {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key(attribute::ID, text(id))
            .return_values(ReturnValue::AllOld)
    }
}

fn purged(old: Option<&Item>) -> Purge {
    old.filter(|item| !item.is_empty())
        .map_or(Purge::Absent, |item| Purge::Deleted(Record::from_item(item)))
}

impl Record {
    fn from_item(item: &Item) -> Self {
        let shown = |value: &AttributeValue| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
            _ => "(neither a text nor a number)".to_owned(),
        };
        Self(item.iter().map(|(name, value)| (name.clone(), shown(value))).collect())
    }

    /// Returns the value of the attribute of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns all attributes, in the order of [`attribute::ALL`]. Those that are not in it come
    /// last.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&str, &str)> {
        let known = attribute::ALL.into_iter().filter_map(|name| Some((name, self.get(name)?)));
        let others = self.0.iter().filter(|(name, _)| !attribute::ALL.contains(&name.as_str()));
        known.chain(others.map(|(name, value)| (name.as_str(), value.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_in_the_contracts_order_and_unknown_ones_last() {
        let item: Item = [
            ("message_id", text("m")),
            ("added_by_hand", AttributeValue::Bool(true)),
            ("expires_at_s", number(7)),
            ("id", text("p#1")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let expected = [
            ("id", "p#1"),
            ("message_id", "m"),
            ("expires_at_s", "7"),
            ("added_by_hand", "(neither a text nor a number)"),
        ];
        assert_eq!(Record::from_item(&item).attributes(), expected);
    }

    #[test]
    fn the_condition_names_the_attributes_that_are_written() {
        assert!(IDLE.contains(attribute::ID) && IDLE.contains(attribute::LEASE_EXPIRES_AT_MS));
    }
}
