//! Tests of what `read_object` finds.

use crate::json::{NotAnObject, RawValue, read_object};

/// Returns the text of the value at `path`, unchanged.
fn at<'a>(text: &'a str, path: &[&str]) -> Result<Option<&'a str>, NotAnObject> {
    let [value] = read_object(text.as_bytes(), [path])?;
    Ok(value.map(|value| std::str::from_utf8(value.bytes()).expect("a value is UTF-8")))
}

/// Returns the decoded text of a value.
fn text_of(value: &str) -> Option<String> {
    let document = format!(r#"{{"a":{value}}}"#);
    let [value] = read_object(document.as_bytes(), [&["a"]]).expect("an object");
    value.and_then(RawValue::text).map(std::borrow::Cow::into_owned)
}

#[test]
fn values_are_returned_unchanged() {
    for value in [
        r#""x\u0041 \/""#,
        "1.50",
        "-0",
        "1e400",
        "null",
        "true",
        "[ 1,\n2 ]",
        r#"{ "b" : [ ] }"#,
        "[]",
        "{}",
        r#""""#,
    ] {
        for document in [
            format!(r#"{{"a":{value}}}"#),
            format!("{{ \"z\" : [1, {{}}],\n\"a\" :\t{value} , \"b\": 0 }}\n"),
            format!(r#"{{"a":0,"a":{value}}}"#),
            format!(r#"{{"\u0061":{value}}}"#),
        ] {
            assert_eq!(at(&document, &["a"]), Ok(Some(value)), "{document}");
        }
        let document = format!(r#"{{"payload":{{"x":{{"a":1}},"a":{value}}},"a":2}}"#);
        assert_eq!(at(&document, &["payload", "a"]), Ok(Some(value)), "{document}");
    }
}

#[test]
fn many_paths_are_read_in_one_pass() {
    let text = br#"{"event_id": "e", "event": "paystubs.added", "payload": {"account_id": "a", "n": 1}, "end": null}"#;
    let paths: [&[&str]; 6] = [
        &["event_id"],
        &["event"],
        &["payload", "account_id"],
        &["payload", "end_user_id"],
        &["payload"],
        &["end"],
    ];
    let found = read_object(text, paths).expect("an object");
    assert_eq!(
        found.map(|value| value.map(RawValue::bytes)),
        [
            Some(&br#""e""#[..]),
            Some(br#""paystubs.added""#),
            Some(br#""a""#),
            None,
            Some(br#"{"account_id": "a", "n": 1}"#),
            Some(b"null"),
        ]
    );
    assert_eq!(
        found.map(|value| value.is_some_and(RawValue::is_null)),
        [false, false, false, false, false, true]
    );
}

#[test]
fn the_last_of_duplicate_members_counts_at_every_level() {
    for (text, expected) in [
        (r#"{"payload": {"id": 1, "id": 2}}"#, Some("2")),
        (r#"{"payload": {"id": 1, "\u0069d": 2}}"#, Some("2")),
        (r#"{"payload": {"id": 1}, "payload": {"id": 2}}"#, Some("2")),
        (r#"{"payload": {"id": 1}, "payload": {"other": 2}}"#, None),
        (r#"{"payload": {"id": 1}, "payload": {}}"#, None),
        (r#"{"payload": {"id": 1}, "p\u0061yload": null}"#, None),
        (r#"{"payload": {"id": 1}, "payload": [{"id": 2}]}"#, None),
        (r#"{"payload": {"id": 1}, "payload": "id"}"#, None),
        (r#"{"payload": 3, "payload": {"id": 1}}"#, Some("1")),
        (r#"{"payload": {"id": 1}, "other": {"id": 2}}"#, Some("1")),
        (r#"{"payload": {"id": {"id": 1}}}"#, Some(r#"{"id": 1}"#)),
    ] {
        assert_eq!(at(text, &["payload", "id"]), Ok(expected), "{text}");
    }
}

#[test]
fn a_path_leads_only_through_the_objects_that_it_names() {
    for text in [
        "{}",
        r#"{"id": 1}"#,
        r#"{"other": {"id": 1}}"#,
        r#"{"payload": 1}"#,
        r#"{"payload": [{"id": 1}]}"#,
        r#"{"payload": [[{"id": 1}], {"payload": {"id": 1}}]}"#,
        r#"{"payload": {"x": {"id": 1}}}"#,
        r#"{"payload": {"x": [{"id": 1}]}, "id": 2}"#,
        r#"{"x": {"payload": {"id": 1}}}"#,
        r#"{"x": [{"payload": {"id": 1}}]}"#,
        r#"{"payload.id": 1, "payloa": {"id": 1}, "payloads": {"id": 1}, "payload": {"ID": 1}}"#,
    ] {
        assert_eq!(at(text, &["payload", "id"]), Ok(None), "{text}");
    }
}

#[test]
fn the_text_of_a_string_is_decoded_unless_empty_or_broken() {
    for (value, expected) in [
        (r#""plain""#, Some("plain")),
        (r#""Zoë""#, Some("Zoë")),
        (r#""Zo\u00EB \"\\\/\b\f\n\r\t""#, Some("Zoë \"\\/\u{8}\u{c}\n\r\t")),
        (r#""\ud83d\ude00 \u0000""#, Some("😀 \0")),
        (r#""""#, None),
        (r#""\ud800""#, None),
        (r#""text \udc00""#, None),
        (r#""\ud800\ud800\udc00""#, None),
        ("1", None),
        ("null", None),
        ("true", None),
        (r#"["text"]"#, None),
        (r#"{"text":"text"}"#, None),
    ] {
        assert_eq!(text_of(value).as_deref(), expected, "{value}");
    }
}

#[test]
fn an_object_without_a_python_form_is_still_an_object() {
    let long = "9".repeat(10_000);
    for text in [
        r#"{"a": 1e400}"#,
        r#"{"a": 1, "a": 1}"#,
        r#"{"\ud800": "\udfff"}"#,
        " \n\r\t{} \n\r\t",
        &format!(r#"{{"a": {long}}}"#),
    ] {
        assert_eq!(read_object(text.as_bytes(), []), Ok([]), "{text}");
    }
}

#[test]
fn other_values_and_malformed_texts_are_not_objects() {
    for text in [
        &b""[..],
        b"[]",
        b"[{}]",
        b"1",
        b"null",
        b"\"{}\"",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":NaN}",
        b"{\"a\":-Infinity}",
        b"{\"a\":Infinity}",
        b"{\"a\":01}",
        b"{\"a\":1,}",
        b"{\"a\":\"\t\"}",
        b"{\"a\":\"\\u00g0\"}",
        b"{} {}",
        b"{",
        b"{\"a\"",
        b"{\"a\":",
    ] {
        assert_eq!(read_object(text, [&["a"]]), Err(NotAnObject), "{}", text.escape_ascii());
    }
    assert_eq!(read_object("[".repeat(1_000_000).as_bytes(), []), Err(NotAnObject));
}

#[test]
fn debug_of_a_value_shows_only_its_length() {
    let [value] = read_object(br#"{"a": "secret"}"#, [&["a"]]).expect("an object");
    assert_eq!(format!("{value:?}"), "Some(RawValue(8 bytes))");
}
