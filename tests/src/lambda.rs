//! Runs a function as Lambda does: in instances that handle one invocation at a time and may die.
//! Each has its own proxy between itself and AWS.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{
    emulator::client_variables,
    function::{Answer, Function},
    proxy::Proxy,
};

/// An instance of a function. If its process dies, the next invocation starts a new one.
pub struct Instance {
    name: &'static str,
    variables: HashMap<String, String>,
    /// The proxy between the instance and AWS.
    pub proxy: Proxy,
    /// The process, locked while it handles an invocation.
    function: tokio::sync::Mutex<Option<Arc<Function>>>,
    starts: AtomicUsize,
    kills: AtomicUsize,
}

impl Instance {
    /// Returns an instance whose first invocation starts it. `variables` are the function's own,
    /// without AWS's.
    pub async fn new(
        name: &'static str,
        variables: &HashMap<String, String>,
        emulator: &str,
    ) -> Self {
        let proxy = Proxy::start(emulator).await;
        let mut variables = variables.clone();
        variables.extend(client_variables(&proxy.endpoint));
        Self {
            name,
            variables,
            proxy,
            function: tokio::sync::Mutex::default(),
            starts: AtomicUsize::default(),
            kills: AtomicUsize::default(),
        }
    }

    /// Invokes the instance, and starts it first if it is new or dead. With `kill_after`, the
    /// process is killed that long after it got the event, unless it has answered by then. Returns
    /// `None` if it dies or answers after its deadline.
    pub async fn invoke(
        &self,
        event: String,
        time_left: Duration,
        kill_after: Option<Duration>,
    ) -> Option<Answer> {
        let mut current = self.function.lock().await;
        let function = if let Some(alive) = current.take().filter(|function| !function.is_dead()) {
            alive
        } else {
            let function = Arc::new(Function::start(self.name, &self.variables).await);
            self.proxy.serves(Arc::clone(&function));
            self.starts.fetch_add(1, Ordering::Relaxed);
            function
        };
        *current = Some(Arc::clone(&function));
        let kill = async {
            match kill_after {
                Some(kill_after) => {
                    tokio::time::sleep(kill_after).await;
                    self.kills.fetch_add(1, Ordering::Relaxed);
                    function.kill().await;
                }
                None => std::future::pending().await,
            }
        };
        let invocation = function.invoke_mortal(event, time_left);
        tokio::pin!(invocation, kill);
        tokio::select! {
            answer = &mut invocation => answer,
            () = &mut kill => invocation.await,
        }
    }

    /// Returns how many processes were started. If there are more than the kills plus one, a
    /// process has died by itself.
    #[must_use]
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    /// Returns how many processes `kill_after` has killed.
    #[must_use]
    pub fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }
}

/// The instances of one function. An invocation waits for a free one.
pub struct Lambda {
    /// All instances, busy or free.
    pub instances: Vec<Instance>,
    free: Mutex<Vec<usize>>,
    count: Semaphore,
}

impl Lambda {
    /// Returns a function with this many instances, none of them started.
    pub async fn new(
        name: &'static str,
        variables: &HashMap<String, String>,
        emulator: &str,
        instances: usize,
    ) -> Self {
        let mut lambda = Self {
            instances: Vec::new(),
            free: Mutex::new((0..instances).collect()),
            count: Semaphore::new(instances),
        };
        for _ in 0..instances {
            lambda.instances.push(Instance::new(name, variables, emulator).await);
        }
        lambda
    }

    /// Invokes a free instance, as [`Instance::invoke`] does.
    ///
    /// # Panics
    /// Never: there are as many permits as instances.
    pub async fn invoke(
        &self,
        event: String,
        time_left: Duration,
        kill_after: Option<Duration>,
    ) -> Option<Answer> {
        let _permit = self.count.acquire().await.expect("is never closed");
        let free = |lambda: &Self| lambda.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let number = free(self).expect("whoever has a permit finds an instance");
        let answer = self.instances[number].invoke(event, time_left, kill_after).await;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        answer
    }
}
