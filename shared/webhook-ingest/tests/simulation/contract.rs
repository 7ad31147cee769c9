//! Runs the contract of the real adapters over the simulated services.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use fastrand::Rng;
use webhook_ingest::testing::{queue_contract, store_contract};

use crate::{
    agenda::Action,
    plan::{Gaps, Plan},
    ports::{SendQueue, Store},
    services::Condition,
    world::Shared,
};

fn world() -> Shared {
    let mut rng = Rng::with_seed(0);
    let plan = Plan { faults: 0, fifo: true, ..Plan::draw(&mut rng, Gaps::Any) };
    Shared::new(rng, plan)
}

/// Runs a future to its end, with nothing else in the world.
fn alone(world: &Shared, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending {
        let action = world.lock().agenda.next();
        match action.expect("the future waits for something") {
            Action::TakeEffect { exchange } => world.lock().take_effect(exchange),
            Action::Reply { exchange } => {
                world.lock().reply(exchange);
            }
            _ => {}
        }
    }
}

#[test]
fn the_simulated_table_keeps_the_contract_of_a_store() {
    let world = world();
    let store = Store { world: world.clone(), condition: Condition::default() };
    alone(&world, store_contract(&store, "simulated"));
}

#[test]
fn the_simulated_queue_keeps_the_contract_of_a_queue() {
    let world = world();
    let queue = SendQueue { world: world.clone() };
    alone(&world, queue_contract(&queue, "simulated"));
    let bodies: Vec<_> =
        world.lock().queue.messages.iter().map(|message| message.body.clone()).collect();
    assert_eq!(bodies, ["first", "other"]);
}
