//! Random documents, with many edge cases of numbers, escapes, nesting and equal names.

use fastrand::Rng;

/// Returns random documents. The same seed gives the same documents, however many are wanted.
pub fn documents(seed: u64, count: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Rng::with_seed(seed);
    (0..count).map(move |_| {
        let mut document =
            Document { style: random.choice(STYLES).expect("a style"), text: Vec::new() };
        document.write(&mut random);
        if random.u8(..12) == 0 {
            corrupt(&mut document.text, &mut random);
        }
        document.text
    })
}

/// How a document is spaced.
#[derive(Clone, Copy)]
enum Style {
    Compact,
    Python,
    Random,
}

const STYLES: [Style; 3] = [Style::Compact, Style::Python, Style::Random];

struct Document {
    style: Style,
    text: Vec<u8>,
}

impl Document {
    fn write(&mut self, random: &mut Rng) {
        self.space(random);
        match random.u8(..20) {
            0 | 1 => self.value(random, 3),
            2 => self.deep(random),
            3 if random.u8(..20) == 0 => self.long_array(random),
            _ => self.object(random, 3, true),
        }
        self.space(random);
    }

    fn value(&mut self, random: &mut Rng, levels: u8) {
        match random.u8(..10) {
            0 if levels > 0 => self.array(random, levels - 1),
            1 | 2 if levels > 0 => self.object(random, levels - 1, false),
            3 => self.push(random.choice(["true", "false", "null"]).expect("a literal")),
            0..=6 => self.push(&number(random)),
            _ => {
                let text = string(random);
                self.string(random, &text);
            }
        }
    }

    fn array(&mut self, random: &mut Rng, levels: u8) {
        self.push("[");
        self.space(random);
        for index in 0..random.u8(..5) {
            if index > 0 {
                self.separator(random, ",");
            }
            self.value(random, levels);
        }
        self.space(random);
        self.push("]");
    }

    /// Writes an array of hundreds of values.
    fn long_array(&mut self, random: &mut Rng) {
        self.push("[");
        for index in 0..random.u16(200..1000) {
            if index > 0 {
                self.separator(random, ",");
            }
            self.value(random, 1);
        }
        self.push("]");
    }

    fn object(&mut self, random: &mut Rng, levels: u8, outermost: bool) {
        self.push("{");
        self.space(random);
        // Now and then, more members than are compared pair by pair.
        let members = if random.u8(..100) == 0 { random.u8(28..40) } else { random.u8(..6) };
        for index in 0..members {
            if index > 0 {
                self.separator(random, ",");
            }
            let name = name(random, index);
            self.string(random, &name);
            self.separator(random, ":");
            if outermost && name == units("payload") && random.u8(..4) > 0 {
                self.object(random, levels, false);
            } else if name == units("id") && random.bool() {
                let text = string(random);
                self.string(random, &text);
            } else {
                self.value(random, levels);
            }
        }
        self.space(random);
        self.push("}");
    }

    /// Nests about as deeply as is allowed, and sometimes far deeper.
    fn deep(&mut self, random: &mut Rng) {
        let depth =
            if random.u8(..20) == 0 { random.usize(..3000) } else { random.usize(120..136) };
        let mut closing = Vec::new();
        for _ in 0..depth {
            let (open, close) = *random
                .choice(&[("[", "]"), ("{\"a\":", "}"), ("{\"payload\": ", "}")])
                .expect("a pair");
            self.push(open);
            closing.push(close);
        }
        self.push(if closing.last() == Some(&"]") { "" } else { "{}" });
        closing.iter().rev().for_each(|close| self.push(close));
    }

    fn separator(&mut self, random: &mut Rng, separator: &str) {
        self.space(random);
        self.push(separator);
        if let Style::Python = self.style {
            self.push(" ");
        }
        self.space(random);
    }

    fn space(&mut self, random: &mut Rng) {
        if let Style::Random = self.style
            && random.bool()
        {
            let blanks = ["", " ", "  ", "\n", "\t", "\r\n", "\n        ", "\n            \t    "];
            self.push(random.choice(blanks).expect("blanks"));
        }
    }

