//! The causes of a refusal, and the codes by which scripts tell them apart.

use serde::{Serialize, Serializer};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What would have to be different for a delivery to verify. The codes are fixed.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// Every cause, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

causes! {
    /// White space before, in or after the secret, or a line break that the sender signs with.
    SecretWhitespace = "secret_whitespace",
    /// Quotes around the secret.
    SecretQuotes = "secret_quotes",
    /// The secret is inside a JSON text, but not where the receiver reads it.
    SecretJson = "secret_json",
    /// One side decodes the secret's hexadecimal digits, base64 or prefix, and the other does not.
    SecretEncoding = "secret_encoding",
    /// A different one of the given secrets verifies.
    SecretOther = "secret_other",
    /// The secret looks like an API key, or like a secret of the other mode (test, live).
    SecretKind = "secret_kind",
    /// The body was parsed and written again.
    BodyReserialized = "body_reserialized",
    /// Other white space around the body, or other line breaks in it.
    BodyWhitespace = "body_whitespace",
    /// The body is base64 of what was signed, or the reverse.
    BodyBase64 = "body_base64",
    /// The body's characters were encoded differently.
    BodyCharset = "body_charset",
    /// The body is compressed.
    BodyCompressed = "body_compressed",
    /// The body is a form, or was one.
    BodyForm = "body_form",
    /// Signed too long ago.
    TimestampStale = "timestamp_stale",
    /// Signed too far ahead.
    TimestampFuture = "timestamp_future",
    /// The time is in a different unit or form.
    TimestampUnit = "timestamp_unit",
    /// A header is missing, or has another name.
    HeaderMissing = "header_missing",
    /// A header came more than once.
    HeaderRepeated = "header_repeated",
    /// The signature is encoded differently, such as in base64 instead of hexadecimal digits.
    SignatureEncoding = "signature_encoding",
    /// The text around the signature in its header is missing or wrong.
    SignaturePrefix = "signature_prefix",
    /// The delivery verifies as a different provider's.
    SchemeOther = "scheme_other",
    /// The delivery is signed by a scheme that the receiver does not accept.
    SchemeNotAccepted = "scheme_not_accepted",
    /// A different URL was signed.
    UrlDiffers = "url_differs",
    /// The delivery is authentic, but not a JSON object.
    NotAnObject = "not_an_object",
    /// No hypothesis fits.
    Unknown = "unknown",
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
