//! The local inspector of `make dev`: it receives deliveries, forwards them to the stack in the emulator or to
//! `cargo lambda watch`, and shows what came of each, as JSON and on a page.
//!
//! - `receive` takes a delivery and forwards the same bytes; `observe` then finds its log line, and says why it was refused.
//! - `delivery` is what is known of one; `deliveries` holds so many of them, and `journal` keeps them over a restart.
//! - `emulator` reads logs, queues, records and secrets of the stack.
//! - `api` has the routes, `guard` what they refuse, `sample` the button that saves a delivery in `events/`.
//!
//! It listens on 127.0.0.1 alone. It belongs to no function.

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
