//! Copies another provider's description under a new name: as text, and as a value with which this
//! command signs the first samples before the text is compiled.

use webhook_verify::{
    Provider, Scheme,
    description::{
        Body, Challenge, EventType, Facts, Form, HeaderNames, Id, Message, Piece, Signature, Time,
        TimeSource, Unsigned,
    },
};

use super::{
    error::ScaffoldError,
    names::{MAX_BYTES, Name},
};

type Ends = fn(char) -> bool;

/// Where the old name is not replaced: after these prefixes, up to a character that ends the word.
/// These are entries of the catalogue, and links.
const KEPT: [(&str, Ends); 2] = [
    ("catalogue::", |next| !next.is_ascii_uppercase() && next != '_'),
    ("https://", |next| next.is_whitespace() || matches!(next, '"' | '>' | ')' | '`')),
];

/// Returns the source with the name replaced, and without the test module: its vectors are the
/// other provider's.
pub(super) fn source(text: &str, from: &Name, to: &Name) -> String {
    let text = text.replace("#[cfg(test)]\nmod tests;\n\n", "");
    let (mut copy, mut rest) = (String::new(), text.as_str());
    loop {
        let kept =
            KEPT.iter().filter_map(|(begin, ends)| Some((rest.find(begin)?, begin.len(), ends)));
        let Some((start, length, ends)) = kept.min_by_key(|(start, ..)| *start) else {
            return copy + &to.in_place_of(from, rest);
        };
        let (before, from_start) = rest.split_at(start);
        let end = from_start[length..].find(*ends).map_or(from_start.len(), |end| length + end);
        copy.push_str(&to.in_place_of(from, before));
        copy.push_str(&from_start[..end]);
        rest = &from_start[end..];
    }
}

/// Returns the provider that the copied text describes. It lives as long as the command. `source`
/// is the other provider's text: only what it spells out was renamed.
pub(super) fn provider(
    like: &'static Provider,
    from: &Name,
    to: &Name,
    source: &str,
) -> Result<&'static Provider, ScaffoldError> {
    if source.contains(&format!("const {}:", to.screaming())) {
        return Err(to.refused("the copied description has something else of this name"));
    }
    let renaming = Renaming { from, to, source };
    let schemes: Vec<_> = like.schemes().iter().map(|scheme| renaming.scheme(scheme)).collect();
    if schemes.iter().any(|scheme| scheme.name.len() > MAX_BYTES) {
        return Err(to.refused("the name of a copied scheme would have more than 32 characters"));
    }
    let headers = like
        .other_headers()
        .iter()
        .map(|(name, value)| (renaming.text(name), renaming.text(value)));
    let headers: Vec<(&str, &str)> = headers.collect();
    let provider = Provider::new(to.kebab().to_owned().leak(), like.key(), schemes.leak());
    Ok(Box::leak(Box::new(provider.also_sends(headers.leak()))))
}

struct Renaming<'r> {
    from: &'r Name,
    to: &'r Name,
    source: &'r str,
}

