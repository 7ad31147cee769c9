//! Signs a delivery again, and saves one as a sample in `events/<provider>/`, with its row in
//! `samples.json`.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::PoisonError,
    time::SystemTime,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use webhook_cli::{
    BodyEncoding, CliError, OutgoingDelivery, Sender, development_secret, development_url,
};
use webhook_verify::{
    Delivery as Received, Provider, Scheme, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    description::{TimeSource, Unsigned},
};

use crate::{delivery::Delivery, guard::Refusal, inspector::Inspector};

/// The file in each provider's folder that lists the samples.
const MANIFEST: &str = "samples.json";
/// 2026-11-21T12:00:00Z, the time at which all samples are sent.
const SENT_AT: UnixSeconds = UnixSeconds(1_795_262_400);
/// A time in 1997, which is outside every tolerance.
const STALE: UnixSeconds = UnixSeconds(860_860_860);
/// The secret that forgeries are signed with.
const NOT_THE_SECRET: &str = "not-the-development-secret";

/// Returns the delivery's headers, with its signature and time replaced: signed now, with the
/// development secret.
pub(crate) fn sign_again(
    provider: &'static Provider,
    delivery: &Delivery,
) -> Result<HeaderMap, CliError> {
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = UnixSeconds(i64::try_from(now).unwrap_or(i64::MAX));
    let secret = secret(provider, &development_secret(provider));
    let signed =
        OutgoingDelivery::sign(sender(provider, delivery), &secret, at, delivery.body.clone())?;
    let mut headers = delivery.headers.to_map();
    for scheme in provider.schemes() {
        let time = scheme.time.map(|time| time.source);
        let of_time = match time {
            Some(TimeSource::Header(names)) => names,
            Some(TimeSource::Label(_)) | None => &[],
        };
        for name in scheme.signature.header.iter().chain(of_time) {
            headers.remove(*name);
        }
    }
    for header in signed.signature_headers() {
        let name = HeaderName::from_bytes(header.name().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value())) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// Returns the sender for a delivery: with the scheme that it verified with, or else the provider's
/// newest, and with the ids from its headers.
fn sender(provider: &'static Provider, delivery: &Delivery) -> Sender {
    let header = |name: &str| {
        let mut values =
            delivery.headers.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        values
            .next()
            .and_then(|(_, value)| String::from_utf8(value).ok())
            .filter(|value| !value.is_empty())
    };
    let scheme = delivery.findings.scheme.as_deref().and_then(|name| provider.scheme(name));
    let newest = || provider.schemes().last().unwrap_or(&provider.schemes()[0]);
    let scheme: &'static Scheme = scheme.unwrap_or_else(newest);
    let delivery_id = scheme.facts.delivery_id.iter().find_map(|place| match place {
        Unsigned::Header(name) => header(name),
        Unsigned::Member(_) => None,
    });
    let id =
        scheme.signed_headers().next().and_then(|names| names.iter().find_map(|name| header(name)));
    Sender { delivery_id, id, ..Sender::new(provider, scheme) }
}

fn secret(provider: &Provider, text: &str) -> SigningSecret {
    provider
        .key()
        .read(text)
        .expect("the development secret is written as the provider writes its secrets")
}

/// Returns the paths of the provider's samples, relative to the folder that has `events/`.
pub(crate) fn list(root: &Path, provider: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join("events").join(provider)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|name| {
        Path::new(name).extension().is_some_and(|end| end == "json") && name != MANIFEST
    });
    let mut paths: Vec<_> = names.map(|name| format!("events/{provider}/{name}")).collect();
    paths.sort();
    paths
}

