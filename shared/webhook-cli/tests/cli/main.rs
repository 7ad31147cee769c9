//! The `webhook` command as a user runs it: output, requests on the wire, exit codes, sentences.

mod operations;
mod secrets;
mod send;
mod support;

use std::{fs, process::Stdio};

use support::{command, ended, file, webhook};

/// The published vectors have short secrets.
const SHORT: &str = "WEBHOOK_SIGNING_SECRET: the signing secret has fewer than 16 bytes; it is used as it is\n";

const V2_BODY: &str = "{\n    \"coordinates\": [41.0555388, -73.8679639],\n    \"location\": \"Lyndhurst Mansion, South Broadway, Tarrytown, NY\",\n    \"type\": {\n        \"common_name\": \"American sycamore\",\n        \"genus\": \"platanus\",\n        \"species\": \"occidentalis\"\n    }\n}";
const V2_HEADERS: &str = "x-pinwheel-signature: v2=42fb9eba200e821d4de63667f5a30f7e1b83609b135e148e26ce01eef2aa6ba8\nx-timestamp: 860860860\n";

const V1_BODY: &str = r#"{"event": "direct_deposit_payment.added", "webhook_id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "payload": {"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "account_id": "449e7a5c-69d3-4b8a-aaaf-5c9b713ebc65", "link_token_id": "4787acbc-11cf-4db3-998c-5ea7c4feebcd", "name": "direct_deposit_payment", "timestamp": "2021-01-12T02:36:01.287148+00:00", "outcome": "success", "params": {"amount": 100.0, "account_name": "Zo\u00eb\u2019s Checking"}}}"#;
const V1_HEADERS: &str = "x-pinwheel-signature: v1=b384769d44bf67aabbc0221d9e6f61912c821b331d1281d8f0310bb0f73ed472\nx-timestamp: 1609205925\n";

const ENDGRATE_BODY: &str = r#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0c0d", "session_id": "6566e85e7cf20dca9cef0c0a", "metadata": {"user_id": 1, "label": "Zo\u00eb", "rate": 1.0}, "endgrate": {"endgrate_type": "crm-contact"}, "completed": true}"#;
const ENDGRATE_HEADERS: &str = "x-endgrate-signature: MNY2DxBT57oO6Z78b7Ntb7ScCjY=\n";

#[test]
fn sign_prints_the_headers_of_the_vectors() {
    let body = file("vector-v2.json", V2_BODY.as_bytes());
    let from_file = format!("sign pinwheel {} --timestamp 860860860", body.display());
    assert_eq!(webhook(&from_file, Some("TEST_KEY"), b""), ended(0, V2_HEADERS, SHORT));
    for (arguments, secret, body, expected) in [
        ("sign pinwheel --timestamp 860860860", "TEST_KEY", V2_BODY, V2_HEADERS),
        ("sign pinwheel - --timestamp 860860860", "TEST_KEY\n", V2_BODY, V2_HEADERS),
        ("sign pinwheel --scheme v1 --timestamp 1609205925", "TEST_KEY", V1_BODY, V1_HEADERS),
        ("sign endgrate", "TEST_API_KEY", ENDGRATE_BODY, ENDGRATE_HEADERS),
        ("sign endgrate --python-form", "TEST_API_KEY", &ENDGRATE_BODY.replace(": ", ":"), ENDGRATE_HEADERS),
    ] {
        assert_eq!(webhook(arguments, Some(secret), body.as_bytes()), ended(0, expected, SHORT), "{arguments}");
    }
}

#[test]
fn sign_adds_the_delivery_id_that_it_is_given() {
    let expected = format!("{V1_HEADERS}x-pinwheel-webhook-uuid: 7\n");
    let arguments = "sign pinwheel --scheme v1 --timestamp 1609205925 --delivery-id 7";
    assert_eq!(webhook(arguments, Some("TEST_KEY"), V1_BODY.as_bytes()), ended(0, &expected, SHORT));
}

#[test]
fn sign_uses_the_clock_if_no_time_is_given() {
    let out = webhook("sign pinwheel", None, b"{}").out;
    let stamp = out.lines().find_map(|line| line.strip_prefix("x-timestamp: ")).map(str::to_owned);
    let stamp: u64 = stamp.expect("a timestamp").parse().expect("a number");
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    assert!(now.abs_diff(stamp) <= 60, "{stamp} is not near {now}");
}

#[test]
fn what_cannot_be_signed_is_a_sentence_and_exit_code_2() {
    let missing = fs::read("no-such-file.json").expect_err("no such file").to_string();
    for (arguments, secret, expected) in [
        ("sign endgrate no-such-file.json".to_owned(), None, format!("cannot read no-such-file.json: {missing}")),
        (
            "sign endgrate --secret-file no-such-file.txt".to_owned(),
            None,
            format!("cannot read no-such-file.txt: {missing}"),
        ),
        (
            "sign pinwheel --scheme v1".to_owned(),
            None,
            "this scheme signs a re-serialised text, and the body has none: the document has no member with the signed name".to_owned(),
        ),
        (
            "sign endgrate --timestamp 1".to_owned(),
            None,
            "--timestamp does not fit here: this provider signs no time, so only `event` can use it".to_owned(),
        ),
        (
            "event pinwheel --timestamp 253402300800".to_owned(),
            None,
            "the timestamp is after the year 9999, so the event cannot be dated".to_owned(),
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
fn a_reader_that_stops_ends_the_command_quietly_as_sigpipe_would() {
    let mut child = command("event pinwheel", &[]).stderr(Stdio::piped()).spawn().expect("the binary starts");
    drop(child.stdout.take());
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn help_of_each_command_has_examples_and_says_where_the_secret_comes_from() {
    for command in ["sign", "send", "event"] {
        let help = webhook(&format!("{command} --help"), None, b"");
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(help.out.contains("Examples:\n  cargo webhook "), "{command}");
        assert!(help.out.contains("WEBHOOK_SIGNING_SECRET"), "{command}");
    }
    let invoke = "\n  cargo lambda invoke --invoke-address 127.0.0.1 pinwheel --data-file event.json\n";
    assert!(webhook("event --help", None, b"").out.contains(invoke));
}
