//! Describes, as data, how a provider signs and what its events mean. One interpreter verifies and
//! signs by these descriptions.
//!
//! A description cannot weaken a promise: an unsafe one does not compile. The body is part of the
//! signed message exactly once, because a [`Message`] has one field for it. Only a signed time has
//! a tolerance, because the tolerance is part of [`Time`]. [`Provider::new`] checks the rest at
//! compile time. None of the following compiles. A message without the body:
//!
//! ```compile_fail,E0063
//! use webhook_verify::description::Message;
//! // The body is not signed.
//! const MESSAGE: Message = Message { before: &[], after: &[] };
//! ```
//!
//! A message with the body twice:
//!
//! ```compile_fail,E0062
//! use webhook_verify::description::{Body, Message};
//! // The body is signed twice.
//! const MESSAGE: Message = Message { before: &[], body: Body::Raw, body: Body::Raw, after: &[] };
//! ```
//!
//! A tolerance without a time:
//!
//! ```compile_fail,E0063
//! use std::time::Duration;
//! use webhook_verify::description::Time;
//! // A tolerance, but no time.
//! const TIME: Time = Time { tolerance: Duration::from_mins(5) };
//! ```
//!
//! A time that is checked but not signed:
//!
//! ```compile_fail,E0080
//! use webhook_verify::{Provider, Scheme, catalogue, description::Message};
//! // Slack's time is checked, but not signed.
//! const FLAWED: Scheme =
//!     Scheme { messages: &[Message::RAW_BODY], ..catalogue::SLACK.schemes()[0] };
//! const PROVIDER: &Provider = &Provider::new("flawed", catalogue::SLACK.key(), &[FLAWED]);
//! ```
//!
//! An id from an unsigned header:
//!
//! ```compile_fail,E0080
//! use webhook_verify::{Provider, Scheme, catalogue, description::{Facts, Id}};
//! // GitHub does not sign the id of a delivery.
//! const GITHUB: Scheme = catalogue::GITHUB.schemes()[0];
//! const FACTS: Facts = Facts { id: Id::SignedHeader(&["x-github-delivery"]), ..GITHUB.facts };
//! const FLAWED: Scheme = Scheme { facts: FACTS, ..GITHUB };
//! const PROVIDER: &Provider = &Provider::new("flawed", catalogue::GITHUB.key(), &[FLAWED]);
//! ```

mod check;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use crate::{
    event::EventKind,
    json::{NotAnObject, PythonForm},
};

pub use crate::secret::Key;

/// A provider of webhooks: its name, how its secret is written, and the schemes of its signatures.
#[derive(Clone, Copy)]
pub struct Provider {
    name: &'static str,
    key: Key,
    schemes: &'static [Scheme],
    also_sends: &'static [(&'static str, &'static str)],
}

impl Provider {
    /// Makes a provider from its description. In a `const`, a description that breaks a rule does
    /// not compile.
    ///
    /// # Panics
    /// Panics if the description breaks one of the rules in `check.rs`.
    #[must_use]
    pub const fn new(name: &'static str, key: Key, schemes: &'static [Scheme]) -> Self {
        check::provider(name, schemes);
        Self { name, key, schemes, also_sends: &[] }
    }

    /// Makes a provider without checking its description, so that tests can show what each flaw
    /// leads to.
    #[cfg(test)]
    pub(crate) const fn unchecked(
        name: &'static str,
        key: Key,
        schemes: &'static [Scheme],
    ) -> Self {
        Self { name, key, schemes, also_sends: &[] }
    }

    /// Adds headers that the provider also sends. Verification ignores them; samples and tools send
    /// them.
    #[must_use]
    pub const fn also_sends(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { also_sends: headers, ..self }
    }

    /// Returns the provider's name in paths (`/webhooks/<name>`), keys, messages and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns how the provider's signing secret is written.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Returns the schemes that the provider may sign with, at least one. If there are several, a
    /// prefix in the signature header tells them apart.
    #[must_use]
    pub const fn schemes(&self) -> &'static [Scheme] {
        self.schemes
    }

    /// Returns the headers that [`Self::also_sends`] added, such as a user agent.
    #[must_use]
    pub const fn other_headers(&self) -> &'static [(&'static str, &'static str)] {
        self.also_sends
    }

    /// Returns the scheme with this name. `name` may leave out the provider's name and the hyphen
    /// after it: `v2` for `acme-v2`.
    #[must_use]
    pub fn scheme(&self, name: &str) -> Option<&'static Scheme> {
        self.schemes.iter().find(|scheme| {
            let short = scheme.name.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('-'));
            scheme.name == name || short == Some(name)
        })
    }

    /// Returns the tolerance for a signed time in the past, or `None` if no scheme signs a time.
    /// All schemes of a provider have the same tolerance.
    #[must_use]
    pub fn tolerance(&self) -> Option<Duration> {
        self.schemes.iter().find_map(|scheme| Some(scheme.time?.tolerance))
    }

    /// Returns whether a scheme signs the URL that the receiver is registered under.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.schemes.iter().any(Scheme::signs_url)
    }
}

