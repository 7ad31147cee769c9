//! Hypotheses about the secret: how else it may be read, and whether a different one verifies.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use webhook_ingest::{DEVELOPMENT_SECRET, SecretError};
use webhook_verify::{Key, Provider};
use zeroize::Zeroizing;

use crate::{
    GivenSecret,
    cause::Cause,
    change::Change,
    lenient::from_base64,
    trial::{Secret, read, stored_text},
    words::quoted,
};

/// The most secrets that are tried.
pub const MOST_SECRETS: usize = 8;
/// Longer values are not tried.
const LONGEST: usize = 8 << 10;
/// The most texts inside one JSON value that are tried.
const MOST_TEXTS: usize = 32;

/// JSON members that may be shown by name. Any other name may itself be a secret.
const MEMBERS: &[&str] = &[
    "key",
    "secret",
    "secret_key",
    "signingKey",
    "signingSecret",
    "signing_key",
    "signing_secret",
    "token",
    "value",
    "webhookSecret",
    "webhook_secret",
];

const STORE_AGAIN: &str = "Store the secret again, exactly as the provider shows it. (In a shell, \
                           printf %s adds no line break; echo does.)";
const STORE_PLAIN: &str = "Store the secret itself, or the object {\"signing_secret\": \"…\"} with \
                           the secret as the provider shows it.";

/// A way to read a stored secret.
struct Reading {
    cause: Cause,
    secret: Secret,
    detail: String,
    fix: &'static str,
}

/// Returns other readings of the given secrets, the simplest first, and the other secrets as given.
pub(crate) fn changes(provider: &Provider, secrets: &[GivenSecret]) -> Vec<Change<Secret>> {
    let secrets = &secrets[..secrets.len().min(MOST_SECRETS)];
    let Some((current, others)) = secrets.split_first() else { return Vec::new() };
    let mut changes: Vec<Change<Secret>> = readings(provider, current)
        .into_iter()
        .map(|Reading { cause, secret, detail, fix }| Change::new(cause, secret, detail, fix))
        .collect();
    // The other secrets come after white space and quotes, and before rarer causes.
    let simple = changes
        .iter()
        .filter(|change| matches!(change.cause, Cause::SecretWhitespace | Cause::SecretQuotes));
    let mut at = simple.count();
    for other in others {
        if let Ok(secret) = read(provider, other) {
            let (label, current) = (quoted(&other.label), quoted(&current.label));
            let detail =
                format!("It is signed with the secret in {label}, not with the one in {current}.");
            let fix = format!(
                "Store the secret in {label} as the receiver's current one, or as its previous \
                 version while the provider changes over. Check that it is the secret of this \
                 endpoint and of this environment."
            );
            changes.insert(at, Change::new(Cause::SecretOther, secret, detail, fix));
            at += 1;
        }
    }
    if let Ok(secret) = provider.key().read(&provider.key().write(DEVELOPMENT_SECRET)) {
        let detail = "It is signed with the public development secret of the samples, not with the \
                      given secret.";
        let fix = "Sign with the receiver's secret (--secret-file), or send the delivery to a \
                   receiver in the emulator, which has the development secret.";
        changes.insert(at, Change::new(Cause::SecretOther, Secret::new(secret), detail, fix));
    }
    for other in others {
        changes.extend(readings(provider, other).into_iter().map(|reading| {
            let detail = format!(
                "It is signed with the secret in {}, but read differently. {}",
                quoted(&other.label),
                reading.detail
            );
            Change::new(Cause::SecretOther, reading.secret, detail, reading.fix)
        }));
    }
    changes
}

/// Returns the other readings of one secret.
fn readings(provider: &Provider, given: &GivenSecret) -> Vec<Reading> {
    let mut all = Readings { key: provider.key(), found: Vec::new() };
    if given.value.len() <= LONGEST {
        all.read(given);
    }
    all.found
}

struct Readings {
    key: Key,
    found: Vec<Reading>,
}

