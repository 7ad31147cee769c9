//! The `webhook` command as a user runs it: output, requests on the wire, exit codes, messages.

mod explain;
mod operations;
mod pinwheel;
mod provider;
mod secrets;
mod send;
mod support;

use std::{fs, process::Stdio};

use webhook_cli::{BodyEncoding, Sender, development_secret};
use webhook_verify::{providers::PROVIDERS, sign::example_body};

use support::{
    AT, any_provider, body_of, command, dated, ended, file, lines, newest, signed, webhook,
    webhook_with,
};

#[test]
fn sign_prints_the_headers_that_the_library_makes_for_every_scheme() {
    for provider in PROVIDERS {
        for scheme in provider.schemes() {
            let name = provider.name();
            let body = example_body(scheme, 1, 1);
            let secret = development_secret(provider);
            let expected = lines(
                signed(Sender::new(provider, scheme), &secret, body.as_bytes()).signature_headers(),
            );
            let path = file(&format!("{name}.json"), body.as_bytes());
            for arguments in [
                format!("sign {name} --scheme {}{}", scheme.name, dated(scheme)),
                format!("sign {name} - --scheme {}{}", scheme.name, dated(scheme)),
                format!("sign {name} {} --scheme {}{}", path.display(), scheme.name, dated(scheme)),
            ] {
                assert_eq!(
                    webhook(&arguments, None, body.as_bytes()),
                    ended(0, &expected, ""),
                    "{arguments}"
                );
            }
        }
    }
}

#[test]
fn the_newest_scheme_signs_if_none_is_named() {
    for provider in PROVIDERS {
        let (name, scheme) = (provider.name(), newest(provider));
        let named = webhook(
            &format!("sign {name} --scheme {}{}", scheme.name, dated(scheme)),
            None,
            &body_of(provider),
        );
        assert_eq!(
            webhook(&format!("sign {name}{}", dated(scheme)), None, &body_of(provider)),
            named
        );
    }
}

#[test]
fn an_option_changes_the_schemes_headers_or_is_refused() {
    for provider in PROVIDERS {
        for scheme in provider.schemes() {
            let body = example_body(scheme, 1, 1).replace(": ", " :");
            let plain =
                format!("sign {} --scheme {}{}", provider.name(), scheme.name, dated(scheme));
            for option in
                ["--delivery-id 7", "--id 7", "--python-form", "--public-url https://a.example/"]
            {
                let (without, with) = (
                    webhook(&plain, None, body.as_bytes()),
                    webhook(&format!("{plain} {option}"), None, body.as_bytes()),
                );
                assert_eq!(without.code, Some(0), "{plain}: {}", without.err);
                let name = option.split(' ').next().unwrap_or_default();
                let refusal = format!("error: {name} cannot be used here: {} ", scheme.name);
                assert!(
                    (with.code == Some(0) && with.out != without.out)
                        || (with.code == Some(2) && with.err.starts_with(&refusal)),
                    "{plain} {option}: {with:?}"
                );
            }
        }
    }
}

#[test]
fn a_signed_url_comes_from_the_option_the_environment_or_the_default() {
    for provider in PROVIDERS.iter().filter(|provider| newest(provider).signs_url()) {
        let (name, body) = (provider.name(), body_of(provider));
        let expected = |url: &str| {
            let sender = Sender {
                public_url: Some(url.to_owned()),
                ..Sender::new(provider, newest(provider))
            };
            lines(signed(sender, &development_secret(provider), &body).signature_headers())
        };
        let line = format!("sign {name}{}", dated(newest(provider)));
        let variable = [("PUBLIC_URL", "https://b.example/x")];
        for (arguments, variables, url) in [
            (line.clone(), [].as_slice(), format!("https://example.com/webhooks/{name}")),
            (line.clone(), &variable, "https://b.example/x".to_owned()),
            (
                format!("{line} --public-url https://a.example"),
                &variable,
                "https://a.example".to_owned(),
            ),
        ] {
            assert_eq!(
                webhook_with(&arguments, variables, &body),
                ended(0, &expected(&url), ""),
                "{arguments}"
            );
        }
    }
}