/// Shows only the name.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.name)
    }
}

/// One way of signing, and where events signed this way have their facts.
#[derive(Clone, Copy)]
pub struct Scheme {
    /// The scheme's name in messages, logs and the configuration.
    pub name: &'static str,
    /// The page on which the provider documents the scheme.
    pub documentation: &'static str,
    /// The header that carries the signature.
    pub signature: Signature,
    /// The signed time, if there is one.
    pub time: Option<Time>,
    /// The messages that the MAC may cover. If there are several, it is enough that one verifies.
    pub messages: &'static [Message],
    /// Where an event has its facts.
    pub facts: Facts,
}

impl Scheme {
    /// Returns whether the signature covers the URL that the receiver is registered under.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.pieces().any(|piece| matches!(piece, Piece::PublicUrl))
    }

    /// Returns the headers that are part of the signed message, without the header of the time.
    pub fn signed_headers(&self) -> impl Iterator<Item = HeaderNames> {
        self.pieces()
            .filter_map(|piece| if let Piece::Header(names) = piece { Some(names) } else { None })
    }

    /// Returns the texts in the signed messages. They separate a signed header from the time and
    /// the body.
    pub(crate) fn separators(&self) -> impl Iterator<Item = &'static str> {
        self.pieces()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None })
    }

    /// Returns the name of the signed member, if the signature covers only one member of the body.
    #[must_use]
    pub fn signed_member(&self) -> Option<&'static str> {
        self.messages.iter().find_map(|message| match message.body {
            Body::PythonFormOfMember(name, _) => Some(name),
            Body::Raw | Body::PythonForm(_) => None,
        })
    }

    fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.messages.iter().flat_map(|message| message.before.iter().chain(message.after)).copied()
    }
}

/// Two schemes are equal if they have the same name.
impl PartialEq for Scheme {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Scheme {}

/// Shows only the name.
impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scheme({})", self.name)
    }
}

/// The names that one header may have, in lower case. A delivery must have exactly one header with
/// one of these names. A signer uses the first.
pub type HeaderNames = &'static [&'static str];

/// A pointer to a member, such as `/payload/account_id`: a JSON pointer (RFC 6901) without escapes.
pub type Pointer = &'static str;

/// The header that carries the signature, and how the signature is written in it.
#[derive(Clone, Copy)]
pub struct Signature {
    /// The header.
    pub header: HeaderNames,
    /// How the signature is laid out in the header.
    pub form: Form,
    /// How the bytes of the signature are encoded.
    pub encoding: Encoding,
    /// The hash of the HMAC.
    pub hash: Hash,
}

/// The layout of the signature header.
#[derive(Clone, Copy)]
pub enum Form {
    /// The signature alone.
    Bare,
    /// This prefix, which ends in `=`, and the signature: `sha256=<signature>`.
    Prefixed(&'static str),
    /// Labelled values, in any order: `t=<time>,v1=<signature>,v1=<signature>`. Values with any
    /// other label are ignored.
    Labelled {
        /// The character between two values.
        separator: char,
        /// The character between a label and its value.
        assign: char,
        /// The label of a signature.
        label: &'static str,
    },
}

/// How the bytes of a signature are encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64 in the standard alphabet, padded.
    Base64,
    /// Base64 in the alphabet for URLs, without padding.
    Base64Url,
}

/// The hash of the HMAC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-1, in 20 bytes.
    Sha1,
    /// SHA-256, in 32 bytes.
    Sha256,
    /// SHA-512, in 64 bytes.
    Sha512,
}

/// A time that the signature covers.
#[derive(Clone, Copy)]
pub struct Time {
    /// Where it is sent.
    pub source: TimeSource,
    /// Its unit.
    pub unit: TimeUnit,
    /// How far in the past the time may be, unless an operator sets another tolerance. For the
    /// future, the tolerance is always [`FUTURE_TOLERANCE`](crate::FUTURE_TOLERANCE).
    pub tolerance: Duration,
}

