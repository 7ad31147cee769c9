//! `webhook pinwheel webhooks`: manages registrations through Pinwheel's API. It does not use the
//! provider's description, so it works even if Pinwheel's webhooks are not received here.
//! Source: <https://docs.pinwheelapi.com/public/reference>, "Webhooks".

use std::{io::Write, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use ureq::{
    AsSendBody,
    http::{HeaderValue, Request, Uri, request::Builder},
};
use webhook_aws::Environment;

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    http,
    input::{self, SECRET_VARIABLE},
    terminal::notice,
    values::{header_value, http_url},
};

const LIST_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks list --secret-file api-secret.txt
  cargo webhook pinwheel webhooks list --environment production --secret-file api-secret.txt";

const ADD_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks add --url https://example.com/webhooks/pinwheel \\
    --secret-file api-secret.txt
  cargo webhook pinwheel webhooks add --url https://example.com/webhooks/pinwheel \\
    --event account.added --event paystubs.added --environment production \\
    --secret-file api-secret.txt";

const REMOVE_EXAMPLES: &str = "\
Examples:
  cargo webhook pinwheel webhooks remove 61788409-8314-4e89-9300-ae7b9d3ccff5 \\
    --secret-file api-secret.txt";

/// Calls Pinwheel's API
#[derive(Args, Debug)]
pub(crate) struct PinwheelArgs {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    Webhooks(WebhooksArgs),
}

/// Lists, adds or removes the URLs that Pinwheel sends webhooks to
#[derive(Args, Debug)]
struct WebhooksArgs {
    #[command(subcommand)]
    action: WebhooksAction,
}

#[derive(Debug, Subcommand)]
enum WebhooksAction {
    /// Prints the registrations, as Pinwheel answers
    #[command(after_help = help(LIST_EXAMPLES))]
    List(ApiArgs),
    /// Registers a URL, and prints Pinwheel's answer
    #[command(after_help = help(ADD_EXAMPLES))]
    Add(AddArgs),
    /// Removes a registration
    #[command(after_help = help(REMOVE_EXAMPLES))]
    Remove(RemoveArgs),
}

#[derive(Args, Debug)]
struct AddArgs {
    /// Where Pinwheel is to POST, such as `https://example.com/webhooks/pinwheel`
    #[arg(long, value_parser = http_url)]
    url: Uri,

    /// An event to be sent; may be repeated [default: all that Pinwheel documents today]
    #[arg(long = "event", value_name = "NAME", value_parser = header_value)]
    events: Vec<String>,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Args, Debug)]
struct RemoveArgs {
    /// The registration's id, as `list` prints it
    #[arg(value_parser = path_segment)]
    id: String,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Args, Debug)]
struct ApiArgs {
    /// Which of Pinwheel's environments [default: sandbox]
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "base_url")]
    environment: Option<PinwheelEnvironment>,

    /// Base URL to call instead of Pinwheel's API
    #[arg(long, value_name = "URL", value_parser = base_url)]
    base_url: Option<Uri>,

    /// Version of the API and of the webhooks' bodies, in the header `Pinwheel-Version`
    #[arg(long, value_name = "DATE", default_value = "2023-11-22", value_parser = header_value)]
    api_version: String,

    /// File with the API secret, or with `{"signing_secret": "…"}`; one line break at its end is
    /// dropped
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
}

/// Each has its own API secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum PinwheelEnvironment {
    /// Data of invented people.
    Sandbox,
    /// Data of a few real people.
    Development,
    /// Data of real people.
    Production,
}

impl PinwheelArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let Subject::Webhooks(args) = &self.subject;
        match &args.action {
            WebhooksAction::List(api) => api.ask(Request::get(api.url("")), (), environment, out),
            WebhooksAction::Add(add) => add.exec(environment, out),
            WebhooksAction::Remove(RemoveArgs { id, api }) => {
                api.ask(Request::delete(api.url(&format!("/{id}"))), (), environment, out)
            }
        }
    }
}

impl AddArgs {
    fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let events = if self.events.is_empty() {
            EVENTS.map(str::to_owned).to_vec()
        } else {
            self.events.clone()
        };
        let body = json!({
            "url": self.url.to_string(),
            "status": "active",
            "enabled_events": events,
            "version": self.api.api_version,
        });
        let request = Request::post(self.api.url("")).header("content-type", "application/json");
        self.api.ask(request, body.to_string(), environment, out)
    }
}

