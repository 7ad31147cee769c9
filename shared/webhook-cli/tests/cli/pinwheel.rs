//! `webhook pinwheel`: requests to Pinwheel's API, and what is refused before any call.

use crate::support::{Ended, ended, file, receiver, sorted, webhook};

/// Long enough to cause no warning.
const SECRET: Option<&str> = Some("secret-of-the-tests");

const REGISTRATION: &str = r#"{"id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "status": "active"}"#;

/// Runs `webhook pinwheel webhooks …` against an API that gives this answer. Returns how it ended,
/// and the request's line, headers and body.
fn ask(
    arguments: &str,
    secret: Option<&str>,
    answer: &'static str,
) -> (Ended, (String, Vec<String>, String)) {
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
    let (ended_as, (line, sent, body)) = ask(
        "list",
        Some("API_SECRET_OF_16\n"),
        "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"data\": []}",
    );
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
        "add --url https://example.com/webhooks/pinwheel --event account.added --event \
         paystubs.added --api-version 2025-01-01 --secret-file {}",
        secret.display()
    );
    let answer: &'static str = format!(
        "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{REGISTRATION}",
        REGISTRATION.len()
    )
    .leak();
    let (ended_as, (line, sent, body)) = ask(&arguments, SECRET, answer);
    assert_eq!(ended_as, ended(0, &format!("{REGISTRATION}\n"), ""));
    assert_eq!(line, "POST /v1/webhooks HTTP/1.1");
    assert_eq!(
        body,
        r#"{"enabled_events":["account.added","paystubs.added"],"status":"active","url":"https://example.com/webhooks/pinwheel","version":"2025-01-01"}"#
    );
    let expected = [
        "content-type: application/json",
        "pinwheel-version: 2025-01-01",
        "x-api-secret: API_SECRET_OF_16",
    ];
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
    let (ended_as, (line, _, body)) =
        ask(&format!("remove {id}"), SECRET, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(ended_as, ended(0, "", ""));
    assert_eq!((line, body.as_str()), (format!("DELETE /v1/webhooks/{id} HTTP/1.1"), ""));
}

#[test]
fn an_answer_other_than_2xx_is_printed_and_ends_with_1() {
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 16\r\n\r\n{\"error\": \"key\"}";
    let (ended_as, _) = ask("list", SECRET, answer);
    assert_eq!(
        ended_as,
        ended(1, "{\"error\": \"key\"}\n", "Pinwheel answered 401 Unauthorized.\n")
    );
}

#[test]
fn a_redirect_of_the_api_is_not_followed_and_its_target_is_named() {
    let answer =
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\u{202e}\r\ncontent-length: 0\r\n\r\n";
    let (ended_as, _) = ask("list", SECRET, answer);
    let err = "Pinwheel answered 302 Found.\nThe answer redirects to http://127.0.0.1:1/\\u202e, \
               and redirects are not followed: if you trust that address, give it to --base-url.\n";
    assert_eq!(ended_as, ended(1, "", err));
}

#[test]
fn a_missing_or_unusable_secret_is_refused_before_any_call() {
    for (secret, expected) in [
        (
            None,
            "no API secret: name its file with --secret-file, or put it into the variable \
             WEBHOOK_SIGNING_SECRET",
        ),
        (Some("\n"), "WEBHOOK_SIGNING_SECRET: the value is empty"),
        (
            Some("an-api-secret\nof-two-lines"),
            "the API secret has characters other than visible ASCII: is it the right file?",
        ),
    ] {
        let refused = webhook("pinwheel webhooks list", secret, b"");
        assert_eq!(refused, ended(2, "", &format!("error: {expected}\n")), "{secret:?}");
    }
}

#[test]
fn arguments_that_cannot_be_used_are_refused_with_the_reason() {
    for (arguments, first_line) in [
        (
            "pinwheel webhooks list --environment production --base-url http://127.0.0.1:1",
            "error: the argument '--environment <ENVIRONMENT>' cannot be used with '--base-url \
             <URL>'",
        ),
        ("pinwheel webhooks list --secret s3cret", "error: unexpected argument '--secret' found"),
        (
            "pinwheel webhooks remove a/b",
            "error: invalid value 'a/b' for '<ID>': expected letters, digits, `-` and `_`",
        ),
    ] {
        let refused = webhook(arguments, None, b"");
        assert_eq!(
            (refused.code, refused.err.lines().next()),
            (Some(2), Some(first_line)),
            "{arguments}"
        );
    }
}

#[test]
fn the_help_has_examples_and_says_where_the_secret_comes_from() {
    for command in ["pinwheel webhooks list", "pinwheel webhooks add", "pinwheel webhooks remove"] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(help.out.contains(&format!("Examples:\n  cargo webhook {command}")), "{command}");
        assert!(help.out.contains("WEBHOOK_SIGNING_SECRET"), "{command}");
    }
}
