//! The SDK's attempts and connections, as seen by a server that listens on TCP, on a thread of its
//! own, and answers by script. These tests hold what this project relies on, so that an update of
//! the SDK cannot change it unnoticed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::{JoinHandle, spawn},
};

use aws_config::Region;
use aws_sdk_dynamodb::config::Credentials;
use tokio::time::Instant;
use webhook_ingest::{
    CallError, ClaimToken, EventQueue as _, Fenced, IdempotencyStore as _, Message,
};

use super::*;
use crate::{dynamodb::DynamoStore, payload_bucket::PayloadBucket, sqs::SqsQueue};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const SENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"MessageId\": \"m1\"}";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
const REFUSED: &str =
    "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: AccessDenied\r\ncontent-length: 2\r\n\r\n{}";
const THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: ThrottlingException\r\n\
                         content-length: 2\r\n\r\n{}";
const KMS_THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\n\
                             x-amzn-query-error: KMS.ThrottlingException;Sender\r\n\
                             x-amzn-errortype: com.amazonaws.sqs#KmsThrottled\r\n\
                             content-length: 2\r\n\r\n{}";
/// The connection closes without an answer.
const BROKEN: &str = "";
/// The connection closes after the answer, whose headers do not say so.
const CLOSING: &str = "HTTP/1.1 200 OK\r\nx-closing: \r\ncontent-length: 2\r\n\r\n{}";
/// No answer comes, and the connection stays open.
const SILENT: &str = "HTTP/1.1 200 OK\r\n";

/// Answers one request after the other, over as many connections as it takes. Returns the number of
/// the connection that each request came on, from 1 on.
fn server(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let serve = move || {
        let mut seen = Vec::new();
        let mut connection = 0;
        while seen.len() < answers.len() {
            let (stream, _) = listener.accept().expect("a connection");
            let mut stream = BufReader::new(stream);
            connection += 1;
            while request(&mut stream).is_some() {
                seen.push(connection);
                let answer = answers[seen.len() - 1];
                stream.get_mut().write_all(answer.as_bytes()).expect("it reads");
                if [BROKEN, CLOSING].contains(&answer) || seen.len() == answers.len() {
                    break;
                }
            }
        }
        seen
    };
    (endpoint, spawn(serve))
}

/// Answers one request with success. Returns its headers.
fn header_server() -> (String, JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let serve = move || {
        let (stream, _) = listener.accept().expect("a connection");
        let mut stream = BufReader::new(stream);
        let headers = request(&mut stream).expect("a request");
        stream.get_mut().write_all(OK.as_bytes()).expect("it reads");
        headers
    };
    (endpoint, spawn(serve))
}

/// Reads a request and returns its headers, or `None` if the connection ends.
fn request(stream: &mut BufReader<TcpStream>) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(headers)
}

async fn config(endpoint: String) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI", None, None, "tests");
    let loader = loader().expect("it has roots").region(Region::from_static("eu-west-1"));
    loader.credentials_provider(credentials).endpoint_url(endpoint).load().await
}

fn store(config: &SdkConfig) -> DynamoStore {
    DynamoStore::new(config, "records".parse().expect("is a name"))
}

async fn release(store: &DynamoStore) -> Result<Fenced, CallError> {
    store.release("p#1", &ClaimToken::named("t")).await
}

/// Returns the result of a call, and the number of the connection of each of its attempts.
async fn attempts(answers: &'static [&'static str]) -> (Result<Fenced, CallError>, Vec<usize>) {
    let (endpoint, server) = server(answers);
    let store = store(&config(endpoint).await);
    let result = release(&store).await;
    (result, server.join().expect("the server ends"))
}

