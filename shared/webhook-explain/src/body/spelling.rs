//! Hypotheses about a JSON body that a program parsed and wrote again.

use std::{
    borrow::Cow,
    cell::LazyCell,
    fmt::{self, Write},
};

use serde::de::IgnoredAny;
use webhook_verify::json::{PythonForm, python_form};

use super::{Change, LARGEST, RAW};
use crate::cause::Cause;

/// Larger bodies are written again in Python's forms only: a tree takes many times their size.
const LARGEST_TREE: usize = 1 << 20;

/// `serde_json` reads no deeper values, and neither does the receiver.
const DEEPEST: usize = 127;

/// Returns the body as common programs write it, the most common form first. Each is made when the
/// iterator gets to it.
pub(super) fn changes(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    let document = LazyCell::new(move || Document::parse(body));
    Spelling::all().filter_map(move |spelling| {
        let value = match spelling {
            Spelling::Python(form) => python_form(body, form).ok()?,
            Spelling::Styled(style) => document.as_ref()?.write(style)?,
        };
        let detail = format!(
            "After it was signed, the body was parsed and written again. It verifies in this form: \
             {}.",
            spelling.name()
        );
        Some(Change::new(Cause::BodyReserialized, value, detail, RAW))
    })
}

#[derive(Clone, Copy)]
enum Spelling {
    Python(PythonForm),
    Styled(Style),
}

impl Spelling {
    fn all() -> impl Iterator<Item = Self> {
        let first = [
            Self::Styled(Style::COMPACT),
            Self::Python(PythonForm::Default),
            Self::Python(PythonForm::Compact),
        ];
        first.into_iter().chain(Style::all().map(Self::Styled))
    }

    fn name(self) -> String {
        match self {
            Self::Python(PythonForm::Default) => "as Python's json.dumps writes it".to_owned(),
            Self::Python(PythonForm::Compact) => {
                "as Python's json.dumps writes it with compact separators".to_owned()
            }
            Self::Styled(style) => style.name(),
        }
    }
}

/// The way in which a program writes JSON.
#[derive(Clone, Copy)]
struct Style {
    layout: Layout,
    sorted: bool,
    strings: Strings,
    numbers: Numbers,
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// `{"a":1,"b":2}`.
    Compact,
    /// `{"a": 1, "b": 2}`.
    Spaced,
    /// On several lines, indented by this.
    Pretty(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Strings {
    /// As they came.
    Kept,
    /// Without unnecessary escapes.
    Raw,
    /// With all non-ASCII characters escaped.
    Ascii,
    /// The same, and with `\/` for `/`: PHP.
    AsciiSlashes,
    /// With `<`, `>` and `&` escaped: Go.
    Html,
}

#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Kept,
    /// `1` for `1.0`.
    JavaScript,
}

impl Style {
    const COMPACT: Self = Self {
        layout: Layout::Compact,
        sorted: false,
        strings: Strings::Kept,
        numbers: Numbers::Kept,
    };

    /// Returns all styles, the most common first.
    fn all() -> impl Iterator<Item = Self> {
        const LAYOUTS: [Layout; 5] = [
            Layout::Compact,
            Layout::Spaced,
            Layout::Pretty("  "),
            Layout::Pretty("    "),
            Layout::Pretty("\t"),
        ];
        const STRINGS: [Strings; 5] =
            [Strings::Kept, Strings::Raw, Strings::Ascii, Strings::AsciiSlashes, Strings::Html];
        [Numbers::Kept, Numbers::JavaScript].into_iter().flat_map(move |numbers| {
            STRINGS.into_iter().flat_map(move |strings| {
                [false, true].into_iter().flat_map(move |sorted| {
                    LAYOUTS.into_iter().map(move |layout| Self { layout, sorted, strings, numbers })
                })
            })
        })
    }

