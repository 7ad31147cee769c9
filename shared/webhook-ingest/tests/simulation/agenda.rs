//! Virtual time: an agenda of actions in the order of their times, and futures that wait.
//!
//! Nothing sleeps. The run takes the next action off the agenda, sets the time to it and carries it
//! out. Chance decides the order of actions within the same millisecond.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use webhook_ingest::{Clock, UnixMillis};

use crate::{network::ExchangeId, world::Shared};

/// The true time at which every run begins, in milliseconds since 1970.
pub(crate) const BEGIN: UnixMillis = UnixMillis(1_700_000_000_000);

/// A point in a run: the milliseconds since it began, and a number that orders what happens within
/// one millisecond.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment {
    pub(crate) ms: u64,
    pub(crate) order: u64,
}

/// What can be put on the agenda. The numbers are indices into the lists of the run.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Action {
    /// A sender makes its next attempt.
    Attempt { sender: usize },
    /// A delivery reaches the function.
    Arrive { invocation: usize },
    /// Something has happened that an invocation may wait for.
    Poll { invocation: usize },
    /// The process of an invocation dies.
    Crash { invocation: usize },
    /// Lambda kills an invocation that is past its deadline.
    Kill { invocation: usize },
    /// A request reaches its service.
    TakeEffect { exchange: ExchangeId },
    /// A reply reaches its caller, or the caller stops waiting for it.
    Reply { exchange: ExchangeId },
    /// The response to an attempt reaches the sender.
    Respond { sender: usize, attempt: u32, status: u16 },
    /// A sender stops waiting for a response.
    GiveUp { sender: usize, attempt: u32 },
    /// The attacker forges a delivery, or plans to replay a captured one.
    Attack,
    /// The attacker sends a captured delivery again.
    Replay { captured: usize },
    /// `DynamoDB` checks whether a record may be deleted.
    Sweep { record: usize },
    /// The operator stores a new secret.
    Rotate { provider: usize },
    /// The provider begins to sign with the new secret.
    SignAnew { provider: usize },
}

/// Actions to come.
#[derive(Default)]
pub(crate) struct Agenda {
    now_ms: u64,
    order: u64,
    actions: BinaryHeap<Reverse<(u64, u32, u64, Action)>>,
}

impl Agenda {
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Returns the present moment, which is after everything that has happened so far.
    pub(crate) fn moment(&mut self) -> Moment {
        self.order += 1;
        Moment { ms: self.now_ms, order: self.order }
    }

    /// `chance` decides among the actions of one millisecond.
    pub(crate) fn add(&mut self, after_ms: u64, chance: u32, action: Action) {
        self.order += 1;
        self.actions.push(Reverse((self.now_ms + after_ms, chance, self.order, action)));
    }

    /// Moves time on. A walk uses this, since it decides itself what is next.
    pub(crate) fn advance_to(&mut self, ms: u64) {
        self.now_ms = self.now_ms.max(ms);
    }

    /// Moves time on to the next action.
    pub(crate) fn next(&mut self) -> Option<Action> {
        let Reverse((at_ms, _, _, action)) = self.actions.pop()?;
        self.now_ms = at_ms;
        Some(action)
    }
}

/// A time that an invocation waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Timer {
    pub(crate) invocation: usize,
    pub(crate) until_ms: u64,
}

/// A future that is ready once a time has passed.
struct Sleep {
    world: Shared,
    duration: Duration,
    timer: Option<Timer>,
}

impl Sleep {
    fn new(world: &Shared, duration: Duration) -> Self {
        Self { world: world.clone(), duration, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let after_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX / 2);
        let mut world = self.world.lock();
        let now_ms = world.agenda.now_ms();
        match self.timer {
            Some(timer) if now_ms >= timer.until_ms => Poll::Ready(()),
            Some(_) => Poll::Pending,
            None => {
                let timer = Timer { invocation: world.polled, until_ms: now_ms + after_ms };
                world.later(after_ms, Action::Poll { invocation: timer.invocation });
                world.timers.push(timer);
                drop(world);
                self.timer = Some(timer);
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(timer) = self.timer else { return };
        let mut world = self.world.lock();
        if let Some(place) = world.timers.iter().position(|&known| known == timer) {
            world.timers.swap_remove(place);
        }
    }
}

pub(crate) async fn sleep(world: &Shared, duration: Duration) {
    Sleep::new(world, duration).await;
}

/// The clock of one instance.
pub(crate) struct InstanceClock {
    pub(crate) world: Shared,
    /// How far it is ahead of the true time.
    pub(crate) ahead_ms: i64,
}

impl Clock for InstanceClock {
    fn now(&self) -> UnixMillis {
        at(self.world.lock().agenda.now_ms(), self.ahead_ms)
    }

    async fn sleep(&self, duration: Duration) {
        sleep(&self.world, duration).await;
    }

    async fn within<F: Future + Send>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut limit = pin!(Sleep::new(&self.world, limit));
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => limit.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}

/// Returns what a clock that is `ahead_ms` ahead shows when the run has lasted `ms`.
pub(crate) fn at(ms: u64, ahead_ms: i64) -> UnixMillis {
    UnixMillis(BEGIN.0 + i64::try_from(ms).unwrap_or(i64::MAX / 2) + ahead_ms)
}
