//! Spells a float as Python does: `float.__repr__(float(text))`.
//!
//! Sources: `Lib/json/encoder.py` (`floatstr`), `Objects/floatobject.c` (`float_repr`) and
//! `Python/pystrtod.c` (`format_float_short` with format code `r`). Python writes the shortest
//! digits that read back as the same float: in fixed notation for 1e-4 ≤ |x| < 1e16, else as
//! `d.ddde±XX` with at least two digits in the exponent.

use std::cmp::Ordering;

use super::lexer::NumberSpan;

/// The most digits of an integer that Python reads and writes:
/// `sys.int_info.default_max_str_digits`.
pub(super) const MAX_INTEGER_DIGITS: usize = 4300;

/// Returns `true` if a number with a fraction or an exponent is certainly spelled as Python would
/// spell it.
///
/// This holds in fixed notation, within its range, without needless zeros and with up to 15
/// significant digits. Any two different decimals with so few digits are different floats, so no
/// shorter decimal, and no other of this length, reads back as the same float.
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

/// `DBL_DIG`: two different decimals with at most this many digits are never read as the same
/// float.
const CERTAIN_DIGITS: usize = 15;

/// A float as Python spells it: at most 24 bytes, for a sign, 17 digits, a point and an exponent of
/// five characters.
pub(super) struct Repr {
    pub(super) bytes: [u8; ROOM],
    pub(super) length: usize,
}

impl Repr {
    /// Spells the float that `number` is read as. Returns `None` if it is infinite.
    pub(super) fn of(text: &[u8], number: NumberSpan) -> Option<Self> {
        let decimal = Decimal::new(text, number).without_excess();
        if decimal.is_shortest() {
            return Some(Self::of_shortest(&decimal));
        }
        let value = decimal.magnitude();
        if value.is_infinite() {
            return None;
        }
        // Rust's own `{:e}` has the shortest digits too, but of two spellings that are equally near
        // it takes the upper one, and Python the even one. `zmij` decides as Python does.
        let mut buffer = zmij::Buffer::new();
        let printed = buffer.format_finite(value).as_bytes();
        let fraction_end = printed.iter().position(|&byte| byte == b'e').unwrap_or(printed.len());
        let integer_end =
            printed[..fraction_end].iter().position(|&byte| byte == b'.').unwrap_or(fraction_end);
        let span = NumberSpan { start: 0, integer_end, fraction_end, end: printed.len() };
        Some(Self::of_shortest(&Decimal {
            negative: decimal.negative,
            ..Decimal::new(printed, span)
        }))
    }

    /// Writes digits that are known to be the shortest, except for zeros at the end.
    #[inline]
    fn of_shortest(decimal: &Decimal<'_>) -> Self {
        let mut digits = [b'0'; 2 * ROOM];
        let mut length = decimal.copy_digits(&mut digits[..ROOM]);
        while length > 0 && digits[length - 1] == b'0' {
            length -= 1;
        }
        // A zero keeps one digit.
        let (length, exponent) = if length == 0 { (1, 0) } else { (length, decimal.exponent - 1) };

        let mut repr = Spelling { bytes: [0; 2 * ROOM], length: 0 };
        if decimal.negative {
            repr.push(b"-", 1);
        }
        match usize::try_from(exponent) {
            Ok(exponent @ 0..16) => {
                // The zeros of the array follow the digits.
                repr.push_from(&digits, exponent + 1);
                repr.push(b".", 1);
                repr.push_from(&digits[exponent + 1..], length.saturating_sub(exponent + 1).max(1));
            }
            Err(_) if exponent >= -4 => {
                repr.push(b"0.000", usize::try_from(1 - exponent).unwrap_or(0));
                repr.push_from(&digits, length);
            }
            _ => {
                repr.push_from(&digits, 1);
                if length > 1 {
                    repr.push(b".", 1);
                    repr.push_from(&digits[1..], length - 1);
                }
                repr.push_exponent(exponent);
            }
        }
        Self { bytes: *repr.bytes.first_chunk().expect("more room than that"), length: repr.length }
    }
}

/// Room for the longest float.
const ROOM: usize = 24;

/// A float that is being written. It has twice the room that it needs: copying a fixed number of
/// bytes, of which only the first ones are kept, costs less than copying just those.
struct Spelling {
    bytes: [u8; 2 * ROOM],
    length: usize,
}

impl Spelling {
    fn push_exponent(&mut self, exponent: i64) {
        self.push(if exponent < 0 { b"e-" } else { b"e+" }, 2);
        let exponent = exponent.unsigned_abs();
        if exponent >= 100 {
            self.push(&[digit(exponent, 100)], 1);
        }
        self.push(&[digit(exponent, 10), digit(exponent, 1)], 2);
    }

