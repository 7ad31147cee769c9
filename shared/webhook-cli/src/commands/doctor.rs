//! `webhook doctor`: checks a deployed stack.

use std::io::Write;

use clap::Args;
use ureq::http::Uri;
use webhook_aws::Environment;
use webhook_verify::{Provider, providers};

use crate::{
    aws::{aws_help, with_aws},
    doctor::Doctor,
    error::CliError,
    exit_status::ExitStatus,
    values::http_url,
};

const EXAMPLES: &str = "\
Each check prints one line: its result, its name, and what was found. The results:
  ok       nothing to do
  warning  it works, but have a look
  skipped  not checked; the line says why
  unknown  a call failed, for example because a permission is missing
  WRONG    something is wrong, and the line says what to do

It checks the stack and its outputs; each provider's secret, function, alias and URL; the table, the
queue, the dead-letter queue, the bucket, the alarms and who is notified, and the KMS keys; and that
no other stack uses the table with a different queue.

Nothing is changed: all calls to AWS are reads. Each provider's URL gets one unsigned request, which
must be answered 401, and for each scheme one that is malformed but signed with the secret, which
must be answered 400. Neither is queued.

Exit code: 0 if nothing is wrong; 1 if something is; 2 if the stack does not exist, or if a call
failed and nothing is known to be wrong.

Examples:
  cargo webhook doctor --stack webhooks-dev
  cargo webhook doctor --stack webhooks --json
  cargo webhook doctor --stack webhooks \\
    --url {provider}=https://hooks.example.com/webhooks/{provider}";

/// Checks a deployed stack, and prints one line for each check
#[derive(Args, Debug)]
#[command(after_help = aws_help(EXAMPLES))]
pub(crate) struct DoctorArgs {
    /// The stack's name, as in samconfig.toml
    #[arg(long, value_name = "NAME")]
    stack: String,

    /// A provider's URL, if the stack does not know it because the API is your own; may be repeated
    #[arg(long = "url", value_name = "PROVIDER=URL", value_parser = provider_url)]
    urls: Vec<(&'static Provider, Uri)>,

    /// Print one JSON object: the stack, its verdict, and every check
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let emulated = environment.optional::<String>("AWS_ENDPOINT_URL")?.is_some();
        let doctor = Doctor { stack: &self.stack, urls: &self.urls, emulated };
        let report = with_aws(async |aws| doctor.examine(aws).await)?;
        let printed = if self.json { report.print_json(out) } else { report.print_lines(out) };
        printed.map_err(CliError::Stdout)?;
        Ok(report.exit_status())
    }
}

fn provider_url(text: &str) -> Result<(&'static Provider, Uri), &'static str> {
    let (name, url) = text.split_once('=').ok_or("expected PROVIDER=URL")?;
    let provider = providers::named(name).ok_or(
        "expected the name of a provider before the `=` (see `cargo webhook provider list`)",
    )?;
    Ok((provider, http_url(url)?))
}

#[cfg(test)]
mod tests {
    use webhook_verify::providers::PROVIDERS;

    use super::*;

    #[test]
    fn a_url_option_names_its_provider() {
        let name = PROVIDERS[0].name();
        let read = |text: &str| {
            provider_url(text).map(|(provider, url)| (provider.name(), url.to_string()))
        };
        let url = "https://a.example/?b=c".to_owned();
        assert_eq!(read(&format!("{name}=https://a.example/?b=c")), Ok((name, url)));
        assert_eq!(read("https://a.example/"), Err("expected PROVIDER=URL"));
        assert_eq!(
            read("nobody=https://a.example/"),
            Err("expected the name of a provider before the `=` (see `cargo webhook provider \
                 list`)")
        );
        assert_eq!(
            read(&format!("{name}=a")),
            Err("expected http:// or https://, a host and, if any, a valid port")
        );
    }
}
