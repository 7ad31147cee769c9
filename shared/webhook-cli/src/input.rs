//! What a command takes from the world: the body, the secret, the clock.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use webhook_ingest::UnixMillis;
use webhook_verify::{SecretEmpty, SigningSecret, UnixSeconds};

use crate::{DEVELOPMENT_SECRET, Error, notice};

/// The environment variable that holds the signing secret.
pub const SECRET_VARIABLE: &str = "WEBHOOK_SIGNING_SECRET";

/// Stands for standard input.
const STDIN: &str = "-";

/// Where the secret came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SecretSource {
    /// The user named it.
    Named,
    /// [`DEVELOPMENT_SECRET`].
    Development,
}

/// The body, byte for byte.
pub(crate) fn body(path: Option<&Path>) -> Result<Vec<u8>, Error> {
    match path {
        Some(path) if path.as_os_str() != STDIN => {
            fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
        }
        Some(_) | None => {
            let mut stdin = io::stdin().lock();
            if stdin.is_terminal() {
                notice("Reading the body from the terminal: end it with Ctrl-D, or name a file.");
            }
            let mut body = Vec::new();
            stdin.read_to_end(&mut body).map_err(Error::Stdin)?;
            Ok(body)
        }
    }
}

/// The file's secret, else the environment's, else the development secret.
pub(crate) fn secret(file: Option<&Path>) -> Result<(SigningSecret, SecretSource), Error> {
    let (text, source, origin) = match named_secret(file)? {
        Some((text, origin)) => (text, SecretSource::Named, origin),
        None => (DEVELOPMENT_SECRET.into(), SecretSource::Development, "the tool".to_owned()),
    };
    let secret = SigningSecret::new(text).map_err(|SecretEmpty| Error::SecretEmpty(origin))?;
    Ok((secret, source))
}

/// The file's secret, else the environment's, for an API: the development secret would open none.
pub(crate) fn api_secret(file: Option<&Path>) -> Result<Vec<u8>, Error> {
    let (text, origin) = named_secret(file)?.ok_or(Error::NoApiSecret(SECRET_VARIABLE))?;
    if text.is_empty() { Err(Error::SecretEmpty(origin)) } else { Ok(text) }
}

/// The secret's text, and where it came from.
fn named_secret(file: Option<&Path>) -> Result<Option<(Vec<u8>, String)>, Error> {
    if let Some(path) = file {
        let text = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(Some((without_line_break(text), path.display().to_string())))
    } else {
        let text = env::var_os(SECRET_VARIABLE).map(OsString::into_encoded_bytes);
        Ok(text.map(|text| (without_line_break(text), SECRET_VARIABLE.to_owned())))
    }
}

/// What the option says, else what the variable says. An empty one counts as absent.
pub(crate) fn name(given: Option<&String>, option: &'static str, variable: &'static str) -> Result<String, Error> {
    let given = given.cloned().or_else(|| env::var(variable).ok());
    given.filter(|name| !name.is_empty()).ok_or(Error::NotNamed { option, variable })
}

/// Drops one line break at the end, which editors and `echo` leave there. Receivers do the same.
fn without_line_break(mut text: Vec<u8>) -> Vec<u8> {
    let kept = text.strip_suffix(b"\n").map_or(text.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
    text.truncate(kept);
    text
}

/// The system's clock.
pub(crate) fn now() -> Result<UnixSeconds, Error> {
    now_ms().map(UnixMillis::seconds)
}

/// The system's clock, to the millisecond.
pub(crate) fn now_ms() -> Result<UnixMillis, Error> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::ClockBeforeEpoch)?;
    i64::try_from(since_epoch.as_millis()).map(UnixMillis).map_err(|_| Error::TimeOutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_of_a_secret_is_dropped() {
        for (text, expected) in [
            (b"key".as_slice(), b"key".as_slice()),
            (b"key\n", b"key"),
            (b"key\r\n", b"key"),
            (b"key\n\n", b"key\n"),
            (b"key\r", b"key\r"),
            (b" key ", b" key "),
            (b"", b""),
            (b"\n", b""),
            (b"\r\n", b""),
        ] {
            assert_eq!(without_line_break(text.to_vec()), expected, "{text:?}");
        }
    }
}
