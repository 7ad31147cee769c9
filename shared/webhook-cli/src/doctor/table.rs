//! Checks the table of idempotency records: its status, its key and its TTL.

use aws_sdk_dynamodb::{
    Client,
    types::{
        KeyType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveDescription,
        TimeToLiveStatus,
    },
};
use webhook_aws::{attribute, call_error};

use crate::doctor::{
    asked::Asked,
    keys::Keys,
    report::{Finding, ok, unknown, wrong},
};

/// Checks the table, and notes its key.
pub(crate) async fn check(client: &Client, table: &str, keys: &mut Keys) -> Vec<Finding> {
    let described = client.describe_table().table_name(table).send().await;
    let described = match Asked::from(described.map_err(|error| call_error(&error))) {
        Asked::Found(found) => found.table.unwrap_or_else(|| TableDescription::builder().build()),
        Asked::Absent => {
            return vec![wrong(
                "table",
                format!(
                    "{table} does not exist in this region: restore it, or name another in \
                     ExistingTableName"
                ),
            )];
        }
        Asked::Failed(error) => {
            return vec![unknown("table", &format!("describe the table {table}"), &error)];
        }
    };
    keys.used(
        described.sse_description().and_then(|sse| sse.kms_master_key_arn()),
        "the table",
        true,
    );
    let ttl = match client.describe_time_to_live().table_name(table).send().await {
        Ok(described) => time_to_live(table, described.time_to_live_description.as_ref()),
        Err(error) => {
            unknown("table.ttl", &format!("read the time to live of {table}"), &call_error(&error))
        }
    };
    vec![state(table, &described), key(table, &described), ttl]
}

fn state(table: &str, described: &TableDescription) -> Finding {
    let status = described.table_status().map(TableStatus::as_str).unwrap_or_default();
    let inaccessible = described
        .sse_description()
        .and_then(|sse| sse.inaccessible_encryption_date_time())
        .is_some();
    match (status, inaccessible) {
        ("ACTIVE" | "UPDATING", false) => ok("table", format!("{table} is {status}")),
        (_, true) => wrong(
            "table",
            format!("{table} cannot use its KMS key: enable the key, or restore its policy"),
        ),
        _ => {
            wrong("table", format!("{table} is {status}: functions answer 503 until it is ACTIVE"))
        }
    }
}

fn key(table: &str, described: &TableDescription) -> Finding {
    let schema: Vec<_> = described
        .key_schema()
        .iter()
        .map(|element| {
            let name = element.attribute_name();
            let definitions = described.attribute_definitions().iter();
            let of_type = definitions.filter(|definition| definition.attribute_name() == name);
            let of_type = of_type.map(|definition| definition.attribute_type().clone()).next();
            (name, element.key_type().clone(), of_type)
        })
        .collect();
    if schema == [(attribute::ID, KeyType::Hash, Some(ScalarAttributeType::S))] {
        return ok("table.key", format!("{table} has the partition key id (String)"));
    }
    let shown = schema.iter().map(|(name, kind, of_type)| {
        let of_type = of_type.as_ref().map(ScalarAttributeType::as_str).unwrap_or_default();
        format!("{name} ({of_type}, {kind})")
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    wrong(
        "table.key",
        format!(
            "{table} has the key {shown}: name in ExistingTableName a table with the partition key \
             id (String) and without a sort key"
        ),
    )
}

fn time_to_live(table: &str, described: Option<&TimeToLiveDescription>) -> Finding {
    let attribute = described.and_then(|ttl| ttl.attribute_name()).unwrap_or_default();
    let enabled = described.and_then(|ttl| ttl.time_to_live_status()).is_some_and(|status| {
        matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    });
    let do_so = format!("enable it on {}, or records are kept for ever", attribute::EXPIRES_AT_S);
    match (enabled, attribute) {
        (true, attribute::EXPIRES_AT_S) => {
            ok("table.ttl", format!("{table} deletes expired records"))
        }
        (true, other) => {
            wrong("table.ttl", format!("the time to live of {table} is on {other}: {do_so}"))
        }
        (false, _) => wrong("table.ttl", format!("{table} has no time to live: {do_so}")),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::DateTime;
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, KeySchemaElement, SseDescription, builders::TableDescriptionBuilder,
    };

    use super::*;

    fn element(
        table: TableDescriptionBuilder,
        name: &str,
        of_type: ScalarAttributeType,
        kind: KeyType,
    ) -> TableDescriptionBuilder {
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .expect("is complete");
        let of_type = AttributeDefinition::builder().attribute_name(name).attribute_type(of_type);
        table.key_schema(key).attribute_definitions(of_type.build().expect("is complete"))
    }

    #[test]
    fn the_only_key_must_be_a_string_named_id() {
        let id =
            || element(TableDescription::builder(), "id", ScalarAttributeType::S, KeyType::Hash);
        let wanted = "name in ExistingTableName a table with the partition key id (String) and \
                      without a sort key";
        for (table, expected) in [
            (id(), ok("table.key", "records has the partition key id (String)")),
            (
                element(TableDescription::builder(), "id", ScalarAttributeType::N, KeyType::Hash),
                wrong("table.key", format!("records has the key id (N, HASH): {wanted}")),
            ),
            (
                element(TableDescription::builder(), "pk", ScalarAttributeType::S, KeyType::Hash),
                wrong("table.key", format!("records has the key pk (S, HASH): {wanted}")),
            ),
            (
                element(id(), "sk", ScalarAttributeType::S, KeyType::Range),
                wrong(
                    "table.key",
                    format!("records has the key id (S, HASH), sk (S, RANGE): {wanted}"),
                ),
            ),
        ] {
            assert_eq!(key("records", &table.build()), expected);
        }
    }

    #[test]
    fn a_table_must_be_active_and_its_kms_key_usable() {
        let table = |status| TableDescription::builder().table_status(status);
        let lost = SseDescription::builder()
            .inaccessible_encryption_date_time(DateTime::from_secs(1))
            .build();
        for (table, expected) in [
            (table(TableStatus::Active), ok("table", "records is ACTIVE")),
            (
                table(TableStatus::Deleting),
                wrong("table", "records is DELETING: functions answer 503 until it is ACTIVE"),
            ),
            (
                table(TableStatus::Active).sse_description(lost),
                wrong(
                    "table",
                    "records cannot use its KMS key: enable the key, or restore its policy",
                ),
            ),
        ] {
            assert_eq!(state("records", &table.build()), expected);
        }
    }

    #[test]
    fn time_to_live_must_be_enabled_on_expires_at_s() {
        let ttl = |status, name: &str| {
            let described = TimeToLiveDescription::builder()
                .time_to_live_status(status)
                .attribute_name(name)
                .build();
            time_to_live("records", Some(&described))
        };
        let right = ok("table.ttl", "records deletes expired records");
        assert_eq!(ttl(TimeToLiveStatus::Enabled, "expires_at_s"), right);
        assert_eq!(ttl(TimeToLiveStatus::Enabling, "expires_at_s"), right);
        let advice = "enable it on expires_at_s, or records are kept for ever";
        let other = wrong("table.ttl", format!("the time to live of records is on ttl: {advice}"));
        assert_eq!(ttl(TimeToLiveStatus::Enabled, "ttl"), other);
        let none = wrong("table.ttl", format!("records has no time to live: {advice}"));
        assert_eq!(ttl(TimeToLiveStatus::Disabled, "expires_at_s"), none);
        assert_eq!(time_to_live("records", None), none);
    }
}
