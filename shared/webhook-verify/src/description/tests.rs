//! Each rule of `check.rs`, broken once. In a `const` the same panic is an error of the compiler.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::*;

const SIGNATURE: Signature = Signature {
    header: &["x-signature"],
    form: Form::Prefixed("v1="),
    encoding: Encoding::Hex,
    hash: Hash::Sha256,
};

const OTHER_HASH: Signature =
    Signature { form: Form::Prefixed("v2="), hash: Hash::Sha512, ..SIGNATURE };

/// Follows all rules.
const SOUND: Scheme = Scheme {
    name: "sound",
    documentation: "",
    signature: SIGNATURE,
    time: None,
    messages: &[Message::RAW_BODY],
    facts: Facts::NONE,
};

const LABELLED: Form = Form::Labelled { separator: ',', assign: '=', label: "v1" };
const ID: HeaderNames = &["x-id"];
const TIMED: &[Message] = &[Message { before: &[Piece::Timestamp], ..Message::RAW_BODY }];

const fn time(source: TimeSource) -> Time {
    Time { source, unit: TimeUnit::Seconds, tolerance: Duration::from_mins(5) }
}

const fn prefixed(name: &'static str, prefix: &'static str) -> Scheme {
    Scheme { name, signature: Signature { form: Form::Prefixed(prefix), ..SIGNATURE }, ..SOUND }
}

const fn member(name: &'static str) -> Message {
    Message { body: Body::PythonFormOfMember(name, PythonForm::Compact), ..Message::RAW_BODY }
}

/// The same with a text of its own before the body.
fn beginning(text: &'static str, scheme: &Scheme) -> Scheme {
    let before: &'static [Piece] = vec![Piece::Text(text)].leak();
    Scheme { messages: vec![Message { before, ..Message::RAW_BODY }].leak(), ..*scheme }
}

fn signing(messages: Vec<Message>) -> Scheme {
    Scheme { messages: messages.leak(), ..SOUND }
}

fn with_facts(facts: Facts) -> Vec<Scheme> {
    vec![Scheme { facts, ..SOUND }]
}

fn with_pieces(before: &'static [Piece], after: &'static [Piece]) -> Vec<Scheme> {
    let messages = vec![Message { before, body: Body::Raw, after }].leak();
    let is_timed = before.iter().chain(after).any(|piece| matches!(piece, Piece::Timestamp));
    let time = is_timed.then_some(time(TimeSource::Header(&["x-time"])));
    vec![Scheme { time, messages, ..SOUND }]
}

/// Returns what `Provider::new` says of a description, or `None` if it accepts it.
fn refusal(name: &'static str, schemes: Vec<Scheme>) -> Option<String> {
    let schemes = schemes.leak();
    let made = catch_unwind(AssertUnwindSafe(|| Provider::new(name, Key::Text, schemes)));
    made.err().map(|panic| (*panic.downcast_ref::<&str>().expect("a fixed message")).to_owned())
}

#[test]
fn a_description_that_breaks_no_rule_is_accepted() {
    let mut sound = vec![
        vec![SOUND],
        vec![
            beginning("v1:", &prefixed("sound-v1", "v1=")),
            beginning("v2:", &prefixed("sound-v2", "v2=")),
        ],
        vec![
            prefixed("sound-v1", "v1="),
            Scheme { signature: OTHER_HASH, ..prefixed("sound-v2", "v2=") },
        ],
        vec![signing(vec![member("payload"), member("payload")])],
        vec![Scheme {
            messages: TIMED,
            time: Some(time(TimeSource::Label("t"))),
            signature: Signature { form: LABELLED, ..SIGNATURE },
            ..SOUND
        }],
        with_pieces(&[Piece::Header(ID), Piece::PublicUrl], &[]),
        with_pieces(&[], &[Piece::Text("."), Piece::Header(ID)]),
        with_pieces(
            &[Piece::Text("v1"), Piece::Header(ID), Piece::Text("1."), Piece::Timestamp],
            &[],
        ),
    ];
    sound.extend(crate::catalogue::CATALOGUE.iter().map(|entry| entry.schemes().to_vec()));
    for schemes in sound {
        assert_eq!(refusal("sound", schemes.clone()), None, "{schemes:?}");
    }
}

#[test]
fn a_name_is_short_lower_case_and_safe_in_a_path() {
    let expected = "a provider's name is at most 32 lower-case letters, digits and hyphens";
    for name in [
        "",
        "A",
        "a b",
        "a_b",
        "a/b",
        "é",
        "-a",
        "a-",
        "1a",
        "a.b",
        "abcdefghijklmnopqrstuvwxyzabcdefg",
    ] {
        assert_eq!(refusal(name, vec![SOUND]).as_deref(), Some(expected), "{name}");
    }
    for name in ["a", "a1", "a-1", "a--b", "abcdefghijklmnopqrstuvwxyzabcdef"] {
        assert_eq!(refusal(name, vec![SOUND]), None, "{name}");
    }
    let expected = "a scheme's name is at most 32 lower-case letters, digits and hyphens";
    assert_eq!(refusal("flawed", vec![Scheme { name: "a,b", ..SOUND }]).as_deref(), Some(expected));
}

