//! One HTTP request and its answer, blocking.

use std::{io, time::Duration};

use ureq::{
    Agent, AsSendBody,
    http::{self, Request, Response},
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::Error;

/// For the whole exchange: longer than the 15 s that Pinwheel waits, so that an answer too late for it is still seen.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends the request and reads the answer, whatever its status. Redirects are not followed: a provider's second request
/// would not be the one that was signed for this URL, and a secret is for the host that it was sent to.
pub(crate) fn exchange(request: http::Result<Request<impl AsSendBody>>) -> Result<Response<Vec<u8>>, Error> {
    let request = request.map_err(|error| Error::RequestUnfit(error.to_string()))?;
    let url = request.uri().to_string();
    ask(request).map_err(|error| Error::NoAnswer { url, reason: reason(&error) })
}

fn ask(request: Request<impl AsSendBody>) -> Result<Response<Vec<u8>>, ureq::Error> {
    let tls = TlsConfig::builder().root_certs(system_roots()).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls);
    let (parts, mut body) = Agent::new_with_config(config.build()).run(request)?.into_parts();
    Ok(Response::from_parts(parts, body.read_to_vec()?))
}

/// The system's root certificates, not a list of the library's: a company's proxy is known there alone. A certificate
/// that cannot be read is missing, and where it is needed, the connection says so.
fn system_roots() -> RootCerts {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    RootCerts::new_with_certs(&roots)
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
