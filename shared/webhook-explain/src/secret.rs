//! Hypotheses on the secret: how else it may be read, and whether another one verifies.

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

/// So many secrets are looked at.
pub const MOST_SECRETS: usize = 8;
/// Longer values are no secrets.
const LONGEST: usize = 8 << 10;
/// So many texts inside one JSON value are tried.
const MOST_TEXTS: usize = 32;

/// Members that are named. The name of any other may be a secret itself.
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

const STORE_AGAIN: &str = "Store the secret again, exactly as the provider shows it: `printf %s` adds no line break, `echo` does.";
const STORE_PLAIN: &str = "Store the secret itself, or the object {\"signing_secret\": \"…\"} with the secret as the provider shows it.";

/// A way in which a text may be meant.
struct Reading {
    cause: Cause,
    secret: Secret,
    detail: String,
    fix: &'static str,
}

/// Returns other readings of the given secrets, the simplest first, and the other secrets as they are.
pub(crate) fn changes(provider: &Provider, secrets: &[GivenSecret]) -> Vec<Change<Secret>> {
    let secrets = &secrets[..secrets.len().min(MOST_SECRETS)];
    let Some((current, others)) = secrets.split_first() else { return Vec::new() };
    let mut changes: Vec<Change<Secret>> = readings(provider, current)
        .into_iter()
        .map(|Reading { cause, secret, detail, fix }| Change::new(cause, secret, detail, fix))
        .collect();
    // After what concerns white space and quotes, and before rarer things.
    let simple = changes
        .iter()
        .filter(|change| matches!(change.cause, Cause::SecretWhitespace | Cause::SecretQuotes));
    let mut at = simple.count();
    for other in others {
        if let Ok(secret) = read(provider, other) {
            let label = quoted(&other.label);
            changes.insert(
                at,
                Change::new(
                    Cause::SecretOther,
                    secret,
                    format!("It is signed with the secret of {label}, not with that of {}.", quoted(&current.label)),
                    format!(
                        "Store the secret of {label} as the receiver's current one, or keep it as the previous version while \
                         the provider changes over; check that it is the secret of this endpoint and of this environment."
                    ),
                ),
            );
            at += 1;
        }
    }
    if let Ok(secret) = provider.key().read(&provider.key().write(DEVELOPMENT_SECRET)) {
        let detail = "It is signed with the public development secret of the samples, not with the given secret.";
        let fix = "Sign with the receiver's secret (--secret-file), or send it to a receiver in the emulator, which has the \
                   development secret.";
        changes.insert(at, Change::new(Cause::SecretOther, Secret::new(secret), detail, fix));
    }
    for other in others {
        changes.extend(readings(provider, other).into_iter().map(|reading| {
            let detail = format!(
                "It is signed with the secret of {}, read in another way. {}",
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
            let detail = "The stored secret has white space before or after it that the provider does not sign with.";
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
                "The sender signs with {what} after the secret, which the receiver does not have."
            );
            let fix = "Let the sender sign with the secret alone: it reads a file or a variable with a line break at its end.";
            self.text(cause, &longer, detail, fix);
        }
    }

    fn quotes(&mut self, text: &str) {
        const QUOTES: [char; 9] = ['"', '\'', '`', '“', '”', '‘', '’', '«', '»'];
        let cause = Cause::SecretQuotes;
        let detail = "The stored secret has quotes round it that the provider does not sign with.";
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
                "The sender signs with quotes round the secret, which the receiver does not have.";
            self.text(
                cause,
                &longer,
                detail,
                "Let the sender sign with the secret alone, without quotes.",
            );
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
                "The stored value is a JSON text from which the receiver does not read the secret: {place} is what the provider \
                 signs with."
            );
            for text in [text.as_str(), text.trim()] {
                self.text(cause, text, detail.clone(), STORE_PLAIN);
            }
        }
        for whole in [raw, raw.trim()] {
            let detail = "The sender signs with the whole JSON text, of which the receiver reads the member `signing_secret`.";
            let fix = "Let the sender sign with the value of `signing_secret` alone.";
            self.bytes(cause, whole.as_bytes(), detail, fix);
        }
    }

    /// Tries what one side decodes, and the other does not.
    fn encodings(&mut self, text: &str) {
        let text = text.trim();
        let cause = Cause::SecretEncoding;
        if let Some((_, value)) = text.split_once('=') {
            let value = value.trim().trim_matches(['"', '\'']);
            let detail = "The stored value is a whole assignment (NAME=secret), of which the secret is the part after `=`.";
            self.text(cause, value, detail, STORE_AGAIN);
        }
        if let Key::Base64AfterPrefix(prefix) = self.key {
            let with = Zeroizing::new(format!("{prefix}{text}"));
            let detail = format!(
                "The stored secret lacks the prefix `{prefix}` with which the provider shows it."
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
            let fix = "Store the secret exactly as the provider shows it, and let the sender use it as the provider documents.";
            self.bytes(
                cause,
                part.as_bytes(),
                format!("The sender signs with the text of the secret as it is{without}, and the receiver reads it in another way."),
                fix,
            );
            if let Ok(bytes) = hex::decode(part) {
                let bytes = Zeroizing::new(bytes);
                self.bytes(
                    cause,
                    &bytes,
                    format!("The sender signs with the bytes that the secret{without} spells in hexadecimal digits."),
                    fix,
                );
            }
            if let Some(bytes) = from_base64(part.as_bytes()) {
                let bytes = Zeroizing::new(bytes);
                self.bytes(
                    cause,
                    &bytes,
                    format!(
                        "The sender signs with the bytes that the secret{without} spells in base64."
                    ),
                    fix,
                );
            }
        }
        let fix = "Store the secret as the provider shows it, neither encoded nor decoded.";
        let (hex, base64) =
            (Zeroizing::new(hex::encode(text)), Zeroizing::new(BASE64_STANDARD.encode(text)));
        for (encoded, what) in [(hex, "hexadecimal digits"), (base64, "base64")] {
            let detail =
                format!("The sender signs with the text that spells the stored secret in {what}.");
            self.bytes(cause, encoded.as_bytes(), detail, fix);
        }
        for other in [text.to_lowercase(), text.to_uppercase()] {
            let other = Zeroizing::new(other);
            self.text(
                cause,
                &other,
                "The sender signs with the secret in other letters: capitals differ from small ones.",
                fix,
            );
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

/// Collects the texts in a JSON value with the names of their members.
fn collect(value: &Value, name: &str, texts: &mut Vec<(String, Zeroizing<String>)>) {
    match value {
        Value::String(text) if !text.is_empty() => {
            texts.push((name.to_owned(), Zeroizing::new(text.clone())))
        }
        Value::Number(number) => texts.push((name.to_owned(), Zeroizing::new(number.to_string()))),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, texts)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, name, texts))
        }
        Value::String(_) | Value::Null | Value::Bool(_) => {}
    }
}

