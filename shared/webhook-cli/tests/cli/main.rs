//! The `webhook` command as a user runs it: output, requests on the wire, exit codes, sentences.

mod operations;
mod support;

use std::{fs, net::TcpStream};

use support::{ended, file, receiver, sorted, webhook};

const V2_BODY: &str = "{\n    \"coordinates\": [41.0555388, -73.8679639],\n    \"location\": \"Lyndhurst Mansion, South Broadway, Tarrytown, NY\",\n    \"type\": {\n        \"common_name\": \"American sycamore\",\n        \"genus\": \"platanus\",\n        \"species\": \"occidentalis\"\n    }\n}";
const V2_HEADERS: &str = "x-pinwheel-signature: v2=42fb9eba200e821d4de63667f5a30f7e1b83609b135e148e26ce01eef2aa6ba8\nx-timestamp: 860860860\n";

const V1_BODY: &str = r#"{"event": "direct_deposit_payment.added", "webhook_id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "payload": {"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "account_id": "449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65", "link_token_id": "4787acbc-11cf-4db3-998c-5ea7c4feebcd", "name": "direct_deposit_payment", "timestamp": "2021-01-12T02:36:01.287148+00:00", "outcome": "success", "params": {"amount": 100.0, "account_name": "Zo\u00eb\u2019s Checking"}}}"#;
const V1_HEADERS: &str = "x-pinwheel-signature: v1=b384769d44bf67aabbc0221d9e6f61912c821b331d1281d8f0310bb0f73ed472\nx-timestamp: 1609205925\n";

const ENDGRATE_BODY: &str = r#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0c0d", "session_id": "6566e85e7cf20dca9cef0c0a", "metadata": {"user_id": 1, "label": "Zo\u00eb", "rate": 1.0}, "endgrate": {"endgrate_type": "crm-contact"}, "completed": true}"#;
const ENDGRATE_HEADERS: &str = "x-endgrate-signature: MNY2DxBT57oO6Z78b7Ntb7ScCjY=\n";

/// HMAC-SHA1 of `{}` under the development secret, computed with Python.
const DEVELOPMENT_HEADERS: &str = "x-endgrate-signature: cyb3dKDT4vsHNXQzg/EAvEO9Hsw=\n";

#[test]
fn sign_prints_the_headers_of_the_vectors() {
    let body = file("vector-v2.json", V2_BODY.as_bytes());
    let from_file = format!("sign pinwheel {} --timestamp 860860860", body.display());
    assert_eq!(webhook(&from_file, Some("TEST_KEY"), b""), ended(0, V2_HEADERS, ""));
    for (arguments, secret, body, expected) in [
        ("sign pinwheel --timestamp 860860860", "TEST_KEY", V2_BODY, V2_HEADERS),
        ("sign pinwheel - --timestamp 860860860", "TEST_KEY\n", V2_BODY, V2_HEADERS),
        ("sign pinwheel --scheme v1 --timestamp 1609205925", "TEST_KEY", V1_BODY, V1_HEADERS),
        ("sign endgrate", "TEST_API_KEY", ENDGRATE_BODY, ENDGRATE_HEADERS),
        ("sign endgrate --python-form", "TEST_API_KEY", &ENDGRATE_BODY.replace(": ", ":"), ENDGRATE_HEADERS),
    ] {
        assert_eq!(webhook(arguments, Some(secret), body.as_bytes()), ended(0, expected, ""), "{arguments}");
    }
}

#[test]
fn sign_adds_the_delivery_id_that_it_is_given() {
    let expected = format!("{V1_HEADERS}x-pinwheel-webhook-uuid: 7\n");
    let arguments = "sign pinwheel --scheme v1 --timestamp 1609205925 --delivery-id 7";
    assert_eq!(webhook(arguments, Some("TEST_KEY"), V1_BODY.as_bytes()), ended(0, &expected, ""));
}