#[test]
fn several_schemes_have_one_header_and_are_told_apart_by_their_prefixes() {
    let other_header =
        Signature { header: &["x-signature", "x-other"], form: Form::Prefixed("v2="), ..SIGNATURE };
    let bare = Signature { form: Form::Bare, ..SIGNATURE };
    let apart = "schemes of one hash sign messages that begin with different texts";
    let timed = |name, prefix, tolerance| {
        let before: &'static [Piece] = vec![Piece::Text(name), Piece::Timestamp].leak();
        let messages: &'static [Message] = vec![Message { before, ..Message::RAW_BODY }].leak();
        let time = Some(Time { tolerance, ..time(TimeSource::Header(&["x-time"])) });
        Scheme { time, messages, ..prefixed(name, prefix) }
    };
    let (short, long) = (Duration::from_mins(5), Duration::from_hours(24));
    for (expected, schemes) in [
        ("a provider has a scheme", vec![]),
        (apart, vec![prefixed("a", "v1="), prefixed("b", "v2=")]),
        (apart, vec![beginning("v1:", &prefixed("a", "v1=")), prefixed("b", "v2=")]),
        (
            apart,
            vec![beginning("v1", &prefixed("a", "v1=")), beginning("v1:", &prefixed("b", "v2="))],
        ),
        (
            "schemes of one provider have one tolerance",
            vec![timed("a", "v1=", short), timed("b", "v2=", long)],
        ),
        ("two schemes have the same name", vec![prefixed("a", "v1="), prefixed("a", "v2=")]),
        (
            "schemes of one provider have one header",
            vec![SOUND, Scheme { name: "other", signature: other_header, ..SOUND }],
        ),
        (
            "a prefix tells several schemes apart",
            vec![SOUND, Scheme { name: "other", signature: bare, ..SOUND }],
        ),
        ("two schemes have the same prefix", vec![prefixed("a", "v1="), prefixed("b", "v1=")]),
    ] {
        assert_eq!(refusal("flawed", schemes).as_deref(), Some(expected));
    }
}

#[test]
fn a_signature_and_its_time_are_found_in_one_way() {
    let labelled = Signature { form: LABELLED, ..SIGNATURE };
    let nowhere = Signature { header: &[], ..SIGNATURE };
    let unnamed = Signature { header: &["x-signature", ""], ..SIGNATURE };
    for (expected, scheme) in [
        ("a header has a name", Scheme { signature: nowhere, ..SOUND }),
        ("a header has a name", Scheme { signature: unnamed, ..SOUND }),
        (
            "a header has a name",
            Scheme { time: Some(time(TimeSource::Header(&[]))), messages: TIMED, ..SOUND },
        ),
        ("a prefix ends in `=`", prefixed("flawed", "v1")),
        ("a prefix ends in `=`", prefixed("flawed", "=")),
        ("a prefix ends in `=`", prefixed("flawed", "")),
        (
            "only labelled values can have a time among them",
            Scheme { time: Some(time(TimeSource::Label("t"))), messages: TIMED, ..SOUND },
        ),
        (
            "the time and the signature have the same label",
            Scheme {
                signature: labelled,
                time: Some(time(TimeSource::Label("v1"))),
                messages: TIMED,
                ..SOUND
            },
        ),
    ] {
        assert_eq!(refusal("flawed", vec![scheme]).as_deref(), Some(expected));
    }
}

#[test]
fn what_is_checked_is_signed_and_the_body_is() {
    let header = Some(time(TimeSource::Header(&["x-time"])));
    let of_time = "a time is signed once if it is checked, and checked if it is signed";
    let of_part = "each message covers the whole body, or each covers the same member";
    let twice =
        &[Message { before: &[Piece::Timestamp], body: Body::Raw, after: &[Piece::Timestamp] }];
    let once_in_two = vec![TIMED[0], Message::RAW_BODY];
    for (expected, scheme) in [
        ("something is signed", signing(vec![])),
        (of_time, Scheme { time: header, ..SOUND }),
        (of_time, Scheme { messages: TIMED, ..SOUND }),
        (of_time, Scheme { time: header, messages: twice, ..SOUND }),
        (of_time, Scheme { time: header, ..signing(once_in_two) }),
        (of_part, signing(vec![Message::RAW_BODY, member("payload")])),
        (of_part, signing(vec![member("payload"), Message::RAW_BODY])),
        (of_part, signing(vec![member("payload"), member("other")])),
        (
            "each message signs the URL, or none does",
            signing(vec![
                Message { before: &[Piece::PublicUrl], ..Message::RAW_BODY },
                Message::RAW_BODY,
            ]),
        ),
    ] {
        assert_eq!(refusal("flawed", vec![scheme]).as_deref(), Some(expected));
    }
}

