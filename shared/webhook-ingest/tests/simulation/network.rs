//! The network between an instance and the services. Requests and replies get lost or late, and
//! replies may be errors.
//!
//! A request that has left the instance may take effect after its caller has given up or died.
//! Below the port, a request that fails is sent again unchanged, as `webhook-aws` does. So the
//! service may see the same claim, with the same token, more than once.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use webhook_ingest::{CallError, ClaimResult, ClaimToken, Fenced, Message, NewClaim};

use crate::{
    agenda::{Action, Moment, sleep},
    plan::Plan,
    services::{Condition, Vault},
    world::{Shared, World},
};

pub(crate) type ExchangeId = usize;

/// The longest delay of a request or a reply: longer than any lease. Later ones never arrive.
pub(crate) const LONGEST_DELAY_MS: u64 = 40_000;
/// The longest delay if nothing is wrong.
const USUAL_DELAY_MS: u64 = 30;
/// A record that is kept for longer than this is still there when the run ends.
const LOOKS_AHEAD_MS: u64 = 86_400_000;
/// The pause before a request is sent again for the first time; it doubles each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// A request to a service.
#[derive(Clone)]
pub(crate) enum Request {
    Claim {
        claim: Arc<NewClaim>,
        condition: Condition,
    },
    /// For a broken store: reads what the result of a claim would be, and writes nothing.
    Look {
        claim: Arc<NewClaim>,
    },
    /// For a broken store: writes a claim over whatever is there.
    Put {
        claim: Arc<NewClaim>,
    },
    Complete {
        id: Arc<str>,
        token: ClaimToken,
        expires_at_s: i64,
        fenced: bool,
    },
    Release {
        id: Arc<str>,
        token: ClaimToken,
        fenced: bool,
    },
    Send {
        message: Arc<Message>,
    },
    Fetch {
        provider: usize,
    },
}

/// Kinds of requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Claim,
    Complete,
    Release,
    Send,
    Fetch,
}

impl Request {
    fn operation(&self) -> Operation {
        match self {
            Self::Claim { .. } | Self::Look { .. } | Self::Put { .. } => Operation::Claim,
            Self::Complete { .. } => Operation::Complete,
            Self::Release { .. } => Operation::Release,
            Self::Send { .. } => Operation::Send,
            Self::Fetch { .. } => Operation::Fetch,
        }
    }
}

/// What a request did at its service.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Looked(ClaimResult),
    Claimed {
        result: ClaimResult,
        repeated: bool,
    },
    Completed(Fenced),
    Released(Fenced),
    /// The place of the message on the queue, and whether the queue took it as a new one.
    Sent {
        message: usize,
        new: bool,
    },
    Fetched(Vault),
}

/// What happens to a request and its reply on the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Fine,
    /// The service answers with an error and does nothing.
    ErrorBefore,
    /// The service does it and answers with an error.
    ErrorAfter,
    /// It never arrives.
    RequestLost,
    /// It arrives, and its reply never does.
    ReplyLost,
    /// It arrives late, perhaps past the lease.
    RequestLate,
    /// It arrives, and its reply is late.
    ReplyLate,
}

pub(crate) const FATES: [Fate; 6] = [
    Fate::ErrorBefore,
    Fate::ErrorAfter,
    Fate::RequestLost,
    Fate::ReplyLost,
    Fate::RequestLate,
    Fate::ReplyLate,
];

/// One request, and all that is known about it after the run.
pub(crate) struct Exchange {
    pub(crate) invocation: usize,
    pub(crate) operation: Operation,
    pub(crate) fate: Fate,
    pub(crate) left: Moment,
    pub(crate) effect: Option<(Moment, Effect)>,
    /// When the caller got the result, and whether it was a success. `None` if the caller died or
    /// gave up.
    pub(crate) result: Option<(Moment, bool)>,
    /// When the caller died or gave up.
    pub(crate) abandoned: Option<Moment>,
    pub(crate) request: Option<Request>,
    /// What the caller gets once the reply is due.
    pub(crate) reply: Option<Result<Effect, CallError>>,
    /// Whether the reply has arrived, or the caller has waited long enough.
    pub(crate) due: bool,
    /// Whether the request arrives even if its caller abandons it.
    survives: bool,
}

