//! Signing secrets: never empty, never shown, wiped when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A key that a provider signs with. Never empty: an HMAC under an empty key proves nothing.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

/// The secret has no byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signing secret is empty")]
pub struct SecretEmpty;

impl SigningSecret {
    /// Takes over the key; its memory is overwritten when the secret is dropped.
    ///
    /// # Errors
    /// [`SecretEmpty`] where `key` has no byte.
    pub fn new(key: Vec<u8>) -> Result<Self, SecretEmpty> {
        // Wrapped first, so that a refused key is wiped too.
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

/// The secrets that verify: the current one and, during a rotation, the one before it.
#[derive(Debug)]
pub struct SigningSecrets {
    pub(crate) current: SigningSecret,
    pub(crate) previous: Option<SigningSecret>,
}

impl SigningSecrets {
    /// `previous` verifies too, so that no delivery is refused while a rotation is under way.
    #[must_use]
    pub fn new(current: SigningSecret, previous: Option<SigningSecret>) -> Self {
        Self { current, previous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_cannot_be_made() {
        assert_eq!(SigningSecret::new(Vec::new()).map(|_| ()), Err(SecretEmpty));
    }

    #[test]
    fn debug_is_redacted() {
        let secret = || SigningSecret::new(b"hunter2".to_vec()).expect("not empty");
        assert_eq!(
            format!("{:?}", SigningSecrets::new(secret(), Some(secret()))),
            "SigningSecrets { current: SigningSecret(redacted), previous: Some(SigningSecret(redacted)) }"
        );
    }
}
