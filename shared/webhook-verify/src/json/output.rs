//! Streams an altered copy of a text: spans that stay go out as they are, only what changes is written anew.

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

    /// Puts `instead` in the place of `text[from..to]`.
    #[inline]
    pub(super) fn replace(&mut self, from: usize, to: usize, instead: &[u8]) {
        if self.on {
            self.copy_up_to(from);
            self.write(instead);
            self.copied = to;
        }
    }

    /// Hands the last pieces to the sink.
    pub(super) fn finish(mut self) {
        self.flush();
    }

    #[inline]
    fn copy_up_to(&mut self, to: usize) {
        let length = to - self.copied;
        let rest = &self.text[self.copied..];
        // Copying sixteen bytes, of which the first `length` count, costs less than a call to copy just these.
        if length <= SHORT
            && let Some(source) = rest.first_chunk::<SHORT>()
            && let Some(target) = self.buffer[self.filled..].first_chunk_mut::<SHORT>()
        {
            *target = *source;
            self.filled += length;
        } else {
            self.write(&rest[..length]);
        }
        self.copied = to;
    }

    #[inline]
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

const BUFFER: usize = 4096;

const SHORT: usize = 16;

/// A piece of this length that the buffer has no room for goes to the sink as it is.
const DIRECT: usize = 1024;
