//! Builds deliveries, and checks their explanations.

use std::collections::BTreeMap;

use webhook_explain::{Cause, Explanation, GivenSecret, Question, Verdict, explain};
use webhook_verify::{
    Delivery, Header, Provider, Scheme, SigningSecret, SigningSecrets, Tolerance, UnixSeconds,
    catalogue::CATALOGUE,
    description::Form,
    providers::PROVIDERS,
    sign::{Signer, example_body},
};

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
pub(crate) const URL: &str = "https://hooks.example.com/webhooks/provider";

/// Returns every provider with each of its schemes.
pub(crate) fn schemes() -> impl Iterator<Item = (&'static Provider, &'static Scheme)> {
    PROVIDERS
        .iter()
        .chain(CATALOGUE)
        .flat_map(|provider| provider.schemes().iter().map(move |scheme| (*provider, scheme)))
}

/// A delivery as it arrives, and the configuration of its receiver.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) provider: &'static Provider,
    pub(crate) scheme: &'static Scheme,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    /// The contents of the files that hold secrets.
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) now: UnixSeconds,
    pub(crate) url: Option<&'static str>,
    pub(crate) accepted: Option<&'static [&'static Scheme]>,
    /// Texts that no explanation may show.
    pub(crate) confidential: Vec<String>,
}

/// Returns the key of the deliveries of this number. It is text, hexadecimal digits and base64 at
/// once.
pub(crate) fn key(number: usize) -> String {
    format!("c0ffee{number:02}c0ffee00c0ffee00c0ffee")
}

/// Returns the body of this number. Programs write its numbers, characters and nesting differently.
pub(crate) fn body(scheme: &Scheme, number: usize) -> String {
    let plain = format!("\"number\": {number}");
    let rich = format!(
        "{plain}, \"note\": \"Zoë’s a/b <{number}>\", \"rate\": 1.0, \
         \"list\": [1, {{\"b\": [], \"a\": null}}], \"empty\": {{}}"
    );
    example_body(scheme, number, 1).replace(&plain, &rich)
}

impl Case {
    /// Returns the good delivery of this number.
    pub(crate) fn good(
        provider: &'static Provider,
        scheme: &'static Scheme,
        number: usize,
    ) -> Self {
        Self::signed(
            provider,
            scheme,
            &provider.key().write(&key(number)),
            body(scheme, number).as_bytes(),
            NOW,
        )
    }

    /// Returns a delivery that is signed with `secret`, which is written as the provider shows it.
    pub(crate) fn signed(
        provider: &'static Provider,
        scheme: &'static Scheme,
        secret: &str,
        body: &[u8],
        at: UnixSeconds,
    ) -> Self {
        let key = provider.key().read(secret).expect("spelled as the provider spells secrets");
        Self { secrets: vec![secret.into()], ..Self::signed_with(provider, scheme, &key, body, at) }
            .hiding(secret)
    }

    /// Returns a delivery that is signed with these bytes.
    pub(crate) fn of_key(
        provider: &'static Provider,
        scheme: &'static Scheme,
        key: &[u8],
        number: usize,
    ) -> Self {
        let key = SigningSecret::new(key.to_vec()).expect("not empty");
        Self::signed_with(provider, scheme, &key, body(scheme, number).as_bytes(), NOW)
    }

    fn signed_with(
        provider: &'static Provider,
        scheme: &'static Scheme,
        key: &SigningSecret,
        body: &[u8],
        at: UnixSeconds,
    ) -> Self {
        let headers =
            Signer::new(scheme, key, at).public_url(Some(URL)).sign(body).expect("can be signed");
        let value = String::from_utf8_lossy(headers[0].value()).into_owned();
        let start = match scheme.signature.form {
            Form::Bare => 0,
            Form::Prefixed(prefix) => prefix.len(),
            Form::Labelled { assign, .. } => {
                value.trim_end_matches('=').rfind(assign).map_or(0, |at| at + 1)
            }
        };
        let digits = value[start..].to_owned();
        let case = Self {
            provider,
            scheme,
            headers,
            body: body.to_vec(),
            secrets: Vec::new(),
            now: NOW,
            url: Some(URL),
            accepted: None,
            confidential: Vec::new(),
        };
        case.hiding(&digits)
    }

    pub(crate) fn hiding(mut self, text: &str) -> Self {
        self.confidential.push(text.to_owned());
        self
    }

