//! Reads a text by the grammar of RFC 8259 in one pass: no recursion, no heap, no tree.
//!
//! A [`Visitor`] is called for the tokens and the gaps between them, in the order of the text. A
//! gap is what separates two tokens: a comma or a colon with the white space around it, or white
//! space alone.

use super::text::{beyond_ascii, escape, leading_blanks, padded, string_stops};

/// How many brackets may be open at once, including the outermost: 128 are accepted, 129 refused.
///
/// RFC 8259, section 9, allows such a limit. Python's own is about 995.
pub const MAX_DEPTH: usize = 128;

/// Receives the parts of a text, in the order of the text.
pub(super) trait Visitor {
    /// Why a text is refused, by the visitor or by the lexer.
    type Refusal: From<Fault>;

    /// Whether [`Visitor::beyond_ascii`] is called for characters outside of printable ASCII.
    const HEARS_BEYOND_ASCII: bool = false;

    /// `text[from..to]` separates two tokens, or is white space at the start or the end of the
    /// document.
    fn gap(&mut self, _from: usize, _to: usize, _gap: Gap) {}

    /// A string has a backslash at `at`. Returns where the string continues after the escape.
    fn escape(&mut self, text: &[u8], at: usize) -> Result<usize, Self::Refusal> {
        let (_, length) = escape(text, at).ok_or(Fault::NotJson)?;
        Ok(at + length)
    }

    /// A string has a character outside of printable ASCII at `at`. Returns where the string
    /// continues after it, or after a run of such characters.
    fn beyond_ascii(&mut self, at: usize) -> usize {
        at + 1
    }

    fn number(&mut self, _number: NumberSpan) -> Result<(), Self::Refusal> {
        Ok(())
    }

    /// A member's name starts at `start`.
    fn name_start(&mut self, _start: usize) {}

    /// A member's name and colon have been read, and its value starts at `value`. `depth` brackets
    /// are open.
    fn member(
        &mut self,
        _name: StringSpan,
        _value: usize,
        _depth: usize,
    ) -> Result<(), Self::Refusal> {
        Ok(())
    }

    /// A value ends at `end`, within `depth` open brackets.
    fn value_end(&mut self, _end: usize, _depth: usize) {}

    fn object_start(&mut self) {}

    /// An object is closed; its last token ends at `end`, before the bracket.
    fn object_end(&mut self, _end: usize) -> Result<(), Self::Refusal> {
        Ok(())
    }
}

/// Why the lexer rejects a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    NotJson,
    /// `NaN`, `Infinity` or `-Infinity`, which Python accepts and RFC 8259 does not.
    NotFinite,
    TooDeep,
}

/// What separates two tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gap {
    /// White space, or nothing.
    Space,
    Comma,
    Colon,
}

/// Where a string is, including its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringSpan {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) has_escapes: bool,
}

/// Where a number is. Without a fraction, `fraction_end` equals `integer_end`; without an exponent,
/// `end` equals `fraction_end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberSpan {
    pub(super) start: usize,
    pub(super) integer_end: usize,
    pub(super) fraction_end: usize,
    pub(super) end: usize,
}

/// Reads a whole document.
pub(super) fn walk<V: Visitor>(text: &str, visitor: &mut V) -> Result<(), V::Refusal> {
    let text = text.as_bytes();
    let mut open = Brackets::default();
    let (mut at, mut first) = space(text, 0);
    visitor.gap(0, at, Gap::Space);
    loop {
        // A value starts at `at` or, in an object, a name and then its value.
        if open.innermost_is_object() {
            if first != b'"' {
                return Err(Fault::NotJson.into());
            }
            (at, first) = member(text, at, visitor, open.depth)?;
        }
        let mut end = match first {
            b'"' => string(text, at, visitor, &mut false)?,
            b'-' | b'0'..=b'9' => number(text, at, visitor)?,
            bracket @ (b'{' | b'[') => {
                open.push(bracket == b'{')?;
                if bracket == b'{' {
                    visitor.object_start();
                }
                let inner;
                (inner, first) = space(text, at + 1);
                visitor.gap(at + 1, inner, Gap::Space);
                // In ASCII, the code of a closing bracket is that of the opening one plus two.
                if first != bracket + 2 {
                    at = inner;
                    continue;
                }
                if bracket == b'{' {
                    visitor.object_end(inner)?;
                }
                open.pop();
                inner + 1
            }
            _ => literal(text, at)?,
        };
        // Moves from the end of the value to the start of the next one, past all brackets that
        // close in between.
        (at, first) = loop {
            visitor.value_end(end, open.depth);
            let (next, found) = space(text, end);
            if open.depth == 0 {
                visitor.gap(end, next, Gap::Space);
                return if next == text.len() { Ok(()) } else { Err(Fault::NotJson.into()) };
            }
            match found {
                b',' => {
                    let (after, first) = space(text, next + 1);
                    visitor.gap(end, after, Gap::Comma);
                    break (after, first);
                }
                b'}' if open.innermost_is_object() => visitor.object_end(end)?,
                b']' if !open.innermost_is_object() => {}
                _ => return Err(Fault::NotJson.into()),
            }
            visitor.gap(end, next, Gap::Space);
            open.pop();
            end = next + 1;
        };
    }
}

/// The open brackets.
#[derive(Default)]
struct Brackets {
    depth: usize,
    /// One bit for each, the innermost lowest: 1 for an object, 0 for an array.
    objects: u128,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize, "each open bracket needs a bit");

