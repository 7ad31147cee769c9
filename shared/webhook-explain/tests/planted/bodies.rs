//! Bodies that were changed between the sender's signature and the receiver.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use webhook_explain::Cause;
use webhook_verify::json::{PythonForm, python_form};

use crate::support::{Case, NOW, Planted, body, key, schemes};

/// Signs three bodies, and plants what `change` makes of them.
fn plant(planted: &mut Planted, what: &str, change: impl Fn(&str) -> Vec<u8>) {
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let good = Case::good(provider, scheme, number);
            let sent = change(str::from_utf8(&good.body).expect("text"));
            if sent != good.body {
                planted.plant(&good.with_body(sent), what);
            }
        }
    }
}

/// Plants three bodies that were signed in the form that `change` makes of them.
fn plant_signed(planted: &mut Planted, what: &str, change: impl Fn(&str) -> Vec<u8>) {
    for (provider, scheme) in schemes().filter(|(_, scheme)| scheme.signed_member().is_none()) {
        for number in 1..=3 {
            let sent = body(scheme, number);
            let secret = provider.key().write(&key(number));
            let signed = Case::signed(provider, scheme, &secret, &change(&sent), NOW);
            planted.plant(&signed.with_body(sent), what);
        }
    }
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace("{\"", "{\r\n\"").into_bytes()
}

