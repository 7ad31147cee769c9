//! The real bootstraps, over the Lambda Runtime API and the emulator: the whole contract, from event to answer, table and
//! queue.

mod answers;
mod edge;
mod events;
mod hostile;
mod logs;
mod messages;
mod metrics;
mod secrets;
mod start;
mod world;
