//! The arguments that say what is signed, and how.

use std::path::PathBuf;

use clap::Args;
use webhook_aws::Environment;
use webhook_ingest::{DEVELOPMENT_SECRET, UnixMillis};
use webhook_verify::UnixSeconds;

use crate::{
    delivery::{OutgoingDelivery, Sender},
    error::CliError,
    input::{self, SECRET_VARIABLE, SecretSource},
    provider::{ProviderName, SchemeName},
    values::{header_value, unix_seconds},
};

#[derive(Args, Debug)]
pub(crate) struct SigningArgs {
    /// Who the webhook is from
    provider: ProviderName,

    /// File with the body, read byte for byte; standard input if it is `-` or absent
    body: Option<PathBuf>,

    /// Pinwheel: version of the signature [default: v2]
    #[arg(long)]
    scheme: Option<SchemeName>,

    /// Pinwheel v1: value of the unsigned header `x-pinwheel-webhook-uuid` [default: no such header]
    #[arg(long, value_name = "ID", value_parser = header_value)]
    delivery_id: Option<String>,

    /// Endgrate: sign the body's Python form, for a body whose spelling was changed on its way
    #[arg(long)]
    python_form: bool,

    /// Time of the delivery, which Pinwheel signs [default: now]
    #[arg(long, value_name = "UNIX_SECONDS", value_parser = unix_seconds)]
    timestamp: Option<UnixSeconds>,

    /// File with the signing secret, or with `{"signing_secret": "…"}`; one line break at its end is dropped
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
}

impl SigningArgs {
    /// Reads secret, clock and body, and signs. Only a signature that covers the time may be given one.
    pub(crate) fn sign(&self, environment: &Environment) -> Result<(OutgoingDelivery, SecretSource), CliError> {
        if self.timestamp.is_some() && !self.provider.signs_time() {
            return Err(misplaced("--timestamp", "this provider signs no time, so only `event` can use it"));
        }
        self.sign_dated(environment)
    }

    /// Does the same for a result that has a date even if the signature does not cover it.
    pub(crate) fn sign_dated(&self, environment: &Environment) -> Result<(OutgoingDelivery, SecretSource), CliError> {
        let sender = self.sender()?;
        let (secret, source) = input::signing_secret(self.secret_file.as_deref(), environment)?;
        let at = self.timestamp.unwrap_or_else(|| UnixMillis::now().seconds());
        let body = input::body(self.body.as_deref())?;
        Ok((OutgoingDelivery::sign(sender, &secret, at, body)?, source))
    }

    /// Refuses options of another provider or scheme: without effect they would mislead.
    fn sender(&self) -> Result<Sender, CliError> {
        match self.provider {
            ProviderName::Pinwheel if self.python_form => Err(misplaced("--python-form", "it is for endgrate")),
            ProviderName::Pinwheel => match self.scheme.unwrap_or(SchemeName::V2) {
                SchemeName::V1 => Ok(Sender::PinwheelV1 { delivery_id: self.delivery_id.clone() }),
                SchemeName::V2 if self.delivery_id.is_some() => {
                    Err(misplaced("--delivery-id", "it is for pinwheel with --scheme v1"))
                }
                SchemeName::V2 => Ok(Sender::PinwheelV2),
            },
            ProviderName::Endgrate if self.scheme.is_some() => Err(misplaced("--scheme", "it is for pinwheel")),
            ProviderName::Endgrate if self.delivery_id.is_some() => {
                Err(misplaced("--delivery-id", "it is for pinwheel with --scheme v1"))
            }
            ProviderName::Endgrate if self.python_form => Ok(Sender::EndgratePythonForm),
            ProviderName::Endgrate => Ok(Sender::Endgrate),
        }
    }
}

fn misplaced(option: &'static str, reason: &'static str) -> CliError {
    CliError::OptionMisplaced { option, reason }
}

/// Returns the end of a signing command's help: where the secret comes from, and examples.
pub(crate) fn signing_help(examples: &str) -> String {
    format!(
        "The signing secret comes from --secret-file, else from the environment variable {SECRET_VARIABLE},\n\
         else it is the development secret, `{DEVELOPMENT_SECRET}`. It is never an argument:\n\
         shells keep a history, and everybody on a machine can list the arguments of a process.\n\n{examples}"
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        signing: SigningArgs,
    }

    fn sender(line: &str) -> Result<Sender, String> {
        let line = Line::try_parse_from(line.split(' '));
        let line = line.map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?;
        line.signing.sender().map_err(|error| error.to_string())
    }

    #[test]
    fn options_choose_the_signature() {
        for (line, expected) in [
            ("sign pinwheel", Sender::PinwheelV2),
            ("sign pinwheel --scheme v2 body.json", Sender::PinwheelV2),
            ("sign --scheme v1 pinwheel", Sender::PinwheelV1 { delivery_id: None }),
            ("sign pinwheel - --scheme v1 --delivery-id 7", Sender::PinwheelV1 { delivery_id: Some("7".to_owned()) }),
            ("sign endgrate", Sender::Endgrate),
            ("sign endgrate --python-form", Sender::EndgratePythonForm),
        ] {
            assert_eq!(sender(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn options_without_effect_and_invalid_values_are_refused() {
        for (line, expected) in [
            ("sign pinwheel --python-form", "--python-form does not fit here: it is for endgrate"),
            ("sign pinwheel --delivery-id 7", "--delivery-id does not fit here: it is for pinwheel with --scheme v1"),
            ("sign endgrate --scheme v1", "--scheme does not fit here: it is for pinwheel"),
            ("sign endgrate --delivery-id 7", "--delivery-id does not fit here: it is for pinwheel with --scheme v1"),
            ("sign stripe", "error: invalid value 'stripe' for '<PROVIDER>'"),
            (
                "sign pinwheel --timestamp +1",
                "error: invalid value '+1' for '--timestamp <UNIX_SECONDS>': expected whole seconds since 1970, in digits",
            ),
            (
                "sign pinwheel --delivery-id é",
                "error: invalid value 'é' for '--delivery-id <ID>': expected visible ASCII characters without spaces",
            ),
        ] {
            assert_eq!(sender(line), Err(expected.to_owned()), "{line}");
        }
    }
}
