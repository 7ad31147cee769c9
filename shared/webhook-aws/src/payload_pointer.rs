//! Bodies that are too large for the queue: in a bucket, with a pointer to them on the queue, as Amazon's SQS Extended
//! Client does it, so that its consumers read both.
//! Source: <https://github.com/awslabs/payload-offloading-java-common-lib-for-aws>, `PayloadS3Pointer`.

use std::fmt;

use serde_json::{Value, json};

/// The class that the Extended Client (version 2 and later, Java and Python) writes before its pointer.
const POINTER_CLASS: &str = "software.amazon.payloadoffloading.PayloadS3Pointer";
/// Where the body of a message is, in place of the body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PayloadPointer {
    /// The bucket's name.
    pub bucket: String,
    /// The object's.
    pub key: String,
}

impl PayloadPointer {
    /// The message attribute by which the Extended Client knows a pointer. A Number: the size of the payload in bytes.
    pub const ATTRIBUTE: &'static str = "ExtendedPayloadSize";

    /// Reads the body of a message; `None` where it is no pointer. An envelope never is: it is an object, and a pointer an
    /// array.
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

/// The body of a message that points.
impl fmt::Display for PayloadPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json!([POINTER_CLASS, { "s3BucketName": self.bucket, "s3Key": self.key }]).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_back_and_nothing_else_is_one() {
        let pointer = PayloadPointer { bucket: "b".to_owned(), key: "acme/k\"1".to_owned() };
        let text = pointer.to_string();
        assert_eq!(
            text,
            r#"["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"acme/k\"1"}]"#
        );
        assert_eq!(PayloadPointer::parse(&text), Some(pointer));
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
