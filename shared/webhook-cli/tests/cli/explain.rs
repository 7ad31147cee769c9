//! `webhook explain`: its input, its output and its exit codes. The causes are tested in
//! `webhook-explain`.

use serde_json::{Value, json};
use webhook_cli::{BodyEncoding, Sender, development_secret};
use webhook_verify::{Header, providers::PROVIDERS};

use crate::support::{
    AT, Ended, any_provider, body_of, ended, file, lines, newest, signed, webhook, webhook_with,
};

const SECRET: &str = "secret-of-the-tests";

/// Writes, for each provider, the files of a signed delivery. Returns the providers' names, and the
/// arguments with the files.
fn delivery(name: &str) -> Vec<(&'static str, String)> {
    let of = |provider: &&'static webhook_verify::Provider| {
        let body = body_of(provider);
        let delivery =
            signed(Sender::new(provider, newest(provider)), &provider.key().write(SECRET), &body);
        let headers = file(
            &format!("{name}-{}-headers.txt", provider.name()),
            lines(&delivery.headers()).as_bytes(),
        );
        let body = file(&format!("{name}-{}-body.json", provider.name()), &body);
        let (headers, body) = (headers.display(), body.display());
        (
            provider.name(),
            format!("explain {} --headers {headers} --body {body} --at {}", provider.name(), AT.0),
        )
    };
    PROVIDERS.iter().map(of).collect()
}

fn secret_file(name: &str, content: &str) -> String {
    format!(" --secret-file {}", file(name, content.as_bytes()).display())
}

/// Returns the members of the object that was printed.
fn object(ended: &Ended) -> Value {
    assert_eq!(ended.out.lines().count(), 1, "{ended:?}");
    serde_json::from_str(&ended.out).expect("one JSON object")
}

#[test]
fn a_good_delivery_is_verified_with_exit_code_0() {
    for (name, arguments) in delivery("good") {
        let provider = PROVIDERS.iter().find(|provider| provider.name() == name).expect("deployed");
        let secret = secret_file(
            &format!("good-{name}.txt"),
            &format!("{}\n", provider.key().write(SECRET)),
        );
        let detail = format!("The signature is valid (scheme {}).", newest(provider).name);
        let expected = format!("verified as a delivery of {name}\n\n{detail}\n");
        assert_eq!(
            webhook(&format!("{arguments}{secret}"), None, b""),
            ended(0, &expected, ""),
            "{arguments}"
        );
        let printed = webhook(&format!("{arguments}{secret} --json"), None, b"");
        let expected = json!({
            "verdict": "verified", "reason": null, "cause": null, "detail": detail, "fix": "",
        });
        assert_eq!((printed.code, object(&printed)), (Some(0), expected), "{arguments}");
    }
}

#[test]
fn a_refused_delivery_has_a_cause_a_fix_and_exit_code_1() {
    for (name, arguments) in delivery("refused") {
        let provider = PROVIDERS.iter().find(|provider| provider.name() == name).expect("deployed");
        let text = provider.key().write(SECRET);
        let wrong =
            secret_file("refused-wrong.txt", &provider.key().write("another-secret-of-the-tests"));
        let right = secret_file(&format!("refused-right-{name}.txt"), &text);
        let spaced = secret_file(&format!("refused-spaced-{name}.txt"), &format!("{text} \n"));
        for (secrets, cause) in [
            (spaced.clone(), "secret_whitespace"),
            (format!("{wrong}{right}"), "secret_other"),
            (wrong.clone(), "unknown"),
        ] {
            let printed = webhook(&format!("{arguments}{secrets} --json"), None, b"");
            let found = object(&printed);
            assert_eq!((printed.code, &found["verdict"]), (Some(1), &json!("refused")), "{found}");
            assert_eq!(found["cause"], json!(cause), "{found}");
            let names: Vec<_> =
                found.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(names, ["cause", "detail", "fix", "reason", "verdict"]);
            let words = webhook(&format!("{arguments}{secrets}"), None, b"");
            let [reason, detail, fix] =
                ["reason", "detail", "fix"].map(|member| found[member].as_str().expect("a text"));
            let expected = format!(
                "refused as a delivery of {name}: {reason}\ncause: {cause}\n\n{detail}\n\nFix: \
                 {fix}\n"
            );
            assert_eq!(words, ended(1, &expected, ""));
            assert!(
                !printed.out.contains(SECRET) && !printed.out.contains(&text),
                "{}",
                printed.out
            );
        }
    }
}

