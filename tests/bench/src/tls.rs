//! Certificates like those of AWS: a root, an intermediate and a leaf, all with RSA-2048 keys.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// The server's side of TLS, and its root certificate.
pub struct Authority {
    /// Accepts connections to `localhost`: TLS 1.3 or 1.2, HTTP/1.1.
    pub acceptor: TlsAcceptor,
    root_pem: String,
}

impl Authority {
    /// Creates a new chain.
    ///
    /// # Errors
    /// A key or a certificate cannot be created.
    pub fn new() -> Result<Self> {
        let new_key = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
        let root = params("Bench Root CA 1", Role::Authority)?;
        let root_key = new_key()?;
        let root_pem = root.self_signed(&root_key)?.pem();
        let intermediate = params("Bench RSA 2048 M01", Role::Authority)?;
        let intermediate_key = new_key()?;
        let intermediate_certificate =
            intermediate.signed_by(&intermediate_key, &Issuer::new(root, root_key))?;
        let leaf_key = new_key()?;
        let leaf = params("localhost", Role::Server)?
            .signed_by(&leaf_key, &Issuer::new(intermediate, intermediate_key))?;

        let chain: Vec<CertificateDer<'static>> =
            vec![leaf.into(), intermediate_certificate.into()];
        let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), root_pem })
    }

    /// Writes the files of [`Roots`] into the directory.
    ///
    /// # Errors
    /// A file cannot be written, or the file of Amazon's roots cannot be read.
    pub fn write_roots(&self, directory: &Path, amazon: &Path) -> Result<()> {
        let mut full = self.root_pem.clone();
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            let text = BASE64_STANDARD.encode(root);
            // Writing into a string cannot fail.
            let _ = write!(
                full,
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                wrapped(&text)
            );
        }
        let roots_of_amazon = fs::read_to_string(amazon)
            .with_context(|| format!("cannot read Amazon's roots from {}", amazon.display()))?;
        for (roots, text) in [
            (Roots::Own, &self.root_pem),
            (Roots::Amazon, &format!("{roots_of_amazon}\n{}", self.root_pem)),
            (Roots::Full, &full),
        ] {
            fs::write(directory.join(roots.file_name()), text)
                .context("cannot write a file of roots")?;
        }
        Ok(())
    }
}

/// A file of roots. Each includes the root of the fake services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Roots {
    /// Only that one.
    Own,
    /// That one and Amazon's five.
    Amazon,
    /// That one and Mozilla's, like a system's bundle.
    Full,
}

impl Roots {
    /// Returns the name of the file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Own => "root.pem",
            Self::Amazon => "amazon-and-root.pem",
            Self::Full => "bundle-and-root.pem",
        }
    }
}

#[derive(Clone, Copy)]
enum Role {
    Authority,
    Server,
}

fn params(name: &str, role: Role) -> Result<CertificateParams> {
    let names = if matches!(role, Role::Server) { vec![name.to_owned()] } else { Vec::new() };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    match role {
        Role::Authority => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages =
                vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        }
        Role::Server => {
            // Python's OpenSSL requires it.
            params.use_authority_key_identifier_extension = true;
            params.key_usages =
                vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
    }
    Ok(params)
}

fn wrapped(base64: &str) -> String {
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line));
    lines.collect::<Vec<_>>().join("\n")
}
