//! The causes that are told apart, by the codes that scripts read.

use serde::{Serialize, Serializer};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What would have to be different for a delivery to verify. The codes are fixed.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// Every cause, in the order of their codes' documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the code.
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
    /// Quotes round the secret.
    SecretQuotes = "secret_quotes",
    /// The secret is somewhere in a JSON text from which the receiver does not read it.
    SecretJson = "secret_json",
    /// Hexadecimal digits, base64 or a prefix: decoded by one side, and not by the other.
    SecretEncoding = "secret_encoding",
    /// Another of the given secrets verifies.
    SecretOther = "secret_other",
    /// By its prefix, the secret is an API key, or of another mode.
    SecretKind = "secret_kind",
    /// The body was parsed and written again.
    BodyReserialized = "body_reserialized",
    /// Line breaks or white space round the body.
    BodyWhitespace = "body_whitespace",
    /// The body is base64 of what was signed, or the reverse.
    BodyBase64 = "body_base64",
    /// The body's characters were encoded again.
    BodyCharset = "body_charset",
    /// The body is compressed.
    BodyCompressed = "body_compressed",
    /// The body is a form, or was one.
    BodyForm = "body_form",
    /// Signed too long ago.
    TimestampStale = "timestamp_stale",
    /// Signed too far ahead.
    TimestampFuture = "timestamp_future",
    /// The time is in another unit or form.
    TimestampUnit = "timestamp_unit",
    /// A header is missing, or has another name.
    HeaderMissing = "header_missing",
    /// A header is there more than once.
    HeaderRepeated = "header_repeated",
    /// The signature is spelled in another way, such as base64 in place of hexadecimal digits.
    SignatureEncoding = "signature_encoding",
    /// What stands beside the signature in its header is missing, or is another.
    SignaturePrefix = "signature_prefix",
    /// It verifies as another provider's.
    SchemeOther = "scheme_other",
    /// The scheme is not among those that are accepted.
    SchemeNotAccepted = "scheme_not_accepted",
    /// Another URL was signed.
    UrlDiffers = "url_differs",
    /// Authentic, and not a JSON object.
    NotAnObject = "not_an_object",
    /// No hypothesis fits.
    Unknown = "unknown",
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
