//! Attempts and signatures, as a server sees them: over TCP, on a thread of its own, with answers by script.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::{JoinHandle, spawn},
};

use aws_credential_types::Credentials;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use webhook_ingest::CallError;

use super::*;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: AccessDenied\r\ncontent-length: 2\r\n\r\n{}";
const THROTTLED: &str =
    "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: ThrottlingException\r\ncontent-length: 2\r\n\r\n{}";
/// The connection ends in place of an answer.
const BROKEN: &str = "";
/// The connection ends after the answer, which does not say so.
const CLOSING: &str = "HTTP/1.1 200 OK\r\nx-closing: \r\ncontent-length: 2\r\n\r\n{}";
/// No answer comes, and the connection stays open.
const SILENT: &str = "HTTP/1.1 200 OK\r\n";

/// A request as it came.
pub(crate) struct Seen {
    /// On which connection, from 1 on.
    connection: usize,
    /// `POST /`.
    line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Answers one request after the other, over as many connections as it takes; gives what it saw.
pub(crate) fn server(answers: &'static [&'static str]) -> (Config, JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let serve = move || {
        let mut seen: Vec<Seen> = Vec::new();
        let mut connection = 0;
        while seen.len() < answers.len() {
            let (stream, _) = listener.accept().expect("a connection");
            let mut stream = BufReader::new(stream);
            connection += 1;
            while let Some(request) = request(&mut stream, connection) {
                seen.push(request);
                let answer = answers[seen.len() - 1];
                stream.get_mut().write_all(answer.as_bytes()).expect("it reads");
                if [BROKEN, CLOSING].contains(&answer) || seen.len() == answers.len() {
                    break;
                }
            }
        }
        seen
    };
    let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI", Some("session".to_owned()), None, "tests");
    let config = Config::new("eu-west-1".to_owned(), Some(credentials), Some(endpoint)).expect("it has roots");
    (config, spawn(serve))
}

/// `None` where the connection ends.
fn request(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Seen> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|&length| length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?.strip_suffix(" HTTP/1.1")?.to_owned();
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.insert(name.to_owned(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { connection, line: first, headers, body })
}

/// How a call ends, and the connection of each of its attempts.
async fn attempts(answers: &'static [&'static str]) -> (Result<(), CallError>, Vec<usize>) {
    let (config, server) = server(answers);
    let client = Client::new(&config, Service::DynamoDb).expect("the endpoint is a URL");
    let answer = client.json("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", &"input").await;
    let seen = server.join().expect("the server ends");
    (answer.map(drop).map_err(CallError::from), seen.iter().map(|seen| seen.connection).collect())
}

