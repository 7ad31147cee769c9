//! What `DynamoDB` and SQS accept: lengths, characters, sizes. A name that does not fit is replaced
//! by its SHA-256.

use std::borrow::Cow;

use webhook_ingest::Message;
use webhook_verify::{bounded_name, sha256_hex};

/// SQS's limit for a message: its body and its attributes' names, types and values, in bytes.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub const SQS_MAX_BYTES: usize = 1_048_576;

/// SQS's limit for a message group id, in characters.
const GROUP_ID_MAX: usize = 128;

/// Returns the message attributes of type String that every message has.
#[must_use]
pub fn message_attributes(message: &Message) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("provider", message.provider.clone()),
        ("event_type", attribute_value(&message.event_type)),
        ("event_id", attribute_value(&message.event_id)),
        // Not shortened: at most a prefix and 1,024 bytes, which `DynamoDB` accepts as a key.
        ("idempotency_key", accepted_or_hash(&message.idempotency_key)),
        ("signature_scheme", message.signature_scheme.clone()),
    ];
    if message.is_replay {
        attributes.push(("replay", "true".to_owned()));
    }
    attributes.retain(|(_, value)| !value.is_empty());
    attributes
}

/// Returns the size that SQS measures, in bytes.
#[must_use]
pub fn message_size(body: &str, attributes: &[(&'static str, String)]) -> usize {
    let size = |(name, value): &(&str, String)| name.len() + "String".len() + value.len();
    body.len() + attributes.iter().map(size).sum::<usize>()
}

/// Returns `<provider>#<group>`, with the group's hash in its place if SQS would refuse that.
#[must_use]
pub fn group_id(provider: &str, group: &str) -> String {
    let id = format!("{provider}#{group}");
    let fits = id.len() <= GROUP_ID_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { id } else { format!("{provider}#{}", sha256_hex(group.as_bytes())) }
}

/// Returns the header if SQS accepts it. SQS refuses a message with a malformed trace header, and
/// part of the header may come from the sender.
pub(crate) fn trace_header(header: &str) -> Option<&str> {
    let is_header = header.starts_with("Root=1-")
        && header.len() <= 500
        && header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=:;".contains(&byte));
    is_header.then_some(header)
}

/// Returns JSON text that SQS accepts. Of the characters that SQS refuses, JSON text can contain
/// only U+FFFE and U+FFFF, and only in strings: these two are escaped here.
pub(crate) fn message_body(json: &str) -> Cow<'_, str> {
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        Cow::Owned(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    } else {
        Cow::Borrowed(json)
    }
}

fn attribute_value(name: &str) -> String {
    accepted_or_hash(&bounded_name(name))
}

fn accepted_or_hash(text: &str) -> String {
    if is_accepted(text) { text.to_owned() } else { sha256_hex(text.as_bytes()) }
}

/// Returns whether SQS accepts all characters of the text, in a message or an attribute's value.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
fn is_accepted(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => character >= ' ',
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use webhook_ingest::ClaimToken;

    fn message(event_type: &str, key: &str, is_replay: bool) -> Message {
        Message {
            body: "{}".to_owned(),
            provider: "acme".to_owned(),
            event_type: event_type.to_owned(),
            event_id: "evt_1".to_owned(),
            idempotency_key: key.to_owned(),
            signature_scheme: "acme-v1".to_owned(),
            group: "g".to_owned(),
            claim_token: ClaimToken::named("t"),
            trace_header: None,
            is_replay,
        }
    }

    #[test]
    fn a_message_has_five_attributes_and_a_replay_has_one_more() {
        let mut expected = vec![
            ("provider", "acme".to_owned()),
            ("event_type", "paid".to_owned()),
            ("event_id", "evt_1".to_owned()),
            ("idempotency_key", "acme#evt_1".to_owned()),
            ("signature_scheme", "acme-v1".to_owned()),
        ];
        assert_eq!(message_attributes(&message("paid", "acme#evt_1", false)), expected);
        expected.push(("replay", "true".to_owned()));
        assert_eq!(message_attributes(&message("paid", "acme#evt_1", true)), expected);
    }

    #[test]
    fn an_empty_attribute_is_left_out_and_a_long_key_is_not_shortened() {
        let key = format!("acme#{}", "k".repeat(1024));
        assert_eq!(
            message_attributes(&message("", &key, false)),
            [
                ("provider", "acme".to_owned()),
                ("event_id", "evt_1".to_owned()),
                ("idempotency_key", key),
                ("signature_scheme", "acme-v1".to_owned()),
            ]
        );
    }

    #[test]
    fn texts_with_characters_that_sqs_refuses_are_not_accepted() {
        for (text, expected) in [
            ("", true),
            ("\t\n\r \u{7f}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}", true),
            ("\0", false),
            ("\u{b}", false),
            ("\u{1f}", false),
            ("a\u{fffe}", false),
            ("a\u{ffff}", false),
        ] {
            assert_eq!(is_accepted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_two_refused_characters_that_json_text_can_hold_are_escaped() {
        assert_eq!(
            message_body("\"a\u{fffe}b\u{ffff}\u{1fffe}\""),
            "\"a\\ufffeb\\uffff\u{1fffe}\""
        );
    }

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
            assert_eq!(attribute_value(&name), expected, "{name:.20}");
        }
    }

    #[test]
    fn a_group_that_sqs_refuses_is_replaced_by_its_hash() {
        let longest = "a".repeat(128 - "acme#".len());
        for (group, hashed) in [
            ("acct_1".to_owned(), false),
            (longest.clone(), false),
            (format!("{longest}a"), true),
            ("a b".to_owned(), true),
            ("\u{e9}".to_owned(), true),
        ] {
            let expected = if hashed { sha256_hex(group.as_bytes()) } else { group.clone() };
            assert_eq!(group_id("acme", &group), format!("acme#{expected}"), "{group:.20}");
        }
    }

    #[test]
    fn a_messages_size_counts_its_body_and_all_of_its_attributes() {
        let attributes = [("ab", "cde".to_owned()), ("f", "g".to_owned())];
        assert_eq!(message_size("0123456789", &attributes), 10 + 2 + 6 + 3 + 1 + 6 + 1);
    }

    #[test]
    fn only_a_well_formed_trace_header_is_sent_on() {
        let lineage = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:1;68fd508a:5";
        for header in
            ["Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", lineage]
        {
            assert_eq!(trace_header(header), Some(header));
        }
        for header in [
            "",
            "garbage",
            "Root=1-5759e988 bd862e",
            "Root=1-\u{e9}",
            &format!("Root=1-{}", "a".repeat(500)),
        ] {
            assert_eq!(trace_header(header), None, "{header:.20}");
        }
    }
}
