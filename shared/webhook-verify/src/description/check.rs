//! The rules for descriptions, checked at compile time.

use super::{
    Body, EventType, Form, HeaderNames, Id, Message, Piece, Pointer, Scheme, TimeSource, Unsigned,
};

/// Checks a whole description.
pub(super) const fn provider(name: &str, schemes: &[Scheme]) {
    assert!(
        is_name(name),
        "a provider's name must be 1 to 32 lower-case letters, digits and hyphens, begin with a \
         letter, and not end in a hyphen"
    );
    assert!(!schemes.is_empty(), "a provider must have at least one scheme");
    let mut index = 0;
    while index < schemes.len() {
        assert!(
            is_name(schemes[index].name),
            "a scheme's name must be 1 to 32 lower-case letters, digits and hyphens, begin with a \
             letter, and not end in a hyphen"
        );
        scheme(&schemes[index]);
        let mut other = 0;
        while other < index {
            check_distinct(&schemes[index], &schemes[other]);
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

/// Checks two schemes of one provider. They share a header and have different prefixes in it, so
/// the prefix alone decides which scheme applies. The sender chooses the prefix, so a signature of
/// one scheme must not be valid under the other.
const fn check_distinct(one: &Scheme, other: &Scheme) {
    assert!(!equal(one.name, other.name), "two schemes have the same name");
    assert!(
        same_names(one.signature.header, other.signature.header),
        "all schemes of a provider must have the same signature header"
    );
    let (Form::Prefixed(prefix), Form::Prefixed(other_prefix)) =
        (one.signature.form, other.signature.form)
    else {
        panic!("if a provider has several schemes, each must have a prefix (`Form::Prefixed`)");
    };
    assert!(!equal(prefix, other_prefix), "two schemes have the same prefix");
    assert!(
        one.signature.hash as u8 != other.signature.hash as u8
            || begin_apart(one.messages, other.messages),
        "if two schemes have the same hash, their messages must begin with texts, and no text of \
         one may be the start of one of the other"
    );
    if let (Some(one), Some(other)) = (one.time, other.time) {
        assert!(
            one.tolerance.as_secs() == other.tolerance.as_secs(),
            "all schemes of a provider must have the same tolerance"
        );
    }
}

/// Returns whether all messages begin with a text, and no such text of one scheme is the start of
/// one of the other scheme.
const fn begin_apart(one: &[Message], other: &[Message]) -> bool {
    let mut index = 0;
    while index < one.len() {
        let mut at = 0;
        while at < other.len() {
            let (Some(Piece::Text(text)), Some(Piece::Text(other_text))) =
                (one[index].before.first(), other[at].before.first())
            else {
                return false;
            };
            if starts_alike(text, other_text) {
                return false;
            }
            at += 1;
        }
        index += 1;
    }
    true
}

/// Returns whether one text is the start of the other.
const fn starts_alike(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

const fn scheme(scheme: &Scheme) {
    check_header_names(scheme.signature.header);
    if let Form::Prefixed(prefix) = scheme.signature.form {
        let bytes = prefix.as_bytes();
        assert!(
            bytes.len() > 1 && bytes[bytes.len() - 1] == b'=',
            "a prefix must end in `=`, and must not be `=` alone"
        );
    }
    if let Some(time) = scheme.time {
        match (time.source, scheme.signature.form) {
            (TimeSource::Header(names), _) => check_header_names(names),
            (TimeSource::Label(of_time), Form::Labelled { label, .. }) => {
                assert!(!equal(of_time, label), "the time and the signature have the same label");
            }
            (TimeSource::Label(_), Form::Bare | Form::Prefixed(_)) => {
                panic!("a time in the signature header needs labelled values (`Form::Labelled`)");
            }
        }
    }
    assert!(!scheme.messages.is_empty(), "a scheme must have at least one signed message");
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
    assert!(
        timestamps == wanted,
        "each message must sign the time exactly once if the scheme has one, and must not sign it \
         otherwise"
    );
    check_unambiguous(message);
    assert!(
        urls(message) == urls(&scheme.messages[0]),
        "either all messages of a scheme must sign the URL, or none"
    );
    if let Id::SignedHeader(names) = scheme.facts.id {
        assert!(
            has_header(message.before, names) || has_header(message.after, names),
            "the header of the id must be part of each signed message"
        );
    }
    assert!(
        same_part(message.body, scheme.messages[0].body),
        "either all messages of a scheme must cover the whole body, or all the same member"
    );
    if let Body::PythonFormOfMember(name, _) = message.body {
        check_member_name(name);
    }
}

/// Checks that signed text cannot move from one piece to another. The sender chooses the value of a
/// header. If nothing marked where it ends, an attacker could send a captured delivery again with
/// some of its signed text moved into or out of that header: as an event with a different id.
const fn check_unambiguous(message: &Message) {
    let headers = headers(message.before) + headers(message.after);
    assert!(
        headers <= 1,
        "a message must not sign several headers (`Piece::Header`): text could move between them"
    );
    let (before, after) = (message.before, message.after);
    assert!(
        is_set_off(before, false) && is_set_off(after, true),
        "a text with a character that is not a digit must separate a signed header from the time \
         and the body"
    );
}

/// Returns whether each header has only fixed pieces, or the end of the message, on both sides.
const fn is_set_off(pieces: &[Piece], body_is_first: bool) -> bool {
    let mut index = 0;
    while index < pieces.len() {
        if let Piece::Header(names) = pieces[index] {
            check_header_names(names);
            let starts = if index == 0 { !body_is_first } else { is_fixed(pieces[index - 1]) };
            let ends =
                if index + 1 == pieces.len() { body_is_first } else { is_fixed(pieces[index + 1]) };
            if !starts || !ends {
                return false;
            }
        }
        index += 1;
    }
    true
}

/// Returns whether the piece is out of the sender's control and cannot be mistaken for part of the
/// time.
const fn is_fixed(piece: Piece) -> bool {
    match piece {
        Piece::Text(text) => {
            let (bytes, mut index) = (text.as_bytes(), 0);
            while index < bytes.len() {
                if !bytes[index].is_ascii_digit() {
                    return true;
                }
                index += 1;
            }
            false
        }
        Piece::PublicUrl => true,
        Piece::Timestamp | Piece::Header(_) => false,
    }
}

const fn check_header_names(header: HeaderNames) {
    let mut index = 0;
    while index < header.len() {
        assert!(!header[index].is_empty(), "a header must have a name, and no name may be empty");
        index += 1;
    }
    assert!(!header.is_empty(), "a header must have a name, and no name may be empty");
}

/// Checks the name of a member. It is written into an event's data without escaping, and becomes
/// part of a pointer.
const fn check_member_name(name: &str) {
    let (bytes, mut index) = (name.as_bytes(), 0);
    while index < bytes.len() {
        assert!(
            matches!(bytes[index], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-'),
            "a member's name may have only ASCII letters, digits, `_` and `-`"
        );
        index += 1;
    }
}

const fn facts(scheme: &Scheme) {
    let facts = &scheme.facts;
    if let Id::Signed(pointers) = facts.id {
        check_pointers(pointers);
    }
    if let EventType::Signed(pointers) = facts.event_type {
        check_pointers(pointers);
    }
    if let EventType::Unsigned(place) = facts.event_type {
        check_unsigned(place, scheme);
    }
    check_pointers(facts.group);
    if let Some(challenge) = facts.challenge {
        check_pointers(&[challenge.kind, challenge.token]);
        check_member_name(challenge.answer);
        if let Some(member) = challenge.answer_mac {
            check_member_name(member);
        }
    }
    let mut index = 0;
    while index < facts.unsigned_members.len() {
        check_member_name(facts.unsigned_members[index]);
        if let Body::PythonFormOfMember(signed, _) = scheme.messages[0].body {
            assert!(
                !equal(facts.unsigned_members[index], signed),
                "the signed member must not be in `unsigned_members`"
            );
        }
        index += 1;
    }
    index = 0;
    while index < facts.delivery_id.len() {
        check_unsigned(facts.delivery_id[index], scheme);
        index += 1;
    }
    assert!(
        facts.unsigned_members.is_empty() || is_member(scheme.messages[0].body),
        "if the whole body is signed, `unsigned_members` must be empty"
    );
}

/// Checks a place that no signature covers. A member must be listed as unsigned. The signature
/// header cannot be a fact, because it would be logged.
const fn check_unsigned(place: Unsigned, scheme: &Scheme) {
    match place {
        Unsigned::Member(name) => {
            assert!(
                contains(scheme.facts.unsigned_members, name),
                "an unsigned member must be in `unsigned_members`"
            );
        }
        Unsigned::Header(name) => {
            assert!(
                !contains(scheme.signature.header, name),
                "the signature header must not be a fact of the event: it would be logged"
            );
        }
    }
}

const fn check_pointers(pointers: &[Pointer]) {
    let mut index = 0;
    while index < pointers.len() {
        let bytes = pointers[index].as_bytes();
        assert!(
            bytes.len() > 1 && bytes[0] == b'/',
            "a pointer must begin with `/` and name a member"
        );
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at] != b'~', "a pointer must not have escapes (`~`)");
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

const fn urls(message: &Message) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < message.before.len() + message.after.len() {
        let piece = if index < message.before.len() {
            message.before[index]
        } else {
            message.after[index - message.before.len()]
        };
        if let Piece::PublicUrl = piece {
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

const fn headers(pieces: &[Piece]) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < pieces.len() {
        if let Piece::Header(_) = pieces[index] {
            count += 1;
        }
        index += 1;
    }
    count
}

const fn is_member(body: Body) -> bool {
    matches!(body, Body::PythonFormOfMember(..))
}

const fn same_part(one: Body, other: Body) -> bool {
    match (one, other) {
        (Body::PythonFormOfMember(one, _), Body::PythonFormOfMember(other, _)) => equal(one, other),
        (Body::PythonFormOfMember(..), _) | (_, Body::PythonFormOfMember(..)) => false,
        (Body::Raw | Body::PythonForm(_), Body::Raw | Body::PythonForm(_)) => true,
    }
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
    one.len() == other.len() && starts_alike(one, other)
}
