//! The message that points to a body in a bucket, in the form of Amazon's SQS Extended Client, so
//! that its consumers can read the body.
//! Source: <https://github.com/awslabs/payload-offloading-java-common-lib-for-aws>,
//! `PayloadS3Pointer`.

use std::fmt;

use serde_json::{Value, json};

/// The class that the Extended Client (version 2 and later, Java and Python) writes before its
/// pointer.
const POINTER_CLASS: &str = "software.amazon.payloadoffloading.PayloadS3Pointer";

/// Where the body of a message is. It is sent in place of the body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PayloadPointer {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl PayloadPointer {
    /// The message attribute by which the Extended Client recognises a pointer. It is a Number: the
    /// size of the payload in bytes.
    pub const ATTRIBUTE: &'static str = "ExtendedPayloadSize";

    /// Reads a pointer from the body of a message, or returns `None` if it is not one. An envelope
    /// never is: it is a JSON object, and a pointer is an array.
    #[must_use]
    pub fn parse(body: &str) -> Option<Self> {
        if !body.trim_start().starts_with('[') {
            return None;
        }
        let (class, pointer): (String, Value) = serde_json::from_str(body).ok()?;
        let member = |name: &str| pointer.get(name)?.as_str().map(str::to_owned);
        if class == POINTER_CLASS {
            Some(Self { bucket: member("s3BucketName")?, key: member("s3Key")? })
        } else {
            None
        }
    }
}

/// Writes the body of the message.
impl fmt::Display for PayloadPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json!([POINTER_CLASS, { "s3BucketName": self.bucket, "s3Key": self.key }]).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_written_in_the_extended_clients_form() {
        let pointer = PayloadPointer { bucket: "b".to_owned(), key: "acme/k\"1".to_owned() };
        let text = pointer.to_string();
        assert_eq!(
            text,
            r#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"acme/k\"1"}]"#
        );
        assert_eq!(PayloadPointer::parse(&text), Some(pointer));
    }

    #[test]
    fn a_body_of_any_other_form_is_not_a_pointer() {
        for body in [
            "",
            "{}",
            "[]",
            r#"["another.Class",{"s3BucketName":"b","s3Key":"k"}]"#,
            r#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b"}]"#,
            r#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"},1]"#,
        ] {
            assert_eq!(PayloadPointer::parse(body), None, "{body}");
        }
    }
}
