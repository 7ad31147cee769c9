//! Hypotheses about the body: what may have been signed instead of the bytes that came.

mod charset;
mod packed;
mod spelling;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use crate::{cause::Cause, change::Change, trial::is_object};

/// The largest body that could have been signed. Larger ones are not tried.
pub(crate) const LARGEST: usize = webhook_verify::MAX_BODY_BYTES;

const RAW: &str =
    "Verify and forward the body byte for byte as it came, before anything parses it.";

/// Returns changed bodies, the simplest change first. Each is made when the iterator gets to it.
pub(crate) fn changes(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    let random = RandomState::new();
    let mut known = HashSet::from([random.hash_one(body)]);
    white_space(body)
        .chain(packed::changes(body))
        .chain(charset::changes(body))
        .chain(spelling::changes(body))
        .filter(move |change| {
            change.value.len() <= LARGEST && known.insert(random.hash_one(&change.value))
        })
}

/// Returns a change to the bytes that `make` returns, if it returns any.
fn change(
    cause: Cause,
    detail: &'static str,
    fix: &'static str,
    make: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Change<Vec<u8>>> {
    make().map(|value| Change::new(cause, value, detail, fix))
}

type Maker<'b> = Box<dyn Fn() -> Vec<u8> + 'b>;

/// Returns the body with other white space at its ends, and with other line breaks.
fn white_space(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    const EDITOR: &str = "Pass the body on byte for byte. Editors, shells and text modes add or \
                          drop line breaks. With curl, send a file with --data-binary, not with \
                          --data.";
    let crlf = || {
        let lf = replaced(body, b"\r\n", b"\n");
        let crlf = replaced(&lf, b"\n", b"\r\n");
        (lf, crlf)
    };
    let end = |ending: &'static [u8]| move |body: &[u8]| [body.trim_ascii_end(), ending].concat();
    let makers: [(&'static str, Maker<'_>); 9] = [
        (
            "The body that came has a line break or other white space at its end that was not \
             signed.",
            Box::new(|| body.trim_ascii_end().to_vec()),
        ),
        (
            "The signed body ends in a line break, but the body that came does not.",
            Box::new(move || end(b"\n")(body)),
        ),
        (
            "The signed body ends in CRLF, but the body that came does not.",
            Box::new(move || end(b"\r\n")(body)),
        ),
        (
            "The body that came has white space around it that was not signed.",
            Box::new(|| body.trim_ascii().to_vec()),
        ),
        (
            "The signed body has LF line breaks. On the way they became CRLF.",
            Box::new(move || crlf().0),
        ),
        (
            "The signed body has CRLF line breaks. On the way they became LF.",
            Box::new(move || crlf().1),
        ),
        (
            "The signed body has no line breaks. Some were added on the way.",
            Box::new(|| without(body, |byte| matches!(byte, b'\r' | b'\n'))),
        ),
        (
            "The signed body ends in two line breaks, but the body that came does not.",
            Box::new(move || end(b"\n\n")(body)),
        ),
        (
            "The signed body ends in a space, but the body that came does not.",
            Box::new(move || end(b" ")(body)),
        ),
    ];
    makers
        .into_iter()
        .map(|(detail, make)| Change::new(Cause::BodyWhitespace, make(), detail, EDITOR))
}

fn replaced(body: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(byte) = rest.first() {
        if let Some(after) = rest.strip_prefix(old) {
            out.extend_from_slice(new);
            rest = after;
        } else {
            out.push(*byte);
            rest = &rest[1..];
        }
    }
    out
}

fn without(body: &[u8], is_dropped: fn(u8) -> bool) -> Vec<u8> {
    body.iter().copied().filter(|byte| !is_dropped(*byte)).collect()
}

/// Says why an authentic body is not a JSON object, and what to do about it.
pub(crate) fn not_an_object(body: &[u8], content_type: Option<&str>) -> Change<()> {
    if packed::is_form(body, content_type) {
        let detail = "The delivery is authentic, but its body is a form. The receiver takes only \
                      JSON objects.";
        let fix = "At the provider, set the content type of this webhook to application/json.";
        return Change::new(Cause::BodyForm, (), detail, fix);
    }
    for change in packed::changes(body).chain(charset::changes(body)) {
        if is_object(&change.value) {
            let what = match change.cause {
                Cause::BodyBase64 => "base64 of a JSON object",
                Cause::BodyCompressed => "a compressed JSON object",
                Cause::BodyForm => "a form with a JSON object in it",
                _ => "a JSON object that is not in UTF-8, or that has a byte-order mark",
            };
            let detail = format!(
                "The delivery is authentic, but its body is {what}. The receiver takes only JSON \
                 objects in UTF-8."
            );
            let fix = "Have the provider sign and send the JSON object itself.";
            return Change::new(change.cause, (), detail, fix);
        }
    }
    let what = match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => match body.trim_ascii_start().first() {
            Some(b'{') => "is nested deeper than 128 levels",
            Some(b'[') => "is a JSON array",
            Some(b'"') => "is a JSON string",
            _ => "is a number, true, false or null",
        },
        Err(_) if body.trim_ascii().is_empty() => "is empty",
        Err(_) => "is not valid JSON (RFC 8259)",
    };
    let detail = format!(
        "The delivery is authentic, but its body {what}. The receiver takes only JSON objects."
    );
    let fix = "Have the provider send JSON objects. The receiver answers 400 to anything else, and \
               queues nothing.";
    Change::new(Cause::NotAnObject, (), detail, fix)
}