/// Writes the delivery as a new sample at `path`, and its row at the end of the manifest.
pub(crate) fn save(inspector: &Inspector, delivery: &Delivery, path: &str) -> Result<(), Refusal> {
    let _alone = inspector.samples.lock().unwrap_or_else(PoisonError::into_inner);
    let receiver = inspector.receiver(&delivery.provider);
    let provider = receiver
        .ok_or_else(|| conflict("the delivery's provider is no longer part of the stack"))?
        .provider;
    let (folder, name) = place(&inspector.setup.root, provider, path)?;
    let failed = |error: &dyn std::error::Error| conflict(format!("{}: {error}", folder.display()));
    let manifest = folder.join(MANIFEST);
    let text = fs::read_to_string(&manifest).map_err(|error| failed(&error))?;
    let rows: Vec<Value> = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    let Sample { event, row } = Sample::of(provider, delivery, &name, &rows)?;
    // This never writes through a link or over an existing file.
    let mut file = match OpenOptions::new().write(true).create_new(true).open(folder.join(&name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(conflict(format!("{path} already exists")));
        }
        Err(error) => return Err(failed(&error)),
    };
    let written = file.write_all(event.as_bytes()).and_then(|()| {
        let new = folder.join(format!(".{MANIFEST}.new"));
        fs::write(&new, with_row(&text, &row)).and_then(|()| fs::rename(new, &manifest))
    });
    written.map_err(|error| {
        // A file without a row would fail the samples test.
        let _ = fs::remove_file(folder.join(&name));
        failed(&error)
    })
}

/// Returns the folder and the file's name, if the path is `events/<provider>/<name>.json` and no
/// link leads elsewhere.
fn place(root: &Path, provider: &Provider, path: &str) -> Result<(PathBuf, String), Refusal> {
    let prefix = format!("events/{}/", provider.name());
    let expected = format!(
        "the path must be {prefix}<name>.json, with letters, digits, dots, dashes and underscores"
    );
    let refused = || Refusal::new(StatusCode::BAD_REQUEST, expected.clone());
    let name = path.strip_prefix(&prefix).ok_or_else(refused)?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let stem = name.strip_suffix(".json").unwrap_or_default();
    if !is_plain || stem.is_empty() || name.starts_with('.') || name.len() > 100 || name == MANIFEST
    {
        return Err(refused());
    }
    let folder = root.join("events").join(provider.name());
    let is_folder =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    if !is_folder(&root.join("events")) || !is_folder(&folder) {
        return Err(conflict(format!("{prefix} must be a folder, and not a link to one")));
    }
    if fs::symlink_metadata(folder.join(MANIFEST)).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(conflict(format!("{prefix}{MANIFEST} must be a file, and not a link to one")));
    }
    Ok((folder, name.to_owned()))
}

fn conflict(reason: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, reason)
}

/// A sample's file and its row in the manifest.
struct Sample {
    event: String,
    row: String,
}

impl Sample {
    /// Signs the delivery's body as the samples are signed, and finds how a receiver answers it.
    fn of(
        provider: &'static Provider,
        delivery: &Delivery,
        name: &str,
        rows: &[Value],
    ) -> Result<Self, Refusal> {
        let is_refused = delivery.findings.outcome == "unauthorized";
        let reason = delivery.findings.reason.as_deref().filter(|_| is_refused);
        let (text, at) = match reason {
            None if is_refused => {
                return Err(conflict(
                    "it is not known yet why this delivery was \
                                                       refused",
                ));
            }
            None => (development_secret(provider), SENT_AT),
            Some("signature_mismatch") => (provider.key().write(NOT_THE_SECRET), SENT_AT),
            Some("timestamp_too_old") => (development_secret(provider), STALE),
            Some(reason) => {
                return Err(conflict(format!(
                    "a delivery that was refused for {reason} cannot be saved: a sample is signed \
                     again, so it would not be refused for that"
                )));
            }
        };
        let signed = OutgoingDelivery::sign(
            sender(provider, delivery),
            &secret(provider, &text),
            at,
            delivery.body.clone(),
        )
        .map_err(|error| conflict(error.to_string()))?;
        let encoding = match str::from_utf8(signed.body()) {
            Ok(_) => BodyEncoding::Text,
            Err(_) => BodyEncoding::Base64,
        };
        let event =
            signed.to_lambda_event(encoding).map_err(|error| conflict(error.to_string()))?;
        let mut members =
            vec![("file", json!(name)), ("scheme", json!(signed.sender().scheme.name))];
        members.extend((reason == Some("signature_mismatch")).then_some(("forged", json!(true))));
        members.extend((encoding == BodyEncoding::Base64).then_some(("base64", json!(true))));
        members.extend((at != SENT_AT).then(|| ("signed_at", json!(at.0))));
        members.extend(signed.sender().delivery_id.as_ref().map(|id| ("delivery_id", json!(id))));
        members.extend(signed.sender().id.as_ref().map(|id| ("message_id", json!(id))));
        members.extend(answer(provider, &signed, rows)?);
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        Ok(Self { event, row: format!("  {{{}}}", members.join(", ")) })
    }
}

