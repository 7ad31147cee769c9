//! `webhook send`: requests on the wire, and what it prints about answers.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use webhook_cli::Sender;
use webhook_verify::providers::PROVIDERS;

use crate::support::{
    Ended, any_provider, body_of, dated, ended, newest, receiver, signed, sorted, webhook,
};

/// Long enough to cause no warning.
const SECRET: &str = "secret-of-the-tests";

/// Sends a body of any provider.
fn send(url: &str) -> Ended {
    let provider = any_provider();
    let secret = provider.key().write(SECRET);
    webhook(&format!("send {} --url {url}", provider.name()), Some(&secret), &body_of(provider))
}

#[test]
fn send_posts_the_body_byte_for_byte_with_the_providers_headers() {
    for provider in PROVIDERS {
        let (url, request) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        let host = url.split('/').nth(2).expect("a host").to_owned();
        let (body, secret) = (body_of(provider), provider.key().write(SECRET));
        let arguments = format!("send {} --url {url}{}", provider.name(), dated(newest(provider)));
        assert_eq!(webhook(&arguments, Some(&secret), &body), ended(0, "200 OK\n{}\n", ""));
        let delivery = signed(Sender::new(provider, newest(provider)), &secret, &body);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let own = delivery.headers();
        let own = own.iter().map(|header| format!("{}: {}", header.name(), text(header.value())));
        let mut headers: Vec<_> = own
            .chain([format!("content-length: {}", body.len()), format!("host: {host}")])
            .collect();
        headers.sort();
        let expected = ("POST /webhooks/example?a=b HTTP/1.1".to_owned(), headers, text(&body));
        assert_eq!(sorted(&request.join().expect("one request")), expected);
    }
}

#[test]
fn send_ends_with_0_after_any_2xx_and_with_1_after_any_other_answer() {
    for (answer, code, out) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 0, "204 No Content\n"),
        (
            "HTTP/1.1 299 Whatever\r\ncontent-length: 3\r\n\r\nab\n",
            0,
            "299 <unknown status code>\nab\n",
        ),
        (
            "HTTP/1.1 409 Conflict\r\nretry-after: 17\r\ncontent-length: \
             24\r\n\r\n{\"status\":\"in_progress\"}",
            1,
            "409 Conflict\nRetry-After: 17\n{\"status\":\"in_progress\"}\n",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\nlate",
            1,
            "503 Service Unavailable\nRetry-After: 5\nlate\n",
        ),
    ] {
        let (url, request) = receiver(answer);
        assert_eq!(send(&url), ended(code, out, ""), "{answer}");
        request.join().expect("one request");
    }
}

#[test]
fn a_401_of_this_receiver_comes_with_a_hint_that_fits_the_secret() {
    const ANSWER: &str =
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 24\r\n\r\n{\"error\":\"unauthorized\"}";
    let out = "401 Unauthorized\n{\"error\":\"unauthorized\"}\n";
    let development = "Signed with the development secret: give the receiver's secret with \
                       --secret-file or in WEBHOOK_SIGNING_SECRET.\n";
    for provider in PROVIDERS {
        let secret = provider.key().write(SECRET);
        for (secret, expected) in [
            (None, development),
            (Some(secret.as_str()), "Check that the secret is the receiver's"),
        ] {
            let (url, request) = receiver(ANSWER);
            let arguments = format!("send {} --url {url}", provider.name());
            let answered = webhook(&arguments, secret, &body_of(provider));
            assert_eq!((answered.code, answered.out.as_str()), (Some(1), out));
            assert!(answered.err.starts_with(expected), "{}", answered.err);
            request.join().expect("one request");
        }
    }
}

#[test]
fn an_answer_cannot_move_the_cursor_or_forge_a_line() {
    let (url, request) = receiver(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: \
         5\u{202e}\r\n\r\n{\n\"a\":\"\x1b[31m\r\u{202e}\"}\n",
    );
    let out =
        "503 Service Unavailable\nRetry-After: 5\\u202e\n{\n\"a\":\"\\u001b[31m\\r\\u202e\"}\n";
    assert_eq!(send(&url), ended(1, out, ""));
    request.join().expect("one request");
}

#[test]
fn a_redirect_is_not_followed_and_its_target_is_named() {
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let head = format!(
            "HTTP/1.1 {status}\r\nlocation: https://127.0.0.1:1/x\r\ncontent-length: 0\r\n\r\n"
        );
        let (url, request) = receiver(head);
        let err = "The answer redirects to https://127.0.0.1:1/x, and redirects are not followed: \
                   if you trust that address, give it to --url.\n";
        let expected = ended(1, &format!("{status}\n"), err);
        assert_eq!(send(&url), expected);
        request.join().expect("one request");
    }
}

#[test]
fn only_the_start_of_a_large_answer_is_shown() {
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n{}", "a".repeat(10 << 20));
    let (url, request) = receiver(answer);
    let out = format!("200 OK\n{}\n", "a".repeat(64 << 10));
    let err = "The answer is longer: only its first 64 KiB are shown.\n";
    assert_eq!(send(&url), ended(0, &out, err));
    request.join().expect("one request");
}

#[test]
fn send_says_why_there_is_no_answer() {
    // Nothing listens on port 1. Each system has its own words for that.
    let closed = "http://127.0.0.1:1/".to_owned();
    let refused =
        TcpStream::connect("127.0.0.1:1").map(|_| ()).expect_err("nobody listens").to_string();
    let (silent, request) = receiver("");
    let (not_http, other_request) = receiver("SSH-2.0-server\r\n\r\n");
    for (url, reason) in [
        (&closed, &*refused),
        (&silent, "the connection was closed before an answer"),
        (
            &not_http,
            "the answer is not HTTP: check the port, and whether the URL must begin with https://",
        ),
    ] {
        let expected = format!("error: no answer from {url}: {reason}\n");
        assert_eq!(send(url), ended(2, "", &expected));
    }
    request.join().expect("one request");
    other_request.join().expect("one request");
}

#[test]
fn https_to_a_plain_http_port_is_explained() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("bound"));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 4096]).expect("the start of a handshake");
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .expect("the sender listens");
    });
    let reason =
        "the port does not speak TLS: check it, and whether the URL must begin with http://";
    let expected = format!("error: no answer from {url}: {reason}\n");
    assert_eq!(send(&url), ended(2, "", &expected));
    server.join().expect("one connection");
}

#[test]
fn an_invalid_url_is_refused() {
    for url in [
        "localhost:9000/",
        "/webhooks/example",
        "ftp://localhost/",
        "http://",
        "http://[/",
        "http://localhost:99999/",
    ] {
        let ended = send(url);
        let first = ended.err.lines().next().unwrap_or_default();
        let what = format!("error: invalid value '{url}' for '--url <URL>': ");
        assert_eq!((ended.code, first.starts_with(&what)), (Some(2), true), "{first}");
    }
}
