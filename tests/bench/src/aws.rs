//! Fake `DynamoDB`, SQS and Secrets Manager, as far as a delivery needs them: HTTPS endpoints that
//! count calls, answer with a set latency, and remember enough to refuse a second claim.
//!
//! A function may open its connections in init with a cheap request. Such a request is answered and
//! not counted as a call.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The value of the signing secret.
pub const SECRET: &str = "a-key-of-the-usual-length-of-forty-bytes";

/// How often each operation was called.
pub type Calls = BTreeMap<String, u64>;

/// The state of all services.
#[derive(Default)]
pub struct Aws {
    latency_us: AtomicU64,
    connections: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: Calls,
    items: HashMap<String, Map<String, Value>>,
    messages: u64,
}

/// The URLs of the services. As on AWS, each service needs a connection of its own.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// `DynamoDB`.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
    /// Secrets Manager.
    pub secrets_manager: String,
}

impl Aws {
    /// Starts the services, which serve until the process ends.
    ///
    /// # Errors
    /// No port is free.
    pub async fn serve(self: &Arc<Self>, acceptor: &TlsAcceptor) -> Result<Endpoints> {
        Ok(Endpoints {
            dynamodb: self.listen(acceptor).await?,
            sqs: self.listen(acceptor).await?,
            secrets_manager: self.listen(acceptor).await?,
        })
    }

    /// Sets how long each answer waits from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.latency_us
            .store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the calls since the last time.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.state().calls)
    }

    /// Returns the number of connections opened since the last time.
    pub fn take_connections(&self) -> u64 {
        self.connections.swap(0, Ordering::Relaxed)
    }

    /// Deletes all records.
    pub fn clear(&self) {
        self.state().items.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self: &Arc<Self>, acceptor: &TlsAcceptor) -> Result<String> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        let port = listener.local_addr()?.port();
        self.accept(listener, acceptor);
        // `localhost` may resolve to IPv6 first. Without IPv6, no client tries that address.
        if let Ok(listener) = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await
        {
            self.accept(listener, acceptor);
        }
        Ok(format!("https://localhost:{port}"))
    }

    fn accept(self: &Arc<Self>, listener: TcpListener, acceptor: &TlsAcceptor) {
        let (aws, acceptor) = (Arc::clone(self), acceptor.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&aws).connection(stream, acceptor.clone()));
            }
        });
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, acceptor: TlsAcceptor) {
        let _ = stream.set_nodelay(true);
        // Errors are ignored: a process that ends breaks its connections, and a function that could
        // not do its job gives a wrong answer.
        let Ok(stream) = acceptor.accept(stream).await else { return };
        self.connections.fetch_add(1, Ordering::Relaxed);
        let service = service_fn(|request| self.answer(request));
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let (service, operation) = target.rsplit_once('.').unwrap_or_default();
        let (service, operation) = (service.to_owned(), operation.to_owned());
        let method = request.method().clone();
        let body = request
            .into_body()
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let input: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let (status, output) = match cheap_answer(&method, &operation) {
            Some(output) => (StatusCode::OK, output),
            None => self.state().call(&operation, &input),
        };
        let latency = Duration::from_micros(self.latency_us.load(Ordering::Relaxed));
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let response = Response::builder()
            .status(status)
            .header("content-type", content_type(&service))
            .header("x-amzn-requestid", "6d1a5b52-6a4a-5b4f-9d55-0fd2e6f3a001");
        Ok(response.body(Full::from(output.to_string())).expect("headers are ASCII"))
    }
}

/// Answers a request that only opens a connection, such as `GET /ping`; `None` if it is a call. Its
/// `x-amz-target` does not matter: a client may change the method and the path of an operation.
fn cheap_answer(method: &Method, operation: &str) -> Option<Value> {
    match operation {
        _ if method == Method::GET => Some(json!({})),
        "DescribeEndpoints" => {
            Some(json!({"Endpoints": [{"Address": "localhost", "CachePeriodInMinutes": 1440}]}))
        }
        "DescribeLimits" | "ListQueues" => Some(json!({})),
        _ => None,
    }
}

/// `DynamoDB` and SQS speak JSON 1.0, Secrets Manager 1.1.
fn content_type(service: &str) -> &'static str {
    if service == "secretsmanager" {
        "application/x-amz-json-1.1"
    } else {
        "application/x-amz-json-1.0"
    }
}

impl State {
    fn call(&mut self, operation: &str, input: &Value) -> (StatusCode, Value) {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        match operation {
            "PutItem" => self.put_item(input),
            "UpdateItem" => self.update_item(input),
            "DeleteItem" => {
                self.items.remove(&key(&input["Key"]));
                (StatusCode::OK, json!({}))
            }
            "SendMessage" => {
                self.messages += 1;
                let digest = Md5::digest(input["MessageBody"].as_str().unwrap_or_default());
                let id = format!("00000000-0000-4000-8000-{:012}", self.messages);
                let sent = json!({"MessageId": id, "MD5OfMessageBody": hex::encode(digest), "SequenceNumber": "1"});
                (StatusCode::OK, sent)
            }
            // The secret was never rotated.
            "GetSecretValue" if input["VersionStage"] == "AWSPREVIOUS" => {
                let message = "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS";
                (
                    StatusCode::BAD_REQUEST,
                    json!({"__type": "ResourceNotFoundException", "Message": message}),
                )
            }
            "GetSecretValue" => {
                let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:bench-AbCdEf";
                let version = "01234567-0123-4123-8123-0123456789ab";
                let stages = ["AWSCURRENT"];
                let value = json!({"ARN": arn, "Name": "bench", "VersionId": version, "SecretString": SECRET,
                                   "VersionStages": stages, "CreatedDate": 1_795_262_400.0});
                (StatusCode::OK, value)
            }
            _ => (StatusCode::BAD_REQUEST, json!({"__type": "UnknownOperationException"})),
        }
    }

