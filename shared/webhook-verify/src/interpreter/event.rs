//! The third step: reads the event from the bytes that the MAC covered.

use std::borrow::Cow;

use crate::{
    description::{EventType, Facts, Id, Pointer, Unsigned},
    error::Malformed,
    event::{
        Event, EventKind, MAX_NAME_BYTES, Retention, idempotency_key, key_of_id, key_of_signed,
    },
    json::{RawValue, read_pointers},
    verified::Verified,
};

impl Verified<'_> {
    /// Reads the event. Its identity comes from signed bytes only.
    ///
    /// # Errors
    /// [`Malformed`] if the body is not a JSON object, or if one of its unsigned fields is too
    /// long.
    pub fn event(&self) -> Result<Event<'_>, Malformed> {
        let facts = &self.scheme().facts;
        let unsigned = UnsignedMembers::read(self)?;
        let signed = SignedFacts::read(self, facts)?;
        let id = match facts.id {
            Id::SignedHeader(names) => {
                // `parse` has checked that there is exactly one, and the MAC covered it.
                let value = self
                    .unsigned_delivery()
                    .header(names)
                    .ok()
                    .and_then(|(_, value)| str::from_utf8(value).ok());
                value.filter(|id| !id.is_empty()).map(str::to_owned)
            }
            Id::HashOfBody | Id::Signed(_) => signed.id,
        };
        let (event_type, retention) = match facts.event_type {
            EventType::Signed(_) => (signed.event_type, Retention::Configured),
            EventType::Unsigned(place) => (unsigned.text(self, place)?, Retention::Configured),
            EventType::Derived(derive) => {
                let EventKind { name, retention } =
                    derive(self.signed()).map_err(|_| Malformed::NotAnObject)?;
                (Some(name.to_owned()), retention)
            }
        };
        let mut delivery_id = None;
        for place in facts.delivery_id {
            // Its length is not limited here: the record has the hash of an id that is too long,
            // and the service in front of the receiver limits headers.
            delivery_id = delivery_id.or(unsigned.find(self, *place));
        }
        let key =
            id.as_deref().map_or_else(|| key_of_signed(self.scheme(), self.signed()), key_of_id);
        let id = id.unwrap_or_else(|| key.clone());
        Ok(Event {
            provider: self.provider().name(),
            scheme: self.scheme(),
            secret: self.secret(),
            signed_at: self.signed_at(),
            idempotency_key: idempotency_key(self.provider().name(), &key),
            group: signed.group.unwrap_or_else(|| id.clone()),
            id,
            event_type: event_type.unwrap_or_else(|| "unknown".to_owned()),
            delivery_id,
            unsigned_fields: unsigned_fields(facts),
            retention,
            data: unsigned.data(self),
        })
    }
}

/// The facts that pointers lead to.
struct SignedFacts {
    id: Option<String>,
    event_type: Option<String>,
    group: Option<String>,
}

impl SignedFacts {
    /// Reads all of them in one pass. If the whole body is signed, it must be an object; a signed
    /// member need not be one.
    fn read(verified: &Verified<'_>, facts: &Facts) -> Result<Self, Malformed> {
        let ids = if let Id::Signed(pointers) = facts.id { pointers } else { &[] };
        let types = if let EventType::Signed(pointers) = facts.event_type { pointers } else { &[] };
        let pointers: Vec<Pointer> = ids.iter().chain(types).chain(facts.group).copied().collect();
        let values = match read_pointers(verified.signed(), &pointers) {
            Ok(values) => values,
            Err(_) if verified.scheme().signed_member().is_some() => vec![None; pointers.len()],
            Err(_) => return Err(Malformed::NotAnObject),
        };
        let (id, rest) = values.split_at(ids.len());
        let (event_type, group) = rest.split_at(types.len());
        let first = |values: &[Option<RawValue<'_>>]| values.iter().find_map(|value| text(*value));
        Ok(Self { id: first(id), event_type: first(event_type), group: first(group) })
    }
}

/// The unsigned members that are queued together with a signed member. If the whole body is signed,
/// no member is unsigned.
struct UnsignedMembers<'v> {
    names: &'static [&'static str],
    values: Vec<Option<RawValue<'v>>>,
}

impl<'v> UnsignedMembers<'v> {
    /// Reads the members. Their length is limited, so that nobody can make a captured delivery
    /// larger.
    fn read(verified: &Verified<'v>) -> Result<Self, Malformed> {
        let names = verified.scheme().facts.unsigned_members;
        if verified.scheme().signed_member().is_none() {
            return Ok(Self { names, values: Vec::new() });
        }
        let pointers: Vec<_> = names.iter().map(|name| format!("/{name}")).collect();
        let pointers: Vec<_> = pointers.iter().map(String::as_str).collect();
        let body = verified.unsigned_delivery().body();
        let values = read_pointers(body, &pointers).map_err(|_| Malformed::NotAnObject)?;
        for value in &values {
            bounded(text(*value))?;
        }
        Ok(Self { names, values })
    }

    /// Returns the text at an unsigned place, or an error if it is too long.
    fn text(&self, verified: &Verified<'_>, place: Unsigned) -> Result<Option<String>, Malformed> {
        bounded(self.find(verified, place))
    }

    fn find(&self, verified: &Verified<'_>, place: Unsigned) -> Option<String> {
        match place {
            Unsigned::Header(name) => {
                let (_, value) = verified.unsigned_delivery().header(&[name]).ok()?;
                str::from_utf8(value).ok().filter(|text| !text.is_empty()).map(str::to_owned)
            }
            Unsigned::Member(name) => {
                let index = self.names.iter().position(|candidate| *candidate == name)?;
                text(self.values.get(index).copied().flatten())
            }
        }
    }

    /// Returns the whole body: the signed bytes as they are or, if only a member is signed, an
    /// object with the unsigned members and the signed text. Unsigned texts keep their spelling;
    /// anything else becomes null.
    fn data<'b>(&self, verified: &'b Verified<'_>) -> Cow<'b, [u8]> {
        let Some(member) = verified.scheme().signed_member() else {
            return verified.signed().into();
        };
        let mut data = Vec::with_capacity(verified.signed().len() + 64);
        data.push(b'{');
        for (name, value) in self.names.iter().zip(&self.values) {
            let spelling = value
                .filter(|value| value.text().is_some())
                .map_or(b"null".as_slice(), RawValue::bytes);
            data.extend_from_slice(format!("\"{name}\":").as_bytes());
            data.extend_from_slice(spelling);
            data.push(b',');
        }
        data.extend_from_slice(format!("\"{member}\":").as_bytes());
        data.extend_from_slice(verified.signed());
        data.push(b'}');
        data.into()
    }
}

/// Returns the names of the event's fields that no signature covers, separated by commas.
fn unsigned_fields(facts: &Facts) -> Option<String> {
    let event_type = matches!(facts.event_type, EventType::Unsigned(_)).then_some("type");
    let delivery_id = (!facts.delivery_id.is_empty()).then_some("deliveryid");
    let names: Vec<_> = event_type
        .into_iter()
        .chain(delivery_id)
        .chain(facts.unsigned_members.iter().copied())
        .collect();
    if names.is_empty() { None } else { Some(names.join(",")) }
}

fn bounded(text: Option<String>) -> Result<Option<String>, Malformed> {
    if text.as_ref().is_some_and(|text| text.len() > MAX_NAME_BYTES) {
        return Err(Malformed::UnsignedFieldTooLong);
    }
    Ok(text)
}

fn text(value: Option<RawValue<'_>>) -> Option<String> {
    value.and_then(RawValue::text).map(Cow::into_owned)
}
