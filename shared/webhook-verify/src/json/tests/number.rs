//! Floats.

use super::{compact, default};
use crate::json::lexer::NumberSpan;
use crate::json::number::{Repr, is_own_repr};

#[test]
fn floats_are_pythons_shortest() {
    for (text, expected) in [
        // The smallest and the largest.
        ("5e-324", "5e-324"),
        ("4.9406564584124654e-324", "5e-324"),
        ("2.4703282292062328e-324", "5e-324"),
        ("2.4703282292062327e-324", "0.0"),
        ("-1e-999", "-0.0"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("2.2250738585072011e-308", "2.225073858507201e-308"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1.7976931348623158e308", "1.7976931348623157e+308"),
        ("-1.7976931348623157E+308", "-1.7976931348623157e+308"),
        // The text is as far from one float as from the next.
        ("9007199254740993.0", "9007199254740992.0"),
        ("9007199254740995.0", "9007199254740996.0"),
        ("1e23", "1e+23"),
        ("2e23", "2e+23"),
        ("8.41e21", "8.41e+21"),
        // The float is as far from one shortest text as from the next.
        ("1265849048433205.25", "1265849048433205.2"),
        ("1435255037873697.25", "1435255037873697.2"),
        ("1856814905663545.25", "1856814905663545.2"),
        ("2.98023223876953125e-8", "2.9802322387695312e-08"),
        ("9.5367431640625e-07", "9.5367431640625e-07"),
        ("5.764607523034235e39", "5.764607523034235e+39"),
        // The ends of fixed notation.
        ("9999999999999998.0", "9999999999999998.0"),
        ("9999999999999999.0", "1e+16"),
        ("-10000000000000000.0", "-1e+16"),
        ("12345678901234567e-1", "1234567890123456.8"),
        ("0.00009999999999999999", "9.999999999999999e-05"),
        ("1e-4", "0.0001"),
        ("1.25e-4", "0.000125"),
        ("0.000012", "1.2e-05"),
        ("123e-2", "1.23"),
        ("123456789012345.6", "123456789012345.6"),
        ("1234567890123456.7", "1234567890123456.8"),
        ("4.35", "4.35"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.30000000000000000", "0.3"),
        ("100.50", "100.5"),
        ("10e0", "10.0"),
        ("1e100", "1e+100"),
        ("1e-100", "1e-100"),
    ] {
        assert_eq!(default(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(compact(format!("[{text}, 0]")), Ok(format!("[{expected},0]")), "{text}");
    }
}

#[test]
fn a_float_of_any_length_is_read_to_its_last_digit() {
    let zeros = "0".repeat(1_000_000);
    // Halfway between 1 and the float after it: 1 + 2^-53.
    let halfway = "1.00000000000000011102230246251565404236316680908203125";
    for (text, expected) in [
        (format!("0.{zeros}1e1000001"), "1.0"),
        (format!("-1{zeros}e-1000000"), "-1.0"),
        (format!("0.{zeros}1e1000301"), "1e+300"),
        (format!("1{zeros}e-1000300"), "1e-300"),
        (format!("1{zeros}.0e-999996"), "10000.0"),
        (format!("{halfway}{zeros}"), "1.0"),
        (format!("{halfway}{zeros}1"), "1.0000000000000002"),
        (format!("-{halfway}{zeros}1e-0000"), "-1.0000000000000002"),
        (format!("0.{zeros}"), "0.0"),
        (format!("-0.{zeros}e99999999999999999999"), "-0.0"),
        (format!("0.{zeros}1"), "0.0"),
        (format!("1.{zeros}e-99999999999999999999"), "0.0"),
        (format!("0.{}", "3".repeat(1_000_000)), "0.3333333333333333"),
        (format!("1e{zeros}5"), "100000.0"),
    ] {
        assert_eq!(default(&text).as_deref(), Ok(expected), "{}… of {} bytes", &text[..20], text.len());
    }
}

#[test]
fn what_is_copied_unread_is_what_reading_gives() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut copied = 0;
    for _ in 0..200_000 {
        let text = decimal(&mut random);
        if is_own_repr(text.as_bytes(), span(&text)) {
            copied += 1;
            let repr = Repr::of_text(&text).expect("a finite number");
            assert_eq!(std::str::from_utf8(&repr.bytes[..repr.length]), Ok(text.as_str()));
        }
    }
    assert!(copied > 50_000, "only {copied} numbers were copied");
}

#[test]
fn what_may_differ_is_not_copied_unread() {
    for text in [
        "1.50",
        "1.00",
        "0.00",
        "1e5",
        "1.5e0",
        "0.00001",
        "1234567890123456.5",
        "0.1234567890123456",
        "1000000000000000.0",
    ] {
        assert!(!is_own_repr(text.as_bytes(), span(text)), "{text}");
    }
    for text in
        ["0.0", "-0.0", "1.5", "-136.0", "0.0001", "12345678901234.5", "0.000123456789012345", "1610418961.2871"]
    {
        assert!(is_own_repr(text.as_bytes(), span(text)), "{text}");
    }
}

/// A number in fixed notation, up to 12 digits on either side of the point.
fn decimal(random: &mut fastrand::Rng) -> String {
    let mut digits = |most: usize| -> String {
        let length = random.usize(1..=most);
        (0..length).map(|_| if random.u8(..3) == 0 { '0' } else { random.digit(10) }).collect()
    };
    let (integer, fraction) = (digits(12), digits(12));
    let integer = match integer.trim_start_matches('0') {
        "" => "0",
        integer => integer,
    };
    format!("{}{integer}.{fraction}", if random.bool() { "-" } else { "" })
}

fn span(text: &str) -> NumberSpan {
    let fraction_end = text.find('e').unwrap_or(text.len());
    NumberSpan { start: 0, integer_end: text.find('.').unwrap_or(fraction_end), fraction_end, end: text.len() }
}
