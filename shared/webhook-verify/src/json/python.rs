//! What Python's `json.dumps(json.loads(text))` gives, for senders that sign this text and not the bytes they send.
//!
//! Only what a Python sender can have signed has a form here: a text that Python would read loosely, or whose signed
//! form would be ambiguous, is refused.

use super::keys::OpenObjects;
use super::lexer::{Fault, Gap, NumberSpan, StringSpan, Visitor, walk};
use super::number::{MAX_INTEGER_DIGITS, Repr, is_own_repr};
use super::output::Output;
use super::text::{Spelling, code_point, escape, says};

/// How Python spells the document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PythonForm {
    /// `json.dumps(value)`: `", "` and `": "`, and everything outside of ASCII's printable characters as an escape.
    Default,
    /// `json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()`: no spaces, characters as they are.
    Compact,
}

/// Why a text has no Python form that a sender could have signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoPythonForm {
    /// Malformed, not UTF-8, or with a byte-order mark.
    #[error("the text is not JSON by RFC 8259")]
    NotJson,
    /// At any level. A Python sender cannot make it, and readers disagree about what it means.
    #[error("an object has two members of the same name")]
    DuplicateKey,
    /// `NaN`, `Infinity`, or a number such as `1e400` that Python reads as infinite.
    #[error("a number is not finite")]
    NotFinite,
    /// Half of a UTF-16 pair, which the compact form cannot encode.
    #[error("a string has a surrogate without its other half")]
    LoneSurrogate,
    /// More than 4,300 digits, which Python refuses (`sys.set_int_max_str_digits`).
    #[error("an integer has more than 4,300 digits")]
    IntegerTooLong,
    /// More than 1,000 floats have more than 19 significant digits: Python writes none of more than 17, and of such digits
    /// the middle between two floats can be spelled, which takes a hundred times as long to read as another number.
    #[error("too many floats have more digits than Python writes")]
    LongFloats,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) brackets are open at once.
    #[error("brackets are nested more than 128 deep")]
    TooDeep,
    /// The document is not an object, or has no member of that name.
    #[error("the document has no such member")]
    MemberMissing,
    /// A name stands, or ends, more than 4 GiB into the text.
    #[error("the text is too long")]
    TooLong,
}

/// Streams what `json.dumps(json.loads(text))` gives to `sink`, piece by piece.
///
/// The pieces together are the form, if the answer is `Ok`. Otherwise whatever the sink got means nothing.
///
/// # Errors
///
/// Each [`NoPythonForm`] but [`MemberMissing`](NoPythonForm::MemberMissing).
///
/// # Examples
///
/// ```
/// use webhook_verify::json::{PythonForm, python_form};
///
/// let mut form = Vec::new();
/// python_form(r#"{"rate":1.50,"label":"Zoë"}"#.as_bytes(), PythonForm::Default, |piece| form.extend_from_slice(piece))?;
/// assert_eq!(form, br#"{"rate": 1.5, "label": "Zo\u00eb"}"#);
/// # Ok::<(), webhook_verify::json::NoPythonForm>(())
/// ```
pub fn python_form(text: &[u8], form: PythonForm, sink: impl FnMut(&[u8])) -> Result<(), NoPythonForm> {
    match form {
        PythonForm::Default => transcode::<_, true>(text, None, sink),
        PythonForm::Compact => transcode::<_, false>(text, None, sink),
    }
}

/// Streams what `json.dumps(json.loads(text)[name])` gives to `sink`, piece by piece.
///
/// The whole document must be an object that has a Python form, not only the member.
///
/// # Errors
///
/// Each [`NoPythonForm`].
pub fn python_form_of_member(
    text: &[u8],
    name: &str,
    form: PythonForm,
    sink: impl FnMut(&[u8]),
) -> Result<(), NoPythonForm> {
    match form {
        PythonForm::Default => transcode::<_, true>(text, Some(name), sink),
        PythonForm::Compact => transcode::<_, false>(text, Some(name), sink),
    }
}

