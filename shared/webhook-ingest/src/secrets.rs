//! The signing secret, cached.
//!
//! - A fetched secret is used for a set time, then fetched anew. Where that fails, the old one serves on, for at most an hour
//!   from its fetch.
//! - A signature that does not match asks for a refetch at once, since the secret may just have been rotated; at most every
//!   10 s, so that forgeries do not become calls.
//! - An unreadable previous version matters only where the current one does not verify. So a start does not ask for it: it is a
//!   second connection, and needed only while a rotation is under way. The first signature that does not match does.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use webhook_verify::{SigningSecret, SigningSecrets, json::read_object};
use zeroize::Zeroizing;

use crate::{CallError, SecretFetch, SecretStore, StoredSecret, UnixMillis};

/// Longest that a secret serves while no newer one can be fetched.
const SERVES_AT_MOST: Duration = Duration::from_hours(1);
/// Shortest time between two fetches that failing signatures, or a failed fetch, ask for.
const BETWEEN_REFETCHES: Duration = Duration::from_secs(10);

/// Why there is no secret to verify with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretError {
    /// It could not be read.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It is binary, or has no value.
    #[error("the value is not text")]
    NoText,
    /// It is empty.
    #[error("the value is empty")]
    Empty,
    /// It is a JSON object without a text as `signing_secret`.
    #[error("the value is a JSON object without the text `signing_secret`")]
    NoMember,
    /// No fetch is due yet after one that failed.
    #[error("the last fetch failed; the next is due within 10 s")]
    FailedLately,
    /// The current version does not verify, and the previous one could not be read.
    #[error("the current version does not verify and the previous one is unreadable: {0}")]
    PreviousUnreadable(Box<SecretError>),
}

/// Reads a stored value: the secret itself, or a JSON object whose `signing_secret` is it. One trailing line break is dropped:
/// editors add it, and providers never do.
///
/// # Errors
/// The value is not text, empty, or an object without the member.
pub fn parse_stored_secret(stored: StoredSecret) -> Result<SigningSecret, SecretError> {
    let StoredSecret::Text(text) = stored else { return Err(SecretError::NoText) };
    let member;
    let secret = match read_object(text.as_bytes(), [&["signing_secret"]]) {
        Err(_) => text.as_str(), // Not an object: the value itself.
        Ok([None]) => return Err(SecretError::NoMember),
        Ok([Some(value)]) if value.bytes() == b"\"\"" => return Err(SecretError::Empty),
        Ok([Some(value)]) => {
            member = Zeroizing::new(value.text().ok_or(SecretError::NoMember)?.into_owned());
            member.as_str()
        }
    };
    let secret = secret.strip_suffix('\n').map_or(secret, |line| line.strip_suffix('\r').unwrap_or(line));
    SigningSecret::new(secret.as_bytes().to_vec()).map_err(|_| SecretError::Empty)
}

/// The secrets as of one fetch.
pub(crate) struct Fetched {
    pub(crate) secrets: SigningSecrets,
    pub(crate) previous_error: Option<SecretError>,
    at: UnixMillis,
}

/// A [`SecretStore`] behind a cache.
pub struct SecretCache<S> {
    store: S,
    fresh_for: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: Option<Arc<Fetched>>,
    failed_at: Option<UnixMillis>,
    refetched_at: Option<UnixMillis>,
}

impl<S: SecretStore> SecretCache<S> {
    /// `fresh_for`: how long a fetched secret is used without a look at the store.
    pub fn new(store: S, fresh_for: Duration) -> Self {
        Self { store, fresh_for, state: Mutex::default() }
    }

    /// Fetches the current version: to be called at start, beside other work. A failure shows at the first delivery.
    pub async fn warm(&self, now: UnixMillis) {
        // The first delivery asks again, and gives the reason where that fails too.
        let _ = self.keep(now, self.read_current(now)).await;
    }

    /// The secrets to verify with, and how they were had.
    ///
    /// # Errors
    /// The fetch fails, and there is no old secret that may serve.
    pub(crate) async fn get(&self, now: UnixMillis) -> Result<(Arc<Fetched>, SecretFetch), SecretError> {
        let (cached, failed_lately) = {
            let state = self.state();
            (state.fetched.clone(), lately(state.failed_at, now))
        };
        let age = cached.as_ref().map(|fetched| now.since(fetched.at));
        match cached {
            Some(fetched) if age < Some(self.fresh_for) => return Ok((fetched, SecretFetch::NotDue)),
            // Ask no more than every 10 s while the store is down and an old secret serves.
            Some(fetched) if failed_lately && age <= Some(SERVES_AT_MOST) => return Ok((fetched, SecretFetch::NotDue)),
            Some(_) | None => {}
        }
        match self.fetch(now).await {
            Ok(fetched) => Ok((fetched, SecretFetch::Routine)),
            Err(error) => match self.state().fetched.clone() {
                Some(fetched) if now.since(fetched.at) <= SERVES_AT_MOST => Ok((fetched, SecretFetch::Failed(error))),
                Some(_) | None => Err(error),
            },
        }
    }

    /// Newer secrets, or the previous version, too, after a signature did not match; `None` where it is too early to ask again.
    ///
    /// # Errors
    /// The fetch fails, or failed within the last 10 s: whether the signature is good is then unknown.
    pub(crate) async fn refetch(&self, now: UnixMillis) -> Result<Option<Arc<Fetched>>, SecretError> {
        {
            let mut state = self.state();
            if lately(state.failed_at, now) {
                return Err(SecretError::FailedLately);
            }
            if lately(state.refetched_at, now) {
                return Ok(None);
            }
            state.refetched_at = Some(now);
        }
        self.fetch(now).await.map(Some)
    }

    async fn fetch(&self, now: UnixMillis) -> Result<Arc<Fetched>, SecretError> {
        self.keep(now, self.read(now)).await
    }

    async fn keep(
        &self,
        now: UnixMillis,
        read: impl Future<Output = Result<Fetched, SecretError>>,
    ) -> Result<Arc<Fetched>, SecretError> {
        // Noted before the call: one that is dropped when time runs out has failed.
        self.state().failed_at = Some(now);
        let fetched = Arc::new(read.await?);
        let mut state = self.state();
        state.failed_at = None;
        state.fetched = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    async fn read(&self, now: UnixMillis) -> Result<Fetched, SecretError> {
        let stored = self.store.fetch().await?;
        let current = parse_stored_secret(stored.current)?;
        let previous = match stored.previous {
            Ok(None) => Ok(None),
            Ok(Some(stored)) => parse_stored_secret(stored).map(Some),
            Err(error) => Err(error.into()),
        };
        let (previous, previous_error) = match previous {
            Ok(previous) => (previous, None),
            Err(error) => (None, Some(error)),
        };
        Ok(Fetched { secrets: SigningSecrets::new(current, previous), previous_error, at: now })
    }

    async fn read_current(&self, now: UnixMillis) -> Result<Fetched, SecretError> {
        let current = parse_stored_secret(self.store.fetch_current().await?)?;
        Ok(Fetched { secrets: SigningSecrets::new(current, None), previous_error: None, at: now })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lately(at: Option<UnixMillis>, now: UnixMillis) -> bool {
    at.is_some_and(|at| now.since(at) < BETWEEN_REFETCHES)
}

#[cfg(test)]
mod tests;
