//! `webhook send`: sends a signed body to a receiver, and prints the answer's status, `Retry-After`
//! and body.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use ureq::http::{Request, StatusCode, Uri, header::RETRY_AFTER};
use webhook_aws::Environment;
use webhook_verify::Scheme;

use crate::{
    delivery::OutgoingDelivery,
    error::CliError,
    exit_status::ExitStatus,
    http::{self, Reply},
    input::{SECRET_VARIABLE, SecretSource},
    signing::{SigningArgs, signing_help},
    terminal::notice,
    values::http_url,
};

const EXAMPLES: &str = "\
Exit code: 0 after an answer of 2xx, 1 after any other answer, 2 if nothing was sent or nobody
answered.

The URL of a function under `cargo lambda watch` is http://127.0.0.1:9000/lambda-url/<function>/.

Examples:
  cargo webhook send {provider} --url http://127.0.0.1:9000/lambda-url/{provider}/ body.json
  cargo webhook send {provider} --url https://example.com/webhooks/{provider} \\
    --secret-file secret.txt body.json";

/// Signs a body, sends it to a receiver and prints the answer
#[derive(Args, Debug)]
#[command(after_help = signing_help(EXAMPLES))]
pub(crate) struct SendArgs {
    #[command(flatten)]
    signing: SigningArgs,

    /// Where to POST it, such as `https://example.com/webhooks/<provider>`
    #[arg(long, value_parser = http_url)]
    url: Uri,
}

impl SendArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let (delivery, secret) = self.signing.sign(environment)?;
        let reply = self.post(&delivery)?;
        writeln!(out, "{}", reply.status).map_err(CliError::Stdout)?;
        if let Some(seconds) = reply.header(RETRY_AFTER) {
            writeln!(out, "Retry-After: {seconds}").map_err(CliError::Stdout)?;
        }
        reply.print_body(out).map_err(CliError::Stdout)?;
        reply.explain_redirect("--url");
        if let Some(hint) = hint(reply.status, reply.body(), secret, delivery.sender().scheme) {
            notice(&hint);
        }
        Ok(if reply.status.is_success() { ExitStatus::Success } else { ExitStatus::Refused })
    }

    fn post(&self, delivery: &OutgoingDelivery) -> Result<Reply, CliError> {
        let mut request = Request::post(&self.url);
        for header in delivery.headers() {
            request = request.header(header.name(), header.value());
        }
        http::exchange(request.body(delivery.body()))
    }
}

/// Returns what to check after a 401 of this project's receiver. A 401 of a gateway, for example,
/// has other causes.
fn hint(status: StatusCode, body: &[u8], secret: SecretSource, scheme: &Scheme) -> Option<String> {
    let is_receivers = serde_json::from_slice::<Value>(body)
        .is_ok_and(|body| body == json!({"error": "unauthorized"}));
    if status != StatusCode::UNAUTHORIZED || !is_receivers {
        return None;
    }
    if secret == SecretSource::Development {
        return Some(format!(
            "Signed with the development secret: give the receiver's secret with --secret-file or \
             in {SECRET_VARIABLE}."
        ));
    }
    let time =
        scheme.time.map(|_| ", and that the time (this machine's clock, or --timestamp) is right");
    let url = scheme
        .signs_url()
        .then_some(", and that --public-url is the URL in the receiver's PUBLIC_URL");
    let checks: String = time.into_iter().chain(url).collect();
    Some(format!("Check that the secret is the receiver's{checks}."))
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{GITHUB, SQUARE, STRIPE};

    use super::*;

    #[test]
    fn only_a_401_of_this_receiver_gets_a_hint_about_the_secret() {
        const OURS: &str = r#"{"error":"unauthorized"}"#;
        let development = "Signed with the development secret: give the receiver's secret with \
                           --secret-file or in WEBHOOK_SIGNING_SECRET.";
        let with_time = "Check that the secret is the receiver's, and that the time (this \
                         machine's clock, or --timestamp) is right.";
        let with_url = "Check that the secret is the receiver's, and that --public-url is the URL \
                        in the receiver's PUBLIC_URL.";
        for (status, body, secret, provider, expected) in [
            (401, OURS, SecretSource::Development, STRIPE, Some(development)),
            (401, OURS, SecretSource::Named, STRIPE, Some(with_time)),
            (401, OURS, SecretSource::Named, SQUARE, Some(with_url)),
            (
                401,
                OURS,
                SecretSource::Named,
                GITHUB,
                Some("Check that the secret is the receiver's."),
            ),
            (401, r#"{"message":"Unauthorized"}"#, SecretSource::Development, STRIPE, None),
            (401, "", SecretSource::Named, STRIPE, None),
            (403, OURS, SecretSource::Development, STRIPE, None),
            (200, OURS, SecretSource::Development, STRIPE, None),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let hint = hint(status, body.as_bytes(), secret, &provider.schemes()[0]);
            assert_eq!(hint.as_deref(), expected, "{status} {body} {secret:?} {provider:?}");
        }
    }
}
