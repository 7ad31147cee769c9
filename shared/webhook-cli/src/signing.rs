//! The arguments that say what is signed, and how.

use std::path::PathBuf;

use clap::Args;
use webhook_aws::Environment;
use webhook_ingest::{DEVELOPMENT_SECRET, UnixMillis};
use webhook_verify::{Provider, Scheme, UnixSeconds, description::Body};

use crate::{
    delivery::{OutgoingDelivery, Sender, delivery_id_header},
    error::CliError,
    input::{self, SECRET_VARIABLE, SecretSource},
    provider::{provider_name, with_example_provider},
    values::{header_value, http_url, unix_seconds},
};

/// The environment variable with the URL that a receiver is registered under; functions read it
/// too.
pub(crate) const URL_VARIABLE: &str = "PUBLIC_URL";

#[derive(Args, Debug)]
pub(crate) struct SigningArgs {
    /// Who the webhook is from
    #[arg(value_parser = provider_name())]
    provider: &'static Provider,

    /// File with the body, read byte for byte; standard input if it is `-` or absent
    body: Option<PathBuf>,

    /// Signature scheme, for a provider with several, such as `v1` [default: the newest]
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,

    /// Delivery's id, if the scheme has an unsigned header for it [default: no such header]
    #[arg(long, value_name = "ID", value_parser = header_value)]
    delivery_id: Option<String>,

    /// Event's id, if the scheme has a signed header for it [default: `msg_1`]
    #[arg(long, value_name = "ID", value_parser = header_value)]
    id: Option<String>,

    /// Sign the body's Python form, as if the body was re-serialised after it was signed
    #[arg(long)]
    python_form: bool,

    /// URL that the receiver is registered under, if the signature covers it [default: the variable
    /// `PUBLIC_URL`, else `https://example.com/webhooks/<provider>`]
    #[arg(long, value_name = "URL", value_parser = url_text)]
    public_url: Option<String>,

    /// Time of the delivery, if the signature covers it [default: now]
    #[arg(long, value_name = "UNIX_SECONDS", value_parser = unix_seconds)]
    timestamp: Option<UnixSeconds>,

    /// File with the signing secret, or with `{"signing_secret": "…"}`; one line break at its end
    /// is dropped
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
}

impl SigningArgs {
    /// Reads secret, clock and body, and signs. A time is accepted only if the signature covers it.
    pub(crate) fn sign(
        &self,
        environment: &Environment,
    ) -> Result<(OutgoingDelivery, SecretSource), CliError> {
        let scheme = self.scheme()?;
        if self.timestamp.is_some() && scheme.time.is_none() {
            return Err(misplaced(
                "--timestamp",
                scheme,
                "signs no time, so only `event` can use it",
            ));
        }
        self.sign_dated(environment)
    }

    /// Does the same for a result that has a date even if the signature does not cover it.
    pub(crate) fn sign_dated(
        &self,
        environment: &Environment,
    ) -> Result<(OutgoingDelivery, SecretSource), CliError> {
        let mut sender = self.sender()?;
        if sender.scheme.signs_url() && self.public_url.is_none() {
            sender.public_url = environment.optional(URL_VARIABLE)?.or(sender.public_url);
        }
        let (secret, source) =
            input::signing_secret(self.provider, self.secret_file.as_deref(), environment)?;
        let at = self.timestamp.unwrap_or_else(|| UnixMillis::now().seconds());
        let body = input::body(self.body.as_deref())?;
        Ok((OutgoingDelivery::sign(sender, &secret, at, body)?, source))
    }

