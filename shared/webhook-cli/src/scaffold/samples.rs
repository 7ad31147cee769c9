//! The first sample events of a provider, and the manifest that says what each is.

use serde_json::{Map, Value, json};
use webhook_verify::{
    Delivery, Provider, Scheme, SigningSecret, SigningSecrets, Tolerance, UnixSeconds, Verified,
    description::{Challenge, EventType, Id, Pointer},
    sign::example_body,
};

use super::error::ScaffoldError;
use crate::{
    delivery::{OutgoingDelivery, Sender, delivery_id_header},
    lambda_event::BodyEncoding,
    provider::development_secret,
};

/// The manifest's name.
pub(super) const MANIFEST: &str = "samples.json";

/// 2026-11-21T12:00:00Z, when all samples are sent.
const SENT_AT: UnixSeconds = UnixSeconds(1_795_262_400);
/// In 1997: outside every tolerance.
const STALE: UnixSeconds = UnixSeconds(860_860_860);

const NOT_THE_SECRET: &str = "not-the-development-secret";

/// Returns the files of a provider's folder: their names and texts.
pub(super) fn of(provider: &'static Provider) -> Result<Vec<(String, String)>, ScaffoldError> {
    let (newest, older) =
        provider.schemes().split_last().ok_or(ScaffoldError::Pointers { fact: "scheme" })?;
    let body = |scheme, number| example_body(scheme, number, 1);
    let mut samples = vec![Sample::new("created", provider, newest, body(newest, 1)).accepted()?];
    for (number, scheme) in older.iter().enumerate() {
        let name = format!("created.{}", short(provider, scheme));
        samples.push(Sample::new(&name, provider, scheme, body(scheme, number + 2)).accepted()?);
    }
    samples.push(Sample::new("repeated", provider, newest, body(newest, 1)).repeated()?);
    let forged = Sample::new("wrong_signature", provider, newest, body(newest, 10));
    samples.push(Sample { is_forged: true, ..forged }.refused("signature_mismatch"));
    if newest.time.is_some() {
        let stale = Sample::new("stale", provider, newest, body(newest, 11));
        samples.push(Sample { at: STALE, ..stale }.refused("timestamp_too_old"));
    }
    if let Some(challenge) = newest.facts.challenge {
        samples.push(Sample::new("challenge", provider, newest, asks(&challenge)).challenge()?);
    }
    let rows: Vec<_> = samples.iter().map(Sample::row).collect();
    let mut files: Vec<_> = samples.iter().map(|sample| (sample.file(), sample.event())).collect();
    files.push((MANIFEST.to_owned(), format!("[\n{}\n]\n", rows.join(",\n"))));
    Ok(files)
}

/// One sample. `answer` has the members of its line in the manifest that say what a receiver
/// answers.
struct Sample {
    name: String,
    sender: Sender,
    body: String,
    at: UnixSeconds,
    is_forged: bool,
    answer: Vec<(&'static str, Value)>,
}

impl Sample {
    fn new(name: &str, provider: &'static Provider, scheme: &'static Scheme, body: String) -> Self {
        let delivery_id = delivery_id_header(scheme).map(|_| format!("delivery_{name}"));
        // This is the event's id, so a repeated delivery has the same one.
        let id = scheme
            .signed_headers()
            .next()
            .map(|_| if name == "repeated" { "msg_created" } else { "" });
        let id = id.map(|id| if id.is_empty() { format!("msg_{name}") } else { id.to_owned() });
        let sender = Sender { delivery_id, id, ..Sender::new(provider, scheme) };
        Self {
            name: name.to_owned(),
            sender,
            body,
            at: SENT_AT,
            is_forged: false,
            answer: Vec::new(),
        }
    }

    fn file(&self) -> String {
        format!("{}.json", self.name)
    }

    fn refused(self, reason: &str) -> Self {
        Self { answer: vec![("answer", json!("refused")), ("reason", json!(reason))], ..self }
    }

    fn accepted(self) -> Result<Self, ScaffoldError> {
        self.queued("accepted")
    }

    fn repeated(self) -> Result<Self, ScaffoldError> {
        self.queued("duplicate")
    }

    /// Takes the answer to a challenge from the sample, as a receiver does.
    fn challenge(self) -> Result<Self, ScaffoldError> {
        let body = self.verified(|verified, secrets| {
            serde_json::from_str(verified.challenge(secrets)?.body()).ok()
        })?;
        let body: Value = body.ok_or(ScaffoldError::Pointers { fact: "challenge" })?;
        Ok(Self { answer: vec![("answer", json!("challenge")), ("body", body)], ..self })
    }

    /// Reads name and id from the sample, as a receiver does.
    fn queued(self, answer: &'static str) -> Result<Self, ScaffoldError> {
        let facts = self.sender.scheme.facts;
        let answer = self.verified(|verified, _| {
            let event = verified.event().map_err(|_| ScaffoldError::Pointers { fact: "type" })?;
            // Pointers may lead into each other.
            let has_id = matches!(facts.id, Id::Signed([_, ..]));
            let has_type = matches!(facts.event_type, EventType::Signed([_, ..]));
            for (fact, is_read, is_found) in [
                ("id", has_id, event.id().starts_with("evt_")),
                ("type", has_type, event.event_type() == "example.created"),
                ("group", !facts.group.is_empty(), event.group() == "grp_1"),
            ] {
                if is_read && !is_found {
                    return Err(ScaffoldError::Pointers { fact });
                }
            }
            Ok(vec![
                ("answer", json!(answer)),
                ("type", json!(event.event_type())),
                ("id", json!(event.id())),
            ])
        })??;
        Ok(Self { answer, ..self })
    }

