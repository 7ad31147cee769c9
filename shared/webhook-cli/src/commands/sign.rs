//! `webhook sign`: prints the headers that sign a body.

use std::io::Write;

use clap::Args;
use webhook_aws::Environment;

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    signing::{SigningArgs, signing_help},
};

const EXAMPLES: &str = "\
Examples:
  cargo webhook sign {provider} body.json
  cargo webhook sign {provider} --secret-file secret.txt - < body.json
  cargo webhook sign {provider} body.json |
    curl -H @- -H 'content-type: application/json' --data-binary @body.json http://127.0.0.1:8080/";

/// Prints the headers that sign a body, one per line
#[derive(Args, Debug)]
#[command(after_help = signing_help(EXAMPLES))]
pub(crate) struct SignArgs {
    #[command(flatten)]
    signing: SigningArgs,
}

impl SignArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let (delivery, _) = self.signing.sign(environment)?;
        for header in delivery.signature_headers() {
            let line = [header.name().as_bytes(), b": ", header.value(), b"\n"].concat();
            out.write_all(&line).map_err(CliError::Stdout)?;
        }
        Ok(ExitStatus::Success)
    }
}
