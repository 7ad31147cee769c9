//! Hypotheses about the headers: names, repetitions, and how the signature is written.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use webhook_verify::{
    Header, Provider, Scheme,
    description::{Encoding, Form, Hash, HeaderNames, TimeSource},
};

use crate::{cause::Cause, change::Change, lenient::from_base64, time, words::quoted};

/// The most headers whose names are compared with that of a missing one.
const MOST_HEADERS: usize = 200;
/// The most of them that are tried in its place.
const MOST_NEAR: usize = 4;
/// The most signatures in one header that are tried.
const MOST_SIGNATURES: usize = 8;
/// Longer values are not tried.
const LONGEST: usize = 8 << 10;

const KEEP: &str = "Proxies, gateways and mapping templates must pass the header on under its own \
                    name and with its value unchanged.";
const AS_DOCUMENTED: &str = "Have the sender write the header as the provider documents it. \
                             Nothing on the way may change it.";
pub(crate) const ONCE: &str = "Every hop must pass the header on exactly once: of two values, a \
                               proxy and the receiver may read different ones.";

/// Returns the headers that a delivery of this scheme must have exactly once.
fn required(scheme: &Scheme) -> Vec<HeaderNames> {
    let mut all = vec![scheme.signature.header];
    if let Some(TimeSource::Header(names)) = scheme.time.map(|time| time.source) {
        all.push(names);
    }
    all.extend(scheme.signed_headers());
    all
}

/// Returns those headers for all schemes of a provider.
pub(crate) fn required_of(provider: &Provider) -> Vec<HeaderNames> {
    let mut all: Vec<HeaderNames> = Vec::new();
    for names in provider.schemes().iter().flat_map(required) {
        if !all.contains(&names) {
            all.push(names);
        }
    }
    all
}

/// Returns whether the header has one of these names.
pub(crate) fn has_name(header: &Header, names: HeaderNames) -> bool {
    names.iter().any(|name| header.name().eq_ignore_ascii_case(name))
}

/// Returns the value of the first header with one of these names, if it is text.
pub(crate) fn value<'h>(headers: &'h [Header], names: &[&str]) -> Option<&'h str> {
    let is_named =
        |header: &&Header| names.iter().any(|name| header.name().eq_ignore_ascii_case(name));
    headers.iter().find(is_named).and_then(|header| str::from_utf8(header.value()).ok())
}

/// Returns changed headers, the simplest change first.
pub(crate) fn changes(provider: &'static Provider, headers: &[Header]) -> Vec<Change<Vec<Header>>> {
    let mut changes = renamed(provider, headers);
    changes.extend(once(provider, headers));
    changes.extend(time::changes(provider, headers));
    changes.extend(respelled(provider, headers));
    changes
}

/// Renames headers that may be missing ones under a similar name.
fn renamed(provider: &Provider, headers: &[Header]) -> Vec<Change<Vec<Header>>> {
    let mut changes = Vec::new();
    for scheme in provider.schemes() {
        let missing: Vec<HeaderNames> = required(scheme)
            .into_iter()
            .filter(|names| !headers.iter().any(|header| has_name(header, names)))
            .collect();
        let mut best = (headers.to_vec(), Vec::new());
        for names in &missing {
            for (rank, index) in near(provider, headers, names).into_iter().enumerate() {
                let sentence =
                    format!("{} came as {}", quoted(names[0]), quoted(headers[index].name()));
                if missing.len() == 1 {
                    let mut other = headers.to_vec();
                    other[index] = Header::new(names[0], headers[index].value());
                    changes.push(Change::new(
                        Cause::HeaderMissing,
                        other,
                        format!("A header was renamed: {sentence}."),
                        KEEP,
                    ));
                } else if rank == 0 {
                    best.0[index] = Header::new(names[0], headers[index].value());
                    best.1.push(sentence);
                }
            }
        }
        if !best.1.is_empty() {
            let detail = format!("Headers were renamed: {}.", best.1.join(", "));
            changes.push(Change::new(Cause::HeaderMissing, best.0, detail, KEEP));
        }
    }
    changes
}

/// Returns the headers whose names are similar to that of a missing one, the nearest first.
fn near(provider: &Provider, headers: &[Header], names: HeaderNames) -> Vec<usize> {
    let taken = required_of(provider);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (index, header) in headers.iter().take(MOST_HEADERS).enumerate() {
        if taken.iter().any(|names| has_name(header, names)) || header.name().len() > 128 {
            continue;
        }
        if let Some(distance) = names.iter().filter_map(|name| distance(header.name(), name)).min()
        {
            found.push((distance, index));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, index)| index).take(MOST_NEAR).collect()
}

