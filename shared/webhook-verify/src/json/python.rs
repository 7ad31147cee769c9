//! Spells a JSON text as Python's `json.dumps(json.loads(text))` does, for providers that sign that
//! text instead of the bytes they send.
//!
//! Only a text that a Python sender can have signed has such a form. Texts that Python accepts but
//! RFC 8259 does not, and texts whose signed form would be ambiguous, are refused.

use std::ops::Range;

use super::lexer::{Fault, Gap, NumberSpan, StringSpan, Visitor, walk};
use super::names::{FormTooLong, OpenNames};
use super::number::{MAX_INTEGER_DIGITS, Repr, is_own_repr};
use super::output::Output;
use super::text::{Spelling, code_point, decodes_to, escape};

/// The arguments that a sender gives to `json.dumps`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PythonForm {
    /// `json.dumps(value)`: separated by `", "` and `": "`, with everything outside of printable
    /// ASCII escaped.
    Default,
    /// `json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()`: no spaces between
    /// tokens, characters as they are.
    Compact,
}

/// Why a text has no Python form.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoPythonForm {
    /// The text is malformed, is not UTF-8, or starts with a byte-order mark.
    #[error("the text is not JSON by RFC 8259")]
    NotJson,
    /// An object, at any level, has duplicate names. A Python sender cannot produce it, and readers
    /// disagree about its meaning.
    #[error("an object has two members with the same name")]
    DuplicateKey,
    /// `NaN`, `Infinity`, or a number such as `1e400` that Python reads as infinite.
    #[error("a number is not finite")]
    NotFinite,
    /// A string has half of a surrogate pair, which the compact form cannot encode.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// An integer has more digits than Python accepts (`sys.set_int_max_str_digits`).
    #[error("an integer has more than 4,300 digits")]
    IntegerTooLong,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) brackets are open at once.
    #[error("brackets are nested deeper than 128 levels")]
    TooDeep,
    /// The document is not an object, or has no member with that name.
    #[error("the document has no member with the signed name")]
    MemberMissing,
    /// The form is longer than 4 GiB.
    #[error("the form is longer than 4 GiB")]
    TooLong,
}

/// Returns what `json.dumps(json.loads(text))` returns.
///
/// # Errors
///
/// Any [`NoPythonForm`] except [`MemberMissing`](NoPythonForm::MemberMissing).
///
/// # Examples
///
/// ```
/// use webhook_verify::json::{PythonForm, python_form};
///
/// let form = python_form(r#"{"rate":1.50,"label":"Zoë"}"#.as_bytes(), PythonForm::Default)?;
/// assert_eq!(form, br#"{"rate": 1.5, "label": "Zo\u00eb"}"#);
/// # Ok::<(), webhook_verify::json::NoPythonForm>(())
/// ```
pub fn python_form(text: &[u8], form: PythonForm) -> Result<Vec<u8>, NoPythonForm> {
    let (form, _) = write(text, None, form)?;
    Ok(form)
}

/// Returns what `json.dumps(json.loads(text)[name])` returns.
///
/// The whole document must be an object that has a Python form, not only the member.
///
/// # Errors
///
/// Any [`NoPythonForm`].
pub fn python_form_of_member(
    text: &[u8],
    name: &str,
    form: PythonForm,
) -> Result<Vec<u8>, NoPythonForm> {
    let (mut form, member) = write(text, Some(name), form)?;
    let member = member.ok_or(NoPythonForm::MemberMissing)?;
    form.truncate(member.end);
    form.drain(..member.start);
    Ok(form)
}

/// Returns the form of the whole document, and where in it the value of the member is.
fn write(
    text: &[u8],
    member: Option<&str>,
    form: PythonForm,
) -> Result<(Vec<u8>, Option<Range<usize>>), NoPythonForm> {
    // RFC 8259, section 8.1. A byte-order mark is UTF-8; the lexer refuses it, since no value
    // starts with it.
    let text = std::str::from_utf8(text).map_err(|_| NoPythonForm::NotJson)?;
    match form {
        PythonForm::Default => Writer::<true>::write(text, member),
        PythonForm::Compact => Writer::<false>::write(text, member),
    }
}

