//! A client of one AWS service for the few calls that a delivery makes.
//!
//! Why not the SDK's: its orchestration, its endpoint rules and its size are most of what a cold start and a delivery would
//! cost (`BENCHMARKS.md` has the figures). What is hard is still the SDK's and hyper's: signatures, HTTP, TLS, connections. What
//! is here is the order of attempts, by the rules of the SDK's standard mode.
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.

mod failure;
mod http;
mod quota;
mod sign;

use std::time::Duration;

use ::http::{
    HeaderName, HeaderValue, Method, Request, Uri,
    header::{CONTENT_TYPE, USER_AGENT},
};
use bytes::Bytes;
use http_body_util::Full;
use serde::Serialize;
use tokio::time::{sleep, timeout};

pub use self::http::AMAZON_ROOTS;
pub(crate) use self::{failure::Failure, http::Http};
use self::{quota::Quota, sign::Signer};
use crate::{Config, ConfigError, endpoint::Service};

/// Then the next attempt has a chance: the pipeline gives all calls of a delivery 8 s together.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
/// The SDK's own 1 s is for batch work: a provider is waiting here. Three attempts have two pauses: 50 ms at most, then 100.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// For opening a connection at the start: many times what it takes within a region. Where a service hangs, the start ends after
/// that, and with the 9 s that a delivery may take, its answer is out within 10 s. (Where Secrets Manager hangs, the start waits
/// for 3 s, and the delivery's own fetch ends after 6.2 s.)
const OPEN_AT_MOST: Duration = Duration::from_millis(500);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("webhook-receiver/", env!("CARGO_PKG_VERSION")));
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A client of one service.
pub(crate) struct Client {
    endpoint: Uri,
    signer: Signer,
    http: Http,
    attempt_timeout: Duration,
    quota: Quota,
}

/// A request as it is attempted.
struct Call<'a> {
    method: Method,
    uri: Uri,
    headers: &'a [(HeaderName, HeaderValue)],
    body: Bytes,
}

impl Client {
    pub(crate) fn new(config: &Config, service: Service) -> Result<Self, ConfigError> {
        Ok(Self::at(config.endpoint(service)?, config, service))
    }

    /// For S3, whose endpoint depends on the bucket.
    pub(crate) fn at(endpoint: Uri, config: &Config, service: Service) -> Self {
        let (signer, http) = (Signer::new(config, service), config.http.clone());
        Self { endpoint, signer, http, attempt_timeout: ATTEMPT_TIMEOUT, quota: Quota::default() }
    }

    /// With a longer time for each attempt.
    pub(crate) fn with_attempt_timeout(self, attempt_timeout: Duration) -> Self {
        Self { attempt_timeout, ..self }
    }

    /// Opens the connection that the first call would open: TLS is most of what that one costs, and while Lambda starts a
    /// function, nobody waits and the processor is whole. Where it takes long, it goes on beside what follows; where it fails,
    /// the first call opens one. `DynamoDB` and SQS answer `GET /ping` to everybody, and what they answer does not matter.
    pub(crate) async fn open(&self) {
        let Ok(uri) = self.uri("/ping") else { return };
        let (http, mut request) = (self.http.clone(), Request::new(Full::default()));
        *request.uri_mut() = uri;
        let opening = tokio::spawn(timeout(ATTEMPT_TIMEOUT, async move { drop(http.send(request).await) }));
        drop(timeout(OPEN_AT_MOST, opening).await);
    }

    /// A call in AWS's JSON protocol, such as `DynamoDB_20120810.PutItem`; the content type has the protocol's version.
    /// Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>.
    pub(crate) async fn json<T: Serialize>(
        &self,
        target: &'static str,
        content_type: &'static str,
        input: &T,
    ) -> Result<Bytes, Failure> {
        let body = serde_json::to_vec(input).map_err(|_| Failure::NotSent("the request could not be written"))?;
        let headers =
            [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (TARGET, HeaderValue::from_static(target))];
        self.call(Call { method: Method::POST, uri: self.endpoint.clone(), headers: &headers, body: body.into() }).await
    }

    /// Puts `body` at `path`, which needs no escape in a URL.
    pub(crate) async fn put(&self, path: &str, content_type: &'static str, body: Bytes) -> Result<(), Failure> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        self.call(Call { method: Method::PUT, uri: self.uri(path)?, headers: &headers, body }).await.map(drop)
    }

    /// `path` below the endpoint's own.
    fn uri(&self, path: &str) -> Result<Uri, Failure> {
        let endpoint = self.endpoint.to_string();
        let uri = format!("{}{path}", endpoint.trim_end_matches('/')).parse();
        uri.map_err(|_| Failure::NotSent("the request has no URL"))
    }

    async fn call(&self, call: Call<'_>) -> Result<Bytes, Failure> {
        let mut pause = FIRST_BACKOFF;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(&call).await {
                Ok(answer) => {
                    self.quota.succeeded(attempt == 1);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if !failure.is_transient() || attempt == ATTEMPTS || !self.quota.take() {
                return Err(failure);
            }
            // Some of it by chance, so that instances which failed together do not come back together.
            sleep(pause.mul_f64(fastrand::f64())).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Bytes, Failure> {
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        request.headers_mut().extend(call.headers.iter().cloned());
        request.headers_mut().insert(USER_AGENT, AGENT);
        self.signer.sign(&mut request, &call.body)?;
        match timeout(self.attempt_timeout, self.http.send(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(answer.into_body()),
            Ok(Ok(answer)) => Err(Failure::refused(answer)),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::NoAnswer("the service took too long")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
