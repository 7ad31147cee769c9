//! One HTTP request and its response, blocking.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use ureq::{
    Agent, AsSendBody,
    http::{
        self, HeaderMap, Request, StatusCode,
        header::{HeaderName, LOCATION},
    },
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::{
    error::CliError,
    terminal::{notice, printable, printable_lines},
};

/// Limits the whole exchange. Providers wait for fewer seconds, so an answer that is too late for
/// them is still seen.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How much of a response's body is kept: more than a person reads of an answer.
const MAX_BODY_KIB: usize = 64;

/// A response, with the start of its body.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    is_cut: bool,
}

/// Sends the request and reads the response, whatever its status. Redirects are not followed: the
/// signature may be for this URL alone, and an API secret is for this host alone.
pub(crate) fn exchange(request: http::Result<Request<impl AsSendBody>>) -> Result<Reply, CliError> {
    let request = request.map_err(|error| CliError::InvalidRequest(error.to_string()))?;
    let url = request.uri().to_string();
    send(request).map_err(|error| CliError::NoAnswer { url, reason: reason(&error) })
}

fn send(request: Request<impl AsSendBody>) -> Result<Reply, ureq::Error> {
    let tls = TlsConfig::builder().root_certs(system_roots()).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls);
    let (parts, body) = Agent::new_with_config(config.build()).run(request)?.into_parts();
    let most = MAX_BODY_KIB * 1024;
    let mut start = Vec::new();
    body.into_reader().take(most as u64 + 1).read_to_end(&mut start)?;
    let is_cut = start.len() > most;
    start.truncate(most);
    Ok(Reply { status: parts.status, headers: parts.headers, body: start, is_cut })
}

impl Reply {
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns a header's value, made safe for a terminal.
    pub(crate) fn header(&self, name: HeaderName) -> Option<String> {
        let value = String::from_utf8_lossy(self.headers.get(name)?.as_bytes());
        Some(printable(&value).into_owned())
    }

    /// Prints the body, made safe for a terminal and with a line break at its end, and says so if
    /// it was cut.
    pub(crate) fn print_body(&self, out: &mut impl Write) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.body);
        out.write_all(printable_lines(&text).as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(out)?;
        }
        if self.is_cut {
            notice(&format!("The answer is longer: only its first {MAX_BODY_KIB} KiB are shown."));
        }
        Ok(())
    }

    /// Says where a redirect leads. `option` is the one that takes the URL.
    pub(crate) fn explain_redirect(&self, option: &str) {
        if let Some(location) = self.header(LOCATION).filter(|_| self.status.is_redirection()) {
            notice(&format!(
                "The answer redirects to {location}, and redirects are not followed: if you trust \
                 that address, give it to {option}."
            ));
        }
    }
}

/// Returns the system's root certificates, because only they include that of a company's proxy. A
/// certificate that cannot be read is left out, and a connection that needs it fails and says so.
fn system_roots() -> RootCerts {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    RootCerts::new_with_certs(&roots)
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("timed out after {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Protocol(_) => {
            "the answer is not HTTP: check the port, and whether the URL must begin with https://"
                .to_owned()
        }
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection was closed before an answer".to_owned()
        }
        ureq::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => error.to_string(),
        // The library's enum is not exhaustive, and its own texts are good enough for the rest.
        error => {
            let text = error.to_string();
            // This is rustls's name for a first record that is not TLS.
            if text.contains("InvalidContentType") {
                "the port does not speak TLS: check it, and whether the URL must begin with http://"
                    .to_owned()
            } else if text.contains("invalid peer certificate") {
                format!(
                    "{text}: to trust the authority that issued it, name the file with the \
                     authority's certificate in SSL_CERT_FILE"
                )
            } else {
                text
            }
        }
    }
}
