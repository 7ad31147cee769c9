//! Breaks each rule of `check.rs`. In a `const`, the same panic is a compile error.

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

/// A scheme that follows all rules.
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
const DOT: Piece = Piece::Text(".");
const TIMED: &[Message] = &[Message { before: &[Piece::Timestamp], ..Message::RAW_BODY }];

const CHALLENGE: Challenge =
    Challenge { kind: "/type", is: "ping", token: "/token", answer: "token", answer_mac: None };

const fn time(source: TimeSource) -> Time {
    Time { source, unit: TimeUnit::Seconds, tolerance: Duration::from_mins(5) }
}

const fn prefixed(name: &'static str, prefix: &'static str) -> Scheme {
    Scheme { name, signature: Signature { form: Form::Prefixed(prefix), ..SIGNATURE }, ..SOUND }
}

const fn member(name: &'static str) -> Message {
    Message { body: Body::PythonFormOfMember(name, PythonForm::Compact), ..Message::RAW_BODY }
}

/// Returns the scheme with this text before the body.
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
    let expected = "a provider's name must be 1 to 32 lower-case letters, digits and hyphens, \
                    begin with a letter, and not end in a hyphen";
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
    let expected = "a scheme's name must be 1 to 32 lower-case letters, digits and hyphens, \
                    begin with a letter, and not end in a hyphen";
    assert_eq!(refusal("flawed", vec![Scheme { name: "a,b", ..SOUND }]).as_deref(), Some(expected));
}

#[test]
fn schemes_that_do_not_go_together_are_refused() {
    let other_header =
        Signature { header: &["x-signature", "x-other"], form: Form::Prefixed("v2="), ..SIGNATURE };
    let bare = Signature { form: Form::Bare, ..SIGNATURE };
    let apart = "if two schemes have the same hash, their messages must begin with texts, and no \
                 text of one may be the start of one of the other";
    let timed = |name, prefix, tolerance| {
        let before: &'static [Piece] = vec![Piece::Text(name), Piece::Timestamp].leak();
        let messages: &'static [Message] = vec![Message { before, ..Message::RAW_BODY }].leak();
        let time = Some(Time { tolerance, ..time(TimeSource::Header(&["x-time"])) });
        Scheme { time, messages, ..prefixed(name, prefix) }
    };
    let (short, long) = (Duration::from_mins(5), Duration::from_hours(24));
    for (expected, schemes) in [
        ("a provider must have at least one scheme", vec![]),
        (apart, vec![prefixed("a", "v1="), prefixed("b", "v2=")]),
        (apart, vec![beginning("v1:", &prefixed("a", "v1=")), prefixed("b", "v2=")]),
        (
            apart,
            vec![beginning("v1", &prefixed("a", "v1=")), beginning("v1:", &prefixed("b", "v2="))],
        ),
        (
            apart,
            vec![beginning("v1:", &prefixed("a", "v1=")), beginning("v1", &prefixed("b", "v2="))],
        ),
        (
            "all schemes of a provider must have the same tolerance",
            vec![timed("a", "v1=", short), timed("b", "v2=", long)],
        ),
        ("two schemes have the same name", vec![prefixed("a", "v1="), prefixed("a", "v2=")]),
        (
            "all schemes of a provider must have the same signature header",
            vec![SOUND, Scheme { name: "other", signature: other_header, ..SOUND }],
        ),
        (
            "all schemes of a provider must have the same signature header",
            vec![Scheme { name: "other", signature: other_header, ..SOUND }, SOUND],
        ),
        (
            "if a provider has several schemes, each must have a prefix (`Form::Prefixed`)",
            vec![SOUND, Scheme { name: "other", signature: bare, ..SOUND }],
        ),
        ("two schemes have the same prefix", vec![prefixed("a", "v1="), prefixed("b", "v1=")]),
    ] {
        assert_eq!(refusal("flawed", schemes).as_deref(), Some(expected));
    }
}

