//! One event, delivered until it is a duplicate, while the calls of chosen attempts fail.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
};
use webhook_tests::{
    emulator::Aws,
    lambda::Instance,
    proxy::{Call, Fault},
    traffic::{Event, Kind, Seen, Taken, variables_of, violations},
};
use webhook_verify::Provider;

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FaultExtent {
    /// For one request: the client's next try is fine.
    Once,
    /// For all requests of this call in the attempt.
    Throughout,
    /// From the first such request on, all of AWS is out of reach.
    Outage,
}

/// A fault of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) call: Call,
    pub(crate) fault: Fault,
    pub(crate) lasts: FaultExtent,
}

/// Returns the script of a proxy that follows these rules.
pub(crate) fn script(rules: &[Rule]) -> impl FnMut(Call) -> Option<Fault> + Send + 'static {
    let mut rules = rules.to_vec();
    let mut is_down = false;
    move |call| {
        if is_down {
            return Some(Fault::ResetBefore);
        }
        let found = rules.iter().position(|rule| rule.call == call)?;
        let rule = rules[found];
        match rule.lasts {
            FaultExtent::Once => drop(rules.remove(found)),
            FaultExtent::Throughout => {}
            FaultExtent::Outage => is_down = true,
        }
        Some(rule.fault)
    }
}

/// Faults, the answers that must follow from them, and when requests that are held back are let go.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    /// The faults of the first attempt, the second, and so on. Later attempts have none.
    pub(crate) attempts: Vec<Vec<Rule>>,
    /// The time until the deadline in attempts with faults. The others have 15 s.
    pub(crate) time_left: Duration,
    /// The attempt, counted from 0, after which requests that are held back are let go.
    pub(crate) let_go_after: usize,
    /// Every answer, up to the duplicate that ends the case. `InFlight(0)` stands for any rest of
    /// the lease.
    pub(crate) answers: Vec<Seen>,
}

/// A short time until the deadline. The lease ends only 5 s later, since clocks may differ, and the
/// tests have to wait for that.
pub(crate) const SHORT: Duration = Duration::from_millis(2_500);
/// The template's timeout.
pub(crate) const LONG: Duration = Duration::from_secs(15);
/// The longest lease: [`SHORT`] and 5 s, rounded up.
const LONGEST_LEASE_S: u64 = 8;
/// A case with more attempts than this would never end.
const MOST_ATTEMPTS: usize = 8;

/// Limits how many cases are busy (not waiting) at once. More would slow down each delivery, but
/// the next attempt must come while the lease of the previous one still holds.
static AT_ONCE: Semaphore = Semaphore::const_new(12);

/// A case that is running, with a table, a queue and an instance of its own.
pub(crate) struct Run {
    case: Case,
    aws: Aws,
    table: String,
    queue: String,
    instance: Instance,
    event: Event,
    seen: Vec<Seen>,
    busy: Option<SemaphorePermit<'static>>,
}

/// Returns the variables of a provider's function with a new table, queue, bucket and secret.
pub(crate) async fn variables(provider: &Provider, aws: &Aws) -> HashMap<String, String> {
    let mut variables = variables_of(provider, aws).await;
    for (name, value) in [
        ("IDEMPOTENCY_TABLE", aws.create_table().await),
        ("QUEUE_URL", aws.create_queue(true).await),
        ("PAYLOAD_BUCKET", aws.create_bucket().await),
    ] {
        variables.insert(name.to_owned(), value);
    }
    variables
}

/// Returns what is wrong with a table and its queue after these events.
pub(crate) async fn wrong(aws: &Aws, table: &str, queue: &str, events: &[Event]) -> Vec<String> {
    let mut taken = Vec::new();
    for message in aws.take_messages(queue).await {
        taken.push(Taken::read(aws, message).await);
    }
    violations(events, &taken, &aws.records(table).await)
}

impl Run {
    pub(crate) async fn new(case: Case, emulator: &str) -> Self {
        let aws = Aws::at(emulator);
        let provider = case.kind.provider;
        let mut variables = variables(provider, &aws).await;
        if case.attempts.iter().flatten().any(|rule| rule.call == Call::PreviousSecret) {
            // A start does not fetch the previous version. Without a cache, each delivery fetches
            // both.
            variables.insert("SECRET_CACHE_S".to_owned(), "0".to_owned());
        }
        let variable = |name: &str| variables[name].clone();
        let instance = Instance::new(provider.name(), &variables, emulator).await;
        Self {
            table: variable("IDEMPOTENCY_TABLE"),
            queue: variable("QUEUE_URL"),
            event: Event::new(case.kind, 1),
            seen: Vec::new(),
            busy: None,
            case,
            aws,
            instance,
        }
    }

