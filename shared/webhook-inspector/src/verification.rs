//! What the receiver's own verifier says of a delivery: for what the log does not tell, and for the explanation.

use std::time::Duration;

use serde_json::Value;
use webhook_cli::development_url;
use webhook_explain::{GivenSecret, Question, explain};
use webhook_ingest::{StoredSecret, StoredSecrets, stored_secret_text};
use webhook_verify::{Delivery as Received, Provider, SigningSecret, SigningSecrets, Tolerance};

use crate::delivery::{Delivery, Door};

/// What `.tools/dev.env` sets, so that `cargo lambda watch` takes the samples.
const WATCH_TOLERANCE: Duration = Duration::from_secs(630_720_000);

/// What verifying a delivery again has told.
#[derive(Debug, Default)]
pub(crate) struct Verification {
    pub(crate) scheme: Option<&'static str>,
    /// Why it is not authentic.
    pub(crate) reason: Option<&'static str>,
    pub(crate) event_type: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) explanation: Option<Value>,
}

/// Verifies a delivery with the secrets of the stack, at the time at which it was received. It may take a second: an
/// explanation tries a few thousand changes.
pub(crate) fn verify(provider: &'static Provider, delivery: &Delivery, stored: &StoredSecrets) -> Verification {
    let tolerance = match delivery.door {
        Door::Watch if provider.tolerance().is_some() => Tolerance { past: WATCH_TOLERANCE },
        Door::Stack | Door::Watch => Tolerance::of(provider),
    };
    let url = provider.signs_url().then(|| development_url(provider));
    let headers = delivery.headers.to_verify();
    let previous = stored.previous.as_ref().ok().and_then(Option::as_ref);
    let given = |(label, secret): (&str, Option<&StoredSecret>)| match secret? {
        StoredSecret::Text(text) => Some(GivenSecret { label: label.to_owned(), value: text.as_bytes().to_vec().into() }),
        StoredSecret::NotText => None,
    };
    let secrets: Vec<_> = [("the stack's secret", Some(&stored.current)), ("the secret's previous version", previous)]
        .into_iter()
        .filter_map(given)
        .collect();
    let explanation = explain(&Question {
        provider,
        headers: &headers,
        body: &delivery.body,
        secrets: &secrets,
        now: delivery.received_at(),
        tolerance,
        accepted: None,
        public_url: url.as_deref(),
    });
    let explanation = serde_json::to_value(explanation).ok();
    let Some(current) = readable(provider, &stored.current) else {
        return Verification { explanation, ..Verification::default() };
    };
    let secrets = SigningSecrets::new(current, previous.and_then(|secret| readable(provider, secret)));
    let Ok(received) = Received::new(&headers, &delivery.body) else {
        return Verification { explanation, ..Verification::default() };
    };
    let verified = provider
        .parse(received)
        .and_then(|unverified| unverified.verify(&secrets, delivery.received_at(), tolerance, url.as_deref()));
    match verified {
        Err(error) => Verification { reason: Some(error.reason()), explanation, ..Verification::default() },
        Ok(verified) => {
            let event = verified.event().ok().filter(|_| verified.challenge(&secrets).is_none());
            let event = event.as_ref();
            Verification {
                scheme: Some(verified.scheme().name),
                reason: None,
                event_type: event.map(|event| event.event_type().to_owned()),
                event_id: event.map(|event| event.id().to_owned()),
                idempotency_key: event.map(|event| format!("{}#{}", provider.name(), event.idempotency_key())),
                explanation,
            }
        }
    }
}

fn readable(provider: &Provider, stored: &StoredSecret) -> Option<SigningSecret> {
    provider.key().read(&stored_secret_text(stored).ok()?.0).ok()
}
