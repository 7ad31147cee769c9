//! HMAC (RFC 2104) over SHA-1 and SHA-256, and the proof that a check leaves behind.
//!
//! A [`Proof`] is what a [`crate::Verified`] costs, and only [`verify`] makes one. Tags are compared as decoded
//! bytes and in constant time (`hmac` does so through `subtle`).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::{SigningSecret, SigningSecrets, VerifyError};

/// Which of the two secrets verified: an operator sees from it when a rotation is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretVersion {
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
}

/// That a MAC has been checked, and under which secret.
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

/// Checks `tag` over the message that `feed` hands on, piece by piece, under the current secret and then under the previous
/// one: once a secret has been rotated, there always is a previous one, and nearly no delivery needs it.
///
/// # Errors
/// [`VerifyError::SignatureMismatch`], or whatever `feed` fails with.
pub(crate) fn verify<M: Mac + KeyInit>(
    secrets: &SigningSecrets,
    tag: &[u8],
    feed: impl Fn(&mut M) -> Result<(), VerifyError>,
) -> Result<Proof, VerifyError> {
    let candidates =
        [(SecretVersion::Current, Some(&secrets.current)), (SecretVersion::Previous, secrets.previous.as_ref())];
    for (secret, key) in candidates {
        if let Some(key) = key {
            let mut mac = keyed(key);
            feed(&mut mac)?;
            if mac.verify_slice(tag).is_ok() {
                return Ok(Proof { secret });
            }
        }
    }
    Err(VerifyError::SignatureMismatch)
}

/// A message that is there already, as [`verify`] takes it.
pub(crate) fn pieces<M: Mac>(pieces: &[&[u8]]) -> impl Fn(&mut M) -> Result<(), VerifyError> {
    move |mac| {
        for piece in pieces {
            mac.update(piece);
        }
        Ok(())
    }
}

/// The tag of a message under one secret: the sender's side.
pub(crate) fn tag<M: Mac + KeyInit>(secret: &SigningSecret, pieces: &[&[u8]]) -> Vec<u8> {
    let mut mac: M = keyed(secret);
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().to_vec()
}

fn keyed<M: KeyInit>(secret: &SigningSecret) -> M {
    M::new_from_slice(secret.key()).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(key: &[u8]) -> SigningSecret {
        SigningSecret::new(key.to_vec()).expect("not empty")
    }

    /// RFC 4231, test case 2, and RFC 2202, test case 2: the same key and text.
    #[test]
    fn the_rfc_vectors_hold_however_the_text_is_cut() {
        let key = secret(b"Jefe");
        for pieces in
            [&[b"what do ya want for nothing?".as_slice()] as &[&[u8]], &[b"what do ya want ", b"for nothing?"]]
        {
            assert_eq!(
                hex::encode(tag::<HmacSha256>(&key, pieces)),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            );
            assert_eq!(hex::encode(tag::<HmacSha1>(&key, pieces)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        }
    }

    #[test]
    fn either_secret_verifies_and_is_named_and_no_other_does() {
        let check = |signer: &[u8], tag_bytes: usize| {
            let tag = tag::<HmacSha256>(&secret(signer), &[b"message"]);
            let secrets = SigningSecrets::new(secret(b"new"), Some(secret(b"old")));
            verify::<HmacSha256>(&secrets, &tag[..tag_bytes], pieces(&[b"mess", b"age"])).map(|proof| proof.secret())
        };
        assert_eq!(check(b"new", 32), Ok(SecretVersion::Current));
        assert_eq!(check(b"old", 32), Ok(SecretVersion::Previous));
        assert_eq!(check(b"other", 32), Err(VerifyError::SignatureMismatch));
        assert_eq!(check(b"new", 31), Err(VerifyError::SignatureMismatch), "a cut tag is no tag");
    }
}
