//! `webhook event`: prints a signed body as the Lambda event of an HTTP API.

use std::io::Write;

use clap::Args;
use webhook_aws::Environment;

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    lambda_event::BodyEncoding,
    signing::{SigningArgs, signing_help},
};

const EXAMPLES: &str = "\
Examples:
  cargo webhook event {provider} body.json > event.json
  cargo lambda invoke --invoke-address 127.0.0.1 {provider} --data-file event.json
  cargo webhook event {provider} --base64 --timestamp 1795262400 body.json";

/// Signs a body and prints it as the Lambda event of an HTTP API (payload format 2.0)
#[derive(Args, Debug)]
#[command(after_help = signing_help(EXAMPLES))]
pub(crate) struct EventArgs {
    #[command(flatten)]
    signing: SigningArgs,

    /// Put the body into the event as base64, as API Gateway does with bodies that are not text
    #[arg(long)]
    base64: bool,
}

impl EventArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let (delivery, _) = self.signing.sign_dated(environment)?;
        let encoding = if self.base64 { BodyEncoding::Base64 } else { BodyEncoding::Text };
        out.write_all(delivery.to_lambda_event(encoding)?.as_bytes()).map_err(CliError::Stdout)?;
        Ok(ExitStatus::Success)
    }
}
