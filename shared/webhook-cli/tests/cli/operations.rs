//! The operator's commands, as far as they need no AWS: Pinwheel's API, help, and what is refused before any call.

use crate::support::{Ended, ended, file, receiver, sorted, webhook};

const REGISTRATION: &str = r#"{"id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "status": "active"}"#;

/// Runs `webhook pinwheel webhooks …` against an API that gives this answer. The request: its line, headers and body.
fn ask(arguments: &str, secret: Option<&str>, answer: &'static str) -> (Ended, (String, Vec<String>, String)) {
    let (url, request) = receiver(answer);
    let base_url = url.split("/webhooks/").next().expect("a host");
    let (action, more) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let line = format!("pinwheel webhooks {action} --base-url {base_url}/ {more}");
    let ended = webhook(line.trim_end(), secret, b"");
    let (line, mut headers, body) = sorted(&request.join().expect("one request"));
    headers.retain(|header| !header.starts_with("host: "));
    (ended, (line, headers, body))
}

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn list_gets_the_registrations_with_secret_and_version() {
    let (ended_as, (line, sent, body)) =
        ask("list", Some("API_SECRET\n"), "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"data\": []}");
    assert_eq!(ended_as, ended(0, "{\"data\": []}\n", ""));
    assert_eq!((line.as_str(), body.as_str()), ("GET /v1/webhooks HTTP/1.1", ""));
    for header in ["x-api-secret: API_SECRET", "pinwheel-version: 2023-11-22"] {
        assert!(sent.contains(&header.to_owned()), "{sent:?}");
    }
}

#[test]
fn add_posts_url_events_and_version() {
    let secret = file("api-secret.txt", b"API_SECRET\r\n");
    let arguments = format!(
        "add --url https://example.com/webhooks/pinwheel --event account.added --event paystubs.added --api-version 2025-01-01 --secret-file {}",
        secret.display()
    );
    let answer: &'static str =
        format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{REGISTRATION}", REGISTRATION.len()).leak();
    let (ended_as, (line, sent, body)) = ask(&arguments, Some("another"), answer);
    assert_eq!(ended_as, ended(0, &format!("{REGISTRATION}\n"), ""));
    assert_eq!(line, "POST /v1/webhooks HTTP/1.1");
    assert_eq!(
        body,
        r#"{"enabled_events":["account.added","paystubs.added"],"status":"active","url":"https://example.com/webhooks/pinwheel","version":"2025-01-01"}"#
    );
    let expected = ["content-type: application/json", "pinwheel-version: 2025-01-01", "x-api-secret: API_SECRET"];
    for header in headers(&expected) {
        assert!(sent.contains(&header), "{sent:?}");
    }
}

#[test]
fn add_without_events_asks_for_all_that_are_documented() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (_, (_, _, body)) = ask("add --url https://example.com/", Some("k"), answer);
    let (events, rest) = body.split_once(']').expect("a list");
    let events: Vec<_> = events.trim_start_matches("{\"enabled_events\":[").split(',').collect();
    assert_eq!(
        (events.len(), events.first(), events.last()),
        (34, Some(&"\"account.added\""), Some(&"\"verification_reports.refreshed\""))
    );
    assert_eq!(rest, r#","status":"active","url":"https://example.com/","version":"2023-11-22"}"#);
}

#[test]
fn remove_deletes_the_registration() {
    let id = "61788409-8314-4e89-9300-ae7b9d3ccff5";
    let (ended_as, (line, _, body)) = ask(&format!("remove {id}"), Some("k"), "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(ended_as, ended(0, "", ""));
    assert_eq!((line, body.as_str()), (format!("DELETE /v1/webhooks/{id} HTTP/1.1"), ""));
}

#[test]
fn an_answer_that_is_no_success_is_printed_and_ends_with_1() {
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 16\r\n\r\n{\"error\": \"key\"}";
    let (ended_as, _) = ask("list", Some("k"), answer);
    assert_eq!(ended_as, ended(1, "{\"error\": \"key\"}\n", "Pinwheel answered 401 Unauthorized.\n"));
}

#[test]
fn what_names_no_secret_table_or_queue_is_refused_before_any_call() {
    let pointer = file(
        "pointer.json",
        br#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"p/k"}]"#,
    );
    for (arguments, secret, expected) in [
        (
            "pinwheel webhooks list".to_owned(),
            None,
            "name the file with the API secret with --secret-file, or put the secret into WEBHOOK_SIGNING_SECRET",
        ),
        (
            "pinwheel webhooks list".to_owned(),
            Some("\n"),
            "WEBHOOK_SIGNING_SECRET holds no signing secret: it is empty",
        ),
        (
            "pinwheel webhooks list".to_owned(),
            Some("a\nb"),
            "the API secret is no text of visible ASCII characters: is it the right file?",
        ),
        ("record show p#1".to_owned(), None, "name it with --table, or in IDEMPOTENCY_TABLE"),
        ("replay".to_owned(), None, "name it with --queue-url, or in QUEUE_URL"),
        (
            format!("replay {} --queue-url q", pointer.display()),
            None,
            "this cannot be replayed: it is a pointer: replay the object s3://b/p/k, to which it points",
        ),
        (
            "replay --queue-url q".to_owned(),
            None,
            "this cannot be replayed: it is not a JSON object, as the body of an event's message is",
        ),
        (
            "redrive --from q --to q".to_owned(),
            None,
            "the two queues must be different ones of the same kind: both FIFO, or neither",
        ),
        (
            "redrive --from q.fifo --to q".to_owned(),
            None,
            "the two queues must be different ones of the same kind: both FIFO, or neither",
        ),
    ] {
        assert_eq!(webhook(&arguments, secret, b""), ended(2, "", &format!("error: {expected}\n")), "{arguments}");
    }
}

#[test]
fn environment_and_base_url_exclude_each_other_and_a_secret_is_no_argument() {
    for (arguments, first_line) in [
        (
            "pinwheel webhooks list --environment production --base-url http://127.0.0.1:1",
            "error: the argument '--environment <ENVIRONMENT>' cannot be used with '--base-url <URL>'",
        ),
        ("pinwheel webhooks list --secret s3cret", "error: unexpected argument '--secret' found"),
        ("pinwheel webhooks remove a/b", "error: invalid value 'a/b' for '<ID>': not an id: letters, digits, - and _"),
        (
            "redrive --from a --to b --max 0",
            "error: invalid value '0' for '--max <N>': 0 is not in 1..18446744073709551615",
        ),
    ] {
        let refused = webhook(arguments, None, b"");
        assert_eq!((refused.code, refused.err.lines().next()), (Some(2), Some(first_line)), "{arguments}");
    }
}

#[test]
fn help_of_each_command_has_examples_and_says_where_credentials_come_from() {
    for (command, source) in [
        ("record show", "AWS_PROFILE"),
        ("record find", "AWS_PROFILE"),
        ("record purge", "AWS_PROFILE"),
        ("redrive", "AWS_PROFILE"),
        ("replay", "AWS_PROFILE"),
        ("pinwheel webhooks list", "WEBHOOK_SIGNING_SECRET"),
        ("pinwheel webhooks add", "WEBHOOK_SIGNING_SECRET"),
        ("pinwheel webhooks remove", "WEBHOOK_SIGNING_SECRET"),
    ] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(
            help.out.contains("Examples:\n  ") && help.out.contains(&format!("cargo webhook {command}")),
            "{command}"
        );
        assert!(help.out.contains(source), "{command}");
    }
}
