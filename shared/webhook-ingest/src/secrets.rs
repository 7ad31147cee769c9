//! The signing secret, cached.
//!
//! - A fetched secret is used for a set time and then fetched again. While the store is down, the
//!   old one stays in use, for at most an hour after its fetch. If the store refuses the fetch (no
//!   permission, secret deleted), the old one is dropped at once.
//! - A signature that does not match causes a refetch at once, since the secret may just have been
//!   rotated. This happens at most every 10 s, so that forgeries do not become calls.
//! - An unreadable previous version matters only if the current one does not verify. So a function
//!   that starts fetches the current version alone, which saves a second connection. Every later
//!   fetch reads both versions.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use webhook_verify::{Key, KeyError, SigningSecret, SigningSecrets, json::read_object};
use zeroize::Zeroizing;

use crate::{
    clock::UnixMillis,
    ports::{CallError, SecretStore, StoredSecret},
};

/// How long after its fetch a secret may be used while the store is down.
const MAX_SECRET_AGE: Duration = Duration::from_hours(1);
/// The shortest time between two fetches that follow failing signatures or a failed fetch.
const MIN_REFETCH_INTERVAL: Duration = Duration::from_secs(10);
/// A shorter secret could be guessed, and is probably a mistake.
const LEAST_BYTES: usize = 16;

/// Signs the samples, and whatever a developer sends without a secret of their own.
///
/// Each provider writes it as it writes its secrets ([`Key::write`]). It is public: a receiver that
/// accepts it accepts forgeries from anybody.
pub const DEVELOPMENT_SECRET: &str = "development-secret-for-local-use-only";

/// Whether [`DEVELOPMENT_SECRET`] may be used to verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DevelopmentSecret {
    /// For an emulator on a developer's machine.
    Accepted,
    /// Everywhere else.
    Refused,
}

/// Why there is no secret to verify with. Holds no byte of it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretError {
    /// It could not be read.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It is binary, or has no value.
    #[error("the value is not text: store the secret as text")]
    NotText,
    /// It is empty.
    #[error("the value is empty")]
    Empty,
    /// It begins with a byte-order mark, which some text editors add.
    #[error("the value begins with a byte-order mark: store it again without one")]
    ByteOrderMark,
    /// It begins like a JSON object, but cannot be read as one.
    #[error(
        "the value begins with `{{` but is not a JSON object: store the secret itself, or \
         {{\"signing_secret\": \"…\"}}"
    )]
    NotJson,
    /// It is a JSON object whose `signing_secret` is missing or not text.
    #[error("the value is a JSON object whose `signing_secret` is missing or not text")]
    NoMember,
    /// It is not written as the provider writes its secrets.
    #[error("{0}")]
    Spelling(KeyError),
    /// It is the public secret of the samples.
    #[error("the value is the public development secret: store the provider's own")]
    Development,
    /// The last fetch failed, and it is too early for the next.
    #[error("the last fetch failed; the next one is allowed 10 s after it")]
    FailedLately,
    /// The current version does not verify, and the previous one could not be read.
    #[error("the current version does not verify and the previous one is unreadable: {0}")]
    PreviousUnreadable(Box<SecretError>),
}

impl SecretError {
    /// Returns whether the store may answer later. If so, the old secret stays in use.
    fn is_outage(&self) -> bool {
        match self {
            Self::Call(
                CallError::Failed(_) | CallError::NoResponse(_) | CallError::UnexpectedResponse(_),
            )
            | Self::FailedLately => true,
            Self::Call(CallError::Refused(_) | CallError::MessageTooLarge)
            | Self::NotText
            | Self::Empty
            | Self::ByteOrderMark
            | Self::NotJson
            | Self::NoMember
            | Self::Spelling(_)
            | Self::Development
            | Self::PreviousUnreadable(_) => false,
        }
    }
}

/// Whether a delivery caused a fetch of the secret (at most one), and why.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum SecretFetch {
    /// The cached secret was used.
    #[default]
    NotDue,
    /// The cached secret was too old, or there was none.
    Routine,
    /// The signature did not match the cached secret.
    AfterMismatch,
    /// The fetch failed. The cached secret may have been used all the same.
    Failed(SecretError),
}

