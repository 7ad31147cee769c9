//! The body of a message: a `CloudEvents` 1.0 JSON object that contains the provider's own body.
//! Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>.

use std::{borrow::Cow, fmt::Write as _};

use webhook_verify::{Event, sha256_hex};

use crate::clock::{UnixMillis, rfc3339_seconds};

/// Returns the envelope. `data` is copied as it is: its numbers keep their digits, and its members
/// keep their order.
pub(crate) fn envelope(event: &Event<'_>, received_at: UnixMillis) -> String {
    // Signed bytes that were read as JSON are UTF-8: nothing is replaced here.
    let data = String::from_utf8_lossy(event.data());
    let mut out = String::with_capacity(data.len() + 1024);
    out.push_str("{\"specversion\":\"1.0\"");
    let mut member = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _ = write!(out, ",\"{name}\":{}", json_text(&cloud_event_text(value)));
    };
    member("id", event.id());
    member("source", &format!("/webhooks/{}", event.provider()));
    member("type", &format!("{}.{}", event.provider(), cloud_event_text(event.event_type())));
    member("time", &received_at.rfc3339());
    member("datacontenttype", "application/json");
    member("idempotencykey", event.idempotency_key());
    member("signaturescheme", event.scheme().name);
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

/// Returns the text, or its SHA-256 in hex if it has a character that `CloudEvents` excludes from
/// attributes.
/// Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system>.
pub(crate) fn cloud_event_text(text: &str) -> Cow<'_, str> {
    if text.chars().any(|character| character.is_control() || is_noncharacter(character)) {
        sha256_hex(text.as_bytes()).into()
    } else {
        text.into()
    }
}

/// Returns whether the character is one of the last two code points of a plane, or one of U+FDD0 to
/// U+FDEF.
fn is_noncharacter(character: char) -> bool {
    let code_point = u32::from(character);
    code_point & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code_point)
}

fn json_text(value: &str) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "\"\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_cloudevents_excludes_becomes_its_hash() {
        let kept = ["", "a.b", "é \u{2028}\u{202e}", "\u{fdcf}\u{fdf0}\u{fffd}\u{1fffd}\u{10fffd}"];
        for text in kept {
            assert_eq!(cloud_event_text(text), text, "{text:?}");
        }
        let excluded = [
            "\0",
            "a\nb",
            "\u{1b}[31m",
            "\u{7f}",
            "\u{9f}",
            "\u{fdd0}",
            "\u{fdef}",
            "\u{fffe}",
            "\u{ffff}",
            "\u{10ffff}",
        ];
        for text in excluded {
            assert_eq!(cloud_event_text(text), sha256_hex(text.as_bytes()), "{text:?}");
        }
    }
}
