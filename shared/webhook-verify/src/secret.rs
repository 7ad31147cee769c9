//! Signing secrets: they are never empty, never shown, and wiped when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// The key that a provider signs with. It is never empty: anyone can compute an HMAC under an empty key.
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
    fn debug_shows_no_secret() {
        let secret = || SigningSecret::new(b"hunter2".to_vec()).expect("not empty");
        assert_eq!(
            format!("{:?}", SigningSecrets::new(secret(), Some(secret()))),
            "SigningSecrets { current: SigningSecret(redacted), previous: Some(SigningSecret(redacted)) }"
        );
    }
}