    /// Writes UTF-16 code units as a string: each character as it is, if that is allowed, or as one
    /// of its escapes.
    fn string(&mut self, random: &mut Rng, units: &[u16]) {
        self.push("\"");
        let seldom = random.bool();
        for character in char::decode_utf16(units.iter().copied()) {
            let escape = if seldom { random.u8(..20) == 0 } else { random.bool() };
            match character {
                Err(lone) => self.escape(random, lone.unpaired_surrogate()),
                Ok(character) if escape || matches!(character, '\0'..' ' | '"' | '\\') => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        self.escape(random, *unit);
                    }
                }
                Ok(character) => self.push(character.encode_utf8(&mut [0; 4])),
            }
        }
        self.push("\"");
    }

    fn escape(&mut self, random: &mut Rng, unit: u16) {
        let short = match unit {
            0x08 => "\\b",
            0x09 => "\\t",
            0x0a => "\\n",
            0x0c => "\\f",
            0x0d => "\\r",
            0x22 => "\\\"",
            0x2f => "\\/",
            0x5c => "\\\\",
            _ => "",
        };
        match random.u8(..3) {
            0 | 1 if !short.is_empty() => self.push(short),
            0 => self.push(&format!("\\u{unit:04X}")),
            _ => self.push(&format!("\\u{unit:04x}")),
        }
    }

    fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }
}

/// Changes, removes or inserts a byte, or cuts the text off.
fn corrupt(text: &mut Vec<u8>, random: &mut Rng) {
    const BYTES: &[u8] = b"\"\\{}[],:0-+.eEu/ \n\t\0\x0b\x1f\x7f\x80\xbf\xc0\xed\xff";
    if text.is_empty() {
        return;
    }
    let at = random.usize(..text.len());
    let byte = *random.choice(BYTES).expect("a byte");
    match random.u8(..6) {
        0 => text[at] = byte,
        1 => text[at] ^= 1 << random.u8(..8),
        2 => text.insert(at, byte),
        3 => text.truncate(at),
        4 => drop(text.splice(..0, *b"\xef\xbb\xbf")),
        _ => drop(text.remove(at)),
    }
}

/// Returns a name, usually one that the object does not have yet.
fn name(random: &mut Rng, index: u8) -> Vec<u16> {
    match random.u8(..40) {
        0 => string(random),
        1..=4 => units("id"),
        5..=9 => units("payload"),
        10 => units(
            random
                .choice(["", "a", "A", "é", "😀", "/", "a prefix of many bytes"])
                .expect("a name"),
        ),
        11..=15 => units(&format!("a prefix of many bytes {index}")),
        _ => [string(random), units(&index.to_string())].concat(),
    }
}

