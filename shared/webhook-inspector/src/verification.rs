//! Verifies a delivery again with the receiver's own verifier: for what the log does not say, and
//! for the explanation.

use std::time::Duration;

use serde_json::Value;
use webhook_cli::development_url;
use webhook_explain::{GivenSecret, Question, explain};
use webhook_ingest::{StoredSecret, StoredSecrets, stored_secret_text};
use webhook_verify::{Delivery as Received, Provider, SigningSecret, SigningSecrets, Tolerance};

use crate::delivery::{Delivery, Door};

/// The tolerance that `.tools/dev.env` sets, so that `cargo lambda watch` accepts the samples.
const WATCH_TOLERANCE: Duration = Duration::from_secs(630_720_000);

/// What verifying a delivery again has found.
#[derive(Debug, Default)]
pub(crate) struct Verification {
    pub(crate) scheme: Option<&'static str>,
    /// Why the delivery is not authentic.
    pub(crate) reason: Option<&'static str>,
    pub(crate) event_type: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) explanation: Option<Value>,
}

/// Verifies a delivery with the secrets of the stack, at the time of receipt. It may take a second:
/// an explanation tries a few thousand changes.
pub(crate) fn verify(
    provider: &'static Provider,
    delivery: &Delivery,
    stored: &StoredSecrets,
) -> Verification {
    let tolerance = match delivery.door {
        Door::Watch if provider.tolerance().is_some() => Tolerance { past: WATCH_TOLERANCE },
        Door::Stack | Door::Watch => Tolerance::of(provider),
    };
    let url = provider.signs_url().then(|| development_url(provider));
    let headers = delivery.headers.to_verify();
    let previous = stored.previous.as_ref().ok().and_then(Option::as_ref);
    let given = |(label, secret): (&str, Option<&StoredSecret>)| match secret? {
        StoredSecret::Text(text) => {
            Some(GivenSecret { label: label.to_owned(), value: text.as_bytes().to_vec().into() })
        }
        StoredSecret::NotText => None,
    };
    let mut given_secrets: Vec<_> =
        [("AWSCURRENT", Some(&stored.current)), ("AWSPREVIOUS", previous)]
            .into_iter()
            .filter_map(given)
            .collect();
    let received = Received::new(&headers, &delivery.body).ok();
    let verified_with = |secrets: &SigningSecrets| {
        let verified = provider.parse(received?).and_then(|unverified| {
            unverified.verify(secrets, delivery.received_at(), tolerance, url.as_deref())
        });
        Some(verified)
    };
    let current = || readable(provider, &stored.current);
    let secrets = current().map(|current| {
        SigningSecrets::new(current, previous.and_then(|secret| readable(provider, secret)))
    });
    let verified = secrets.as_ref().and_then(verified_with);
    let is_by_current = || {
        let alone =
            current().and_then(|current| verified_with(&SigningSecrets::new(current, None)));
        alone.is_some_and(|verified| verified.is_ok())
    };
    // The receiver accepts both secrets, but an explanation judges by the first.
    if verified.as_ref().is_some_and(Result::is_ok) && !is_by_current() {
        given_secrets.reverse();
    }
    let explanation = explain(&Question {
        provider,
        headers: &headers,
        body: &delivery.body,
        secrets: &given_secrets,
        now: delivery.received_at(),
        tolerance,
        accepted: None,
        public_url: url.as_deref(),
    });
    let explanation = serde_json::to_value(explanation).ok();
    let (Some(secrets), Some(verified)) = (secrets.as_ref(), verified) else {
        return Verification { explanation, ..Verification::default() };
    };
    match verified {
        Err(error) => {
            Verification { reason: Some(error.reason()), explanation, ..Verification::default() }
        }
        Ok(verified) => {
            let event = verified.event().ok().filter(|_| verified.challenge(secrets).is_none());
            let event = event.as_ref();
            Verification {
                scheme: Some(verified.scheme().name),
                reason: None,
                event_type: event.map(|event| event.event_type().to_owned()),
                event_id: event.map(|event| event.id().to_owned()),
                idempotency_key: event.map(|event| event.idempotency_key().to_owned()),
                explanation,
            }
        }
    }
}

fn readable(provider: &Provider, stored: &StoredSecret) -> Option<SigningSecret> {
    provider.key().read(&stored_secret_text(stored).ok()?.0).ok()
}

#[cfg(test)]
mod tests {
    use webhook_cli::{OutgoingDelivery, Sender};
    use webhook_verify::{UnixSeconds, providers::PROVIDERS, sign::example_body};

    use super::*;
    use crate::delivery::{Findings, Headers, Response};

    fn stored(provider: &Provider, key: &str) -> StoredSecret {
        StoredSecret::Text(provider.key().write(key).into())
    }

    fn delivery(provider: &'static Provider, key: &str) -> Delivery {
        let scheme = provider.schemes().last().expect("there is one");
        let id = scheme.signed_headers().next().map(|_| "msg_1".to_owned());
        let sender = Sender { id, ..Sender::new(provider, scheme) };
        let secret = provider.key().read(&provider.key().write(key)).expect("is written so");
        let at = UnixSeconds(1_800_000_000);
        let signed =
            OutgoingDelivery::sign(sender, &secret, at, example_body(scheme, 1, 1).into_bytes());
        let signed = signed.expect("can be signed");
        let text = |value: &[u8]| value.iter().copied().map(char::from).collect();
        let headers = signed
            .headers()
            .iter()
            .map(|header| (header.name().to_owned(), text(header.value())))
            .collect();
        Delivery {
            id: 1,
            at_ms: at.0 * 1000,
            provider: provider.name().to_owned(),
            door: Door::Stack,
            resent_from: None,
            headers: Headers(headers),
            body: signed.body().to_vec(),
            response: Response { status: 200, headers: Headers::default(), body: String::new() },
            duration_us: 0,
            findings: Findings::default(),
        }
    }

    #[test]
    fn a_delivery_signed_with_the_previous_secret_is_explained_as_verified() {
        for provider in PROVIDERS {
            let secrets = StoredSecrets {
                current: stored(provider, "a-secret-of-now-and-of-some-length"),
                previous: Ok(Some(stored(provider, "a-secret-of-before-and-of-some-length"))),
            };
            for (signed_with, verdict) in [
                ("a-secret-of-now-and-of-some-length", "verified"),
                ("a-secret-of-before-and-of-some-length", "verified"),
                ("another-secret-and-of-some-length", "refused"),
            ] {
                let found = verify(provider, &delivery(provider, signed_with), &secrets);
                let explanation = found.explanation.expect("there is one");
                assert_eq!(explanation["verdict"], verdict, "{} {signed_with}", provider.name());
                assert_eq!(found.reason.is_none(), verdict == "verified");
                let prefixes = found
                    .idempotency_key
                    .map(|key| key.matches(&format!("{}#", provider.name())).count());
                assert_eq!(prefixes, (verdict == "verified").then_some(1), "{}", provider.name());
            }
        }
    }
}
