//! Signature version 4, by the SDK's own crate.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::Failure;
use crate::{Config, endpoint::Service};

/// Signs the requests to one service.
pub(crate) struct Signer {
    identity: Option<Identity>,
    region: String,
    service: Service,
}

impl Signer {
    pub(crate) fn new(config: &Config, service: Service) -> Self {
        let identity = config.credentials.clone().map(Credentials::into);
        Self { identity, region: config.region.clone(), service }
    }

    /// Adds the headers of the signature; `body` is the request's.
    pub(crate) fn sign(&self, request: &mut Request<Full<Bytes>>, body: &[u8]) -> Result<(), Failure> {
        let identity = self.identity.as_ref().ok_or(Failure::NotSent("there are no credentials"))?;
        let params = SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name(self.service.signing_name())
            .time(SystemTime::now())
            .settings(self.settings())
            .build()
            .map_err(|_| Failure::NotSent("the request could not be signed"))?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = request.uri().to_string();
        let signed = SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(body))
            .and_then(|signable| sign(signable, &params))
            .map_err(|_| Failure::NotSent("the request could not be signed"))?;
        signed.into_parts().0.apply_to_request_http1x(request);
        Ok(())
    }

    /// S3 takes the path as it is, and checks the body against a hash that stands in a header of its own.
    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == Service::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}