/// All requests of a run, and how many faults are left.
pub(crate) struct Network {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) faults_left: u32,
    /// If a walk decides the fates: the requests that have none yet.
    pub(crate) undecided: Option<Vec<ExchangeId>>,
    /// For each operation: until when all its requests have the same fate, and which.
    outages: [Option<(u64, Fate)>; 5],
}

impl Network {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            exchanges: Vec::new(),
            faults_left: plan.faults,
            undecided: None,
            outages: [None; 5],
        }
    }
}

impl World {
    /// Draws the fate of the next request. A fault hits one request, or all of its kind for a
    /// while.
    fn draw_fate(&mut self, operation: Operation) -> Fate {
        let now_ms = self.agenda.now_ms();
        match self.network.outages[operation as usize] {
            Some((until_ms, fate)) if now_ms < until_ms => return fate,
            Some(_) | None => {}
        }
        if !self.fault(self.plan.fault_percent) {
            return Fate::Fine;
        }
        let fate = match self.plan.only_fate {
            Some(fate) => fate,
            None => FATES[self.rng.usize(..FATES.len())],
        };
        if self.rng.u32(..3) == 0 {
            let until_ms = now_ms + [1_000, 10_000, 30_000][self.rng.usize(..3)];
            self.network.outages[operation as usize] = Some((until_ms, fate));
        }
        fate
    }

    fn leave(&mut self, request: Request) -> ExchangeId {
        if let Some(undecided) = &mut self.network.undecided {
            undecided.push(self.network.exchanges.len());
            return self.note(request, Fate::Fine, None, true);
        }
        let operation = request.operation();
        let fate = self.draw_fate(operation);
        let usual = |world: &mut Self| world.rng.u64(1..=USUAL_DELAY_MS);
        let late = |world: &mut Self| {
            let longest_ms = if world.rng.bool() { LONGEST_DELAY_MS } else { LONGEST_DELAY_MS / 5 };
            world.rng.u64(USUAL_DELAY_MS..=longest_ms)
        };
        let there_ms = if fate == Fate::RequestLate { late(self) } else { usual(self) };
        let back_ms = if fate == Fate::ReplyLate { late(self) } else { usual(self) };
        let exchange = self.network.exchanges.len();
        if !matches!(fate, Fate::ErrorBefore | Fate::RequestLost) {
            self.later(there_ms, Action::TakeEffect { exchange });
        }
        let patience_ms = self.plan.client_patience_ms;
        let reply_ms = match fate {
            Fate::RequestLost | Fate::ReplyLost => patience_ms,
            _ => patience_ms.min(there_ms + back_ms),
        };
        self.later(reply_ms, Action::Reply { exchange });
        let error = || CallError::Failed("InternalServerError".to_owned());
        let reply = if reply_ms == patience_ms {
            Some(Err(CallError::NoResponse("no answer in time")))
        } else {
            matches!(fate, Fate::ErrorBefore | Fate::ErrorAfter).then(|| Err(error()))
        };
        let survives = self.rng.bool();
        self.note(request, fate, reply, survives)
    }

    fn note(
        &mut self,
        request: Request,
        fate: Fate,
        reply: Option<Result<Effect, CallError>>,
        survives: bool,
    ) -> ExchangeId {
        let left = self.agenda.moment();
        self.network.exchanges.push(Exchange {
            invocation: self.polled,
            operation: request.operation(),
            fate,
            left,
            effect: None,
            result: None,
            abandoned: None,
            request: Some(request),
            reply,
            due: false,
            survives,
        });
        self.network.exchanges.len() - 1
    }

    /// Carries out a request that has reached its service.
    pub(crate) fn take_effect(&mut self, exchange: ExchangeId) {
        let entry = &mut self.network.exchanges[exchange];
        let invocation = entry.invocation;
        let Some(request) = entry.request.take() else { return };
        let at = self.agenda.moment();
        let effect = self.carry_out(request, invocation, at);
        let entry = &mut self.network.exchanges[exchange];
        entry.reply.get_or_insert_with(|| Ok(effect.clone()));
        entry.effect = Some((at, effect));
    }

