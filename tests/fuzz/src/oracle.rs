//! Judges a delivery by its description, slowly and obviously: the verdict to compare with.
//!
//! This shares the descriptions with the crate under test, but no line that reads them. Signatures
//! are compared as text: the right one is computed and encoded, and the one that was sent is never
//! decoded.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use webhook_verify::{
    Header, Provider, Scheme, Tolerance, UnixSeconds,
    catalogue::CATALOGUE,
    description::{Body, Encoding, Form, Hash, Message, Piece, TimeSource, TimeUnit},
    json::PythonForm,
    providers::PROVIDERS,
};

use crate::{
    python_form::last,
    reference::{Value, dumps, parse},
};

/// Every provider, deployed or in the catalogue.
pub(crate) fn providers() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().chain(CATALOGUE).copied()
}

/// What the headers say.
pub(crate) struct Reading<'h> {
    scheme: &'static Scheme,
    signatures: Vec<&'h str>,
    time: Option<(&'h str, i64)>,
}

/// Reads the headers, if they have the form that the provider sends.
pub(crate) fn read<'h>(provider: &'static Provider, headers: &'h [Header]) -> Option<Reading<'h>> {
    let value = text_of(headers, provider.schemes()[0].signature.header)?;
    let is_meant = |scheme: &&Scheme| match scheme.signature.form {
        Form::Prefixed(prefix) => value.starts_with(prefix),
        Form::Bare | Form::Labelled { .. } => true,
    };
    let scheme = provider.schemes().iter().find(is_meant)?;
    let labelled = |wanted: &str| -> Vec<&str> {
        let Form::Labelled { separator, assign, .. } = scheme.signature.form else {
            return Vec::new();
        };
        let starts = format!("{wanted}{assign}");
        value.split(separator).filter_map(|part| part.strip_prefix(&starts)).collect()
    };
    let signatures = match scheme.signature.form {
        Form::Bare => vec![value],
        Form::Prefixed(prefix) => vec![&value[prefix.len()..]],
        Form::Labelled { label, .. } => labelled(label),
    };
    if signatures.is_empty() || !signatures.iter().all(|digits| is_spelled(scheme, digits)) {
        return None;
    }
    let time = match scheme.time {
        None => None,
        Some(time) => {
            let text = match time.source {
                TimeSource::Header(names) => text_of(headers, names)?,
                TimeSource::Label(label) => match labelled(label)[..] {
                    [text] => text,
                    _ => return None,
                },
            };
            let count = whole_number(text)?;
            Some((text, if time.unit == TimeUnit::Milliseconds { count / 1000 } else { count }))
        }
    };
    // A signed header must not contain a text that separates it from the rest of the message.
    let pieces =
        scheme.messages.iter().flat_map(|message| message.before.iter().chain(message.after));
    let texts: Vec<&[u8]> = pieces
        .filter_map(
            |piece| if let Piece::Text(text) = piece { Some(text.as_bytes()) } else { None },
        )
        .collect();
    let is_apart = |value: &[u8]| {
        texts
            .iter()
            .all(|text| text.is_empty() || value.windows(text.len()).all(|part| part != *text))
    };
    let is_complete =
        scheme.signed_headers().all(|names| value_of(headers, names).is_some_and(is_apart));
    is_complete.then_some(Reading { scheme, signatures, time })
}

/// Returns the bytes of the body that were signed, if the delivery is authentic.
pub(crate) fn covered(
    provider: &'static Provider,
    headers: &[Header],
    body: &[u8],
    key: &[u8],
    url: &str,
    now: UnixSeconds,
) -> Option<Vec<u8>> {
    let reading = read(provider, headers)?;
    if let Some((_, at)) = reading.time {
        let past = i64::try_from(Tolerance::of(provider).past.as_secs()).expect("less than an age");
        if !(now.0 - past..=now.0 + 300).contains(&at) {
            return None;
        }
    }
    reading.scheme.messages.iter().find_map(|message| {
        let signed = signed_part(message, body)?;
        let mut whole = Vec::new();
        for piece in message.before {
            whole.extend(piece_of(*piece, &reading, headers, url));
        }
        whole.extend(&signed);
        for piece in message.after {
            whole.extend(piece_of(*piece, &reading, headers, url));
        }
        let right = spelled(reading.scheme, &whole, key);
        reading.signatures.contains(&right.as_str()).then_some(signed)
    })
}