#[test]
fn changed_white_space_or_line_breaks_are_recognised() {
    let mut planted = Planted::of(Cause::BodyWhitespace);
    for end in ["\n", "\r\n", " ", "\n\n"] {
        plant(&mut planted, end, |text| format!("{text}{end}").into_bytes());
        plant_signed(&mut planted, end, |text| format!("{text}{end}").into_bytes());
    }
    plant(&mut planted, "before and after", |text| format!("\n {text} \n").into_bytes());
    // CRLF for LF, and the reverse.
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let sent = crlf(&body(scheme, number));
            let lf = String::from_utf8(sent.clone()).expect("text").replace("\r\n", "\n");
            let secret = provider.key().write(&key(number));
            for (signed, sent) in [(lf.as_bytes(), &*sent), (&*sent, lf.as_bytes())] {
                let case = Case::signed(provider, scheme, &secret, signed, NOW);
                planted.plant(&case.with_body(sent), "line breaks");
            }
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_recognised() {
    let mut planted = Planted::of(Cause::BodyReserialized);
    let value = |text: &str| -> serde_json::Value { serde_json::from_str(text).expect("JSON") };
    let pretty = |text: &str| serde_json::to_vec_pretty(&value(text)).expect("a value");
    // serde_json sorts the names of a value.
    let sorted = |text: &str| serde_json::to_vec(&value(text)).expect("a value");
    let compact = |text: &str| text.replace(", ", ",").replace(": ", ":").into_bytes();
    let default = |text: &str| python_form(text.as_bytes(), PythonForm::Default).expect("JSON");
    plant_signed(&mut planted, "compact", compact);
    plant_signed(&mut planted, "Python's", default);
    plant_signed(&mut planted, "sorted", sorted);
    plant_signed(&mut planted, "pretty", pretty);
    plant_signed(&mut planted, "JavaScript's", |text| compact(&text.replace("1.0", "1")));
    plant_signed(&mut planted, "PHP's", |text| {
        compact(&text.replace('/', "\\/").replace('ë', "\\u00eb").replace('’', "\\u2019"))
    });
    plant_signed(&mut planted, "Go's", |text| {
        let text = String::from_utf8(sorted(text)).expect("text");
        text.replace('<', "\\u003c").replace('>', "\\u003e").into_bytes()
    });
    plant(&mut planted, "a JSON string", |text| serde_json::to_vec(text).expect("a text"));
    planted.covers_schemes(4);
}

#[test]
fn the_form_that_verifies_is_named() {
    for (provider, scheme) in schemes()
        .filter(|(_, scheme)| scheme.messages.len() == 1 && scheme.signed_member().is_none())
    {
        let signed = |body: &str| {
            Case::signed(provider, scheme, &provider.key().write(&key(1)), body.as_bytes(), NOW)
        };
        for (body, expected) in [
            (r#"{"b":1,"a":"é"}"#, "compact"),
            (r#"{"b": 1, "a": "\u00e9"}"#, "as Python's json.dumps writes it."),
            (r#"{"a":"é","b":1}"#, "compact, with sorted keys"),
            ("{\n  \"b\": 1,\n  \"a\": \"é\"\n}", "indented by 2 spaces"),
            ("{\n\t\"b\": 1,\n\t\"a\": \"é\"\n}", "indented by tabs"),
        ] {
            let explanation = signed(body).with_body("{ \"b\" : 1, \"a\" : \"é\" }").explain();
            assert_eq!(explanation.cause, Some(Cause::BodyReserialized), "{body}");
            assert!(explanation.detail.contains(expected), "{}", explanation.detail);
        }
    }
}

#[test]
fn base64_that_was_not_decoded_is_recognised() {
    let mut planted = Planted::of(Cause::BodyBase64);
    plant(&mut planted, "base64", |text| BASE64_STANDARD.encode(text).into_bytes());
    plant(&mut planted, "base64 with a line break", |text| {
        format!("{}\n", BASE64_STANDARD.encode(text)).into_bytes()
    });
    plant(&mut planted, "base64 twice", |text| {
        BASE64_STANDARD.encode(BASE64_STANDARD.encode(text)).into_bytes()
    });
    plant_signed(&mut planted, "signed as base64", |text| {
        BASE64_STANDARD.encode(text).into_bytes()
    });
    planted.covers_schemes(4);
}

#[test]
fn a_different_character_encoding_is_recognised() {
    let mut planted = Planted::of(Cause::BodyCharset);
    let latin1 = |text: &str| -> Vec<u8> {
        text.replace('’', "'")
            .chars()
            .map(|character| u8::try_from(u32::from(character)).expect("Latin-1"))
            .collect()
    };
    plant(&mut planted, "a byte-order mark", |text| format!("\u{feff}{text}").into_bytes());
    plant(&mut planted, "UTF-16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    plant(&mut planted, "encoded twice", |text| {
        text.bytes().map(char::from).collect::<String>().into_bytes()
    });
    plant(&mut planted, "encoded twice by way of Windows-1252", |text| {
        text.replace('ë', "Ã«").replace('’', "â€™").into_bytes()
    });
    plant_signed(&mut planted, "UTF-16 with a mark", |text| {
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).skip(2).collect()
    });
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let text = body(scheme, number).replace('’', "'");
            let secret = provider.key().write(&key(number));
            let utf8 = Case::signed(provider, scheme, &secret, text.as_bytes(), NOW);
            planted.plant(&utf8.with_body(latin1(&text)), "Latin-1");
            if scheme.signed_member().is_none() {
                let signed = Case::signed(provider, scheme, &secret, &latin1(&text), NOW);
                planted.plant(&signed.with_body(text), "signed as Latin-1");
            }
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_compressed_body_is_recognised() {
    let gzip = |text: &str| {
        let mut stream = GzEncoder::new(Vec::new(), Compression::default());
        stream.write_all(text.as_bytes()).and_then(|()| stream.finish()).expect("into memory")
    };
    let zlib = |text: &str| {
        let mut stream = ZlibEncoder::new(Vec::new(), Compression::default());
        stream.write_all(text.as_bytes()).and_then(|()| stream.finish()).expect("into memory")
    };
    let deflate = |text: &str| {
        let mut stream = DeflateEncoder::new(Vec::new(), Compression::default());
        stream.write_all(text.as_bytes()).and_then(|()| stream.finish()).expect("into memory")
    };
    let mut planted = Planted::of(Cause::BodyCompressed);
    plant(&mut planted, "gzip", gzip);
    plant(&mut planted, "zlib", zlib);
    plant(&mut planted, "deflate", deflate);
    plant(&mut planted, "gzip in base64", |text| BASE64_STANDARD.encode(gzip(text)).into_bytes());
    // Authentic, and not JSON.
    for (provider, scheme) in schemes().filter(|(_, scheme)| scheme.signed_member().is_none()) {
        let secret = provider.key().write(&key(1));
        planted.plant(
            &Case::signed(provider, scheme, &secret, &gzip(&body(scheme, 1)), NOW),
            "signed as it is sent",
        );
    }
    planted.covers_schemes(4);
}

#[test]
fn a_stream_that_decompresses_to_more_than_a_body_is_not_followed() {
    let mut stream = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        stream.write_all(&vec![b' '; 1 << 20]).expect("into memory");
    }
    let bomb = stream.finish().expect("into memory");
    let (provider, scheme) = schemes().next().expect("a scheme");
    let case = Case::good(provider, scheme, 1).with_body(bomb);
    assert!(
        matches!(case.explain().cause, Some(Cause::Unknown | Cause::NotAnObject)),
        "{:?}",
        case.explain()
    );
}

#[test]
fn a_form_encoded_body_is_recognised() {
    let percent = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let mut planted = Planted::of(Cause::BodyForm);
    plant(&mut planted, "a field", |text| format!("payload={}", percent(text)).into_bytes());
    plant(&mut planted, "a name", |text| format!("{}=", percent(text)).into_bytes());
    plant(&mut planted, "percent-encoded", |text| percent(text).into_bytes());
    // The whole form was signed, but only its field arrives.
    plant_signed(&mut planted, "signed as a form", |text| {
        let encoded = percent(text)
            .replace("%2E", ".")
            .replace("%2D", "-")
            .replace("%5F", "_")
            .replace("%20", "+");
        format!("payload={encoded}").into_bytes()
    });
    // Authentic, and not JSON.
    for (provider, scheme) in schemes().filter(|(_, scheme)| scheme.signed_member().is_none()) {
        let secret = provider.key().write(&key(1));
        for form in ["token=1&command=%2Fweb&text=", "payload=%7B%22a%22%3A1%7D"] {
            planted.plant(&Case::signed(provider, scheme, &secret, form.as_bytes(), NOW), form);
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn an_authentic_body_that_is_not_an_object_is_recognised() {
    let mut planted = Planted::of(Cause::NotAnObject);
    for (provider, scheme) in schemes() {
        let secret = provider.key().write(&key(1));
        for text in ["[]", "7", "\"text\"", "null", "not json", "{\"a\": NaN}"] {
            let case = if scheme.signed_member().is_none() {
                Case::signed(provider, scheme, &secret, text.as_bytes(), NOW)
            } else {
                Case::good(provider, scheme, 1).with_body(text)
            };
            planted.plant(&case, text);
        }
    }
    planted.covers_schemes(4);
}
