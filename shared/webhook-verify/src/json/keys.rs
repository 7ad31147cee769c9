//! Finds names that an object has twice, names compared by what they say once their escapes are decoded.
//!
//! No hashing, so there is nothing to flood: a small object's names are compared pair by pair, a large one's are
//! sorted when it closes, which reads each byte of them some log n times at worst.

use super::lexer::{MAX_DEPTH, StringSpan};
use super::python::NoPythonForm;
use super::text::compare;

/// The names of the objects that are open.
pub(super) struct OpenObjects {
    /// Those of the innermost object last.
    names: Vec<Name>,
    /// For each open object, how many names the objects round it had when it opened.
    outer_names: [usize; MAX_DEPTH],
    /// One bit for each open object, the innermost lowest: whether one of its names has an escape.
    escaped: u128,
    open: usize,
}

impl OpenObjects {
    pub(super) fn new() -> Self {
        Self { names: Vec::with_capacity(FEW), outer_names: [0; MAX_DEPTH], escaped: 0, open: 0 }
    }

    #[inline]
    pub(super) fn open(&mut self) {
        // The lexer opens no more than `MAX_DEPTH`.
        if let Some(outer_names) = self.outer_names.get_mut(self.open) {
            *outer_names = self.names.len();
        }
        self.open += 1;
        self.escaped <<= 1;
    }

    #[inline]
    pub(super) fn add(&mut self, name: StringSpan) -> Result<(), NoPythonForm> {
        self.names.push(Name::new(name.start, name.end)?);
        self.escaped |= u128::from(name.escaped);
        Ok(())
    }

    /// Closes the innermost object, and refuses it where two of its names are the same.
    #[inline]
    pub(super) fn close(&mut self, text: &str) -> Result<(), NoPythonForm> {
        self.open = self.open.saturating_sub(1);
        let outer_names = self.outer_names.get(self.open).copied().unwrap_or(0);
        let escaped = self.escaped & 1 == 1;
        self.escaped >>= 1;

        let names = self.names.get_mut(outer_names..).unwrap_or_default();
        let duplicate = if escaped {
            two_say_the_same(text, names)
        } else if names.len() <= FEW {
            two_of_few_are_the_same(text, names)
        } else {
            two_are_the_same(text, names)
        };
        self.names.truncate(outer_names);
        if duplicate { Err(NoPythonForm::DuplicateKey) } else { Ok(()) }
    }
}

/// Where a name stands, with its quotes, which all names have. Two `u32`, because these are all that the check keeps on the
/// heap.
#[derive(Clone, Copy)]
struct Name {
    start: u32,
    length: u32,
}

impl Name {
    #[inline]
    fn new(start: usize, end: usize) -> Result<Self, NoPythonForm> {
        match (u32::try_from(start), u32::try_from(end - start)) {
            (Ok(start), Ok(length)) => Ok(Self { start, length }),
            _ => Err(NoPythonForm::TooLong),
        }
    }

    #[inline]
    fn text(self, text: &str) -> &str {
        let start = self.start as usize;
        &text[start..start + self.length as usize]
    }

    #[inline]
    fn bytes(self, text: &str) -> &[u8] {
        let start = self.start as usize;
        &text.as_bytes()[start..start + self.length as usize]
    }
}

/// Up to so many names, comparing all pairs costs less than sorting. There is room for these from the start.
const FEW: usize = 32;

#[inline]
fn two_of_few_are_the_same(text: &str, names: &[Name]) -> bool {
    let mut later = names;
    while let Some((name, rest)) = later.split_first() {
        // Most names that differ do so in their length.
        if rest.iter().any(|other| other.length == name.length && other.bytes(text) == name.bytes(text)) {
            return true;
        }
        later = rest;
    }
    false
}

fn two_are_the_same(text: &str, names: &mut [Name]) -> bool {
    // By length first: any order will do, and this one seldom looks at the text.
    names.sort_unstable_by(|a, b| a.length.cmp(&b.length).then_with(|| a.bytes(text).cmp(b.bytes(text))));
    names.windows(2).any(|pair| pair[0].bytes(text) == pair[1].bytes(text))
}

fn two_say_the_same(text: &str, names: &mut [Name]) -> bool {
    names.sort_unstable_by(|a, b| compare(a.text(text), b.text(text)));
    names.windows(2).any(|pair| compare(pair[0].text(text), pair[1].text(text)).is_eq())
}

#[cfg(test)]
mod tests {
    use super::{Name, NoPythonForm};

    #[test]
    fn a_name_past_four_gibibytes_is_refused_and_not_cut() {
        let limit = u32::MAX as usize;
        assert_eq!(Name::new(limit, limit + 1).map(|name| (name.start, name.length)), Ok((u32::MAX, 1)));
        assert_eq!(Name::new(limit + 1, limit + 2).map(|name| name.start), Err(NoPythonForm::TooLong));
        assert_eq!(Name::new(0, limit + 1).map(|name| name.length), Err(NoPythonForm::TooLong));
    }
}
