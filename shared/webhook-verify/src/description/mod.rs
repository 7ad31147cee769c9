//! How a provider signs and what its events mean, as data. One interpreter verifies and signs by it.
//!
//! A description cannot weaken a promise: what would be unsafe does not compile. The body is part of
//! the signed message exactly once, because a [`Message`] has one field for it; only a signed time
//! has a tolerance, because the tolerance is part of [`Time`]. [`Provider::new`] checks the rest
//! while it is compiled. None of these compiles: a message without the body,
//!
//! ```compile_fail,E0063
//! use webhook_verify::description::Message;
//! // The body is not signed.
//! const MESSAGE: Message = Message { before: &[], after: &[] };
//! ```
//!
//! a message with the body twice,
//!
//! ```compile_fail,E0062
//! use webhook_verify::description::{Body, Message};
//! // The body is signed twice.
//! const MESSAGE: Message = Message { before: &[], body: Body::Raw, body: Body::Raw, after: &[] };
//! ```
//!
//! a tolerance without a time,
//!
//! ```compile_fail,E0063
//! use std::time::Duration;
//! use webhook_verify::description::Time;
//! // A tolerance, but no time.
//! const TIME: Time = Time { tolerance: Duration::from_mins(5) };
//! ```
//!
//! a time that is checked and not signed,
//!
//! ```compile_fail,E0080
//! use webhook_verify::{Provider, Scheme, catalogue, description::Message};
//! // Slack's time is checked, but not signed.
//! const FLAWED: Scheme = Scheme { messages: &[Message::RAW_BODY], ..catalogue::SLACK.schemes()[0] };
//! const PROVIDER: &Provider = &Provider::new("flawed", catalogue::SLACK.key(), &[FLAWED]);
//! ```
//!
//! or an id from an unsigned header.
//!
//! ```compile_fail,E0080
//! use webhook_verify::{Provider, Scheme, catalogue, description::{Facts, Id}};
//! // GitHub does not sign the id of a delivery.
//! const GITHUB: Scheme = catalogue::GITHUB.schemes()[0];
//! const FLAWED: Scheme =
//!     Scheme { facts: Facts { id: Id::SignedHeader(&["x-github-delivery"]), ..GITHUB.facts }, ..GITHUB };
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
    /// Describes a provider. In a `const`, a description that cannot be right does not compile.
    ///
    /// # Panics
    /// The description breaks one of the rules in `check.rs`.
    #[must_use]
    pub const fn new(name: &'static str, key: Key, schemes: &'static [Scheme]) -> Self {
        check::provider(name, schemes);
        Self { name, key, schemes, also_sends: &[] }
    }

    /// Makes a description without checking it: for tests of what the checks are for.
    #[cfg(test)]
    pub(crate) const fn unchecked(
        name: &'static str,
        key: Key,
        schemes: &'static [Scheme],
    ) -> Self {
        Self { name, key, schemes, also_sends: &[] }
    }

    /// Adds headers that the provider's deliveries also have. No check reads them; samples and tools
    /// send them.
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

    /// Returns the schemes that the provider's signatures may have. There is at least one. If there
    /// are several, a prefix in the signature header tells them apart.
    #[must_use]
    pub const fn schemes(&self) -> &'static [Scheme] {
        self.schemes
    }

    /// Returns headers that the provider's deliveries also have, such as its user agent.
    #[must_use]
    pub const fn other_headers(&self) -> &'static [(&'static str, &'static str)] {
        self.also_sends
    }

    /// Returns the scheme with this name. The provider's name and a hyphen before it may be left
    /// out: `v2` for `acme-v2`.
    #[must_use]
    pub fn scheme(&self, name: &str) -> Option<&'static Scheme> {
        self.schemes.iter().find(|scheme| {
            let short = scheme.name.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('-'));
            scheme.name == name || short == Some(name)
        })
    }

    /// Returns the tolerance for a signed time in the past, or `None` if no scheme signs a time. All
    /// schemes of a provider have the same.
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

/// One way of signing, and where the facts of an event are that is signed so.
#[derive(Clone, Copy)]
pub struct Scheme {
    /// The scheme's name in messages, logs and the configuration.
    pub name: &'static str,
    /// Where the provider documents it.
    pub documentation: &'static str,
    /// The header that has the signature.
    pub signature: Signature,
    /// The time that is signed, if there is one.
    pub time: Option<Time>,
    /// What the MAC covers. If there are several, one that verifies is enough.
    pub messages: &'static [Message],
    /// What an event is.
    pub facts: Facts,
}

impl Scheme {
    /// Returns whether the signature covers the URL that the receiver is registered under.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.pieces().any(|piece| matches!(piece, Piece::PublicUrl))
    }

    /// Returns the headers that are part of the signed message, beside the time.
    pub fn signed_headers(&self) -> impl Iterator<Item = HeaderNames> {
        self.pieces()
            .filter_map(|piece| if let Piece::Header(names) = piece { Some(names) } else { None })
    }

    /// Returns the texts that set a signed header off from the time and the body.
    pub(crate) fn separators(&self) -> impl Iterator<Item = &'static str> {
        self.pieces()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None })
    }

    /// Returns the member of the body that is signed, if the signature does not cover all of it.
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

/// Names of one header, in lower case. A delivery must have exactly one header with one of them. The
/// first is the one to sign with.
pub type HeaderNames = &'static [&'static str];

/// A pointer to a member, such as `/payload/account_id`: a JSON pointer (RFC 6901) without escapes.
pub type Pointer = &'static str;