/// Returns how far a name is from the wanted one, if they are similar.
fn distance(name: &str, wanted: &str) -> Option<usize> {
    let (name, wanted) = (plain(name), plain(wanted));
    if name == wanted {
        return Some(0);
    }
    let is_part =
        name.len() >= 6 && wanted.len() >= 6 && (name.contains(&wanted) || wanted.contains(&name));
    let edits = edits(&name, &wanted);
    if edits <= 2 && wanted.len() >= 5 {
        Some(edits)
    } else if is_part {
        Some(3 + name.len().abs_diff(wanted.len()))
    } else {
        None
    }
}

/// Drops what programs add to a name or change in it, as in `HTTP_X_SIGNATURE`.
fn plain(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let name = name.strip_prefix("http").unwrap_or(&name);
    name.strip_prefix('x').unwrap_or(name).to_owned()
}

/// Returns the Levenshtein distance.
fn edits(one: &str, other: &str) -> usize {
    let other = other.as_bytes();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, byte) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for at in 0..other.len() {
            let changed = diagonal + usize::from(byte != other[at]);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Returns the names that are similar to that of a missing header.
pub(crate) fn near_names(provider: &Provider, headers: &[Header], missing: &str) -> Vec<String> {
    let Some(names) = required_of(provider).into_iter().find(|names| names.contains(&missing))
    else {
        return Vec::new();
    };
    near(provider, headers, names).into_iter().map(|index| quoted(headers[index].name())).collect()
}

/// Keeps one of several headers of the same name, or one of several values that a proxy has joined.
fn once(provider: &Provider, headers: &[Header]) -> Vec<Change<Vec<Header>>> {
    let mut changes = Vec::new();
    for names in required_of(provider) {
        let places: Vec<usize> = headers
            .iter()
            .enumerate()
            .filter(|(_, header)| has_name(header, names))
            .map(|(index, _)| index)
            .collect();
        if places.len() > 1 {
            for kept in places.iter().take(4) {
                let others = |(index, header): (usize, &Header)| {
                    (index == *kept || !places.contains(&index)).then(|| header.clone())
                };
                let other = headers.iter().enumerate().filter_map(others).collect();
                let detail = format!(
                    "The header {} came {} times. One of its values verifies.",
                    quoted(names[0]),
                    places.len()
                );
                changes.push(Change::new(Cause::HeaderRepeated, other, detail, ONCE));
            }
        } else if let [place] = places[..]
            && let Ok(text) = str::from_utf8(headers[place].value())
            && text.len() <= LONGEST
        {
            for (at, comma) in text.match_indices(',').take(MOST_SIGNATURES) {
                for part in [&text[..at], &text[at + comma.len()..]] {
                    let mut other = headers.to_vec();
                    other[place] = Header::new(names[0], part.trim());
                    let detail = format!(
                        "Several values of the header {} were joined by commas.",
                        quoted(names[0])
                    );
                    changes.push(Change::new(Cause::HeaderRepeated, other, detail, ONCE));
                }
            }
        }
    }
    changes
}

/// Writes each signature in the header as each scheme of the provider writes it. A repeated header
/// is left alone: it is refused in any form.
pub(crate) fn respelled(
    provider: &'static Provider,
    headers: &[Header],
) -> Vec<Change<Vec<Header>>> {
    let mut changes: Vec<Change<Vec<Header>>> = Vec::new();
    let names = provider.schemes()[0].signature.header;
    let mut places = headers.iter().enumerate().filter(|(_, header)| has_name(header, names));
    let (Some((place, header)), None) = (places.next(), places.next()) else { return changes };
    let Ok(text) = str::from_utf8(header.value()) else { return changes };
    if text.len() > LONGEST {
        return changes;
    }
    for scheme in provider.schemes() {
        for found in signatures(text, scheme.signature.hash).into_iter().take(MOST_SIGNATURES) {
            let digits = spelled(scheme.signature.encoding, &found.tag);
            let Some(value) = written(scheme, text, &digits) else { continue };
            if value == text {
                continue;
            }
            let mut other = headers.to_vec();
            other[place] = Header::new(header.name(), value);
            let name = quoted(names[0]);
            let change = if found.text == digits {
                let detail = format!(
                    "The text around the signature in the header {name} is missing or wrong: {}.",
                    form(scheme)
                );
                Change::new(Cause::SignaturePrefix, other, detail, AS_DOCUMENTED)
            } else {
                let wanted = encoding(scheme.signature.encoding);
                let detail = format!(
                    "The signature in the header {name} is encoded in {}, but {} sends {wanted}.",
                    found.spelling, scheme.name
                );
                Change::new(Cause::SignatureEncoding, other, detail, AS_DOCUMENTED)
            };
            changes.push(change);
        }
    }
    changes
}

/// A signature in a header.
struct Found<'v> {
    text: &'v str,
    tag: Vec<u8>,
    spelling: &'static str,
}

