//! What commands read: bodies, secrets, names of resources.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use webhook_aws::{Environment, InvalidName};
use webhook_explain::GivenSecret;
use webhook_ingest::{SecretError, StoredSecret, stored_secret_text};
use webhook_verify::{Provider, SigningSecret};
use zeroize::Zeroizing;

use crate::{error::CliError, provider::development_secret, terminal::notice};

/// The environment variable with the signing secret.
pub(crate) const SECRET_VARIABLE: &str = "WEBHOOK_SIGNING_SECRET";

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Which secret signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SecretSource {
    /// One that the user named.
    Named,
    /// The public development secret.
    Development,
}

/// Reads a body, byte for byte.
pub(crate) fn body(path: Option<&Path>) -> Result<Vec<u8>, CliError> {
    match path {
        Some(path) if path.as_os_str() != STDIN => read(path),
        Some(_) | None => {
            let mut stdin = io::stdin().lock();
            if stdin.is_terminal() {
                notice("Reading the body from the terminal: end it with Ctrl-D, or name a file.");
            }
            let mut body = Vec::new();
            stdin.read_to_end(&mut body).map_err(CliError::Stdin)?;
            Ok(body)
        }
    }
}

/// Returns the file's secret, else the environment's, else the development secret.
pub(crate) fn signing_secret(
    provider: &Provider,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(SigningSecret, SecretSource), CliError> {
    let development = development_secret(provider);
    let (text, origin) = match named_secret(file, environment)? {
        Some(named) => named,
        None => (Zeroizing::new(development.clone()), String::new()),
    };
    let source = if *text == development { SecretSource::Development } else { SecretSource::Named };
    let secret = provider
        .key()
        .read(&text)
        .map_err(|error| CliError::Secret { origin, reason: SecretError::Spelling(error) })?;
    Ok((secret, source))
}

/// Returns the files' secrets, else the environment's, else the development secret. They stay as
/// they are stored, because `explain` looks for faults in them.
pub(crate) fn given_secrets(
    provider: &Provider,
    files: &[PathBuf],
    environment: &Environment,
) -> Result<Vec<GivenSecret>, CliError> {
    if files.is_empty() {
        let named =
            environment.optional::<String>(SECRET_VARIABLE)?.map(|value| (SECRET_VARIABLE, value));
        let (label, value) =
            named.unwrap_or_else(|| ("the development secret", development_secret(provider)));
        return Ok(vec![GivenSecret { label: label.to_owned(), value: value.into_bytes().into() }]);
    }
    files
        .iter()
        .map(|path| {
            Ok(GivenSecret { label: path.display().to_string(), value: read(path)?.into() })
        })
        .collect()
}

/// Returns the file's secret, else the environment's, for an API, which would not accept the
/// development secret.
pub(crate) fn api_secret(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<Zeroizing<String>, CliError> {
    let (text, _) =
        named_secret(file, environment)?.ok_or(CliError::NoApiSecret(SECRET_VARIABLE))?;
    Ok(text)
}

/// Returns the option's value, else the variable's.
pub(crate) fn named<T: Clone + FromStr<Err = InvalidName>>(
    given: Option<&T>,
    environment: &Environment,
    option: &'static str,
    variable: &'static str,
) -> Result<T, CliError> {
    match given {
        Some(name) => Ok(name.clone()),
        None => environment.optional(variable)?.ok_or(CliError::NotNamed { option, variable }),
    }
}

/// Reads a secret as the functions read it from Secrets Manager, and tells the user what looks
/// wrong with it. Also returns the file's path or the variable's name.
fn named_secret(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<Option<(Zeroizing<String>, String)>, CliError> {
    let (stored, origin) = if let Some(path) = file {
        let origin = path.display().to_string();
        (stored_secret(&Zeroizing::new(read(path)?), &origin)?, origin)
    } else {
        let Some(text) = environment.optional(SECRET_VARIABLE)? else { return Ok(None) };
        (StoredSecret::Text(Zeroizing::new(text)), SECRET_VARIABLE.to_owned())
    };
    let read = stored_secret_text(&stored);
    let (text, warnings) =
        read.map_err(|reason| CliError::Secret { origin: origin.clone(), reason })?;
    for warning in warnings {
        notice(&format!("{origin}: {warning}; it is used as it is"));
    }
    Ok(Some((text, origin)))
}

fn stored_secret(bytes: &[u8], origin: &str) -> Result<StoredSecret, CliError> {
    // Text has no NUL; UTF-16 has one in each ASCII character.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(CliError::SecretUtf16(origin.to_owned()));
    }
    Ok(match str::from_utf8(bytes) {
        Ok(text) => StoredSecret::Text(Zeroizing::new(text.to_owned())),
        Err(_) => StoredSecret::NotText,
    })
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|source| CliError::File { path: path.to_owned(), source })
}
