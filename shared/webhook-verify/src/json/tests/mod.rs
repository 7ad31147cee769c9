//! Tests of the JSON functions, value by value.

mod number;
mod object;
mod python;
mod refusals;

use super::{NoPythonForm, PythonForm, python_form, python_form_of_member};

fn form(text: impl AsRef<[u8]>, form: PythonForm) -> Result<String, NoPythonForm> {
    let form = python_form(text.as_ref(), form)?;
    Ok(String::from_utf8(form).expect("a form is UTF-8"))
}

fn default(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    form(text, PythonForm::Default)
}

fn compact(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    form(text, PythonForm::Compact)
}

/// Returns the compact form of the member `payload`.
fn payload(text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    payload_in(PythonForm::Compact, text)
}

fn payload_in(form: PythonForm, text: impl AsRef<[u8]>) -> Result<String, NoPythonForm> {
    let form = python_form_of_member(text.as_ref(), "payload", form)?;
    Ok(String::from_utf8(form).expect("a form is UTF-8"))
}

/// Returns a value within `count` arrays or, if `object` is set, within `count` objects.
fn nested(count: usize, object: bool) -> String {
    let (open, close) = if object { (r#"{"a":"#, "}") } else { ("[", "]") };
    format!("{}1{}", open.repeat(count), close.repeat(count))
}
