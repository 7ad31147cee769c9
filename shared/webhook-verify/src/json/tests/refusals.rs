//! Tests of texts that have no Python form.

use super::{compact, default, nested, payload, payload_in};
use crate::json::{MAX_DEPTH, NoPythonForm, PythonForm, read_object};

#[test]
fn text_that_is_not_json_is_refused() {
    for text in [
        &b""[..],
        b" ",
        b"\xef\xbb\xbf{}",
        b"{}\xef\xbb\xbf",
        b"\"\xff\"",
        b"\"\xc0\x80\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xe2\x80\"",
        b"{\0}\0",
        b"\xff\xfe{\0}\0",
        b"{}{}",
        b"{} x",
        b"{}\0",
        b"1 2",
        b"[1 2]",
        b"[1,]",
        b"[,1]",
        b"[1",
        b"[",
        b"[}",
        b"{]",
        b"]",
        b"{",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{\"a\":1 \"b\":2}",
        b"{\"a\" 1}",
        b"{a:1}",
        b"{1:1}",
        b"{'a':1}",
        b"{\"a\":1",
        b"{\"a\":1]",
        b"[1}",
        b"{,}",
        b":",
        b",",
        b"tru",
        b"nul",
        b"falsE",
        b"True",
        b"truex",
        b"nan",
        b"inf",
        b"\"",
        b"\"a",
        b"\"a\\",
        b"\"a\\\"",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"\"\\u12g4\"",
        b"\"\\u+123\"",
        b"\"\\u12\"34\"",
        b"\"\\U0041\"",
        b"\"a\nb\"",
        b"\"eight by\ttes\"",
        b"\"\0\"",
        b"\"\x1f\"",
        b"'a'",
        b"01",
        b"-",
        b"-a",
        b"+1",
        b".5",
        b"1.",
        b"1.e5",
        b"1e",
        b"1e+",
        b"1e-x",
        b"1.5.5",
        b"0x10",
        b"1_000",
        b"--1",
        b"-I",
        b"-Infinite",
        b"Infinit",
        b"Na",
        b"\xc2\xa01",
        b"\x0b1",
        b"\x0c1",
        b"/**/1",
        b"1//",
    ] {
        let shown = text.escape_ascii();
        assert_eq!(default(text), Err(NoPythonForm::NotJson), "{shown}");
        assert_eq!(compact(text), Err(NoPythonForm::NotJson), "{shown}");
        let member = [b"{\"payload\":", text, b"}"].concat();
        assert_eq!(payload(member).err(), Some(NoPythonForm::NotJson), "{shown}");
    }
}

#[test]
fn an_escape_with_any_wrong_digit_is_refused() {
    for wrong in 1..16_u8 {
        let digits: String =
            (0..4).map(|place| if wrong >> place & 1 == 1 { 'g' } else { '0' }).collect();
        let text = format!("\"\\u{digits}\"");
        assert_eq!(default(&text), Err(NoPythonForm::NotJson), "{text}");
        assert_eq!(compact(&text), Err(NoPythonForm::NotJson), "{text}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for text in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1.7976931348623159e308",
        "1e99999999999999999999",
    ] {
        assert_eq!(default(text), Err(NoPythonForm::NotFinite), "{text}");
        assert_eq!(compact(format!("[{text}]")), Err(NoPythonForm::NotFinite), "{text}");
    }
}

#[test]
fn integers_are_kept_up_to_4300_digits() {
    for sign in ["", "-"] {
        let longest = format!("{sign}{}", "7".repeat(4300));
        assert_eq!(default(&longest).as_ref(), Ok(&longest));
        assert_eq!(compact(&longest).as_ref(), Ok(&longest));
        assert_eq!(default(format!("{longest}7")), Err(NoPythonForm::IntegerTooLong));
        assert_eq!(compact(format!("[{longest}7]")), Err(NoPythonForm::IntegerTooLong));
    }
}

#[test]
fn any_number_of_long_floats_is_accepted() {
    let array = |float: &str, count: usize| format!("[{}]", vec![float; count].join(","));
    for (float, repr) in [
        ("0.12345678901234567890", "0.12345678901234568"),
        ("12345678901234567890.0", "1.2345678901234567e+19"),
        ("1234567890.1234567890e-3", "1234567.8901234567"),
        ("2.4703282292062327208e-324", "0.0"),
    ] {
        assert!(compact(array(float, 1001)) == Ok(array(repr, 1001)), "{float}");
    }
}

#[test]
fn duplicate_names_are_refused_at_every_level() {
    for text in [
        r#"{"a": 1, "a": 1}"#,
        r#"{"a": 1, "b": 2, "a": {}}"#,
        r#"{"": 1, "": 2}"#,
        r#"{"a": 1, "\u0061": 2}"#,
        r#"{"\u0061": 1, "\u0061": 2}"#,
        r#"{"\/": 1, "/": 2}"#,
        r#"{"😀": 1, "\ud83d\ude00": 2}"#,
        r#"{"\ud83d\uDE00": 1, "x": 0, "\uD83D\ude00": 2}"#,
        r#"{"\ud800": 1, "\uD800": 2}"#,
        r#"{"é\n": 1, "é": 0, "\u00e9\u000a": 2}"#,
        r#"{"x": [{"y": {"a": 1, "b": 2, "a": 3}}]}"#,
        r#"{"a": {"b": 1}, "c": 2, "a": 3}"#,
        r#"{"\u0061": 1, "b": {"c": {"d": 2}}, "a": 3}"#,
        r#"{"a": {"\u0062": {"c": 1}, "d": {"c": 1}, "b": 2}}"#,
        r#"[{"a": 1}, {"a": 1, "b": [{"a": 2}], "a": 3}]"#,
        r#"{"12345678": 1, "12345678": 2}"#,
        r#"{"a name of more than sixteen bytes": 1, "a name of more than sixteen bytes": 2}"#,
        r#"{"1234567":1,"1234567" :2}"#,
    ] {
        assert_eq!(default(text), Err(NoPythonForm::DuplicateKey), "{text}");
        let member = format!(r#"{{"payload": 1, "z": {text}}}"#);
        assert_eq!(
            payload_in(PythonForm::Default, &member),
            Err(NoPythonForm::DuplicateKey),
            "{member}"
        );
    }
    assert_eq!(payload(r#"{"payload": 1, "pa\u0079load": 1}"#), Err(NoPythonForm::DuplicateKey));
}

#[test]
fn a_duplicate_among_any_number_of_names_is_found() {
    for count in [1, 2, 15, 16, 17, 18, 31, 32, 33, 34, 1000] {
        for shape in [
            |index| format!("{index:08}"),
            |index| format!("a long prefix that all of the names share {index}"),
        ] {
            // Shuffled by a step that is coprime to all of the counts.
            let names: Vec<String> = (0..count).map(|index| shape(index * 7919 % count)).collect();
            let members =
                names.iter().map(|name| format!("\"{name}\":0")).collect::<Vec<_>>().join(",");
            assert_eq!(
                compact(format!("{{{members}}}")),
                Ok(format!("{{{members}}}")),
                "{count} names"
            );

            let twice = format!("{{{members},\"{}\":0}}", names[count / 2]);
            assert_eq!(compact(&twice), Err(NoPythonForm::DuplicateKey), "{count} names");
            // `0` to `9` are `\u0030` to `\u0039`, and each of these names ends in a digit.
            let (rest, digit) = names[count / 2].split_at(names[count / 2].len() - 1);
            let escaped = format!("{{{members},\"{rest}\\u003{digit}\":0}}");
            assert_eq!(compact(&escaped), Err(NoPythonForm::DuplicateKey), "{count} names");
            let other = format!("{{{members},\"{rest}\\u0041\":0}}");
            assert_eq!(
                compact(&other),
                Ok(format!("{{{members},\"{rest}A\":0}}")),
                "{count} names"
            );
        }
    }
}

#[test]
fn a_duplicate_among_100_000_names_is_found() {
    let members = (0..100_000)
        .map(|index| format!("\"{:05}\":0", index * 7919 % 100_000))
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(compact(format!("{{{members}}}")), Ok(format!("{{{members}}}")));
    assert_eq!(compact(format!("{{{members},\"50000\":0}}")), Err(NoPythonForm::DuplicateKey));
    assert_eq!(
        compact(format!("{{{members},\"5000\\u0030\":0}}")),
        Err(NoPythonForm::DuplicateKey)
    );
}

#[test]
fn names_that_consist_of_escapes_are_told_apart() {
    let digit = |index: usize, power: usize| format!("\\u003{}", index / power % 10);
    let name = |index| [1000, 100, 10, 1].map(|power| digit(index, power)).concat();
    let members =
        (0..10_000).map(|index| format!("\"{}\": 0", name(index))).collect::<Vec<_>>().join(", ");
    let plain =
        (0..10_000).map(|index| format!("\"{index:04}\": 0")).collect::<Vec<_>>().join(", ");
    assert_eq!(default(format!("{{{members}}}")), Ok(format!("{{{plain}}}")));
    assert_eq!(default(format!("{{{members}, \"5000\": 0}}")), Err(NoPythonForm::DuplicateKey));
}

#[test]
fn brackets_nest_128_levels_deep_and_no_deeper() {
    assert_eq!(MAX_DEPTH, 128);
    for object in [false, true] {
        let deepest = nested(128, object);
        assert_eq!(compact(&deepest).as_ref(), Ok(&deepest));
        assert_eq!(default(nested(129, object)), Err(NoPythonForm::TooDeep));

        let member = |depth| format!(r#"{{"payload":{}}}"#, nested(depth, object));
        assert_eq!(payload(member(127)), Ok(nested(127, object)));
        assert_eq!(payload(member(128)), Err(NoPythonForm::TooDeep));
        assert!(read_object(member(127).as_bytes(), []).is_ok());
        assert!(read_object(member(128).as_bytes(), []).is_err());
    }
    // Only brackets that are open at once count.
    let side_by_side = format!("[{}0]", "[[]],".repeat(1000));
    assert_eq!(compact(&side_by_side).as_ref(), Ok(&side_by_side));
}

#[test]
fn a_million_opening_brackets_are_refused() {
    for text in ["[".repeat(1_000_000), r#"{"a":"#.repeat(1_000_000)] {
        assert_eq!(default(&text), Err(NoPythonForm::TooDeep));
        assert_eq!(compact(&text), Err(NoPythonForm::TooDeep));
    }
}

#[test]
fn a_missing_member_is_refused() {
    for text in [
        "{}",
        r#"{"a": {"payload": 1}}"#,
        r#"[{"payload": 1}]"#,
        "[]",
        "1",
        r#""payload""#,
        "null",
        r#"{"Payload": 1}"#,
    ] {
        assert_eq!(payload(text), Err(NoPythonForm::MemberMissing), "{text}");
    }
}

#[test]
fn the_document_around_the_member_must_have_a_form_too() {
    for (text, expected) in [
        (r#"{"payload": 1, "a": NaN}"#, NoPythonForm::NotFinite),
        (r#"{"a": 1e999, "payload": 1}"#, NoPythonForm::NotFinite),
        (r#"{"payload": 1, "a": "\ud800"}"#, NoPythonForm::LoneSurrogate),
        (r#"{"payload": 1, "\udc00": 1}"#, NoPythonForm::LoneSurrogate),
        (r#"{"payload": 1, "a": 2, "a": 3}"#, NoPythonForm::DuplicateKey),
        (r#"{"payload": 1} 2"#, NoPythonForm::NotJson),
        (r#"{"payload": 1"#, NoPythonForm::NotJson),
    ] {
        assert_eq!(payload(text), Err(expected), "{text}");
    }
}