/// What looks wrong with a secret. It is used all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretWarning {
    /// White space before or after it.
    WhiteSpace,
    /// Quotes around it.
    Quotes,
    /// Fewer than 16 bytes.
    Short,
}

impl fmt::Display for SecretWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhiteSpace => "the signing secret has white space before or after it",
            Self::Quotes => "the signing secret has quotes around it",
            Self::Short => "the signing secret has fewer than 16 bytes",
        })
    }
}

/// Returns the secret in a stored value, and what looks wrong with it.
///
/// The value is the secret itself, or a JSON object with the secret as `signing_secret`. One
/// trailing line break is dropped: editors add it, and providers never do.
///
/// # Errors
/// [`SecretError`] if the value is not text, is empty, begins with a byte-order mark, begins with
/// `{` without being a JSON object, or is an object whose `signing_secret` is missing or not text.
pub fn stored_secret_text(
    stored: &StoredSecret,
) -> Result<(Zeroizing<String>, Vec<SecretWarning>), SecretError> {
    let StoredSecret::Text(text) = stored else { return Err(SecretError::NotText) };
    if text.starts_with('\u{feff}') {
        return Err(SecretError::ByteOrderMark);
    }
    let member;
    let text = if text.trim_start().starts_with('{') {
        let [value] = read_object(text.as_bytes(), [&["signing_secret"]])
            .map_err(|_| SecretError::NotJson)?;
        let value = value.ok_or(SecretError::NoMember)?;
        if value.bytes() == b"\"\"" {
            return Err(SecretError::Empty);
        }
        member = Zeroizing::new(value.text().ok_or(SecretError::NoMember)?.into_owned());
        member.as_str()
    } else {
        text.as_str()
    };
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        Err(SecretError::Empty)
    } else {
        Ok((Zeroizing::new(text.to_owned()), warnings(text)))
    }
}

struct Parsed {
    secret: SigningSecret,
    is_development: bool,
    warnings: Vec<SecretWarning>,
}

impl Parsed {
    fn read(stored: &StoredSecret, key: Key) -> Result<Self, SecretError> {
        let (text, warnings) = stored_secret_text(stored)?;
        let secret = key.read(&text).map_err(|error| match error {
            KeyError::Empty(_) => SecretError::Empty,
            KeyError::NotHex | KeyError::NoPrefix(_) | KeyError::NotBase64(_) => {
                SecretError::Spelling(error)
            }
        })?;
        let is_development = secret.is(DEVELOPMENT_SECRET);
        Ok(Self { secret, is_development, warnings })
    }
}

fn warnings(secret: &str) -> Vec<SecretWarning> {
    let has_quotes =
        ['"', '\'', '`'].iter().any(|quote| secret.starts_with(*quote) || secret.ends_with(*quote));
    [
        (SecretWarning::WhiteSpace, secret.trim() != secret),
        (SecretWarning::Quotes, has_quotes),
        (SecretWarning::Short, secret.len() < LEAST_BYTES),
    ]
    .into_iter()
    .filter_map(|(warning, applies)| applies.then_some(warning))
    .collect()
}

/// The secrets as of one fetch.
pub(crate) struct Fetched {
    pub(crate) secrets: SigningSecrets,
    pub(crate) previous_error: Option<SecretError>,
    /// Of the current version.
    pub(crate) warnings: Vec<SecretWarning>,
    at: UnixMillis,
}

/// A [`SecretStore`] behind a cache.
pub struct SecretCache<S> {
    store: S,
    key: Key,
    fresh_for: Duration,
    development: DevelopmentSecret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: Option<Arc<Fetched>>,
    failed_at: Option<UnixMillis>,
    refetched_at: Option<UnixMillis>,
}

impl<S: SecretStore> SecretCache<S> {
    /// Caches the secret in `store`, which is written as `key` says. A fetched secret is used for
    /// `fresh_for` before it is fetched again.
    pub fn new(store: S, key: Key, fresh_for: Duration, development: DevelopmentSecret) -> Self {
        Self { store, key, fresh_for, development, state: Mutex::default() }
    }

