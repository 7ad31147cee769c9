//! A provider's function: what it keeps from one invocation to the next, and what it does for each.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use webhook_aws::{DynamoStore, SdkConfig, SecretsManager, SqsQueue};
use webhook_ingest::{Attempt, ClaimToken, Clock as _, Pipeline, SecretCache, invocation_deadline};
use webhook_verify::Provider;

use crate::{
    clock::SystemClock,
    config::FunctionConfig,
    event::{EventError, HttpEvent},
    invocation::{Handled, Invocation},
    log::{self, DeliveryLog},
    metrics,
    response::{self, Response},
};

/// How long the start may wait for Secrets Manager, `DynamoDB` and SQS together. They usually take
/// a tenth of it.
///
/// If a service hangs, the start and the first delivery together still end within 10 s, because
/// each has a limit: this one is 0.5 s, the delivery's is 9 s (`webhook-ingest/src/budget.rs`), and
/// 0.5 s are left to begin the process and to send the response. Neither waits until the SDK gives
/// up, which takes more than 6 s (three attempts of 2 s, and pauses). A delivery that comes before
/// the secret is there fetches it itself, as one of the calls that share its 9 s.
const WARM_UP_AT_MOST: Duration = Duration::from_millis(500);

pub(crate) struct Function {
    pipeline: Pipeline<DynamoStore, SqsQueue, SecretsManager, SystemClock>,
    log: DeliveryLog,
    is_warm: AtomicBool,
}

/// The error for an event that cannot be a webhook. It tells Lambda that nothing was handled, so a
/// queue that was connected by mistake keeps its messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the event is not an HTTP request: connect the function to an HTTP API, a REST API, a load \
     balancer or a function URL"
)]
pub(crate) struct NotAnHttpRequest;

impl From<NotAnHttpRequest> for Diagnostic {
    fn from(error: NotAnHttpRequest) -> Self {
        Self { error_type: "NotAnHttpRequest".to_owned(), error_message: error.to_string() }
    }
}

impl Function {
    pub(crate) fn new(
        provider: &'static Provider,
        aws: &SdkConfig,
        config: FunctionConfig,
    ) -> Self {
        let secrets = SecretsManager::new(aws, config.signing_secret_id);
        let pipeline = Pipeline {
            provider,
            store: DynamoStore::new(aws, config.idempotency_table),
            queue: SqsQueue::new(aws, config.queue_url, config.payload_bucket),
            secrets: SecretCache::new(
                secrets,
                provider.key(),
                config.secret_cache,
                config.development_secret,
            ),
            clock: SystemClock,
            settings: config.settings,
        };
        Self { pipeline, log: DeliveryLog::default(), is_warm: AtomicBool::new(false) }
    }

    /// Fetches the secret, and opens the connections that the first delivery will use: while a
    /// function starts, it has a whole processor, and no sender is waiting. What fails here is
    /// tried again, and reported, at the first delivery.
    pub(crate) async fn warm_up(&'static self) {
        // A slow fetch goes on in the background.
        let fetch = tokio::spawn(async {
            let warnings = self.pipeline.secrets.warm(self.pipeline.clock.now()).await;
            log::secret_warnings(self.pipeline.provider.name(), &warnings);
        });
        let all = async {
            tokio::join!(fetch, self.pipeline.store.connect(), self.pipeline.queue.connect())
        };
        let _ = tokio::time::timeout(WARM_UP_AT_MOST, all).await;
    }

    /// Handles one invocation. The event is taken as text, so that a malformed one gets a response
    /// too.
    ///
    /// # Errors
    /// [`NotAnHttpRequest`] if the event is not an HTTP request.
    pub(crate) async fn handle(
        &self,
        event: LambdaEvent<Box<RawValue>>,
    ) -> Result<Response, NotAnHttpRequest> {
        let LambdaEvent { payload, context } = event;
        let invocation = Invocation {
            provider: self.pipeline.provider.name(),
            function_name: &context.env_config.function_name,
            function_version: &context.env_config.version,
            request_id: &context.request_id,
            cold_start: !self.is_warm.swap(true, Ordering::Relaxed),
        };
        let event = HttpEvent::from_json(payload.get());
        drop(payload); // Up to 6 MB that are not needed any more.
        match event {
            Ok(event) => Ok(self.deliver(&event, &invocation, &context).await),
            Err(EventError::Malformed(format)) => {
                log::malformed_event(&invocation);
                metrics::event_without_delivery(&invocation);
                Ok(response::malformed(format))
            }
            Err(EventError::NotHttp) => {
                log::not_an_http_request(&invocation, &NotAnHttpRequest.to_string());
                metrics::event_without_delivery(&invocation);
                Err(NotAnHttpRequest)
            }
        }
    }

    async fn deliver(
        &self,
        event: &HttpEvent,
        invocation: &Invocation<'_>,
        context: &Context,
    ) -> Response {
        let clock = &self.pipeline.clock;
        let started_at = clock.now();
        let attempt = Attempt {
            token: ClaimToken::random(),
            deadline: invocation_deadline(context.deadline, started_at),
            trace_header: context.xray_trace_id.clone(),
        };
        // Boxed: the future has some 25 kB, which the runtime's layers would move about.
        let report = Box::pin(self.pipeline.handle(&event.headers, &event.body, attempt)).await;
        let ended_at = clock.now();
        let handled = Handled {
            report: &report,
            body_bytes: event.body.len(),
            duration: ended_at.since(started_at),
        };
        self.log.delivery(invocation, &handled, ended_at);
        metrics::delivery(invocation, &handled);
        response::response(&report.outcome, event.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_not_an_http_request_has_a_named_error() {
        let message = "the event is not an HTTP request: connect the function to an HTTP API, a \
                       REST API, a load balancer or a function URL";
        let expected = Diagnostic {
            error_type: "NotAnHttpRequest".to_owned(),
            error_message: message.to_owned(),
        };
        assert_eq!(Diagnostic::from(NotAnHttpRequest), expected);
    }
}
