//! Tests of the catalogue: published and computed vectors, each entry's facts, and what each form
//! of a signature allows.

mod challenges;
mod facts;
mod forms;
pub(crate) mod schemes;
mod vectors;

use crate::{
    delivery::{Delivery, Header},
    description::Provider,
    error::VerifyError,
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
    verified::Verified,
};

/// A delivery and the secret that it was signed with.
#[derive(Clone)]
struct Signed {
    provider: &'static Provider,
    secret: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    url: Option<&'static str>,
    /// When it is received.
    now: UnixSeconds,
}

impl Signed {
    /// Verifies the delivery, and passes the result to `look`.
    fn verify<T>(
        &self,
        look: impl FnOnce(&Verified<'_>, &SigningSecrets) -> T,
    ) -> Result<T, VerifyError> {
        let secret =
            self.provider.key().read(self.secret).expect("a secret in its provider's spelling");
        let secrets = SigningSecrets::new(secret, None);
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| Header::new(*name, value.as_bytes())).collect();
        let delivery = Delivery::new(&headers, &self.body).expect("small");
        let unverified = self.provider.parse(delivery)?;
        let verified =
            unverified.verify(&secrets, self.now, Tolerance::of(self.provider), self.url)?;
        Ok(look(&verified, &secrets))
    }

    /// Returns why the delivery is refused, or `None` if it is accepted.
    fn refusal(&self) -> Option<VerifyError> {
        self.verify(|_, _| ()).err()
    }

    /// Returns the delivery with this header set to `value`.
    fn with_header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        let (_, old) = other
            .headers
            .iter_mut()
            .find(|(known, _)| *known == name)
            .expect("a header of this name");
        value.clone_into(old);
        other
    }

    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| *known == name).expect("a header of this name").1
    }

    fn at(&self, offset_s: i64) -> Self {
        Self { now: UnixSeconds(self.now.0 + offset_s), ..self.clone() }
    }
}