    /// Appends the first `length` bytes of `piece`.
    #[inline]
    fn push<const N: usize>(&mut self, piece: &[u8; N], length: usize) {
        self.bytes[self.length..][..N].copy_from_slice(piece);
        self.length += length;
    }

    /// Appends the first `length` bytes of a longer array.
    #[inline]
    fn push_from(&mut self, digits: &[u8], length: usize) {
        self.push(digits.first_chunk::<ROOM>().expect("more room than that"), length);
    }
}

/// A number in decimal: `0.<digits> × 10^exponent`. The first digit is not zero.
struct Decimal<'a> {
    negative: bool,
    /// The digits before the point.
    integer: &'a [u8],
    /// The digits after it.
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    #[inline]
    fn new(text: &'a [u8], number: NumberSpan) -> Self {
        let NumberSpan { start, integer_end, fraction_end, end } = number;
        let negative = text[start] == b'-';
        let integer = &text[start + usize::from(negative)..integer_end];
        let fraction = text[integer_end..fraction_end].strip_prefix(b".").unwrap_or_default();
        let exponent = exponent(&text[fraction_end..end]);
        if integer == b"0" {
            let zeros = fraction.iter().take_while(|&&digit| digit == b'0').count();
            let (zeros, fraction) = fraction.split_at(zeros);
            Self {
                negative,
                integer: &[],
                fraction,
                exponent: exponent.saturating_sub(signed(zeros.len())),
            }
        } else {
            Self {
                negative,
                integer,
                fraction,
                exponent: exponent.saturating_add(signed(integer.len())),
            }
        }
    }

    /// Returns how many digits there are.
    fn length(&self) -> usize {
        self.integer.len() + self.fraction.len()
    }

    /// Returns the shortest spelling of a float near 0, and any other number unchanged.
    ///
    /// Changed are numbers that are read as 0 because they are 0 or below 1e-324, and numbers of
    /// one digit that are read as 0 or as one of the two smallest floats (4.9e-324 and 9.9e-324).
    /// [`Self::magnitude`] could read them too, but no shorter texts take it as long.
    #[inline]
    fn without_excess(self) -> Self {
        let digits: &[u8] = match (self.exponent, self.integer, self.fraction) {
            (..-323, ..) | (_, [], []) | (-323, [b'1' | b'2'], []) => b"",
            (-323, [b'3'..=b'7'], []) => b"5",
            (-323, [b'8' | b'9'], []) => return Self { integer: b"1", exponent: -322, ..self },
            _ => return self,
        };
        Self { integer: digits, fraction: b"", exponent: -323, ..self }
    }

    /// Returns `true` if the float nearest to the number certainly has no shorter spelling.
    ///
    /// This holds if decimals with so many digits are further apart than floats are: with up to 15
    /// digits, or with fewer for the smallest floats, which are 4.9e-324 apart. The largest float
    /// is 1.7e308.
    #[inline]
    fn is_shortest(&self) -> bool {
        let last_digit = self.exponent.saturating_sub(signed(self.length()));
        if let (-323, b"" | b"5", b"") = (self.exponent, self.integer, self.fraction) {
            return true;
        }
        self.length() <= CERTAIN_DIGITS
            && last_digit >= -323
            && (self.exponent <= 308
                || (self.exponent == 309 && *self.integer == *b"1" && self.fraction.is_empty()))
    }

    /// Copies as many of the digits as there is room for, and returns how many.
    #[inline]
    fn copy_digits(&self, room: &mut [u8]) -> usize {
        let mut length = 0;
        for (to, digit) in room.iter_mut().zip(self.integer.iter().chain(self.fraction)) {
            *to = *digit;
            length += 1;
        }
        length
    }

    /// Returns the float nearest to the number without its sign; of two that are equally near, the
    /// even one.
    fn magnitude(&self) -> f64 {
        // Everything beyond these bounds is 0 or infinite.
        match self.exponent {
            ..-400 => return 0.0,
            400.. => return f64::INFINITY,
            _ => {}
        }
        let mut digits = [b'0'; EXACT_DIGITS];
        let length = self.copy_digits(&mut digits);
        let lower = nearest(&digits[..length], self.exponent);
        if self.length() <= length {
            return lower;
        }
        // The other digits matter only if rounding them up leads to the next float.
        let upper = match digits.iter().rposition(|&digit| digit != b'9') {
            Some(last) => {
                digits[last] += 1;
                digits[last + 1..].fill(b'0');
                nearest(&digits, self.exponent)
            }
            None => nearest(b"100000000000000000", self.exponent + 1),
        };
        if lower.to_bits() == upper.to_bits() {
            return lower;
        }
        match self.compare_with_midpoint(lower) {
            Ordering::Less => lower,
            Ordering::Equal if lower.to_bits() & 1 == 0 => lower,
            Ordering::Equal | Ordering::Greater => upper,
        }
    }

    /// Compares the number, without its sign, with the middle between `lower` and the next float.
    fn compare_with_midpoint(&self, lower: f64) -> Ordering {
        let mut digits = [b'0'; MIDPOINT_DIGITS];
        let length = self.copy_digits(&mut digits);
        let mut number = Natural::zero();
        for digits in digits[..length].chunks(EXACT_DIGITS) {
            let value = digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
            number.multiply_and_add(digits.iter().fold(1, |power, _| power * 10), value);
        }
        let exponent = self.exponent - signed(length);

        // `lower` is `mantissa × 2^power`, so the middle is `(2 × mantissa + 1) × 2^(power - 1)`.
        let (fraction, biased) =
            (lower.to_bits() & ((1 << 52) - 1), (lower.to_bits() >> 52).cast_signed());
        let (mantissa, power) =
            if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
        let mut midpoint = Natural::zero();
        midpoint.multiply_and_add(1, 2 * mantissa + 1);

        // Both are multiplied until neither has a fraction: 10^exponent is 5^exponent × 2^exponent.
        let scaled = if exponent < 0 { &mut midpoint } else { &mut number };
        scaled.multiply_by_power_of_5(exponent.unsigned_abs());
        let shift = exponent - (power - 1);
        let shifted = if shift < 0 { &mut midpoint } else { &mut number };
        shifted.multiply_by_power_of_2(shift.unsigned_abs());

        // No middle has more digits, so all that matters about the remaining ones is whether they
        // are zero.
        number.compare(&midpoint).then_with(|| {
            let rest = self.integer.iter().chain(self.fraction).skip(length);
            if rest.copied().all(|digit| digit == b'0') {
                Ordering::Equal
            } else {
                Ordering::Greater
            }
        })
    }
}

