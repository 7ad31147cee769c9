//! The real bootstraps, over the Lambda Runtime API and the emulator: the whole contract, from
//! event to answer, table and queue.
//!
//! Each test is a loop over the list of providers, or over their schemes. What it expects follows
//! from their descriptions, without the code under test.

mod answers;
mod edge;
mod events;
mod headers;
mod hostile;
mod logs;
mod messages;
mod metrics;
mod names;
mod secrets;
mod start;
mod world;
