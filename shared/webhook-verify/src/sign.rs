//! Signs bodies as a provider does, from the same description; for tests, samples and tools.
//!
//! Signing and verifying share the MAC, the Python form and the order of the pieces. Test vectors
//! check all three.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use crate::{
    delivery::{Delivery, Header},
    description::{Body, Encoding, EventType, Form, Id, Message, Scheme, TimeSource, TimeUnit},
    event::MAX_NAME_BYTES,
    interpreter::{Pieces, pieces, signed},
    json::NoPythonForm,
    mac::tag,
    secret::SigningSecret,
    time::UnixSeconds,
};

/// A sender: its scheme, its secret, and the time at which it signs.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'s> {
    scheme: &'static Scheme,
    secret: &'s SigningSecret,
    at: UnixSeconds,
    id: &'s str,
    public_url: Option<&'s str>,
    respelled: bool,
}

impl<'s> Signer<'s> {
    /// Makes a signer for `scheme`. `at` is the signed time, if the scheme signs one.
    #[must_use]
    pub fn new(scheme: &'static Scheme, secret: &'s SigningSecret, at: UnixSeconds) -> Self {
        Self { scheme, secret, at, id: "msg_1", public_url: None, respelled: false }
    }

    /// Sets the id to send in a signed header, if the scheme has one. The default is `msg_1`.
    #[must_use]
    pub fn id(self, id: &'s str) -> Self {
        Self { id, ..self }
    }

    /// Sets the receiver's URL to sign, if the scheme signs one.
    #[must_use]
    pub fn public_url(self, url: Option<&'s str>) -> Self {
        Self { public_url: url, ..self }
    }

    /// Signs the Python form instead of the body, if the scheme may sign either. The result is the
    /// signature of a body that was respelled after it was signed.
    #[must_use]
    pub fn respelled(self) -> Self {
        Self { respelled: true, ..self }
    }

    /// Returns the headers to send with `body`: the signature, then the time, then other signed
    /// headers.
    ///
    /// # Errors
    /// [`NoPythonForm`] if the scheme signs a Python form and the body has none.
    #[expect(clippy::missing_panics_doc, reason = "no signed piece is missing")]
    pub fn sign(&self, body: &[u8]) -> Result<Vec<Header>, NoPythonForm> {
        let time = self.time();
        let mut others = Vec::new();
        if let Some(time) = self.scheme.time
            && let TimeSource::Header(names) = time.source
        {
            others.push(Header::new(names[0], self.time()));
        }
        for names in self.scheme.signed_headers() {
            if !others.iter().any(|header| header.name() == names[0]) {
                others.push(Header::new(names[0], self.id));
            }
        }
        let message = self.message();
        let signed = signed(message, body)?;
        let delivery = Delivery::of_any_size(&others, body);
        let public_url = Some(self.public_url.unwrap_or_default());
        let from = Pieces { delivery, timestamp: Some(time.as_bytes()), public_url };
        let message =
            pieces(message, &signed, &from).expect("no header is missing, and there is a URL");
        let mut headers =
            vec![Header::new(self.scheme.signature.header[0], self.value(&message, &time))];
        headers.append(&mut others);
        Ok(headers)
    }

    fn message(&self) -> &'static Message {
        let is_respelled = |message: &&Message| matches!(message.body, Body::PythonForm(_));
        let wanted =
            self.scheme.messages.iter().find(|message| is_respelled(message) == self.respelled);
        wanted.unwrap_or(&self.scheme.messages[0])
    }

    fn value(&self, message: &[&[u8]], time: &str) -> String {
        let signature = self.scheme.signature;
        let tag = tag(signature.hash, self.secret, message);
        let digits = match signature.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => BASE64_STANDARD.encode(tag),
            Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(tag),
        };
        match signature.form {
            Form::Bare => digits,
            Form::Prefixed(prefix) => format!("{prefix}{digits}"),
            Form::Labelled { separator, assign, label } => {
                match self.scheme.time.map(|time| time.source) {
                    Some(TimeSource::Label(of_time)) => {
                        format!("{of_time}{assign}{time}{separator}{label}{assign}{digits}")
                    }
                    Some(TimeSource::Header(_)) | None => format!("{label}{assign}{digits}"),
                }
            }
        }
    }

    fn time(&self) -> String {
        match self.scheme.time.map(|time| time.unit) {
            Some(TimeUnit::Milliseconds) => self.at.0.saturating_mul(1000).to_string(),
            Some(TimeUnit::Seconds) | None => self.at.0.to_string(),
        }
    }
}

/// Returns a body that the scheme can sign, with a text at each place where a fact is read.
/// `number` identifies the event, `group` its group.
#[must_use]
pub fn example_body(scheme: &Scheme, number: usize, group: usize) -> String {
    let facts = &scheme.facts;
    let mut members = Vec::new();
    if let Id::Signed([id, ..]) = facts.id {
        members.push((*id, format!("\"evt_{number}\"")));
    }
    if let EventType::Signed([event_type, ..]) = facts.event_type {
        members.push((*event_type, "\"example.created\"".to_owned()));
    }
    if let Some(pointer) = facts.group.first() {
        members.push((*pointer, format!("\"grp_{group}\"")));
    }
    members.push(("/number", number.to_string()));
    let signed = object(&members);
    let Some(member) = scheme.signed_member() else { return signed };
    let unsigned =
        facts.unsigned_members.iter().map(|name| format!("\"{name}\": \"example.{name}\", "));
    format!("{{{}\"{member}\": {signed}}}", unsigned.collect::<String>())
}

/// Returns a body that the scheme can sign and that a receiver answers with 400. Nothing is queued,
/// but the answer shows that the receiver has the right secret. Returns `None` if the scheme signs
/// a member and no other member has a limited length.
#[must_use]
pub fn malformed_body(scheme: &Scheme) -> Option<String> {
    let Some(member) = scheme.signed_member() else { return Some("[]".to_owned()) };
    let unsigned = scheme.facts.unsigned_members.first()?;
    let too_long = "x".repeat(MAX_NAME_BYTES + 1);
    Some(format!("{{\"{unsigned}\": \"{too_long}\", \"{member}\": {{}}}}"))
}

/// Returns an object, spelled as Python does, with the values at their pointers.
fn object(members: &[(&str, String)]) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for (pointer, value) in members {
        let path = pointer.trim_start_matches('/');
        let Some((name, _)) = path.split_once('/') else {
            texts.push(format!("\"{path}\": {value}"));
            continue;
        };
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let prefix = format!("{name}/");
        let inner: Vec<_> = members
            .iter()
            .filter_map(|(pointer, value)| {
                Some((pointer.trim_start_matches('/').strip_prefix(&prefix)?, value.clone()))
            })
            .collect();
        texts.push(format!("\"{name}\": {}", object(&inner)));
    }
    format!("{{{}}}", texts.join(", "))
}
