//! A float's text as Python writes it: `float.__repr__(float(text))`.
//!
//! Sources: `Lib/json/encoder.py` (`floatstr`), `Objects/floatobject.c` (`float_repr`) and `Python/pystrtod.c`
//! (`format_float_short` with format code `r`): the shortest digits that read back as the same float; fixed notation
//! for 1e-4 ≤ |x| < 1e16, else `d.ddde±XX` with at least two digits in the exponent.

use std::io::Write as _;

use super::lexer::NumberSpan;

/// Most digits of an integer that Python reads and writes: `sys.int_info.default_max_str_digits`.
pub(super) const MAX_INTEGER_DIGITS: usize = 4300;

/// Whether a number with a fraction or an exponent surely stands in the text as Python writes it.
///
/// That is so for fixed notation in its range, without needless zeros, up to 15 significant digits: any two decimals of
/// so few digits are two floats, so this one reads back as its float, and no other of its length or shorter does.
#[inline]
pub(super) fn is_own_repr(text: &[u8], number: NumberSpan) -> bool {
    let NumberSpan { start, integer_end, fraction_end, end } = number;
    let integer = text[start..integer_end].strip_prefix(b"-").unwrap_or(&text[start..integer_end]);
    let [b'.', fraction @ ..] = &text[integer_end..fraction_end] else { return false };
    if fraction_end != end || (fraction.ends_with(b"0") && fraction != b"0") {
        return false;
    }
    if integer == b"0" {
        let zeros = fraction.iter().take_while(|&&digit| digit == b'0').count();
        zeros < 4 && fraction.len() - zeros <= CERTAIN_DIGITS
    } else {
        integer.len() + fraction.len() <= CERTAIN_DIGITS
    }
}

/// `DBL_DIG`.
const CERTAIN_DIGITS: usize = 15;

/// The text of a float, at most 24 bytes: a sign, 17 digits, a point and an exponent of five characters.
pub(super) struct Repr {
    pub(super) bytes: [u8; Repr::ROOM],
    pub(super) length: usize,
}

impl Repr {
    pub(super) const ROOM: usize = 24;

    /// The text of the float that `number` reads as. `None` where that is infinite.
    pub(super) fn of_text(number: &str) -> Option<Self> {
        read(number).filter(|value| value.is_finite()).map(Self::of_finite)
    }

    fn of_finite(value: f64) -> Self {
        let mut repr = Self { bytes: [0; Self::ROOM], length: 0 };
        if value.is_sign_negative() {
            repr.push(b"-");
        }
        let magnitude = value.abs();
        // Rust's own `{:e}` has the shortest digits too, but of two that are equally near takes the upper, not the even.
        let mut buffer = zmij::Buffer::new();
        let printed = buffer.format_finite(magnitude);
        if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
            // Here it writes what Python does: fixed notation, with a point.
            repr.push(printed.as_bytes());
        } else {
            repr.push_scientific(printed);
        }
        repr
    }

    /// Takes what `zmij` prints for a positive float, in fixed or in scientific notation.
    fn push_scientific(&mut self, printed: &str) {
        let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i16 = exponent.parse().unwrap_or(0);
        // Small floats may come as `0.0000123`, and all others have one digit before the point.
        let (digits, exponent) = if integer == "0" {
            let digits = fraction.trim_start_matches('0');
            (digits.split_at(1), exponent - 1 - i16::try_from(fraction.len() - digits.len()).unwrap_or(0))
        } else {
            ((integer, fraction), exponent)
        };
        self.push(digits.0.as_bytes());
        if !digits.1.is_empty() {
            self.push(b".");
            self.push(digits.1.as_bytes());
        }
        self.push(if exponent.is_negative() { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        let digit = |power: u16| b'0' + (exponent / power % 10).to_le_bytes()[0];
        if exponent >= 100 {
            self.push(&[digit(100)]);
        }
        self.push(&[digit(10), digit(1)]);
    }

    fn push(&mut self, piece: &[u8]) {
        self.bytes[self.length..self.length + piece.len()].copy_from_slice(piece);
        self.length += piece.len();
    }
}

/// The float nearest to a number of JSON's grammar.
fn read(number: &str) -> Option<f64> {
    if number.len() <= LONG { number.parse().ok() } else { read_long(number) }
}

/// Texts up to here are for Rust's parser. It cuts exponents of six digits and more, which matters only where about as
/// many zeros stand against them.
const LONG: usize = 1024;

/// Says a number of any length in `SIGNIFICANT` digits and one more, and reads that.
fn read_long(number: &str) -> Option<f64> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));

    // The value is `0.<digits> × 10^(point + exponent)`.
    let mut digits = [b'0'; SIGNIFICANT + 1];
    let mut length = 0;
    let mut point = 0_i64;
    let mut after_point = false;
    for byte in mantissa.bytes() {
        match byte {
            b'.' => after_point = true,
            b'0' if length == 0 => point -= i64::from(after_point),
            _ => {
                point += i64::from(!after_point);
                if let Some(digit) = digits[..SIGNIFICANT].get_mut(length) {
                    *digit = byte;
                    length += 1;
                } else if byte != b'0' {
                    // All that can still matter is whether there is more than what the kept digits say.
                    digits[SIGNIFICANT] = b'1';
                }
            }
        }
    }
    let digits = std::str::from_utf8(&digits).ok()?;
    let exponent = point.saturating_add(saturating_exponent(exponent)).clamp(-9999, 9999);

    let mut short = [0; SIGNIFICANT + 16];
    let mut room = short.as_mut_slice();
    write!(room, "0.{digits}e{exponent}").ok()?;
    let left = room.len();
    let value: f64 = std::str::from_utf8(&short[..SIGNIFICANT + 16 - left]).ok()?.parse().ok()?;
    Some(if negative { -value } else { value })
}

/// No float, nor the middle between two, has more significant digits: 767.
const SIGNIFICANT: usize = 768;

fn saturating_exponent(exponent: &str) -> i64 {
    let digits = exponent.trim_start_matches(['+', '-']).bytes();
    let size = digits.fold(0_i64, |size, digit| size.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if exponent.starts_with('-') { -size } else { size }
}
