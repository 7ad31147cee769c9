//! Reads JSON, and writes it as Python does, in one pass and without a tree.
//!
//! - [`python_form`] and [`python_form_of_member`] return what Python's
//!   `json.dumps(json.loads(text))` returns. Some providers sign that text instead of the bytes
//!   they send. "Python" means `CPython`; the file names in comments are those of its sources:
//!   `Lib/json/decoder.py`, `Lib/json/encoder.py`, `Modules/_json.c`.
//! - [`read_object`] checks that a text is a JSON object and returns some of its members unchanged.
//!
//! Both follow the grammar of RFC 8259, sections 2 to 8, strictly: UTF-8 without a byte-order mark,
//! no `NaN`, no raw control characters, and only white space after the value. Neither recurses, and
//! [`MAX_DEPTH`] limits how many brackets may be open at once.
//!
//! Anyone can send a text, so its cost is limited. Time grows linearly with the length of the text,
//! except that the names of a large object are sorted. `read_object` uses no heap. A Python form is
//! at most six times as long as its text; while it is written, each member of the open objects
//! takes up to 24 bytes more. `tests/hostile` measures both.

mod lexer;
mod names;
mod number;
mod object;
mod output;
mod python;
mod text;

#[cfg(test)]
mod tests;

pub use lexer::MAX_DEPTH;
pub(crate) use object::read_pointers;
pub use object::{NotAnObject, RawValue, read_object};
pub use python::{NoPythonForm, PythonForm, python_form, python_form_of_member};
