//! Verifies who sent a webhook, and reads the event from the verified bytes.
//!
//! The crate uses no clock, no I/O, no async and no AWS. A delivery takes three steps. Each returns a
//! type that no other code can make, and the next step takes it:
//!
//! 1. [`Provider::parse`] reads the headers and returns an [`Unverified`].
//! 2. [`Provider::verify`] checks the MAC, then the clock, and returns a [`Verified`], which holds the
//!    bytes that the MAC covered.
//! 3. [`Provider::event`] reads identity, name and group from those bytes and returns an [`Event`].
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
//! Other code can neither make a [`Verified`]
//!
//! ```compile_fail,E0451
//! use webhook_verify::Verified;
//! fn forge(verified: Verified<'static>) -> Verified<'static> {
//!     Verified { signed: b"{}".as_slice().into(), ..verified }
//! }
//! ```
//!
//! nor copy one,
//!
//! ```compile_fail,E0599
//! fn copy(verified: webhook_verify::Verified<'static>) -> webhook_verify::Verified<'static> {
//!     verified.clone()
//! }
//! ```
//!
//! nor make an [`Event`], which is what the pipeline takes.
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
mod provider;
pub mod providers;
mod scheme;
mod secret;
pub mod sign;
mod time;
mod verified;

pub use delivery::{BodyTooLarge, Delivery, Header, MAX_BODY_BYTES};
pub use error::{Malformed, VerifyError};
pub use event::{Event, MAX_NAME_BYTES, Retention, bounded_name, sha256_hex};
pub use mac::SecretVersion;
pub use provider::Provider;
pub use scheme::Scheme;
pub use secret::{SecretEmpty, SigningSecret, SigningSecrets};
pub use time::{FUTURE_TOLERANCE, Tolerance, UnixSeconds};
pub use verified::{Unverified, Verified};
