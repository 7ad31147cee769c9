//! One HTTP attempt of a provider, as received: its headers in order, and the exact bytes of its
//! body.

use std::fmt;

use crate::error::VerifyError;

/// The largest body that is accepted, decoded from base64: 6 MiB. Lambda's own limit for a whole
/// request is 6 MB.
pub const MAX_BODY_BYTES: usize = 6_291_456;

/// A header as received: its name in any case, and its value, which may be any bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct Header {
    name: String,
    value: Vec<u8>,
}

impl Header {
    /// Makes a header from a name, in any case, and the bytes of its value.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Returns the name, in the case in which it was sent.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value, byte for byte.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Shows only the name and the size: a value may be a signature.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({}, {} bytes)", self.name, self.value.len())
    }
}

/// The parts of an HTTP request that are verified. Method and path are not among them.
#[derive(Clone, Copy)]
pub struct Delivery<'d> {
    headers: &'d [Header],
    body: &'d [u8],
}

/// The body has more than [`MAX_BODY_BYTES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the body has more than {MAX_BODY_BYTES} bytes")]
pub struct BodyTooLarge;

impl<'d> Delivery<'d> {
    /// Accepts a request if its body is not too large. The size is checked before any computation.
    ///
    /// # Errors
    /// [`BodyTooLarge`] if the body has more than [`MAX_BODY_BYTES`].
    pub fn new(headers: &'d [Header], body: &'d [u8]) -> Result<Self, BodyTooLarge> {
        if body.len() > MAX_BODY_BYTES {
            return Err(BodyTooLarge);
        }
        Ok(Self { headers, body })
    }

    /// Makes a delivery of any size, as a sender may.
    pub(crate) fn of_any_size(headers: &'d [Header], body: &'d [u8]) -> Self {
        Self { headers, body }
    }

    /// Returns the body, byte for byte.
    #[must_use]
    pub fn body(&self) -> &'d [u8] {
        self.body
    }

    /// Returns the name and the value of the only header that has one of these names, in any case.
    ///
    /// # Errors
    /// [`VerifyError::HeaderMissing`], or [`VerifyError::HeaderRepeated`]: with two values, the
    /// receiver might check one, and a proxy in front of it the other.
    pub(crate) fn header(
        &self,
        names: &[&'static str],
    ) -> Result<(&'static str, &'d [u8]), VerifyError> {
        let mut found = self.headers.iter().filter_map(|header| {
            let name = names.iter().find(|name| header.name.eq_ignore_ascii_case(name))?;
            Some((*name, header.value.as_slice()))
        });
        match (found.next(), found.next()) {
            (None, _) => {
                Err(VerifyError::HeaderMissing(names.first().copied().unwrap_or_default()))
            }
            (Some(header), None) => Ok(header),
            (Some(_), Some((name, _))) => Err(VerifyError::HeaderRepeated(name)),
        }
    }
}

/// Shows only sizes: headers and body may be confidential.
impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} headers, {} bytes)", self.headers.len(), self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_in_any_case() {
        let headers =
            [Header::new("X-Timestamp", "1"), Header::new("a", "2"), Header::new("A", "2")];
        let delivery = Delivery::new(&headers, b"").expect("small");
        assert_eq!(delivery.header(&["x-timestamp"]), Ok(("x-timestamp", b"1".as_slice())));
    }

    #[test]
    fn a_missing_or_repeated_header_is_an_error() {
        let headers =
            [Header::new("X-Timestamp", "1"), Header::new("a", "2"), Header::new("A", "2")];
        let delivery = Delivery::new(&headers, b"").expect("small");
        assert_eq!(delivery.header(&["a"]), Err(VerifyError::HeaderRepeated("a")));
        assert_eq!(delivery.header(&["b", "c"]), Err(VerifyError::HeaderMissing("b")));
    }

    #[test]
    fn exactly_one_header_of_several_names_is_accepted() {
        let headers = [Header::new("b", "1"), Header::new("C", "1")];
        let delivery = Delivery::new(&headers, b"").expect("small");
        assert_eq!(delivery.header(&["a", "b"]), Ok(("b", b"1".as_slice())));
        assert_eq!(delivery.header(&["b", "c"]), Err(VerifyError::HeaderRepeated("c")));
    }

    #[test]
    fn a_body_of_6_mib_is_accepted_and_one_byte_more_is_not() {
        let body = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(
            Delivery::new(&[], &body[1..]).map(|delivery| delivery.body().len()),
            Ok(MAX_BODY_BYTES)
        );
        assert_eq!(
            Delivery::new(&[], &body).map(|delivery| delivery.body().len()),
            Err(BodyTooLarge)
        );
    }

    #[test]
    fn debug_shows_names_and_sizes_but_no_values() {
        let headers = [Header::new("x-a", "hidden")];
        let shown =
            format!("{:?} {:?}", headers[0], Delivery::new(&headers, b"hidden").expect("small"));
        assert_eq!(shown, "Header(x-a, 6 bytes) Delivery(1 headers, 6 bytes)");
    }
}
