//! Proves who sent a webhook, and reads from the proven bytes what the event is.
//!
//! Pure: no clock, no I/O, no async, no AWS. One delivery goes through three steps, each a type that only the step
//! before it can make:
//!
//! 1. [`Provider::parse`] reads the headers: [`Unverified`].
//! 2. [`Provider::verify`] checks the MAC, then the clock: [`Verified`], which holds the bytes that the MAC covered.
//! 3. [`Provider::event`] reads identity, name and group from those bytes: [`Event`].
//!
//! ```
//! use webhook_verify::{
//!     Delivery, Header, Provider, SigningSecret, SigningSecrets, Tolerance, UnixSeconds, providers::Endgrate,
//! };
//!
//! let body = br#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0c0d"}"#;
//! let secret = SigningSecret::new(b"TEST_API_KEY".to_vec())?;
//! let headers: Vec<Header> = webhook_verify::sign::endgrate(&secret, body).into();
//!
//! let delivery = Delivery::new(&headers, body)?;
//! let unverified = Endgrate.parse(delivery)?;
//! let secrets = SigningSecrets::new(secret, None);
//! let verified = Endgrate.verify(&unverified, &secrets, UnixSeconds(0), Tolerance::default())?;
//! assert_eq!(Endgrate.event(&verified)?.event_type(), "completed");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nobody but the verifier makes a [`Verified`]:
//!
//! ```compile_fail,E0451
//! use webhook_verify::Verified;
//! fn forge(verified: Verified<'static>) -> Verified<'static> {
//!     Verified { signed: b"{}".as_slice().into(), ..verified }
//! }
//! ```
//!
//! nor copies one:
//!
//! ```compile_fail,E0599
//! fn copy(verified: webhook_verify::Verified<'static>) -> webhook_verify::Verified<'static> {
//!     verified.clone()
//! }
//! ```
//!
//! nor an [`Event`], which is what the pipeline takes:
//!
//! ```compile_fail,E0451
//! use webhook_verify::Event;
//! fn rename(event: Event<'static>) -> Event<'static> {
//!     Event { idempotency_key: "another".to_owned(), ..event }
//! }
//! ```

#![forbid(unsafe_code)]

mod delivery;
mod error;
mod event;
pub mod json;
mod mac;
pub mod providers;
mod secret;
pub mod sign;
mod time;
mod verified;

pub use delivery::{BodyTooLarge, Delivery, Header, MAX_BODY_BYTES};
pub use error::{Malformed, VerifyError};
pub use event::{Event, MAX_NAME_BYTES, Retention, bounded_name, sha256_hex};
pub use mac::SecretVersion;
pub use providers::Provider;
pub use secret::{SecretEmpty, SigningSecret, SigningSecrets};
pub use time::{FUTURE_TOLERANCE, Tolerance, UnixSeconds};
pub use verified::{Scheme, Unverified, Verified};
