//! What can be asked for on the command line, and its help.

mod operations;
mod pinwheel;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ureq::http::Uri;
use webhook_verify::UnixSeconds;

pub use operations::{FindArgs, PurgeArgs, RecordAction, RecordArgs, RedriveArgs, ReplayArgs, ShowArgs, TableArgs};
pub use pinwheel::{
    AddArgs, Environment, PinwheelApiArgs, PinwheelArgs, PinwheelSubject, RemoveArgs, WebhooksAction, WebhooksArgs,
};

use crate::{
    DEVELOPMENT_SECRET, Error, ProviderName, SchemeName, Sender,
    delivery::OutgoingDelivery,
    input::{self, SECRET_VARIABLE, SecretSource},
};

/// The sender's side of webhooks, to test a receiver; and the operator's, to run one.
#[derive(Debug, Parser)]
#[command(name = "webhook", version, after_help = "`cargo webhook <COMMAND> --help` has examples.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One file in `commands/` each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints the headers that sign a body, stamped now, one a line
    #[command(after_help = help(SIGN_EXAMPLES))]
    Sign(SignArgs),
    /// Signs a body, sends it to a receiver and prints the answer
    #[command(after_help = help(SEND_EXAMPLES))]
    Send(SendArgs),
    /// Signs a body and prints it as the event with which an HTTP API calls a function (payload format 2.0)
    #[command(after_help = help(EVENT_EXAMPLES))]
    Event(EventArgs),
    /// Shows, finds or deletes what the table remembers of an event
    Record(RecordArgs),
    /// Puts the messages of a dead-letter queue back on the queue that they came from
    #[command(after_help = aws_help(operations::REDRIVE_EXAMPLES))]
    Redrive(RedriveArgs),
    /// Puts an event that was handled on the queue again, on purpose
    #[command(after_help = aws_help(operations::REPLAY_EXAMPLES))]
    Replay(ReplayArgs),
    /// Asks Pinwheel's API
    Pinwheel(PinwheelArgs),
}

/// `webhook sign`.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// What to sign, and how.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `webhook send`.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// What to sign, and how.
    #[command(flatten)]
    pub signing: SigningArgs,

    /// Where to POST it, such as `https://example.com/webhooks/pinwheel`
    #[arg(long, value_parser = http_url)]
    pub url: Uri,
}

/// `webhook event`.
#[derive(Args, Debug)]
pub struct EventArgs {
    /// What to sign, and how.
    #[command(flatten)]
    pub signing: SigningArgs,

    /// Put the body into the event as base64, as API Gateway does with bodies that are not text
    #[arg(long)]
    pub base64: bool,
}

/// What every command signs, and how.
#[derive(Args, Debug)]
pub struct SigningArgs {
    /// Who the webhook is from
    pub provider: ProviderName,

    /// File with the body, taken byte for byte; standard input where it is `-` or absent
    pub body: Option<PathBuf>,

    /// Pinwheel: version of the signature [default: v2]
    #[arg(long)]
    pub scheme: Option<SchemeName>,

    /// Pinwheel v1: value of the unsigned header `x-pinwheel-webhook-uuid`, which is left out without it
    #[arg(long, value_name = "ID", value_parser = header_value)]
    pub delivery_id: Option<String>,

    /// Endgrate: sign the body's Python form, as where the body's spelling changed on the way
    #[arg(long)]
    pub python_form: bool,

    /// Time of the delivery, which Pinwheel signs [default: now]
    #[arg(long, value_name = "UNIX_SECONDS", value_parser = unix_seconds)]
    pub timestamp: Option<UnixSeconds>,

    /// File with the signing secret; one line break at its end is dropped
    #[arg(long, value_name = "PATH")]
    pub secret_file: Option<PathBuf>,
}

impl SigningArgs {
    /// Reads body, secret and clock, and signs what is to be dated, whether or not the signature has the time in it.
    pub(crate) fn sign_dated(&self) -> Result<(OutgoingDelivery, SecretSource), Error> {
        let sender = self.sender()?;
        let (secret, source) = input::secret(self.secret_file.as_deref())?;
        let at = self.timestamp.map_or_else(input::now, Ok)?;
        let body = input::body(self.body.as_deref())?;
        Ok((OutgoingDelivery::sign(sender, &secret, at, body)?, source))
    }

    /// As [`Self::sign_dated`], where nothing but the signature could have the time in it.
    pub(crate) fn sign(&self) -> Result<(OutgoingDelivery, SecretSource), Error> {
        if self.timestamp.is_some() && !self.provider.signs_time() {
            return Err(misplaced("--timestamp", "this provider signs no time, so that only `event` has a use for it"));
        }
        self.sign_dated()
    }

    /// Options of another provider or scheme are refused: without effect they would mislead.
    fn sender(&self) -> Result<Sender, Error> {
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

fn misplaced(option: &'static str, reason: &'static str) -> Error {
    Error::OptionMisplaced { option, reason }
}

/// Digits only, as receivers read them.
fn unix_seconds(text: &str) -> Result<UnixSeconds, &'static str> {
    UnixSeconds::from_digits(text.as_bytes()).ok_or("not a whole number of seconds since 1970 in digits")
}

/// What a header line can hold without being trimmed or split.
fn header_value(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("not a text of visible ASCII characters without spaces")
    }
}

/// Absolute, so that a forgotten scheme is not taken for a host; and with a port that can be read, or it would be
/// ignored.
fn http_url(text: &str) -> Result<Uri, &'static str> {
    const REASON: &str = "not an http:// or https:// URL";
    let url: Uri = text.parse().map_err(|_| REASON)?;
    let authority = url.authority().ok_or(REASON)?;
    let port = authority.port_u16().is_some() || authority.as_str().ends_with(authority.host());
    let host = !authority.host().is_empty();
    if port && host && matches!(url.scheme_str(), Some("http" | "https")) { Ok(url) } else { Err(REASON) }
}