/// Returns the UTF-16 code units of a string, most of them printable ASCII.
fn string(random: &mut Rng) -> Vec<u16> {
    let length = match random.u16(..800) {
        0 => random.usize(900..5000),
        1..100 => 0,
        100..200 => random.usize(..60),
        _ => random.usize(..12),
    };
    let odd = random.bool();
    let mut text = Vec::new();
    while text.len() < length {
        match random.u8(..16) {
            0 if odd => text.push(random.u16(..0x20)),
            1 if odd => text.push(random.u16(0x7e..0x82)),
            2 if odd => text.extend(['"', '\\', '/'].map(|character| character as u16)),
            3 if odd => text.push(random.u16(0x80..0x800)),
            4 if odd => text.push(random.u16(0x2020..0x2030)),
            5 if odd => text.push(random.u16(0xe000..=0xffff)),
            6 if odd => {
                text.extend_from_slice(random.char('\u{10000}'..).encode_utf16(&mut [0; 2]));
            }
            7 if odd && random.u8(..30) == 0 => text.push(random.u16(0xd800..0xe000)),
            _ => text.push(u16::from(random.u8(b' '..0x7f))),
        }
    }
    text
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn number(random: &mut Rng) -> String {
    let sign = if random.u8(..4) == 0 { "-" } else { "" };
    match random.u16(..600) {
        0 => return format!("{sign}{}", "7".repeat(random.usize(4295..4306))),
        1 => {
            return (*random
                .choice(&["NaN", "Infinity", "-Infinity", "nan", "-NaN"])
                .expect("a token"))
            .to_owned();
        }
        2 => {
            return format!(
                "{sign}0.{}{}e{}",
                "0".repeat(1200),
                random.u64(..),
                random.i32(1100..1300)
            );
        }
        3 => return format!("{sign}{}e-{}", digits(random, 1000..1500), random.i32(1000..1700)),
        4 => return format!("{sign}{}e{}", random.u32(1..100), random.i32(305..320)),
        _ => {}
    }
    let unsigned = match random.u8(..17) {
        14 => (*random.choice(&KNOWN).expect("a number")).to_owned(),
        15 => middle(random),
        16 => near_power(random),
        0 => "0".to_owned(),
        1 => random.u64(..).to_string(),
        2 => digits(random, 1..30),
        3 => random.u32(..1000).to_string(),
        // Fixed notation, with needless zeros.
        4 => format!("{}.{}", random.u32(..1000), fraction(random, 1..4)),
        5 => format!("{}.{}", digits(random, 1..20), fraction(random, 1..20)),
        6 => format!("0.{}{}", "0".repeat(random.usize(..8)), fraction(random, 1..20)),
        // Near the end of fixed notation.
        7 => format!(
            "{}.{}",
            random.u64(9_999_999_999_999_990..10_000_000_000_000_010),
            fraction(random, 1..3)
        ),
        // Halfway between two shortest texts: multiples of 1/8 near 2^50.
        8 => format!("{}.{}", random.u64(1 << 48..1 << 54), random.u16(..8) * 125),
        // Halfway between two floats.
        9 => format!(
            "{}{}",
            random.u64(1 << 53..1 << 55),
            random.choice([".0", ".5", "e0", "e1", ".50e22"]).expect("an end")
        ),
        10 => scientific(random, 0..30),
        11 => scientific(random, 290..330),
        // Any float at all, denormals included, with as many digits as it needs or more.
        12 => any_float(random, random_bits),
        _ => any_float(random, |random| random_bits(random) >> 12),
    };
    format!("{sign}{unsigned}")
}

/// Numbers at which the notation changes, with one digit too many, and at the ends of the range of
/// floats.
const KNOWN: [&str; 32] = [
    "1.0",
    "136.0",
    "1.50",
    "0.0",
    "0",
    "0e5",
    "0E-0",
    "1E+2",
    "1e15",
    "1e16",
    "1e21",
    "1e22",
    "1e23",
    "0.0001",
    "0.00001",
    "0.00009999999999999999",
    "0.000099999999999999999",
    "1e-7",
    "9999999999999998.0",
    "9999999999999999.0",
    "9999999999999999.5",
    "12345678901234567.0",
    "0.1000000000000000055",
    "123456789012345678901234567890",
    "5e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "1.7976931348623157e308",
    "1.7976931348623158079e308",
    "1.797693134862315808e308",
];

/// Returns the middle between two floats with all its digits, or a number just beside it: its last
/// digit decides which float is read.
fn middle(random: &mut Rng) -> String {
    let odd = u128::from(random.u64(1 << 53..1 << 54) | 1);
    if random.bool() {
        let whole = odd << random.u32(..74);
        return format!(
            "{whole}{}",
            random.choice([".0", ".00", "e0", ".0000000000000000000001", "E+3"]).expect("an end")
        );
    }
    // odd / 2^places is odd · 5^places / 10^places.
    let places = random.u32(1..32);
    let digits = format!("{:0width$}", odd * 5_u128.pow(places), width = places as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places as usize);
    let end = random
        .choice(["", "0", "000", "00000000000000000000000001", "e0", "e5", "e-9"])
        .expect("an end");
    format!("{whole}.{fraction}{end}")
}

/// Returns a power of two, or a float beside it: floats below a power are half as far apart as
/// those above.
fn near_power(random: &mut Rng) -> String {
    let power = random.u64(..2047) << 52;
    any_float(random, |random| (power + random.u64(..3)).saturating_sub(1))
}

fn random_bits(random: &mut Rng) -> u64 {
    random.u64(..) & !(1 << 63)
}

fn any_float(random: &mut Rng, bits: impl Fn(&mut Rng) -> u64) -> String {
    let float = f64::from_bits(bits(random));
    if !float.is_finite() {
        return "1e308".to_owned();
    }
    match random.u8(..4) {
        0 => format!("{float:.17e}"),
        1 => format!("{float:.16e}"),
        2 => format!("{float:.*E}", random.usize(1..40)),
        _ => format!("{float:e}"),
    }
}

fn scientific(random: &mut Rng, exponents: std::ops::Range<u16>) -> String {
    let mantissa = match random.u8(..3) {
        0 => random.u8(..10).to_string(),
        1 => format!("{}.{}", digits(random, 1..5), fraction(random, 1..20)),
        _ => digits(random, 1..20),
    };
    let e =
        random.choice(["e", "E", "e+", "E+", "e-", "E-", "e-", "e-0", "e00"]).expect("an exponent");
    format!("{mantissa}{e}{}", random.u16(exponents))
}

/// Returns digits of which the first is not zero.
fn digits(random: &mut Rng, lengths: std::ops::Range<usize>) -> String {
    let rest = fraction(random, lengths);
    format!("{}{}", random.u8(1..10), &rest[1..])
}

fn fraction(random: &mut Rng, lengths: std::ops::Range<usize>) -> String {
    let zeros = random.u8(2..6);
    (0..random.usize(lengths))
        .map(|_| if random.u8(..zeros) == 0 { '0' } else { random.digit(10) })
        .collect()
}
