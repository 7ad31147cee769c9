//! Checks a provider's signing secret: somebody must have stored it, and the functions must be able
//! to use it.

use aws_sdk_secretsmanager::{Client, primitives::DateTime};
use serde_json::Value;
use webhook_aws::call_error;
use webhook_ingest::{DEVELOPMENT_SECRET, StoredSecret, stored_secret_text};
use webhook_verify::{Provider, SigningSecret};
use zeroize::Zeroizing;

use crate::doctor::{
    asked::Asked,
    keys::Keys,
    report::{Finding, ok, unknown, warning, wrong},
};

/// The length of the secret that the template generates.
const GENERATED_CHARACTERS: usize = 64;
/// A generated value is made together with its secret; a person would take longer than this to
/// store one.
const MADE_TOGETHER_S: i64 = 5;

/// The current version of a secret, and what is known about it.
struct Stored {
    text: Option<Zeroizing<String>>,
    /// Whether the version is as old as the secret.
    is_first: bool,
    /// Whether the stack made the secret, with a random value.
    is_stacks: bool,
    /// Whether the function runs against an emulator, and so accepts the development secret.
    takes_development: bool,
}

/// Checks the secret, notes its key, and returns the secret if it can sign.
pub(crate) async fn check(
    client: &Client,
    provider: &Provider,
    id: &str,
    is_stacks: bool,
    takes_development: bool,
    keys: &mut Keys,
) -> (Finding, Option<SigningSecret>) {
    let described = client.describe_secret().secret_id(id).send().await;
    let described = match Asked::from(described.map_err(|error| call_error(&error))) {
        Asked::Found(described) => described,
        Asked::Absent => {
            return (
                wrong("secret", format!("{id} does not exist: name another secret, and deploy")),
                None,
            );
        }
        Asked::Failed(error) => {
            return (unknown("secret", &format!("describe the secret {id}"), &error), None);
        }
    };
    keys.used(described.kms_key_id(), "the secrets", true);
    if described.deleted_date.is_some() {
        let text = format!("{id} is deleted: restore it with `aws secretsmanager restore-secret`");
        return (wrong("secret", text), None);
    }
    let value = client.get_secret_value().secret_id(id).version_stage("AWSCURRENT").send().await;
    let value = match Asked::from(value.map_err(|error| call_error(&error))) {
        Asked::Found(value) => value,
        Asked::Absent => return (wrong("secret", format!("{id} has no value: {PUT}")), None),
        Asked::Failed(error) => {
            return (unknown("secret", &format!("read the secret {id}"), &error), None);
        }
    };
    let age = |date: Option<&DateTime>| date.map(DateTime::secs);
    let is_first = age(value.created_date())
        .zip(age(described.created_date()))
        .is_some_and(|(version, secret)| version - secret <= MADE_TOGETHER_S);
    let text = value.secret_string.map(Zeroizing::new);
    judge(provider, id, &Stored { text, is_first, is_stacks, takes_development })
}

/// What to do about a secret that is missing or wrong.
const PUT: &str = "store the provider's secret with `aws secretsmanager put-secret-value`";

fn judge(provider: &Provider, id: &str, stored: &Stored) -> (Finding, Option<SigningSecret>) {
    if stored.is_stacks
        && stored.is_first
        && stored.text.as_ref().is_some_and(|text| is_generated(text))
    {
        let text = format!("{id} still has the random value that it was created with: {PUT}");
        return (wrong("secret", text), None);
    }
    let value = stored.text.clone().map_or(StoredSecret::NotText, StoredSecret::Text);
    let (text, warnings) = match stored_secret_text(&value) {
        Ok(read) => read,
        Err(error) => {
            return (wrong("secret", format!("{id} cannot be used: {error}; {PUT}")), None);
        }
    };
    let secret = match provider.key().read(&text) {
        Ok(secret) => secret,
        Err(error) => {
            return (wrong("secret", format!("{id} cannot be used: {error}; {PUT}")), None);
        }
    };
    if secret.is(DEVELOPMENT_SECRET) && !stored.takes_development {
        return (
            wrong(
                "secret",
                format!("{id} is the development secret, which everybody knows: {PUT}"),
            ),
            None,
        );
    }
    let finding = match warnings.first() {
        Some(warned) => warning(
            "secret",
            format!("{id}: {warned}; compare it with the one that the provider shows"),
        ),
        None => ok("secret", format!("{id} has a usable secret for {}", provider.name())),
    };
    (finding, Some(secret))
}

