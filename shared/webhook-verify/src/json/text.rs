//! What strings mean: escapes, surrogates, and eight bytes at a time.
//!
//! Everything here takes strings that the lexer has passed, and still panics on none.

use std::cmp::Ordering;

use super::lexer::StringSpan;

/// The code points of a string, escapes decoded, in the order that UTF-8 bytes sort in.
///
/// Two escapes that make a surrogate pair are one code point, as in Python (`_json.c`, `scanstring_unicode`); a
/// surrogate that stays alone is given as it is.
#[derive(Clone)]
pub(super) struct CodePoints<'a> {
    rest: &'a str,
}

impl<'a> CodePoints<'a> {
    /// `inner` is the string between its quotes.
    pub(super) fn new(inner: &'a str) -> Self {
        Self { rest: inner }
    }

    /// The next code point and the length of its spelling.
    fn spelled(&self) -> Option<(u32, usize)> {
        let first = self.rest.chars().next()?;
        if first == '\\' { code_point(self.rest.as_bytes(), 0) } else { Some((u32::from(first), first.len_utf8())) }
    }
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (code_point, length) = self.spelled()?;
        self.rest = self.rest.get(length..)?;
        Some(code_point)
    }
}

/// How two strings sort by their code points; both are given as they stand, with their quotes or both without.
///
/// Where neither has an escape, bytes sort as code points do, so escapes alone are decoded.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a_at, mut b_at) = (0, 0);
    loop {
        match (a.as_bytes().get(a_at), b.as_bytes().get(b_at)) {
            (Some(b'\\'), Some(_)) | (Some(_), Some(b'\\')) => {
                // Up to here both are equal, so both are at the start of a code point.
                let (mut a_rest, mut b_rest) = (CodePoints::new(&a[a_at..]), CodePoints::new(&b[b_at..]));
                let order = a_rest.next().cmp(&b_rest.next());
                if order.is_ne() {
                    return order;
                }
                (a_at, b_at) = (a.len() - a_rest.rest.len(), b.len() - b_rest.rest.len());
            }
            (Some(a), Some(b)) if a == b => (a_at, b_at) = (a_at + 1, b_at + 1),
            (a, b) => return a.cmp(&b),
        }
    }
}

/// Whether the string says `name` once its escapes are decoded.
#[inline]
pub(super) fn says(text: &str, string: StringSpan, name: &str) -> bool {
    let inner = &text[string.start + 1..string.end - 1];
    if string.escaped { CodePoints::new(inner).eq(name.chars().map(u32::from)) } else { inner == name }
}

/// The code point of the escape, or of the pair of escapes, at `at`, and the length of its spelling.
pub(super) fn code_point(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let (high, length) = escape(text, at)?;
    if let 0xd800..=0xdbff = high
        && let Some((low @ 0xdc00..=0xdfff, low_length)) = escape(text, at + length)
    {
        let code_point = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
        return Some((code_point, length + low_length));
    }
    Some((u32::from(high), length))
}

/// The UTF-16 code unit of the escape whose backslash stands at `at`, and the length of its spelling. `None` where
/// there is no escape by RFC 8259, section 7.
#[inline]
pub(super) fn escape(text: &[u8], at: usize) -> Option<(u16, usize)> {
    let unit = match *text.get(at..)?.first_chunk()? {
        [b'\\', b'u'] => return Some((hex4(*text.get(at + 2..)?.first_chunk()?)?, 6)),
        [b'\\', byte @ (b'"' | b'\\' | b'/')] => byte,
        [b'\\', b'b'] => 0x08,
        [b'\\', b'f'] => 0x0c,
        [b'\\', b'n'] => b'\n',
        [b'\\', b'r'] => b'\r',
        [b'\\', b't'] => b'\t',
        _ => return None,
    };
    Some((u16::from(unit), 2))
}

/// The spelling of one UTF-16 code unit in ASCII: as it is, or as an escape. `Lib/json/encoder.py`, `ESCAPE_ASCII` and
/// `ESCAPE_DCT`.
pub(super) struct Spelling {
    /// In the first `length` bytes.
    pub(super) bytes: [u8; 8],
    pub(super) length: usize,
}

impl Spelling {
    #[inline]
    pub(super) fn ascii(unit: u16) -> Self {
        let short = match unit {
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x22 => b'"',
            0x5c => b'\\',
            0x20..=0x7e => return Self { bytes: u64::from(unit).to_le_bytes(), length: 1 },
            _ => return Self::hexadecimal(unit),
        };
        Self { bytes: [b'\\', short, 0, 0, 0, 0, 0, 0], length: 2 }
    }

    #[inline]
    pub(super) fn hexadecimal(unit: u16) -> Self {
        let digit = |shift: u16| HEX_DIGITS[usize::from(unit >> shift & 0xf)];
        Self { bytes: [b'\\', b'u', digit(12), digit(8), digit(4), digit(0), 0, 0], length: 6 }
    }
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

#[inline]
fn hex4(digits: [u8; 4]) -> Option<u16> {
    let [a, b, c, d] = digits.map(|digit| HEX_VALUES[usize::from(digit)]);
    // All bits of `NO_DIGIT` are set, and stay so.
    ((a | b | c | d) != NO_DIGIT).then(|| u16::from_be_bytes([a * 16 + b, c * 16 + d]))
}

/// The value of each hexadecimal digit, in either case.
const HEX_VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0_u8;
    while value < 16 {
        let digit = HEX_DIGITS[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};
const NO_DIGIT: u8 = 0xff;

/// Up to eight bytes, and NULs after them.
#[cold]
pub(super) fn padded(bytes: &[u8]) -> [u8; 8] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

/// How many of the word's sixteen bytes are blanks, before the first that is none.
#[inline]
pub(super) fn leading_blanks(word: u128) -> usize {
    (word ^ u128::from_le_bytes([b' '; 16])).trailing_zeros() as usize / 8
}

// Each of the following sets the top bit of a byte where what its name says is true of that byte of the word. Above the
// lowest byte that it is true of, a borrow or carry may set more bits: only the lowest one counts.

/// A quote, a backslash or a control character: where a string ends, has an escape, or is none.
#[inline]
pub(super) fn string_stops(word: u64) -> u64 {
    // Swapping 0x20 and 0x22 (and others, pair by pair) puts the quote right after the control characters.
    let quote_or_control = (word ^ all(0x02)).wrapping_sub(all(0x21));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(0x01));
    (quote_or_control | backslash) & !word & all(0x80)
}

/// DEL counts: Python's ASCII form escapes it too.
#[inline]
pub(super) fn beyond_ascii(word: u64) -> u64 {
    (word | word.wrapping_add(all(0x01))) & all(0x80)
}

const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}
