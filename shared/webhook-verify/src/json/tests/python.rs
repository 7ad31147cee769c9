//! Tests of the Python forms of texts.

use super::{compact, default, payload};
use crate::json::NoPythonForm;

#[test]
fn numbers_are_spelled_as_python_spells_them() {
    for (text, expected) in [
        ("1.0", "1.0"),
        ("136.0", "136.0"),
        ("1.50", "1.5"),
        ("-0.0", "-0.0"),
        ("-0", "0"),
        ("-0e5", "-0.0"),
        ("0e0", "0.0"),
        ("0", "0"),
        ("-1", "-1"),
        ("1E+2", "100.0"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "1e+16"),
        ("1e21", "1e+21"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e-7", "1e-07"),
        ("12345678901234567.0", "1.2345678901234568e+16"),
        ("0.1000000000000000055", "0.1"),
        (
            "12345678901234567890123456789012345678901234567890",
            "12345678901234567890123456789012345678901234567890",
        ),
        ("-9007199254740993", "-9007199254740993"),
    ] {
        assert_eq!(default(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(compact(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn strings_are_spelled_as_python_spells_them() {
    for (text, in_default, in_compact) in [
        (r#""""#, r#""""#, r#""""#),
        (r#""plain ~ ASCII""#, r#""plain ~ ASCII""#, r#""plain ~ ASCII""#),
        (r#""é""#, r#""\u00e9""#, r#""é""#),
        (r#""\u00E9""#, r#""\u00e9""#, r#""é""#),
        (r#""\u00e9""#, r#""\u00e9""#, r#""é""#),
        ("\"\u{2028}\"", r#""\u2028""#, "\"\u{2028}\""),
        (r#""\u2028""#, r#""\u2028""#, "\"\u{2028}\""),
        (r#""😀""#, r#""\ud83d\ude00""#, r#""😀""#),
        (r#""\uD83D\uDE00""#, r#""\ud83d\ude00""#, r#""😀""#),
        (
            r#""\ud800\udc00\udbff\udfff""#,
            r#""\ud800\udc00\udbff\udfff""#,
            "\"\u{10000}\u{10ffff}\"",
        ),
        ("\"\u{7f}\"", r#""\u007f""#, "\"\u{7f}\""),
        (r#""\u007F""#, r#""\u007f""#, "\"\u{7f}\""),
        ("\"\u{80}\u{ffff}\"", r#""\u0080\uffff""#, "\"\u{80}\u{ffff}\""),
        (r#""\/""#, r#""/""#, r#""/""#),
        (r#""a/b""#, r#""a/b""#, r#""a/b""#),
        (r#""\b\f\n\r\t\"\\""#, r#""\b\f\n\r\t\"\\""#, r#""\b\f\n\r\t\"\\""#),
        (
            r#""\u0008\u000C\u000a\u000d\u0009\u0022\u005c""#,
            r#""\b\f\n\r\t\"\\""#,
            r#""\b\f\n\r\t\"\\""#,
        ),
        (r#""\u0000\u001F\u000b""#, r#""\u0000\u001f\u000b""#, r#""\u0000\u001f\u000b""#),
        (r#""\u0041\u002f\u007e\u0020""#, r#""A/~ ""#, r#""A/~ ""#),
        (
            r#""eight bytes, then \/ and é, then more""#,
            r#""eight bytes, then / and \u00e9, then more""#,
            r#""eight bytes, then / and é, then more""#,
        ),
    ] {
        assert_eq!(default(text).as_deref(), Ok(in_default), "{text}");
        assert_eq!(compact(text).as_deref(), Ok(in_compact), "{text}");
        // A name is spelled like a value, wherever in a word of eight bytes the change is.
        for pad in 0..9 {
            let pad = "x".repeat(pad);
            let spelled = |string: &str| format!("\"{pad}{}", &string[1..]);
            assert_eq!(
                default(format!("{{{}:0}}", spelled(text))),
                Ok(format!("{{{}: 0}}", spelled(in_default)))
            );
            assert_eq!(
                compact(format!("{{{}:0}}", spelled(text))),
                Ok(format!("{{{}:0}}", spelled(in_compact)))
            );
        }
    }
}

#[test]
fn a_lone_surrogate_has_a_default_form_and_no_compact_one() {
    for (text, in_default) in [
        (r#""\uD800""#, r#""\ud800""#),
        (r#""\udfff""#, r#""\udfff""#),
        (r#""\ud800\ud800\udc00""#, r#""\ud800\ud800\udc00""#),
        (r#""\udc00\ud800""#, r#""\udc00\ud800""#),
        (r#""\ud800\u0041""#, r#""\ud800A""#),
        (r#""\ud800é""#, r#""\ud800\u00e9""#),
        (r#"{"\ud83d": 1, "\ude00": 2}"#, r#"{"\ud83d": 1, "\ude00": 2}"#),
    ] {
        assert_eq!(default(text).as_deref(), Ok(in_default), "{text}");
        assert_eq!(compact(text), Err(NoPythonForm::LoneSurrogate), "{text}");
    }
}

#[test]
fn separators_are_pythons_whatever_the_white_space_was() {
    for text in [
        r#"{"a": [1, 2, {}], "b": {"c": []}, "d": null}"#,
        r#"{"a":[1,2,{}],"b":{"c":[]},"d":null}"#,
        "{\n    \"a\": [\n        1,\n        2,\n        {}\n    ],\n    \"b\": {\n        \"c\": []\n    },\n    \"d\": null\n}\n",
        " \t{\r\n\"a\" : [ 1 ,2\t,\t{ } ] ,\n\"b\" :{ \"c\"\n:[ ]\t} ,\"d\": null\r} \n",
    ] {
        assert_eq!(
            default(text).as_deref(),
            Ok(r#"{"a": [1, 2, {}], "b": {"c": []}, "d": null}"#),
            "{text}"
        );
        assert_eq!(
            compact(text).as_deref(),
            Ok(r#"{"a":[1,2,{}],"b":{"c":[]},"d":null}"#),
            "{text}"
        );
    }
}

#[test]
fn literals_are_kept() {
    assert_eq!(default("true").as_deref(), Ok("true"));
    assert_eq!(default(" false ").as_deref(), Ok("false"));
    assert_eq!(compact("[null,true,false]").as_deref(), Ok("[null,true,false]"));
}

#[test]
fn the_order_of_names_is_kept() {
    assert_eq!(compact(r#"{"b": 0, "10": 0, "2": 0}"#).as_deref(), Ok(r#"{"b":0,"10":0,"2":0}"#));
}

#[test]
fn names_that_only_look_alike_are_not_duplicates() {
    for text in [
        r#"{"a": 1, "A": 2, "a ": 3, "": 4}"#,
        r#"{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}"#,
        r#"{"\\u0061": 1, "a": 2}"#,
        r#"{"12345678": 1, "123456789": 2, "12345679": 3, "1234567": 4, "123456780": 5}"#,
        r#"{"twelve bytes": 1, "twelve bites": 2, "twelve byteS": 3}"#,
    ] {
        assert_eq!(default(text).as_deref(), Ok(text));
    }
}

#[test]
fn the_python_form_of_a_member_is_that_of_its_value() {
    for (text, expected) in [
        (r#"{"payload": {"a": 1.50, "b": "\u00e9"}}"#, r#"{"a":1.5,"b":"é"}"#),
        (r#"{"event": "x", "payload" : [ 1, 2 ] , "z": 1e2}"#, "[1,2]"),
        (r#"{"payload": null, "other": {"payload": 1}}"#, "null"),
        (r#"{"a": {"payload": 1}, "\u0070ayload": "\/"}"#, r#""/""#),
        (r#"{"payload":-0}"#, "0"),
        (r#"{"payload":{}}"#, "{}"),
    ] {
        assert_eq!(payload(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn the_payload_of_a_recorded_body_loses_spaces_and_escapes() {
    let body = r#"{"event": "direct_deposit_payment.added", "webhook_id": "61788409-8314-4e89-9300-ae7b9d3ccff5", "payload": {"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "params": {"amount": 100.0, "account_name": "Zo\u00eb\u2019s Checking"}}}"#;
    assert_eq!(
        payload(body).as_deref(),
        Ok(
            r#"{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","params":{"amount":100.0,"account_name":"Zoë’s Checking"}}"#
        )
    );
    assert_eq!(default(body).as_deref(), Ok(body));
}

#[test]
fn unchanged_text_of_any_length_is_copied() {
    // Pieces of every length, short and long, between the changes.
    let strings =
        (0..3000).map(|index| format!("\"{}\"", "s".repeat(index % 37 + index % 7 / 6 * 1500)));
    let strings: Vec<_> = strings.collect();
    let (python, terse) = (format!("[{}]", strings.join(", ")), format!("[{}]", strings.join(",")));
    assert_eq!(default(&terse).as_ref(), Ok(&python));
    assert_eq!(compact(&python).as_ref(), Ok(&terse));
}