#[test]
fn a_signature_and_its_time_must_have_one_place_each() {
    let labelled = Signature { form: LABELLED, ..SIGNATURE };
    let nowhere = Signature { header: &[], ..SIGNATURE };
    let unnamed = Signature { header: &["x-signature", ""], ..SIGNATURE };
    for (expected, scheme) in [
        (
            "a header must have a name, and no name may be empty",
            Scheme { signature: nowhere, ..SOUND },
        ),
        (
            "a header must have a name, and no name may be empty",
            Scheme { signature: unnamed, ..SOUND },
        ),
        (
            "a header must have a name, and no name may be empty",
            Scheme { time: Some(time(TimeSource::Header(&[]))), messages: TIMED, ..SOUND },
        ),
        ("a prefix must end in `=`, and must not be `=` alone", prefixed("flawed", "v1")),
        ("a prefix must end in `=`, and must not be `=` alone", prefixed("flawed", "=")),
        ("a prefix must end in `=`, and must not be `=` alone", prefixed("flawed", "")),
        (
            "a time in the signature header needs labelled values (`Form::Labelled`)",
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
fn each_message_must_sign_the_body_and_the_time_that_is_checked() {
    let header = Some(time(TimeSource::Header(&["x-time"])));
    let of_time = "each message must sign the time exactly once if the scheme has one, and must \
                   not sign it otherwise";
    let of_part = "either all messages of a scheme must cover the whole body, or all the same \
                   member";
    let twice =
        &[Message { before: &[Piece::Timestamp], body: Body::Raw, after: &[Piece::Timestamp] }];
    let once_in_two = vec![TIMED[0], Message::RAW_BODY];
    for (expected, scheme) in [
        ("a scheme must have at least one signed message", signing(vec![])),
        (of_time, Scheme { time: header, ..SOUND }),
        (of_time, Scheme { messages: TIMED, ..SOUND }),
        (of_time, Scheme { time: header, messages: twice, ..SOUND }),
        (of_time, Scheme { time: header, ..signing(once_in_two) }),
        (of_part, signing(vec![Message::RAW_BODY, member("payload")])),
        (of_part, signing(vec![member("payload"), Message::RAW_BODY])),
        (of_part, signing(vec![member("payload"), member("other")])),
        (
            "either all messages of a scheme must sign the URL, or none",
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
fn a_signed_header_must_be_separated_from_the_time_and_the_body() {
    const HEADER: Piece = Piece::Header(ID);
    let set_off = "a text with a character that is not a digit must separate a signed header from \
                   the time and the body";
    let one = "a message must not sign several headers (`Piece::Header`): text could move \
               between them";
    for (expected, schemes) in [
        (set_off, with_pieces(&[HEADER], &[])),
        (set_off, with_pieces(&[], &[HEADER])),
        (set_off, with_pieces(&[HEADER, Piece::Timestamp, DOT], &[])),
        (set_off, with_pieces(&[Piece::Timestamp, HEADER, DOT], &[])),
        (set_off, with_pieces(&[HEADER, Piece::Text(""), Piece::Timestamp], &[])),
        (set_off, with_pieces(&[HEADER, Piece::Text("10"), Piece::Timestamp], &[])),
        (one, with_pieces(&[HEADER, DOT, Piece::Header(&["x-other"]), DOT], &[])),
        (one, with_pieces(&[HEADER, DOT], &[DOT, HEADER])),
        (
            "a header must have a name, and no name may be empty",
            with_pieces(&[Piece::Header(&[]), DOT], &[]),
        ),
    ] {
        assert_eq!(refusal("flawed", schemes).as_deref(), Some(expected));
    }
}

#[test]
fn the_header_of_an_id_must_be_signed() {
    let facts = Facts { id: Id::SignedHeader(ID), ..Facts::NONE };
    let other = &[Message { before: &[Piece::Header(&["x-other"]), DOT], ..Message::RAW_BODY }];
    for messages in [SOUND.messages, other] {
        let refused = refusal("flawed", vec![Scheme { messages, facts, ..SOUND }]);
        let expected = "the header of the id must be part of each signed message";
        assert_eq!(refused.as_deref(), Some(expected));
    }
}

#[test]
fn pointers_must_name_a_member_without_escapes() {
    let none = Facts::NONE;
    let start = "a pointer must begin with `/` and name a member";
    let escape = "a pointer must not have escapes (`~`)";
    for (expected, facts) in [
        (start, Facts { id: Id::Signed(&["/a", "id"]), ..none }),
        (start, Facts { event_type: EventType::Signed(&[""]), ..none }),
        (start, Facts { group: &["/"], ..none }),
        (start, Facts { challenge: Some(Challenge { kind: "type", ..CHALLENGE }), ..none }),
        (start, Facts { challenge: Some(Challenge { token: "", ..CHALLENGE }), ..none }),
        (escape, Facts { id: Id::Signed(&["/a~1b"]), ..none }),
    ] {
        assert_eq!(refusal("flawed", with_facts(facts)).as_deref(), Some(expected));
    }
    assert_eq!(refusal("flawed", with_facts(Facts { challenge: Some(CHALLENGE), ..none })), None);
}

#[test]
fn unsigned_facts_must_be_listed_and_must_not_be_signed() {
    let none = Facts::NONE;
    let unsigned = EventType::Unsigned(Unsigned::Member("event"));
    let unlisted = "an unsigned member must be in `unsigned_members`";
    let signature = "the signature header must not be a fact of the event: it would be logged";
    let whole_body = "if the whole body is signed, `unsigned_members` must be empty";
    for (expected, facts) in [
        (unlisted, Facts { event_type: unsigned, ..none }),
        (unlisted, Facts { event_type: unsigned, unsigned_members: &["events"], ..none }),
        (unlisted, Facts { delivery_id: &[Unsigned::Header("x"), Unsigned::Member("id")], ..none }),
        (signature, Facts { delivery_id: &[Unsigned::Header("x-signature")], ..none }),
        (whole_body, Facts { unsigned_members: &["event"], ..none }),
    ] {
        assert_eq!(refusal("flawed", with_facts(facts)).as_deref(), Some(expected));
    }
    let twice = Facts { unsigned_members: &["payload"], ..none };
    let twice = vec![Scheme { facts: twice, ..signing(vec![member("payload")]) }];
    let expected = "the signed member must not be in `unsigned_members`";
    assert_eq!(refusal("flawed", twice).as_deref(), Some(expected));
}

#[test]
fn names_of_members_must_need_no_escapes() {
    let expected = Some("a member's name may have only ASCII letters, digits, `_` and `-`");
    let none = Facts::NONE;
    for facts in [
        Facts { unsigned_members: &["a/b"], ..none },
        Facts { challenge: Some(Challenge { answer: "a\"", ..CHALLENGE }), ..none },
        Facts { challenge: Some(Challenge { answer_mac: Some("é"), ..CHALLENGE }), ..none },
    ] {
        assert_eq!(refusal("flawed", with_facts(facts)).as_deref(), expected);
    }
    let quoted = vec![signing(vec![member("a\"")])];
    assert_eq!(refusal("flawed", quoted).as_deref(), expected);
}

#[test]
fn a_provider_keeps_the_other_headers_that_it_sends() {
    const HEADERS: &[(&str, &str)] = &[("user-agent", "acme/1")];
    let provider = Provider::unchecked("acme", Key::Text, &[SOUND]);
    assert!(provider.other_headers().is_empty());
    assert_eq!(provider.also_sends(HEADERS).other_headers(), HEADERS);
}

#[test]
fn a_provider_signs_the_url_if_one_of_its_schemes_does() {
    const WITH_URL: Scheme = Scheme {
        messages: &[Message { before: &[Piece::PublicUrl], ..Message::RAW_BODY }],
        ..SOUND
    };
    assert!(!Provider::unchecked("acme", Key::Text, &[SOUND]).signs_url());
    assert!(Provider::unchecked("acme", Key::Text, &[SOUND, WITH_URL]).signs_url());
}

#[test]
fn schemes_are_equal_if_they_have_the_same_name() {
    assert_eq!(SOUND, prefixed("sound", "v3="));
    assert_ne!(SOUND, prefixed("other", "v1="));
}

#[test]
fn providers_and_schemes_are_shown_by_their_names() {
    let provider = Provider::unchecked("acme", Key::Text, &[SOUND]);
    assert_eq!(format!("{provider:?} {SOUND:?}"), "Provider(acme) Scheme(sound)");
}
