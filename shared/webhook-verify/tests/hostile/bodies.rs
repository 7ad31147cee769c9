//! Makes bodies of any size: benign ones, and hostile ones of every shape that is known to be
//! expensive.

use std::fmt::Write as _;

/// A shape: its name, and a function that makes a body of at most this size.
pub type Shape = (&'static str, fn(usize) -> String);

/// Returns a body as a provider sends it: texts, numbers, an escape, some nesting.
pub fn benign(size: usize) -> String {
    values(size, |index| {
        format!(
            r#"{{"id": "6566e87b7cf2{index:012}", "data": {{"name": "Zo\u00eb {index}", "amount": {index}.5, "count": {index}, "active": true, "note": null, "address": "1 Main Street, Springfield"}}, "associations": {{"company": "c{index}"}}}}"#
        )
    })
}

pub const HOSTILE: &[Shape] = &[
    // Names: many, alike, escaped, spelled in several ways.
    ("six digits as names", |size| members(size, |index| format!("\"{}\":0", digits(index)))),
    ("names in order", |size| members(size, |index| format!("\"{index:06}\":0"))),
    ("names of every length", |size| {
        members(size, |index| format!("\"{}{}\":0", "x".repeat(index % 50), digits(index)))
    }),
    ("shortest names", |size| members(size, |index| format!("\"{}\":0", short(index)))),
    ("empty names", |size| members(size, |_| "\"\":0".to_owned())),
    ("one name", |size| members(size, |_| "\"name\":0".to_owned())),
    ("two names", |size| members(size, |index| format!("\"{}\":0", index % 2))),
    ("names with a long prefix", |size| {
        members(size, |index| format!("\"{}{}\":0", "prefix ".repeat(40), digits(index)))
    }),
    ("names with a prefix of 16", |size| {
        members(size, |index| format!("\"a prefix of them{}\":0", digits(index)))
    }),
    ("names with a long suffix", |size| {
        members(size, |index| format!("\"{}{}\":0", digits(index), "suffix ".repeat(40)))
    }),
    ("two names of half the size", |size| {
        let name = "n".repeat(size / 2 - 20);
        format!("{{\"payload\":{{\"{name}a\":0,\"{name}b\":0}}}}")
    }),
    ("names of \\/", |size| {
        members(size, |index| format!("\"{}{}\":0", "\\/".repeat(50), digits(index)))
    }),
    ("names of \\n", |size| {
        members(size, |index| format!("\"{}{}\":0", "\\n".repeat(50), digits(index)))
    }),
    ("names of \\/ and \\n in binary", |size| members(size, binary)),
    ("a name of \\n", |size| format!("{{\"payload\":{{\"{}\":0}}}}", "\\n".repeat(size / 2 - 10))),
    ("names of long escapes", |size| {
        members(size, |index| format!("\"{}\":0", escaped(&digits(index))))
    }),
    ("long escapes as a prefix", |size| {
        members(size, |index| format!("\"{}{}\":0", escaped(&"prefix ".repeat(40)), digits(index)))
    }),
    ("names spelled in two ways", |size| {
        members(size, |index| {
            let digits = digits(index);
            let (plain, rest) = digits.split_at(index % 6);
            format!("\"{plain}{}\":0", escaped(rest))
        })
    }),
    ("names of surrogate pairs", |size| {
        members(size, |index| format!("\"\\ud83d\\ude00{}\":0", digits(index)))
    }),
    ("names of DEL", |size| members(size, |index| format!("\"\u{7f}\u{7f}{}\":0", short(index)))),
    ("names beyond ASCII", |size| members(size, |index| format!("\"éü{}\":0", short(index)))),
    ("empty names, growing values", |size| members(size, |_| "\"\":1e15".to_owned())),
    ("empty names, floats", |size| members(size, |_| "\"\":1e1".to_owned())),
    ("a duplicate at the very end", |size| {
        let mut text = members(size - 12, |index| format!("\"{}\":0", digits(index)));
        text.truncate(text.len() - 2);
        text + ",\"000000\":0}}"
    }),
    ("a duplicate of the outer name", |size| {
        let mut text = members(size - 16, |index| format!("\"{}\":0", digits(index)));
        text.truncate(text.len() - 1);
        text + ",\"payload\":0}"
    }),
    ("objects of 16 names", |size| values(size, |_| object(16, ""))),
    ("objects of 17 names", |size| values(size, |_| object(17, ""))),
    ("objects of 32 names", |size| values(size, |_| object(32, ""))),
    ("objects of 33 names", |size| values(size, |_| object(33, ""))),
    ("objects of 90 names", |size| values(size, |_| object(90, ""))),
    ("objects of 16 long names", |size| {
        values(size, |_| object(16, "the same prefix of forty bytes, for all: "))
    }),
    ("objects of 500 names", |size| {
        values(size, |_| {
            let names: Vec<_> = (0..500).map(|index| format!("\"{}\":0", digits(index))).collect();
            format!("{{{}}}", names.join(","))
        })
    }),
    ("100 open objects", |size| {
        let each = (size / 100).saturating_sub(16);
        let names: Vec<_> =
            (0..each / 11).map(|index| format!("\"{}\":0,", digits(index))).collect();
        format!("{{{}\"payload\":", names.concat()).repeat(99) + "1" + &"}".repeat(99)
    }),
    // Numbers.
    ("1e1", |size| values(size, |_| "1e1".to_owned())),
    ("1e9", |size| values(size, |_| "1e9".to_owned())),
    ("1E5", |size| values(size, |_| "1E5".to_owned())),
    ("1e15", |size| values(size, |_| "1e15".to_owned())),
    ("1e-5", |size| values(size, |_| "1e-5".to_owned())),
    ("0e0", |size| values(size, |_| "0e0".to_owned())),
    ("-0", |size| values(size, |_| "-0".to_owned())),
    ("0", |size| values(size, |_| "0".to_owned())),
    ("1.0", |size| values(size, |_| "1.0".to_owned())),
    ("1.00", |size| values(size, |_| "1.00".to_owned())),
    ("-0.0e-00", |size| values(size, |_| "-0.0e-00".to_owned())),
    ("1e308", |size| values(size, |_| "1e308".to_owned())),
    ("1e-308", |size| values(size, |_| "1e-308".to_owned())),
    ("5e-324", |size| values(size, |_| "5e-324".to_owned())),
    ("1e-999", |size| values(size, |_| "1e-999".to_owned())),
    ("16 digits", |size| values(size, |index| format!("1.{:015}", index * 7_919))),
    ("17 digits", |size| {
        values(size, |index| format!("0.{:017}", 12_345_678_901_234_567_u64 + index as u64))
    }),
    ("17 digits and an exponent", |size| values(size, |_| "2.2250738585072011e-308".to_owned())),
    ("integers that read as floats", |size| values(size, |_| "12345678901234567.0".to_owned())),
    ("19 digits", |size| values(size, |_| "0.1234567890123456789".to_owned())),
    ("20 digits", |size| values(size, |_| "0.12345678901234567890".to_owned())),
    ("between two floats", |size| values(size, |_| "2.4703282292062327208e-324".to_owned())),
    ("between two larger floats", |size| values(size, |_| "9007199254740993.0000000".to_owned())),
    ("between two largest floats", |size| {
        values(size, |_| "8.98846567431157953865e307".to_owned())
    }),
    ("nines", |size| values(size, |_| "9.99999999999999999999e22".to_owned())),
    ("767 digits between two floats", |size| values(size, |_| between())),
    ("floats of 1,000 digits", |size| values(size, |_| format!("1.{}", "0123456789".repeat(100)))),
    ("exponents of 400 digits", |size| {
        values(size, |_| format!("0.{}1e{}1", "0".repeat(400), "0".repeat(400)))
    }),
    ("integers of 4,300 digits", |size| values(size, |_| "7".repeat(4300.min(size - 30)))),
    ("an integer without end", |size| format!("{{\"payload\":{}", "7".repeat(size - 11))),
    ("a float without end", |size| format!("{{\"payload\":0.{}", "7".repeat(size - 13))),
    // Texts.
    ("a text of \\/", |size| text(size, "\\/")),
    ("a text of \\n", |size| text(size, "\\n")),
    ("a text of \\\"", |size| text(size, "\\\"")),
    ("a text of \\n, each after a letter", |size| text(size, "a\\n")),
    ("a text of long escapes", |size| text(size, "\\u0041")),
    ("a text of upper-case escapes", |size| text(size, "\\u00EB")),
    ("a text of escaped controls", |size| text(size, "\\u0001")),
    ("a text of surrogate pairs", |size| text(size, "\\ud83d\\ude00")),
    ("a text of lone surrogates", |size| text(size, "\\ud83d")),
    ("a text of DEL", |size| text(size, "\u{7f}")),
    ("a text of DEL, each after a letter", |size| text(size, "a\u{7f}")),
    ("a text of é", |size| text(size, "é")),
    ("a text of é, each after a letter", |size| text(size, "aé")),
    ("a text of €", |size| text(size, "€")),
    ("a text of emoji", |size| text(size, "😀")),
    ("texts of DEL", |size| values(size, |_| "\"\u{7f}\"".to_owned())),
    ("texts of an escape", |size| values(size, |_| "\"\\n\"".to_owned())),
    ("empty texts", |size| values(size, |_| "\"\"".to_owned())),
    ("what looks like floats in a text", |size| text(size, "1e")),
    ("a text without end", |size| format!("{{\"payload\":\"{}", "a".repeat(size - 12))),
    ("a bad escape at the end", |size| {
        format!("{{\"payload\":\"{}\\x", "\\n".repeat(size / 2 - 8))
    }),
    // Brackets and white space.
    ("empty arrays", |size| values(size, |_| "[]".to_owned())),
    ("empty objects", |size| values(size, |_| "{}".to_owned())),
    ("objects of one empty name", |size| values(size, |_| "{\"\":0}".to_owned())),
    ("arrays 120 deep", |size| values(size, |_| "[".repeat(120) + &"]".repeat(120))),
    ("objects 120 deep", |size| values(size, |_| "{\"\":".repeat(120) + "0" + &"}".repeat(120))),
    ("nesting 1,000 deep", |size| "[".repeat(1000.min(size))),
    ("brackets without end", |size| "[".repeat(size)),
    ("nothing but space", |size| format!("{{\"payload\":{}1}}", " ".repeat(size - 13))),
    ("nothing but tabs", |size| format!("{{\"payload\":{}1}}", "\t".repeat(size - 13))),
    ("space between numbers", |size| values(size, |_| "\n0 ".to_owned())),
    ("values outside of the payload", |size| {
        format!("{{\"payload\":0,\"other\":{}}}", values(size - 24, |_| "1e1".to_owned()))
    }),
];

/// Returns an object whose payload has as many members as there is room for.
fn members(size: usize, member: impl FnMut(usize) -> String) -> String {
    filled(size, "{\"payload\":{", member, "}}")
}

/// Returns an object whose payload is an array of as many values as there is room for.
fn values(size: usize, value: impl FnMut(usize) -> String) -> String {
    filled(size, "{\"payload\":[", value, "]}")
}

fn filled(size: usize, start: &str, mut item: impl FnMut(usize) -> String, end: &str) -> String {
    let mut text = start.to_owned();
    for index in 0.. {
        let next = item(index);
        if text.len() + next.len() + 1 + end.len() > size {
            break;
        }
        if index > 0 {
            text.push(',');
        }
        text.push_str(&next);
    }
    text + end
}

/// Returns an object whose payload is a text that repeats one piece.
fn text(size: usize, piece: &str) -> String {
    format!("{{\"payload\":\"{}\"}}", piece.repeat((size - 14) / piece.len()))
}

/// Returns six digits. Successive ones are in no order, and repeat only after a million.
fn digits(index: usize) -> String {
    // 7,919 is coprime to a million.
    format!("{:06}", index * 7919 % 1_000_000)
}

/// Returns one of 90³ texts of one to three characters, shorter ones first.
fn short(index: usize) -> String {
    let mut rest = index;
    let mut text = String::new();
    loop {
        text.push(char::from(
            b"!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~ "[rest % 90],
        ));
        rest /= 90;
        if rest == 0 {
            return text;
        }
    }
}

/// Returns a member whose name has an escape of two characters for each bit of `index`.
fn binary(index: usize) -> String {
    let name: String =
        (0..20).map(|bit| if index >> bit & 1 == 1 { "\\n" } else { "\\/" }).collect();
    format!("\"{name}\":0")
}

/// Returns an object with names of the same length.
fn object(names: usize, prefix: &str) -> String {
    let names: Vec<_> = (0..names).map(|index| format!("\"{prefix}{}\":0", short(index))).collect();
    format!("{{{}}}", names.join(","))
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        // Writing into a string cannot fail.
        let _ = write!(all, "\\u{byte:04x}");
        all
    })
}

/// Returns the middle between 0 and the smallest float, to its last digit.
fn between() -> String {
    format!("{:.1080}", f64::from_bits(1)).trim_end_matches('0').to_owned()
}