impl From<Fault> for NoPythonForm {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotJson => Self::NotJson,
            Fault::NotFinite => Self::NotFinite,
            Fault::TooDeep => Self::TooDeep,
        }
    }
}

impl From<FormTooLong> for NoPythonForm {
    fn from(_: FormTooLong) -> Self {
        Self::TooLong
    }
}

/// Writes the form while the text is read: [`PythonForm::Default`] if `DEFAULT`, else
/// [`PythonForm::Compact`].
struct Writer<'a, const DEFAULT: bool> {
    text: &'a str,
    output: Output<'a>,
    names: OpenNames,
    /// Where the name that is being read starts in the form.
    name_start: usize,
    /// The name of the member whose value is wanted.
    member: Option<&'a str>,
    /// Where the value of that member starts in the form.
    member_start: Option<usize>,
    /// Where the value of that member is in the form.
    found: Option<Range<usize>>,
}

impl<'a, const DEFAULT: bool> Writer<'a, DEFAULT> {
    fn write(
        text: &'a str,
        member: Option<&'a str>,
    ) -> Result<(Vec<u8>, Option<Range<usize>>), NoPythonForm> {
        let mut writer = Self {
            text,
            output: Output::with_capacity(text.as_bytes(), Self::longest(text.as_bytes())),
            names: OpenNames::new(),
            name_start: 0,
            member,
            member_start: None,
            found: None,
        };
        walk(text, &mut writer)?;
        Ok((writer.output.finish(), writer.found))
    }

    /// Returns an upper bound for the length of the form, so that its buffer need not grow: while a
    /// [`Vec`] grows, it takes up to three times its length.
    fn longest(text: &[u8]) -> usize {
        let mut growth = 0;
        let mut rest = text;
        // A fixed number of bytes at a time, so that the compiler uses vector instructions.
        while let Some(window) = rest.first_chunk() {
            growth += growth_of::<DEFAULT>(window);
            rest = &rest[WINDOW - 2..];
        }
        for rest in [rest, rest.get(WINDOW - 2..).unwrap_or_default()] {
            let window = std::array::from_fn(|index| rest.get(index).copied().unwrap_or(0));
            growth += growth_of::<DEFAULT>(&window);
        }
        (text.len() + growth).min(LARGEST_GROWTH * text.len())
    }
}

/// The form of a DEL is six times as long as the DEL. Nothing grows more than that.
const LARGEST_GROWTH: usize = 6;

/// How many bytes [`growth_of`] looks at. It counts the growth of all but the last two, which only
/// show what follows.
const WINDOW: usize = 34;

/// Returns an upper bound for the bytes that the form adds to the window, without its last two
/// bytes.
///
/// Floats with an exponent grow by up to 14 bytes, from `1e15` to `1000000000000000.0`; others by
/// up to 3, from `12345678901234567.0` to `1.2345678901234568e+16`.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators would keep it from using vectors")]
#[inline]
fn growth_of<const DEFAULT: bool>(window: &[u8; WINDOW]) -> usize {
    let digit = |byte: u8| byte.wrapping_sub(b'0') < 10;
    let weight = |condition: bool, weight: u8| if condition { weight } else { 0 };
    let (mut characters, mut floats) = (0_u8, 0_u8);
    for index in 0..WINDOW - 2 {
        let [first, second, third] = [window[index], window[index + 1], window[index + 2]];
        if DEFAULT {
            let separator = weight((first == b',') | (first == b':'), 1);
            // Characters of two and three bytes become six, those of four become twelve.
            let beyond_ascii =
                weight(first >= 0xc0, 4) | weight(first >= 0xf0, 8) | weight(first == 0x7f, 5);
            characters = characters.wrapping_add(separator | beyond_ascii);
        }
        let exponent = (second | 0x20 == b'e') & (digit(third) | (third == b'+') | (third == b'-'));
        let point = (second == b'.') & digit(third);
        floats = floats
            .wrapping_add(weight(digit(first) & exponent, 14) | weight(digit(first) & point, 3));
    }
    usize::from(characters) + usize::from(floats)
}

