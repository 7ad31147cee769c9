//! Reads headers in the forms that people have: lines, curl's output, a JSON object.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use webhook_verify::Header;

/// The text has no headers that could be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotHeaders {
    /// It begins like JSON, but is not an object of names, each with a text or a list of texts.
    Json,
    /// This line, counted from 1, is not `Name: value`.
    Line(usize),
    /// It has no headers.
    Empty,
}

impl fmt::Display for NotHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str(
                "it begins like JSON, but is not an object of header names, each with a text or a \
                 list of texts",
            ),
            Self::Line(number) => write!(f, "line {number} is not `Name: value`"),
            Self::Empty => f.write_str("it has no headers"),
        }
    }
}

impl std::error::Error for NotHeaders {}

/// Reads headers from lines of `Name: value`, with or without a request line; from the request in
/// the output of `curl -v`; or from a JSON object of names, each with a text or a list of texts.
///
/// # Errors
/// [`NotHeaders`].
pub fn read_headers(text: &[u8]) -> Result<Vec<Header>, NotHeaders> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let headers = if text.trim_ascii_start().starts_with(b"{") {
        let Pairs(pairs) = serde_json::from_slice(text).map_err(|_| NotHeaders::Json)?;
        pairs
    } else {
        lines(text)?
    };
    if headers.is_empty() { Err(NotHeaders::Empty) } else { Ok(headers) }
}

fn lines(text: &[u8]) -> Result<Vec<Header>, NotHeaders> {
    let lines =
        || text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // The other lines of curl's output are its own, or the response's.
    let is_curls = lines().any(|line| line.starts_with(b"> "));
    let mut headers = Vec::new();
    for (number, line) in (1..).zip(lines()) {
        let line = if is_curls {
            let Some(line) = line.strip_prefix(b"> ") else { continue };
            line
        } else {
            line
        };
        if line.trim_ascii().is_empty() || is_request_line(line) {
            continue;
        }
        // HTTP/2 has names that begin with a colon, such as `:authority`.
        let colon = line
            .iter()
            .skip(1)
            .position(|byte| *byte == b':')
            .map(|at| at + 1)
            .ok_or(NotHeaders::Line(number))?;
        let name =
            str::from_utf8(line[..colon].trim_ascii()).map_err(|_| NotHeaders::Line(number))?;
        if name.is_empty() || name.contains(|character: char| !character.is_ascii_graphic()) {
            return Err(NotHeaders::Line(number));
        }
        headers.push(Header::new(name, line[colon + 1..].trim_ascii()));
    }
    Ok(headers)
}

/// Returns whether the line is `POST /path HTTP/1.1`.
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let is_method = words
        .next()
        .is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase));
    is_method
        && line
            .trim_ascii_end()
            .rsplit(|byte| *byte == b' ')
            .next()
            .is_some_and(|word| word.starts_with(b"HTTP/"))
}

/// The members of an object in their order, including repeated names.
struct Pairs(Vec<Header>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Values>()? {
                    match values {
                        Values::One(value) => headers.push(Header::new(name, value)),
                        Values::Several(values) => {
                            headers.extend(
                                values.into_iter().map(|value| Header::new(name.clone(), value)),
                            );
                        }
                    }
                }
                Ok(Pairs(headers))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, NotHeaders> {
        let text_of = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = read_headers(text.as_bytes())?;
        Ok(headers
            .iter()
            .map(|header| (header.name().to_owned(), text_of(header.value())))
            .collect())
    }

    #[test]
    fn header_lines_curl_output_and_json_objects_are_read() {
        let expected = [("X-A", "1: 2"), ("x-b", ""), ("X-A", "3")];
        let expected: Vec<_> =
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for text in [
            "X-A: 1: 2\nx-b:\nX-A:3",
            "\u{feff}POST /webhooks/acme HTTP/1.1\r\nX-A: 1: 2\r\nx-b: \r\nX-A: 3\r\n\r\n",
            "* Trying 127.0.0.1:9000...\n> POST / HTTP/1.1\n> X-A: 1: 2\n> x-b:\n> X-A: 3\n>\n\
             < HTTP/1.1 401 X\n< x-c: 4\n{}",
            r#"{"X-A": "1: 2", "x-b": [""], "X-A": ["3"]}"#,
        ] {
            assert_eq!(read(text), Ok(expected.clone()), "{text}");
        }
        let list = read(r#"{"a": ["1", "2"]}"#);
        assert_eq!(
            list,
            Ok(vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())])
        );
        assert_eq!(
            read(":authority: a.example"),
            Ok(vec![(":authority".to_owned(), "a.example".to_owned())])
        );
    }

    #[test]
    fn text_that_is_not_headers_is_rejected_with_its_line() {
        for (text, expected) in [
            ("", NotHeaders::Empty),
            ("\n\n", NotHeaders::Empty),
            ("{}", NotHeaders::Empty),
            ("POST / HTTP/1.1\n", NotHeaders::Empty),
            ("a: 1\nb", NotHeaders::Line(2)),
            ("a b: 1", NotHeaders::Line(1)),
            (": 1", NotHeaders::Line(1)),
            ("\u{e9}: 1", NotHeaders::Line(1)),
            ("{\"a\": 1}", NotHeaders::Json),
            ("{\"a\": \"1\"", NotHeaders::Json),
        ] {
            assert_eq!(read(text), Err(expected), "{text:?}");
        }
        assert_eq!(NotHeaders::Line(2).to_string(), "line 2 is not `Name: value`");
    }
}
