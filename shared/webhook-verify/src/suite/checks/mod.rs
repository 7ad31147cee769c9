//! The checks: what a receiver does wrong with the deliveries of a provider.

mod body;
mod headers;
mod identity;
mod receiver;

use super::{Answer, Attempt, Identity, Receiver};
use crate::{
    description::{Body, Provider, Scheme},
    error::VerifyError,
    mac::SecretVersion,
    sign::{Signer, example_body},
    time::UnixSeconds,
};

const AT: UnixSeconds = UnixSeconds(1_700_000_000);
const URL: &str = "https://example.com/webhooks/provider";
const SECRET: &str = "s3cret-of-the-suite";
const ID: &str = "msg_1";

/// Returns what the receiver does wrong with deliveries of any of the provider's schemes.
pub(super) fn violations(provider: &'static Provider, receiver: Receiver) -> Vec<String> {
    let mut all = Vec::new();
    for scheme in provider.schemes() {
        let forms = scheme
            .messages
            .iter()
            .filter(|message| matches!(message.body, Body::PythonForm(_)))
            .count();
        for respelled in [false, true] {
            if respelled && forms == 0 {
                continue;
            }
            let mut suite = Suite {
                provider,
                scheme,
                receiver,
                respelled,
                has_form: forms > 0,
                violations: Vec::new(),
            };
            suite.run();
            all.append(&mut suite.violations);
        }
    }
    all
}

struct Suite {
    provider: &'static Provider,
    scheme: &'static Scheme,
    receiver: Receiver,
    /// Whether the Python form is signed in place of the body.
    respelled: bool,
    /// Whether the scheme allows that.
    has_form: bool,
    violations: Vec<String>,
}

impl Suite {
    fn run(&mut self) {
        let good = self.attempt(&example_body(self.scheme, 1, 1), AT, ID);
        let Answer::Accepted { identity, secret: SecretVersion::Current } = self.receive(&good)
        else {
            return self.report("a signed delivery is not accepted under the current secret");
        };
        self.identities(&good, &identity);
        self.unsigned(&good, &identity);
        self.header_counts(&good, &identity);
        self.signature(&good);
        self.signed_values(&good);
        self.body(&good, &identity);
        self.clock(&good);
        self.secrets(&good, &identity);
        self.url(&good, &identity);
        self.no_url();
        self.not_an_object(&good);
        self.malformed_body();
    }

    fn attempt(&self, body: &str, at: UnixSeconds, id: &str) -> Attempt {
        self.attempt_under(Some(URL), body, at, id)
    }

    fn attempt_under(
        &self,
        url: Option<&'static str>,
        body: &str,
        at: UnixSeconds,
        id: &str,
    ) -> Attempt {
        let text = self.provider.key().write(SECRET);
        let secret = self.provider.key().read(&text).expect("a secret in its provider's spelling");
        let mut signer = Signer::new(self.scheme, &secret, at).id(id).public_url(url);
        if self.respelled {
            signer = signer.respelled();
        }
        let headers = signer.sign(body.as_bytes()).expect("the scheme can sign it");
        Attempt { headers, body: body.as_bytes().to_vec(), secrets: (text, None), now: AT, url }
    }

    /// Receives the delivery, and checks that nothing confidential is logged.
    fn receive(&mut self, attempt: &Attempt) -> Answer {
        let mut log = String::new();
        let answer = (self.receiver)(self.provider, attempt, &mut log);
        let signature = attempt
            .headers
            .first()
            .map(|header| String::from_utf8_lossy(header.value()).into_owned());
        let signature = signature.filter(|value| value.len() > "v1=".len());
        let confidential = [SECRET, &attempt.secrets.0, "example.created", "evt_1", "grp_1"];
        for confidential in confidential.into_iter().chain(signature.as_deref()) {
            if log.contains(confidential) {
                self.report("a log shows a secret, a signature or a payload");
            }
        }
        answer
    }

    fn report(&mut self, violation: &str) {
        let violation = format!("{}: {violation}", self.scheme.name);
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    fn expect(&mut self, attempt: &Attempt, expected: &Answer, violation: &str) {
        if self.receive(attempt) != *expected {
            self.report(violation);
        }
    }

    fn expect_mismatch(&mut self, attempt: &Attempt, violation: &str) {
        self.expect(attempt, &Answer::Refused(VerifyError::SignatureMismatch), violation);
    }

    fn expect_refused(&mut self, attempt: &Attempt, violation: &str) {
        if !matches!(self.receive(attempt), Answer::Refused(_)) {
            self.report(violation);
        }
    }

    fn identity(&mut self, attempt: &Attempt) -> Option<Identity> {
        match self.receive(attempt) {
            Answer::Accepted { identity, .. } => Some(identity),
            Answer::Refused(_) | Answer::Malformed(_) => None,
        }
    }
}