#[test]
fn sign_stamps_with_the_clock_where_no_time_is_given() {
    let out = webhook("sign pinwheel", None, b"{}").out;
    let stamp = out.lines().find_map(|line| line.strip_prefix("x-timestamp: ")).map(str::to_owned);
    let stamp: u64 = stamp.expect("a timestamp").parse().expect("a number");
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    assert!(now.abs_diff(stamp) <= 60, "{stamp} is not near {now}");
}

#[test]
fn the_secret_is_the_files_else_the_environments_else_the_development_one() {
    assert_eq!(webhook("sign endgrate", None, b"{}"), ended(0, DEVELOPMENT_HEADERS, ""));
    let secret = file("api-key.txt", b"TEST_API_KEY\r\n");
    let arguments = format!("sign endgrate --secret-file {}", secret.display());
    assert_eq!(webhook(&arguments, Some("another"), ENDGRATE_BODY.as_bytes()), ended(0, ENDGRATE_HEADERS, ""));
}

#[test]
fn what_cannot_be_signed_is_a_sentence_and_exit_code_2() {
    let empty = file("empty.txt", b"\n");
    let empty = empty.display();
    let missing = fs::read("no-such-file.json").expect_err("there is none").to_string();
    for (arguments, secret, expected) in [
        (format!("sign endgrate --secret-file {empty}"), None, format!("{empty} holds no signing secret: it is empty")),
        (
            "sign endgrate".to_owned(),
            Some(""),
            "WEBHOOK_SIGNING_SECRET holds no signing secret: it is empty".to_owned(),
        ),
        ("sign endgrate no-such-file.json".to_owned(), None, format!("cannot read no-such-file.json: {missing}")),
        (
            "sign endgrate --secret-file no-such-file.txt".to_owned(),
            None,
            format!("cannot read no-such-file.txt: {missing}"),
        ),
        (
            "sign pinwheel --scheme v1".to_owned(),
            None,
            "this scheme signs a re-serialised text, and the body has none: the document has no such member".to_owned(),
        ),
        (
            "sign endgrate --timestamp 1".to_owned(),
            None,
            "--timestamp does not fit here: this provider signs no time, so that only `event` has a use for it"
                .to_owned(),
        ),
        (
            "event pinwheel --timestamp 253402300800".to_owned(),
            None,
            "the timestamp lies past the year 9999, so the event cannot be dated".to_owned(),
        ),
    ] {
        assert_eq!(webhook(&arguments, secret, b"{}"), ended(2, "", &format!("error: {expected}\n")), "{arguments}");
    }
    let arguments = "sign pinwheel --secret s3cret";
    let refused = webhook(arguments, None, b"{}");
    assert_eq!(
        (refused.code, refused.err.lines().next()),
        (Some(2), Some("error: unexpected argument '--secret' found"))
    );
}

#[test]
fn event_prints_what_the_library_makes() {
    let out = webhook("event endgrate --timestamp 1795262400 --base64", None, b"{}").out;
    assert!(out.contains("\"time\": \"21/Nov/2026:12:00:00 +0000\",\n    \"timeEpoch\": 1795262400000\n"), "{out}");
    assert!(out.ends_with("  \"body\": \"e30=\",\n  \"isBase64Encoded\": true\n}\n"), "{out}");
    let out = webhook("event pinwheel", None, b"{}").out;
    assert!(out.ends_with("  \"body\": \"{}\",\n  \"isBase64Encoded\": false\n}\n"), "{out}");
}

#[test]
fn send_posts_the_body_byte_for_byte_with_the_providers_headers() {
    let (url, request) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let host = url.split('/').nth(2).expect("a host").to_owned();
    let arguments = format!("send pinwheel --url {url} --timestamp 860860860");
    assert_eq!(webhook(&arguments, Some("TEST_KEY"), V2_BODY.as_bytes()), ended(0, "200 OK\n{}\n", ""));
    let headers = [
        "accept: */*",
        "content-length: 244",
        "content-type: application/json",
        &format!("host: {host}"),
        "pinwheel-version: 2023-11-22",
        "user-agent: python-requests/2.31.0",
        "x-pinwheel-signature: v2=42fb9eba200e821d4de63667f5a30f7e1b83609b135e148e26ce01eef2aa6ba8",
        "x-pinwheel-webhook-id: 0b2f4e0c-6a5d-4c1f-9d53-1f2f6f6b7a10",
        "x-timestamp: 860860860",
    ]
    .map(str::to_owned);
    let expected = ("POST /webhooks/pinwheel?a=b HTTP/1.1".to_owned(), headers.to_vec(), V2_BODY.to_owned());
    assert_eq!(sorted(&request.join().expect("one request")), expected);
}