#[test]
fn sign_uses_the_clock_if_no_time_is_given() {
    // The command's clock is at `now` or a little later.
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    for provider in PROVIDERS.iter().filter(|provider| newest(provider).time.is_some()) {
        let line = format!("sign {}", provider.name());
        let out = webhook(&line, None, &body_of(provider)).out;
        let is_of = |second: &u64| {
            webhook(&format!("{line} --timestamp {second}"), None, &body_of(provider)).out == out
        };
        assert!((now..now + 60).any(|second| is_of(&second)), "{out} is not of this minute");
    }
}

#[test]
fn what_cannot_be_signed_is_an_error_with_exit_code_2() {
    let missing = fs::read("no-such-file.json").expect_err("no such file").to_string();
    let name = any_provider().name();
    let schemes: Vec<_> = any_provider().schemes().iter().map(|scheme| scheme.name).collect();
    let mut cases = vec![
        (
            format!("sign {name} no-such-file.json"),
            format!("cannot read no-such-file.json: {missing}"),
        ),
        (
            format!("sign {name} --secret-file no-such-file.txt"),
            format!("cannot read no-such-file.txt: {missing}"),
        ),
        (
            format!("sign {name} --scheme v0"),
            format!("{name} has no scheme v0: its schemes are {}", schemes.join(", ")),
        ),
        (
            format!("event {name} --timestamp 253402300800"),
            "the timestamp is after the year 9999, so the event cannot be dated".to_owned(),
        ),
    ];
    for provider in PROVIDERS.iter().filter(|provider| newest(provider).time.is_none()) {
        let scheme = newest(provider).name;
        cases.push((
            format!("sign {} --timestamp 1", provider.name()),
            format!(
                "--timestamp cannot be used here: {scheme} signs no time, so only `event` can use \
                 it"
            ),
        ));
    }
    for (arguments, expected) in cases {
        let refused = webhook(&arguments, None, &body_of(any_provider()));
        assert_eq!(refused, ended(2, "", &format!("error: {expected}\n")), "{arguments}");
    }
}

#[test]
fn no_option_takes_the_secret_itself() {
    let name = any_provider().name();
    let refused = webhook(&format!("sign {name} --secret s3cret"), None, b"{}");
    assert_eq!(
        (refused.code, refused.err.lines().next()),
        (Some(2), Some("error: unexpected argument '--secret' found"))
    );
}

#[test]
fn an_unknown_provider_is_refused_with_the_names_of_the_known_ones() {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name()).collect();
    let refused = webhook("sign not-deployed", None, b"{}");
    let expected = format!(
        "error: invalid value 'not-deployed' for '<PROVIDER>'\n  [possible values: {}]\n",
        names.join(", ")
    );
    assert!(refused.code == Some(2) && refused.err.starts_with(&expected), "{}", refused.err);
    assert!(
        webhook("sign --help", None, b"")
            .out
            .contains(&format!("[possible values: {}]", names.join(", ")))
    );
}

#[test]
fn event_prints_what_the_library_makes() {
    for provider in PROVIDERS {
        let (name, body) = (provider.name(), body_of(provider));
        let delivery =
            signed(Sender::new(provider, newest(provider)), &development_secret(provider), &body);
        for (option, encoding) in [("", BodyEncoding::Text), (" --base64", BodyEncoding::Base64)] {
            let arguments = format!("event {name} --timestamp {}{option}", AT.0);
            let event = delivery.to_lambda_event(encoding).expect("has a date");
            assert_eq!(webhook(&arguments, None, &body), ended(0, &event, ""), "{arguments}");
        }
    }
}

#[test]
fn a_closed_pipe_ends_the_command_quietly_as_sigpipe_would() {
    let mut child = command(&format!("event {}", any_provider().name()), &[])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(141), "")
    );
}

#[test]
fn the_help_has_examples_and_says_where_the_secret_comes_from() {
    for command in ["sign", "send", "event"] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(help.out.contains("Examples:\n  cargo webhook "), "{command}");
        assert!(help.out.contains("WEBHOOK_SIGNING_SECRET"), "{command}");
    }
    let name = any_provider().name();
    let invoke = format!(
        "\n  cargo lambda invoke --invoke-address 127.0.0.1 {name} --data-file event.json\n"
    );
    assert!(webhook("event --help", None, b"").out.contains(&invoke));
}