/// Returns, in the manifest's words, how a receiver with the development secret answers after it
/// has received the other samples.
fn answer(
    provider: &'static Provider,
    signed: &OutgoingDelivery,
    rows: &[Value],
) -> Result<Vec<(&'static str, Value)>, Refusal> {
    let headers = signed.headers();
    let received = Received::new(&headers, signed.body())
        .map_err(|_| conflict("the body is too large for a sample"))?;
    let secrets = SigningSecrets::new(secret(provider, &development_secret(provider)), None);
    let url = development_url(provider);
    let verified = provider.parse(received).and_then(|unverified| {
        unverified.verify(&secrets, SENT_AT, Tolerance::of(provider), Some(&url))
    });
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            return Ok(vec![("answer", json!("refused")), ("reason", json!(error.reason()))]);
        }
    };
    if let Some(challenge) = verified.challenge(&secrets) {
        let body: Value =
            serde_json::from_str(challenge.body()).map_err(|error| conflict(error.to_string()))?;
        return Ok(vec![("answer", json!("challenge")), ("body", body)]);
    }
    let Ok(event) = verified.event() else { return Ok(vec![("answer", json!("malformed"))]) };
    let is_there = rows.iter().any(|row| row["answer"] == "accepted" && row["id"] == event.id());
    let answer = if is_there { "duplicate" } else { "accepted" };
    Ok(vec![
        ("answer", json!(answer)),
        ("type", json!(event.event_type())),
        ("id", json!(event.id())),
    ])
}

/// Returns the manifest with one more row. The other rows keep their layout.
fn with_row(manifest: &str, row: &str) -> String {
    let rows = manifest.trim_end();
    let rows = rows.strip_suffix(']').unwrap_or(rows).trim_end();
    let comma = if rows.ends_with('[') { "" } else { "," };
    format!("{rows}{comma}\n{row}\n]\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Door, Findings, Headers, Response};

    #[test]
    fn a_new_row_leaves_the_others_as_they_are_written() {
        for (manifest, expected) in [
            ("[\n  {\"file\":  \"a.json\"}\n]\n", "[\n  {\"file\":  \"a.json\"},\n  {}\n]\n"),
            ("[]", "[\n  {}\n]\n"),
        ] {
            assert_eq!(with_row(manifest, "  {}"), expected);
        }
    }

    #[test]
    fn a_refused_delivery_is_not_saved_before_its_reason_is_known() {
        let provider = webhook_verify::providers::PROVIDERS[0];
        let body = webhook_verify::sign::example_body(&provider.schemes()[0], 1, 1);
        let delivery = Delivery {
            id: 1,
            at_ms: 0,
            provider: provider.name().to_owned(),
            door: Door::Stack,
            resent_from: None,
            headers: Headers::default(),
            body: body.into_bytes(),
            response: Response { status: 401, headers: Headers::default(), body: String::new() },
            duration_us: 0,
            findings: Findings { outcome: "unauthorized".to_owned(), ..Findings::default() },
        };
        let refused =
            Sample::of(provider, &delivery, "x.json", &[]).map(|_| ()).expect_err("is not known");
        assert_eq!(
            (refused.0, refused.1.as_str()),
            (StatusCode::CONFLICT, "it is not known yet why this delivery was refused")
        );
    }
}