impl<const DEFAULT: bool> Visitor for Writer<'_, DEFAULT> {
    type Refusal = NoPythonForm;

    const HEARS_BEYOND_ASCII: bool = DEFAULT;

    #[inline]
    fn gap(&mut self, from: usize, to: usize, gap: Gap) {
        let (wanted, length) = match gap {
            Gap::Space => (b"  ", 0),
            Gap::Comma => (b", ", if DEFAULT { 2 } else { 1 }),
            Gap::Colon => (b": ", if DEFAULT { 2 } else { 1 }),
        };
        // A gap has one separator or none; the rest of it is white space.
        let unchanged =
            from + length == to && (length < 2 || self.text.as_bytes()[from + 1] == b' ');
        if !unchanged {
            self.output.replace(from, to, wanted, length);
        }
    }

    /// `Lib/json/encoder.py`, `py_encode_basestring_ascii` and `py_encode_basestring`.
    #[inline]
    fn escape(&mut self, text: &[u8], at: usize) -> Result<usize, NoPythonForm> {
        // The default form spells each half of a surrogate pair separately.
        let read = if DEFAULT {
            escape(text, at).map(|(unit, length)| (unit.into(), length))
        } else {
            code_point(text, at)
        };
        let (code_point, length) = read.ok_or(NoPythonForm::NotJson)?;
        let end = at + length;
        match u16::try_from(code_point) {
            Ok(unit) if DEFAULT || unit < 0x7f => {
                let spelling = Spelling::ascii(unit);
                // Spellings of equal length differ only in the case of their digits.
                if spelling.length != length || text[at..end].iter().any(u8::is_ascii_uppercase) {
                    self.output.replace(at, end, &spelling.bytes, spelling.length);
                }
            }
            _ => {
                let character = char::from_u32(code_point).ok_or(NoPythonForm::LoneSurrogate)?;
                let mut bytes = [0; 4];
                let length = character.encode_utf8(&mut bytes).len();
                self.output.replace(at, end, &bytes, length);
            }
        }
        Ok(end)
    }

    /// `Lib/json/encoder.py`, `py_encode_basestring_ascii`.
    #[inline]
    fn beyond_ascii(&mut self, at: usize) -> usize {
        let mut at = at;
        // Such characters often follow each other.
        for character in self.text[at..].chars().take_while(|&next| next > '~') {
            let end = at + character.len_utf8();
            for unit in character.encode_utf16(&mut [0; 2]) {
                let spelling = Spelling::hexadecimal(*unit);
                self.output.replace(at, end, &spelling.bytes, spelling.length);
                at = end;
            }
        }
        at
    }

    #[inline]
    fn number(&mut self, number: NumberSpan) -> Result<(), NoPythonForm> {
        let NumberSpan { start, integer_end, end, .. } = number;
        let text = self.text.as_bytes();
        if integer_end == end {
            let negative = text[start] == b'-';
            if negative && text[start + 1] == b'0' {
                self.output.replace(start, end, b"0", 1);
            }
            if end - start - usize::from(negative) > MAX_INTEGER_DIGITS {
                return Err(NoPythonForm::IntegerTooLong);
            }
        } else if !is_own_repr(text, number) {
            let repr = Repr::of(text, number).ok_or(NoPythonForm::NotFinite)?;
            self.output.replace(start, end, &repr.bytes, repr.length);
        }
        Ok(())
    }

    #[inline]
    fn name_start(&mut self, start: usize) {
        self.name_start = self.output.position(start);
    }

    #[inline]
    fn member(&mut self, name: StringSpan, value: usize, depth: usize) -> Result<(), NoPythonForm> {
        let value_start = self.output.position(value);
        let colon = if DEFAULT { 2 } else { 1 };
        self.names.add(self.name_start, value_start - colon)?;
        if depth == 1
            && let Some(wanted) = self.member
            && decodes_to(&self.text[name.start + 1..name.end - 1], name.has_escapes, wanted)
        {
            self.member_start = Some(value_start);
        }
        Ok(())
    }

    #[inline]
    fn value_end(&mut self, end: usize, depth: usize) {
        if depth == 1
            && let Some(start) = self.member_start.take()
        {
            self.found = Some(start..self.output.position(end));
        }
    }

    #[inline]
    fn object_start(&mut self) {
        self.names.open_object();
    }

    #[inline]
    fn object_end(&mut self, end: usize) -> Result<(), NoPythonForm> {
        let form = if self.names.may_have_duplicates() { self.output.copy_up_to(end) } else { &[] };
        if self.names.close_object(form) { Err(NoPythonForm::DuplicateKey) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default(text: &str) -> usize {
        Writer::<true>::longest(text.as_bytes())
    }

    fn compact(text: &str) -> usize {
        Writer::<false>::longest(text.as_bytes())
    }

    /// Spaces in front keep the limit of six times the length out of the way.
    #[test]
    fn the_longest_form_has_room_for_what_grows() {
        const PADDING: &str = "          ";
        for (text, expected_default, expected_compact) in [
            ("", 0, 0),
            (",", 1, 0),
            (":", 1, 0),
            (";", 0, 0),
            ("~", 0, 0),
            ("\u{7f}", 5, 0),
            ("é", 4, 0),
            ("€", 4, 0),
            ("𝄞", 12, 0),
            ("1.5", 3, 3),
            ("1.x", 0, 0),
            ("x.5", 0, 0),
            ("1,5", 1, 0),
            ("1.:", 1, 0),
            ("1e5", 14, 14),
            ("1E5", 14, 14),
            ("1e+5", 14, 14),
            ("1e-5", 14, 14),
            ("1e.5", 0, 0),
            ("1ex", 0, 0),
            ("xe5", 0, 0),
            ("1f5", 0, 0),
            ("1.5e5", 17, 17),
            ("[1e5, 2e5]", 29, 28),
        ] {
            let length = PADDING.len() + text.len();
            let text = format!("{PADDING}{text}");
            assert_eq!(default(&text) - length, expected_default, "{text}");
            assert_eq!(compact(&text) - length, expected_compact, "{text}");
        }
    }

    #[test]
    fn a_form_is_at_most_six_times_as_long_as_its_text() {
        assert_eq!((default("\u{7f}\u{7f}"), compact("\u{7f}\u{7f}")), (12, 2));
        assert_eq!((default("1e5"), compact("1e5")), (17, 17));
        assert_eq!((default("1e"), compact("e5")), (2, 2));
        assert_eq!((default("1.5e5,1e5"), compact("9e9")), (9 + 32, 17));
        assert_eq!(default(&",".repeat(100)), 200);
        assert_eq!(compact(&"1e1".repeat(100)), 300 + 1400);
    }

    #[test]
    fn the_growth_of_a_text_counts_once_wherever_it_is() {
        for length in [3, 31, 32, 33, 34, 35, 63, 64, 65, 66, 67, 96, 97, 98] {
            for at in 0..=length - 3 {
                let text = format!("{}1e5{}", " ".repeat(at), " ".repeat(length - 3 - at));
                let expected = (length + 14).min(6 * length);
                assert_eq!(default(&text), expected, "{length}, {at}");
                assert_eq!(compact(&text), expected, "{length}, {at}");
            }
            for at in 0..length {
                let text = format!("{},{}", " ".repeat(at), " ".repeat(length - 1 - at));
                assert_eq!(default(&text), length + 1, "{length}, {at}");
            }
        }
    }
}
