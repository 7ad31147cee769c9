//! One pass over a text by the grammar of RFC 8259: no recursion, no heap, no tree.
//!
//! The [`Visitor`] sees every token and every gap between two tokens, in the order of the text, and nothing of the
//! grammar. A gap runs from the end of one token to the start of the next: a comma or colon with the white space
//! around it, or white space alone.

use super::text::{escape, is_below_space, is_beyond_ascii, is_byte, word};

/// How many brackets may be open at once, the outermost included: 128 are read, 129 refused.
///
/// RFC 8259, section 9, lets a parser set such a limit. Python's own lies near 995.
pub const MAX_DEPTH: usize = 128;

/// What a pass over a text tells, in the order of the text.
pub(super) trait Visitor {
    /// Why the visitor stops the pass, or the lexer does.
    type Refusal: From<Fault>;

    /// Between two tokens, or at either end of the document, stands `text[from..to]`.
    fn gap(&mut self, _from: usize, _to: usize, _gap: Gap) {}

    /// A string: a value, or the name of a member.
    fn string(&mut self, _string: StringSpan) -> Result<(), Self::Refusal> {
        Ok(())
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
    /// Whether every byte is below 0x7f.
    pub(super) plain_ascii: bool,
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
    let mut lexer = Lexer { text: text.as_bytes(), visitor, depth: 0, objects: 0 };
    let mut at = lexer.space(0);
    lexer.visitor.gap(0, at, Gap::Space);
    loop {
        let next = match lexer.value(at)? {
            Next::Value(value) => Next::Value(value),
            Next::End(end) => lexer.after_value(end)?,
        };
        match next {
            Next::Value(value) => at = value,
            Next::End(end) if end == lexer.text.len() => return Ok(()),
            Next::End(_) => return Err(Fault::NotJson.into()),
        }
    }
}

struct Lexer<'a, V> {
    text: &'a [u8],
    visitor: &'a mut V,
    depth: usize,
    /// One bit for each open bracket, the innermost lowest: set for an object, clear for an array.
    objects: u128,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize, "each open bracket needs its bit");

/// Where the lexer is after a token.
enum Next {
    /// A value must start here.
    Value(usize),
    /// A value, or the whole document, ended before here.
    End(usize),
}

