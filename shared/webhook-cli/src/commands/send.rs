//! `webhook send`: a signed body to a receiver, and its answer: status, `Retry-After` where there is one, body.

use std::{
    io::{self, Write},
    time::Duration,
};

use ureq::{
    Agent,
    http::{Response, StatusCode, header::RETRY_AFTER},
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::Outcome;
use crate::{
    Error, OutgoingDelivery, SendArgs,
    input::{SECRET_VARIABLE, SecretSource},
    notice,
};

/// For the whole exchange: longer than the 15 s that Pinwheel waits, so that an answer too late for it is still seen.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn run(args: &SendArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (delivery, secret) = args.signing.sign()?;
    let answer =
        post(args, &delivery).map_err(|error| Error::NoAnswer { url: args.url.to_string(), reason: reason(&error) })?;
    print(&answer, out).map_err(Error::Stdout)?;
    if answer.status() == StatusCode::UNAUTHORIZED && secret == SecretSource::Development {
        notice(&format!(
            "Signed with the development secret: name the receiver's with --secret-file or {SECRET_VARIABLE}."
        ));
    }
    Ok(if answer.status().is_success() { Outcome::Done } else { Outcome::Refused })
}

/// Redirects are not followed: a provider's second request would not be the one that was signed for this URL.
fn post(args: &SendArgs, delivery: &OutgoingDelivery) -> Result<Response<Vec<u8>>, ureq::Error> {
    let tls = TlsConfig::builder().root_certs(system_roots()).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls);
    let agent = Agent::new_with_config(config.build());
    let mut request = agent.post(&args.url);
    for header in delivery.headers() {
        request = request.header(header.name(), header.value());
    }
    let (parts, mut body) = request.send(delivery.body())?.into_parts();
    Ok(Response::from_parts(parts, body.read_to_vec()?))
}

/// The system's root certificates, not a list of the library's: a company's proxy is known there alone. A certificate
/// that cannot be read is missing, and where it is needed, the connection says so.
fn system_roots() -> RootCerts {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    RootCerts::new_with_certs(&roots)
}

fn print(answer: &Response<Vec<u8>>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", answer.status())?;
    if let Some(seconds) = answer.headers().get(RETRY_AFTER) {
        out.write_all(&[b"Retry-After: ", seconds.as_bytes(), b"\n"].concat())?;
    }
    out.write_all(answer.body())?;
    if answer.body().is_empty() || answer.body().ends_with(b"\n") { Ok(()) } else { writeln!(out) }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("none within {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection was closed before an answer".to_owned()
        }
        ureq::Error::Io(error) => error.to_string(),
        // The library's enum is open, and its own words do for the rest.
        error => error.to_string(),
    }
}