#[tokio::test]
async fn what_may_pass_is_attempted_three_times_and_after_a_servers_fault_on_another_connection() {
    let unavailable = Err(CallError::Answer("an error without a code"));
    let failed = Err(CallError::NoAnswer("the connection failed"));
    let throttled = Err(CallError::Service("ThrottlingException".to_owned()));
    let refused = Err(CallError::Service("AccessDenied".to_owned()));
    assert_eq!(attempts(&[OK]).await, (Ok(()), vec![1]));
    assert_eq!(attempts(&[UNAVAILABLE, OK]).await, (Ok(()), vec![1, 2]));
    assert_eq!(attempts(&[THROTTLED, OK]).await, (Ok(()), vec![1, 1]));
    assert_eq!(attempts(&[BROKEN, UNAVAILABLE, OK]).await, (Ok(()), vec![1, 2, 3]));
    assert_eq!(attempts(&[UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]).await, (unavailable, vec![1, 2, 3]));
    assert_eq!(attempts(&[BROKEN, BROKEN, BROKEN]).await, (failed, vec![1, 2, 3]));
    assert_eq!(attempts(&[THROTTLED, THROTTLED, THROTTLED]).await, (throttled, vec![1, 1, 1]));
    assert_eq!(attempts(&[REFUSED]).await, (refused, vec![1]));
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_meanwhile_is_replaced_without_a_failed_attempt() {
    let (config, server) = server(&[CLOSING, OK]);
    let client = Client::new(&config, Service::DynamoDb).expect("the endpoint is a URL");
    for _ in 0..2 {
        let answer = client.json("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", &"input").await;
        assert_eq!(answer.expect("is answered"), "{}");
    }
    let seen = server.join().expect("the server ends");
    assert_eq!(seen.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(format!("{:?}", client.quota), format!("{:?}", Quota::default()));
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_after_the_time_for_an_attempt() {
    let (config, _server) = server(&[SILENT, SILENT, SILENT, SILENT]);
    let client = Client::new(&config, Service::DynamoDb).expect("the endpoint is a URL");
    let client = client.with_attempt_timeout(Duration::from_millis(50));
    let answer = client.json("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", &"input").await;
    assert_eq!(answer.map_err(CallError::from), Err(CallError::NoAnswer("the service took too long")));
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let config =
        Config::new("eu-west-1".to_owned(), None, Some("http://127.0.0.1:1".to_owned())).expect("it has roots");
    let client = Client::new(&config, Service::Sqs).expect("the endpoint is a URL");
    let answer = client.json("AmazonSQS.SendMessage", "application/x-amz-json-1.0", &"input").await;
    assert_eq!(answer.map_err(CallError::from), Err(CallError::NoAnswer("there are no credentials")));
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The header that the request must have by AWS's description of signature version 4, which the signature's crate has no part in:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
fn authorization(seen: &Seen, service: &str) -> String {
    let (method, path) = seen.line.split_once(' ').expect("a method and a path");
    let unsigned = ["accept", "authorization", "content-length", "user-agent"];
    let signed = seen.headers.iter().filter(|(name, _)| !unsigned.contains(&name.as_str()));
    let lines = signed.clone().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join("\n");
    let names = signed.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let body_hash = hex::encode(Sha256::digest(&seen.body));
    let canonical = format!("{method}\n{path}\n\n{lines}\n\n{names}\n{body_hash}");
    let time = &seen.headers["x-amz-date"];
    let date = &time[..8];
    let scope = format!("{date}/eu-west-1/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let key = [date, "eu-west-1", service, "aws4_request"];
    let key = key.iter().fold(b"AWS4wJalrXUtnFEMI".to_vec(), |key, part| hmac(&key, part));
    let signature = hex::encode(hmac(&key, &to_sign));
    format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}")
}

#[tokio::test]
async fn a_call_is_signed_with_its_target_its_session_and_its_body() {
    let (config, server) = server(&[OK]);
    let client = Client::new(&config, Service::DynamoDb).expect("the endpoint is a URL");
    client.json("DynamoDB_20120810.PutItem", "application/x-amz-json-1.0", &"input").await.expect("is answered");
    let seen = &server.join().expect("the server ends")[0];
    assert_eq!((seen.line.as_str(), &seen.body[..]), ("POST /", &br#""input""#[..]));
    assert_eq!(seen.headers["x-amz-target"], "DynamoDB_20120810.PutItem");
    assert_eq!(seen.headers["x-amz-security-token"], "session");
    assert_eq!(seen.headers["authorization"], authorization(seen, "dynamodb"));
    for name in ["host", "x-amz-target", "x-amz-security-token", "x-amz-date"] {
        assert!(seen.headers["authorization"].contains(name), "{name} is signed");
    }
}

#[tokio::test]
async fn an_object_is_signed_with_its_path_as_it_is_and_its_hash_in_a_header() {
    let (config, server) = server(&[OK]);
    let endpoint = config.bucket_endpoint("b").expect("a URL");
    let client = Client::at(endpoint, &config, Service::S3);
    client.put("/pinwheel/0b2f-4e0c~.json", "application/json", Bytes::from_static(b"{}")).await.expect("is answered");
    let seen = &server.join().expect("the server ends")[0];
    assert_eq!(seen.line, "PUT /b/pinwheel/0b2f-4e0c~.json");
    assert_eq!(seen.headers["x-amz-content-sha256"], hex::encode(Sha256::digest(b"{}")));
    assert_eq!(seen.headers["authorization"], authorization(seen, "s3"));
}