impl ApiArgs {
    fn url(&self, path: &str) -> String {
        let base_url = match &self.base_url {
            Some(url) => url.to_string(),
            None => self.environment.unwrap_or(PinwheelEnvironment::Sandbox).base_url().to_owned(),
        };
        format!("{}/v1/webhooks{path}", base_url.trim_end_matches('/'))
    }

    /// Sends the request and prints the answer's body, and its status if it is not a success.
    fn ask(
        &self,
        request: Builder,
        body: impl AsSendBody,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let secret = input::api_secret(self.secret_file.as_deref(), environment)?;
        let mut secret = HeaderValue::from_str(&secret).map_err(|_| CliError::InvalidApiSecret)?;
        secret.set_sensitive(true);
        let request =
            request.header("x-api-secret", secret).header("pinwheel-version", &self.api_version);
        let reply = http::exchange(request.body(body))?;
        reply.print_body(out).map_err(CliError::Stdout)?;
        if reply.status.is_success() {
            return Ok(ExitStatus::Success);
        }
        notice(&format!("Pinwheel answered {}.", reply.status));
        reply.explain_redirect("--base-url");
        Ok(ExitStatus::Refused)
    }
}

impl PinwheelEnvironment {
    fn base_url(self) -> &'static str {
        match self {
            Self::Sandbox => "https://sandbox.getpinwheel.com",
            Self::Development => "https://development.getpinwheel.com",
            Self::Production => "https://api.getpinwheel.com",
        }
    }
}

/// Reads the API's URL. The secret is sent there, so it must be https, except on this machine.
fn base_url(text: &str) -> Result<Uri, &'static str> {
    let url = http_url(text)?;
    let is_here = matches!(url.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.query().is_some() {
        Err("a base URL has no query")
    } else if is_here || url.scheme_str() == Some("https") {
        Ok(url)
    } else {
        Err("the API secret is sent over https only, except to this machine")
    }
}

/// Reads an id that cannot lead to a different path.
fn path_segment(text: &str) -> Result<String, &'static str> {
    if !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        Ok(text.to_owned())
    } else {
        Err("expected letters, digits, `-` and `_`")
    }
}

fn help(examples: &str) -> String {
    format!(
        "The API secret comes from --secret-file, else from the environment variable\n\
         {SECRET_VARIABLE}: Pinwheel signs its webhooks with the same one. It is never an\n\
         argument: shells keep a history, and everybody on a machine can list the arguments of a\n\
         process. Each environment has its own.\n\n\
         Exit code: 0 after an answer of 2xx, 1 after any other answer, 2 if nothing was sent or\n\
         nobody answered.\n\n\
         {examples}"
    )
}

/// All events that Pinwheel documents. It sends only those that a registration names, so a new one
/// must be added here and to the registrations.
const EVENTS: [&str; 34] = [
    "account.added",
    "account.additional_connections_recommended",
    "account.monitoring_status.updated",
    "bill.added",
    "bill.removed",
    "bill.reminder",
    "bill.updated",
    "bill_switch.added",
    "bill_switch.cancelled",
    "company_connect.census.added",
    "company_connect.employments.added",
    "company_connect.incomes.added",
    "company_connect.status.updated",
    "direct_deposit_allocations.added",
    "direct_deposit_switch.added",
    "documents.added",
    "earnings_stream.payouts.refreshed",
    "employment.added",
    "identity.added",
    "income.added",
    "paycheck_viewer.added",
    "paystubs.added",
    "paystubs.documents.added",
    "paystubs.fully_synced",
    "paystubs.seven_days_synced",
    "paystubs.thirty_days_synced",
    "paystubs.ninety_days_synced",
    "shifts.added",
    "shifts.fully_synced",
    "shifts.seven_days_synced",
    "shifts.thirty_days_synced",
    "shifts.ninety_days_synced",
    "tax_forms.added",
    "verification_reports.refreshed",
];

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
            (
                "http://sandbox.getpinwheel.com",
                Err("the API secret is sent over https only, except to this machine"),
            ),
            (
                "http://127.0.0.1.example.com",
                Err("the API secret is sent over https only, except to this machine"),
            ),
            ("https://example.com/?a=b", Err("a base URL has no query")),
            ("example.com", Err("expected http:// or https://, a host and, if any, a valid port")),
        ] {
            assert_eq!(
                base_url(text).map(|url| url.to_string()),
                expected.map(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn an_id_cannot_change_the_path_of_a_request() {
        assert_eq!(path_segment("a-B_1"), Ok("a-B_1".to_owned()));
        for text in ["", "..", "a/b", "a?b", "a%2fb", "a b"] {
            assert_eq!(path_segment(text), Err("expected letters, digits, `-` and `_`"), "{text}");
        }
    }
}
