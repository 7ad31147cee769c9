//! A JSON body as other programs write it: parsed, and written again.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use webhook_verify::json::{PythonForm, python_form};

use super::{Change, RAW};
use crate::cause::Cause;

/// Larger bodies are written again by Python's rules alone: a tree takes many times their size.
const LARGEST_TREE: usize = 1 << 20;

/// Returns the body in the spellings of common programs, the most common first.
pub(super) fn changes(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    let python =
        [(PythonForm::Default, "Python's `json.dumps`"), (PythonForm::Compact, "Python's compact `json.dumps`")];
    let python = python.into_iter().filter_map(move |(form, name)| Some(named(python_form(body, form).ok()?, name)));
    let document = Document::parse(body);
    let compact = document.as_ref().map(|document| named(document.write(Style::COMPACT), &Style::COMPACT.name()));
    let others = document
        .into_iter()
        .flat_map(|document| Style::all().map(move |style| named(document.write(style), &style.name())));
    compact.into_iter().chain(python).chain(others)
}

fn named(value: Vec<u8>, spelling: &str) -> Change<Vec<u8>> {
    let detail = format!("The body was parsed and written again: it verifies in the spelling {spelling}.");
    Change::new(Cause::BodyReserialized, value, detail, RAW)
}

/// How a program writes JSON.
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
    /// In lines that are indented by this.
    Pretty(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Strings {
    /// As they came.
    Kept,
    /// Without escapes that are not needed.
    Raw,
    /// With all but ASCII escaped.
    Ascii,
    /// The same, and with `\/`: PHP.
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
    const COMPACT: Self =
        Self { layout: Layout::Compact, sorted: false, strings: Strings::Kept, numbers: Numbers::Kept };

    /// Returns all styles, the most common first.
    fn all() -> impl Iterator<Item = Self> {
        const LAYOUTS: [Layout; 5] =
            [Layout::Compact, Layout::Spaced, Layout::Pretty("  "), Layout::Pretty("    "), Layout::Pretty("\t")];
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
            Layout::Spaced => "with a space after each comma and colon, as Python's",
            Layout::Pretty("\t") => "pretty, indented by tabs",
            Layout::Pretty("  ") => "pretty, indented by 2 spaces",
            Layout::Pretty(_) => "pretty, indented by 4 spaces",
        };
        let sorted = if self.sorted { ", with sorted names" } else { "" };
        let strings = match self.strings {
            Strings::Kept => "",
            Strings::Raw => ", with characters as they are",
            Strings::Ascii => ", with all but ASCII escaped",
            Strings::AsciiSlashes => ", with all but ASCII and `/` escaped, as PHP's",
            Strings::Html => ", with `<`, `>` and `&` escaped, as Go's",
        };
        let numbers = if self.numbers == Numbers::JavaScript { ", with JavaScript's numbers" } else { "" };
        format!("`{layout}{sorted}{strings}{numbers}`")
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
    /// Reads a body that is JSON. Its nesting is bounded by serde_json's own limit.
    fn parse(body: &'b [u8]) -> Option<Self> {
        if body.len() > LARGEST_TREE {
            return None;
        }
        let text = str::from_utf8(body).ok()?;
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Reader { rest: text }.value().map(Self)
    }

    fn write(&self, style: Style) -> Vec<u8> {
        let mut out = String::new();
        write(&self.0, style, 0, &mut out);
        out.into_bytes()
    }
}

/// Reads a text that is known to be JSON. On any other it stops with `None`.
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

    fn value(&mut self) -> Option<Node<'b>> {
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
                    members.push((name, self.value()?));
                }
                Some(Node::Object(members))
            }
            b'[' => {
                self.skip(b'[');
                let mut items = Vec::new();
                while !self.skip(b']') {
                    self.skip(b',');
                    items.push(self.value()?);
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

fn write(node: &Node<'_>, style: Style, depth: usize, out: &mut String) {
    match node {
        Node::Word(word) => out.push_str(&number(word, style.numbers)),
        Node::String(text) => out.push_str(&string(text, style.strings)),
        Node::Array(items) => {
            enclosed('[', ']', items, style, depth, out, |item, out| write(item, style, depth + 1, out))
        }
        Node::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if style.sorted {
                members.sort_by(|(one, _), (other, _)| decoded(one).cmp(&decoded(other)));
            }
            enclosed('{', '}', &members, style, depth, out, |(name, value), out| {
                out.push_str(&string(name, style.strings));
                out.push_str(if style.layout == Layout::Compact { ":" } else { ": " });
                write(value, style, depth + 1, out);
            });
        }
    }
}

fn enclosed<T>(
    open: char,
    close: char,
    items: &[T],
    style: Style,
    depth: usize,
    out: &mut String,
    write_item: impl Fn(&T, &mut String),
) {
    let line = |depth: usize, out: &mut String| {
        if let Layout::Pretty(indent) = style.layout {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str(indent));
        }
    };
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(if style.layout == Layout::Spaced { ", " } else { "," });
        }
        line(depth + 1, out);
        write_item(item, out);
    }
    if !items.is_empty() {
        line(depth, out);
    }
    out.push(close);
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
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(character),
        }
    }
    out.into()
}

/// JavaScript writes a whole number without a fraction, and the shortest digits of others.
fn number(word: &str, numbers: Numbers) -> Cow<'_, str> {
    let is_float = word.contains(['.', 'e', 'E']);
    match word.parse::<f64>() {
        Ok(value) if numbers == Numbers::JavaScript && is_float && value.abs() < 1e21 => {
            if value == 0.0 {
                "0".into()
            } else {
                value.to_string().into()
            }
        }
        Ok(_) | Err(_) => word.into(),
    }
}
