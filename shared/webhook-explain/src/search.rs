//! The search: deliveries that differ in one part, and then in two, until one verifies.

use webhook_verify::Header;

use crate::{
    Question, body,
    change::Change,
    header, scheme, secret,
    trial::{LaterRefusal, Parts, Secret, Trials, read},
};

/// How many changes of each part are combined with changes of another part.
const PAIRED: usize = 14;

/// The change with which the delivery verifies.
pub(crate) struct Found {
    pub(crate) change: Change<()>,
    /// A second change, if one is not enough.
    pub(crate) other: Option<Change<()>>,
    /// Why the delivery is refused even so, if it is.
    pub(crate) refusal: Option<LaterRefusal>,
}

/// The changes of each part that are tried.
struct Space<'q> {
    question: &'q Question<'q>,
    headers: Vec<Change<Vec<Header>>>,
    secret: Option<Secret>,
    secrets: Vec<Change<Secret>>,
    urls: Vec<Change<String>>,
}

/// The changes of one trial. A part without a change is as it came.
#[derive(Clone, Copy, Default)]
struct Choice<'c> {
    headers: Option<&'c Change<Vec<Header>>>,
    secret: Option<&'c Change<Secret>>,
    body: Option<&'c Change<Vec<u8>>>,
    url: Option<&'c Change<String>>,
}

/// Finds the simplest change with which the delivery verifies.
pub(crate) fn search(trials: &mut Trials<'_>) -> Option<Found> {
    let question = trials.question;
    let space = Space {
        question,
        headers: header::changes(question.provider, question.headers),
        secret: question.secrets.first().and_then(|given| read(question.provider, given).ok()),
        secrets: secret::changes(question.provider, question.secrets),
        urls: scheme::urls(question),
    };
    // If the headers are refused as they came, no change of another part helps, so only other
    // headers are tried.
    let headers_as_they_came = space.headers_parse(question.headers);
    let headers: Vec<_> =
        space.headers.iter().filter(|change| space.headers_parse(&change.value)).collect();

    let none = Choice::default();
    for change in &headers {
        if let Some(found) = space.try_out(trials, Choice { headers: Some(change), ..none }) {
            return Some(found);
        }
    }
    let mut bodies = Vec::new();
    if headers_as_they_came {
        for change in &space.secrets {
            if let Some(found) = space.try_out(trials, Choice { secret: Some(change), ..none }) {
                return Some(found);
            }
        }
        for change in body::changes(question.body) {
            if let Some(found) = space.try_out(trials, Choice { body: Some(&change), ..none }) {
                return Some(found);
            }
            if bodies.len() < PAIRED {
                bodies.push(change);
            }
            // No more bodies would be verified, and making them takes time.
            if trials.are_used_up() {
                return None;
            }
        }
        for change in &space.urls {
            if let Some(found) = space.try_out(trials, Choice { url: Some(change), ..none }) {
                return Some(found);
            }
        }
    }
    if let Some((change, authentic)) = scheme::other(trials) {
        return Some(Found { change, other: None, refusal: authentic.refusal });
    }
    if trials.are_used_up() {
        return None;
    }
    if !headers_as_they_came {
        bodies.extend(body::changes(question.body).take(PAIRED));
    }
    space.pairs(trials, headers_as_they_came, &headers, &bodies)
}

impl Space<'_> {
    fn headers_parse(&self, headers: &[Header]) -> bool {
        let delivery = webhook_verify::Delivery::new(headers, self.question.body);
        delivery.is_ok_and(|delivery| self.question.provider.parse(delivery).is_ok())
    }

    /// Tries two changes at a time, of different parts.
    fn pairs(
        &self,
        trials: &mut Trials<'_>,
        headers_as_they_came: bool,
        headers: &[&Change<Vec<Header>>],
        bodies: &[Change<Vec<u8>>],
    ) -> Option<Found> {
        let none = Choice::default();
        let secrets = &self.secrets[..self.secrets.len().min(PAIRED)];
        let urls = &self.urls[..self.urls.len().min(PAIRED)];
        let mut choices = Vec::new();
        for first in headers.iter().take(PAIRED) {
            let first = Choice { headers: Some(first), ..none };
            choices.extend(secrets.iter().map(|secret| Choice { secret: Some(secret), ..first }));
            choices.extend(bodies.iter().map(|body| Choice { body: Some(body), ..first }));
            choices.extend(urls.iter().map(|url| Choice { url: Some(url), ..first }));
        }
        if headers_as_they_came {
            for secret in secrets {
                let first = Choice { secret: Some(secret), ..none };
                choices.extend(bodies.iter().map(|body| Choice { body: Some(body), ..first }));
                choices.extend(urls.iter().map(|url| Choice { url: Some(url), ..first }));
            }
            for body in bodies {
                choices.extend(urls.iter().map(|url| Choice {
                    body: Some(body),
                    url: Some(url),
                    ..none
                }));
            }
        }
        choices.into_iter().find_map(|choice| self.try_out(trials, choice))
    }

    fn try_out(&self, trials: &mut Trials<'_>, choice: Choice<'_>) -> Option<Found> {
        let question = self.question;
        let secret = match choice.secret {
            Some(change) => &change.value,
            None => self.secret.as_ref()?,
        };
        let authentic = trials.authentic(Parts {
            provider: question.provider,
            headers: choice.headers.map_or(question.headers, |change| &change.value),
            body: choice.body.map_or(question.body, |change| &change.value),
            secret,
            public_url: choice.url.map_or(question.public_url, |change| Some(&change.value)),
        })?;
        let mut changes = [
            choice.headers.map(Change::without_value),
            choice.secret.map(Change::without_value),
            choice.body.map(Change::without_value),
            choice.url.map(Change::without_value),
        ]
        .into_iter()
        .flatten();
        Some(Found { change: changes.next()?, other: changes.next(), refusal: authentic.refusal })
    }
}