    fn name(self) -> String {
        let layout = match self.layout {
            Layout::Compact => "compact",
            Layout::Spaced => "with a space after each comma and colon, as in Python",
            Layout::Pretty("\t") => "indented by tabs",
            Layout::Pretty("  ") => "indented by 2 spaces",
            Layout::Pretty(_) => "indented by 4 spaces",
        };
        let sorted = if self.sorted { ", with sorted keys" } else { "" };
        let strings = match self.strings {
            Strings::Kept => "",
            Strings::Raw => ", without unnecessary escapes",
            Strings::Ascii => ", with non-ASCII characters escaped",
            Strings::AsciiSlashes => ", with non-ASCII characters and slashes escaped, as in PHP",
            Strings::Html => ", with <, > and & escaped, as in Go",
        };
        let numbers = if self.numbers == Numbers::JavaScript {
            ", with numbers as JavaScript writes them"
        } else {
            ""
        };
        format!("{layout}{sorted}{strings}{numbers}")
    }
}

enum Node<'b> {
    /// A number, `true`, `false`, `null`.
    Word(&'b str),
    /// With its quotes.
    String(&'b str),
    Array(Vec<Self>),
    Object(Vec<(&'b str, Self)>),
}

struct Document<'b>(Node<'b>);

impl<'b> Document<'b> {
    /// Reads a body if it is JSON and not nested too deeply.
    fn parse(body: &'b [u8]) -> Option<Self> {
        if body.len() > LARGEST_TREE {
            return None;
        }
        let text = str::from_utf8(body).ok()?;
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Reader { rest: text }.value(0).map(Self)
    }

    /// Returns the document in this style, unless that is too large to have been signed.
    fn write(&self, style: Style) -> Option<Vec<u8>> {
        let mut out = Bounded(String::new());
        write(&self.0, style, 0, &mut out).ok()?;
        Some(out.0.into_bytes())
    }
}

/// A text that cannot grow larger than a body may be. Indents alone can be hundreds of times as
/// large as what they indent.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LARGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// A reader of text that is known to be JSON. It returns `None` for any other text.
struct Reader<'b> {
    rest: &'b str,
}

impl<'b> Reader<'b> {
    fn next(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest.bytes().next()
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let is_there = self.next() == Some(wanted);
        if is_there {
            self.rest = &self.rest[1..];
        }
        is_there
    }

    fn take(&mut self, length: usize) -> Option<&'b str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn string(&mut self) -> Option<&'b str> {
        let mut bytes = self.rest.bytes().enumerate().skip(1);
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => return self.take(at + 1),
                b'\\' => {
                    bytes.next();
                }
                _ => {}
            }
        }
        None
    }

    /// Reads a value that is nested in `depth` others. The depth is limited because this recurses,
    /// and because `IgnoredAny` accepts any depth.
    fn value(&mut self, depth: usize) -> Option<Node<'b>> {
        if depth > DEEPEST {
            return None;
        }
        match self.next()? {
            b'"' => self.string().map(Node::String),
            b'{' => {
                self.skip(b'{');
                let mut members = Vec::new();
                while !self.skip(b'}') {
                    self.skip(b',');
                    self.next()?;
                    let name = self.string()?;
                    self.skip(b':');
                    members.push((name, self.value(depth + 1)?));
                }
                Some(Node::Object(members))
            }
            b'[' => {
                self.skip(b'[');
                let mut items = Vec::new();
                while !self.skip(b']') {
                    self.skip(b',');
                    items.push(self.value(depth + 1)?);
                }
                Some(Node::Array(items))
            }
            _ => {
                let is_end = |byte: u8| byte.is_ascii_whitespace() || b",:]}".contains(&byte);
                let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
                if end == 0 { None } else { self.take(end).map(Node::Word) }
            }
        }
    }
}

fn write(node: &Node<'_>, style: Style, depth: usize, out: &mut Bounded) -> fmt::Result {
    match node {
        Node::Word(word) => out.write_str(&number(word, style.numbers)),
        Node::String(text) => out.write_str(&string(text, style.strings)),
        Node::Array(items) => enclosed('[', ']', items, style, depth, out, |item, out| {
            write(item, style, depth + 1, out)
        }),
        Node::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if style.sorted {
                members.sort_by_cached_key(|(name, _)| decoded(name));
            }
            enclosed('{', '}', &members, style, depth, out, |(name, value), out| {
                out.write_str(&string(name, style.strings))?;
                out.write_str(if style.layout == Layout::Compact { ":" } else { ": " })?;
                write(value, style, depth + 1, out)
            })
        }
    }
}

