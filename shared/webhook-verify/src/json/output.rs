//! Streams an altered copy of a text: spans that stay go out as they are, only what changes is written anew.

use super::number::Repr;

/// The copy of `text` up to `copied`, on its way to `sink`.
pub(super) struct Output<'a, S> {
    text: &'a [u8],
    /// Up to here the text has been copied or replaced.
    copied: usize,
    /// While this is off, nothing is copied or written.
    on: bool,
    /// Gathers small pieces, so that the sink is called seldom.
    buffer: [u8; BUFFER],
    filled: usize,
    sink: S,
}

impl<'a, S: FnMut(&[u8])> Output<'a, S> {
    /// An output that is off.
    pub(super) fn new(text: &'a [u8], sink: S) -> Self {
        Self { text, copied: 0, on: false, buffer: [0; BUFFER], filled: 0, sink }
    }

    /// Copies from `from` on.
    pub(super) fn start(&mut self, from: usize) {
        self.copied = from;
        self.on = true;
    }

    /// Copies up to `to`, and no further.
    pub(super) fn stop(&mut self, to: usize) {
        self.copy_up_to(to);
        self.on = false;
    }

    /// Hands the last pieces to the sink.
    pub(super) fn finish(mut self) {
        self.flush();
    }

    /// Puts the first `length` bytes of `instead` in the place of `text[from..to]`.
    #[inline]
    pub(super) fn replace<const N: usize>(&mut self, from: usize, to: usize, instead: &[u8; N], length: usize) {
        const { assert!(N <= LONGEST, "the buffer is asked for this much room") };
        if self.on {
            let kept = from - self.copied;
            // Copying a fixed number of bytes, of which only the first count, costs less than a call to copy just these.
            if kept <= SHORT
                && let Some(source) = self.text[self.copied..].first_chunk::<SHORT>()
                && let Some(target) = self.buffer[self.filled..].first_chunk_mut::<QUICK>()
            {
                target[..SHORT].copy_from_slice(source);
                target[kept..kept + N].copy_from_slice(instead);
                self.filled += kept + length;
                self.copied = to;
            } else {
                self.replace_long(from, to, &instead[..length]);
            }
        }
    }

    #[inline(never)]
    fn replace_long(&mut self, from: usize, to: usize, instead: &[u8]) {
        self.copy_up_to(from);
        self.write(instead);
        self.copied = to;
    }

    fn copy_up_to(&mut self, to: usize) {
        let text = self.text;
        self.write(&text[self.copied..to]);
        self.copied = to;
    }

    fn write(&mut self, piece: &[u8]) {
        if piece.len() > self.buffer.len() - self.filled {
            self.flush();
            if piece.len() >= DIRECT {
                (self.sink)(piece);
                return;
            }
        }
        self.buffer[self.filled..self.filled + piece.len()].copy_from_slice(piece);
        self.filled += piece.len();
    }

    fn flush(&mut self) {
        if self.filled > 0 {
            (self.sink)(&self.buffer[..self.filled]);
            self.filled = 0;
        }
    }
}

const BUFFER: usize = 1024;

/// Most text between two changes is shorter: a name, a number, a short string.
const SHORT: usize = 32;

/// No replacement has more room: a float.
const LONGEST: usize = Repr::ROOM;

/// Room for both.
const QUICK: usize = SHORT + LONGEST;

/// A piece of this length that the buffer has no room for goes to the sink as it is.
const DIRECT: usize = 256;
