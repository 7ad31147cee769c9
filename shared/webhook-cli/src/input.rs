//! What a command takes from the world: the body, the secret, the clock.

use std::{
    env, fs,
    io::{self, IsTerminal, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

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
    let (text, source, origin) = if let Some(path) = file {
        let text = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        (text, SecretSource::Named, path.display().to_string())
    } else if let Some(text) = env::var_os(SECRET_VARIABLE) {
        (text.into_encoded_bytes(), SecretSource::Named, SECRET_VARIABLE.to_owned())
    } else {
        (DEVELOPMENT_SECRET.into(), SecretSource::Development, "the tool".to_owned())
    };
    let secret = from_text(text).map_err(|SecretEmpty| Error::SecretEmpty(origin))?;
    Ok((secret, source))
}

/// Drops one line break at the end, which editors and `echo` leave there. Receivers do the same.
fn from_text(mut text: Vec<u8>) -> Result<SigningSecret, SecretEmpty> {
    let kept = text.strip_suffix(b"\n").map_or(text.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
    text.truncate(kept);
    SigningSecret::new(text)
}

/// The system's clock.
pub(crate) fn now() -> Result<UnixSeconds, Error> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::ClockBeforeEpoch)?;
    i64::try_from(since_epoch.as_secs()).map(UnixSeconds).map_err(|_| Error::TimeOutOfRange)
}

#[cfg(test)]
mod tests {
    use webhook_verify::sign;

    use super::*;

    #[test]
    fn one_line_break_at_the_end_of_a_secret_is_dropped() {
        let signature = |text: &[u8]| from_text(text.to_vec()).map(|secret| sign::endgrate(&secret, b"{}"));
        let plain = signature(b"key").expect("not empty");
        for text in [b"key\n".as_slice(), b"key\r\n"] {
            assert_eq!(signature(text), Ok(plain.clone()));
        }
        for text in [b"key\n\n".as_slice(), b"key\r", b" key", b"key "] {
            assert_ne!(signature(text), Ok(plain.clone()), "{text:?}");
        }
        for text in [b"".as_slice(), b"\n", b"\r\n"] {
            assert_eq!(signature(text), Err(SecretEmpty));
        }
    }
}
