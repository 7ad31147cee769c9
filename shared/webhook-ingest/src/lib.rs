//! From an HTTP delivery to the queue, once per event: verify, claim, send, complete.
//!
//! ```text
//!  delivery ──verify──▶ Event ──claim──▶ send ──▶ complete ──▶ 200
//!                │                │         └ fails ▶ release ▶ 503
//!                └ 401            ├ queued before ▶ 200
//!                                 └ in flight     ▶ 409
//! ```
//!
//! The pipeline is [`Pipeline`]; what it needs of the world are its ports: [`IdempotencyStore`], [`EventQueue`],
//! [`SecretStore`] and [`Clock`]. It knows no AWS; `webhook-aws` has the adapters.

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
#[cfg(feature = "testing")]
pub mod testing;

pub use clock::{Clock, UnixMillis};
pub use message::{Message, SQS_MAX_BYTES};
pub use outcome::{Durations, Fault, Outcome, Report, SecretFetch, Step, Trail};
pub use pipeline::{Attempt, Pipeline, Settings};
pub use ports::{CallError, EventQueue, Fenced, IdempotencyStore, SecretStore, StoredSecret, StoredSecrets};
pub use record::{ClaimResult, ClaimToken, NewClaim, Status, field as record_field, table_id};
pub use secrets::{SecretCache, SecretError, parse_stored_secret};