impl Renaming<'_> {
    fn text(&self, text: &'static str) -> &'static str {
        if self.source.contains(&format!("\"{text}\"")) {
            self.to.in_place_of(self.from, text).leak()
        } else {
            text
        }
    }

    fn texts(&self, texts: &'static [&'static str]) -> HeaderNames {
        texts.iter().map(|text| self.text(text)).collect::<Vec<_>>().leak()
    }

    fn scheme(&self, scheme: &Scheme) -> Scheme {
        let Signature { header, form, .. } = scheme.signature;
        let form = if let Form::Prefixed(prefix) = form {
            Form::Prefixed(self.text(prefix))
        } else {
            form
        };
        let time = scheme.time.map(|time| Time {
            source: match time.source {
                TimeSource::Header(names) => TimeSource::Header(self.texts(names)),
                TimeSource::Label(label) => TimeSource::Label(label),
            },
            ..time
        });
        let messages: Vec<_> =
            scheme.messages.iter().map(|message| self.message(message)).collect();
        Scheme {
            name: self.text(scheme.name),
            signature: Signature { header: self.texts(header), form, ..scheme.signature },
            time,
            messages: messages.leak(),
            facts: self.facts(&scheme.facts),
            ..*scheme
        }
    }

    fn message(&self, message: &Message) -> Message {
        let pieces = |pieces: &[Piece]| {
            let renamed = pieces.iter().map(|piece| match *piece {
                Piece::Text(text) => Piece::Text(self.text(text)),
                Piece::Header(names) => Piece::Header(self.texts(names)),
                Piece::Timestamp | Piece::PublicUrl => *piece,
            });
            &*renamed.collect::<Vec<_>>().leak()
        };
        let body = match message.body {
            Body::PythonFormOfMember(name, form) => Body::PythonFormOfMember(self.text(name), form),
            Body::Raw | Body::PythonForm(_) => message.body,
        };
        Message { before: pieces(message.before), body, after: pieces(message.after) }
    }

    fn facts(&self, facts: &Facts) -> Facts {
        let place = |place: Unsigned| match place {
            Unsigned::Header(name) => Unsigned::Header(self.text(name)),
            Unsigned::Member(name) => Unsigned::Member(self.text(name)),
        };
        let delivery_id: Vec<_> = facts.delivery_id.iter().map(|id| place(*id)).collect();
        Facts {
            id: match facts.id {
                Id::HashOfBody => Id::HashOfBody,
                Id::Signed(pointers) => Id::Signed(self.texts(pointers)),
                Id::SignedHeader(names) => Id::SignedHeader(self.texts(names)),
            },
            event_type: match facts.event_type {
                EventType::Signed(pointers) => EventType::Signed(self.texts(pointers)),
                EventType::Unsigned(unsigned) => EventType::Unsigned(place(unsigned)),
                // The function is compiled, so it reads the old names. An example has none of them.
                EventType::Derived(derive) => EventType::Derived(derive),
            },
            group: self.texts(facts.group),
            delivery_id: delivery_id.leak(),
            unsigned_members: self.texts(facts.unsigned_members),
            challenge: facts.challenge.map(|challenge| Challenge {
                kind: self.text(challenge.kind),
                is: self.text(challenge.is),
                token: self.text(challenge.token),
                answer: self.text(challenge.answer),
                answer_mac: challenge.answer_mac.map(|member| self.text(member)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{GITHUB, STRIPE};

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn a_copy_has_the_new_name_and_no_tests() {
        let text = "//! Beta: `X-Beta-Signature`.\n\n#[cfg(test)]\nmod tests;\n\npub const BETA: \
                    &Provider = &Provider::new(\"beta\", catalogue::BETA.key(), &[\"beta-v1\"], \
                    \"https://beta.example/beta\");\n";
        let expected = "//! Acme Pay: `X-Acme-Pay-Signature`.\n\npub const ACME_PAY: &Provider = \
                        &Provider::new(\"acme-pay\", catalogue::BETA.key(), &[\"acme-pay-v1\"], \
                        \"https://beta.example/beta\");\n";
        assert_eq!(source(text, &name("beta"), &name("acme-pay")), expected);
    }

    #[test]
    fn headers_and_schemes_follow_the_name_if_the_source_spells_them_out() {
        let source = "\"x-github-event\", \"github\", \"x-github-delivery\"";
        let copy = provider(GITHUB, &name("github"), &name("acme"), source).expect("can be copied");
        let scheme = &copy.schemes()[0];
        assert_eq!(
            (copy.name(), scheme.name, scheme.signature.header[0]),
            ("acme", "acme", "x-hub-signature-256")
        );
        assert!(matches!(
            scheme.facts.event_type,
            EventType::Unsigned(Unsigned::Header("x-acme-event"))
        ));
        assert!(matches!(scheme.facts.delivery_id, [Unsigned::Header("x-acme-delivery")]));
        assert_eq!(
            copy.other_headers(),
            [("user-agent", "GitHub-Hookshot/044aadd"), ("x-acme-event", "ping")]
        );
        // If the source names the catalogue, the headers are the catalogue's.
        let copy =
            provider(STRIPE, &name("stripe"), &name("acme"), "\"stripe\", catalogue::STRIPE");
        let copy = copy.expect("can be copied");
        assert_eq!(
            (copy.schemes()[0].name, copy.schemes()[0].signature.header),
            ("acme", ["stripe-signature"].as_slice())
        );
    }

    #[test]
    fn a_name_that_does_not_fit_into_the_copy_is_refused() {
        const OF_VERSION: &Provider = &{
            const SCHEME: Scheme = Scheme { name: "beta-v1", ..STRIPE.schemes()[0] };
            Provider::new("beta", STRIPE.key(), &[SCHEME])
        };
        let source = "\"beta-v1\", const TIMEOUT: u8 = 1;";
        let long = "acme56789012345678901234567890";
        for (to, reason) in [
            (long, "the name of a copied scheme would have more than 32 characters"),
            ("timeout", "the copied description has something else of this name"),
        ] {
            let refused = provider(OF_VERSION, &name("beta"), &name(to), source).map(|_| ());
            let expected = format!("{to} cannot be a provider's name: {reason}");
            assert_eq!(refused.map_err(|error| error.to_string()), Err(expected));
        }
        assert!(provider(OF_VERSION, &name("beta"), &name(&long[..29]), source).is_ok());
    }
}
