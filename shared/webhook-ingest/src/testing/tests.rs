//! Runs the contract over the ports in memory.

use super::*;
use crate::clock::UnixMillis;

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    store_contract(&MemoryStore::default(), "memory").await;
}

#[tokio::test]
async fn the_queue_in_memory_keeps_the_contract() {
    let queue = MemoryQueue::new(ManualClock::at(UnixMillis(0)));
    queue_contract(&queue, "memory").await;
    let bodies: Vec<_> = queue.messages().into_iter().map(|sent| sent.message.body).collect();
    assert_eq!(bodies, ["first", "other"]);
}