    fn carry_out(&mut self, request: Request, invocation: usize, at: Moment) -> Effect {
        match request {
            Request::Claim { claim, condition } => {
                let place = self.table.place(&claim.idempotency_key);
                let repeated = self.table.has_token(place, &claim.token);
                let result = self.table.look(place, &claim, condition);
                if matches!(result, ClaimResult::Claimed { .. }) && !repeated {
                    self.table.put(place, &claim);
                    self.plan_sweep(place, claim.expires_at_s);
                }
                Effect::Claimed { result, repeated }
            }
            Request::Look { claim } => {
                let place = self.table.place(&claim.idempotency_key);
                Effect::Looked(self.table.look(place, &claim, Condition::default()))
            }
            Request::Put { claim } => {
                let place = self.table.place(&claim.idempotency_key);
                self.table.put(place, &claim);
                self.plan_sweep(place, claim.expires_at_s);
                Effect::Claimed {
                    result: ClaimResult::Claimed { taken_over: false },
                    repeated: false,
                }
            }
            Request::Complete { id, token, expires_at_s, fenced } => {
                let place = self.table.place(&id);
                self.plan_sweep(place, expires_at_s);
                Effect::Completed(self.table.complete(place, &token, expires_at_s, fenced))
            }
            Request::Release { id, token, fenced } => {
                let place = self.table.place(&id);
                Effect::Released(self.table.release(place, &token, fenced))
            }
            Request::Send { message } => {
                let (message, new) = self.queue.send(&message, invocation, at);
                Effect::Sent { message, new }
            }
            Request::Fetch { provider } => Effect::Fetched(self.vaults[provider].clone()),
        }
    }

    /// Plans when the record is deleted after it expires: soon, late or, in some runs, never.
    fn plan_sweep(&mut self, record: usize, expires_at_s: i64) {
        let Some(lag_ms) = self.plan.sweep_lag_ms else { return };
        let now = crate::agenda::at(self.agenda.now_ms(), self.plan.service_ahead_ms);
        let due_ms = u64::try_from(expires_at_s * 1000 + 1000 - now.0).unwrap_or(0);
        if due_ms < LOOKS_AHEAD_MS {
            let after_ms = due_ms + self.rng.u64(..=lag_ms);
            self.later(after_ms, Action::Sweep { record });
        }
    }

    pub(crate) fn sweep(&mut self, record: usize) {
        if self.table.sweep(record, self.agenda.now_ms(), self.plan.service_ahead_ms) {
            let text = format!("the table deletes {} by TTL", self.table.id(record));
            self.aside(text);
        }
    }

    /// Makes the reply due: it has arrived, or the caller has waited long enough. Returns the
    /// caller's invocation.
    pub(crate) fn reply(&mut self, exchange: ExchangeId) -> usize {
        let entry = &mut self.network.exchanges[exchange];
        entry.due = true;
        entry.invocation
    }

    fn result(&mut self, exchange: ExchangeId) -> Option<Result<Effect, CallError>> {
        let at = self.agenda.moment();
        let entry = &mut self.network.exchanges[exchange];
        let reply = if entry.due { entry.reply.take() } else { None };
        entry.result = reply.as_ref().map(|reply| (at, reply.is_ok()));
        reply
    }

    fn abandon(&mut self, exchange: ExchangeId) {
        let at = self.agenda.moment();
        let entry = &mut self.network.exchanges[exchange];
        entry.abandoned = Some(at);
        if !entry.survives {
            entry.request = None;
        }
    }
}

/// A future that waits for the result of one request.
struct Waiting {
    world: Shared,
    request: Option<Request>,
    exchange: Option<ExchangeId>,
}

impl Future for Waiting {
    type Output = Result<Effect, CallError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.world.clone();
        let mut world = shared.lock();
        if let Some(request) = self.request.take() {
            self.exchange = Some(world.leave(request));
        }
        match self.exchange.and_then(|exchange| world.result(exchange)) {
            Some(result) => {
                self.exchange = None;
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange {
            self.world.lock().abandon(exchange);
        }
    }
}

/// Makes one call of a port: sends a request and, if it fails, the same request again, as often as
/// the run's client tries.
pub(crate) async fn call(world: &Shared, request: Request) -> Result<Effect, CallError> {
    let attempts = world.lock().plan.client_attempts;
    let mut pause = FIRST_BACKOFF;
    for _ in 1..attempts {
        let result =
            Waiting { world: world.clone(), request: Some(request.clone()), exchange: None }.await;
        if result.is_ok() {
            return result;
        }
        sleep(world, pause).await;
        pause *= 2;
    }
    Waiting { world: world.clone(), request: Some(request), exchange: None }.await
}
