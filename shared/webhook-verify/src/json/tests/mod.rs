//! What the JSON functions answer, value by value.

mod number;
mod object;
mod python;
mod refusals;

use super::{NoPythonForm, PythonForm, python_form, python_form_of_member};

/// The whole form, or why there is none.
fn form(text: impl AsRef<[u8]>, form: PythonForm) -> Result<String, NoPythonForm> {
    let mut pieces = Vec::new();
    python_form(text.as_ref(), form, |piece| pieces.extend_from_slice(piece))?;
    Ok(String::from_utf8(pieces).expect("a form is UTF-8"))
}

fn default(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    form(text, PythonForm::Default)
}

fn compact(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    form(text, PythonForm::Compact)
}

/// The compact form of the member `payload`.
fn payload(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    payload_in(PythonForm::Compact, text)
}

fn payload_in(form: PythonForm, text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    let mut pieces = Vec::new();
    python_form_of_member(text.as_ref(), "payload", form, |piece| pieces.extend_from_slice(piece))?;
    Ok(String::from_utf8(pieces).expect("a form is UTF-8"))
}

/// `count` opening brackets, a value, and `count` closing ones: arrays, or objects where `object` is set.
fn nested(count: usize, object: bool) -> String {
    let (open, close) = if object { (r#"{"a":"#, "}") } else { ("[", "]") };
    format!("{}1{}", open.repeat(count), close.repeat(count))
}