fn help(examples: &str) -> String {
    format!(
        "The signing secret comes from --secret-file, else from the environment variable {SECRET_VARIABLE},\n\
         else it is the development secret, `{DEVELOPMENT_SECRET}`. It is never an argument:\n\
         shells keep a history, and everybody on a machine can list the arguments of a process.\n\n{examples}"
    )
}

fn aws_help(examples: &str) -> String {
    format!(
        "Region and credentials come from the environment (AWS_REGION, AWS_ACCESS_KEY_ID, …) or from the profile that\n\
         AWS_PROFILE names. Of a profile with single sign-on, take the keys first:\n  \
         eval \"$(aws configure export-credentials --format env)\"\n\n{examples}"
    )
}

const SIGN_EXAMPLES: &str = "\
Examples:
  cargo webhook sign pinwheel body.json
  cargo webhook sign pinwheel --scheme v1 --delivery-id 1f8e4b5a-5d0c-4e0e-9a52-0c4d1c0f6a11 body.json
  echo '{\"success\": true}' | cargo webhook sign endgrate
  cargo webhook sign pinwheel body.json |
    curl -H @- -H 'content-type: application/json' --data-binary @body.json http://127.0.0.1:8080/";

const SEND_EXAMPLES: &str = "\
Exit code: 0 after an answer of 2xx, 1 after any other answer, 2 where nothing was sent or nobody answered.

Examples:
  cargo webhook send pinwheel --url http://127.0.0.1:9000/lambda-url/pinwheel/ body.json
  cargo webhook send endgrate --url https://example.com/webhooks/endgrate --secret-file api-key.txt body.json
  cargo webhook send pinwheel --url https://example.com/webhooks/pinwheel --timestamp 860860860 body.json";

const EVENT_EXAMPLES: &str = "\
Examples:
  cargo webhook event pinwheel body.json > event.json
  cargo lambda invoke pinwheel --data-file event.json
  cargo webhook event endgrate --base64 --timestamp 1795262400 body.json";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, String> {
        Cli::try_parse_from(line.split(' '))
            .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
    }

    fn sender(line: &str) -> Result<Sender, String> {
        let Command::Sign(args) = parse(line)?.command else { return Err("another command".to_owned()) };
        args.signing.sender().map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_choose_the_way_of_signing() {
        for (line, expected) in [
            ("webhook sign pinwheel", Sender::PinwheelV2),
            ("webhook sign pinwheel --scheme v2 body.json", Sender::PinwheelV2),
            ("webhook sign --scheme v1 pinwheel", Sender::PinwheelV1 { delivery_id: None }),
            (
                "webhook sign pinwheel - --scheme v1 --delivery-id 7",
                Sender::PinwheelV1 { delivery_id: Some("7".to_owned()) },
            ),
            ("webhook sign endgrate", Sender::Endgrate),
            ("webhook sign endgrate --python-form", Sender::EndgratePythonForm),
        ] {
            assert_eq!(sender(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn options_without_effect_are_refused() {
        for (line, expected) in [
            ("webhook sign pinwheel --python-form", "--python-form does not fit here: it is for endgrate"),
            (
                "webhook sign pinwheel --delivery-id 7",
                "--delivery-id does not fit here: it is for pinwheel with --scheme v1",
            ),
            ("webhook sign endgrate --scheme v1", "--scheme does not fit here: it is for pinwheel"),
            (
                "webhook sign endgrate --delivery-id 7",
                "--delivery-id does not fit here: it is for pinwheel with --scheme v1",
            ),
        ] {
            assert_eq!(sender(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_url_is_absolute() {
        for (text, expected) in [
            ("http://localhost", Ok("http://localhost/")),
            ("HTTPS://example.com:8443/webhooks/pinwheel?a=b", Ok("https://example.com:8443/webhooks/pinwheel?a=b")),
            ("http://[::1]:9000/", Ok("http://[::1]:9000/")),
            ("http://[::1]/", Ok("http://[::1]/")),
            ("http://localhost:99999/", Err("not an http:// or https:// URL")),
            ("http://:80/", Err("not an http:// or https:// URL")),
            ("/webhooks/pinwheel", Err("not an http:// or https:// URL")),
            ("", Err("not an http:// or https:// URL")),
        ] {
            assert_eq!(http_url(text).map(|url| url.to_string()), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn values_that_mean_nothing_are_refused_with_the_reason() {
        for (line, expected) in [
            ("webhook sign stripe", "error: invalid value 'stripe' for '<PROVIDER>'"),
            (
                "webhook sign pinwheel --timestamp +1",
                "error: invalid value '+1' for '--timestamp <UNIX_SECONDS>': not a whole number of seconds since 1970 in digits",
            ),
            (
                "webhook sign pinwheel --delivery-id é",
                "error: invalid value 'é' for '--delivery-id <ID>': not a text of visible ASCII characters without spaces",
            ),
            (
                "webhook send pinwheel --url localhost:9000",
                "error: invalid value 'localhost:9000' for '--url <URL>': not an http:// or https:// URL",
            ),
            (
                "webhook send pinwheel --url ftp://localhost/",
                "error: invalid value 'ftp://localhost/' for '--url <URL>': not an http:// or https:// URL",
            ),
            ("webhook send pinwheel", "error: the following required arguments were not provided:"),
        ] {
            assert_eq!(parse(line).map(|_| ()), Err(expected.to_owned()), "{line}");
        }
    }
}