#[tokio::test]
async fn a_call_is_attempted_three_times_and_leaves_a_failing_server() {
    let applied = Ok(Fenced::Applied);
    let no_code = Err(CallError::UnexpectedResponse("an error without a code"));
    let broken = Err(CallError::NoResponse("the connection failed"));
    let throttled = Err(CallError::Failed("ThrottlingException".to_owned()));
    let refused = Err(CallError::Refused("AccessDenied".to_owned()));
    assert_eq!(attempts(&[OK]).await, (applied.clone(), vec![1]));
    assert_eq!(attempts(&[UNAVAILABLE, OK]).await, (applied.clone(), vec![1, 2]));
    assert_eq!(attempts(&[THROTTLED, OK]).await, (applied.clone(), vec![1, 1]));
    assert_eq!(attempts(&[BROKEN, UNAVAILABLE, OK]).await, (applied, vec![1, 2, 3]));
    assert_eq!(attempts(&[UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]).await, (no_code, vec![1, 2, 3]));
    assert_eq!(attempts(&[BROKEN, BROKEN, BROKEN]).await, (broken, vec![1, 2, 3]));
    assert_eq!(attempts(&[THROTTLED, THROTTLED, THROTTLED]).await, (throttled, vec![1, 1, 1]));
    assert_eq!(attempts(&[REFUSED]).await, (refused, vec![1]));
}

#[tokio::test]
async fn a_connection_that_died_in_a_freeze_costs_no_failed_attempt() {
    let (endpoint, server) = server(&[CLOSING, OK]);
    let config =
        config(endpoint).await.into_builder().retry_config(RetryConfig::disabled()).build();
    let store = store(&config);
    for _ in 0..2 {
        assert_eq!(release(&store).await, Ok(Fenced::Applied));
    }
    assert_eq!(server.join().expect("the server ends"), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_given_up_after_6_2_s() {
    let (endpoint, _server) = server(&[SILENT, SILENT, SILENT, SILENT]);
    let store = store(&config(endpoint).await);
    let began_at = Instant::now();
    assert_eq!(release(&store).await, Err(CallError::NoResponse("the service took too long")));
    let elapsed = began_at.elapsed();
    assert!(elapsed <= Duration::from_millis(6_200), "{elapsed:?}");
}

#[tokio::test]
async fn a_send_that_kms_throttles_is_attempted_again() {
    let (endpoint, server) = server(&[KMS_THROTTLED, KMS_THROTTLED, SENT]);
    let url = format!("{endpoint}/123456789012/events").parse().expect("is a URL");
    let queue = SqsQueue::new(&config(endpoint).await, url, None);
    let message = Message {
        body: "{}".to_owned(),
        provider: "p".to_owned(),
        event_type: "t".to_owned(),
        event_id: "e".to_owned(),
        idempotency_key: "p#e".to_owned(),
        signature_scheme: "s".to_owned(),
        group: "g".to_owned(),
        claim_token: ClaimToken::named("t"),
        trace_header: None,
        is_replay: false,
    };
    assert_eq!(queue.send(&message).await, Ok("m1".to_owned()));
    assert_eq!(server.join().expect("the server ends"), [1, 2, 3]);
}

/// The text `123456789` has the CRC-32 0xCBF43926, by the algorithm's definition.
#[tokio::test]
async fn an_upload_carries_a_checksum() {
    let (endpoint, server) = header_server();
    let bucket =
        PayloadBucket::new(&config(endpoint).await, "payloads".parse().expect("is a name"));
    bucket.put("p/t".to_owned(), "123456789").await.expect("is put");
    let headers = server.join().expect("the server ends");
    let checksum = headers.iter().find(|(name, _)| name == "x-amz-checksum-crc32");
    assert_eq!(checksum.map(|(_, value)| value.as_str()), Some("y/Q5Jg=="));
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let mut config = config("http://127.0.0.1:1".to_owned()).await.into_builder();
    config.set_credentials_provider(None);
    let config = config.build();
    let expected =
        CallError::NoResponse("the request could not be sent: check region, credentials and TLS");
    assert_eq!(release(&store(&config)).await, Err(expected));
}

#[test]
fn amazons_five_root_certificates_are_compiled_in() {
    let certificates =
        AMAZON_ROOTS.windows(27).filter(|line| line == b"-----BEGIN CERTIFICATE-----").count();
    assert_eq!(certificates, 5);
}
