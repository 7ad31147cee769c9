//! Reads the headers and the body of an HTTP request from a Lambda event, whatever service sent it:
//! HTTP API (payload format 2.0 and 1.0), REST API, ALB, function URL. Their events have the same
//! four members: `headers`, `multiValueHeaders`, `body` and `isBase64Encoded`.
//!
//! `lambda_http`'s own request types are not used. On REST events they keep only the last of
//! repeated headers, so a second signature would go unnoticed; and they panic on a body whose
//! base64 is invalid. Source of the shapes: the fixtures of `aws_lambda_events`, and Lambda's
//! developer guide.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use webhook_verify::Header;

/// An HTTP request that came as an event.
#[derive(Debug, Eq, PartialEq)]
pub struct HttpEvent {
    /// The event's format, which the response must match.
    pub format: EventFormat,
    /// The headers, with every value of a repeated one.
    pub headers: Vec<Header>,
    /// The body, decoded if it came as base64.
    pub body: Vec<u8>,
}

/// The format of an event, and of the response to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventFormat {
    /// HTTP API with payload 2.0, function URL: a response has `cookies`. `cargo lambda watch`
    /// requires them.
    Version2,
    /// REST API, HTTP API with payload 1.0, ALB with multi-value headers, which ignores a
    /// response's `headers`.
    MultiValue,
    /// ALB without multi-value headers.
    SingleValue,
}

/// Why an event cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventError {
    /// It is not an HTTP request, but a queue's batch, for example.
    NotHttp,
    /// It is an HTTP request, but one of its members is malformed.
    Malformed(EventFormat),
}

impl HttpEvent {
    /// Reads the event. Never panics, whatever the event is.
    ///
    /// # Errors
    /// [`EventError`] if the event is not an HTTP request, or is a malformed one.
    pub fn from_json(event: &str) -> Result<Self, EventError> {
        let members: Members<'_> = serde_json::from_str(event).map_err(|_| EventError::NotHttp)?;
        let format = members.format().ok_or(EventError::NotHttp)?;
        let (headers, body) = members.request().ok_or(EventError::Malformed(format))?;
        Ok(Self { format, headers, body })
    }
}

/// The members that matter, not yet parsed: a malformed one must not hide the others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'e> {
    #[serde(borrow, default, deserialize_with = "present")]
    version: Option<&'e RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    request_context: Option<&'e RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    headers: Option<&'e RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    multi_value_headers: Option<&'e RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    body: Option<&'e RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    is_base64_encoded: Option<&'e RawValue>,
    /// The records of a batch from a queue, topic, stream or bucket.
    #[serde(borrow, default, deserialize_with = "present", rename = "Records")]
    records: Option<&'e RawValue>,
}

/// Reads a null as a member that is present: `Option` alone would take it for an absent one.
fn present<'de: 'e, 'e, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'e RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Members<'_> {
    /// Returns the format of the event, or `None` if it is not an HTTP request. Looks only at which
    /// members there are, so that the response to a malformed request has the right format too.
    fn format(&self) -> Option<EventFormat> {
        let is_http = [self.request_context, self.headers, self.multi_value_headers]
            .iter()
            .any(Option::is_some);
        if !is_http || self.records.is_some() {
            return None;
        }
        let is_present =
            |member: Option<&RawValue>| member.is_some_and(|value| value.get() != "null");
        Some(match self.version.map(RawValue::get) {
            Some("\"2.0\"") => EventFormat::Version2,
            Some(_) | None if is_present(self.multi_value_headers) => EventFormat::MultiValue,
            Some(_) | None => EventFormat::SingleValue,
        })
    }

    /// Returns headers and body, or `None` if a member is malformed.
    fn request(self) -> Option<(Vec<Header>, Vec<u8>)> {
        let single: Pairs<Option<Text>> = value(self.headers)?.unwrap_or_default();
        let multiple: Pairs<Option<Vec<Text>>> =
            value(self.multi_value_headers)?.unwrap_or_default();
        let body: Option<Text> = value(self.body)?;
        let is_base64: bool = value(self.is_base64_encoded)?.unwrap_or(false);
        let body = body.map(|text| text.0).unwrap_or_default();
        let body = if is_base64 { BASE64_STANDARD.decode(body).ok()? } else { body };
        Some((merged(single, multiple), body))
    }
}

