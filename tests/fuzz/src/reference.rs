//! JSON, and Python's spelling of it, slowly and obviously: a recursive parser, a tree, a printer.
//!
//! It is written from RFC 8259 and `CPython`'s documentation, and shares no line with the crate
//! under test.

/// A JSON value. Texts are code points, because Python's may hold lone surrogates.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction and exponent, as it is written.
    Integer(String),
    /// Any other number.
    Float(f64),
    /// A string, decoded.
    Text(Vec<u32>),
    /// Values in their order.
    Array(Vec<Value>),
    /// Members in their order, duplicates included.
    Object(Vec<(Vec<u32>, Value)>),
}

/// The properties of a document because of which it has no Python form, or no compact one.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts {
    /// An object has two members with the same name.
    pub duplicate_key: bool,
    /// A float is too large for a `f64`.
    pub infinite: bool,
    /// A string has half of a surrogate pair.
    pub lone_surrogate: bool,
    /// An integer has more than 4,300 digits.
    pub long_integer: bool,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Broken {
    /// It is not JSON by RFC 8259.
    NotJson,
    /// More brackets are open at once than allowed.
    TooDeep,
}

/// Reads a document with at most `max_depth` brackets open at once.
///
/// # Errors
/// The [`Broken`] that comes first in the text.
pub fn parse(text: &[u8], max_depth: usize) -> Result<(Value, Facts), Broken> {
    let text = std::str::from_utf8(text).map_err(|_| Broken::NotJson)?;
    let mut parser = Parser { rest: text, depth_left: max_depth, facts: Facts::default() };
    parser.space();
    let value = parser.value()?;
    parser.space();
    if parser.rest.is_empty() { Ok((value, parser.facts)) } else { Err(Broken::NotJson) }
}

struct Parser<'t> {
    rest: &'t str,
    depth_left: usize,
    facts: Facts,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), Broken> {
        if self.take(token) { Ok(()) } else { Err(Broken::NotJson) }
    }

    fn value(&mut self) -> Result<Value, Broken> {
        match self.rest.chars().next() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => self.string().map(Value::Text),
            Some('-' | '0'..='9') => self.number(),
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ => Err(Broken::NotJson),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Broken>) -> Result<Value, Broken> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Broken::TooDeep)?;
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Broken> {
        self.expect("[")?;
        self.space();
        let mut values = Vec::new();
        if self.take("]") {
            return Ok(Value::Array(values));
        }
        loop {
            self.space();
            values.push(self.value()?);
            self.space();
            if self.take("]") {
                return Ok(Value::Array(values));
            }
            self.expect(",")?;
        }
    }

    fn object(&mut self) -> Result<Value, Broken> {
        self.expect("{")?;
        self.space();
        let mut members: Vec<(Vec<u32>, Value)> = Vec::new();
        if self.take("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.expect(":")?;
            self.space();
            let value = self.value()?;
            self.facts.duplicate_key |= members.iter().any(|(other, _)| *other == name);
            members.push((name, value));
            self.space();
            if self.take("}") {
                return Ok(Value::Object(members));
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<Vec<u32>, Broken> {
        self.expect("\"")?;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let character = self.rest.chars().next().ok_or(Broken::NotJson)?;
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                '"' => return Ok(self.code_points(&units)),
                '\\' => units.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(Broken::NotJson),
                _ => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
            }
        }
    }

    /// Joins surrogate pairs. In UTF-8, a surrogate can only come from an escape, so this joins the
    /// same pairs as Python.
    fn code_points(&mut self, units: &[u16]) -> Vec<u32> {
        let decoded = char::decode_utf16(units.iter().copied());
        let decoded = decoded
            .map(|character| character.map_or_else(|lone| Err(lone.unpaired_surrogate()), Ok));
        decoded
            .map(|character| {
                self.facts.lone_surrogate |= character.is_err();
                character.map_or_else(u32::from, u32::from)
            })
            .collect()
    }

    fn escape(&mut self) -> Result<u16, Broken> {
        for (spelling, unit) in [
            ("\"", 0x22),
            ("\\", 0x5c),
            ("/", 0x2f),
            ("b", 8),
            ("f", 12),
            ("n", 10),
            ("r", 13),
            ("t", 9),
        ] {
            if self.take(spelling) {
                return Ok(unit);
            }
        }
        self.expect("u")?;
        let digits = self.rest.get(..4).ok_or(Broken::NotJson)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Broken::NotJson);
        }
        self.rest = &self.rest[4..];
        u16::from_str_radix(digits, 16).map_err(|_| Broken::NotJson)
    }

    fn number(&mut self) -> Result<Value, Broken> {
        let whole = self.rest;
        let mut is_float = false;
        self.take("-");
        if !self.take("0") {
            self.digits()?;
        }
        if self.take(".") {
            is_float = true;
            self.digits()?;
        }
        if self.take("e") || self.take("E") {
            is_float = true;
            let _sign = self.take("+") || self.take("-");
            self.digits()?;
        }
        let text = &whole[..whole.len() - self.rest.len()];
        if is_float {
            let value: f64 = text.parse().map_err(|_| Broken::NotJson)?;
            self.facts.infinite |= value.is_infinite();
            return Ok(Value::Float(value));
        }
        self.facts.long_integer |= text.trim_start_matches('-').len() > 4300;
        Ok(Value::Integer(text.to_owned()))
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let rest = self.rest.trim_start_matches(|character: char| character.is_ascii_digit());
        if rest.len() == self.rest.len() {
            return Err(Broken::NotJson);
        }
        self.rest = rest;
        Ok(())
    }
}

