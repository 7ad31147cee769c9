//! A pipeline over the ports in memory, none of which fails.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use webhook_ingest::{
    Attempt, ClaimToken, Clock as _, DevelopmentSecret, Outcome, Pipeline, SecretCache, Settings,
    UnixMillis,
    testing::{ManualClock, MemoryQueue, MemorySecrets, MemoryStore},
};
use webhook_verify::{Header, Provider, UnixSeconds};

/// One provider's receiver.
pub(crate) struct World {
    pub(crate) pipeline: Pipeline<MemoryStore, MemoryQueue, MemorySecrets, ManualClock>,
}

impl World {
    /// Makes a receiver for deliveries that are signed with this key. The key is stored as the
    /// provider would show it.
    pub(crate) fn new(provider: &'static Provider, key: &str, url: &str, now: UnixSeconds) -> Self {
        let clock = ManualClock::at(UnixMillis(now.0 * 1000));
        let secrets = MemorySecrets::new(&provider.key().write(key));
        let accepted = DevelopmentSecret::Accepted;
        let pipeline = Pipeline {
            provider,
            store: MemoryStore::default(),
            queue: MemoryQueue::new(clock.clone()),
            secrets: SecretCache::new(secrets, provider.key(), Duration::from_mins(5), accepted),
            clock,
            settings: Settings {
                public_url: Some(url.to_owned()),
                ..Settings::default_of(provider)
            },
        };
        Self { pipeline }
    }

    /// Delivers once, 15 s before the deadline.
    pub(crate) fn deliver(
        &self,
        headers: &[Header],
        body: &[u8],
        trace_header: Option<&str>,
    ) -> Outcome {
        let deadline = self.pipeline.clock.now().plus(Duration::from_secs(15));
        let trace_header = trace_header.map(str::to_owned);
        let attempt = Attempt { token: ClaimToken::named("token"), deadline, trace_header };
        let handled = pin!(self.pipeline.handle(headers, body, attempt));
        match handled.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => report.outcome,
            Poll::Pending => panic!("ports in memory do not wait"),
        }
    }
}
