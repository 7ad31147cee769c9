//! What Python's `json.dumps(json.loads(text))` gives, for senders that sign this text and not the bytes they send.
//!
//! Only what a Python sender can have signed has a form here: a text that Python would read loosely, or whose signed
//! form would be ambiguous, is refused.

use super::keys::OpenObjects;
use super::lexer::{Fault, Gap, NumberSpan, StringSpan, Visitor, walk};
use super::number::{MAX_INTEGER_DIGITS, Repr, is_own_repr};
use super::output::Output;
use super::text::{Spelling, code_point, escape, is_beyond_ascii, is_byte, says, word};

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
    let text = utf8(text)?;
    let mut transcoder = Transcoder::new(text, form, None, sink);
    transcoder.output.start(0);
    walk(text, &mut transcoder)?;
    transcoder.output.stop(text.len());
    transcoder.output.finish();
    Ok(())
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
    let text = utf8(text)?;
    let mut transcoder = Transcoder::new(text, form, Some(name), sink);
    walk(text, &mut transcoder)?;
    if transcoder.member != Member::Done {
        return Err(NoPythonForm::MemberMissing);
    }
    transcoder.output.finish();
    Ok(())
}

/// RFC 8259, section 8.1. A byte-order mark passes here, and fails as a character that no value starts with.
fn utf8(text: &[u8]) -> Result<&str, NoPythonForm> {
    std::str::from_utf8(text).map_err(|_| NoPythonForm::NotJson)
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
struct Transcoder<'a, S> {
    text: &'a str,
    form: PythonForm,
    /// The member whose value alone is wanted.
    name: Option<&'a str>,
    member: Member,
    objects: OpenObjects,
    output: Output<'a, S>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Member {
    Awaited,
    Open,
    Done,
}

impl<'a, S: FnMut(&[u8])> Transcoder<'a, S> {
    fn new(text: &'a str, form: PythonForm, name: Option<&'a str>, sink: S) -> Self {
        let output = Output::new(text.as_bytes(), sink);
        Self { text, form, name, member: Member::Awaited, objects: OpenObjects::new(), output }
    }

    /// `Lib/json/encoder.py`, `py_encode_basestring_ascii`.
    fn ascii_string(&mut self, string: StringSpan) {
        let text = self.text.as_bytes();
        let end = string.end - 1;
        let mut at = string.start + 1;
        while let Some(next) = first(text, at, end, |word| is_byte(word, b'\\') | is_beyond_ascii(word)) {
            if let Some((unit, length)) = escape(text, next) {
                at = next + length;
                let spelling = Spelling::ascii(unit);
                if text[next..at] != *spelling.bytes() {
                    self.output.replace(next, at, spelling.bytes());
                }
                continue;
            }
            // No escape: a character outside of printable ASCII.
            let Some(character) = self.text.get(next..).and_then(|rest| rest.chars().next()) else { return };
            at = next + character.len_utf8();
            self.output.replace(next, at, b"");
            for unit in character.encode_utf16(&mut [0; 2]) {
                self.output.replace(at, at, Spelling::ascii(*unit).bytes());
            }
        }
    }

    /// `Lib/json/encoder.py`, `py_encode_basestring`.
    fn unicode_string(&mut self, string: StringSpan) -> Result<(), NoPythonForm> {
        let text = self.text.as_bytes();
        let end = string.end - 1;
        let mut at = string.start + 1;
        while let Some(next) = first(text, at, end, |word| is_byte(word, b'\\')) {
            let (code_point, length) = code_point(text, next).ok_or(NoPythonForm::NotJson)?;
            at = next + length;
            let character = char::from_u32(code_point).ok_or(NoPythonForm::LoneSurrogate)?;
            if character <= '~' {
                let spelling = Spelling::ascii(code_point.to_le_bytes()[0].into());
                if text[next..at] != *spelling.bytes() {
                    self.output.replace(next, at, spelling.bytes());
                }
            } else {
                self.output.replace(next, at, character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }
}

/// The first position in `text[at..end]` whose byte `is` marks.
#[inline]
fn first(text: &[u8], mut at: usize, end: usize, is: impl Fn(u64) -> u64) -> Option<usize> {
    while at < end {
        let marks = is(word(text, at));
        if marks != 0 {
            let position = at + marks.trailing_zeros() as usize / 8;
            return (position < end).then_some(position);
        }
        at += 8;
    }
    None
}

impl<S: FnMut(&[u8])> Visitor for Transcoder<'_, S> {
    type Refusal = NoPythonForm;

    #[inline]
    fn gap(&mut self, from: usize, to: usize, gap: Gap) {
        // A gap has one separator, or none, and else nothing but white space.
        let unchanged = match (gap, self.form) {
            (Gap::Space, _) => from == to,
            (Gap::Comma | Gap::Colon, PythonForm::Compact) => from + 1 == to,
            (Gap::Comma | Gap::Colon, PythonForm::Default) => from + 2 == to && self.text.as_bytes()[from + 1] == b' ',
        };
        if unchanged {
            return;
        }
        let wanted: &[u8] = match (gap, self.form) {
            (Gap::Space, _) => b"",
            (Gap::Comma, PythonForm::Default) => b", ",
            (Gap::Colon, PythonForm::Default) => b": ",
            (Gap::Comma, PythonForm::Compact) => b",",
            (Gap::Colon, PythonForm::Compact) => b":",
        };
        self.output.replace(from, to, wanted);
    }

    #[inline]
    fn string(&mut self, string: StringSpan) -> Result<(), NoPythonForm> {
        match self.form {
            PythonForm::Default if string.escaped || !string.plain_ascii => self.ascii_string(string),
            PythonForm::Compact if string.escaped => self.unicode_string(string)?,
            PythonForm::Default | PythonForm::Compact => {}
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self, number: NumberSpan) -> Result<(), NoPythonForm> {
        let NumberSpan { start, integer_end, end, .. } = number;
        let text = &self.text[start..end];
        if integer_end == end {
            if text == "-0" {
                self.output.replace(start, end, b"0");
            }
            if text.trim_start_matches('-').len() > MAX_INTEGER_DIGITS {
                return Err(NoPythonForm::IntegerTooLong);
            }
        } else if !is_own_repr(self.text.as_bytes(), number) {
            let repr = Repr::of_text(text).ok_or(NoPythonForm::NotFinite)?;
            self.output.replace(start, end, repr.bytes());
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