/// Returns the part of the body that a message signs, in the form that is signed.
pub(crate) fn signed_part(message: &Message, body: &[u8]) -> Option<Vec<u8>> {
    match message.body {
        Body::Raw => Some(body.to_vec()),
        Body::PythonForm(form) => python(body, form, |value| Some(value)),
        Body::PythonFormOfMember(name, form) => python(body, form, |value| last(value, name)),
    }
}

fn python(
    body: &[u8],
    form: PythonForm,
    choose: impl Fn(&Value) -> Option<&Value>,
) -> Option<Vec<u8>> {
    let (value, facts) = parse(body, 128).ok()?;
    let compact = form == PythonForm::Compact;
    let refused = facts.duplicate_key
        || facts.infinite
        || facts.long_integer
        || (compact && facts.lone_surrogate);
    let chosen = choose(&value).filter(|_| !refused)?;
    Some(dumps(chosen, compact).into_bytes())
}

fn piece_of(piece: Piece, reading: &Reading<'_>, headers: &[Header], url: &str) -> Vec<u8> {
    match piece {
        Piece::Text(text) => text.into(),
        Piece::Timestamp => reading.time.expect("the scheme has a time").0.into(),
        Piece::Header(names) => value_of(headers, names).expect("`read` has found it").into(),
        Piece::PublicUrl => url.into(),
    }
}

fn spelled(scheme: &Scheme, message: &[u8], key: &[u8]) -> String {
    let tag = match scheme.signature.hash {
        Hash::Sha1 => mac::<Hmac<Sha1>>(message, key),
        Hash::Sha256 => mac::<Hmac<Sha256>>(message, key),
        Hash::Sha512 => mac::<Hmac<Sha512>>(message, key),
    };
    match scheme.signature.encoding {
        Encoding::Hex => hex::encode(tag),
        Encoding::Base64 => BASE64_STANDARD.encode(tag),
        Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(tag),
    }
}

fn mac<M: Mac + KeyInit>(message: &[u8], key: &[u8]) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key)
        .expect("any length")
        .chain_update(message)
        .finalize()
        .into_bytes()
        .to_vec()
}

/// Returns whether this is the only spelling of a signature: decoding and encoding base64 must give
/// it again.
fn is_spelled(scheme: &Scheme, digits: &str) -> bool {
    let length = match scheme.signature.hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha512 => 64,
    };
    match scheme.signature.encoding {
        Encoding::Hex => {
            digits.len() == 2 * length
                && digits.bytes().all(|digit| b"0123456789abcdef".contains(&digit))
        }
        Encoding::Base64 => {
            let tag = BASE64_STANDARD.decode(digits).unwrap_or_default();
            tag.len() == length && BASE64_STANDARD.encode(tag) == digits
        }
        Encoding::Base64Url => {
            let tag = BASE64_URL_SAFE_NO_PAD.decode(digits).unwrap_or_default();
            tag.len() == length && BASE64_URL_SAFE_NO_PAD.encode(tag) == digits
        }
    }
}

/// Reads a number that has only digits and fits 63 bits.
fn whole_number(text: &str) -> Option<i64> {
    let significant = text.trim_start_matches('0');
    let longest = i64::MAX.to_string();
    let fits = significant.len() < longest.len()
        || (significant.len() == longest.len() && *significant <= *longest);
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) && fits;
    is_number
        .then(|| significant.bytes().fold(0, |count, digit| count * 10 + i64::from(digit - b'0')))
}

fn text_of<'h>(headers: &'h [Header], names: &[&str]) -> Option<&'h str> {
    str::from_utf8(value_of(headers, names)?).ok()
}

/// Returns the value of the header with one of these names, if there is exactly one.
pub(crate) fn value_of<'h>(headers: &'h [Header], names: &[&str]) -> Option<&'h [u8]> {
    let is_it = |header: &&Header| names.contains(&header.name().to_ascii_lowercase().as_str());
    let found: Vec<_> = headers.iter().filter(is_it).collect();
    if let [header] = found[..] { Some(header.value()) } else { None }
}