#[test]
fn send_ends_with_0_after_any_2xx_and_with_1_after_any_other_answer() {
    for (answer, code, out) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 0, "204 No Content\n"),
        ("HTTP/1.1 299 Whatever\r\ncontent-length: 3\r\n\r\nab\n", 0, "299 <unknown status code>\nab\n"),
        (
            "HTTP/1.1 409 Conflict\r\nretry-after: 17\r\ncontent-length: 24\r\n\r\n{\"status\":\"in_progress\"}",
            1,
            "409 Conflict\nRetry-After: 17\n{\"status\":\"in_progress\"}\n",
        ),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            1,
            "307 Temporary Redirect\n",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\nlate",
            1,
            "503 Service Unavailable\nRetry-After: 5\nlate\n",
        ),
    ] {
        let (url, request) = receiver(answer);
        assert_eq!(webhook(&format!("send endgrate --url {url}"), Some("k"), b"{}"), ended(code, out, ""), "{answer}");
        request.join().expect("one request");
    }
}

#[test]
fn send_tells_who_is_refused_with_the_development_secret() {
    const ANSWER: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 24\r\n\r\n{\"error\":\"unauthorized\"}";
    let out = "401 Unauthorized\n{\"error\":\"unauthorized\"}\n";
    let hint =
        "Signed with the development secret: name the receiver's with --secret-file or WEBHOOK_SIGNING_SECRET.\n";
    for (secret, err) in [(None, hint), (Some("k"), "")] {
        let (url, request) = receiver(ANSWER);
        assert_eq!(webhook(&format!("send endgrate --url {url}"), secret, b"{}"), ended(1, out, err));
        request.join().expect("one request");
    }
}

#[test]
fn send_says_why_nobody_answered() {
    // Nothing listens on port 1. The system's words for that differ.
    let closed = "http://127.0.0.1:1/".to_owned();
    let refused = TcpStream::connect("127.0.0.1:1").map(|_| ()).expect_err("nobody is there").to_string();
    let (silent, request) = receiver("");
    let (no_http, other_request) = receiver("SSH-2.0-server\r\n\r\n");
    for (url, reason) in [
        (&closed, &*refused),
        (&silent, "the connection was closed before an answer"),
        (&no_http, "the answer is not HTTP"),
    ] {
        let expected = format!("error: no answer from {url}: {reason}\n");
        assert_eq!(webhook(&format!("send endgrate --url {url}"), Some("k"), b"{}"), ended(2, "", &expected));
    }
    request.join().expect("one request");
    other_request.join().expect("one request");
}

#[test]
fn send_refuses_what_is_no_url() {
    for url in
        ["localhost:9000/", "/webhooks/pinwheel", "ftp://localhost/", "http://", "http://[/", "http://localhost:99999/"]
    {
        let ended = webhook(&format!("send endgrate --url {url}"), None, b"{}");
        let first = ended.err.lines().next().unwrap_or_default();
        let what = format!("error: invalid value '{url}' for '--url <URL>': ");
        assert_eq!((ended.code, first.starts_with(&what)), (Some(2), true), "{first}");
    }
}

#[test]
fn help_of_each_command_has_examples_and_says_where_the_secret_comes_from() {
    for command in ["sign", "send", "event"] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(help.out.contains("Examples:\n  cargo webhook "), "{command}");
        assert!(help.out.contains("WEBHOOK_SIGNING_SECRET"), "{command}");
    }
}
