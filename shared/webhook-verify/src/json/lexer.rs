//! One pass over a text by the grammar of RFC 8259: no recursion, no heap, no tree.
//!
//! The [`Visitor`] sees every token and every gap between two tokens, in the order of the text, and nothing of the
//! grammar. A gap runs from the end of one token to the start of the next: a comma or colon with the white space
//! around it, or white space alone.

use super::text::{beyond_ascii, escape, leading_blanks, padded, string_stops};

/// How many brackets may be open at once, the outermost included: 128 are read, 129 refused.
///
/// RFC 8259, section 9, lets a parser set such a limit. Python's own lies near 995.
pub const MAX_DEPTH: usize = 128;

/// What a pass over a text tells, in the order of the text.
pub(super) trait Visitor {
    /// Why the visitor stops the pass, or the lexer does.
    type Refusal: From<Fault>;

    /// Whether [`Visitor::beyond_ascii`] wants to hear of each character outside of ASCII's printable ones.
    const HEARS_BEYOND_ASCII: bool = false;

    /// Between two tokens, or at either end of the document, stands `text[from..to]`.
    fn gap(&mut self, _from: usize, _to: usize, _gap: Gap) {}

    /// In a string, a backslash stands at `at`. Gives where the string goes on after what it starts.
    fn escape(&mut self, text: &[u8], at: usize) -> Result<usize, Self::Refusal> {
        let (_, length) = escape(text, at).ok_or(Fault::NotJson)?;
        Ok(at + length)
    }

    /// In a string, a character beyond printable ASCII starts at `at`. Gives where the string goes on after it and those
    /// of its kind that follow it.
    fn beyond_ascii(&mut self, at: usize) -> usize {
        at + 1
    }

    fn number(&mut self, _number: NumberSpan) -> Result<(), Self::Refusal> {
        Ok(())
    }

    /// A member's name and colon have been read, and its value starts at `value`. `depth` brackets are open.
    fn member(&mut self, _name: StringSpan, _value: usize, _depth: usize) -> Result<(), Self::Refusal> {
        Ok(())
    }

    /// A value ended before `end`. `depth` brackets are open round it.
    fn value_end(&mut self, _end: usize, _depth: usize) {}

    fn object_start(&mut self) {}

    fn object_end(&mut self) -> Result<(), Self::Refusal> {
        Ok(())
    }
}

/// Why a text is none that this lexer reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    NotJson,
    /// `NaN`, `Infinity` or `-Infinity`: Python reads and writes these tokens, RFC 8259 has none of them.
    NotFinite,
    TooDeep,
}

/// What a gap means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gap {
    /// Nothing but white space stands there.
    Space,
    Comma,
    Colon,
}

/// Where a string stands, quotes included.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringSpan {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it has a backslash.
    pub(super) escaped: bool,
}

/// Where a number stands. Where it has no fraction, or no exponent, the two ends round that are equal.
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
        // A value starts at `at`; in an object its name, after which the value starts.
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
                // In ASCII, each bracket's counterpart is the next character but one.
                if first != bracket + 2 {
                    at = inner;
                    continue;
                }
                if bracket == b'{' {
                    visitor.object_end()?;
                }
                open.pop();
                inner + 1
            }
            _ => literal(text, at)?,
        };
        // From the end of the value to the start of the next one, over all brackets that close between the two.
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
                b'}' if open.innermost_is_object() => visitor.object_end()?,
                b']' if !open.innermost_is_object() => {}
                _ => return Err(Fault::NotJson.into()),
            }
            visitor.gap(end, next, Gap::Space);
            open.pop();
            end = next + 1;
        };
    }
}

/// The brackets that are open.
#[derive(Default)]
struct Brackets {
    depth: usize,
    /// One bit for each, the innermost lowest: set for an object, clear for an array.
    objects: u128,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize, "each open bracket needs its bit");

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

/// Reads the name at `at` and its colon; gives where the value starts, and its first byte.
#[inline]
fn member<V: Visitor>(text: &[u8], at: usize, visitor: &mut V, depth: usize) -> Result<(usize, u8), V::Refusal> {
    let mut escaped = false;
    let end = string(text, at, visitor, &mut escaped)?;
    let name = StringSpan { start: at, end, escaped };
    let (colon, found) = space(text, name.end);
    if found != b':' {
        return Err(Fault::NotJson.into());
    }
    let (value, first) = space(text, colon + 1);
    visitor.gap(name.end, value, Gap::Colon);
    visitor.member(name, value, depth)?;
    Ok((value, first))
}

/// Reads the string whose first quote stands at `start`; gives where it ends, and sets `escaped` where it has a backslash.
/// RFC 8259, section 7. (An argument, because a result of more than two words would go through memory.)
#[inline]
fn string<V: Visitor>(text: &[u8], start: usize, visitor: &mut V, escaped: &mut bool) -> Result<usize, V::Refusal> {
    let stop = next_stop::<V>(text, start + 1);
    if byte(text, stop) == b'"' { Ok(stop + 1) } else { string_from_stop(text, stop, visitor, escaped) }
}

/// Reads on from the first stop that is no quote.
#[inline(never)]
fn string_from_stop<V: Visitor>(
    text: &[u8],
    mut stop: usize,
    visitor: &mut V,
    escaped: &mut bool,
) -> Result<usize, V::Refusal> {
    loop {
        let at = match byte(text, stop) {
            b'"' => return Ok(stop + 1),
            b'\\' => {
                *escaped = true;
                visitor.escape(text, stop)?
            }
            // A control character, or the end of the text.
            ..b' ' => return Err(Fault::NotJson.into()),
            _ => visitor.beyond_ascii(stop),
        };
        stop = next_stop::<V>(text, at);
    }
}

/// The first position from `at` on, within a string, whose byte needs a look; or the end of the text.
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
    // The padding is a stop, too.
    text.len() - rest.len() + stops(last).trailing_zeros() as usize / 8
}

/// RFC 8259, section 6.
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
    let fraction_end = if byte(text, integer_end) == b'.' { some_digits(text, integer_end + 1)? } else { integer_end };
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

/// Reads `true`, `false` or `null`, and names what only Python reads. RFC 8259, section 3.
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

/// The first position from `at` on that has no white space, and the byte there. RFC 8259, section 2.
#[inline]
fn space(text: &[u8], at: usize) -> (usize, u8) {
    // Mostly there is none, or one blank.
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
        // Indented documents: up to sixteen blanks at once.
        if let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
            at += leading_blanks(u128::from_le_bytes(*word));
        }
    }
}

/// The byte at `at`; after the end a NUL, which no token may start with or go on with.
#[inline]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}
