//! HMAC (RFC 2104) over SHA-1 and SHA-256.
//!
//! Only [`verify`] makes a [`Proof`], and a [`Verified`](crate::Verified) takes one. Tags are compared
//! as decoded bytes, in constant time: `hmac`'s [`CtOutput`] uses `subtle`.

use hmac::{
    Hmac, KeyInit, Mac,
    digest::{CtOutput, Output},
};
use sha1::Sha1;
use sha2::Sha256;

use crate::{
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

pub(crate) type HmacSha256 = Hmac<Sha256>;
pub(crate) type HmacSha1 = Hmac<Sha1>;

/// Checks that one of `tags` is the MAC of a message, given in pieces, under the current secret or
/// else under the previous one. Computes one MAC for each secret, however many tags there are.
///
/// # Errors
/// [`VerifyError::SignatureMismatch`].
pub(crate) fn verify<M: Mac + KeyInit>(
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

/// Returns the MAC of a message as a sender computes it.
pub(crate) fn tag<M: Mac + KeyInit>(secret: &SigningSecret, message: &[&[u8]]) -> Vec<u8> {
    mac::<M>(secret, message).into_bytes().to_vec()
}

fn mac<M: Mac + KeyInit>(secret: &SigningSecret, message: &[&[u8]]) -> CtOutput<M> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.key()).expect("HMAC takes a key of any length");
    for piece in message {
        mac.update(piece);
    }
    mac.finalize()
}

/// Compares every tag, each in constant time, so that the time does not depend on which one matches.
fn any_equals<M: Mac>(tags: &[Vec<u8>], expected: &CtOutput<M>) -> bool {
    tags.iter().fold(false, |found, tag| {
        // A tag of another length is wrong, and its length is no secret.
        let equal = Output::<M>::try_from(tag.as_slice()).is_ok_and(|tag| CtOutput::new(tag) == *expected);
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
        verify::<HmacSha256>(&secrets, tags, &[b"mess", b"age"]).map(|proof| proof.secret())
    }

    fn tag_under(key: &[u8]) -> Vec<u8> {
        tag::<HmacSha256>(&secret(key), &[b"message"])
    }

    /// RFC 4231, test case 2, and RFC 2202, test case 2: the same key and text.
    #[test]
    fn the_vectors_of_the_rfcs_hold_for_a_message_in_any_pieces() {
        let key = secret(b"Jefe");
        for message in
            [&[b"what do ya want for nothing?".as_slice()] as &[&[u8]], &[b"what do ya want ", b"for nothing?"]]
        {
            assert_eq!(
                hex::encode(tag::<HmacSha256>(&key, message)),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            );
            assert_eq!(hex::encode(tag::<HmacSha1>(&key, message)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        }
    }

    #[test]
    fn either_secret_verifies_and_is_named_and_no_other_does() {
        assert_eq!(check(&[tag_under(b"new")]), Ok(SecretVersion::Current));
        assert_eq!(check(&[tag_under(b"old")]), Ok(SecretVersion::Previous));
        assert_eq!(check(&[tag_under(b"other")]), Err(VerifyError::SignatureMismatch));
    }

    #[test]
    fn one_correct_tag_among_wrong_ones_is_enough_wherever_it_is() {
        let wrong = || tag_under(b"other");
        for (key, expected) in [(b"new", SecretVersion::Current), (b"old", SecretVersion::Previous)] {
            let right = || tag_under(key);
            assert_eq!(check(&[wrong(), wrong(), right()]), Ok(expected));
            assert_eq!(check(&[wrong(), right(), wrong()]), Ok(expected));
            assert_eq!(check(&[right(), wrong()]), Ok(expected));
        }
        assert_eq!(check(&[tag_under(b"old"), tag_under(b"new")]), Ok(SecretVersion::Current));
        assert_eq!(check(&[wrong(), wrong()]), Err(VerifyError::SignatureMismatch));
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
