//! Hypotheses on the body: what may have been signed in place of the bytes that came.

mod charset;
mod packed;
mod spelling;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use crate::{cause::Cause, change::Change, trial::is_object};

/// Several spellings of a larger body are not tried: each takes a copy.
pub(crate) const LARGEST: usize = webhook_verify::MAX_BODY_BYTES;

const RAW: &str =
    "Pass the body on byte for byte: verify and forward what came, before anything parses it.";

/// Returns other bodies, the simplest first. Each is made when it is asked for.
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

/// Makes a change of the bytes that `make` returns.
fn change(
    cause: Cause,
    detail: &'static str,
    fix: &'static str,
    make: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Change<Vec<u8>>> {
    make().map(|value| Change::new(cause, value, detail, fix))
}

type Maker<'b> = Box<dyn Fn() -> Vec<u8> + 'b>;

/// Line breaks and white space at the ends, and line breaks of the other kind inside.
fn white_space(body: &[u8]) -> impl Iterator<Item = Change<Vec<u8>>> {
    const EDITOR: &str = "Pass the body on byte for byte: an editor, a shell or a text mode adds or drops line breaks. With curl, \
                          send a file with --data-binary, not with --data.";
    let crlf = || {
        let lf = replaced(body, b"\r\n", b"\n");
        let crlf = replaced(&lf, b"\n", b"\r\n");
        (lf, crlf)
    };
    let end = |ending: &'static [u8]| move |body: &[u8]| [body.trim_ascii_end(), ending].concat();
    let makers: [(&'static str, Maker<'_>); 9] = [
        (
            "The signed body ends before the line break or white space at the end of the one that came.",
            Box::new(|| body.trim_ascii_end().to_vec()),
        ),
        (
            "The signed body has a line break at its end, which the one that came lacks.",
            Box::new(move || end(b"\n")(body)),
        ),
        (
            "The signed body ends in CRLF, and the one that came does not.",
            Box::new(move || end(b"\r\n")(body)),
        ),
        (
            "The body that came has white space round the signed one.",
            Box::new(|| body.trim_ascii().to_vec()),
        ),
        (
            "The signed body has line breaks without carriage returns: LF became CRLF.",
            Box::new(move || crlf().0),
        ),
        (
            "The signed body has line breaks with carriage returns: CRLF became LF.",
            Box::new(move || crlf().1),
        ),
        (
            "The signed body has no line breaks: some were added.",
            Box::new(|| without(body, |byte| matches!(byte, b'\r' | b'\n'))),
        ),
        ("The signed body has two line breaks at its end.", Box::new(move || end(b"\n\n")(body))),
        (
            "The signed body has a space at its end, which the one that came lacks.",
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

/// Says why an authentic body is not a JSON object, and how it would be one.
pub(crate) fn not_an_object(body: &[u8], content_type: Option<&str>) -> Change<()> {
    if packed::is_form(body, content_type) {
        let detail =
            "The delivery is authentic, and its body is a form: this receiver takes JSON objects.";
        let fix = "Choose the content type application/json for this webhook at the provider.";
        return Change::new(Cause::BodyForm, (), detail, fix);
    }
    for change in packed::changes(body).chain(charset::changes(body)) {
        if is_object(&change.value) {
            let what = match change.cause {
                Cause::BodyBase64 => "base64 of a JSON object",
                Cause::BodyCompressed => "a compressed JSON object",
                Cause::BodyForm => "a form with a JSON object in it",
                _ => "a JSON object in another encoding than UTF-8, or with a byte-order mark",
            };
            let detail = format!(
                "The delivery is authentic, and its body is {what}: this receiver takes JSON objects in UTF-8."
            );
            let fix = "Let the provider send the JSON object itself, as it is signed.";
            return Change::new(change.cause, (), detail, fix);
        }
    }
    let what = match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => match body.trim_ascii_start().first() {
            Some(b'{') => "is nested deeper than 128 levels",
            Some(b'[') => "is a JSON array",
            Some(b'"') => "is a JSON string",
            _ => "is a number, `true`, `false` or `null`",
        },
        Err(_) if body.trim_ascii().is_empty() => "is empty",
        Err(_) => "is not JSON by RFC 8259",
    };
    let detail = format!(
        "The delivery is authentic, and its body {what}: this receiver takes JSON objects."
    );
    Change::new(
        Cause::NotAnObject,
        (),
        detail,
        "Let the provider send JSON objects. A 400 is its answer to anything else, and nothing is queued.",
    )
}
