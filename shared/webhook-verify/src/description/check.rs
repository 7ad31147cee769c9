//! The rules that a description keeps, checked while it is compiled.

use super::{Body, EventType, Form, HeaderNames, Id, Message, Piece, Pointer, Scheme, TimeSource, Unsigned};

/// Checks a whole description.
pub(super) const fn provider(name: &str, schemes: &[Scheme]) {
    assert!(is_name(name), "a provider's name is at most 32 lower-case letters, digits and hyphens");
    assert!(!schemes.is_empty(), "a provider has a scheme");
    let mut index = 0;
    while index < schemes.len() {
        scheme(&schemes[index]);
        let mut other = 0;
        while other < index {
            told_apart(&schemes[index], &schemes[other]);
            other += 1;
        }
        index += 1;
    }
}

const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        let is_inner = index > 0 && index + 1 < bytes.len();
        match bytes[index] {
            b'a'..=b'z' => {}
            b'0'..=b'9' if index > 0 => {}
            b'-' if is_inner => {}
            _ => return false,
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= 32
}

/// Two schemes have one header, and different prefixes in it: what a sender writes decides which one
/// is meant, and nothing else does.
const fn told_apart(one: &Scheme, other: &Scheme) {
    assert!(!equal(one.name, other.name), "two schemes have the same name");
    assert!(same_names(one.signature.header, other.signature.header), "schemes of one provider have one header");
    let (Form::Prefixed(one), Form::Prefixed(other)) = (one.signature.form, other.signature.form) else {
        panic!("a prefix tells several schemes apart");
    };
    assert!(!equal(one, other), "two schemes have the same prefix");
}

const fn scheme(scheme: &Scheme) {
    assert!(!scheme.signature.header.is_empty(), "the signature header has a name");
    if let Form::Prefixed(prefix) = scheme.signature.form {
        let bytes = prefix.as_bytes();
        assert!(bytes.len() > 1 && bytes[bytes.len() - 1] == b'=', "a prefix ends in `=`");
    }
    if let Some(time) = scheme.time
        && let TimeSource::Label(_) = time.source
    {
        assert!(
            matches!(scheme.signature.form, Form::Labelled { .. }),
            "only labelled values can have a time among them"
        );
    }
    assert!(!scheme.messages.is_empty(), "something is signed");
    let mut index = 0;
    while index < scheme.messages.len() {
        message(&scheme.messages[index], scheme);
        index += 1;
    }
    facts(scheme);
}

const fn message(message: &Message, scheme: &Scheme) {
    let timestamps = timestamps(message.before) + timestamps(message.after);
    let wanted = if scheme.time.is_some() { 1 } else { 0 };
    assert!(timestamps == wanted, "a time is signed once if it is checked, and checked if it is signed");
    if let Id::SignedHeader(names) = scheme.facts.id {
        assert!(
            has_header(message.before, names) || has_header(message.after, names),
            "the header of the id is not signed"
        );
    }
    assert!(
        is_member(message.body) == is_member(scheme.messages[0].body),
        "each message covers the whole body, or each covers the same member"
    );
}

const fn facts(scheme: &Scheme) {
    let facts = &scheme.facts;
    if let Id::Signed(pointers) = facts.id {
        are_pointers(pointers);
    }
    if let EventType::Signed(pointers) = facts.event_type {
        are_pointers(pointers);
    }
    if let EventType::Unsigned(place) = facts.event_type {
        is_unsigned(place, facts.unsigned_members);
    }
    are_pointers(facts.group);
    if let Some(challenge) = facts.challenge {
        are_pointers(&[challenge.kind, challenge.token]);
    }
    let mut index = 0;
    while index < facts.delivery_id.len() {
        is_unsigned(facts.delivery_id[index], facts.unsigned_members);
        index += 1;
    }
    assert!(
        facts.unsigned_members.is_empty() || is_member(scheme.messages[0].body),
        "a body that is signed has no unsigned members"
    );
}

/// A member of the body is unsigned only if it is listed as such.
const fn is_unsigned(place: Unsigned, members: &[&str]) {
    if let Unsigned::Member(name) = place {
        assert!(contains(members, name), "the member is not among the unsigned ones");
    }
}

const fn are_pointers(pointers: &[Pointer]) {
    let mut index = 0;
    while index < pointers.len() {
        let bytes = pointers[index].as_bytes();
        assert!(bytes.len() > 1 && bytes[0] == b'/', "a pointer begins with `/` and names a member");
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at] != b'~', "a pointer has no escapes");
            at += 1;
        }
        index += 1;
    }
}

const fn timestamps(pieces: &[Piece]) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < pieces.len() {
        if let Piece::Timestamp = pieces[index] {
            count += 1;
        }
        index += 1;
    }
    count
}

const fn has_header(pieces: &[Piece], names: HeaderNames) -> bool {
    let mut index = 0;
    while index < pieces.len() {
        if let Piece::Header(signed) = pieces[index]
            && same_names(signed, names)
        {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_member(body: Body) -> bool {
    matches!(body, Body::PythonFormOfMember(..))
}

const fn same_names(one: &[&str], other: &[&str]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if !equal(one[index], other[index]) {
            return false;
        }
        index += 1;
    }
    one.len() == other.len()
}

const fn contains(texts: &[&str], wanted: &str) -> bool {
    let mut index = 0;
    while index < texts.len() {
        if equal(texts[index], wanted) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    one.len() == other.len()
}
