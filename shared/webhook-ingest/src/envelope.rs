//! The body of a message: a `CloudEvents` 1.0 JSON object round the provider's own body.
//! Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>.

use std::{borrow::Cow, fmt::Write as _};

use webhook_verify::Event;

use crate::{UnixMillis, clock::rfc3339_seconds, record::table_id};

/// Writes the envelope. `data` is copied as it is: its numbers keep their digits, its members their order.
pub(crate) fn envelope(event: &Event<'_>, received_at: UnixMillis) -> String {
    // Made of signed bytes that were read as JSON, and so are UTF-8: nothing is replaced here.
    let data = sendable(String::from_utf8_lossy(event.data()));
    let mut out = String::with_capacity(data.len() + 1024);
    out.push_str("{\"specversion\":\"1.0\"");
    let mut member = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _ = write!(out, ",\"{name}\":{}", json_text(value));
    };
    member("id", event.id());
    member("source", &format!("/webhooks/{}", event.provider()));
    member("type", &format!("{}.{}", event.provider(), event.event_type()));
    member("time", &received_at.rfc3339());
    member("datacontenttype", "application/json");
    member("idempotencykey", &table_id(event));
    member("signaturescheme", event.scheme().name());
    if let Some(signed_at) = event.signed_at() {
        member("signedat", &rfc3339_seconds(signed_at));
    }
    if let Some(delivery_id) = event.delivery_id() {
        member("deliveryid", delivery_id);
    }
    if let Some(unsigned_fields) = event.unsigned_fields() {
        member("unsignedfields", unsigned_fields);
    }
    out.push_str(",\"data\":");
    out.push_str(&data);
    out.push('}');
    out
}

fn json_text(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_else(|_| "\"\"".to_owned());
    sendable(Cow::Owned(quoted)).into_owned()
}

/// JSON text that SQS takes. Of the characters that it refuses, all but U+FFFE and U+FFFF can stand in JSON text as escapes
/// only; these two are escaped here. Outside of strings they cannot occur.
fn sendable(json: Cow<'_, str>) -> Cow<'_, str> {
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        Cow::Owned(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    } else {
        json
    }
}

/// Whether SQS takes the text as an attribute's value or a message.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
pub(crate) fn is_sendable(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => character >= ' ',
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_refused_characters_that_json_text_can_hold_are_escaped() {
        assert_eq!(sendable("\"a\u{fffe}b\u{ffff}\u{1fffe}\"".into()), "\"a\\ufffeb\\uffff\u{1fffe}\"");
        assert_eq!(json_text("\u{ffff}\u{1}\"é\u{7f}"), "\"\\uffff\\u0001\\\"é\u{7f}\"");
    }

    #[test]
    fn sqs_takes_tab_line_breaks_and_all_from_space_on_but_two() {
        for (text, expected) in [
            ("", true),
            ("\t\n\r \u{7f}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}", true),
            ("\0", false),
            ("\u{b}", false),
            ("\u{1f}", false),
            ("a\u{fffe}", false),
            ("a\u{ffff}", false),
        ] {
            assert_eq!(is_sendable(text), expected, "{text:?}");
        }
    }
}
