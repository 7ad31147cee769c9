//! Hypotheses about bodies inside something else: base64, a compressed stream, a form, a JSON
//! string.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{Change, LARGEST, RAW, change};
use crate::{cause::Cause, lenient};

const BASE64: &str = "Decode the body if the event says isBase64Encoded, and only then. The API's \
                      binary media types and mapping templates must not change it.";
const COMPRESSED: &str = "Verify the bytes that the provider signs: nothing on the way may \
                          compress or decompress the body, and the sender must sign what it sends.";
const FORM: &str = "At the provider, set the content type of this webhook to application/json. \
                    Nothing on the way may turn the body into a form.";

/// Returns what the body contains, and what it may have been taken out of.
pub(super) fn changes(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    type Maker = fn(&[u8]) -> Option<Vec<u8>>;
    let makers: [(Cause, &'static str, &'static str, Maker); 13] = [
        (Cause::BodyBase64, "The body that came is the signed one in base64.", BASE64, from_base64),
        (
            Cause::BodyBase64,
            "The body that came is the signed one, encoded in base64 twice.",
            BASE64,
            from_base64_twice,
        ),
        (
            Cause::BodyBase64,
            "The signed body is the base64 of the one that came.",
            BASE64,
            |body| Some(BASE64_STANDARD.encode(body).into_bytes()),
        ),
        (
            Cause::BodyCompressed,
            "The body that came is the signed one, compressed (gzip).",
            COMPRESSED,
            from_gzip,
        ),
        (
            Cause::BodyCompressed,
            "The body that came is the signed one, compressed (zlib).",
            COMPRESSED,
            from_zlib,
        ),
        (
            Cause::BodyCompressed,
            "The body that came is the signed one, compressed (deflate).",
            COMPRESSED,
            from_deflate,
        ),
        (
            Cause::BodyCompressed,
            "The body that came is the signed one, compressed and then encoded in base64.",
            COMPRESSED,
            from_base64_of_gzip,
        ),
        (
            Cause::BodyForm,
            "The body that came is a form, and its first field holds the signed one.",
            FORM,
            from_form,
        ),
        (
            Cause::BodyForm,
            "The body that came is the signed one, percent-encoded.",
            FORM,
            from_percent,
        ),
        (
            Cause::BodyForm,
            "The signed body is a form whose field \"payload\" holds the one that came.",
            FORM,
            |body| Some(to_form(body, true)),
        ),
        (
            Cause::BodyForm,
            "The signed body is a form whose field \"payload\" holds the one that came.",
            FORM,
            |body| Some(to_form(body, false)),
        ),
        (
            Cause::BodyReserialized,
            "The body that came is a JSON string that holds the signed one.",
            RAW,
            from_json_string,
        ),
        (
            Cause::BodyReserialized,
            "The signed body is a JSON string that holds the one that came.",
            RAW,
            to_json_string,
        ),
    ];
    makers
        .into_iter()
        .filter_map(move |(cause, detail, fix, make)| change(cause, detail, fix, || make(body)))
}

fn from_base64(body: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digits =
        digits.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(&digits);
    if digits.len() < 2 {
        return None;
    }
    lenient::from_base64(digits)
}

fn from_base64_twice(body: &[u8]) -> Option<Vec<u8>> {
    from_base64(&from_base64(body)?)
}

/// Decompresses a stream, or returns `None` if it holds more than any signed body: a small stream
/// may hold gigabytes.
fn limited(stream: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    stream.take(LARGEST as u64 + 1).read_to_end(&mut out).ok()?;
    (!out.is_empty() && out.len() <= LARGEST).then_some(out)
}

fn from_gzip(body: &[u8]) -> Option<Vec<u8>> {
    body.starts_with(b"\x1f\x8b").then(|| limited(MultiGzDecoder::new(body))).flatten()
}

fn from_zlib(body: &[u8]) -> Option<Vec<u8>> {
    (body.first()? & 0x0f == 8).then(|| limited(ZlibDecoder::new(body))).flatten()
}

fn from_deflate(body: &[u8]) -> Option<Vec<u8>> {
    limited(DeflateDecoder::new(body))
}

fn from_base64_of_gzip(body: &[u8]) -> Option<Vec<u8>> {
    let inner = from_base64(body)?;
    from_gzip(&inner).or_else(|| from_zlib(&inner))
}

/// Returns whether the body is a form, by its content type or by its look: names and values without
/// brackets.
pub(super) fn is_form(body: &[u8], content_type: Option<&str>) -> bool {
    let says_so =
        content_type.is_some_and(|value| value.to_ascii_lowercase().contains("form-urlencoded"));
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"{}[]\"<>".contains(byte);
    let looks_so = body.contains(&b'=') && body.iter().all(is_plain) && from_base64(body).is_none();
    (says_so && !body.trim_ascii_start().starts_with(b"{")) || looks_so
}

fn from_form(body: &[u8]) -> Option<Vec<u8>> {
    let at = body.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&body[..at], &body[at + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-%[].".contains(byte);
    if !name.iter().all(is_name) {
        return None;
    }
    let end = value.iter().position(|byte| *byte == b'&').unwrap_or(value.len());
    // If the body was sent as the name of a field without a value, it ends in `=`.
    if value.is_empty() {
        Some(percent_decoded(name))
    } else {
        Some(percent_decoded(&value[..end]))
    }
}

fn from_percent(body: &[u8]) -> Option<Vec<u8>> {
    let body = body.strip_suffix(b"=").unwrap_or(body);
    body.contains(&b'%').then(|| percent_decoded(body))
}

/// Decodes a part of a form, in which `+` is a space.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let digits =
            after.get(..2).filter(|_| *byte == b'%').and_then(|digits| hex::decode(digits).ok());
        if let Some([decoded]) = digits.as_deref() {
            out.push(*decoded);
            rest = &after[2..];
        } else {
            out.push(if *byte == b'+' { b' ' } else { *byte });
            rest = after;
        }
    }
    out
}

/// Encodes the body as browsers encode forms (a space is `+`), or as they encode parts of a URL.
fn to_form(body: &[u8], space_is_plus: bool) -> Vec<u8> {
    let mut out = b"payload=".to_vec();
    for byte in body {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(*byte),
            b'~' | b'!' | b'*' | b'\'' | b'(' | b')' if !space_is_plus => out.push(*byte),
            b' ' if space_is_plus => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

fn from_json_string(body: &[u8]) -> Option<Vec<u8>> {
    body.trim_ascii_start()
        .starts_with(b"\"")
        .then(|| serde_json::from_slice::<String>(body).ok())?
        .map(String::into_bytes)
}

fn to_json_string(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::to_vec(str::from_utf8(body).ok()?).ok()
}
