//! Tests of floats.

use super::{compact, default};
use crate::json::lexer::NumberSpan;
use crate::json::number::{Repr, is_own_repr};

#[test]
fn floats_are_spelled_with_pythons_shortest_digits() {
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
        // The few digits that floats near the ends have.
        ("1e-324", "0.0"),
        ("2e-324", "0.0"),
        ("3e-324", "5e-324"),
        ("7e-324", "5e-324"),
        ("8e-324", "1e-323"),
        ("-9e-324", "-1e-323"),
        ("0.2e-323", "0.0"),
        ("1.2e-323", "1e-323"),
        ("1.5e-323", "1.5e-323"),
        ("123e-325", "1e-323"),
        ("1e308", "1e+308"),
        ("1.7e308", "1.7e+308"),
        ("0.1e309", "1e+308"),
        ("9.99999999999999e307", "9.99999999999999e+307"),
        ("-0e-999", "-0.0"),
        ("0.00e999", "0.0"),
        // The text is halfway between two floats.
        ("9007199254740993.0", "9007199254740992.0"),
        ("9007199254740995.0", "9007199254740996.0"),
        ("1e23", "1e+23"),
        ("2e23", "2e+23"),
        ("8.41e21", "8.41e+21"),
        // The float is halfway between two shortest texts.
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
        assert_eq!(
            default(&text).as_deref(),
            Ok(expected),
            "{}… of {} bytes",
            &text[..20],
            text.len()
        );
    }
}

#[test]
fn floats_that_are_copied_are_spelled_as_python_spells_them() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut copied = 0;
    for _ in 0..200_000 {
        let text = decimal(&mut random);
        if is_own_repr(text.as_bytes(), span(&text)) {
            copied += 1;
            assert_eq!(repr(&text).as_ref(), Some(&text));
        }
    }
    assert!(copied > 50_000, "only {copied} numbers were copied");
}

#[test]
fn short_floats_of_every_size_read_back_as_themselves() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..200_000 {
        let digits: String = (0..random.usize(1..=18)).map(|_| random.digit(10)).collect();
        let (integer, fraction) = digits.split_at(random.usize(1..=digits.len()));
        let integer = if integer.starts_with('0') { "0" } else { integer };
        let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
        let text = format!("{integer}{fraction}e{}", random.i32(-330..=289));
        let repr = repr(&text).expect("finite");
        assert_eq!(repr.parse::<f64>(), text.parse::<f64>(), "{text}");
        let significant = |text: &str| {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default().replace('.', "");
            mantissa.trim_matches('0').len()
        };
        assert!(significant(&repr) <= significant(&text).max(1), "{text} is spelled {repr}");
    }
}

/// The middle between two floats has up to 767 digits. Rust's own parser is exact, but slow there.
#[test]
fn numbers_at_and_near_the_middle_of_two_floats_are_read_exactly() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..2_000 {
        let bits = random.u64(..0x7fe0_0000_0000_0000) & if random.bool() { !0 } else { !0 << 40 };
        let (lower, upper) = (f64::from_bits(bits), f64::from_bits(bits + 1));
        // Both are printed exactly, and the mean of the two is half of the sum of their decimals.
        let [lower_digits, upper_digits] = [lower, upper].map(|float| format!("{float:.1080}"));
        let middle = mean(&lower_digits, &upper_digits);
        let even = if bits.is_multiple_of(2) { lower } else { upper };
        for (text, expected) in [
            (middle.clone(), even),
            (format!("{middle}000"), even),
            (format!("{middle}1"), upper),
            (format!("{}9999", before(&middle)), lower),
            (
                format!("{}.{}", &middle.replace('.', "")[..1], &middle.replace('.', "")[1..]),
                f64::NAN,
            ),
        ] {
            let text = text.trim_start_matches('0');
            let text = if text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
            let expected =
                if expected.is_nan() { text.parse().expect("a number") } else { expected };
            let read = repr(&text).expect("finite").parse::<f64>();
            assert_eq!(read, Ok(expected), "{text}");
        }
    }
}

/// Of all powers of ten, only for these does the float nearest to 18 nines differ from the one
/// nearest to any number of them.
#[test]
fn more_nines_than_are_read_at_first_lead_to_the_next_float() {
    for (exponent, few) in [(-192, "9.999999999999999e-193"), (-63, "9.999999999999999e-64")] {
        let nines = |count| format!("0.{}e{exponent}", "9".repeat(count));
        assert_eq!(repr(&nines(18)).as_deref(), Some(few));
        assert_eq!(repr(&nines(40)), Some(format!("1e{exponent}")));
    }
}

/// Returns the mean of two decimals with equally many digits after the point.
fn mean(a: &str, b: &str) -> String {
    let width = a.len().max(b.len());
    let (a, b) = (format!("{a:0>width$}"), format!("{b:0>width$}"));
    let mut sum = Vec::new();
    let mut carry = 0;
    for (a, b) in a.bytes().rev().zip(b.bytes().rev()) {
        if a == b'.' {
            sum.push(b'.');
            continue;
        }
        let digit = a - b'0' + (b - b'0') + carry;
        sum.push(b'0' + digit % 10);
        carry = digit / 10;
    }
    sum.push(b'0' + carry);
    let mut rest = 0;
    let mut half = String::new();
    for digit in sum.iter().rev().chain(b"0") {
        if *digit == b'.' {
            half.push('.');
            continue;
        }
        let value = rest * 10 + (digit - b'0');
        half.push(char::from(b'0' + value / 2));
        rest = value % 2;
    }
    half
}

/// Returns the decimal with its last digit that is not zero lowered by one, and nines for the zeros
/// after it.
fn before(decimal: &str) -> String {
    let last = decimal.rfind(|digit| matches!(digit, '1'..='9')).expect("not zero");
    let (rest, last) = decimal.split_at(last);
    let (last, zeros) = last.split_at(1);
    let last = last.parse::<u8>().expect("a digit") - 1;
    format!("{rest}{last}{}", zeros.replace('0', "9"))
}

#[test]
fn floats_that_python_may_spell_differently_are_not_copied() {
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
    for text in [
        "0.0",
        "-0.0",
        "1.5",
        "-136.0",
        "0.0001",
        "12345678901234.5",
        "0.000123456789012345",
        "1610418961.2871",
    ] {
        assert!(is_own_repr(text.as_bytes(), span(text)), "{text}");
    }
}

/// Returns a number in fixed notation, with up to 12 digits on either side of the point.
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

/// Returns the float as Python spells it, and `None` if it is infinite.
fn repr(text: &str) -> Option<String> {
    let repr = Repr::of(text.as_bytes(), span(text))?;
    Some(std::str::from_utf8(&repr.bytes[..repr.length]).expect("ASCII").to_owned())
}

fn span(text: &str) -> NumberSpan {
    let fraction_end = text.find(['e', 'E']).unwrap_or(text.len());
    NumberSpan {
        start: 0,
        integer_end: text.find('.').unwrap_or(fraction_end),
        fraction_end,
        end: text.len(),
    }
}