#[test]
fn lambda_events_of_every_front_door_are_read() {
    for provider in PROVIDERS {
        let (name, body) = (provider.name(), body_of(provider));
        let delivery =
            signed(Sender::new(provider, newest(provider)), &development_secret(provider), &body);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let single: serde_json::Map<String, Value> = delivery
            .headers()
            .iter()
            .map(|header| (header.name().to_owned(), json!(text(header.value()))))
            .collect();
        let multiple: serde_json::Map<String, Value> =
            single.iter().map(|(name, value)| (name.to_uppercase(), json!([value]))).collect();
        let body = text(&body);
        let http_api = |encoding| delivery.to_lambda_event(encoding).expect("has a date");
        for (door, event) in [
            ("http-api", http_api(BodyEncoding::Text)),
            ("http-api-base64", http_api(BodyEncoding::Base64)),
            (
                "rest",
                json!({
                    "httpMethod": "POST", "headers": single, "multiValueHeaders": multiple,
                    "requestContext": {}, "body": body, "isBase64Encoded": false,
                })
                .to_string(),
            ),
            (
                "alb",
                json!({
                    "requestContext": {"elb": {}}, "multiValueHeaders": multiple, "body": body,
                })
                .to_string(),
            ),
            (
                "alb-single",
                json!({"requestContext": {"elb": {}}, "headers": single, "body": body}).to_string(),
            ),
        ] {
            let path = file(&format!("event-{name}-{door}.json"), event.as_bytes());
            let arguments =
                format!("explain {name} --event {} --at 1997-04-12T16:01:00Z", path.display());
            let printed = webhook(&arguments, None, b"");
            assert_eq!(printed.code, Some(0), "{door}: {printed:?}");
        }
    }
}

#[test]
fn headers_of_curl_and_of_json_and_a_body_on_standard_input_are_read() {
    let provider = any_provider();
    let (name, body) = (provider.name(), body_of(provider));
    let delivery =
        signed(Sender::new(provider, newest(provider)), &development_secret(provider), &body);
    let headers = delivery.headers();
    let text = |header: &Header| String::from_utf8_lossy(header.value()).into_owned();
    let line = |header: &Header| format!("> {}: {}\n", header.name(), text(header));
    let curl: String = headers.iter().map(line).collect();
    let object: serde_json::Map<String, Value> =
        headers.iter().map(|header| (header.name().to_owned(), json!(text(header)))).collect();
    for (kind, content) in [
        (
            "curl",
            format!(
                "*   Trying 127.0.0.1:9000...\n> POST / HTTP/1.1\n{curl}>\n< HTTP/1.1 401 \
                 Unauthorized\n"
            ),
        ),
        ("json", Value::Object(object).to_string()),
    ] {
        let path = file(&format!("headers-{kind}.txt"), content.as_bytes());
        let arguments =
            format!("explain {name} --headers {} --body - --at {}", path.display(), AT.0);
        assert_eq!(webhook(&arguments, None, &body).code, Some(0), "{kind}");
        let secret = provider.key().write("another-secret-of-the-tests");
        let printed = webhook(&arguments, Some(&secret), &body);
        assert!(
            printed.code == Some(1) && printed.out.contains("\ncause: secret_other\n"),
            "{printed:?}"
        );
    }
}

#[test]
fn explain_applies_the_receivers_settings() {
    for provider in PROVIDERS {
        let (name, scheme, body) = (provider.name(), newest(provider), body_of(provider));
        let delivery = signed(Sender::new(provider, scheme), &development_secret(provider), &body);
        let event = delivery.to_lambda_event(BodyEncoding::Text).expect("has a date");
        let path = file(&format!("settings-{name}.json"), event.as_bytes());
        let line = format!("explain {name} --event {}", path.display());
        let cause = |options: &str, variables: &[(&str, &str)]| {
            let printed = webhook_with(&format!("{line}{options}"), variables, b"");
            printed
                .out
                .lines()
                .find_map(|line| line.strip_prefix("cause: ").map(str::to_owned))
                .unwrap_or(printed.err)
        };
        let at = format!(" --at {}", AT.0);
        for other in provider.schemes().iter().filter(|other| *other != scheme) {
            assert_eq!(cause(&format!("{at} --scheme {}", other.name), &[]), "scheme_not_accepted");
            assert_eq!(
                cause(&format!("{at} --scheme {} --scheme {}", other.name, scheme.name), &[]),
                ""
            );
        }
        if scheme.time.is_some() {
            let late = format!(" --at {}", AT.0 + 40);
            assert_eq!(
                (cause(&format!("{late} --tolerance 39"), &[]), cause(&late, &[])),
                ("timestamp_stale".to_owned(), String::new())
            );
        } else if provider.tolerance().is_none() {
            let expected =
                format!("error: --tolerance cannot be used here: {name} signs no time\n");
            assert_eq!(cause(" --tolerance 39", &[]), expected);
        }
        if scheme.signs_url() {
            let variable = [("PUBLIC_URL", "https://example.com/elsewhere")];
            let option = format!("{at} --public-url https://example.com/webhooks/{name}");
            assert_eq!(
                (cause(&at, &variable), cause(&option, &variable)),
                ("url_differs".to_owned(), String::new())
            );
        } else if !provider.signs_url() {
            let expected =
                format!("error: --public-url cannot be used here: {name} does not sign the URL\n");
            assert_eq!(cause(" --public-url https://a.example/", &[]), expected);
        }
    }
}

