//! Rules that every provider must keep, whatever its description says. They are checked for each
//! provider, deployed or in the catalogue. A new provider needs no line here.
//!
//! [`checks`] sends deliveries to a receiver, and reports every answer that breaks a rule.
//! [`planted`] shows that it notices faults, in descriptions and in receivers.

mod checks;
mod planted;

use std::fmt::Write as _;

use crate::{
    catalogue::{
        CATALOGUE,
        tests::schemes::{HUBSPOT, LINE, PADDLE, RARE},
    },
    delivery::{Delivery, Header},
    description::Provider,
    error::{Malformed, VerifyError},
    mac::SecretVersion,
    providers::PROVIDERS,
    secret::SigningSecrets,
    time::{Tolerance, UnixSeconds},
};

/// A delivery as it arrives, and the configuration of its receiver.
#[derive(Clone)]
struct Attempt {
    headers: Vec<Header>,
    body: Vec<u8>,
    /// The current secret and the previous one, as the provider writes them.
    secrets: (String, Option<String>),
    now: UnixSeconds,
    url: Option<&'static str>,
}

/// A receiver's answer to a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Answer {
    Accepted { identity: Identity, secret: SecretVersion },
    Refused(VerifyError),
    Malformed(Malformed),
}

/// What all deliveries of an event have in common.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Identity {
    key: String,
    id: String,
    group: String,
}

/// Receives a delivery, and writes everything that may be logged about it into `log`.
type Receiver = fn(&'static Provider, &Attempt, log: &mut String) -> Answer;

/// Receives as the deployed receiver does.
fn receive(provider: &'static Provider, attempt: &Attempt, log: &mut String) -> Answer {
    let answer = answer(provider, attempt, log).unwrap_or_else(Answer::Refused);
    let (Answer::Refused(_) | Answer::Malformed(_)) = answer else { return answer };
    // Writing into a string cannot fail.
    let _ = write!(log, "{answer:?}");
    answer
}

fn answer(
    provider: &'static Provider,
    attempt: &Attempt,
    log: &mut String,
) -> Result<Answer, VerifyError> {
    let read = |text: &str| provider.key().read(text).expect("a secret in its provider's spelling");
    let secrets =
        SigningSecrets::new(read(&attempt.secrets.0), attempt.secrets.1.as_deref().map(read));
    let delivery = Delivery::new(&attempt.headers, &attempt.body).expect("small");
    let _ = write!(log, "{secrets:?}{:?}{delivery:?}", attempt.headers);
    let unverified = provider.parse(delivery)?;
    let _ = write!(log, "{unverified:?}");
    let verified =
        unverified.verify(&secrets, attempt.now, Tolerance::of(provider), attempt.url)?;
    let _ = write!(log, "{verified:?}");
    Ok(match verified.event() {
        Err(malformed) => Answer::Malformed(malformed),
        Ok(event) => {
            let _ = write!(log, "{event:?}");
            let [key, id, group] =
                [event.idempotency_key(), event.id(), event.group()].map(str::to_owned);
            Answer::Accepted { identity: Identity { key, id, group }, secret: event.secret() }
        }
    })
}

#[test]
fn every_provider_passes_every_check() {
    for provider in PROVIDERS.iter().chain(CATALOGUE).chain(&[LINE, PADDLE, HUBSPOT, RARE]) {
        assert_eq!(checks::violations(provider, receive), [""; 0], "{provider:?}");
    }
}
