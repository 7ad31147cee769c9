//! `webhook explain`: why a delivery is refused. `webhook_explain` finds the answer; this file
//! reads the question.

use std::{io::Write, path::PathBuf, time::Duration};

use clap::Args;
use webhook_aws::Environment;
use webhook_explain::{Explanation, MOST_SECRETS, Question, Verdict, explain, read_headers};
use webhook_ingest::UnixMillis;
use webhook_lambda::event::{EventError, HttpEvent};
use webhook_verify::{Header, Provider, Scheme, Tolerance, UnixSeconds};

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    input,
    provider::{described_name, development_url, with_example_provider},
    signing::URL_VARIABLE,
    terminal::{printable, printable_lines},
    values::{time, unix_seconds},
};

const EXAMPLES: &str = "\
The delivery is a Lambda event (of an HTTP API, a REST API, a load balancer or a function URL), or a
file with its headers and one with its body, byte for byte. Headers are lines of `Name: value`, the
output of `curl -v`, or a JSON object of names and values.

The first --secret-file is the receiver's current secret, as it is stored. Others are its previous
secret, or guesses. Without --secret-file, the secret is that of the environment variable
WEBHOOK_SIGNING_SECRET, else the development secret. No secret and no valid signature is printed,
but do not paste the delivery's own files where others can read them.

Nothing is sent: it works without a network and without an account. To find the cause, it verifies
changed copies of the delivery: at most 4,096, with at most 512 MiB of bodies in all.