#[test]
fn a_signed_header_is_set_off_so_that_no_text_can_move_into_it() {
    const HEADER: Piece = Piece::Header(ID);
    const DOT: Piece = Piece::Text(".");
    let set_off = "a text with a character that is not a digit sets a signed header off from the time and the body";
    let one = "one header at most is signed beside the time: text could move between two";
    for (expected, schemes) in [
        (set_off, with_pieces(&[HEADER], &[])),
        (set_off, with_pieces(&[], &[HEADER])),
        (set_off, with_pieces(&[HEADER, Piece::Timestamp, DOT], &[])),
        (set_off, with_pieces(&[Piece::Timestamp, HEADER, DOT], &[])),
        (set_off, with_pieces(&[HEADER, Piece::Text(""), Piece::Timestamp], &[])),
        (set_off, with_pieces(&[HEADER, Piece::Text("10"), Piece::Timestamp], &[])),
        (one, with_pieces(&[HEADER, DOT, Piece::Header(&["x-other"]), DOT], &[])),
        (one, with_pieces(&[HEADER, DOT], &[DOT, HEADER])),
        ("a header has a name", with_pieces(&[Piece::Header(&[]), DOT], &[])),
    ] {
        assert_eq!(refusal("flawed", schemes).as_deref(), Some(expected));
    }
    let facts = Facts { id: Id::SignedHeader(ID), ..Facts::NONE };
    let other = &[Message { before: &[Piece::Header(&["x-other"]), DOT], ..Message::RAW_BODY }];
    for messages in [SOUND.messages, other] {
        let refused = refusal("flawed", vec![Scheme { messages, facts, ..SOUND }]);
        assert_eq!(refused.as_deref(), Some("the header of the id is not signed"));
    }
}

#[test]
fn facts_come_from_members_that_have_a_name_and_listed_unsigned_ones() {
    const CHALLENGE: Challenge =
        Challenge { kind: "/type", is: "ping", token: "/token", answer: "token", answer_mac: None };
    let none = Facts::NONE;
    let start = "a pointer begins with `/` and names a member";
    let escape = "a pointer has no escapes";
    let unlisted = "the member is not among the unsigned ones";
    let name = "a member's name has only letters, digits, `_` and `-`";
    let unsigned = EventType::Unsigned(Unsigned::Member("event"));
    for (expected, facts) in [
        (start, Facts { id: Id::Signed(&["/a", "id"]), ..none }),
        (start, Facts { event_type: EventType::Signed(&[""]), ..none }),
        (start, Facts { group: &["/"], ..none }),
        (start, Facts { challenge: Some(Challenge { kind: "type", ..CHALLENGE }), ..none }),
        (start, Facts { challenge: Some(Challenge { token: "", ..CHALLENGE }), ..none }),
        (escape, Facts { id: Id::Signed(&["/a~1b"]), ..none }),
        (unlisted, Facts { event_type: unsigned, ..none }),
        (unlisted, Facts { event_type: unsigned, unsigned_members: &["events"], ..none }),
        (unlisted, Facts { delivery_id: &[Unsigned::Header("x"), Unsigned::Member("id")], ..none }),
        (
            "a body that is signed has no unsigned members",
            Facts { unsigned_members: &["event"], ..none },
        ),
        (name, Facts { unsigned_members: &["a/b"], ..none }),
        (name, Facts { challenge: Some(Challenge { answer: "a\"", ..CHALLENGE }), ..none }),
        (name, Facts { challenge: Some(Challenge { answer_mac: Some("é"), ..CHALLENGE }), ..none }),
    ] {
        assert_eq!(refusal("flawed", with_facts(facts)).as_deref(), Some(expected));
    }
    assert_eq!(refusal("flawed", with_facts(Facts { challenge: Some(CHALLENGE), ..none })), None);
    let signature = Facts { delivery_id: &[Unsigned::Header("x-signature")], ..none };
    assert_eq!(
        refusal("flawed", with_facts(signature)).as_deref(),
        Some("the signature is not a fact of the event")
    );
    let twice = Facts { unsigned_members: &["payload"], ..none };
    let twice = vec![Scheme { facts: twice, ..signing(vec![member("payload")]) }];
    assert_eq!(refusal("flawed", twice).as_deref(), Some("the signed member is not unsigned"));
    let quoted = vec![signing(vec![member("a\"")])];
    assert_eq!(refusal("flawed", quoted).as_deref(), Some(name));
}
