//! Finds duplicate names in the objects of a Python form.
//!
//! In a form, equal names have equal bytes, so names are compared without decoding their escapes.
//! The names of a small object are compared pair by pair. Those of a large one are hashed when it
//! closes, and only names with equal hashes are compared. The hash has a random key, which a sender
//! cannot know, so nobody can choose many names with the same hash.

use std::hash::{BuildHasher, RandomState};

use super::lexer::MAX_DEPTH;

/// The names of the objects that are open, as ranges of the form.
pub(super) struct OpenNames {
    /// The names of the innermost object are last.
    names: Vec<Name>,
    /// For each open object, how many names had been added before it was opened.
    outer_names: [usize; MAX_DEPTH],
    open: usize,
}

/// A range of the form. Two `u32` take half the heap of two `usize`.
#[derive(Clone, Copy)]
struct Name {
    start: u32,
    end: u32,
}

/// A form is longer than 4 GiB, so a `u32` cannot hold the position of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FormTooLong;

impl OpenNames {
    pub(super) fn new() -> Self {
        Self { names: Vec::with_capacity(FEW), outer_names: [0; MAX_DEPTH], open: 0 }
    }

    #[inline]
    pub(super) fn open_object(&mut self) {
        // The lexer never opens more than `MAX_DEPTH`.
        if let Some(outer_names) = self.outer_names.get_mut(self.open) {
            *outer_names = self.names.len();
        }
        self.open += 1;
    }

    /// Adds a name to the innermost object.
    #[inline]
    pub(super) fn add(&mut self, start: usize, end: usize) -> Result<(), FormTooLong> {
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => {
                self.names.push(Name { start, end });
                Ok(())
            }
            _ => Err(FormTooLong),
        }
    }

    /// Returns whether the innermost object has more than one name, so that two may be equal.
    #[inline]
    pub(super) fn may_have_duplicates(&self) -> bool {
        self.names.len() - self.innermost() > 1
    }

    /// Closes the innermost object. Returns whether two of its names are equal.
    #[inline]
    pub(super) fn close_object(&mut self, form: &[u8]) -> bool {
        let innermost = self.innermost();
        let names = self.names.get(innermost..).unwrap_or_default();
        let found = if names.len() <= FEW {
            two_of_few_are_equal(form, names)
        } else {
            two_are_equal(form, names)
        };
        self.names.truncate(innermost);
        self.open = self.open.saturating_sub(1);
        found
    }

    /// Returns where the names of the innermost object start.
    #[inline]
    fn innermost(&self) -> usize {
        self.outer_names.get(self.open.wrapping_sub(1)).copied().unwrap_or(0)
    }
}

impl Name {
    #[inline]
    fn bytes(self, form: &[u8]) -> &[u8] {
        &form[self.start as usize..self.end as usize]
    }

    #[inline]
    fn length(self) -> u32 {
        self.end - self.start
    }
}

/// Up to this many names, comparing all pairs costs less than hashing.
const FEW: usize = 16;

#[inline]
fn two_of_few_are_equal(form: &[u8], names: &[Name]) -> bool {
    let mut later = names;
    while let Some((name, rest)) = later.split_first() {
        // Most names that differ have different lengths.
        if rest
            .iter()
            .any(|other| other.length() == name.length() && other.bytes(form) == name.bytes(form))
        {
            return true;
        }
        later = rest;
    }
    false
}

fn two_are_equal(form: &[u8], names: &[Name]) -> bool {
    let random = RandomState::new();
    // Each word has half of a hash above the index of a name: eight bytes sort quickly.
    let mut hashes: Vec<u64> = (0_u64..)
        .zip(names)
        .map(|(index, name)| random.hash_one(name.bytes(form)) & HASH | index)
        .collect();
    hashes.sort_unstable();
    hashes.chunk_by(|a, b| a & HASH == b & HASH).any(|equal| {
        let name = |hash: &u64| names[usize::try_from(hash & !HASH).expect("an index")].bytes(form);
        equal
            .iter()
            .enumerate()
            .any(|(index, a)| equal[index + 1..].iter().any(|b| name(a) == name(b)))
    })
}

const HASH: u64 = !0 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_past_4_gib_is_refused_and_not_truncated() {
        let limit = u32::MAX as usize;
        let mut names = OpenNames::new();
        assert_eq!(names.add(limit - 1, limit), Ok(()));
        assert_eq!(names.add(limit, limit + 1), Err(FormTooLong));
        assert_eq!(names.add(limit + 1, limit + 2), Err(FormTooLong));
    }
}
