//! Names of AWS resources, checked when a program starts: a name that AWS would refuse must not go
//! unnoticed until, say, the first large event.

use std::{fmt, str::FromStr};

/// The name or ARN of a `DynamoDB` table.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableName(String);

/// The URL of an SQS queue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueUrl(String);

/// The name of an S3 bucket.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BucketName(String);

/// The name or ARN of a secret in Secrets Manager.
/// Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretId(String);

/// Why a text cannot be the name of a resource.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidName {
    value: String,
    expected: &'static str,
}

impl FromStr for TableName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = match text.strip_prefix("arn:") {
            Some(arn) => arn.split_once(":table/").map_or("", |(_, name)| name),
            None => text,
        };
        let expected = "a table's name (3 to 255 letters, digits, `_`, `-` and `.`) or its ARN";
        let is_name = (3..=255).contains(&name.len()) && has_only(name, "_-.");
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, expected)) }
    }
}

impl FromStr for QueueUrl {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let expected = "a queue's URL, such as \
                        https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo (not its name \
                        or ARN)";
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_url =
            rest.and_then(|rest| rest.rsplit_once('/')).is_some_and(|(host_and_path, name)| {
                let name = name.strip_suffix(FIFO).unwrap_or(name);
                let visible = host_and_path.bytes().all(|byte| byte.is_ascii_graphic());
                visible
                    && !host_and_path.starts_with('/')
                    && !host_and_path.is_empty()
                    && !name.is_empty()
                    && has_only(name, "_-")
            });
        if is_url { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, expected)) }
    }
}

/// The end of a FIFO queue's name, in lower case.
const FIFO: &str = ".fifo";

impl QueueUrl {
    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the queue is a FIFO queue.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        is_fifo(&self.0)
    }
}

/// Returns whether the queue with this name, URL or ARN is a FIFO queue.
#[must_use]
pub fn is_fifo(queue: &str) -> bool {
    queue.ends_with(FIFO)
}

impl FromStr for BucketName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let expected = "a bucket's name (3 to 63 lower-case letters, digits, `-` and `.`), without \
                        s3:// and without a path";
        let is_end = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let ends_well = is_end(text.bytes().next()) && is_end(text.bytes().last());
        let has_capital = text.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_name =
            (3..=63).contains(&text.len()) && has_only(text, "-.") && !has_capital && ends_well;
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, expected)) }
    }
}

impl FromStr for SecretId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = match text.strip_prefix("arn:") {
            Some(arn) => arn.split_once(":secret:").map_or("", |(_, name)| name),
            None => text,
        };
        let expected = "a secret's name (up to 512 letters, digits and `/_+=.@-`) or its ARN";
        let is_name = (1..=512).contains(&name.len()) && has_only(name, "/_+=.@-");
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName::new(text, expected)) }
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )*};
}
as_text!(TableName QueueUrl BucketName SecretId);

impl InvalidName {
    /// Keeps the start of the text, which is enough to recognise it.
    fn new(text: &str, expected: &'static str) -> Self {
        Self { value: text.chars().take(200).collect(), expected }
    }
}

fn has_only(text: &str, others: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T: FromStr>(text: &str) -> bool {
        text.parse::<T>().is_ok()
    }

    #[test]
    fn a_queue_url_is_neither_a_name_nor_an_arn_nor_padded() {
        for url in [
            "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo",
            "https://sqs.us-east-1.api.aws/123456789012/events",
            "http://127.0.0.1:4566/000000000000/events-0.fifo",
            "https://q/events.fifo",
        ] {
            assert_eq!(url.parse::<QueueUrl>().as_ref().map(QueueUrl::as_str), Ok(url));
        }
        for url in [
            "",
            "events.fifo",
            "arn:aws:sqs:eu-west-1:123456789012:events.fifo",
            " https://sqs.eu-west-1.amazonaws.com/1/events.fifo",
            "https://sqs.eu-west-1.amazonaws.com/1/events.fifo ",
            "https://sqs.eu-west-1.amazonaws.com/1/events.fifo\n",
            "https://sqs.eu west-1.amazonaws.com/1/events.fifo",
            "https://sqs.eu-west-1.amazonaws.com/1/",
            "https:///1/events.fifo",
            "https://events.fifo",
            "ftp://sqs.eu-west-1.amazonaws.com/1/events.fifo",
        ] {
            assert!(!accepts::<QueueUrl>(url), "{url:?}");
        }
    }

    #[test]
    fn a_queue_is_fifo_if_its_name_ends_in_lower_case_fifo() {
        for (url, expected) in
            [("https://q/a.fifo", true), ("https://q/a", false), ("https://q/fifo", false)]
        {
            assert_eq!(url.parse::<QueueUrl>().map(|url| url.is_fifo()), Ok(expected), "{url}");
        }
        for (arn, expected) in
            [("arn:aws:sqs:us-east-1:1:a.fifo", true), ("arn:aws:sqs:us-east-1:1:a-fifo", false)]
        {
            assert_eq!(is_fifo(arn), expected, "{arn}");
        }
        assert!(!accepts::<QueueUrl>("https://q/a.FIFO"), "SQS has no such name");
    }

    #[test]
    fn a_bucket_is_a_bare_name() {
        for (name, expected) in [
            ("payloads-123.eu", true),
            ("abc", true),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
            ("ab", false),
            ("s3://payloads", false),
            ("payloads/", false),
            ("pay loads", false),
            (" payloads", false),
            ("payloads\n", false),
            ("Payloads", false),
            ("-payloads", false),
            ("payloads.", false),
        ] {
            assert_eq!(accepts::<BucketName>(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_table_is_a_name_or_an_arn() {
        for (name, expected) in [
            ("records", true),
            ("a_b-c.D9", true),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/records", true),
            (&"a".repeat(255), true),
            (&"a".repeat(256), false),
            ("ab", false),
            ("my records", false),
            ("records ", false),
            ("table/records", false),
            ("arn:aws:dynamodb:eu-west-1:123456789012:records", false),
        ] {
            assert_eq!(accepts::<TableName>(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_secret_is_a_name_or_an_arn() {
        for (name, expected) in [
            ("prod/acme+1", true),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/acme-AbCdEf", true),
            ("my secret", false),
            ("secret\n", false),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:prod", false),
        ] {
            assert_eq!(accepts::<SecretId>(name), expected, "{name:?}");
        }
    }

    #[test]
    fn an_error_shows_the_value_escaped_and_says_what_is_expected() {
        let error = "s3://a\n".parse::<BucketName>().map_err(|error| error.to_string());
        let expected = "\"s3://a\\n\" is not a bucket's name (3 to 63 lower-case letters, digits, \
                        `-` and `.`), without s3:// and without a path";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
