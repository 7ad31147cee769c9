//! Signing secrets: they are never empty, never shown, and wiped when dropped.

use std::fmt;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use zeroize::Zeroizing;

/// How a provider writes the signing secret that it shows its customers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// The text itself is the key.
    Text,
    /// The key in hexadecimal digits.
    Hex,
    /// This prefix, then the key in base64: `whsec_<base64>`.
    Base64AfterPrefix(&'static str),
}

/// Why a text is not a secret as its provider writes it. No error shows a byte of the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The secret is empty.
    #[error(transparent)]
    Empty(#[from] SecretEmpty),
    /// It is not hexadecimal.
    #[error(
        "this provider's secrets are hexadecimal digits, but the value is not: store it as the \
         provider shows it"
    )]
    NotHex,
    /// It does not have the prefix.
    #[error(
        "this provider's secrets begin with `{0}`, but the value does not: store it as the \
         provider shows it"
    )]
    NoPrefix(&'static str),
    /// It is not base64 after the prefix.
    #[error(
        "this provider's secrets are base64 after `{0}`, but the value is not: store it as the \
         provider shows it"
    )]
    NotBase64(&'static str),
}

impl Key {
    /// Reads a secret from the text that the provider shows.
    ///
    /// # Errors
    /// [`KeyError`] if the text is empty or is not written as the provider writes it.
    pub fn read(self, text: &str) -> Result<SigningSecret, KeyError> {
        let key = match self {
            Self::Text => text.as_bytes().to_vec(),
            Self::Hex => hex::decode(text).map_err(|_| KeyError::NotHex)?,
            Self::Base64AfterPrefix(prefix) => {
                let digits = text.strip_prefix(prefix).ok_or(KeyError::NoPrefix(prefix))?;
                BASE64_STANDARD
                    .decode(digits)
                    .or_else(|_| BASE64_STANDARD_NO_PAD.decode(digits))
                    .map_err(|_| KeyError::NotBase64(prefix))?
            }
        };
        Ok(SigningSecret::new(key)?)
    }

    /// Writes a key as the provider would show it; for samples and tests.
    #[must_use]
    pub fn write(self, key: &str) -> String {
        match self {
            Self::Text => key.to_owned(),
            Self::Hex => hex::encode(key),
            Self::Base64AfterPrefix(prefix) => format!("{prefix}{}", BASE64_STANDARD.encode(key)),
        }
    }
}

/// The key that a provider signs with. It is never empty: anyone can compute an HMAC under an empty
/// key.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

/// The signing secret is empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signing secret is empty")]
pub struct SecretEmpty;

impl SigningSecret {
    /// Takes ownership of the key. Its memory is overwritten when the secret is dropped.
    ///
    /// # Errors
    /// [`SecretEmpty`] if `key` is empty.
    pub fn new(key: Vec<u8>) -> Result<Self, SecretEmpty> {
        // Wrapped before the check, so that the memory of a refused key is overwritten too.
        let key = Zeroizing::new(key);
        if key.is_empty() { Err(SecretEmpty) } else { Ok(Self(key)) }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.0
    }
}

impl SigningSecret {
    /// Returns whether the secret is `key`. The comparison is not in constant time, so `key` must
    /// be public.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key() == key.as_bytes()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(redacted)")
    }
}

/// The secrets to verify with: the current one and, if there is one, the previous one.
#[derive(Debug)]
pub struct SigningSecrets {
    pub(crate) current: SigningSecret,
    pub(crate) previous: Option<SigningSecret>,
}

impl SigningSecrets {
    /// Accepts signatures under either secret, so that no delivery is refused during a rotation.
    #[must_use]
    pub fn new(current: SigningSecret, previous: Option<SigningSecret>) -> Self {
        Self { current, previous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(SigningSecret::new(Vec::new()).map(|_| ()), Err(SecretEmpty));
    }

    #[test]
    fn a_secret_is_compared_with_a_key_byte_for_byte() {
        let secret = SigningSecret::new(b"s3cret".to_vec()).expect("not empty");
        assert!(secret.is("s3cret"));
        assert!(!secret.is("S3cret"));
    }

    #[test]
    fn a_key_is_read_as_its_provider_writes_it_and_in_no_other_spelling() {
        const WHSEC: Key = Key::Base64AfterPrefix("whsec_");
        for (key, text, expected) in [
            (Key::Text, "s3cret", Ok("s3cret")),
            (Key::Text, "", Err(KeyError::Empty(SecretEmpty))),
            (Key::Hex, "73336372", Ok("s3cr")),
            (Key::Hex, "s3cret", Err(KeyError::NotHex)),
            (Key::Hex, "", Err(KeyError::Empty(SecretEmpty))),
            (WHSEC, "whsec_czNjcg==", Ok("s3cr")),
            (WHSEC, "whsec_czNjcg", Ok("s3cr")),
            (WHSEC, "czNjcg==", Err(KeyError::NoPrefix("whsec_"))),
            (WHSEC, "whsec_s3cr-t", Err(KeyError::NotBase64("whsec_"))),
            (WHSEC, "whsec_", Err(KeyError::Empty(SecretEmpty))),
        ] {
            let read =
                key.read(text).map(|secret| String::from_utf8_lossy(secret.key()).into_owned());
            assert_eq!(read, expected.map(str::to_owned), "{key:?} {text}");
        }
        for key in [Key::Text, Key::Hex, WHSEC] {
            assert_eq!(
                key.read(&key.write("s3cret")).map(|secret| secret.key().to_vec()),
                Ok(b"s3cret".to_vec())
            );
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = || SigningSecret::new(b"hunter2".to_vec()).expect("not empty");
        assert_eq!(
            format!("{:?}", SigningSecrets::new(secret(), Some(secret()))),
            "SigningSecrets { current: SigningSecret(redacted), \
             previous: Some(SigningSecret(redacted)) }"
        );
    }
}