#[test]
fn a_scheme_of_the_catalogue_is_explained_too() {
    for (name, arguments) in delivery("catalogue") {
        let provider = PROVIDERS.iter().find(|provider| provider.name() == name).expect("deployed");
        let secret = secret_file(&format!("catalogue-{name}.txt"), &provider.key().write(SECRET));
        // Such a delivery verifies only with its URL, which the other schemes are not given.
        if provider.signs_url() {
            continue;
        }
        for entry in webhook_verify::catalogue::CATALOGUE {
            if entry.schemes()[0].signature.header == newest(provider).signature.header {
                continue;
            }
            let line = arguments
                .replace(&format!("explain {name} "), &format!("explain {} ", entry.name()));
            let printed = webhook(&format!("{line}{secret}"), None, b"");
            assert!(
                printed.code == Some(1) && printed.out.contains("\ncause: scheme_other\n"),
                "{line}: {printed:?}"
            );
        }
    }
}

#[test]
fn what_a_sender_chose_cannot_move_the_cursor() {
    let provider = any_provider();
    let header = newest(provider).signature.header[0];
    let headers = json!({format!("{header}\u{1b}[31m\u{202e}"): "1"}).to_string();
    let headers = file("hostile-headers.json", headers.as_bytes());
    let body = file("hostile-body.json", b"{}");
    let printed = webhook(
        &format!(
            "explain {} --headers {} --body {}",
            provider.name(),
            headers.display(),
            body.display()
        ),
        None,
        b"",
    );
    assert!(
        printed.out.contains(&format!("\"{header}\\u{{1b}}[31m\\u{{202e}}\"")),
        "{}",
        printed.out
    );
    assert!(!printed.out.contains(['\u{1b}', '\u{202e}']), "{}", printed.out);
}

#[test]
fn unusable_files_are_an_error_with_exit_code_2() {
    let name = any_provider().name();
    let body = file("explain-body.json", b"{}");
    let body = body.display();
    let no_headers = file("explain-no-headers.txt", b"no header");
    let queue = file("explain-queue.json", br#"{"Records": []}"#);
    let bad_base64 =
        file("explain-bad.json", br#"{"headers": {}, "body": "*", "isBase64Encoded": true}"#);
    for (arguments, expected) in [
        (
            format!("explain {name} --headers {} --body {body}", no_headers.display()),
            format!("{}: line 1 is not `Name: value`", no_headers.display()),
        ),
        (
            format!("explain {name} --event {}", queue.display()),
            format!(
                "{}: it is not the Lambda event of an HTTP request: give the headers and the body \
                 with --headers and --body",
                queue.display()
            ),
        ),
        (
            format!("explain {name} --event {}", bad_base64.display()),
            format!(
                "{}: it is the Lambda event of an HTTP request, but its headers, its body or its \
                 base64 are malformed: the receiver answers 400",
                bad_base64.display()
            ),
        ),
        (
            format!("explain {name} --event x.json{}", " --secret-file x.txt".repeat(9)),
            "--secret-file cannot be used here: at most 8 secrets are compared; leave some out"
                .to_owned(),
        ),
    ] {
        assert_eq!(
            webhook(&arguments, None, b""),
            ended(2, "", &format!("error: {expected}\n")),
            "{arguments}"
        );
    }
}

#[test]
fn missing_and_invalid_arguments_are_refused() {
    let name = any_provider().name();
    for (arguments, expected) in [
        (format!("explain {name}"), "error: the following required arguments were not provided:"),
        (
            format!("explain {name} --headers x.txt"),
            "error: the following required arguments were not provided:",
        ),
        (
            format!("explain {name} --event x.json --body x"),
            "error: the argument '--event <PATH>' cannot be used with '--body <PATH>'",
        ),
        (
            format!("explain {name} --event x.json --at noon"),
            "error: invalid value 'noon' for '--at <TIME>': expected a time such as \
             2026-11-21T12:00:00Z, or whole seconds since 1970, in digits",
        ),
    ] {
        let refused = webhook(&arguments, None, b"");
        assert_eq!(
            (refused.code, refused.err.lines().next()),
            (Some(2), Some(expected)),
            "{arguments}"
        );
    }
}
