//! The pipeline's ports over the simulated network. The store states the same conditions as the
//! real adapter; a broken store states others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use webhook_ingest::{
    CallError, ClaimResult, ClaimToken, EventQueue, Fenced, IdempotencyStore, Message, NewClaim,
    SecretStore, StoredSecret, StoredSecrets,
};
use webhook_verify::Key;
use zeroize::Zeroizing;

use crate::{
    network::{Effect, Request, call},
    services::Condition,
    world::Shared,
};

/// Never returned: each kind of request has its own kind of effect.
const ANOTHER_EFFECT: CallError = CallError::UnexpectedResponse("the effect of another request");

pub(crate) struct Store {
    pub(crate) world: Shared,
    pub(crate) condition: Condition,
}

impl IdempotencyStore for Store {
    async fn claim(&self, claim: &NewClaim) -> Result<ClaimResult, CallError> {
        let request = Request::Claim { claim: Arc::new(claim.clone()), condition: self.condition };
        match call(&self.world, request).await? {
            Effect::Claimed { result, .. } => Ok(result),
            _ => Err(ANOTHER_EFFECT),
        }
    }

    async fn complete(
        &self,
        id: &str,
        token: &ClaimToken,
        _: &str,
        expires_at_s: i64,
    ) -> Result<Fenced, CallError> {
        let fenced = self.condition.fenced_complete;
        let request =
            Request::Complete { id: id.into(), token: token.clone(), expires_at_s, fenced };
        match call(&self.world, request).await? {
            Effect::Completed(fenced) => Ok(fenced),
            _ => Err(ANOTHER_EFFECT),
        }
    }

    async fn release(&self, id: &str, token: &ClaimToken) -> Result<Fenced, CallError> {
        let fenced = self.condition.fenced_release;
        let request = Request::Release { id: id.into(), token: token.clone(), fenced };
        match call(&self.world, request).await? {
            Effect::Released(fenced) => Ok(fenced),
            _ => Err(ANOTHER_EFFECT),
        }
    }
}

pub(crate) struct SendQueue {
    pub(crate) world: Shared,
}

impl EventQueue for SendQueue {
    async fn send(&self, message: &Message) -> Result<String, CallError> {
        match call(&self.world, Request::Send { message: Arc::new(message.clone()) }).await? {
            Effect::Sent { message, .. } => Ok(format!("message-{message}")),
            _ => Err(ANOTHER_EFFECT),
        }
    }
}

pub(crate) struct Secrets {
    pub(crate) world: Shared,
    pub(crate) provider: usize,
    /// How the provider writes its secrets.
    pub(crate) key: Key,
    /// False in a broken variant, which does not read the previous version.
    pub(crate) reads_previous: bool,
    /// False in a broken variant, which reads the previous version only the first time.
    pub(crate) reads_previous_again: bool,
    pub(crate) has_fetched: AtomicBool,
}

impl SecretStore for Secrets {
    async fn fetch(&self) -> Result<StoredSecrets, CallError> {
        let text = |key: &str| StoredSecret::Text(Zeroizing::new(self.key.write(key)));
        match call(&self.world, Request::Fetch { provider: self.provider }).await? {
            Effect::Fetched(vault) => {
                let again = self.has_fetched.swap(true, Ordering::Relaxed);
                let reads_previous = self.reads_previous && (self.reads_previous_again || !again);
                Ok(StoredSecrets {
                    current: text(vault.current),
                    previous: Ok(vault.previous.filter(|_| reads_previous).map(text)),
                })
            }
            _ => Err(ANOTHER_EFFECT),
        }
    }
}