/// Returns `json.dumps(value)`, or that with `ensure_ascii=False, separators=(",", ":")`.
///
/// # Panics
/// Panics if a float is infinite, or if a compact text has a lone surrogate.
#[must_use]
pub fn dumps(value: &Value, compact: bool) -> String {
    let (comma, colon) = if compact { (",", ":") } else { (", ", ": ") };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(text) if text == "-0" => "0".to_owned(),
        Value::Integer(text) => text.clone(),
        Value::Float(value) => repr(*value),
        Value::Text(text) => quoted(text, compact),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| dumps(value, compact)).collect();
            format!("[{}]", values.join(comma))
        }
        Value::Object(members) => {
            let member = |(name, value): &(Vec<u32>, Value)| {
                format!("{}{colon}{}", quoted(name, compact), dumps(value, compact))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(comma))
        }
    }
}

fn quoted(text: &[u32], compact: bool) -> String {
    let spelled = text.iter().map(|code_point| match code_point {
        0x08 => "\\b".to_owned(),
        0x09 => "\\t".to_owned(),
        0x0a => "\\n".to_owned(),
        0x0c => "\\f".to_owned(),
        0x0d => "\\r".to_owned(),
        0x22 => "\\\"".to_owned(),
        0x5c => "\\\\".to_owned(),
        0x00..0x20 => format!("\\u{code_point:04x}"),
        0x20..0x7f => char::from_u32(*code_point).expect("ASCII").to_string(),
        _ if compact => char::from_u32(*code_point).expect("no surrogate").to_string(),
        0x7f..0x1_0000 => format!("\\u{code_point:04x}"),
        _ => {
            let above = code_point - 0x1_0000;
            format!("\\u{:04x}\\u{:04x}", 0xd800 + above / 0x400, 0xdc00 + above % 0x400)
        }
    });
    format!("\"{}\"", spelled.collect::<String>())
}

/// Returns `float.__repr__`: the fewest digits that read back as the same float. Of several such
/// spellings it takes the nearest to the float, and of two that are equally near, the even one. The
/// notation is fixed for 1e-4 ≤ |x| < 1e16.
///
/// # Panics
/// Panics if the float is infinite or not a number.
#[must_use]
pub fn repr(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = shortest(value.abs());
    let padded = |from: usize, length: usize| {
        format!("{:0<length$}", digits.get(from..).unwrap_or_default())
    };
    match exponent {
        -4..=-1 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).expect("up to three"));
            format!("{sign}0.{zeros}{digits}")
        }
        0..=15 => {
            let before_point = usize::try_from(exponent).expect("not negative") + 1;
            let all = padded(0, before_point);
            format!("{sign}{}.{}", &all[..before_point], padded(before_point, 1))
        }
        _ => {
            let point = if digits.len() > 1 { "." } else { "" };
            let e = if exponent < 0 { "e-" } else { "e+" };
            format!(
                "{sign}{}{point}{}{e}{:02}",
                &digits[..1],
                &digits[1..],
                exponent.unsigned_abs()
            )
        }
    }
}

/// Returns the digits and the exponent of `d.ddd × 10^exponent`.
fn shortest(value: f64) -> (String, i32) {
    // So many digits are enough for the exact value of any float.
    let all = format!("{value:.1100e}");
    let (mantissa, exponent) = all.split_once('e').expect("scientific notation");
    let exponent: i32 = exponent.parse().expect("a number");
    let all = mantissa.replace('.', "");
    for length in 1..=17 {
        let (below, rest) = all.split_at(length);
        let above = (below.parse::<u64>().expect("up to 17 digits") + 1).to_string();
        let reads_back = |digits: &str| {
            format!("{digits}e{}", exponent + 1 - i32::try_from(length).expect("small")).parse()
                == Ok(value)
        };
        let half = format!("5{}", "0".repeat(rest.len() - 1));
        let prefers_below = match rest.cmp(&half) {
            std::cmp::Ordering::Equal => below.ends_with(['0', '2', '4', '6', '8']),
            order => order.is_lt(),
        };
        let digits = match (reads_back(below), reads_back(&above)) {
            (false, false) => continue,
            (true, true) if prefers_below => below,
            (true, false) => below,
            (_, true) => &above,
        };
        // 9 + 1 is 10, which has one more digit before the point.
        let carried = i32::try_from(digits.len() - length).expect("0 or 1");
        return (digits.trim_end_matches('0').to_owned(), exponent + carried);
    }
    unreachable!("17 digits are enough for any float")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected texts were computed with `CPython`.
    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123.456, "123.456"),
            (12_345_678_901_234_567.0, "1.2345678901234568e+16"),
            (5.684_341_886_080_802e-14, "5.684341886080802e-14"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (-9.5e-7, "-9.5e-07"),
            (1e22, "1e+22"),
            (2e23, "2e+23"),
        ] {
            assert_eq!(repr(value), expected);
        }
    }
}