--json prints one object: {\"verdict\": \"verified\" or \"refused\", \"reason\": as in the log,
\"cause\": a code, \"detail\", \"fix\"}.

Exit code: 0 if it verifies, 1 if it is refused, 2 if the delivery could not be judged.

Examples:
  cargo webhook explain {provider} --event event.json --at 2026-11-21T12:00:00Z
  cargo webhook explain {provider} --headers headers.txt --body body.json --secret-file secret.txt
  cargo webhook explain stripe --headers headers.txt --body body.json \\
    --secret-file secret.txt --secret-file other.txt --json";

/// Says whether a delivery verifies and, if it does not, why, and how to fix that
#[derive(Args, Debug)]
#[command(after_help = with_example_provider(EXAMPLES))]
pub(crate) struct ExplainArgs {
    /// Whose delivery it should be: a provider that is deployed, or a scheme of the catalogue
    #[arg(value_parser = described_name())]
    provider: &'static Provider,

    /// File with the Lambda event
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "headers",
        conflicts_with_all = ["headers", "body"]
    )]
    event: Option<PathBuf>,

    /// File with the headers
    #[arg(long, value_name = "PATH", requires = "body")]
    headers: Option<PathBuf>,

    /// File with the body, read byte for byte; standard input if it is `-`
    #[arg(long, value_name = "PATH", requires = "headers")]
    body: Option<PathBuf>,

    /// File with a signing secret, or with `{"signing_secret": "…"}`; may be given several times,
    /// the receiver's first
    #[arg(long = "secret-file", value_name = "PATH")]
    secret_files: Vec<PathBuf>,

    /// When the delivery was received, in RFC 3339 or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<UnixSeconds>,

    /// Scheme that the receiver accepts, as in its `SIGNATURE_SCHEMES`; may be given several times
    /// [default: all]
    #[arg(long = "scheme", value_name = "NAME")]
    schemes: Vec<String>,

    /// URL that the receiver is registered under, if the signature covers it [default: the variable
    /// `PUBLIC_URL`, else `https://example.com/webhooks/<provider>`]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// How old a signed time may be, as in the receiver's `TIMESTAMP_TOLERANCE_S` [default: the
    /// provider's]
    #[arg(long, value_name = "SECONDS", value_parser = unix_seconds)]
    tolerance: Option<UnixSeconds>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl ExplainArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let accepted = self.accepted()?;
        let tolerance = self.tolerance()?;
        let public_url = self.public_url(environment)?;
        if self.secret_files.len() > MOST_SECRETS {
            let reason = format!("at most {MOST_SECRETS} secrets are compared; leave some out");
            return Err(CliError::OptionMisplaced { option: "--secret-file", reason });
        }
        let secrets = input::given_secrets(self.provider, &self.secret_files, environment)?;
        let (headers, body) = self.delivery()?;
        let explanation = explain(&Question {
            provider: self.provider,
            headers: &headers,
            body: &body,
            secrets: &secrets,
            now: self.at.unwrap_or_else(|| UnixMillis::now().seconds()),
            tolerance,
            accepted: accepted.as_deref(),
            public_url: public_url.as_deref(),
        });
        let text = if self.json {
            explanation.to_json() + "\n"
        } else {
            in_words(self.provider, &explanation)
        };
        out.write_all(printable_lines(&text).as_bytes()).map_err(CliError::Stdout)?;
        Ok(match explanation.verdict {
            Verdict::Verified => ExitStatus::Success,
            Verdict::Refused => ExitStatus::Refused,
        })
    }

    fn accepted(&self) -> Result<Option<Vec<&'static Scheme>>, CliError> {
        let known = || {
            self.provider.schemes().iter().map(|scheme| scheme.name).collect::<Vec<_>>().join(", ")
        };
        let scheme = |name: &String| {
            self.provider.scheme(name).ok_or_else(|| CliError::UnknownScheme {
                name: name.clone(),
                provider: self.provider.name(),
                known: known(),
            })
        };
        let schemes = self.schemes.iter().map(scheme).collect::<Result<Vec<_>, _>>()?;
        Ok(if schemes.is_empty() { None } else { Some(schemes) })
    }

    fn tolerance(&self) -> Result<Tolerance, CliError> {
        let Some(UnixSeconds(seconds)) = self.tolerance else {
            return Ok(Tolerance::of(self.provider));
        };
        if self.provider.tolerance().is_none() {
            let reason = format!("{} signs no time", self.provider.name());
            return Err(CliError::OptionMisplaced { option: "--tolerance", reason });
        }
        Ok(Tolerance { past: Duration::from_secs(seconds.unsigned_abs()) })
    }

    fn public_url(&self, environment: &Environment) -> Result<Option<String>, CliError> {
        match (&self.public_url, self.provider.signs_url()) {
            (Some(_), false) => {
                let reason = format!("{} does not sign the URL", self.provider.name());
                Err(CliError::OptionMisplaced { option: "--public-url", reason })
            }
            (None, false) => Ok(None),
            (Some(url), true) => Ok(Some(url.clone())),
            (None, true) => Ok(environment
                .optional(URL_VARIABLE)?
                .or_else(|| Some(development_url(self.provider)))),
        }
    }

    fn delivery(&self) -> Result<(Vec<Header>, Vec<u8>), CliError> {
        if let Some(path) = &self.event {
            let not_read = |reason| CliError::Event { path: path.clone(), reason };
            let text = String::from_utf8(input::read(path)?)
                .map_err(|_| not_read("it is not UTF-8 text"))?;
            let event = HttpEvent::from_json(&text).map_err(|error| {
                not_read(match error {
                    EventError::NotHttp => {
                        "it is not the Lambda event of an HTTP request: give the headers and the \
                         body with --headers and --body"
                    }
                    EventError::Malformed(_) => {
                        "it is the Lambda event of an HTTP request, but its headers, its body or \
                         its base64 are malformed: the receiver answers 400"
                    }
                })
            })?;
            return Ok((event.headers, event.body));
        }
        let path = self.headers.clone().unwrap_or_default();
        let headers = read_headers(&input::read(&path)?)
            .map_err(|reason| CliError::Headers { path, reason })?;
        Ok((headers, input::body(self.body.as_deref())?))
    }
}

/// Returns the explanation as text.
fn in_words(provider: &Provider, explanation: &Explanation) -> String {
    let name = provider.name();
    let detail = printable(&explanation.detail);
    match (explanation.reason, explanation.cause) {
        (Some(reason), Some(cause)) => {
            let (cause, fix) = (cause.code(), printable(&explanation.fix));
            format!(
                "refused as a delivery of {name}: {reason}\n\
                 cause: {cause}\n\n\
                 {detail}\n\n\
                 Fix: {fix}\n"
            )
        }
        _ => format!("verified as a delivery of {name}\n\n{detail}\n"),
    }
}