fn enclosed<T>(
    open: char,
    close: char,
    items: &[T],
    style: Style,
    depth: usize,
    out: &mut Bounded,
    write_item: impl Fn(&T, &mut Bounded) -> fmt::Result,
) -> fmt::Result {
    let line = |depth: usize, out: &mut Bounded| match style.layout {
        Layout::Pretty(indent) => {
            out.write_char('\n')?;
            (0..depth).try_for_each(|_| out.write_str(indent))
        }
        Layout::Compact | Layout::Spaced => Ok(()),
    };
    out.write_char(open)?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_str(if style.layout == Layout::Spaced { ", " } else { "," })?;
        }
        line(depth + 1, out)?;
        write_item(item, out)?;
    }
    if !items.is_empty() {
        line(depth, out)?;
    }
    out.write_char(close)
}

fn decoded(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

fn string(text: &str, strings: Strings) -> Cow<'_, str> {
    if strings == Strings::Kept {
        return text.into();
    }
    // A lone surrogate has no other spelling.
    let Ok(decoded) = serde_json::from_str::<String>(text) else { return text.into() };
    let raw = serde_json::to_string(&decoded).unwrap_or_default();
    let is_escaped = |character: char| match strings {
        Strings::Kept | Strings::Raw => false,
        Strings::Ascii => !character.is_ascii(),
        Strings::AsciiSlashes => !character.is_ascii() || character == '/',
        Strings::Html => matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'),
    };
    if !raw.contains(is_escaped) {
        return raw.into();
    }
    let mut out = String::with_capacity(raw.len() + 16);
    for character in raw.chars() {
        match character {
            '/' if is_escaped('/') => out.push_str("\\/"),
            _ if is_escaped(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing into a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(character),
        }
    }
    out.into()
}

/// Returns a number as JavaScript writes it. JavaScript reads all numbers as doubles, and its
/// `Number::toString` writes the fewest digits that read back as the same double.
fn number(word: &str, numbers: Numbers) -> Cow<'_, str> {
    let value = match word.parse::<f64>() {
        Ok(value) if numbers == Numbers::JavaScript => value,
        Ok(_) | Err(_) => return word.into(),
    };
    if !value.is_finite() {
        return "null".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs();
    let sign = if value < 0.0 { "-" } else { "" };
    if (1e-6..1e21).contains(&magnitude) {
        return format!("{sign}{magnitude}").into();
    }
    let scientific = format!("{sign}{magnitude:e}");
    if magnitude < 1.0 { scientific.into() } else { scientific.replace('e', "e+").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize, inside: &str) -> String {
        format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_body_nested_too_deeply_is_not_read() {
        assert!(Document::parse(nested(127, "1").as_bytes()).is_some());
        assert!(Document::parse(nested(128, "1").as_bytes()).is_none());
        assert_eq!(changes(nested(400_000, "").as_bytes()).count(), 0);
    }

    #[test]
    fn a_rewritten_body_is_never_larger_than_a_body_may_be() {
        let body = nested(120, &vec!["1"; 500_000].join(","));
        let document = Document::parse(body.as_bytes()).expect("JSON");
        let style = |layout| Style { layout, ..Style::COMPACT };
        assert_eq!(document.write(style(Layout::Compact)), Some(body.clone().into_bytes()));
        assert!(document.write(style(Layout::Pretty("    "))).is_none());
        assert!(changes(body.as_bytes()).all(|change| change.value.len() <= LARGEST));
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (word, expected) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("-1.50", "-1.5"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("-0.00000012", "-1.2e-7"),
            ("9007199254740993", "9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("123456789012345678901234", "1.2345678901234569e+23"),
            ("1e999", "null"),
            ("true", "true"),
        ] {
            assert_eq!(number(word, Numbers::JavaScript), expected, "{word}");
            assert_eq!(number(word, Numbers::Kept), word);
        }
    }
}
