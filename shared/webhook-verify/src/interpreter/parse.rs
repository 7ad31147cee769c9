//! The first step: reads the headers. This needs no secret, so none is fetched for a delivery that
//! cannot be authentic.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use crate::{
    delivery::Delivery,
    description::{Encoding, Form, Hash, Provider, Scheme, Signature, TimeSource, TimeUnit},
    error::VerifyError,
    time::UnixSeconds,
    verified::{Timestamp, Unverified},
};

impl Provider {
    /// Reads the headers: one signature header of a known scheme, one time if the scheme signs one,
    /// and one of each header that is part of the signed message.
    ///
    /// # Errors
    /// [`VerifyError`] if a header is missing, repeated or malformed, or names an unknown scheme.
    pub fn parse<'d>(&'static self, delivery: Delivery<'d>) -> Result<Unverified<'d>, VerifyError> {
        let (header, value) = delivery.header(self.schemes()[0].signature.header)?;
        let value = str::from_utf8(value).map_err(|_| VerifyError::HeaderMalformed(header))?;
        let (scheme, value) = self.choose(header, value)?;
        let tags = tags(&scheme.signature, header, value)?;
        let timestamp = timestamp(scheme, delivery, header, value)?;
        for names in scheme.signed_headers() {
            let (name, value) = delivery.header(names)?;
            // Otherwise text could move between this header, the time and the body.
            if scheme.separators().any(|text| contains(value, text.as_bytes())) {
                return Err(VerifyError::HeaderMalformed(name));
            }
        }
        Ok(Unverified { provider: self, scheme, delivery, tags, timestamp })
    }

    /// Returns the scheme that the signature header names, and the header's value without its
    /// prefix.
    fn choose<'v>(
        &'static self,
        header: &'static str,
        value: &'v str,
    ) -> Result<(&'static Scheme, &'v str), VerifyError> {
        for scheme in self.schemes() {
            match scheme.signature.form {
                Form::Prefixed(prefix) => {
                    if let Some(rest) = value.strip_prefix(prefix) {
                        return Ok((scheme, rest));
                    }
                }
                Form::Bare | Form::Labelled { .. } => return Ok((scheme, value)),
            }
        }
        if value.contains('=') {
            Err(VerifyError::SchemeUnknown(header))
        } else {
            Err(VerifyError::HeaderMalformed(header))
        }
    }
}

/// Returns the signatures in the header, decoded. There is at least one.
fn tags(
    signature: &Signature,
    header: &'static str,
    value: &str,
) -> Result<Vec<Vec<u8>>, VerifyError> {
    let decode = |digits| decode(signature, digits).ok_or(VerifyError::HeaderMalformed(header));
    let Form::Labelled { label, .. } = signature.form else { return Ok(vec![decode(value)?]) };
    let tags: Vec<_> =
        labelled(signature.form, value, label).map(decode).collect::<Result<_, _>>()?;
    if tags.is_empty() { Err(VerifyError::SchemeUnknown(header)) } else { Ok(tags) }
}

/// Returns the values with this label.
fn labelled<'v>(form: Form, value: &'v str, wanted: &'static str) -> impl Iterator<Item = &'v str> {
    let (separator, assign) = match form {
        Form::Labelled { separator, assign, .. } => (separator, assign),
        Form::Bare | Form::Prefixed(_) => (',', '='),
    };
    value.split(separator).filter_map(move |pair| {
        let (label, value) = pair.split_once(assign)?;
        (label == wanted).then_some(value)
    })
}

fn contains(value: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && value.windows(text.len()).any(|part| part == text)
}

/// Decodes a signature. Only the spelling that senders use is accepted, and only the exact length.
/// The base64 engine refuses missing padding, and trailing bits that are not zero.
fn decode(signature: &Signature, digits: &str) -> Option<Vec<u8>> {
    let length = match signature.hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha512 => 64,
    };
    // Checked before decoding, because a header may be long.
    if digits.len() > 2 * length {
        return None;
    }
    let tag = match signature.encoding {
        Encoding::Hex if digits.bytes().any(|digit| digit.is_ascii_uppercase()) => None,
        Encoding::Hex => hex::decode(digits).ok(),
        Encoding::Base64 => BASE64_STANDARD.decode(digits).ok(),
        Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.decode(digits).ok(),
    };
    tag.filter(|tag| tag.len() == length)
}

/// Reads the signed time, if the scheme signs one.
fn timestamp<'d>(
    scheme: &Scheme,
    delivery: Delivery<'d>,
    signature_header: &'static str,
    signature: &'d str,
) -> Result<Option<Timestamp<'d>>, VerifyError> {
    let Some(time) = scheme.time else { return Ok(None) };
    let (header, text) = match time.source {
        TimeSource::Header(names) => delivery.header(names)?,
        TimeSource::Label(label) => {
            let mut found = labelled(scheme.signature.form, signature, label);
            let (Some(text), None) = (found.next(), found.next()) else {
                return Err(VerifyError::HeaderMalformed(signature_header));
            };
            (signature_header, text.as_bytes())
        }
    };
    let value = UnixSeconds::from_digits(text).ok_or(VerifyError::HeaderMalformed(header))?;
    let value = match time.unit {
        TimeUnit::Seconds => value,
        TimeUnit::Milliseconds => UnixSeconds(value.0 / 1000),
    };
    Ok(Some(Timestamp { text, value }))
}