/// Where a signed time is sent.
#[derive(Clone, Copy)]
pub enum TimeSource {
    /// In a header of its own.
    Header(HeaderNames),
    /// In the signature header, under this label.
    Label(&'static str),
}

/// The unit of a time. A time is a whole number, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// A message that a MAC covers: the body or a part of it, with pieces before and after.
#[derive(Clone, Copy)]
pub struct Message {
    /// The pieces before the body.
    pub before: &'static [Piece],
    /// Which part of the body is signed, and in which form.
    pub body: Body,
    /// The pieces after the body.
    pub after: &'static [Piece],
}

impl Message {
    /// The body as it is sent, and nothing else.
    pub const RAW_BODY: Self = Self { before: &[], body: Body::Raw, after: &[] };
}

/// A piece of the signed message other than the body.
#[derive(Clone, Copy)]
pub enum Piece {
    /// This text.
    Text(&'static str),
    /// The signed time, character for character as it is sent.
    Timestamp,
    /// The value of a header. A message has at most one, and a text or the URL separates it from
    /// the time and the body: see `check_unambiguous` in `check.rs`.
    Header(HeaderNames),
    /// The URL that the receiver is registered under. It comes from the configuration, because the
    /// sender chooses the `Host` header.
    PublicUrl,
}

/// Which part of the body is signed, and in which form.
#[derive(Clone, Copy)]
pub enum Body {
    /// Its bytes as they are sent.
    Raw,
    /// Its Python form, as [`python_form`](crate::json::python_form) returns it.
    PythonForm(PythonForm),
    /// The Python form of one of its members. Nothing else in the body is then proven.
    PythonFormOfMember(&'static str, PythonForm),
}

/// Where an event has its facts. Pointers are resolved in the signed part of the body.
#[derive(Clone, Copy)]
pub struct Facts {
    /// The event's id.
    pub id: Id,
    /// The event's name.
    pub event_type: EventType,
    /// What the event is about: the text at the first pointer that leads to one. Without one, each
    /// event is a group of its own.
    pub group: &'static [Pointer],
    /// Where the delivery's id may be. The first place that has one is used. No signature covers
    /// it, so it is recorded and compared, but never trusted.
    pub delivery_id: &'static [Unsigned],
    /// Members of the body that are queued together with a signed member, although no signature
    /// covers them.
    pub unsigned_members: &'static [&'static str],
    /// How to recognise and answer a delivery without an event, with which the provider asks
    /// whether the receiver is alive.
    pub challenge: Option<Challenge>,
}

impl Facts {
    /// No facts: an event is identified by the hash of its body, and its type is `unknown`.
    pub const NONE: Self = Self {
        id: Id::HashOfBody,
        event_type: EventType::Signed(&[]),
        group: &[],
        delivery_id: &[],
        unsigned_members: &[],
        challenge: None,
    };
}

/// Where the id of an event is found. Deliveries with the same id are the same event.
#[derive(Clone, Copy)]
pub enum Id {
    /// No id: an event is identified by the hash of the signed part of its body.
    HashOfBody,
    /// The text at the first pointer that leads to one; without one, as [`Id::HashOfBody`].
    Signed(&'static [Pointer]),
    /// A header that the signature covers; if it is empty or not text, as [`Id::HashOfBody`].
    SignedHeader(HeaderNames),
}

/// Where the name of an event is found.
#[derive(Clone, Copy)]
pub enum EventType {
    /// The text at the first pointer that leads to one.
    Signed(&'static [Pointer]),
    /// A place that no signature covers. The event then lists `type` among its unsigned fields.
    Unsigned(Unsigned),
    /// The delivery does not name it: this function derives it from the signed bytes.
    Derived(fn(&[u8]) -> Result<EventKind, NotAnObject>),
}

/// A place that no signature covers.
#[derive(Clone, Copy)]
pub enum Unsigned {
    /// A header.
    Header(&'static str),
    /// One of the [`Facts::unsigned_members`].
    Member(&'static str),
}

/// A signed delivery that is answered and not queued. A delivery is a challenge if the text at
/// `kind` equals `is`, and there is a token.
#[derive(Clone, Copy)]
pub struct Challenge {
    /// The pointer to the text that tells a challenge from an event.
    pub kind: Pointer,
    /// The value of that text in a challenge.
    pub is: &'static str,
    /// The pointer to the token, a text of at most [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES).
    pub token: Pointer,
    /// The member of the answer that has the token.
    pub answer: &'static str,
    /// The member of the answer that has the token's HMAC-SHA256 under the signing secret, in hex.
    pub answer_mac: Option<&'static str>,
}
