//! What can be asked of Pinwheel's registration API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ureq::http::Uri;

use super::{header_value, http_url};
use crate::input::SECRET_VARIABLE;

/// `webhook pinwheel`.
#[derive(Args, Debug)]
pub struct PinwheelArgs {
    /// What of Pinwheel's.
    #[command(subcommand)]
    pub subject: PinwheelSubject,
}

/// What Pinwheel's API is asked about.
#[derive(Debug, Subcommand)]
pub enum PinwheelSubject {
    /// Where Pinwheel sends its webhooks
    Webhooks(WebhooksArgs),
}

/// `webhook pinwheel webhooks`.
#[derive(Args, Debug)]
pub struct WebhooksArgs {
    /// What to do with registrations.
    #[command(subcommand)]
    pub action: WebhooksAction,
}

/// What can be done with registrations.
#[derive(Debug, Subcommand)]
pub enum WebhooksAction {
    /// Prints the registrations, as Pinwheel answers
    #[command(after_help = help(LIST_EXAMPLES))]
    List(PinwheelApiArgs),
    /// Registers a URL, and prints Pinwheel's answer
    #[command(after_help = help(ADD_EXAMPLES))]
    Add(AddArgs),
    /// Removes a registration
    #[command(after_help = help(REMOVE_EXAMPLES))]
    Remove(RemoveArgs),
}

/// `webhook pinwheel webhooks add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// Where Pinwheel is to POST, such as `https://example.com/webhooks/pinwheel`
    #[arg(long, value_parser = http_url)]
    pub url: Uri,

    /// An event to be sent; may be repeated [default: all that Pinwheel documents today]
    #[arg(long = "event", value_name = "NAME", value_parser = header_value)]
    pub events: Vec<String>,

    /// Which API, and how.
    #[command(flatten)]
    pub api: PinwheelApiArgs,
}

/// `webhook pinwheel webhooks remove`.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// The registration's id, as `list` prints it
    #[arg(value_parser = path_segment)]
    pub id: String,

    /// Which API, and how.
    #[command(flatten)]
    pub api: PinwheelApiArgs,
}

/// Which of Pinwheel's APIs, and how it is called.
#[derive(Args, Debug)]
pub struct PinwheelApiArgs {
    /// Which of Pinwheel's environments [default: sandbox]
    #[arg(long, conflicts_with = "base_url")]
    pub environment: Option<Environment>,

    /// Another host in place of Pinwheel's
    #[arg(long, value_name = "URL", value_parser = base_url)]
    pub base_url: Option<Uri>,

    /// Version of the API and of the webhooks' bodies, in the header `Pinwheel-Version`
    #[arg(long, value_name = "DATE", default_value = "2023-11-22", value_parser = header_value)]
    pub api_version: String,

    /// File with the API secret; one line break at its end is dropped
    #[arg(long, value_name = "PATH")]
    pub secret_file: Option<PathBuf>,
}

impl PinwheelApiArgs {
    /// Without a slash at its end.
    pub(crate) fn base_url(&self) -> String {
        match &self.base_url {
            Some(url) => url.to_string().trim_end_matches('/').to_owned(),
            None => self.environment.unwrap_or(Environment::Sandbox).base_url().to_owned(),
        }
    }
}

/// Pinwheel's environments. Each has its own API secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Environment {
    /// Invented people.
    Sandbox,
    /// Real people, few of them.
    Development,
    /// Real people.
    Production,
}

impl Environment {
    fn base_url(self) -> &'static str {
        match self {
            Self::Sandbox => "https://sandbox.getpinwheel.com",
            Self::Development => "https://development.getpinwheel.com",
            Self::Production => "https://api.getpinwheel.com",
        }
    }
}

/// The API secret goes there: in the clear to this machine alone.
fn base_url(text: &str) -> Result<Uri, &'static str> {
    let url = http_url(text)?;
    let here = matches!(url.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.query().is_some() {
        Err("a base URL has no query")
    } else if here || url.scheme_str() == Some("https") {
        Ok(url)
    } else {
        Err("the API secret is sent over https only, but for this machine")
    }
}

/// What stays one segment of a path whatever it says.
fn path_segment(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err("not an id: letters, digits, - and _")
    }
}

fn help(examples: &str) -> String {
    format!(
        "The API secret comes from --secret-file, else from the environment variable {SECRET_VARIABLE}: Pinwheel signs\n\
         its webhooks with the same one. It is never an argument: shells keep a history, and everybody on a machine\n\
         can list the arguments of a process. Each environment has its own.\n\n\
         Exit code: 0 after an answer of 2xx, 1 after any other answer, 2 where nothing was asked or nobody answered.\n\n\
         {examples}"
    )
}

const LIST_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks list --secret-file api-secret.txt
  cargo webhook pinwheel webhooks list --environment production --secret-file api-secret.txt";

const ADD_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks add --url https://example.com/webhooks/pinwheel --secret-file api-secret.txt
  cargo webhook pinwheel webhooks add --url https://example.com/webhooks/pinwheel --event account.added \\
    --event paystubs.added --environment production --secret-file api-secret.txt";

const REMOVE_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks remove 61788409-8314-4e89-9300-ae7b9d3ccff5 --secret-file api-secret.txt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_over_https_or_stays_on_this_machine() {
        for (text, expected) in [
            ("https://sandbox.getpinwheel.com/", Ok("https://sandbox.getpinwheel.com/")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/")),
            ("http://[::1]:8080", Ok("http://[::1]:8080/")),
            ("http://localhost", Ok("http://localhost/")),
            ("http://sandbox.getpinwheel.com", Err("the API secret is sent over https only, but for this machine")),
            ("http://127.0.0.1.example.com", Err("the API secret is sent over https only, but for this machine")),
            ("https://example.com/?a=b", Err("a base URL has no query")),
            ("example.com", Err("not an http:// or https:// URL")),
        ] {
            assert_eq!(base_url(text).map(|url| url.to_string()), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn an_id_leads_to_no_other_path() {
        assert_eq!(path_segment("a-B_1"), Ok("a-B_1".to_owned()));
        for text in ["", "..", "a/b", "a?b", "a%2fb", "a b"] {
            assert_eq!(path_segment(text), Err("not an id: letters, digits, - and _"), "{text}");
        }
    }
}
