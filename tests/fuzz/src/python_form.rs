//! Checks the writer of Python forms, and the reader of members, against [`crate::reference`].

use webhook_verify::json::{
    MAX_DEPTH, NoPythonForm, PythonForm, RawValue, python_form, python_form_of_member, read_object,
};

use crate::reference::{Broken, Facts, Value, dumps, parse};

/// # Panics
/// Panics if the two disagree about a form, about whether there is one, or about a member.
pub fn check(input: &[u8]) {
    let read = parse(input, MAX_DEPTH);
    for form in [PythonForm::Default, PythonForm::Compact] {
        let whole = text(python_form(input, form));
        compare(whole, expected(&read, form, |value| Some(value)), &read, form);
        let member = text(python_form_of_member(input, "payload", form));
        compare(member, expected(&read, form, |value| last(value, "payload")), &read, form);
    }
    check_members(input, &read);
}

type Read = Result<(Value, Facts), Broken>;

fn text(form: Result<Vec<u8>, NoPythonForm>) -> Result<String, NoPythonForm> {
    form.map(|form| String::from_utf8(form).expect("the form is UTF-8"))
}

/// Returns the form of the value that `choose` takes from the document, if the whole document has a
/// form.
fn expected(
    read: &Read,
    form: PythonForm,
    choose: impl Fn(&Value) -> Option<&Value>,
) -> Option<String> {
    let (value, facts) = read.as_ref().ok()?;
    let compact = form == PythonForm::Compact;
    let refused = facts.duplicate_key
        || facts.infinite
        || facts.long_integer
        || (compact && facts.lone_surrogate);
    if refused { None } else { choose(value).map(|value| dumps(value, compact)) }
}

fn compare(
    found: Result<String, NoPythonForm>,
    expected: Option<String>,
    read: &Read,
    form: PythonForm,
) {
    let reason = match (found, expected) {
        (Ok(found), expected) => {
            assert_eq!(Some(found), expected);
            return;
        }
        (Err(reason), expected) => {
            assert_eq!(expected, None, "refused: {reason}");
            reason
        }
    };
    // A document may have several faults: the one that is named must be among them.
    let Ok((_, facts)) = read else { return };
    let is_true = match reason {
        NoPythonForm::NotJson | NoPythonForm::TooDeep | NoPythonForm::TooLong => false,
        NoPythonForm::DuplicateKey => facts.duplicate_key,
        NoPythonForm::NotFinite => facts.infinite,
        NoPythonForm::LoneSurrogate => facts.lone_surrogate && form == PythonForm::Compact,
        NoPythonForm::IntegerTooLong => facts.long_integer,
        NoPythonForm::MemberMissing => true,
    };
    assert!(is_true, "{reason}: {facts:?}");
}

fn check_members(input: &[u8], read: &Read) {
    let object = read
        .as_ref()
        .ok()
        .map(|(value, _)| value)
        .filter(|value| matches!(value, Value::Object(_)));
    let found = read_object(input, [&["id"], &["payload"], &["payload", "id"]]);
    assert_eq!(found.is_ok(), object.is_some());
    let (Ok([id, payload, payload_id]), Some(object)) = (found, object) else { return };
    let expected_payload = last(object, "payload");
    compare_member(id, last(object, "id"));
    compare_member(payload, expected_payload);
    compare_member(payload_id, expected_payload.and_then(|payload| last(payload, "id")));
}

fn compare_member(found: Option<RawValue<'_>>, expected: Option<&Value>) {
    let read = found.map(|found| parse(found.bytes(), MAX_DEPTH).expect("a member is JSON").0);
    assert_eq!(read.as_ref(), expected);
    let text = match expected {
        Some(Value::Text(text)) if !text.is_empty() => {
            text.iter().map(|it| char::from_u32(*it)).collect()
        }
        _ => None::<String>,
    };
    assert_eq!(found.and_then(RawValue::text).as_deref(), text.as_deref());
    assert_eq!(found.is_some_and(RawValue::is_null), expected == Some(&Value::Null));
}

/// Returns the value of a member. The last of duplicate members counts.
pub(crate) fn last<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(members) = value else { return None };
    let is_it = |spelled: &[u32]| spelled.iter().copied().eq(name.chars().map(u32::from));
    members.iter().rev().find(|(spelled, _)| is_it(spelled)).map(|(_, value)| value)
}