    /// Makes the next attempt.
    pub(crate) async fn attempt(&mut self) -> Result<(), String> {
        let number = self.seen.len();
        let rules = self.case.attempts.get(number).cloned().unwrap_or_default();
        let time_left = if rules.is_empty() { LONG } else { self.case.time_left };
        self.instance.proxy.follow(script(&rules));
        if self.busy.is_none() {
            self.busy = Some(AT_ONCE.acquire().await.expect("is never closed"));
        }
        let answer = self.instance.invoke(self.event.delivery(), time_left, None).await;
        self.instance.proxy.follow(|_| None);
        if number == self.case.let_go_after {
            self.instance.proxy.let_go();
            self.instance.proxy.settled().await;
        }
        let seen = Seen::read(&self.event, answer)?;
        self.seen.push(match seen {
            Seen::InFlight(seconds) if (1..=LONGEST_LEASE_S).contains(&seconds) => {
                self.busy = None;
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Seen::InFlight(0)
            }
            seen => seen,
        });
        let reached = self.instance.proxy.seen();
        match rules.iter().find(|rule| !reached.contains(&(rule.call, Some(rule.fault)))) {
            None => Ok(()),
            Some(rule) => Err(format!("{rule:?} was never reached: {reached:?}")),
        }
    }

    /// Makes the remaining attempts, and checks the result.
    pub(crate) async fn finish(&mut self) -> Result<(), String> {
        while self.seen.last() != Some(&Seen::Duplicate) {
            self.forge().await?;
            self.attempt().await?;
            if self.seen.len() > MOST_ATTEMPTS {
                return Err(format!("never a duplicate: {:?}", self.seen));
            }
        }
        self.instance.proxy.settled().await;
        let mut wrong =
            wrong(&self.aws, &self.table, &self.queue, std::slice::from_ref(&self.event)).await;
        if self.seen != self.case.answers {
            wrong.push(format!("answers {:?}, expected {:?}", self.seen, self.case.answers));
        }
        let deaths = self.seen.iter().filter(|&&seen| seen == Seen::Died).count();
        if self.instance.starts() != 1 + deaths {
            wrong.push(format!("started {} times for {deaths} kills", self.instance.starts()));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("{wrong:?}, calls {:?}", self.instance.proxy.seen()))
        }
    }

    /// Delivers a forgery, of a different sort after each attempt.
    async fn forge(&mut self) -> Result<(), String> {
        let forgery = self.event.forgery(u8::try_from(self.seen.len()).expect("few attempts"));
        let held = |rule: &Rule| matches!(rule.fault, Fault::HoldBefore | Fault::HoldAfter);
        let mut rules = self.case.attempts.iter().flatten();
        let secret_fetch_failed = rules.any(|rule| rule.call == Call::PreviousSecret && held(rule));
        match Seen::read(&self.event, self.instance.invoke(forgery, LONG, None).await)? {
            Seen::Refused => Ok(()),
            // For 10 s after a failed fetch, the delivery may be signed with a secret that is not
            // known yet.
            Seen::Unavailable if secret_fetch_failed => Ok(()),
            seen => Err(format!("a forgery after {:?} is answered {seen:?}", self.seen)),
        }
    }

    /// Returns the case as one line, for failure messages.
    pub(crate) fn name(&self) -> String {
        let rule = |rule: &Rule| format!("{:?} {:?} {:?}", rule.call, rule.fault, rule.lasts);
        let attempt = |rules: &Vec<Rule>| rules.iter().map(rule).collect::<Vec<_>>().join(" and ");
        let attempts: Vec<_> = self.case.attempts.iter().map(attempt).collect();
        format!(
            "{:?}: {}, let go after {}",
            self.case.kind,
            attempts.join("; then "),
            self.case.let_go_after
        )
    }
}

/// Runs all cases at the same time, and panics with those that fail.
pub(crate) async fn run_all(cases: Vec<Case>, emulator: &'static str) {
    let mut runs = JoinSet::new();
    for case in cases {
        runs.spawn(async move {
            let mut run = Run::new(case, emulator).await;
            let mut result = run.attempt().await;
            if result.is_ok() {
                result = run.finish().await;
            }
            result.map_err(|error| format!("{}: {error}", run.name()))
        });
    }
    assert_none_failed(&runs.join_all().await);
}

pub(crate) fn assert_none_failed(results: &[Result<(), String>]) {
    let failed: Vec<_> =
        results.iter().filter_map(|result| result.as_ref().err()).map(String::as_str).collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases fail:\n{}",
        failed.len(),
        results.len(),
        failed.join("\n")
    );
}