    /// A condition fails if there is a record: functions under test send no other kind.
    fn put_item(&mut self, input: &Value) -> (StatusCode, Value) {
        let key = key(&input["Item"]);
        if let Some(held) =
            self.items.get(&key).filter(|_| input.get("ConditionExpression").is_some())
        {
            let mut error = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "message": "The conditional request failed",
            });
            if input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
                error["Item"] = held.clone().into();
            }
            return (StatusCode::BAD_REQUEST, error);
        }
        self.items.insert(key, input["Item"].as_object().cloned().unwrap_or_default());
        (StatusCode::OK, json!({}))
    }

    /// Applies `SET name = :value, …`, the only form that the functions send.
    fn update_item(&mut self, input: &Value) -> (StatusCode, Value) {
        let Some(item) = self.items.get_mut(&key(&input["Key"])) else {
            return (StatusCode::BAD_REQUEST, json!({"__type": "ConditionalCheckFailedException"}));
        };
        let assignments =
            input["UpdateExpression"].as_str().unwrap_or_default().trim_start_matches("SET ");
        for (name, value) in
            assignments.split(',').filter_map(|assignment| assignment.split_once('='))
        {
            let (name, value) = (name.trim(), value.trim());
            let name = input["ExpressionAttributeNames"][name].as_str().unwrap_or(name);
            item.insert(name.to_owned(), input["ExpressionAttributeValues"][value].clone());
        }
        (StatusCode::OK, json!({}))
    }
}

fn key(item: &Value) -> String {
    item["id"]["S"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_fails_with_the_stored_record() {
        let mut state = State::default();
        let put = json!({
            "Item": {"id": {"S": "p#1"}, "status": {"S": "IN_PROGRESS"}},
            "ConditionExpression": "attribute_not_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        assert_eq!(state.call("PutItem", &put), (StatusCode::OK, json!({})));
        let update = json!({
            "Key": {"id": {"S": "p#1"}},
            "UpdateExpression": "SET #status = :done, message_id = :message_id",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":done": {"S": "ENQUEUED"}, ":message_id": {"S": "m"}},
        });
        assert_eq!(state.call("UpdateItem", &update), (StatusCode::OK, json!({})));
        let (status, error) = state.call("PutItem", &put);
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let record =
            json!({"id": {"S": "p#1"}, "status": {"S": "ENQUEUED"}, "message_id": {"S": "m"}});
        assert_eq!(error["Item"], record);
        assert_eq!(state.calls, [("PutItem".to_owned(), 2), ("UpdateItem".to_owned(), 1)].into());
    }

    #[test]
    fn requests_that_only_open_a_connection_are_no_calls() {
        assert_eq!(cheap_answer(&Method::GET, ""), Some(json!({})));
        // What an SDK's client sends if its operation is changed to `GET /ping`.
        assert_eq!(cheap_answer(&Method::GET, "DescribeEndpoints"), Some(json!({})));
        assert_eq!(cheap_answer(&Method::POST, "ListQueues"), Some(json!({})));
        let endpoint = json!({"Address": "localhost", "CachePeriodInMinutes": 1440});
        assert_eq!(
            cheap_answer(&Method::POST, "DescribeEndpoints"),
            Some(json!({"Endpoints": [endpoint]}))
        );
        for operation in ["PutItem", "SendMessage", "GetSecretValue", "Scan", ""] {
            assert_eq!(cheap_answer(&Method::POST, operation), None, "{operation}");
        }
    }

    #[test]
    fn an_operation_that_no_delivery_needs_is_counted_and_refused() {
        let mut state = State::default();
        let (status, error) = state.call("Scan", &json!({}));
        assert_eq!(
            (status, error),
            (StatusCode::BAD_REQUEST, json!({"__type": "UnknownOperationException"}))
        );
        assert_eq!(state.calls, [("Scan".to_owned(), 1)].into());
    }

    #[test]
    fn each_service_answers_in_its_version_of_json() {
        assert_eq!(content_type("DynamoDB_20120810"), "application/x-amz-json-1.0");
        assert_eq!(content_type("AmazonSQS"), "application/x-amz-json-1.0");
        assert_eq!(content_type("secretsmanager"), "application/x-amz-json-1.1");
    }

    #[test]
    fn a_sent_message_has_an_id_and_the_digest_of_its_body() {
        let (status, sent) = State::default().call("SendMessage", &json!({"MessageBody": "hello"}));
        assert_eq!(status, StatusCode::OK);
        assert_eq!(sent["MessageId"], "00000000-0000-4000-8000-000000000001");
        assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    }
}
