//! The real bootstrap, the real table and queue, and a proxy between them that makes each call fail in each way that a network,
//! a service or a dying process can. What the simulation of `webhook-ingest` says of the pipeline, this says of the whole.
//!
//! A provider sends until it has its answer: at once after a fault, after `Retry-After` while another delivery is in flight.
//! Between its attempts come forgeries, after them a replay. Each case states the exact answers, from the first attempt to the
//! duplicate that ends it; after each, the table and the queue must hold the event once, as it was signed, and nothing else.
//!
//! `WEBHOOK_PROFILE=release` takes the bootstraps that are deployed.

mod case;
mod pairs;
mod races;
mod restart;
mod secrets;
mod single;