/// Returns the member's value: `Some(None)` if it is absent or null, `None` if it has the wrong
/// type.
#[expect(clippy::option_option, reason = "absent and malformed are different things")]
fn value<'e, T: Deserialize<'e>>(member: Option<&'e RawValue>) -> Option<Option<T>> {
    member.map_or(Some(None), |member| serde_json::from_str(member.get()).ok())
}

/// Returns all values of `multiValueHeaders`, and those of `headers` that are not among them.
/// Usually `headers` repeats one value of each name; a different value is one more header.
fn merged(single: Pairs<Option<Text>>, multiple: Pairs<Option<Vec<Text>>>) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::with_capacity(single.0.len());
    for (name, values) in multiple.0 {
        headers
            .extend(values.into_iter().flatten().map(|value| Header::new(name.clone(), value.0)));
    }
    let from_multiple = headers.len();
    for (name, value) in single.0 {
        let Some(Text(value)) = value else { continue };
        let repeats =
            |header: &Header| header.name().eq_ignore_ascii_case(&name) && header.value() == value;
        if !headers[..from_multiple].iter().any(repeats) {
            headers.push(Header::new(name, value));
        }
    }
    headers
}

/// A string as bytes. A string with a lone surrogate is not UTF-8, and must be refused because of
/// its signature, not by the parser.
struct Text(Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Text, E> {
                Ok(Text(bytes))
            }
        }

        deserializer.deserialize_byte_buf(TextVisitor)
    }
}