    /// Verifies the sample, as a receiver does, and reads something from it.
    fn verified<T>(
        &self,
        read: impl FnOnce(&Verified<'_>, &SigningSecrets) -> T,
    ) -> Result<T, ScaffoldError> {
        const REFUSED: ScaffoldError = ScaffoldError::Pointers { fact: "signature" };
        let provider = self.sender.provider;
        let delivery = self.sign();
        let headers = delivery.headers();
        let secrets = SigningSecrets::new(self.secret(), None);
        let unverified = Delivery::new(&headers, delivery.body()).map_err(|_| REFUSED)?;
        let unverified = provider.parse(unverified).map_err(|_| REFUSED)?;
        let url = self.sender.public_url.as_deref();
        let verified = unverified
            .verify(&secrets, self.at, Tolerance::of(provider), url)
            .map_err(|_| REFUSED)?;
        Ok(read(&verified, &secrets))
    }

    fn secret(&self) -> SigningSecret {
        let provider = self.sender.provider;
        let text = if self.is_forged {
            provider.key().write(NOT_THE_SECRET)
        } else {
            development_secret(provider)
        };
        provider.key().read(&text).expect("a secret is read as it is written")
    }

    fn sign(&self) -> OutgoingDelivery {
        let body = self.body.clone().into_bytes();
        OutgoingDelivery::sign(self.sender.clone(), &self.secret(), self.at, body)
            .expect("an example can be signed")
    }

    fn event(&self) -> String {
        self.sign().to_lambda_event(BodyEncoding::Text).expect("an example is text, and has a date")
    }

    /// Returns the sample's line of the manifest.
    fn row(&self) -> String {
        let mut members =
            vec![("file", json!(self.file())), ("scheme", json!(self.sender.scheme.name))];
        members.extend(self.is_forged.then_some(("forged", json!(true))));
        members.extend((self.at != SENT_AT).then(|| ("signed_at", json!(self.at.0))));
        members.extend(self.sender.delivery_id.as_ref().map(|id| ("delivery_id", json!(id))));
        members.extend(self.sender.id.as_ref().map(|id| ("message_id", json!(id))));
        members.extend(self.answer.iter().cloned());
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("  {{{}}}", members.join(", "))
    }
}

/// Returns a scheme's name without the provider's.
fn short<'s>(provider: &Provider, scheme: &'s Scheme) -> &'s str {
    scheme
        .name
        .strip_prefix(provider.name())
        .map_or(scheme.name, |rest| rest.trim_start_matches('-'))
}

/// Returns the body of a challenge.
fn asks(challenge: &Challenge) -> String {
    let mut body = Value::Object(Map::new());
    for (pointer, text) in [(challenge.kind, challenge.is), (challenge.token, "token_1")] {
        put(&mut body, pointer, text);
    }
    body.to_string()
}

/// Puts a text at the place that a pointer names.
fn put(object: &mut Value, pointer: Pointer, text: &str) {
    let mut place = object;
    for name in pointer.split('/').skip(1) {
        place = &mut place[name];
    }
    *place = json!(text);
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{CATALOGUE, GITHUB, SLACK, STANDARD_WEBHOOKS, ZOOM};

    use super::*;

    fn files(provider: &'static Provider) -> Vec<(String, String)> {
        of(provider).expect("an entry of the catalogue has samples")
    }

    fn manifest(provider: &'static Provider) -> String {
        files(provider).pop().expect("the last is the manifest").1
    }

    #[test]
    fn the_manifest_has_a_line_for_each_sample() {
        assert_eq!(
            manifest(SLACK),
            r#"[
  {"file": "created.json", "scheme": "slack", "answer": "accepted", "type": "example.created", "id": "evt_1"},
  {"file": "repeated.json", "scheme": "slack", "answer": "duplicate", "type": "example.created", "id": "evt_1"},
  {"file": "wrong_signature.json", "scheme": "slack", "forged": true, "answer": "refused", "reason": "signature_mismatch"},
  {"file": "stale.json", "scheme": "slack", "signed_at": 860860860, "answer": "refused", "reason": "timestamp_too_old"},
  {"file": "challenge.json", "scheme": "slack", "answer": "challenge", "body": {"challenge":"token_1"}}
]
"#
        );
        let github = manifest(GITHUB);
        assert!(
            github.contains(
                r#""delivery_id": "delivery_created", "answer": "accepted", "type": "ping""#
            ),
            "{github}"
        );
        let lines = manifest(STANDARD_WEBHOOKS);
        let ids: Vec<_> =
            lines.lines().filter(|line| line.contains(r#""message_id": "msg_created""#)).collect();
        assert_eq!(ids.len(), 2, "{lines}");
    }

    #[test]
    fn a_challenge_has_its_texts_where_the_pointers_lead() {
        let challenge = ZOOM.schemes()[0].facts.challenge.expect("Zoom asks");
        assert_eq!(
            asks(&challenge),
            r#"{"event":"endpoint.url_validation","payload":{"plainToken":"token_1"}}"#
        );
    }

    #[test]
    fn every_entry_of_the_catalogue_has_samples_that_the_manifest_names() {
        for provider in CATALOGUE {
            let files = files(provider);
            let rows: Value = serde_json::from_str(&manifest(provider)).expect("JSON");
            let rows = rows
                .as_array()
                .expect("a list")
                .iter()
                .map(|row| row["file"].as_str().map(str::to_owned));
            let names = files.iter().take(files.len() - 1).map(|(name, _)| Some(name.clone()));
            assert!(rows.eq(names), "{provider:?}");
        }
    }
}
