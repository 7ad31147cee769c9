//! Decodes and spells the characters of JSON strings, and scans eight bytes at a time.
//!
//! The lexer has accepted the strings that come here, but nothing here panics on any other.

/// The code points of a string, with its escapes decoded.
///
/// Two escapes that make a surrogate pair are one code point, as in Python (`_json.c`,
/// `scanstring_unicode`). A lone surrogate is returned as it is.
pub(super) struct CodePoints<'a> {
    rest: &'a str,
}

impl<'a> CodePoints<'a> {
    /// Reads `inner`, the string without its quotes.
    pub(super) fn new(inner: &'a str) -> Self {
        Self { rest: inner }
    }
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let first = self.rest.chars().next()?;
        let (code_point, length) = match first {
            '\\' => code_point(self.rest.as_bytes(), 0)?,
            _ => (u32::from(first), first.len_utf8()),
        };
        self.rest = self.rest.get(length..)?;
        Some(code_point)
    }
}

/// Returns whether `inner`, a string without its quotes, decodes to `name`.
#[inline]
pub(super) fn decodes_to(inner: &str, has_escapes: bool, name: &str) -> bool {
    if has_escapes { CodePoints::new(inner).eq(name.chars().map(u32::from)) } else { inner == name }
}

/// Returns the code point of the escape, or of the surrogate pair of two escapes, at `at`, and the
/// length of its spelling.
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

/// Returns the UTF-16 code unit of the escape whose backslash is at `at`, and the length of its
/// spelling; `None` if it is not an escape by RFC 8259, section 7.
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

/// A UTF-16 code unit in ASCII: the character itself, or an escape. `Lib/json/encoder.py`,
/// `ESCAPE_ASCII` and `ESCAPE_DCT`.
pub(super) struct Spelling {
    /// Only the first `length` bytes are used.
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
    // `NO_DIGIT` has all bits set, so a single one sets all bits of the result.
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

/// Returns up to eight bytes, with NULs after them.
#[cold]
pub(super) fn padded(bytes: &[u8]) -> [u8; 8] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

/// Returns how many blanks the word of sixteen bytes starts with.
#[inline]
pub(super) fn leading_blanks(word: u128) -> usize {
    (word ^ u128::from_le_bytes([b' '; 16])).trailing_zeros() as usize / 8
}

// Each of the following functions looks for certain bytes in a word, and sets the top bit of each.
// A borrow or carry may set more bits above the first such byte, so only the lowest bit is
// meaningful.

/// Finds quotes, backslashes and control characters.
#[inline]
pub(super) fn string_stops(word: u64) -> u64 {
    // Swapping 0x20 and 0x22 (and others, pair by pair) puts the quote right after the control
    // characters.
    let quote_or_control = (word ^ all(0x02)).wrapping_sub(all(0x21));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(0x01));
    (quote_or_control | backslash) & !word & all(0x80)
}

/// Finds bytes above printable ASCII. DEL is one of them, because Python escapes it too.
#[inline]
pub(super) fn beyond_ascii(word: u64) -> u64 {
    (word | word.wrapping_add(all(0x01))) & all(0x80)
}

const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}