    /// Replaces the contents of the files that hold secrets.
    pub(crate) fn with_secrets(self, secrets: &[&str]) -> Self {
        let files = secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect();
        secrets
            .iter()
            .fold(Self { secrets: files, ..self }, |case, secret| case.hiding(secret.trim()))
    }

    pub(crate) fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Replaces the header at this place.
    pub(crate) fn with_header(mut self, place: usize, name: &str, value: &str) -> Self {
        self.headers[place] = Header::new(name, value);
        self
    }

    pub(crate) fn value(&self, place: usize) -> String {
        String::from_utf8_lossy(self.headers[place].value()).into_owned()
    }

    /// Returns the digits of the original signature.
    pub(crate) fn digits(&self) -> &str {
        &self.confidential[0]
    }

    pub(crate) fn explain(&self) -> Explanation {
        let secrets: Vec<_> = (1..)
            .zip(&self.secrets)
            .map(|(number, value)| GivenSecret {
                label: format!("{number}.txt"),
                value: value.clone().into(),
            })
            .collect();
        let explanation = explain(&Question {
            provider: self.provider,
            headers: &self.headers,
            body: &self.body,
            secrets: &secrets,
            now: self.now,
            tolerance: Tolerance::of(self.provider),
            accepted: self.accepted,
            public_url: self.url,
        });
        let shown = format!("{explanation:?} {}", explanation.to_json());
        for hidden in self.confidential.iter().filter(|hidden| hidden.len() >= 4) {
            assert!(
                !shown.contains(hidden.as_str()),
                "{}: {hidden} is shown in {shown}",
                self.scheme.name
            );
        }
        self.agrees_with_the_verifier(&explanation);
        explanation
    }

    /// Asserts that the verdict and the reason are the verifier's.
    fn agrees_with_the_verifier(&self, explanation: &Explanation) {
        let Some(secret) = self.secrets.first().and_then(|secret| str::from_utf8(secret).ok())
        else {
            return;
        };
        let secret = secret
            .strip_suffix('\n')
            .map_or(secret, |line| line.strip_suffix('\r').unwrap_or(line));
        let (Ok(key), None, false) =
            (self.provider.key().read(secret), self.accepted, secret.starts_with('{'))
        else {
            return;
        };
        let delivery = Delivery::new(&self.headers, &self.body).expect("small");
        let secrets = SigningSecrets::new(key, None);
        let verified = self.provider.parse(delivery).and_then(|unverified| {
            unverified.verify(&secrets, self.now, Tolerance::of(self.provider), self.url)
        });
        let reason = match &verified {
            Err(error) => Some(error.reason()),
            Ok(verified) if verified.challenge(&secrets).is_some() => None,
            Ok(verified) => verified.event().err().map(webhook_verify::Malformed::reason),
        };
        let verdict = if reason.is_none() { Verdict::Verified } else { Verdict::Refused };
        assert_eq!(
            (explanation.verdict, explanation.reason),
            (verdict, reason),
            "{}",
            self.scheme.name
        );
    }
}

/// Plants one kind of fault, and counts in how many deliveries of each scheme.
pub(crate) struct Planted {
    cause: Cause,
    counts: BTreeMap<&'static str, usize>,
}

impl Planted {
    pub(crate) fn of(cause: Cause) -> Self {
        Self { cause, counts: BTreeMap::new() }
    }

    /// Asserts that the explanation names the planted fault. If the delivery still verifies, its
    /// scheme cannot have the fault, and it is skipped.
    pub(crate) fn plant(&mut self, case: &Case, what: &str) {
        let explanation = case.explain();
        let name = case.scheme.name;
        if explanation.verdict == Verdict::Verified {
            return;
        }
        assert_eq!(explanation.cause, Some(self.cause), "{name}, {what}: {explanation:#?}");
        for text in [&explanation.detail, &explanation.fix] {
            assert!(!text.is_empty() && !text.contains('`'), "{name}, {what}: {explanation:#?}");
        }
        *self.counts.entry(name).or_default() += 1;
    }

    /// Asserts that at least this many schemes have had the fault three times or more.
    pub(crate) fn covers_schemes(&self, schemes: usize) {
        let dense = self.counts.values().filter(|count| **count >= 3).count();
        assert!(dense >= schemes, "{:?}", self.counts);
    }
}