/// An object's members in their order, repeated names included.
struct Pairs<V>(Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Request = (Vec<(String, String)>, String);

    fn read(event: &str) -> Option<Request> {
        let event = HttpEvent::from_json(event).ok()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = event
            .headers
            .iter()
            .map(|header| (header.name().to_owned(), text(header.value())))
            .collect();
        Some((headers, text(&event.body)))
    }

    fn expected(headers: &[(&str, &str)], body: &str) -> Request {
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        (headers, body.to_owned())
    }

    #[test]
    fn headers_and_body_are_found_in_every_shape() {
        for event in [
            r#"{"version":"2.0","headers":{"x-a":"1"},"requestContext":{"http":{}},"body":"b","isBase64Encoded":false}"#,
            r#"{"headers":{"x-a":"1"},"multiValueHeaders":null,"body":"Yg==","isBase64Encoded":true}"#,
            r#"{"httpMethod":"POST","headers":{"X-A":"1"},"multiValueHeaders":{"x-a":["1"]},"body":"b"}"#,
            r#"{"requestContext":{"elb":{}},"multiValueHeaders":{"x-a":["1"]},"body":"b","isBase64Encoded":false}"#,
            r#"{"headers":null,"multiValueHeaders":{"x-a":["1"],"x-b":null},"body":"\u0062"}"#,
        ] {
            assert_eq!(read(event), Some(expected(&[("x-a", "1")], "b")), "{event}");
        }
    }

    #[test]
    fn every_value_of_a_repeated_header_is_seen() {
        for (event, headers) in [
            (
                r#"{"headers":{"a":"2"},"multiValueHeaders":{"A":["1","2"]}}"#,
                [("A", "1"), ("A", "2")],
            ),
            (r#"{"headers":{"a":"2"},"multiValueHeaders":{"A":["1"]}}"#, [("A", "1"), ("a", "2")]),
            (r#"{"headers":{"a":"1","A":"2"}}"#, [("a", "1"), ("A", "2")]),
            (r#"{"headers":{"a":"1","a":"2"}}"#, [("a", "1"), ("a", "2")]),
            (
                r#"{"multiValueHeaders":{"a":["1"],"A":["2"]},"headers":{"a":"1"}}"#,
                [("a", "1"), ("A", "2")],
            ),
            (
                r#"{"multiValueHeaders":{"a":["1"]},"headers":{"a":"1","b":"2"}}"#,
                [("a", "1"), ("b", "2")],
            ),
        ] {
            assert_eq!(read(event), Some(expected(&headers, "")), "{event}");
        }
    }

    #[test]
    fn a_request_without_headers_or_body_is_an_empty_one() {
        for event in [
            r#"{"requestContext":{}}"#,
            r#"{"headers":{}}"#,
            r#"{"headers":null,"body":null}"#,
            r#"{"body":"","headers":{"a":null}}"#,
        ] {
            assert_eq!(read(event), Some(expected(&[], "")), "{event}");
        }
    }

    #[test]
    fn the_format_is_known_even_if_the_request_is_malformed() {
        for (format, event) in [
            (
                EventFormat::Version2,
                r#"{"version":"2.0","requestContext":{},"headers":{},"multiValueHeaders":{},"body":"#,
            ),
            (
                EventFormat::MultiValue,
                r#"{"version":"1.0","headers":{},"multiValueHeaders":{},"body":"#,
            ),
            (
                EventFormat::MultiValue,
                r#"{"requestContext":{"elb":{}},"multiValueHeaders":{},"body":"#,
            ),
            (EventFormat::SingleValue, r#"{"requestContext":{"elb":{}},"headers":{},"body":"#),
            (
                EventFormat::SingleValue,
                r#"{"version":2.0,"headers":null,"multiValueHeaders":null,"body":"#,
            ),
        ] {
            let good = HttpEvent::from_json(&format!("{event}\"b\"}}")).map(|event| event.format);
            assert_eq!(good, Ok(format), "{event}");
            let malformed =
                HttpEvent::from_json(&format!("{event}\"*\",\"isBase64Encoded\":true}}"));
            assert_eq!(malformed, Err(EventError::Malformed(format)), "{event}");
        }
    }

    #[test]
    fn a_member_of_the_wrong_form_is_a_malformed_request() {
        for event in [
            r#"{"headers":{},"body":"***","isBase64Encoded":true}"#,
            r#"{"headers":{},"body":"Yg","isBase64Encoded":true}"#,
            r#"{"headers":{},"body":{}}"#,
            r#"{"headers":{},"body":"b","isBase64Encoded":"yes"}"#,
            r#"{"headers":[],"body":"b"}"#,
            r#"{"headers":{"a":1},"body":"b"}"#,
            r#"{"headers":7}"#,
        ] {
            assert_eq!(
                HttpEvent::from_json(event),
                Err(EventError::Malformed(EventFormat::SingleValue)),
                "{event}"
            );
        }
        let event = r#"{"multiValueHeaders":{"a":"1"},"body":"b"}"#;
        assert_eq!(
            HttpEvent::from_json(event),
            Err(EventError::Malformed(EventFormat::MultiValue))
        );
    }

    #[test]
    fn an_event_of_another_service_is_not_an_http_request() {
        for event in [
            "",
            "null",
            "7",
            "[]",
            "{}",
            "\"text\"",
            "{",
            r#"{"Records":[{"messageId":"m","body":"{}","eventSource":"aws:sqs"}]}"#,
            r#"{"Records":[],"headers":{},"body":"b"}"#,
            r#"[{"messageId":"m","body":"{}","eventSource":"aws:sqs"}]"#,
            r#"{"messageId":"m","body":"{}","eventSource":"aws:sqs"}"#,
            r#"{"version":"0","detail-type":"t","source":"s","detail":{}}"#,
            r#"{"version":"2.0","body":"b"}"#,
            r#"{"headers":{},"body":"b","body":"c"}"#,
        ] {
            assert_eq!(HttpEvent::from_json(event), Err(EventError::NotHttp), "{event}");
        }
    }

    #[test]
    fn a_lone_surrogate_reaches_the_signature_as_bytes_not_utf_8() {
        let event =
            HttpEvent::from_json(r#"{"body":"\ud800","headers":{"a":"\udfff"}}"#).expect("is read");
        assert_eq!(event.body, b"\xed\xa0\x80");
        assert_eq!(event.headers[0].value(), b"\xed\xbf\xbf");
    }

    #[test]
    fn deep_nesting_beside_the_members_is_harmless() {
        let deep = format!(
            r#"{{"headers":{{}},"body":"b","other":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(read(&deep), Some(expected(&[], "b")));
    }
}
