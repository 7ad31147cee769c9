//! Verifies who sent a webhook, and reads the event from the verified bytes.
//!
//! The crate uses no clock, no I/O, no async and no AWS. How a provider signs is data: see
//! [`description`]. A delivery takes three steps. Each returns a type that no other code can make,
//! and the next step is a method of that type:
//!
//! 1. [`Provider::parse`] reads the headers and returns an [`Unverified`].
//! 2. [`Unverified::verify`] checks the MAC, then the clock, and returns a [`Verified`], which
//!    holds the bytes that the MAC covered.
//! 3. [`Verified::event`] reads the event's identity, name and group from those bytes and returns
//!    an [`Event`].
//!
//! ```
//! use webhook_verify::{
//!     Delivery, SigningSecret, SigningSecrets, Tolerance, UnixSeconds, catalogue::STRIPE,
//!     sign::Signer,
//! };
//!
//! let body = br#"{"id": "evt_1", "type": "charge.succeeded"}"#;
//! let now = UnixSeconds(1_700_000_000);
//! let secret = SigningSecret::new(b"whsec_test_secret".to_vec())?;
//! let headers = Signer::new(&STRIPE.schemes()[0], &secret, now).sign(body)?;
//!
//! let delivery = Delivery::new(&headers, body)?;
//! let unverified = STRIPE.parse(delivery)?;
//! let secrets = SigningSecrets::new(secret, None);
//! let verified = unverified.verify(&secrets, now, Tolerance::of(STRIPE), None)?;
//! assert_eq!(verified.event()?.event_type(), "charge.succeeded");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Other code cannot make a [`Verified`]:
//!
//! ```compile_fail,E0451
//! use webhook_verify::Verified;
//! fn forge(verified: Verified<'static>) -> Verified<'static> {
//!     Verified { signed: b"{}".as_slice().into(), ..verified }
//! }
//! ```
//!
//! It cannot copy one:
//!
//! ```compile_fail,E0599
//! fn copy(verified: webhook_verify::Verified<'static>) -> webhook_verify::Verified<'static> {
//!     verified.clone()
//! }
//! ```
//!
//! It cannot make an [`Event`] either, which is what the pipeline takes:
//!
//! ```compile_fail,E0451
//! use webhook_verify::Event;
//! fn rename(event: Event<'static>) -> Event<'static> {
//!     Event { idempotency_key: "another".to_owned(), ..event }
//! }
//! ```

#![forbid(unsafe_code)]

pub mod catalogue;
mod delivery;
pub mod description;
mod error;
mod event;
mod interpreter;
pub mod json;
mod mac;
pub mod providers;
mod secret;
pub mod sign;
#[cfg(test)]
mod suite;
mod time;
mod verified;

pub use delivery::{BodyTooLarge, Delivery, Header, MAX_BODY_BYTES};
pub use description::{Provider, Scheme};
pub use error::{Malformed, VerifyError};
pub use event::{Event, EventKind, MAX_NAME_BYTES, Retention, bounded_name, sha256_hex};
pub use interpreter::ChallengeAnswer;
pub use mac::SecretVersion;
pub use secret::{Key, KeyError, SecretEmpty, SigningSecret, SigningSecrets};
pub use time::{FUTURE_TOLERANCE, Tolerance, UnixSeconds};
pub use verified::{Unverified, Verified};