impl Readings {
    fn read(&mut self, given: &GivenSecret) {
        let Ok(raw) = str::from_utf8(&given.value) else { return self.not_text(&given.value) };
        let stored = stored_text(given);
        let text = stored.as_ref().map_or_else(|_| Zeroizing::new(raw.to_owned()), Clone::clone);
        let is_json =
            raw.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '[']);
        if !is_json || stored.is_ok() {
            self.white_space(&text);
            self.quotes(&text);
        }
        if is_json {
            self.json(raw);
        }
        if !is_json || stored.is_ok() {
            self.encodings(&text);
        }
        if raw.starts_with('\u{feff}') {
            self.text(
                Cause::SecretEncoding,
                raw.trim_start_matches('\u{feff}').trim(),
                "The stored value begins with a byte-order mark, which is not part of the secret.",
                STORE_AGAIN,
            );
        }
    }

    /// Adds a text, read as the provider writes its secrets.
    fn text(&mut self, cause: Cause, text: &str, detail: impl Into<String>, fix: &'static str) {
        if let Ok(key) = self.key.read(text) {
            self.found.push(Reading {
                cause,
                secret: Secret::new(key),
                detail: detail.into(),
                fix,
            });
        }
    }

    /// Adds bytes as they are.
    fn bytes(&mut self, cause: Cause, bytes: &[u8], detail: impl Into<String>, fix: &'static str) {
        if let Some(secret) = Secret::of_key(bytes) {
            self.found.push(Reading { cause, secret, detail: detail.into(), fix });
        }
    }

    fn white_space(&mut self, text: &str) {
        let cause = Cause::SecretWhitespace;
        let is_blank = |character: char| {
            character.is_whitespace() || matches!(character, '\u{200b}' | '\u{feff}' | '\0')
        };
        if text.contains(is_blank) {
            let detail = "The stored secret has white space before or after it that the provider \
                          does not sign with.";
            self.text(cause, text.trim_matches(is_blank), detail, STORE_AGAIN);
            let without = Zeroizing::new(text.replace(is_blank, ""));
            let detail =
                "The stored secret has white space in it that the provider does not sign with.";
            self.text(cause, &without, detail, STORE_AGAIN);
        }
        for (added, what) in [
            ("\n", "a line break"),
            ("\r\n", "a line break (CRLF)"),
            (" ", "a space"),
            ("\r", "a carriage return"),
        ] {
            let longer = Zeroizing::new(format!("{text}{added}"));
            let detail = format!(
                "The sender signs with {what} after the secret, but the stored secret has none \
                 there."
            );
            let fix = "Have the sender sign with the secret alone. It probably reads a file or a \
                       variable that ends in white space.";
            self.text(cause, &longer, detail, fix);
        }
    }

    fn quotes(&mut self, text: &str) {
        const QUOTES: [char; 9] = ['"', '\'', '`', '“', '”', '‘', '’', '«', '»'];
        let cause = Cause::SecretQuotes;
        let detail = "The stored secret has quotes around it that the provider does not sign with.";
        let trimmed = text.trim();
        if let Ok(Value::String(inner)) = serde_json::from_str(trimmed) {
            self.text(cause, &Zeroizing::new(inner), detail, STORE_AGAIN);
        }
        if trimmed.starts_with(QUOTES) || trimmed.ends_with(QUOTES) {
            self.text(cause, trimmed.trim_matches(QUOTES), detail, STORE_AGAIN);
            self.text(cause, trimmed.trim_matches(QUOTES).trim(), detail, STORE_AGAIN);
        }
        for quote in ['"', '\''] {
            let longer = Zeroizing::new(format!("{quote}{text}{quote}"));
            let detail =
                "The sender signs with quotes around the secret, but the stored secret has none.";
            let fix = "Have the sender sign with the secret alone, without quotes.";
            self.text(cause, &longer, detail, fix);
        }
    }

    fn json(&mut self, raw: &str) {
        let cause = Cause::SecretJson;
        let raw = raw.trim_start_matches('\u{feff}');
        let mut texts = Vec::new();
        if let Ok(value) = serde_json::from_str(raw) {
            collect(&value, "", &mut texts);
        } else {
            let is_end =
                |character: char| character.is_whitespace() || "{}[]:,=\"'`".contains(character);
            let words = raw.split(is_end).filter(|word| word.len() >= 4);
            texts.extend(words.map(|word| (String::new(), Zeroizing::new(word.to_owned()))));
        }
        for (name, text) in texts.iter().take(MOST_TEXTS) {
            let place = match name.as_str() {
                "" => "a part of it".to_owned(),
                name if MEMBERS.contains(&name) => format!("its member {}", quoted(name)),
                _ => "one of its members".to_owned(),
            };
            let detail = format!(
                "The stored value looks like JSON, but is not in the form that the receiver reads. \
                 The provider signs with {place}."
            );
            for text in [text.as_str(), text.trim()] {
                self.text(cause, text, detail.clone(), STORE_PLAIN);
            }
        }
        for whole in [raw, raw.trim()] {
            let detail = "The sender signs with the whole JSON text, but the receiver uses only \
                          its member \"signing_secret\".";
            let fix = "Have the sender sign with the value of \"signing_secret\" alone.";
            self.bytes(cause, whole.as_bytes(), detail, fix);
        }
    }

    /// Adds readings for secrets that one side decodes and the other does not.
    fn encodings(&mut self, text: &str) {
        let text = text.trim();
        let cause = Cause::SecretEncoding;
        if let Some((_, value)) = text.split_once('=') {
            let value = value.trim().trim_matches(['"', '\'']);
            let detail = "The stored value is a whole assignment (NAME=secret). The secret is only \
                          the part after the equals sign.";
            self.text(cause, value, detail, STORE_AGAIN);
        }
        if let Key::Base64AfterPrefix(prefix) = self.key {
            let with = Zeroizing::new(format!("{prefix}{text}"));
            let detail = format!(
                "The stored secret lacks its prefix \"{prefix}\", which the provider shows with it."
            );
            self.text(cause, &with, detail, STORE_AGAIN);
        }
        let mut parts = vec![(text, "")];
        // `whsec_…`: a short word before the first or the last `_`.
        for at in [text.find('_'), text.rfind('_')]
            .into_iter()
            .flatten()
            .filter(|at| (1..=16).contains(at))
        {
            parts.push((&text[at + 1..], " without its prefix"));
        }
        for (part, without) in parts {
            let fix = "Store the secret exactly as the provider shows it, and have the sender use \
                       it as the provider documents.";
            let detail = format!(
                "The sender signs with the text of the secret{without}, but the receiver reads the \
                 secret differently."
            );
            self.bytes(cause, part.as_bytes(), detail, fix);
            let decoded = |from: &str| {
                format!(
                    "The sender signs with the secret{without}, decoded from {from}, but the \
                     receiver reads the secret differently."
                )
            };
            if let Ok(bytes) = hex::decode(part) {
                let bytes = Zeroizing::new(bytes);
                self.bytes(cause, &bytes, decoded("hexadecimal digits"), fix);
            }
            if let Some(bytes) = from_base64(part.as_bytes()) {
                let bytes = Zeroizing::new(bytes);
                self.bytes(cause, &bytes, decoded("base64"), fix);
            }
        }
        let fix = "Store the secret as the provider shows it, neither encoded nor decoded.";
        let (hex, base64) =
            (Zeroizing::new(hex::encode(text)), Zeroizing::new(BASE64_STANDARD.encode(text)));
        for (encoded, what) in [(hex, "hexadecimal digits"), (base64, "base64")] {
            let detail =
                format!("The sender signs with the stored secret, but first encodes it in {what}.");
            self.bytes(cause, encoded.as_bytes(), detail, fix);
        }
        for other in [text.to_lowercase(), text.to_uppercase()] {
            let other = Zeroizing::new(other);
            let detail = "The sender signs with the secret in lower or upper case, unlike the \
                          stored secret.";
            self.text(cause, &other, detail, fix);
        }
    }

    fn not_text(&mut self, value: &[u8]) {
        let fix = "Store the secret as text in UTF-8, without a byte-order mark.";
        for (mark, read) in [
            (b"\xff\xfe", u16::from_le_bytes as fn([u8; 2]) -> u16),
            (b"\xfe\xff", u16::from_be_bytes),
        ] {
            if let Some(rest) = value.strip_prefix(mark) {
                let units: Vec<u16> =
                    rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
                let text = Zeroizing::new(String::from_utf16_lossy(&units));
                self.text(
                    Cause::SecretEncoding,
                    text.trim(),
                    "The stored value is UTF-16 text.",
                    fix,
                );
            }
        }
        self.bytes(
            Cause::SecretEncoding,
            value,
            "The stored value is not text, and the sender signs with its bytes.",
            fix,
        );
    }
}