/// What the secret is by its prefix, if that is not a signing secret.
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
            Some("a secret of test mode, and the delivery says that it is of live mode")
        }
        (false, true) if says("false") => {
            Some("a secret of live mode, and the delivery says that it is of test mode")
        }
        _ => None,
    }
}

/// Beginnings of well-known credentials that sign no webhook.
const KINDS: &[(&str, &str)] = &[
    ("sk_live_", "an API key (a secret key of live mode)"),
    ("sk_test_", "an API key (a secret key of test mode)"),
    ("rk_live_", "an API key (a restricted key of live mode)"),
    ("rk_test_", "an API key (a restricted key of test mode)"),
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
    ("xapp-", "a token of an app"),
    ("sq0atp-", "an access token"),
    ("sq0csp-", "a secret of an OAuth application"),
    ("EAAA", "an access token"),
    ("AKIA", "an AWS access key id"),
    ("eyJ", "a JSON web token"),
    ("Bearer ", "a bearer token"),
    ("-----BEGIN", "a PEM file"),
    ("http://", "a URL"),
    ("https://", "a URL"),
    ("arn:", "the ARN of a secret, not its value"),
];

/// Returns the cause of a value that the receiver cannot read a secret from.
pub(crate) fn unreadable(error: &SecretError) -> (Cause, &'static str) {
    match error {
        SecretError::NotJson | SecretError::NoMember => (Cause::SecretJson, STORE_PLAIN),
        SecretError::Empty => (Cause::SecretWhitespace, STORE_AGAIN),
        SecretError::NotText | SecretError::ByteOrderMark | SecretError::Spelling(_) => {
            (Cause::SecretEncoding, STORE_AGAIN)
        }
        // Of a store, which is not asked here.
        SecretError::Call(_)
        | SecretError::Development
        | SecretError::FailedLately
        | SecretError::PreviousUnreadable(_) => (Cause::Unknown, STORE_AGAIN),
    }
}
