//! The real bootstrap, a table and a queue in the emulator, and a proxy between them that makes
//! each call fail in each way that a network, a service or a dying process can. The simulation of
//! `webhook-ingest` tests the pipeline in this way; this suite tests the whole.
//!
//! A provider sends again until it has its answer: at once after a fault, or after `Retry-After`
//! while another delivery is in flight. Forgeries come between its attempts, and a replay comes
//! last. Each case states the exact answers, from the first attempt to the duplicate that ends it.
//! Afterwards, the table and the queue must hold the event once, as it was signed, and nothing
//! else.
//!
//! With `WEBHOOK_PROFILE=release`, the bootstraps are built as they are deployed.

mod case;
mod pairs;
mod races;
mod restart;
mod secrets;
mod single;
