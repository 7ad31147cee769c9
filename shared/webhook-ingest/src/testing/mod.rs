//! For tests: the ports in memory, a clock that is set by hand, and the contract that every
//! implementation must keep.

mod contract;
mod memory;
mod providers;

pub use contract::{queue_contract, store_contract};
pub use memory::{
    Failure, ManualClock, MemoryQueue, MemorySecrets, MemoryStore, Record, StoredMessage,
};
pub use providers::{ACME, BETA};

#[cfg(test)]
mod tests;
