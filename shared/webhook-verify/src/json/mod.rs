//! JSON as two kinds of sender spell it, in one pass, without a tree.
//!
//! - [`python_form`] and [`python_form_of_member`] stream what Python's `json.dumps(json.loads(text))` gives: some
//!   providers sign that text, and not the bytes that they send. Python means `CPython` here, and file names are those
//!   of its sources: `Lib/json/decoder.py`, `Lib/json/encoder.py`, `Modules/_json.c`.
//! - [`read_object`] checks a text by RFC 8259 and reads a few of its members, as they stand.
//!
//! Both take the grammar strictly (RFC 8259, sections 2 to 8): UTF-8 without a byte-order mark, no `NaN`, no raw control
//! character, nothing but white space after the value. Neither recurses, and [`MAX_DEPTH`] bounds the brackets that are
//! open at once. Time is linear in the text, save that the names of an object of `n` members are sorted.
//!
//! Heap: `read_object` takes none. The Python forms take 8 bytes for each member of the objects that are open at once, and
//! room for 32 of them from the start (as a [`Vec`] grows: up to twice that, three times while it moves). Nothing else
//! grows with the text: the form goes out through a buffer of 1 KiB on the stack.

mod keys;
mod lexer;
mod number;
mod object;
mod output;
mod python;
mod text;

#[cfg(test)]
mod tests;

pub use lexer::MAX_DEPTH;
pub use object::{NotAnObject, RawValue, read_object};
pub use python::{NoPythonForm, PythonForm, python_form, python_form_of_member};