impl<V: Visitor> Lexer<'_, V> {
    /// Reads a scalar or an empty container whole; of another container the opening bracket, up to its first value.
    #[inline]
    fn value(&mut self, at: usize) -> Result<Next, V::Refusal> {
        match self.byte(at) {
            b'"' => {
                let string = self.string(at)?;
                self.visitor.string(string)?;
                Ok(Next::End(string.end))
            }
            b'{' => self.open_object(at),
            b'[' => self.open_array(at),
            b'-' | b'0'..=b'9' => {
                let number = self.number(at)?;
                self.visitor.number(number)?;
                Ok(Next::End(number.end))
            }
            _ => Ok(Next::End(self.literal(at)?)),
        }
    }

    /// From the end of a value to the start of the next one, over all brackets that close between the two; or to the
    /// end of the document.
    #[inline]
    fn after_value(&mut self, mut end: usize) -> Result<Next, V::Refusal> {
        loop {
            self.visitor.value_end(end, self.depth);
            let next = self.space(end);
            if self.depth == 0 {
                self.visitor.gap(end, next, Gap::Space);
                return Ok(Next::End(next));
            }
            let in_object = self.objects & 1 == 1;
            match self.byte(next) {
                b',' => {
                    let after = self.space(next + 1);
                    self.visitor.gap(end, after, Gap::Comma);
                    return if in_object { self.member(after) } else { Ok(Next::Value(after)) };
                }
                b'}' if in_object => self.visitor.object_end()?,
                b']' if !in_object => {}
                _ => return Err(Fault::NotJson.into()),
            }
            self.visitor.gap(end, next, Gap::Space);
            self.close();
            end = next + 1;
        }
    }

    fn open_object(&mut self, at: usize) -> Result<Next, V::Refusal> {
        self.open(1)?;
        self.visitor.object_start();
        let inner = self.space(at + 1);
        self.visitor.gap(at + 1, inner, Gap::Space);
        if self.byte(inner) == b'}' {
            self.visitor.object_end()?;
            self.close();
            return Ok(Next::End(inner + 1));
        }
        self.member(inner)
    }

    fn open_array(&mut self, at: usize) -> Result<Next, V::Refusal> {
        self.open(0)?;
        let inner = self.space(at + 1);
        self.visitor.gap(at + 1, inner, Gap::Space);
        if self.byte(inner) == b']' {
            self.close();
            return Ok(Next::End(inner + 1));
        }
        Ok(Next::Value(inner))
    }

    fn open(&mut self, object: u128) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | object;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    /// Reads a name and its colon, up to the value.
    #[inline]
    fn member(&mut self, at: usize) -> Result<Next, V::Refusal> {
        if self.byte(at) != b'"' {
            return Err(Fault::NotJson.into());
        }
        let name = self.string(at)?;
        self.visitor.string(name)?;
        let colon = self.space(name.end);
        if self.byte(colon) != b':' {
            return Err(Fault::NotJson.into());
        }
        let value = self.space(colon + 1);
        self.visitor.gap(name.end, value, Gap::Colon);
        self.visitor.member(name, value, self.depth)?;
        Ok(Next::Value(value))
    }

    /// Reads the string whose first quote stands at `start`. RFC 8259, section 7.
    #[inline]
    fn string(&self, start: usize) -> Result<StringSpan, Fault> {
        let mut at = start + 1;
        let mut escaped = false;
        let mut beyond_ascii = 0;
        loop {
            let word = word(self.text, at);
            let beyond = is_beyond_ascii(word);
            let stops = is_byte(word, b'"') | is_byte(word, b'\\') | is_below_space(word);
            if stops == 0 {
                beyond_ascii |= beyond;
                at += 8;
                continue;
            }
            let first_stop = stops & stops.wrapping_neg();
            beyond_ascii |= beyond & (first_stop - 1);
            at += stops.trailing_zeros() as usize / 8;
            match self.byte(at) {
                b'"' => {
                    let plain_ascii = beyond_ascii == 0;
                    return Ok(StringSpan { start, end: at + 1, escaped, plain_ascii });
                }
                b'\\' => {
                    let (_, length) = escape(self.text, at).ok_or(Fault::NotJson)?;
                    escaped = true;
                    at += length;
                }
                // A control character, or the end of the text.
                _ => return Err(Fault::NotJson),
            }
        }
    }

    /// RFC 8259, section 6.
    #[inline]
    fn number(&self, start: usize) -> Result<NumberSpan, Fault> {
        let mut at = start;
        if self.byte(at) == b'-' {
            at += 1;
        }
        let integer_end = match self.byte(at) {
            b'0' => at + 1,
            b'1'..=b'9' => self.digits(at),
            b'I' if self.text[at..].starts_with(b"Infinity") => return Err(Fault::NotFinite),
            _ => return Err(Fault::NotJson),
        };
        let fraction_end =
            if self.byte(integer_end) == b'.' { self.some_digits(integer_end + 1)? } else { integer_end };
        let end = match (self.byte(fraction_end), self.byte(fraction_end + 1)) {
            (b'e' | b'E', b'+' | b'-') => self.some_digits(fraction_end + 2)?,
            (b'e' | b'E', _) => self.some_digits(fraction_end + 1)?,
            _ => fraction_end,
        };
        Ok(NumberSpan { start, integer_end, fraction_end, end })
    }

    fn some_digits(&self, at: usize) -> Result<usize, Fault> {
        let end = self.digits(at);
        if end == at { Err(Fault::NotJson) } else { Ok(end) }
    }

    #[inline]
    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    /// Reads `true`, `false` or `null`, and names what only Python reads. RFC 8259, section 3.
    fn literal(&self, at: usize) -> Result<usize, Fault> {
        let rest = self.text.get(at..).unwrap_or_default();
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

    /// The first position from `at` on that has no white space. RFC 8259, section 2.
    #[inline]
    fn space(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\n' | b'\t' | b'\r') {
            at += 1;
            // Indented documents: eight blanks at once.
            while word(self.text, at) == u64::from_le_bytes([b' '; 8]) {
                at += 8;
            }
        }
        at
    }

    /// The byte at `at`; after the end a NUL, which no token may start with or go on with.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }
}
