//! What the operator's commands do without AWS: help, and what is refused before any call.

use crate::support::{ended, file, webhook, webhook_with};

#[test]
fn missing_and_unusable_input_is_refused_before_any_call() {
    let pointer = file(
        "pointer.json",
        br#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"p/k"}]"#,
    );
    let received = file("received.json", br#"{"Messages": [{"MessageId": "1", "Body": "{}"}]}"#);
    for (arguments, expected) in [
        ("record show p#1".to_owned(), "--table is missing: give it, or set IDEMPOTENCY_TABLE"),
        ("replay".to_owned(), "--queue-url is missing: give it, or set QUEUE_URL"),
        (
            format!("replay {} --queue-url https://q/a.fifo", pointer.display()),
            "this cannot be replayed: it is a pointer to s3://b/p/k: download that object and \
             replay it",
        ),
        (
            format!("replay {} --queue-url https://q/a.fifo", received.display()),
            "this cannot be replayed: it is the whole answer of `aws sqs receive-message`: give \
             the body of one message, as jq -r '.Messages[0].Body' prints it",
        ),
        (
            "replay --queue-url https://q/a.fifo".to_owned(),
            "this cannot be replayed: it is not a JSON object, so it is not the body of an event's \
             message",
        ),
        (
            "redrive --from https://q/a --to https://q/a".to_owned(),
            "--from and --to must be two different queues of the same kind: both FIFO, or neither",
        ),
        (
            "redrive --from https://q/a.fifo --to https://q/a".to_owned(),
            "--from and --to must be two different queues of the same kind: both FIFO, or neither",
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
fn names_that_aws_would_refuse_are_refused_before_any_call() {
    for (arguments, variables, expected) in [
        (
            "record show p#1",
            [("IDEMPOTENCY_TABLE", "a b")].as_slice(),
            "IDEMPOTENCY_TABLE cannot be used: \"a b\" is not a table's name (3 to 255 letters, \
             digits, `_`, `-` and `.`) or its ARN",
        ),
        (
            "replay",
            &[("QUEUE_URL", "https://q/a.fifo"), ("PAYLOAD_BUCKET", "s3://b")],
            "PAYLOAD_BUCKET cannot be used: \"s3://b\" is not a bucket's name (3 to 63 lower-case \
             letters, digits, `-` and `.`), without s3:// and without a path",
        ),
        (
            "redrive --from https://q/a --to events",
            &[],
            "invalid value 'events' for '--to <QUEUE_URL>': \"events\" is not a queue's URL, such \
             as https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo (not its name or ARN)",
        ),
    ] {
        let refused = webhook_with(arguments, variables, b"{}");
        let first_line = refused.err.lines().next().unwrap_or_default();
        assert_eq!(
            (refused.code, first_line),
            (Some(2), format!("error: {expected}").as_str()),
            "{arguments}"
        );
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
    let no_region =
        "error: no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one\n";
    assert_eq!(webhook_with("record show p#1", &no_files, b""), ended(2, "", no_region));
    let with_region = [no_files.as_slice(), &[("AWS_REGION", "eu-west-1")]].concat();
    let no_credentials = "error: no AWS credentials, or they have expired: set AWS_PROFILE, or \
                          AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n";
    assert_eq!(webhook_with("record show p#1", &with_region, b""), ended(2, "", no_credentials));
}

#[test]
fn a_number_that_cannot_be_used_is_refused_with_the_reason() {
    let refused = webhook("redrive --from https://q/a --to https://q/b --max 0", None, b"");
    let first_line =
        "error: invalid value '0' for '--max <N>': 0 is not in 1..18446744073709551615";
    assert_eq!((refused.code, refused.err.lines().next()), (Some(2), Some(first_line)));
}

#[test]
fn the_help_has_examples_and_says_where_credentials_come_from() {
    for command in ["record show", "record find", "record purge", "redrive", "replay"] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(
            help.out.contains("Examples:\n  ")
                && help.out.contains(&format!("cargo webhook {command}")),
            "{command}"
        );
        assert!(help.out.contains("AWS_PROFILE"), "{command}");
    }
}