/// `DEFAULT`: [`PythonForm::Default`], else [`PythonForm::Compact`].
fn transcode<S: FnMut(&[u8]), const DEFAULT: bool>(
    text: &[u8],
    name: Option<&str>,
    sink: S,
) -> Result<(), NoPythonForm> {
    // RFC 8259, section 8.1. A byte-order mark passes here, and fails as a character that no value starts with.
    let text = std::str::from_utf8(text).map_err(|_| NoPythonForm::NotJson)?;
    let output = Output::new(text.as_bytes(), sink);
    let (member, objects) = (Member::Awaited, OpenObjects::new());
    let mut transcoder = Transcoder::<S, DEFAULT> { text, name, member, objects, long_floats: 0, output };
    if name.is_none() {
        transcoder.output.start(0);
    }
    walk(text, &mut transcoder)?;
    if name.is_none() {
        transcoder.output.stop(text.len());
    } else if transcoder.member != Member::Done {
        return Err(NoPythonForm::MemberMissing);
    }
    transcoder.output.finish();
    Ok(())
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

/// Writes the form while the text is read.
struct Transcoder<'a, S, const DEFAULT: bool> {
    text: &'a str,
    /// The member whose value alone is wanted.
    name: Option<&'a str>,
    member: Member,
    objects: OpenObjects,
    /// Floats so far of more than [`QUICK_DIGITS`].
    long_floats: u32,
    output: Output<'a, S>,
}

/// Most significant digits of a number that is surely read quickly: those of a `u64`.
const QUICK_DIGITS: usize = 19;

/// See [`NoPythonForm::LongFloats`].
const MAX_LONG_FLOATS: u32 = 1000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Member {
    Awaited,
    Open,
    Done,
}

impl<S: FnMut(&[u8]), const DEFAULT: bool> Transcoder<'_, S, DEFAULT> {
    /// Refuses a float that may take long to read, where too many have come before.
    fn count_if_long(&mut self, number: NumberSpan) -> Result<(), NoPythonForm> {
        let mantissa = &self.text.as_bytes()[number.start..number.fraction_end];
        if mantissa.len() > QUICK_DIGITS {
            let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit());
            self.long_floats += u32::from(digits.skip_while(|digit| **digit == b'0').count() > QUICK_DIGITS);
        }
        if self.long_floats > MAX_LONG_FLOATS { Err(NoPythonForm::LongFloats) } else { Ok(()) }
    }
}

impl<S: FnMut(&[u8]), const DEFAULT: bool> Visitor for Transcoder<'_, S, DEFAULT> {
    type Refusal = NoPythonForm;

    const HEARS_BEYOND_ASCII: bool = DEFAULT;

    #[inline]
    fn gap(&mut self, from: usize, to: usize, gap: Gap) {
        let (wanted, length) = match gap {
            Gap::Space => (b"  ", 0),
            Gap::Comma => (b", ", if DEFAULT { 2 } else { 1 }),
            Gap::Colon => (b": ", if DEFAULT { 2 } else { 1 }),
        };
        // A gap has one separator, or none, and else nothing but white space.
        let unchanged = from + length == to && (length < 2 || self.text.as_bytes()[from + 1] == b' ');
        if !unchanged {
            self.output.replace(from, to, wanted, length);
        }
    }

    /// `Lib/json/encoder.py`, `py_encode_basestring_ascii` and `py_encode_basestring`.
    #[inline]
    fn escape(&mut self, text: &[u8], at: usize) -> Result<usize, NoPythonForm> {
        // The default form spells each half of a pair by itself.
        let read =
            if DEFAULT { escape(text, at).map(|(unit, length)| (unit.into(), length)) } else { code_point(text, at) };
        let (code_point, length) = read.ok_or(NoPythonForm::NotJson)?;
        let end = at + length;
        match u16::try_from(code_point) {
            Ok(unit) if DEFAULT || unit < 0x7f => {
                let spelling = Spelling::ascii(unit);
                // Spellings of one length differ at most in the case of their digits.
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
        // Such characters seldom come alone.
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
            self.count_if_long(number)?;
            let repr = Repr::of_text(&self.text[start..end]).ok_or(NoPythonForm::NotFinite)?;
            self.output.replace(start, end, &repr.bytes, repr.length);
        }
        Ok(())
    }

    #[inline]
    fn member(&mut self, name: StringSpan, value: usize, depth: usize) -> Result<(), NoPythonForm> {
        if depth == 1 && self.name.is_some_and(|wanted| says(self.text, name, wanted)) {
            self.member = Member::Open;
            self.output.start(value);
        }
        self.objects.add(name)
    }

    #[inline]
    fn value_end(&mut self, end: usize, depth: usize) {
        if depth == 1 && self.member == Member::Open {
            self.member = Member::Done;
            self.output.stop(end);
        }
    }

    #[inline]
    fn object_start(&mut self) {
        self.objects.open();
    }

    #[inline]
    fn object_end(&mut self) -> Result<(), NoPythonForm> {
        self.objects.close(self.text)
    }
}