/// Collects the texts in a JSON value, each with the name of its member.
fn collect(value: &Value, name: &str, texts: &mut Vec<(String, Zeroizing<String>)>) {
    match value {
        Value::String(text) if !text.is_empty() => {
            texts.push((name.to_owned(), Zeroizing::new(text.clone())));
        }
        Value::Number(number) => texts.push((name.to_owned(), Zeroizing::new(number.to_string()))),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, texts)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, name, texts));
        }
        Value::String(_) | Value::Null | Value::Bool(_) => {}
    }
}

/// Returns what the secret looks like, if that is not a signing secret for this delivery.
pub(crate) fn kind(provider: &Provider, given: &GivenSecret, body: &[u8]) -> Option<&'static str> {
    let text = str::from_utf8(&given.value).ok()?.trim().trim_matches(['"', '\'']);
    if let Key::Base64AfterPrefix(prefix) = provider.key()
        && text.starts_with(prefix)
    {
        return None;
    }
    if let Some((_, what)) = KINDS.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        return Some(what);
    }
    let is_test = ["_test_", "test_", "sandbox"].iter().any(|word| text.contains(word));
    let is_live = ["_live_", "live_", "production"].iter().any(|word| text.contains(word));
    let says = |mode: &str| {
        let compact: Vec<u8> =
            body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let wanted = format!("\"livemode\":{mode}");
        compact.windows(wanted.len()).any(|part| part == wanted.as_bytes())
    };
    match (is_test, is_live) {
        (true, false) if says("true") => {
            Some("a test-mode secret, but the delivery says that it is from live mode")
        }
        (false, true) if says("false") => {
            Some("a live-mode secret, but the delivery says that it is from test mode")
        }
        _ => None,
    }
}

