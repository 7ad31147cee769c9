//! The local inspector of `make dev`. It receives deliveries, forwards them to the stack in the
//! emulator or to `cargo lambda watch`, and shows what happened to each, as JSON and on a page.
//!
//! - `receive` takes a delivery and forwards the same bytes. `observe` then finds its log line, and
//!   why it was refused.
//! - `delivery` is what is known about one delivery. `deliveries` holds the latest ones, and
//!   `journal` keeps them over a restart.
//! - `emulator` reads the stack's logs, queues, records and secrets.
//! - `api` has the routes, `guard` refuses requests from other pages, and `sample` saves a delivery
//!   in `events/`.
//!
//! It listens on 127.0.0.1 only, and no function depends on it.

#![forbid(unsafe_code)]

mod api;
mod deliveries;
mod delivery;
mod emulator;
mod guard;
mod inspector;
mod journal;
mod line;
mod observe;
mod page;
mod receive;
mod sample;
mod verification;

pub use inspector::{Receiver, Setup, serve};