    /// Fetches the current version, and returns what looks wrong with it. Call it at start, beside
    /// other work. A failure shows at the first delivery, which fetches again.
    pub async fn warm(&self, now: UnixMillis) -> Vec<SecretWarning> {
        let Ok(fetched) = self.read_current(now).await else { return Vec::new() };
        let warnings = fetched.warnings.clone();
        let mut state = self.state();
        // A delivery may have fetched both versions meanwhile: keep them. If its fetch failed
        // instead, the store is up again by now.
        if state.fetched.is_none() {
            state.fetched = Some(Arc::new(fetched));
            state.failed_at = None;
        }
        warnings
    }

    /// Returns the secrets, and whether they were cached or fetched.
    ///
    /// # Errors
    /// [`SecretError`] if the fetch fails and there is no old secret that may be used.
    pub(crate) async fn get(
        &self,
        now: UnixMillis,
    ) -> Result<(Arc<Fetched>, SecretFetch), SecretError> {
        let (cached, failed_lately) = {
            let state = self.state();
            (state.fetched.clone(), lately(state.failed_at, now))
        };
        if let Some(fetched) = cached {
            let age = now.since(fetched.at);
            // While the store is down and an old secret is in use, ask it at most every 10 s.
            if age < self.fresh_for || (failed_lately && age <= MAX_SECRET_AGE) {
                return Ok((fetched, SecretFetch::NotDue));
            }
        }
        match self.fetch(now).await {
            Ok(fetched) => Ok((fetched, SecretFetch::Routine)),
            // If the store refused, `fetch` has emptied the cache.
            Err(error) => match self.state().fetched.clone() {
                Some(fetched) if now.since(fetched.at) <= MAX_SECRET_AGE => {
                    Ok((fetched, SecretFetch::Failed(error)))
                }
                Some(_) | None => Err(error),
            },
        }
    }

    /// Fetches both versions again, after a signature did not match. Returns `None` if it is too
    /// early to ask again.
    ///
    /// # Errors
    /// [`SecretError`] if the fetch fails, or failed within the last 10 s. It is then unknown
    /// whether the signature is valid.
    pub(crate) async fn refetch(
        &self,
        now: UnixMillis,
    ) -> Result<Option<Arc<Fetched>>, SecretError> {
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
        // Set before the call, because a call that is dropped when time runs out has failed too.
        self.state().failed_at = Some(now);
        let fetched = match read.await {
            Ok(fetched) => Arc::new(fetched),
            Err(error) => {
                if !error.is_outage() {
                    self.state().fetched = None;
                }
                return Err(error);
            }
        };
        let mut state = self.state();
        state.failed_at = None;
        state.fetched = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    async fn read(&self, now: UnixMillis) -> Result<Fetched, SecretError> {
        let stored = self.store.fetch().await?;
        let current = self.parse(&stored.current)?;
        let previous = match stored.previous {
            Ok(None) => Ok(None),
            Ok(Some(stored)) => match self.parse(&stored) {
                // A value in a different form was never this provider's secret. An example is the
                // random value that a new secret is created with.
                Err(SecretError::Spelling(_)) => Ok(None),
                parsed => parsed.map(|parsed| Some(parsed.secret)),
            },
            Err(error) => Err(error.into()),
        };
        let (previous, previous_error) = match previous {
            Ok(previous) => (previous, None),
            Err(error) => (None, Some(error)),
        };
        let secrets = SigningSecrets::new(current.secret, previous);
        Ok(Fetched { secrets, previous_error, warnings: current.warnings, at: now })
    }

    async fn read_current(&self, now: UnixMillis) -> Result<Fetched, SecretError> {
        let current = self.parse(&self.store.fetch_current().await?)?;
        let secrets = SigningSecrets::new(current.secret, None);
        Ok(Fetched { secrets, previous_error: None, warnings: current.warnings, at: now })
    }

    fn parse(&self, stored: &StoredSecret) -> Result<Parsed, SecretError> {
        let parsed = Parsed::read(stored, self.key)?;
        if parsed.is_development && self.development == DevelopmentSecret::Refused {
            return Err(SecretError::Development);
        }
        Ok(parsed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lately(at: Option<UnixMillis>, now: UnixMillis) -> bool {
    at.is_some_and(|at| now.since(at) < MIN_REFETCH_INTERVAL)
}

#[cfg(test)]
mod tests;
