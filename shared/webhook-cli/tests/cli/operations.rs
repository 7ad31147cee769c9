//! The operator's commands, as far as they need no AWS: Pinwheel's API, help, and what is refused before any call.

use crate::support::{Ended, ended, file, receiver, sorted, webhook, webhook_with};

/// Long enough not to be warned of.
const SECRET: Option<&str> = Some("secret-of-the-tests");

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
        ask("list", Some("API_SECRET_OF_16\n"), "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"data\": []}");
    assert_eq!(ended_as, ended(0, "{\"data\": []}\n", ""));
    assert_eq!((line.as_str(), body.as_str()), ("GET /v1/webhooks HTTP/1.1", ""));
    for header in ["x-api-secret: API_SECRET_OF_16", "pinwheel-version: 2023-11-22"] {
        assert!(sent.contains(&header.to_owned()), "{sent:?}");
    }
}

#[test]
fn add_posts_url_events_and_version() {
    let secret = file("api-secret.json", br#"{"signing_secret": "API_SECRET_OF_16"}"#);
    let arguments = format!(
        "add --url https://example.com/webhooks/pinwheel --event account.added --event paystubs.added --api-version 2025-01-01 --secret-file {}",
        secret.display()
    );
    let answer: &'static str =
        format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{REGISTRATION}", REGISTRATION.len()).leak();
    let (ended_as, (line, sent, body)) = ask(&arguments, SECRET, answer);
    assert_eq!(ended_as, ended(0, &format!("{REGISTRATION}\n"), ""));
    assert_eq!(line, "POST /v1/webhooks HTTP/1.1");
    assert_eq!(
        body,
        r#"{"enabled_events":["account.added","paystubs.added"],"status":"active","url":"https://example.com/webhooks/pinwheel","version":"2025-01-01"}"#
    );
    let expected = ["content-type: application/json", "pinwheel-version: 2025-01-01", "x-api-secret: API_SECRET_OF_16"];
    for header in headers(&expected) {
        assert!(sent.contains(&header), "{sent:?}");
    }
}

#[test]
fn add_without_events_asks_for_all_that_are_documented() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (_, (_, _, body)) = ask("add --url https://example.com/", SECRET, answer);
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
    let (ended_as, (line, _, body)) = ask(&format!("remove {id}"), SECRET, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(ended_as, ended(0, "", ""));
    assert_eq!((line, body.as_str()), (format!("DELETE /v1/webhooks/{id} HTTP/1.1"), ""));
}

#[test]
fn an_answer_other_than_2xx_is_printed_and_ends_with_1() {
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 16\r\n\r\n{\"error\": \"key\"}";
    let (ended_as, _) = ask("list", SECRET, answer);
    assert_eq!(ended_as, ended(1, "{\"error\": \"key\"}\n", "Pinwheel answered 401 Unauthorized.\n"));
}

#[test]
fn a_missing_secret_table_or_queue_is_refused_before_any_call() {
    let pointer = file(
        "pointer.json",
        br#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"p/k"}]"#,
    );
    let received = file("received.json", br#"{"Messages": [{"MessageId": "1", "Body": "{}"}]}"#);
    for (arguments, secret, expected) in [
        (
            "pinwheel webhooks list".to_owned(),
            None,
            "name the file with the API secret with --secret-file, or put the secret into WEBHOOK_SIGNING_SECRET",
        ),
        ("pinwheel webhooks list".to_owned(), Some("\n"), "WEBHOOK_SIGNING_SECRET: the value is empty"),
        (
            "pinwheel webhooks list".to_owned(),
            Some("an-api-secret\nof-two-lines"),
            "the API secret has characters other than visible ASCII: is it the right file?",
        ),
        ("record show p#1".to_owned(), None, "name it with --table, or in IDEMPOTENCY_TABLE"),
        ("replay".to_owned(), None, "name it with --queue-url, or in QUEUE_URL"),
        (
            format!("replay {} --queue-url https://q/a.fifo", pointer.display()),
            None,
            "this cannot be replayed: it is a pointer: replay the object s3://b/p/k, to which it points",
        ),
        (
            format!("replay {} --queue-url https://q/a.fifo", received.display()),
            None,
            "this cannot be replayed: it is the whole answer of `aws sqs receive-message`: give the body of one \
             message, such as jq -r '.Messages[0].Body' prints it",
        ),
        (
            "replay --queue-url https://q/a.fifo".to_owned(),
            None,
            "this cannot be replayed: it is not a JSON object, as the body of an event's message is",
        ),
        (
            "redrive --from https://q/a --to https://q/a".to_owned(),
            None,
            "the two queues must be different ones of the same kind: both FIFO, or neither",
        ),
        (
            "redrive --from https://q/a.fifo --to https://q/a".to_owned(),
            None,
            "the two queues must be different ones of the same kind: both FIFO, or neither",
        ),
    ] {
        assert_eq!(webhook(&arguments, secret, b""), ended(2, "", &format!("error: {expected}\n")), "{arguments}");
    }
}

#[test]
fn a_redirect_of_the_api_is_not_followed_and_its_target_is_named() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\u{202e}\r\ncontent-length: 0\r\n\r\n";
    let (ended_as, _) = ask("list", SECRET, answer);
    let err = "Pinwheel answered 302 Found.\nThe answer redirects to http://127.0.0.1:1/\\u202e, and redirects are \
               not followed: if you trust that address, give it to --base-url.\n";
    assert_eq!(ended_as, ended(1, "", err));
}

#[test]
fn names_that_aws_would_refuse_are_refused_before_any_call() {
    for (arguments, variables, expected) in [
        (
            "record show p#1",
            [("IDEMPOTENCY_TABLE", "a b")].as_slice(),
            "IDEMPOTENCY_TABLE cannot be used: \"a b\" is not a table's name (3 to 255 letters, digits, `_`, `-` and `.`) \
             or its ARN",
        ),
        (
            "replay",
            &[("QUEUE_URL", "https://q/a.fifo"), ("PAYLOAD_BUCKET", "s3://b")],
            "PAYLOAD_BUCKET cannot be used: \"s3://b\" is not a bucket's name (3 to 63 lower-case letters, digits, `-` and \
             `.`), without s3:// and without a path",
        ),
        (
            "redrive --from https://q/a --to events",
            &[],
            "invalid value 'events' for '--to <QUEUE_URL>': \"events\" is not a queue's URL, such as \
             https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo (not its name or ARN)",
        ),
    ] {
        let refused = webhook_with(arguments, variables, b"{}");
        let first_line = refused.err.lines().next().unwrap_or_default();
        assert_eq!((refused.code, first_line), (Some(2), format!("error: {expected}").as_str()), "{arguments}");
    }
}

#[test]
fn without_region_or_credentials_a_command_says_what_to_set() {
    let no_files = [
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("IDEMPOTENCY_TABLE", "records"),
    ];
    let no_region = "error: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one\n";
    assert_eq!(webhook_with("record show p#1", &no_files, b""), ended(2, "", no_region));
    let with_region = [no_files.as_slice(), &[("AWS_REGION", "eu-west-1")]].concat();
    let no_credentials = "error: no AWS credentials, or they have expired: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                          AWS_SECRET_ACCESS_KEY\n";
    assert_eq!(webhook_with("record show p#1", &with_region, b""), ended(2, "", no_credentials));
}

#[test]
fn arguments_that_cannot_be_used_are_refused_with_the_reason() {
    for (arguments, first_line) in [
        (
            "pinwheel webhooks list --environment production --base-url http://127.0.0.1:1",
            "error: the argument '--environment <ENVIRONMENT>' cannot be used with '--base-url <URL>'",
        ),
        ("pinwheel webhooks list --secret s3cret", "error: unexpected argument '--secret' found"),
        (
            "pinwheel webhooks remove a/b",
            "error: invalid value 'a/b' for '<ID>': expected letters, digits, `-` and `_`",
        ),
        (
            "redrive --from https://q/a --to https://q/b --max 0",
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
