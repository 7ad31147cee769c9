//! HMAC (RFC 2104) over SHA-1, SHA-256 and SHA-512.
//!
//! Only [`verify`] makes a [`Proof`], and a [`Verified`](crate::Verified) cannot be made without
//! one. Tags are compared as decoded bytes, in constant time: `hmac`'s [`CtOutput`] uses `subtle`.

use hmac::{
    Hmac, KeyInit, Mac,
    digest::{CtOutput, Output},
};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::{
    description::Hash,
    error::VerifyError,
    secret::{SigningSecret, SigningSecrets},
};

/// Which of the two secrets verified a signature. It tells an operator when a rotation is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretVersion {
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
}

/// Proves that a MAC has been verified, and under which secret.
pub(crate) struct Proof {
    secret: SecretVersion,
}

impl Proof {
    pub(crate) fn secret(&self) -> SecretVersion {
        self.secret
    }
}

type HmacSha1 = Hmac<Sha1>;
type HmacSha256 = Hmac<Sha256>;
type HmacSha512 = Hmac<Sha512>;

/// Checks that one of `tags` is the MAC of a message, given in pieces, under the current or the
/// previous secret. Computes one MAC for each secret, however many tags there are.
///
/// # Errors
/// [`VerifyError::SignatureMismatch`].
pub(crate) fn verify(
    hash: Hash,
    secrets: &SigningSecrets,
    tags: &[Vec<u8>],
    message: &[&[u8]],
) -> Result<Proof, VerifyError> {
    match hash {
        Hash::Sha1 => verify_with::<HmacSha1>(secrets, tags, message),
        Hash::Sha256 => verify_with::<HmacSha256>(secrets, tags, message),
        Hash::Sha512 => verify_with::<HmacSha512>(secrets, tags, message),
    }
}

/// Returns the MAC of a message as a sender computes it.
pub(crate) fn tag(hash: Hash, secret: &SigningSecret, message: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Sha1 => mac::<HmacSha1>(secret, message).into_bytes().to_vec(),
        Hash::Sha256 => mac::<HmacSha256>(secret, message).into_bytes().to_vec(),
        Hash::Sha512 => mac::<HmacSha512>(secret, message).into_bytes().to_vec(),
    }
}

fn verify_with<M: Mac + KeyInit>(
    secrets: &SigningSecrets,
    tags: &[Vec<u8>],
    message: &[&[u8]],
) -> Result<Proof, VerifyError> {
    let current = (SecretVersion::Current, Some(&secrets.current));
    let previous = (SecretVersion::Previous, secrets.previous.as_ref());
    for (secret, key) in [current, previous] {
        if let Some(key) = key
            && any_equals(tags, &mac::<M>(key, message))
        {
            return Ok(Proof { secret });
        }
    }
    Err(VerifyError::SignatureMismatch)
}

fn mac<M: Mac + KeyInit>(secret: &SigningSecret, message: &[&[u8]]) -> CtOutput<M> {
    let mut mac =
        <M as KeyInit>::new_from_slice(secret.key()).expect("HMAC takes a key of any length");
    for piece in message {
        mac.update(piece);
    }
    mac.finalize()
}

/// Compares every tag, each in constant time, so that the time does not depend on which one
/// matches.
fn any_equals<M: Mac>(tags: &[Vec<u8>], expected: &CtOutput<M>) -> bool {
    tags.iter().fold(false, |found, tag| {
        // A tag of a different length is wrong, and its length is not secret.
        let equal =
            Output::<M>::try_from(tag.as_slice()).is_ok_and(|tag| CtOutput::new(tag) == *expected);
        found | equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(key: &[u8]) -> SigningSecret {
        SigningSecret::new(key.to_vec()).expect("not empty")
    }

    fn check(tags: &[Vec<u8>]) -> Result<SecretVersion, VerifyError> {
        let secrets = SigningSecrets::new(secret(b"new"), Some(secret(b"old")));
        verify(Hash::Sha256, &secrets, tags, &[b"mess", b"age"]).map(|proof| proof.secret())
    }

    fn tag_under(key: &[u8]) -> Vec<u8> {
        tag(Hash::Sha256, &secret(key), &[b"message"])
    }

    /// RFC 4231, test case 2 (SHA-256 and SHA-512), and RFC 2202, test case 2 (SHA-1): the same key
    /// and text.
    #[test]
    fn the_vectors_of_the_rfcs_hold_for_a_message_in_any_pieces() {
        let key = secret(b"Jefe");
        for message in [
            &[b"what do ya want for nothing?".as_slice()] as &[&[u8]],
            &[b"what do ya want ", b"for nothing?"],
        ] {
            assert_eq!(
                hex::encode(tag(Hash::Sha256, &key, message)),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            );
            assert_eq!(
                hex::encode(tag(Hash::Sha1, &key, message)),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
            );
            assert_eq!(
                hex::encode(tag(Hash::Sha512, &key, message)),
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            );
        }
    }

    #[test]
    fn only_the_current_and_previous_secret_verify_and_each_is_named() {
        assert_eq!(check(&[tag_under(b"new")]), Ok(SecretVersion::Current));
        assert_eq!(check(&[tag_under(b"old")]), Ok(SecretVersion::Previous));
        assert_eq!(check(&[tag_under(b"other")]), Err(VerifyError::SignatureMismatch));
    }

    #[test]
    fn one_correct_tag_among_wrong_ones_is_enough_wherever_it_is() {
        let wrong = || tag_under(b"other");
        for (key, expected) in [(b"new", SecretVersion::Current), (b"old", SecretVersion::Previous)]
        {
            let right = || tag_under(key);
            assert_eq!(check(&[wrong(), wrong(), right()]), Ok(expected));
            assert_eq!(check(&[wrong(), right(), wrong()]), Ok(expected));
            assert_eq!(check(&[right(), wrong()]), Ok(expected));
        }
        assert_eq!(check(&[tag_under(b"old"), tag_under(b"new")]), Ok(SecretVersion::Current));
        assert_eq!(check(&[wrong(), wrong()]), Err(VerifyError::SignatureMismatch));
    }

    #[test]
    fn a_correct_tag_that_is_repeated_matches() {
        assert_eq!(check(&[tag_under(b"new"), tag_under(b"new")]), Ok(SecretVersion::Current));
    }

    #[test]
    fn truncated_extended_empty_and_missing_tags_do_not_match() {
        let right = tag_under(b"new");
        let extended = [right.as_slice(), b"\0"].concat();
        for tags in [vec![right[..31].to_vec()], vec![extended], vec![Vec::new()], Vec::new()] {
            assert_eq!(check(&tags), Err(VerifyError::SignatureMismatch), "{tags:?}");
        }
    }
}
