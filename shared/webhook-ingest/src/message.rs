//! A message for the queue: the envelope, its attributes, and the ids that keep it single and in order.

use webhook_verify::{Event, MAX_NAME_BYTES, sha256_hex};

use crate::{
    ClaimToken, UnixMillis,
    envelope::{envelope, is_sendable},
    record::table_id,
};

/// SQS's limit for a message: its body and its attributes' names, types and values, in bytes.
pub const SQS_MAX_BYTES: usize = 1_048_576;

/// What is sent for an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The `CloudEvents` object.
    pub body: String,
    /// Message attributes of type String: [`Message::labels`], and what a sender adds to them.
    pub attributes: Vec<(&'static str, String)>,
    /// Messages of one group keep their order (FIFO) or share fairly (standard): 1 to 128 characters of U+0021 to U+007E.
    pub group_id: String,
    /// FIFO: equal for all sends of one event.
    pub deduplication_id: String,
    /// X-Ray's trace header of the invocation.
    pub trace_header: Option<String>,
    /// The name for the body where it is kept beside the queue: unique per claim, so that two messages never share an
    /// object that the first of their consumers deletes; and found from the record, which holds the claim's token.
    pub payload_key: String,
}

impl Message {
    pub(crate) fn new(
        event: &Event<'_>,
        token: &ClaimToken,
        received_at: UnixMillis,
        trace_header: Option<&str>,
    ) -> Self {
        let table_id = table_id(event);
        Self {
            body: envelope(event, received_at),
            deduplication_id: sha256_hex(table_id.as_bytes()),
            group_id: Self::group_id(event.provider(), event.group()),
            attributes: Self::labels(event.provider(), event.event_type(), event.id(), &table_id),
            trace_header: trace_header.filter(|header| is_trace_header(header)).map(str::to_owned),
            payload_key: format!("{}/{token}", event.provider()),
        }
    }

    /// The attributes that every message has; a name or id that SQS would refuse, or that is too long, as its hash.
    #[must_use]
    pub fn labels(provider: &str, event_type: &str, event_id: &str, table_id: &str) -> Vec<(&'static str, String)> {
        vec![
            ("provider", provider.to_owned()),
            ("event_type", attribute(event_type)),
            ("event_id", attribute(event_id)),
            ("idempotency_key", sendable_or_hash(table_id)),
        ]
    }

    /// `<provider>#<what the event is about>`, or with its hash where SQS would refuse it.
    #[must_use]
    pub fn group_id(provider: &str, group: &str) -> String {
        let id = format!("{provider}#{group}");
        if id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            id
        } else {
            format!("{provider}#{}", sha256_hex(group.as_bytes()))
        }
    }

    /// The size that SQS measures, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.body.len() + self.attributes_size()
    }

    /// The attributes' share of [`Self::size`].
    #[must_use]
    pub fn attributes_size(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len()).sum()
    }
}

fn attribute(name: &str) -> String {
    if name.len() > MAX_NAME_BYTES { sha256_hex(name.as_bytes()) } else { sendable_or_hash(name) }
}

fn sendable_or_hash(name: &str) -> String {
    if is_sendable(name) { name.to_owned() } else { sha256_hex(name.as_bytes()) }
}

/// SQS refuses a message with a malformed trace header, and part of the header may come from the sender.
fn is_trace_header(header: &str) -> bool {
    header.starts_with("Root=1-")
        && header.len() <= 500
        && header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=:;".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sqs_refuses_or_that_is_too_long_becomes_its_hash() {
        for (name, hashed) in [
            ("a.b".to_owned(), false),
            ("a".repeat(1024), false),
            ("a".repeat(1025), true),
            ("a\u{ffff}".to_owned(), true),
            ("a\u{1}".to_owned(), true),
        ] {
            let expected = if hashed { sha256_hex(name.as_bytes()) } else { name.clone() };
            assert_eq!(attribute(&name), expected, "{name:.20}");
        }
    }

    #[test]
    fn a_group_id_is_what_sqs_takes_or_a_hash() {
        let longest = "a".repeat(128 - "acme#".len());
        for (group, hashed) in [
            ("acct_1".to_owned(), false),
            (longest.clone(), false),
            (format!("{longest}a"), true),
            ("a b".to_owned(), true),
            ("\u{e9}".to_owned(), true),
        ] {
            let expected = if hashed { sha256_hex(group.as_bytes()) } else { group.clone() };
            assert_eq!(Message::group_id("acme", &group), format!("acme#{expected}"), "{group:.20}");
        }
    }

    #[test]
    fn the_size_of_a_message_is_its_body_and_names_types_and_values_of_its_attributes() {
        let message = Message {
            body: "0123456789".to_owned(),
            deduplication_id: "not counted".to_owned(),
            group_id: "not counted".to_owned(),
            attributes: vec![("ab", "cde".to_owned()), ("f", "g".to_owned())],
            trace_header: None,
            payload_key: "not counted".to_owned(),
        };
        assert_eq!(message.attributes_size(), 2 + 6 + 3 + 1 + 6 + 1);
        assert_eq!(message.size(), 10 + 19);
    }

    #[test]
    fn only_a_well_formed_trace_header_travels() {
        assert!(is_trace_header("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"));
        assert!(is_trace_header(
            "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:1|68fd508a:5".replace('|', ";").as_str()
        ));
        for header in ["", "garbage", "Root=1-5759e988 bd862e", "Root=1-\u{e9}", &format!("Root=1-{}", "a".repeat(500))]
        {
            assert!(!is_trace_header(header), "{header:.20}");
        }
    }
}