/// Returns whether the value has the form of one that the template generates.
fn is_generated(text: &str) -> bool {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let members = value.as_object().filter(|members| members.len() == 1);
    let secret = members.and_then(|members| members["signing_secret"].as_str());
    secret.is_some_and(|secret| secret.chars().count() == GENERATED_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use webhook_verify::{
        catalogue::{GITHUB, STANDARD_WEBHOOKS},
        providers::PROVIDERS,
    };

    use super::*;

    fn stored(text: &str) -> Stored {
        let text = Some(Zeroizing::new(text.to_owned()));
        Stored { text, is_first: true, is_stacks: true, takes_development: false }
    }

    fn judged(provider: &Provider, stored: &Stored) -> (Finding, bool) {
        let (finding, secret) = judge(provider, "arn:secret", stored);
        (finding, secret.is_some())
    }

    #[test]
    fn the_value_that_the_stack_generated_is_wrong() {
        let generated = format!("{{\"signing_secret\":\"{}\"}}", "aB3dE6gH".repeat(8));
        let random = "arn:secret still has the random value that it was created with: store the \
                      provider's secret with `aws secretsmanager put-secret-value`";
        assert_eq!(judged(GITHUB, &stored(&generated)), (wrong("secret", random), false));
        let set = (ok("secret", "arn:secret has a usable secret for github"), true);
        assert_eq!(
            judged(GITHUB, &Stored { is_first: false, ..stored(&generated) }),
            set,
            "stored later"
        );
        assert_eq!(
            judged(GITHUB, &Stored { is_stacks: false, ..stored(&generated) }),
            set,
            "made by a person"
        );
        for other in [
            "a-secret-of-sixteen-bytes",
            "{\"signing_secret\":\"aB3dE6gHaB3dE6gH\"}",
            &"aB3dE6gH".repeat(8),
        ] {
            assert_eq!(judged(GITHUB, &stored(other)), set, "{other}");
        }
    }

    #[test]
    fn a_secret_that_the_functions_cannot_use_is_wrong() {
        let with = |reason: &str| {
            let text = format!("arn:secret cannot be used: {reason}; {PUT}");
            (wrong("secret", text), false)
        };
        let (empty, _) = judged(GITHUB, &stored(""));
        assert_eq!(empty.verdict, crate::doctor::report::Verdict::Wrong);
        let not_json = judged(GITHUB, &stored("{"));
        assert!(not_json.0.text.starts_with("arn:secret cannot be used: "), "{not_json:?}");
        let reason =
            STANDARD_WEBHOOKS.key().read("whsec").map(|_| ()).map_err(|error| error.to_string());
        let spelled = judged(STANDARD_WEBHOOKS, &Stored { is_stacks: false, ..stored("whsec") });
        assert_eq!(spelled, with(&reason.expect_err("is not spelled so")));
    }

    #[test]
    fn the_development_secret_is_for_emulators_alone() {
        let provider = PROVIDERS[0];
        let development = provider.key().write(DEVELOPMENT_SECRET);
        let known = format!("arn:secret is the development secret, which everybody knows: {PUT}");
        assert_eq!(judged(provider, &stored(&development)), (wrong("secret", known), false));
        let (finding, signs) =
            judged(provider, &Stored { takes_development: true, ..stored(&development) });
        assert_eq!(
            (finding.text, signs),
            (format!("arn:secret has a usable secret for {}", provider.name()), true)
        );
    }

    #[test]
    fn a_short_secret_is_a_warning() {
        let short = "arn:secret: the signing secret has fewer than 16 bytes; compare it with the \
                     one that the provider shows";
        assert_eq!(judged(GITHUB, &stored("short")), (warning("secret", short), true));
    }
}
