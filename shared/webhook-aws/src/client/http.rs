//! HTTP/1.1 over TLS, by hyper and rustls: connections are kept and used again, certificates are checked.

use std::{env, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, capture_connection},
    },
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::Failure;
use crate::ConfigError;

/// Amazon's own five roots: every AWS endpoint's chain ends in one of them (<https://www.amazontrust.com/repository/>).
/// PEM, compiled in, because parsing a system's whole bundle is most of what a cold start costs, and because it trusts fewer.
pub const AMAZON_ROOTS: &[u8] = include_bytes!("../../roots/amazon.pem");

/// A connection within a region is up in milliseconds. The time is for all addresses of a name together, so that one which does not
/// answer leaves the next its turn, and the next attempt too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The connections of all clients.
#[derive(Clone)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    pub(crate) fn new() -> Result<Self, ConfigError> {
        let tls = ClientConfig::builder_with_provider(Arc::new(crypto()))
            .with_safe_default_protocol_versions()
            .expect("ring has what both versions of TLS need")
            .with_root_certificates(roots()?)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // A request is written whole: there is nothing to wait for.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // Plain HTTP is for emulators: AWS's own endpoints are all `https`.
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self(Client::builder(TokioExecutor::new()).build(https)))
    }

    /// Sends the request and reads the whole answer, which AWS keeps below 1 MiB. A connection over which a server says that it
    /// has failed is not used again: the next goes to another server.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Failure> {
        // Of connection, TLS or protocol: the error may repeat the request's URL, and nothing here asks which.
        let failed = || Failure::NoAnswer("the connection failed");
        let connection = capture_connection(&mut request);
        let (head, body) = self.0.request(request).await.map_err(|_| failed())?.into_parts();
        if head.status >= StatusCode::INTERNAL_SERVER_ERROR
            && let Some(connection) = connection.connection_metadata().as_ref()
        {
            connection.poison();
        }
        let body = body.collect().await.map_err(|_| failed())?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

/// ring: aws-lc gathers entropy at its first use, which is most of a cold start. AES-128 before AES-256, as AWS's own servers
/// choose: processors have instructions for SHA-256, and not all for SHA-384.
fn crypto() -> CryptoProvider {
    let mut crypto = ring::default_provider();
    let preferred = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    crypto.cipher_suites.sort_by_key(|suite| *suite != preferred);
    crypto
}

/// `SSL_CERT_FILE` or `SSL_CERT_DIR` (OpenSSL's names) replace Amazon's roots, for a network that inspects TLS.
fn roots() -> Result<RootCertStore, ConfigError> {
    let own = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| env::var_os(name).is_some());
    let mut roots = RootCertStore::empty();
    if own {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(AMAZON_ROOTS).flatten());
    }
    if roots.is_empty() { Err(ConfigError::NoRoots) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_amazons_roots_are_read() {
        let roots = CertificateDer::pem_slice_iter(AMAZON_ROOTS).flatten();
        assert_eq!(RootCertStore::empty().add_parsable_certificates(roots), (5, 0));
    }

    #[test]
    fn the_suite_that_aws_chooses_comes_first_and_none_is_lost() {
        let (ours, all) = (crypto().cipher_suites, ring::default_provider().cipher_suites);
        assert_eq!(ours[0], ring::cipher_suite::TLS13_AES_128_GCM_SHA256);
        assert!(ours.len() == all.len() && all.iter().all(|suite| ours.contains(suite)));
    }
}
