//! Writes an altered copy of a text: unchanged parts are copied in long runs, changed parts are
//! replaced.

/// The altered copy of `text`, up to `copied`.
pub(super) struct Output<'a> {
    text: &'a [u8],
    /// Everything before this position has been copied or replaced.
    copied: usize,
    copy: Vec<u8>,
}

impl<'a> Output<'a> {
    /// Starts a copy with room for `capacity` bytes. It grows if it needs more.
    pub(super) fn with_capacity(text: &'a [u8], capacity: usize) -> Self {
        Self { text, copied: 0, copy: Vec::with_capacity(capacity + SPARE) }
    }

    /// Returns where the byte at `at` of the text is, or will be, in the copy. Everything between
    /// the last replacement and `at` must stay as it is.
    #[inline]
    pub(super) fn position(&self, at: usize) -> usize {
        self.copy.len() + (at - self.copied)
    }

    /// Replaces `text[from..to]` with the first `length` bytes of `new`.
    #[inline]
    pub(super) fn replace<const N: usize>(
        &mut self,
        from: usize,
        to: usize,
        new: &[u8; N],
        length: usize,
    ) {
        const { assert!(N <= LONGEST, "`SPARE` has room for it") };
        let kept = from - self.copied;
        // Copying a fixed number of bytes and dropping the excess costs less than a call that
        // copies just the bytes needed.
        if kept <= SHORT
            && let Some(source) = self.text[self.copied..].first_chunk::<SHORT>()
            && self.copy.capacity() - self.copy.len() >= SPARE
        {
            let end = self.copy.len() + kept;
            self.copy.extend_from_slice(source);
            self.copy.truncate(end);
            self.copy.extend_from_slice(new);
            self.copy.truncate(end + length);
            self.copied = to;
        } else {
            self.replace_long(from, to, &new[..length]);
        }
    }

    #[inline(never)]
    fn replace_long(&mut self, from: usize, to: usize, new: &[u8]) {
        self.copy_up_to(from);
        self.copy.extend_from_slice(new);
        self.copied = to;
    }

    /// Copies what has not been copied before `to`, and returns the copy so far.
    pub(super) fn copy_up_to(&mut self, to: usize) -> &[u8] {
        self.copy.extend_from_slice(&self.text[self.copied..to]);
        self.copied = to;
        &self.copy
    }

    /// Copies the rest and returns the whole copy.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.copy_up_to(self.text.len());
        self.copy
    }
}

/// Most text between two changes is shorter than this: a name, a number, a short string.
const SHORT: usize = 32;

/// The longest replacement: a float.
const LONGEST: usize = 24;

/// Room for both.
const SPARE: usize = SHORT + LONGEST;