    /// Returns the scheme that the option names, else the provider's last: descriptions begin with
    /// the oldest.
    fn scheme(&self) -> Result<&'static Scheme, CliError> {
        let schemes = self.provider.schemes();
        match &self.scheme {
            None => Ok(&schemes[schemes.len() - 1]),
            Some(name) => self.provider.scheme(name).ok_or_else(|| CliError::UnknownScheme {
                name: name.clone(),
                provider: self.provider.name(),
                known: schemes.iter().map(|scheme| scheme.name).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Refuses options that the scheme does not use: an option without effect would mislead.
    fn sender(&self) -> Result<Sender, CliError> {
        let scheme = self.scheme()?;
        if self.delivery_id.is_some() && delivery_id_header(scheme).is_none() {
            return Err(misplaced("--delivery-id", scheme, "has no header with an unsigned id"));
        }
        if self.id.is_some() && scheme.signed_headers().next().is_none() {
            return Err(misplaced("--id", scheme, "has no header with a signed id"));
        }
        if self.python_form && !may_sign_python_form(scheme) {
            return Err(misplaced(
                "--python-form",
                scheme,
                "does not sign a Python form in place of the body",
            ));
        }
        if self.public_url.is_some() && !scheme.signs_url() {
            return Err(misplaced("--public-url", scheme, "does not sign the URL"));
        }
        let sender = Sender::new(self.provider, scheme);
        Ok(Sender {
            respelled: self.python_form,
            delivery_id: self.delivery_id.clone(),
            id: self.id.clone(),
            public_url: self.public_url.clone().or(sender.public_url),
            ..sender
        })
    }
}

/// Returns whether a delivery may be signed over the body or over its Python form.
fn may_sign_python_form(scheme: &Scheme) -> bool {
    scheme.messages.len() > 1
        && scheme.messages.iter().any(|message| matches!(message.body, Body::PythonForm(_)))
}

/// Reads a URL, and returns it character for character: that is how it is signed.
fn url_text(text: &str) -> Result<String, &'static str> {
    http_url(text).map(|_| text.to_owned())
}

fn misplaced(option: &'static str, scheme: &Scheme, reason: &str) -> CliError {
    CliError::OptionMisplaced { option, reason: format!("{} {reason}", scheme.name) }
}

/// Returns the end of a signing command's help: where the secret comes from, and examples.
pub(crate) fn signing_help(examples: &str) -> String {
    format!(
        "The signing secret comes from --secret-file, else from the environment variable\n\
         {SECRET_VARIABLE}, else it is the development secret,\n\
         `{DEVELOPMENT_SECRET}`, spelled as the provider spells its secrets.\n\
         It is never an argument: shells keep a history, and everybody on a machine can list the\n\
         arguments of a process.\n\n\
         {}",
        with_example_provider(examples)
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use webhook_verify::{
        catalogue::{GITHUB, SQUARE, STANDARD_WEBHOOKS, STRIPE},
        description::{Form, Hash, Message, Signature},
        json::PythonForm,
        providers::PROVIDERS,
    };

    use super::*;

    const RESPELLED: Message =
        Message { body: Body::PythonForm(PythonForm::Default), ..Message::RAW_BODY };

    /// Has two schemes, of which the older one may sign a Python form.
    const OF_TWO: &Provider = &{
        const OLD: Scheme = Scheme {
            name: "two-v1",
            messages: &[Message::RAW_BODY, RESPELLED],
            ..GITHUB.schemes()[0]
        };
        // A different hash: one scheme's signature must not be valid as the other's.
        const SIGNATURE: Signature =
            Signature { form: Form::Prefixed("v2="), hash: Hash::Sha512, ..OLD.signature };
        const NEW: Scheme = Scheme { name: "two-v2", signature: SIGNATURE, ..STRIPE.schemes()[0] };
        Provider::new(
            "two",
            GITHUB.key(),
            &[OLD, Scheme { time: None, messages: &[Message::RAW_BODY], ..NEW }],
        )
    };

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        signing: SigningArgs,
    }

    /// Reads options as if `provider` were deployed.
    fn args(provider: &'static Provider, options: &str) -> Result<SigningArgs, String> {
        let words = ["sign", PROVIDERS[0].name()].into_iter().chain(options.split_whitespace());
        let line = Line::try_parse_from(words);
        let line =
            line.map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?;
        Ok(SigningArgs { provider, ..line.signing })
    }

    fn sender(provider: &'static Provider, options: &str) -> Result<Sender, String> {
        args(provider, options)?.sender().map_err(|error| error.to_string())
    }

    #[test]
    fn every_provider_signs_with_its_newest_scheme() {
        for provider in PROVIDERS {
            let line =
                Line::try_parse_from(["sign", provider.name()]).map_err(|error| error.to_string());
            let sender = line.map(|line| {
                line.signing.sender().map(|sender| (sender.provider.name(), sender.scheme))
            });
            let newest = provider.schemes().last().expect("there is one");
            assert_eq!(sender.map(Result::ok), Ok(Some((provider.name(), newest))));
        }
    }

    #[test]
    fn an_unknown_provider_is_refused_with_the_known_names() {
        let unknown = Line::try_parse_from(["sign", "example-unknown"])
            .map(|_| ())
            .map_err(|error| error.to_string());
        let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name()).collect();
        let expected = format!(
            "error: invalid value 'example-unknown' for '<PROVIDER>'\n  [possible values: {}]\n",
            names.join(", ")
        );
        assert!(unknown.clone().is_err_and(|error| error.starts_with(&expected)), "{unknown:?}");
    }

    #[test]
    fn options_choose_the_signature() {
        for (provider, options, expected) in [
            (OF_TWO, "", "two-v2 respelled=false delivery_id=None id=None url=None"),
            (OF_TWO, "--scheme v1", "two-v1 respelled=false delivery_id=None id=None url=None"),
            (
                OF_TWO,
                "--scheme two-v1 --python-form",
                "two-v1 respelled=true delivery_id=None id=None url=None",
            ),
            (
                GITHUB,
                "- --delivery-id 7",
                "github respelled=false delivery_id=Some(\"7\") id=None url=None",
            ),
            (
                STANDARD_WEBHOOKS,
                "--id msg_7",
                "standard-webhooks respelled=false delivery_id=None id=Some(\"msg_7\") url=None",
            ),
            (
                SQUARE,
                "",
                "square respelled=false delivery_id=None id=None \
                 url=Some(\"https://example.com/webhooks/square\")",
            ),
            (
                SQUARE,
                "--public-url HTTPS://Example.com",
                "square respelled=false delivery_id=None id=None url=Some(\"HTTPS://Example.com\")",
            ),
        ] {
            let shown = sender(provider, options).map(|sender| {
                let Sender { scheme, respelled, delivery_id, id, public_url, .. } = sender;
                let name = scheme.name;
                format!(
                    "{name} respelled={respelled} delivery_id={delivery_id:?} id={id:?} \
                     url={public_url:?}"
                )
            });
            assert_eq!(shown, Ok(expected.to_owned()), "{options}");
        }
    }

    #[test]
    fn options_without_effect_and_invalid_values_are_refused() {
        for (provider, options, expected) in [
            (
                OF_TWO,
                "--python-form",
                "--python-form cannot be used here: two-v2 does not sign a Python form in place of \
                 the body",
            ),
            (OF_TWO, "--scheme v3", "two has no scheme v3: its schemes are two-v1, two-v2"),
            (
                STRIPE,
                "--delivery-id 7",
                "--delivery-id cannot be used here: stripe has no header with an unsigned id",
            ),
            (GITHUB, "--id 7", "--id cannot be used here: github has no header with a signed id"),
            (
                GITHUB,
                "--public-url https://a.example/",
                "--public-url cannot be used here: github does not sign the URL",
            ),
            (
                STRIPE,
                "--timestamp +1",
                "error: invalid value '+1' for '--timestamp <UNIX_SECONDS>': expected whole \
                 seconds since 1970, in digits",
            ),
            (
                GITHUB,
                "--delivery-id é",
                "error: invalid value 'é' for '--delivery-id <ID>': expected visible ASCII \
                 characters without spaces",
            ),
            (
                SQUARE,
                "--public-url example.com",
                "error: invalid value 'example.com' for '--public-url <URL>': expected http:// or \
                 https://, a host and, if any, a valid port",
            ),
        ] {
            assert_eq!(
                sender(provider, options).map(|_| ()),
                Err(expected.to_owned()),
                "{options}"
            );
        }
    }

    #[test]
    fn a_time_is_refused_if_no_signature_covers_it() {
        let environment = Environment::from_iter([("EMPTY", "")]);
        let refused = args(GITHUB, "--timestamp 1").map(|args| args.sign(&environment).map(|_| ()));
        let refused = refused.map(|refused| refused.map_err(|error| error.to_string()));
        let expected =
            "--timestamp cannot be used here: github signs no time, so only `event` can use it";
        assert_eq!(refused, Ok(Err(expected.to_owned())));
    }
}
