//! Hypotheses about the encoding of the body's characters.

use super::{Change, change};
use crate::cause::Cause;

const FIX: &str = "Pass the body on as bytes: nothing on the way may decode and re-encode its \
                   characters. If an encoding must be chosen, choose UTF-8 without a byte-order \
                   mark.";

/// Makes a changed body. Returns `None` if that is impossible, or if nothing would change.
type Maker = fn(&[u8]) -> Option<Vec<u8>>;

/// Returns the body in other encodings.
pub(super) fn changes(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    let makers: [(&'static str, Maker); 10] = [
        ("The body that came begins with a byte-order mark that was not signed.", without_mark),
        (
            "The signed body begins with a byte-order mark, but the body that came does not.",
            with_mark,
        ),
        ("The signed body is UTF-8, but the body that came is Latin-1.", from_latin1),
        ("The signed body is Latin-1, but the body that came is UTF-8.", to_latin1),
        (
            "Something on the way took the UTF-8 body for Latin-1 and encoded it as UTF-8 again.",
            once_less,
        ),
        (
            "Something on the way took the UTF-8 body for Windows-1252 and encoded it as UTF-8 \
             again.",
            once_less_1252,
        ),
        ("The signed body is UTF-8, but the body that came is UTF-16.", from_utf16),
        (
            "The signed body is UTF-16 (little-endian), but the body that came is UTF-8.",
            to_utf16_le,
        ),
        ("The signed body is UTF-16 (big-endian), but the body that came is UTF-8.", to_utf16_be),
        (
            "The sender took its UTF-8 body for Latin-1 and encoded it as UTF-8 again to sign it.",
            once_more,
        ),
    ];
    makers
        .into_iter()
        .filter_map(move |(detail, make)| change(Cause::BodyCharset, detail, FIX, || make(body)))
}

const MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(body: &[u8]) -> Option<Vec<u8>> {
    body.strip_prefix(MARK).map(<[u8]>::to_vec)
}

fn with_mark(body: &[u8]) -> Option<Vec<u8>> {
    (!body.starts_with(MARK)).then(|| [MARK, body].concat())
}

fn from_latin1(body: &[u8]) -> Option<Vec<u8>> {
    str::from_utf8(body).is_err().then(|| latin1_to_utf8(body))
}

fn latin1_to_utf8(body: &[u8]) -> Vec<u8> {
    body.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}

/// Returns the body as text, or `None` if it is pure ASCII: that is the same in UTF-8, Latin-1 and
/// Windows-1252.
fn beyond_ascii(body: &[u8]) -> Option<&str> {
    str::from_utf8(body).ok().filter(|text| !text.is_ascii())
}

fn to_latin1(body: &[u8]) -> Option<Vec<u8>> {
    beyond_ascii(body)?.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

fn once_less(body: &[u8]) -> Option<Vec<u8>> {
    to_latin1(body).filter(|bytes| str::from_utf8(bytes).is_ok())
}

fn once_more(body: &[u8]) -> Option<Vec<u8>> {
    beyond_ascii(body).map(|text| latin1_to_utf8(text.as_bytes()))
}

fn once_less_1252(body: &[u8]) -> Option<Vec<u8>> {
    let byte = |character: char| match u32::from(character) {
        code @ (0..=0x7f | 0xa0..=0xff | 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) => {
            u8::try_from(code).ok()
        }
        _ => (0x80_u8..)
            .zip(WINDOWS_1252.chars())
            .find(|(_, known)| *known == character)
            .map(|(byte, _)| byte),
    };
    let bytes: Vec<u8> = beyond_ascii(body)?.chars().map(byte).collect::<Option<_>>()?;
    str::from_utf8(&bytes).is_ok().then_some(bytes)
}

/// The characters for 0x80 to 0x9f. U+0000 stands for a byte that has none.
/// Source: <https://encoding.spec.whatwg.org/#windows-1252>.
const WINDOWS_1252: &str = "€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ";

fn from_utf16(body: &[u8]) -> Option<Vec<u8>> {
    let (rest, read): (_, fn([u8; 2]) -> u16) = match body {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        [_, 0, ..] => (body, u16::from_le_bytes),
        [0, _, ..] => (body, u16::from_be_bytes),
        _ => return None,
    };
    let units: Vec<u16> = rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().map(String::into_bytes)
}

fn to_utf16(body: &[u8], write: fn(u16) -> [u8; 2]) -> Option<Vec<u8>> {
    Some(str::from_utf8(body).ok()?.encode_utf16().flat_map(write).collect())
}

fn to_utf16_le(body: &[u8]) -> Option<Vec<u8>> {
    to_utf16(body, u16::to_le_bytes)
}

fn to_utf16_be(body: &[u8]) -> Option<Vec<u8>> {
    to_utf16(body, u16::to_be_bytes)
}