/// A `u64` holds any number with this many digits, and Rust parses it quickly.
const EXACT_DIGITS: usize = 18;

/// The middle between two floats has at most 767 significant digits.
const MIDPOINT_DIGITS: usize = 768;

/// Returns the float nearest to `0.<digits> × 10^exponent`, for up to [`EXACT_DIGITS`] and
/// exponents of up to three digits.
fn nearest(digits: &[u8], exponent: i64) -> f64 {
    // The digits are written as an integer, without the `0.`, so the exponent is smaller.
    let exponent = exponent - signed(digits.len());
    let sign = if exponent < 0 { b'-' } else { b'+' };
    let size = exponent.unsigned_abs();
    let mut text = [0; EXACT_DIGITS + 5];
    let (number, rest) = text.split_at_mut(digits.len());
    number.copy_from_slice(digits);
    rest[..5].copy_from_slice(&[b'e', sign, digit(size, 100), digit(size, 10), digit(size, 1)]);
    str::from_utf8(&text[..digits.len() + 5])
        .ok()
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

/// Returns the digit of a number at this power of ten.
fn digit(number: u64, power: u64) -> u8 {
    b'0' + (number / power % 10).to_le_bytes()[0]
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Reads an exponent with its `e`; an empty text is 0. An exponent that does not fit saturates.
fn exponent(text: &[u8]) -> i64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits
        .fold(0_i64, |size, digit| size.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if text.get(1) == Some(&b'-') { -size } else { size }
}

/// A natural number of any size, the least significant 64 bits first.
struct Natural {
    limbs: Vec<u64>,
}

impl Natural {
    fn zero() -> Self {
        // Room for most numbers, so that the vector seldom grows.
        Self { limbs: Vec::with_capacity(24) }
    }

    fn multiply_and_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.limbs {
            let product = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = low_half(product);
            carry = low_half(product >> 64);
        }
        if carry > 0 {
            self.limbs.push(carry);
        }
    }

    fn multiply_by_power_of_5(&mut self, exponent: u64) {
        for _ in 0..exponent / 27 {
            self.multiply_and_add(5_u64.pow(27), 0);
        }
        self.multiply_and_add((0..exponent % 27).fold(1, |power, _| power * 5), 0);
    }

    fn multiply_by_power_of_2(&mut self, exponent: u64) {
        self.multiply_and_add(1 << (exponent % 64), 0);
        let zeros = (0..exponent / 64).map(|_| 0);
        self.limbs.splice(..0, zeros);
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.limbs
            .len()
            .cmp(&other.limbs.len())
            .then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
fn low_half(number: u128) -> u64 {
    number as u64
}