/// Returns the parts of a header's value that can be a signature of this hash.
fn signatures(value: &str, hash: Hash) -> Vec<Found<'_>> {
    let length = match hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha512 => 64,
    };
    let is_separator = |character: char| {
        character.is_whitespace() || matches!(character, ',' | ';' | '"' | '\'' | '<' | '>')
    };
    let mut all: Vec<Found<'_>> = Vec::new();
    for part in value.split(is_separator).filter(|part| part.len() >= length) {
        let after = |mark: char| part.split_once(mark).map(|(_, rest)| rest);
        for text in [Some(part), after('='), after(':'), after('_')].into_iter().flatten() {
            if let Some((tag, spelling)) = decoded(text, length)
                && !all.iter().any(|found| found.tag == tag)
            {
                all.push(Found { text, tag, spelling });
            }
        }
    }
    all
}

/// Decodes a signature, and names its encoding.
fn decoded(text: &str, length: usize) -> Option<(Vec<u8>, &'static str)> {
    let hex = |text: &[u8]| hex::decode(text).ok().filter(|tag| tag.len() == length);
    if let Some(tag) = hex(text.strip_prefix("0x").unwrap_or(text).as_bytes()) {
        let has_capitals = text.bytes().any(|digit| digit.is_ascii_uppercase());
        return Some((
            tag,
            if has_capitals { "uppercase hexadecimal digits" } else { "hexadecimal digits" },
        ));
    }
    let is_url = text.contains(['-', '_']);
    let bytes = from_base64(text.as_bytes())?;
    if let Some(tag) = hex(&bytes) {
        return Some((tag, "base64 of hexadecimal digits"));
    }
    let spelling = match (is_url, text.ends_with('=')) {
        (true, _) => "URL-safe base64",
        (false, true) => "base64",
        (false, false) => "base64 without padding",
    };
    (bytes.len() == length).then_some((bytes, spelling))
}

fn spelled(encoding: Encoding, tag: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(tag),
        Encoding::Base64 => BASE64_STANDARD.encode(tag),
        Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(tag),
    }
}

fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Hex => "lowercase hexadecimal digits",
        Encoding::Base64 => "base64 with padding",
        Encoding::Base64Url => "URL-safe base64 without padding",
    }
}

/// Says how a scheme writes its header.
pub(crate) fn form(scheme: &Scheme) -> String {
    let name = scheme.name;
    match scheme.signature.form {
        Form::Bare => format!("{name} sends the signature alone"),
        Form::Prefixed(prefix) => format!("{name} sends \"{prefix}<signature>\""),
        Form::Labelled { separator, assign, label } => match scheme.time.map(|time| time.source) {
            Some(TimeSource::Label(time)) => {
                let time = format!("{time}{assign}<time>");
                format!("{name} sends \"{time}{separator}{label}{assign}<signature>\"")
            }
            Some(TimeSource::Header(_)) | None => {
                format!("{name} sends \"{label}{assign}<signature>\"")
            }
        },
    }
}

/// Writes a signature into a header, with the time from `value` if the scheme has a time there.
fn written(scheme: &Scheme, value: &str, digits: &str) -> Option<String> {
    Some(match scheme.signature.form {
        Form::Bare => digits.to_owned(),
        Form::Prefixed(prefix) => format!("{prefix}{digits}"),
        Form::Labelled { separator, assign, label } => match scheme.time.map(|time| time.source) {
            Some(TimeSource::Label(of_time)) => {
                let is_time = |part: &&str| {
                    (9..=16).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
                };
                let time = value
                    .split(|character: char| !character.is_ascii_alphanumeric())
                    .find(is_time)?;
                format!("{of_time}{assign}{time}{separator}{label}{assign}{digits}")
            }
            Some(TimeSource::Header(_)) | None => format!("{label}{assign}{digits}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::GITHUB;

    use super::*;

    #[test]
    fn a_repeated_signature_header_is_not_rewritten() {
        let header = Header::new(GITHUB.schemes()[0].signature.header[0], "AB".repeat(32));
        assert_eq!(respelled(GITHUB, std::slice::from_ref(&header)).len(), 1);
        assert_eq!(respelled(GITHUB, &[header.clone(), header]).len(), 0);
    }
}