/// The header that has the signature, and how the signature is written in it.
#[derive(Clone, Copy)]
pub struct Signature {
    /// The header.
    pub header: HeaderNames,
    /// What stands in it beside the signature.
    pub form: Form,
    /// How the bytes of the signature are spelled.
    pub encoding: Encoding,
    /// The hash of the HMAC.
    pub hash: Hash,
}

/// What stands in the signature header.
#[derive(Clone, Copy)]
pub enum Form {
    /// The signature alone.
    Bare,
    /// This prefix, which ends in `=`, and the signature: `sha256=<signature>`.
    Prefixed(&'static str),
    /// Labelled values, in any order: `t=<time>,v1=<signature>,v1=<signature>`. Values with other
    /// labels than those of a signature or the time are skipped.
    Labelled {
        /// What separates two values.
        separator: char,
        /// What separates a label from its value.
        assign: char,
        /// The label of a signature.
        label: &'static str,
    },
}

/// How the bytes of a signature are spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// The standard alphabet, padded.
    Base64,
    /// The alphabet for URLs, without padding.
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
    /// Where it is.
    pub source: TimeSource,
    /// Its unit.
    pub unit: TimeUnit,
    /// How far in the past it may lie, if an operator sets nothing else. For the future it is always
    /// [`FUTURE_TOLERANCE`](crate::FUTURE_TOLERANCE).
    pub tolerance: Duration,
}

/// Where a signed time is.
#[derive(Clone, Copy)]
pub enum TimeSource {
    /// In a header of its own.
    Header(HeaderNames),
    /// In the signature header, under this label.
    Label(&'static str),
}

/// The unit of a time, which is a whole number since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// What a MAC covers: the body or a part of it, and pieces round it.
#[derive(Clone, Copy)]
pub struct Message {
    /// What stands before the body.
    pub before: &'static [Piece],
    /// What is signed of the body.
    pub body: Body,
    /// What stands after it.
    pub after: &'static [Piece],
}

impl Message {
    /// The body as it is sent, and nothing else.
    pub const RAW_BODY: Self = Self { before: &[], body: Body::Raw, after: &[] };
}

/// A piece of the signed message beside the body.
#[derive(Clone, Copy)]
pub enum Piece {
    /// This text.
    Text(&'static str),
    /// The signed time, character for character as it is sent.
    Timestamp,
    /// The value of a header. There is one at most, and texts set it off: see `is_unambiguous` in
    /// `check.rs`.
    Header(HeaderNames),
    /// The URL that the receiver is registered under. It is configured: the `Host` header is the
    /// sender's to choose.
    PublicUrl,
}

/// What is signed of the body.
#[derive(Clone, Copy)]
pub enum Body {
    /// Its bytes as they are sent.
    Raw,
    /// Its Python form.
    PythonForm(PythonForm),
    /// The Python form of one of its members, which is then all that is proven of the body.
    PythonFormOfMember(&'static str, PythonForm),
}

/// What an event is. Pointers lead into what is signed of the body.
#[derive(Clone, Copy)]
pub struct Facts {
    /// The event's id.
    pub id: Id,
    /// The event's name.
    pub event_type: EventType,
    /// What the event is about: the first pointer that leads to a text counts. Without one, each
    /// event is a group of its own.
    pub group: &'static [Pointer],
    /// The id of the delivery, which no signature covers: the first that is there counts. It is
    /// recorded and compared, and never trusted.
    pub delivery_id: &'static [Unsigned],
    /// Members of the body that are queued beside a signed member, although no signature covers
    /// them.
    pub unsigned_members: &'static [&'static str],
    /// A delivery without an event: the provider asks whether the receiver is alive.
    pub challenge: Option<Challenge>,
}

impl Facts {
    /// Nothing is known: each event is its own hash, of the type `unknown`.
    pub const NONE: Self = Self {
        id: Id::HashOfBody,
        event_type: EventType::Signed(&[]),
        group: &[],
        delivery_id: &[],
        unsigned_members: &[],
        challenge: None,
    };
}

/// Where the id of an event is, by which its deliveries are known to be the same event.
#[derive(Clone, Copy)]
pub enum Id {
    /// No id: an event is known by the hash of what is signed of its body.
    HashOfBody,
    /// The first pointer that leads to a text; without one, as [`Id::HashOfBody`].
    Signed(&'static [Pointer]),
    /// A header that the signature covers; if it is empty or not text, as [`Id::HashOfBody`].
    SignedHeader(HeaderNames),
}

/// Where the name of an event is.
#[derive(Clone, Copy)]
pub enum EventType {
    /// The first pointer that leads to a text.
    Signed(&'static [Pointer]),
    /// A place that no signature covers. The message names it among its unsigned fields.
    Unsigned(Unsigned),
    /// The delivery does not name it: this function derives it from the signed bytes.
    Told(fn(&[u8]) -> Result<EventKind, NotAnObject>),
}

/// A place that no signature covers.
#[derive(Clone, Copy)]
pub enum Unsigned {
    /// A header.
    Header(&'static str),
    /// One of the [`Facts::unsigned_members`].
    Member(&'static str),
}

/// A signed delivery that is answered and not queued. A delivery is a challenge if the text at `kind`
/// equals `is`, and there is a token.
#[derive(Clone, Copy)]
pub struct Challenge {
    /// The pointer to the text that tells a challenge from an event.
    pub kind: Pointer,
    /// That text.
    pub is: &'static str,
    /// The pointer to the token, a text of at most [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES).
    pub token: Pointer,
    /// The member of the answer that has the token.
    pub answer: &'static str,
    /// The member of the answer that has the token's HMAC-SHA256 under the signing secret, in hex.
    pub answer_mac: Option<&'static str>,
}
