//! Bodies that Pinwheel might send, of any size, in three spellings of one content.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;
use serde_json::{
    Serializer, Value, json,
    ser::{CharEscape, Formatter, PrettyFormatter},
};

/// How a body is spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spelling {
    /// No white space.
    Compact,
    /// Python's default: `", "`, `": "`, and ASCII alone.
    Python,
    /// Indented by two.
    Pretty,
}

impl Spelling {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Compact, Self::Python, Self::Pretty];

    /// Its name in a report.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Python => "Python",
            Self::Pretty => "pretty",
        }
    }
}

/// A body of about `size` bytes: a page of data, with texts, numbers, and a name that is not ASCII.
///
/// # Errors
/// Never: a tree of texts and numbers can be spelled.
pub fn body(size: usize, spelling: Spelling) -> Result<Vec<u8>> {
    let (mut least, mut most) = (0, size / 64 + 1);
    while most - least > 1 {
        let rows = usize::midpoint(least, most);
        if spelled(&content(rows), spelling)?.len() <= size { least = rows } else { most = rows }
    }
    spelled(&content(least), spelling)
}

fn content(rows: usize) -> Value {
    let row = |row: usize| {
        json!({
            "id": format!("6566e87b7cf2{row:012}"),
            "data": {
                "name": format!("Zoë {row}"),
                // Not a whole number, which JavaScript would spell otherwise.
                "amount": row as f64 + 0.5,
                "count": row,
                "active": true,
                "note": null,
                "address": "1 Main Street, Springfield",
            },
            "associations": {"company": format!("c{row}")},
        })
    };
    let rows: Vec<Value> = (0..rows).map(row).collect();
    json!({"event": "paystubs.added", "webhook_id": "0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10", "payload": {"rows": rows}})
}

fn spelled(value: &Value, spelling: Spelling) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    match spelling {
        Spelling::Compact => value.serialize(&mut Serializer::new(&mut text))?,
        Spelling::Python => {
            value.serialize(&mut Serializer::with_formatter(&mut text, PythonFormatter))?;
        }
        Spelling::Pretty => {
            value.serialize(&mut Serializer::with_formatter(
                &mut text,
                PrettyFormatter::with_indent(b"  "),
            ))?;
        }
    }
    Ok(text)
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_spelled_as_python_spells_it() {
        let value = json!({"a": ["ë😀", 1.5, null], "b": {"c": "\n\""}});
        let text = spelled(&value, Spelling::Python).expect("has a spelling");
        assert_eq!(
            String::from_utf8_lossy(&text),
            r#"{"a": ["\u00eb\ud83d\ude00", 1.5, null], "b": {"c": "\n\""}}"#
        );
    }

    #[test]
    fn a_body_is_less_than_one_row_smaller_than_asked() {
        for spelling in Spelling::ALL {
            let length = body(10_000, spelling).expect("has a spelling").len();
            assert!((9_500..=10_000).contains(&length), "{length}");
        }
    }
}