/// Prefixes of well-known values that do not sign webhooks.
const KINDS: &[(&str, &str)] = &[
    ("sk_live_", "an API key (a live-mode secret key)"),
    ("sk_test_", "an API key (a test-mode secret key)"),
    ("rk_live_", "an API key (a live-mode restricted key)"),
    ("rk_test_", "an API key (a test-mode restricted key)"),
    ("pk_live_", "a publishable API key"),
    ("pk_test_", "a publishable API key"),
    ("sk-", "an API key"),
    ("shpat_", "an access token of an app"),
    ("shppa_", "an access token of a private app"),
    ("ghp_", "a personal access token"),
    ("gho_", "an OAuth token"),
    ("ghs_", "an installation token"),
    ("github_pat_", "a personal access token"),
    ("xoxb-", "a bot token"),
    ("xoxp-", "a user token"),
    ("xapp-", "an app token"),
    ("sq0atp-", "an access token"),
    ("sq0csp-", "the secret of an OAuth application"),
    ("EAAA", "an access token"),
    ("AKIA", "an AWS access key ID"),
    ("eyJ", "a JSON Web Token"),
    ("Bearer ", "a bearer token"),
    ("-----BEGIN", "a PEM file"),
    ("http://", "a URL"),
    ("https://", "a URL"),
    ("arn:", "the ARN of a secret, not its value"),
];

/// Returns the cause and the fix for a stored value that the receiver cannot use.
pub(crate) fn unreadable(error: &SecretError) -> (Cause, &'static str) {
    match error {
        SecretError::NotJson | SecretError::NoMember => (Cause::SecretJson, STORE_PLAIN),
        SecretError::Empty => (Cause::SecretWhitespace, STORE_AGAIN),
        SecretError::NotText | SecretError::ByteOrderMark | SecretError::Spelling(_) => {
            (Cause::SecretEncoding, STORE_AGAIN)
        }
        // Only a call to Secrets Manager gives these, and none is made here.
        SecretError::Call(_)
        | SecretError::Development
        | SecretError::FailedLately
        | SecretError::PreviousUnreadable(_) => (Cause::Unknown, STORE_AGAIN),
    }
}
