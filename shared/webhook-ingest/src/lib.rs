//! From an HTTP delivery to the queue, once per event: verify, claim, send, complete.
//!
//! ```text
//!  delivery ──verify──▶ Event ──claim──▶ send ──▶ complete ──▶ 200
//!                │                │         └ fails ▶ release ▶ 503
//!                └ 401            ├ queued before ▶ 200
//!                                 └ in flight     ▶ 409
//! ```
//!
//! [`Pipeline`] reaches the outside world through four ports: [`IdempotencyStore`], [`EventQueue`],
//! [`SecretStore`] and [`Clock`]. It knows nothing of AWS; `webhook-aws` has the adapters.

#![forbid(unsafe_code)]

mod budget;
mod clock;
mod envelope;
mod message;
mod outcome;
mod pipeline;
mod ports;
mod record;
mod secrets;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;

pub use budget::invocation_deadline;
pub use clock::{Clock, UnixMillis};
pub use message::Message;
pub use outcome::{Call, Durations, Fault, Outcome, Report, Trail};
pub use pipeline::{Attempt, Pipeline};
pub use ports::{
    CallError, EventQueue, Fenced, IdempotencyStore, SecretStore, StoredSecret, StoredSecrets,
};
pub use record::{ClaimResult, ClaimToken, NewClaim, Status};
pub use secrets::{
    DEVELOPMENT_SECRET, DevelopmentSecret, SecretCache, SecretError, SecretFetch, SecretWarning,
    stored_secret_text,
};
pub use settings::Settings;
