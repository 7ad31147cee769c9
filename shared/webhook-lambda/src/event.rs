//! The HTTP event to headers and body, for every door that Lambda has: HTTP API (payload 2.0 and 1.0), REST API, ALB, function
//! URL. They differ in what surrounds four members that all of them spell alike: `headers`, `multiValueHeaders`, `body` and
//! `isBase64Encoded`.
//!
//! `lambda_http`'s own request types are not used: of repeated headers they keep the last on REST events, so that a second
//! signature would go unnoticed, and they panic on a body that is not the base64 that it says it is.
//! Source of the shapes: `aws_lambda_events`' fixtures and Lambda's developer guide.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use webhook_verify::Header;

/// An HTTP request as an event.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct HttpEvent {
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    /// The event has `multiValueHeaders`: an ALB then reads the answer's headers from there, too.
    pub(crate) multi_value_headers: bool,
}

impl HttpEvent {
    /// `None` where the event is no HTTP request, or a malformed one. Never panics, whatever the event is.
    pub(crate) fn from_json(event: &str) -> Option<Self> {
        let members: Members<'_> = serde_json::from_str(event).ok()?;
        let known = [members.headers, members.multi_value_headers, members.body, members.request_context];
        if known.iter().all(Option::is_none) {
            return None;
        }
        let single: Pairs<Option<Text>> = value(members.headers)?.unwrap_or_default();
        let multiple: Option<Pairs<Option<Vec<Text>>>> = value(members.multi_value_headers)?;
        let body: Option<Text> = value(members.body)?;
        let base64: bool = value(members.is_base64_encoded)?.unwrap_or(false);
        let body = body.map(|text| text.0).unwrap_or_default();
        Some(Self {
            multi_value_headers: multiple.is_some(),
            headers: merged(single, multiple.unwrap_or_default()),
            body: if base64 { BASE64_STANDARD.decode(body).ok()? } else { body },
        })
    }
}

/// All values of `multiValueHeaders`, and those of `headers` that are not among them: usually `headers` repeats one value of
/// each name. Where it has another, the event shows two.
fn merged(single: Pairs<Option<Text>>, multiple: Pairs<Option<Vec<Text>>>) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::with_capacity(single.0.len());
    for (name, values) in multiple.0 {
        headers.extend(values.into_iter().flatten().map(|value| Header::new(name.clone(), value.0)));
    }
    let from_multiple = headers.len();
    for (name, value) in single.0 {
        let Some(Text(value)) = value else { continue };
        let repeats = |header: &Header| header.name().eq_ignore_ascii_case(&name) && header.value() == value;
        if !headers[..from_multiple].iter().any(repeats) {
            headers.push(Header::new(name, value));
        }
    }
    headers
}

/// The members that count, each unread: one that is malformed must not hide the others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'e> {
    #[serde(borrow)]
    headers: Option<&'e RawValue>,
    #[serde(borrow)]
    multi_value_headers: Option<&'e RawValue>,
    #[serde(borrow)]
    body: Option<&'e RawValue>,
    #[serde(borrow)]
    is_base64_encoded: Option<&'e RawValue>,
    #[serde(borrow)]
    request_context: Option<&'e RawValue>,
}

/// The member's value: `Some(None)` where it is absent or null, `None` where it is of another type.
#[expect(clippy::option_option, reason = "absent and malformed are different things")]
fn value<'e, T: Deserialize<'e>>(member: Option<&'e RawValue>) -> Option<Option<T>> {
    member.map_or(Some(None), |member| serde_json::from_str(member.get()).ok())
}

/// A text as bytes: one with a lone surrogate is no UTF-8, and must be refused by the signature, not by the parser.
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
        let event = HttpEvent::from_json(event)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = event.headers.iter().map(|header| (header.name().to_owned(), text(header.value()))).collect();
        Some((headers, text(&event.body)))
    }

    fn expected(headers: &[(&str, &str)], body: &str) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
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
            (r#"{"headers":{"a":"2"},"multiValueHeaders":{"A":["1","2"]}}"#, [("A", "1"), ("A", "2")]),
            (r#"{"headers":{"a":"2"},"multiValueHeaders":{"A":["1"]}}"#, [("A", "1"), ("a", "2")]),
            (r#"{"headers":{"a":"1","A":"2"}}"#, [("a", "1"), ("A", "2")]),
            (r#"{"headers":{"a":"1","a":"2"}}"#, [("a", "1"), ("a", "2")]),
            (r#"{"multiValueHeaders":{"a":["1"],"A":["2"]},"headers":{"a":"1"}}"#, [("a", "1"), ("A", "2")]),
            (r#"{"multiValueHeaders":{"a":["1"]},"headers":{"a":"1","b":"2"}}"#, [("a", "1"), ("b", "2")]),
        ] {
            assert_eq!(read(event), Some(expected(&headers, "")), "{event}");
        }
    }

    #[test]
    fn a_request_without_headers_or_body_is_an_empty_one() {
        for event in [r#"{"requestContext":{}}"#, r#"{"headers":{}}"#, r#"{"body":"","headers":{"a":null}}"#] {
            assert_eq!(read(event), Some(expected(&[], "")), "{event}");
        }
    }

    #[test]
    fn what_is_no_http_request_or_a_malformed_one_is_none() {
        for event in [
            "",
            "null",
            "7",
            "[]",
            "{}",
            "\"text\"",
            "{",
            r#"{"Records":[{"body":"b"}]}"#,
            r#"{"headers":null,"body":null}"#,
            r#"{"body":"***","isBase64Encoded":true}"#,
            r#"{"body":"Yg","isBase64Encoded":true}"#,
            r#"{"body":{}}"#,
            r#"{"body":"b","isBase64Encoded":"yes"}"#,
            r#"{"headers":[],"body":"b"}"#,
            r#"{"headers":{"a":1},"body":"b"}"#,
            r#"{"multiValueHeaders":{"a":"1"},"body":"b"}"#,
            r#"{"body":"b","body":"c"}"#,
        ] {
            assert_eq!(read(event), None, "{event}");
        }
    }

    #[test]
    fn a_lone_surrogate_reaches_the_signature_as_bytes_that_are_no_utf_8() {
        let event = HttpEvent::from_json(r#"{"body":"\ud800","headers":{"a":"\udfff"}}"#).expect("is read");
        assert_eq!(event.body, b"\xed\xa0\x80");
        assert_eq!(event.headers[0].value(), b"\xed\xbf\xbf");
    }

    #[test]
    fn deep_nesting_beside_the_members_is_harmless() {
        let deep = format!(r#"{{"body":"b","other":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), Some(expected(&[], "b")));
    }
}