impl Brackets {
    #[inline]
    fn push(&mut self, object: bool) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        Ok(())
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    #[inline]
    fn innermost_is_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// Reads the name at `at` and its colon. Returns where the value starts, and its first byte.
#[inline]
fn member<V: Visitor>(
    text: &[u8],
    at: usize,
    visitor: &mut V,
    depth: usize,
) -> Result<(usize, u8), V::Refusal> {
    let mut has_escapes = false;
    visitor.name_start(at);
    let end = string(text, at, visitor, &mut has_escapes)?;
    let name = StringSpan { start: at, end, has_escapes };
    let (colon, found) = space(text, name.end);
    if found != b':' {
        return Err(Fault::NotJson.into());
    }
    let (value, first) = space(text, colon + 1);
    visitor.gap(name.end, value, Gap::Colon);
    visitor.member(name, value, depth)?;
    Ok((value, first))
}

/// Reads the string whose first quote is at `start`. Returns where it ends, and sets `has_escapes`
/// if the string has any. RFC 8259, section 7. (`has_escapes` is an argument, because a larger
/// result would be returned through memory.)
#[inline]
fn string<V: Visitor>(
    text: &[u8],
    start: usize,
    visitor: &mut V,
    has_escapes: &mut bool,
) -> Result<usize, V::Refusal> {
    let stop = next_stop::<V>(text, start + 1);
    if byte(text, stop) == b'"' {
        Ok(stop + 1)
    } else {
        string_from_stop(text, stop, visitor, has_escapes)
    }
}

/// Continues [`string`] at the first stop that is not the closing quote.
#[inline(never)]
fn string_from_stop<V: Visitor>(
    text: &[u8],
    mut stop: usize,
    visitor: &mut V,
    has_escapes: &mut bool,
) -> Result<usize, V::Refusal> {
    loop {
        let at = match byte(text, stop) {
            b'"' => return Ok(stop + 1),
            b'\\' => {
                *has_escapes = true;
                visitor.escape(text, stop)?
            }
            // A control character, or the end of the text.
            ..b' ' => return Err(Fault::NotJson.into()),
            _ => visitor.beyond_ascii(stop),
        };
        stop = next_stop::<V>(text, at);
    }
}

/// Returns the first position in a string, from `at` on, that is not plain text: a quote, a
/// backslash, a control character, or a character that the visitor wants; or the end of the text.
#[inline]
fn next_stop<V: Visitor>(text: &[u8], at: usize) -> usize {
    let stops = |word: [u8; 8]| {
        let word = u64::from_le_bytes(word);
        string_stops(word) | if V::HEARS_BEYOND_ASCII { beyond_ascii(word) } else { 0 }
    };
    let mut rest = text.get(at..).unwrap_or_default();
    let last = loop {
        let Some((word, after)) = rest.split_first_chunk() else { break padded(rest) };
        if stops(*word) != 0 {
            break *word;
        }
        rest = after;
    };
    // The padding counts as a control character.
    text.len() - rest.len() + stops(last).trailing_zeros() as usize / 8
}

/// Reads a number. RFC 8259, section 6.
#[inline]
fn number<V: Visitor>(text: &[u8], start: usize, visitor: &mut V) -> Result<usize, V::Refusal> {
    let mut at = start;
    if byte(text, at) == b'-' {
        at += 1;
    }
    let integer_end = match byte(text, at) {
        b'0' => at + 1,
        b'1'..=b'9' => digits(text, at),
        b'I' if text[at..].starts_with(b"Infinity") => return Err(Fault::NotFinite.into()),
        _ => return Err(Fault::NotJson.into()),
    };
    let fraction_end = if byte(text, integer_end) == b'.' {
        some_digits(text, integer_end + 1)?
    } else {
        integer_end
    };
    let end = match (byte(text, fraction_end), byte(text, fraction_end + 1)) {
        (b'e' | b'E', b'+' | b'-') => some_digits(text, fraction_end + 2)?,
        (b'e' | b'E', _) => some_digits(text, fraction_end + 1)?,
        _ => fraction_end,
    };
    visitor.number(NumberSpan { start, integer_end, fraction_end, end })?;
    Ok(end)
}

fn some_digits(text: &[u8], at: usize) -> Result<usize, Fault> {
    let end = digits(text, at);
    if end == at { Err(Fault::NotJson) } else { Ok(end) }
}

#[inline]
fn digits(text: &[u8], mut at: usize) -> usize {
    while byte(text, at).is_ascii_digit() {
        at += 1;
    }
    at
}

/// Reads `true`, `false` or `null`. RFC 8259, section 3.
#[inline]
fn literal(text: &[u8], at: usize) -> Result<usize, Fault> {
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with(b"true") || rest.starts_with(b"null") {
        Ok(at + 4)
    } else if rest.starts_with(b"false") {
        Ok(at + 5)
    } else if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") {
        Err(Fault::NotFinite)
    } else {
        Err(Fault::NotJson)
    }
}

/// Returns the first position from `at` on that is not white space, and the byte there. RFC 8259,
/// section 2.
#[inline]
fn space(text: &[u8], at: usize) -> (usize, u8) {
    // Usually there is no white space, or one blank.
    let first = byte(text, at);
    if first > b' ' {
        return (at, first);
    }
    let second = byte(text, at + 1);
    if first == b' ' && second > b' ' { (at + 1, second) } else { long_space(text, at) }
}

#[inline]
fn long_space(text: &[u8], mut at: usize) -> (usize, u8) {
    loop {
        match byte(text, at) {
            b' ' | b'\n' | b'\t' | b'\r' => at += 1,
            found => return (at, found),
        }
        // An indented document has long runs of blanks: skip up to sixteen at once.
        if let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
            at += leading_blanks(u128::from_le_bytes(*word));
        }
    }
}

/// Returns the byte at `at`, or a NUL past the end: no token may contain one.
#[inline]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}
