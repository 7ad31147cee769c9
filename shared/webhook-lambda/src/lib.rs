//! The edge: a Lambda function that receives one provider's webhooks.
//!
//! Configuration from the environment, the HTTP event to headers and body, the outcome to an answer, a line of log and one of
//! metrics. What happens in between is `webhook-ingest`'s.

#![forbid(unsafe_code)]

mod clock;
mod config;
mod event;
mod log;
pub mod metrics;
mod response;

use std::{
    convert::Infallible,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tokio::runtime::Builder;
use webhook_aws::{ConfigError, DynamoStore, SecretsManager, SqsQueue};
use webhook_ingest::{Attempt, ClaimToken, Clock as _, Pipeline, Report, SecretCache, invocation_deadline};
use webhook_verify::Provider;

pub use crate::config::VARIABLES;
use crate::{clock::SystemClock, config::Config, event::HttpEvent};

/// Why the function does not start, in a sentence for the operator.
pub struct Error(String);

/// What `main` prints of it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lambda stops an init that takes longer than 10 s; a secret that is not there by then is fetched by the first delivery.
const WARM_UP_AT_MOST: Duration = Duration::from_secs(3);

type LambdaPipeline<P> = Pipeline<P, DynamoStore, SqsQueue, SecretsManager, SystemClock>;

/// Serves the provider's webhooks until Lambda ends the process.
///
/// # Errors
/// The environment lacks a variable, or has one with a value that is not understood.
pub fn run<P: Provider>(provider: P) -> Result<(), Error> {
    // One thread: an instance handles one delivery at a time.
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error(format!("cannot start: {error}")))?.block_on(serve(provider))
}

async fn serve<P: Provider>(provider: P) -> Result<(), Error> {
    let config = Config::from_env::<P>().map_err(|error| Error(error.to_string()))?;
    log::init(config.log_filter.clone());
    let pipeline = pipeline(provider, config).map_err(|error| Error(error.to_string()))?;
    warm_up(&pipeline).await;
    let is_warm = AtomicBool::new(false);
    // No layer for tracing spans: the one line of log has the request's id.
    let runtime = lambda_runtime::Runtime::new(service_fn(|event| handle(&pipeline, &is_warm, event)));
    Box::pin(runtime.run()).await.map_err(|error| Error(error.to_string()))
}

/// In init, which has a full CPU and which nobody waits for: fetches the secret, and opens the connections that the first
/// delivery will use. What goes wrong here shows at the first delivery.
async fn warm_up<P: Provider>(pipeline: &LambdaPipeline<P>) {
    let all = async {
        tokio::join!(pipeline.secrets.warm(pipeline.clock.now()), pipeline.store.connect(), pipeline.queue.connect())
    };
    let _ = tokio::time::timeout(WARM_UP_AT_MOST, all).await;
}

fn pipeline<P: Provider>(provider: P, config: Config) -> Result<LambdaPipeline<P>, ConfigError> {
    let aws = webhook_aws::Config::from_environment()?;
    Ok(Pipeline {
        provider,
        store: DynamoStore::new(&aws, config.idempotency_table)?,
        queue: SqsQueue::new(&aws, config.queue_url, config.payload_bucket)?,
        secrets: SecretCache::new(SecretsManager::new(&aws, config.signing_secret_id)?, config.secret_cache),
        clock: SystemClock,
        settings: config.settings,
    })
}

/// An invocation, as log and metrics name it.
struct Invocation<'a> {
    provider: &'static str,
    function_name: &'a str,
    request_id: &'a str,
    cold_start: bool,
}

/// What log and metrics tell of a delivery.
struct Handled<'a> {
    report: &'a Report,
    body_bytes: usize,
    duration: Duration,
}

/// One invocation. The event is taken as text, so that whatever Lambda sends gets an answer.
async fn handle<P: Provider>(
    pipeline: &LambdaPipeline<P>,
    is_warm: &AtomicBool,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<response::Response, Infallible> {
    let LambdaEvent { payload, context } = event;
    let cold_start = !is_warm.swap(true, Ordering::Relaxed);
    let function_name = &context.env_config.function_name;
    let invocation = Invocation { provider: P::NAME, function_name, request_id: &context.request_id, cold_start };
    let Some(event) = HttpEvent::from_json(payload.get()) else {
        log::not_an_http_event(&invocation);
        metrics::not_an_http_event(&invocation);
        return Ok(response::malformed_event());
    };
    drop(payload); // Up to 6 MB that nobody looks at any more.
    let started_at = pipeline.clock.now();
    let attempt = Attempt {
        token: ClaimToken::random(),
        deadline: invocation_deadline(context.deadline, started_at),
        trace_header: context.xray_trace_id,
    };
    // Boxed: some 25 kB, which the runtime's layers would move about.
    let report = Box::pin(pipeline.handle(&event.headers, &event.body, attempt)).await;
    let duration = pipeline.clock.now().since(started_at);
    let handled = Handled { report: &report, body_bytes: event.body.len(), duration };
    log::delivery(&invocation, &handled);
    metrics::delivery(&invocation, &handled);
    Ok(response::response(&report.outcome, event.multi_value_headers))
}
