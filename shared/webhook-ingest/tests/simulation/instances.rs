//! Instances of a function: the real pipeline over the simulated ports, one of which may have a
//! flaw.

use std::{
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{
    agenda::InstanceClock,
    flaws::{Flaw, FlawedQueue, FlawedStore, Gullible},
    ports::{Secrets, SendQueue, Store},
    services::Condition,
    traffic::Sent,
    world::Shared,
};
use webhook_ingest::{
    Attempt, DevelopmentSecret, EventQueue, IdempotencyStore, Pipeline, Report, SecretCache,
};

/// One invocation. Dropping it kills its process.
pub(crate) type Task = Pin<Box<dyn Future<Output = Report> + Send>>;

pub(crate) trait Handler: Send + Sync {
    fn handle(self: Arc<Self>, sent: Arc<Sent>, attempt: Attempt) -> Task;
}

impl<S, Q> Handler for Pipeline<S, Q, Secrets, InstanceClock>
where
    S: IdempotencyStore + 'static,
    Q: EventQueue + 'static,
{
    fn handle(self: Arc<Self>, sent: Arc<Sent>, attempt: Attempt) -> Task {
        Box::pin(async move { Pipeline::handle(&*self, &sent.headers, &sent.body, attempt).await })
    }
}

/// Starts a new process of a provider's function, with its own clock and secret cache.
pub(crate) fn start(
    world: &Shared,
    provider: usize,
    ahead_ms: i64,
    flaw: Option<Flaw>,
) -> Arc<dyn Handler> {
    let store = Store {
        world: world.clone(),
        condition: flaw.map_or_else(Condition::default, Flaw::condition),
    };
    let queue = SendQueue { world: world.clone() };
    let Some(flaw) = flaw else {
        return Arc::new(pipeline(world, provider, ahead_ms, flaw, store, queue));
    };
    let (store, queue) = (FlawedStore::new(store, flaw), FlawedQueue { inner: queue, flaw });
    let flawed: Arc<dyn Handler> =
        Arc::new(pipeline(world, provider, ahead_ms, Some(flaw), store, queue));
    if flaw == Flaw::VerificationSkipped {
        Arc::new(Gullible::new(flawed, world.clone()))
    } else {
        flawed
    }
}

fn pipeline<S, Q>(
    world: &Shared,
    provider: usize,
    ahead_ms: i64,
    flaw: Option<Flaw>,
    store: S,
    queue: Q,
) -> Pipeline<S, Q, Secrets, InstanceClock> {
    let (settings, secret_cache, described) = {
        let plan = &world.lock().plan;
        (plan.settings.clone(), plan.secret_cache, plan.providers[provider])
    };
    let secrets = Secrets {
        world: world.clone(),
        provider,
        key: described.key(),
        reads_previous: flaw != Some(Flaw::PreviousSecretIgnored),
        reads_previous_again: flaw != Some(Flaw::RefetchReplacesPrevious),
        has_fetched: AtomicBool::new(false),
    };
    Pipeline {
        provider: described,
        store,
        queue,
        secrets: SecretCache::new(
            secrets,
            described.key(),
            secret_cache,
            DevelopmentSecret::Refused,
        ),
        clock: InstanceClock { world: world.clone(), ahead_ms },
        settings: match flaw {
            Some(flaw) => flaw.settings(settings),
            None => settings,
        },
    }
}
