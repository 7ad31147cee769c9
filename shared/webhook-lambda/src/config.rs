//! The function's configuration, from the environment. The contract fixes the names of the
//! variables.

use std::{ops::RangeInclusive, time::Duration};

use webhook_aws::{BucketName, Environment, QueueUrl, SecretId, StartError, TableName};
use webhook_ingest::{DevelopmentSecret, Settings};
use webhook_verify::{MAX_BODY_BYTES, Provider, Scheme};

use crate::log::LogFilter;

/// The names of all variables that a function reads, except AWS's own. The first three are
/// required.
pub const VARIABLES: [&str; 11] = [
    "IDEMPOTENCY_TABLE",
    "QUEUE_URL",
    "SIGNING_SECRET_ID",
    "PAYLOAD_BUCKET",
    "TIMESTAMP_TOLERANCE_S",
    "SIGNATURE_SCHEMES",
    "RETENTION_S",
    "SECRET_CACHE_S",
    "MAX_BODY_BYTES",
    "PUBLIC_URL",
    "RUST_LOG",
];

/// A record must outlive SQS's five minutes of deduplication, counted from the send.
const LEAST_RETENTION: Duration = Duration::from_secs(360);
const SECRET_CACHE: Duration = Duration::from_mins(5);
/// Up to 136 years, so that no computed time overflows our own numbers or `DynamoDB`'s.
const SECONDS: RangeInclusive<u64> = 0..=u32::MAX as u64;

#[derive(Debug)]
pub(crate) struct FunctionConfig {
    pub(crate) idempotency_table: TableName,
    pub(crate) queue_url: QueueUrl,
    pub(crate) signing_secret_id: SecretId,
    pub(crate) payload_bucket: Option<BucketName>,
    pub(crate) secret_cache: Duration,
    pub(crate) development_secret: DevelopmentSecret,
    pub(crate) settings: Settings,
    pub(crate) log_filter: LogFilter,
}

impl FunctionConfig {
    /// Reads the configuration of the provider's function.
    ///
    /// # Errors
    /// [`StartError`] if a required variable is absent, or if a variable has a value that cannot be
    /// used.
    pub(crate) fn read(
        provider: &'static Provider,
        environment: &Environment,
    ) -> Result<Self, StartError> {
        // The address of an emulator: a deployed function has none.
        let development_secret = match environment.optional::<String>("AWS_ENDPOINT_URL")? {
            Some(_) => DevelopmentSecret::Accepted,
            None => DevelopmentSecret::Refused,
        };
        Ok(Self {
            idempotency_table: environment.required("IDEMPOTENCY_TABLE")?,
            queue_url: environment.required("QUEUE_URL")?,
            signing_secret_id: environment.required("SIGNING_SECRET_ID")?,
            payload_bucket: environment.optional("PAYLOAD_BUCKET")?,
            secret_cache: seconds(environment, "SECRET_CACHE_S")?.unwrap_or(SECRET_CACHE),
            development_secret,
            settings: settings(provider, environment)?,
            log_filter: environment.optional("RUST_LOG")?.unwrap_or_default(),
        })
    }
}

fn settings(
    provider: &'static Provider,
    environment: &Environment,
) -> Result<Settings, StartError> {
    let mut settings = Settings::default_of(provider);
    if let Some(past) = seconds(environment, "TIMESTAMP_TOLERANCE_S")? {
        settings.tolerance.past = past;
    }
    if let Some(list) = environment.optional::<String>("SIGNATURE_SCHEMES")? {
        settings.schemes = schemes(provider, &list)?;
    }
    if let Some(retention) = seconds(environment, "RETENTION_S")? {
        settings.retention = retention;
    }
    let most_bytes = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    if let Some(bytes) = number(environment, "MAX_BODY_BYTES", 1..=most_bytes)? {
        settings.max_body_bytes = usize::try_from(bytes).unwrap_or(MAX_BODY_BYTES);
    }
    settings.public_url = public_url(provider, environment)?;
    check_retention(provider, &settings)?;
    Ok(settings)
}

fn check_retention(provider: &Provider, settings: &Settings) -> Result<(), StartError> {
    let twice = settings.tolerance.past * 2;
    let (least, why) = if provider.tolerance().is_some() && twice > LEAST_RETENTION {
        (
            twice,
            "twice TIMESTAMP_TOLERANCE_S: otherwise a captured delivery could be sent again after \
             its record has expired",
        )
    } else {
        (LEAST_RETENTION, "because a record must outlive the queue's five minutes of deduplication")
    };
    if settings.retention >= least {
        return Ok(());
    }
    let (retention_s, least_s) = (settings.retention.as_secs(), least.as_secs());
    let reason = format!("it is {retention_s}, but must be at least {least_s}, {why}");
    Err(StartError::invalid("RETENTION_S", reason))
}

/// Reads names of the provider's schemes, separated by commas.
fn schemes(provider: &'static Provider, list: &str) -> Result<Vec<&'static Scheme>, StartError> {
    let named = |name: &str| provider.schemes().iter().find(|scheme| scheme.name == name);
    let scheme = |name: &str| {
        named(name.trim()).ok_or_else(|| {
            let known: Vec<_> = provider.schemes().iter().map(|scheme| scheme.name).collect();
            let (provider, known) = (provider.name(), known.join(", "));
            let reason =
                format!("{list:?} is not a comma-separated list of schemes of {provider}: {known}");
            StartError::invalid("SIGNATURE_SCHEMES", reason)
        })
    };
    list.split(',').map(scheme).collect()
}

/// Reads the URL that the provider signs. It is not normalised, because the signature covers it
/// character for character.
fn public_url(
    provider: &Provider,
    environment: &Environment,
) -> Result<Option<String>, StartError> {
    let url = environment.optional::<String>("PUBLIC_URL")?;
    match &url {
        Some(url) if !is_url(url) => Err(StartError::invalid(
            "PUBLIC_URL",
            format!("{url:?} is not a URL that begins with https:// or http://"),
        )),
        None if provider.signs_url() => {
            let reason = format!(
                "{0} signs it, so set it to the URL that is registered with {0}",
                provider.name()
            );
            Err(StartError::Required { variable: "PUBLIC_URL", reason })
        }
        Some(_) | None => Ok(url),
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn seconds(
    environment: &Environment,
    variable: &'static str,
) -> Result<Option<Duration>, StartError> {
    Ok(number(environment, variable, SECONDS)?.map(Duration::from_secs))
}

fn number(
    environment: &Environment,
    variable: &'static str,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, StartError> {
    let Some(text) = environment.optional::<String>(variable)? else { return Ok(None) };
    // `parse` alone would accept a sign too.
    let number =
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    if let Some(number) = number.filter(|number| range.contains(number)) {
        return Ok(Some(number));
    }
    let (least, most) = range.into_inner();
    let reason = format!("{text:?} is not a whole number from {least} to {most}, in digits alone");
    Err(StartError::invalid(variable, reason))
}

#[cfg(test)]
mod tests {
    use webhook_ingest::testing::{ACME, BETA};
    use webhook_verify::catalogue::SQUARE;

    use super::*;

    const REQUIRED: [(&str, &str); 3] = [
        ("IDEMPOTENCY_TABLE", "records"),
        ("QUEUE_URL", "https://q/events.fifo"),
        ("SIGNING_SECRET_ID", "secret"),
    ];

    fn read(
        provider: &'static Provider,
        more: &[(&str, &str)],
    ) -> Result<FunctionConfig, StartError> {
        FunctionConfig::read(provider, &REQUIRED.iter().chain(more).copied().collect())
    }

    fn error(provider: &'static Provider, variable: &str, value: &str) -> Option<String> {
        read(provider, &[(variable, value)]).err().map(|error| error.to_string())
    }

    #[test]
    fn empty_and_absent_variables_give_the_contracts_defaults() {
        for set in [vec![], VARIABLES[3..].iter().map(|name| (*name, "")).collect()] {
            let config = read(ACME, &set).expect("it starts");
            assert_eq!(config.settings, Settings::default_of(ACME));
            assert_eq!(config.settings.tolerance.past.as_secs(), 86_400);
            assert_eq!(config.settings.retention.as_secs(), 2_592_000);
            assert_eq!(config.settings.schemes, [&ACME.schemes()[0], &ACME.schemes()[1]]);
            assert_eq!(config.settings.max_body_bytes, 6_291_456);
            assert_eq!(config.secret_cache.as_secs(), 300);
            assert_eq!(config.payload_bucket, None);
            assert_eq!(config.log_filter, LogFilter::default());
            assert_eq!(config.development_secret, DevelopmentSecret::Refused);
        }
    }

    #[test]
    fn a_value_of_each_variable_is_used() {
        let config = read(
            ACME,
            &[
                ("PAYLOAD_BUCKET", "payloads"),
                ("TIMESTAMP_TOLERANCE_S", "600"),
                ("SIGNATURE_SCHEMES", " acme-v2 "),
                ("RETENTION_S", "1200"),
                ("SECRET_CACHE_S", "0"),
                ("MAX_BODY_BYTES", "262144"),
                ("RUST_LOG", "warn"),
            ],
        );
        let config = config.expect("it starts");
        assert_eq!(config.idempotency_table.to_string(), "records");
        assert_eq!(config.queue_url.to_string(), "https://q/events.fifo");
        assert_eq!(config.signing_secret_id.to_string(), "secret");
        assert_eq!(config.payload_bucket.map(String::from).as_deref(), Some("payloads"));
        assert_eq!(config.settings.tolerance.past.as_secs(), 600);
        assert_eq!(config.settings.schemes, [&ACME.schemes()[1]]);
        assert_eq!(config.settings.retention.as_secs(), 1200);
        assert_eq!(config.secret_cache.as_secs(), 0);
        assert_eq!(config.settings.max_body_bytes, 262_144);
        assert_eq!(Ok(config.log_filter), "warn".parse());
    }

    #[test]
    fn a_missing_required_variable_is_named() {
        for (variable, _) in REQUIRED {
            assert_eq!(error(ACME, variable, ""), Some(format!("{variable} is not set")));
        }
        assert_eq!(REQUIRED.map(|(variable, _)| variable), VARIABLES[..3]);
    }

    #[test]
    fn a_bad_value_of_each_variable_is_shown_with_its_name() {
        for variable in VARIABLES {
            for value in ["no such thing\n", "*"] {
                let sentence = error(BETA, variable, value).expect("it does not start");
                let (said, rest) = sentence.split_once(": ").expect("a reason");
                assert_eq!(said, format!("{variable} cannot be used"));
                assert!(rest.starts_with(&format!("{value:?} is not ")), "{sentence}");
            }
        }
    }

    #[test]
    fn names_that_aws_would_refuse_stop_the_start() {
        for (variable, value) in [
            ("QUEUE_URL", "arn:aws:sqs:eu-west-1:123456789012:events.fifo"),
            ("QUEUE_URL", "https://q/ev ents.fifo"),
            ("QUEUE_URL", "https://q/events.fifo\n"),
            ("PAYLOAD_BUCKET", "s3://payloads"),
            ("PAYLOAD_BUCKET", "pay loads"),
            ("IDEMPOTENCY_TABLE", "my records"),
            ("SIGNING_SECRET_ID", "secret\n"),
        ] {
            let sentence = error(ACME, variable, value).unwrap_or_default();
            let start = format!("{variable} cannot be used: {value:?} is not a ");
            assert!(sentence.starts_with(&start), "{variable}={value:?}: {sentence}");
        }
    }

    #[test]
    fn numbers_are_digits_alone_and_within_their_bounds() {
        for (variable, bounds) in [
            ("TIMESTAMP_TOLERANCE_S", "0 to 4294967295"),
            ("RETENTION_S", "0 to 4294967295"),
            ("SECRET_CACHE_S", "0 to 4294967295"),
            ("MAX_BODY_BYTES", "1 to 6291456"),
        ] {
            for value in
                ["-1", "+1", " 1", "1.5", "1e3", "5m", "4294967296", "18446744073709551616", "１"]
            {
                let reason =
                    format!("{value:?} is not a whole number from {bounds}, in digits alone");
                let expected = Some(format!("{variable} cannot be used: {reason}"));
                assert_eq!(error(ACME, variable, value), expected, "{value}");
                assert_eq!(error(BETA, variable, value), expected, "{value}");
            }
        }
        for (bytes, starts) in [("0", false), ("1", true), ("6291456", true), ("6291457", false)] {
            assert_eq!(read(ACME, &[("MAX_BODY_BYTES", bytes)]).is_ok(), starts, "{bytes}");
        }
    }

    #[test]
    fn only_names_of_the_providers_own_schemes_are_accepted() {
        let schemes =
            |list| read(ACME, &[("SIGNATURE_SCHEMES", list)]).map(|config| config.settings.schemes);
        assert_eq!(schemes("acme-v2").ok(), Some(vec![&ACME.schemes()[1]]));
        let both = Some(vec![&ACME.schemes()[1], &ACME.schemes()[0]]);
        assert_eq!(schemes("\tacme-v2 , acme-v1\n").ok(), both);
        for list in [",", " ", "acme-v2,", "acme-v3", "ACME-V2", "acme-v2 acme-v1", "beta"] {
            let expected = format!(
                "SIGNATURE_SCHEMES cannot be used: {list:?} is not a comma-separated list of \
                 schemes of acme: acme-v1, acme-v2"
            );
            assert_eq!(error(ACME, "SIGNATURE_SCHEMES", list), Some(expected));
        }
        let expected = "SIGNATURE_SCHEMES cannot be used: \"acme-v2\" is not a comma-separated \
                        list of schemes of beta: beta";
        assert_eq!(error(BETA, "SIGNATURE_SCHEMES", "acme-v2").as_deref(), Some(expected));
    }

    #[test]
    fn retention_outlives_deduplication_and_twice_the_tolerance() {
        let minutes = "RETENTION_S cannot be used: it is 359, but must be at least 360, because a \
                       record must outlive the queue's five minutes of deduplication";
        assert_eq!(error(BETA, "RETENTION_S", "359").as_deref(), Some(minutes));
        assert_eq!(error(BETA, "RETENTION_S", "360"), None);
        let twice = "RETENTION_S cannot be used: it is 172799, but must be at least 172800, twice \
                     TIMESTAMP_TOLERANCE_S: otherwise a captured delivery could be sent again \
                     after its record has expired";
        assert_eq!(error(ACME, "RETENTION_S", "172799").as_deref(), Some(twice));
        assert_eq!(error(ACME, "RETENTION_S", "172800"), None);
        let tolerance =
            |value, retention| [("TIMESTAMP_TOLERANCE_S", value), ("RETENTION_S", retention)];
        assert!(
            read(ACME, &tolerance("179", "359")).is_err(),
            "a short tolerance does not shorten it"
        );
        assert!(read(ACME, &tolerance("180", "360")).is_ok());
        assert!(read(ACME, &tolerance("4294967295", "4294967295")).is_err());
        assert!(read(ACME, &tolerance("2000000000", "4000000000")).is_ok());
        assert!(read(BETA, &tolerance("86400", "360")).is_ok(), "it signs no time");
    }

    #[test]
    fn the_development_secret_is_accepted_only_with_an_emulator() {
        for (url, expected) in [
            ("http://127.0.0.1:4566", DevelopmentSecret::Accepted),
            ("", DevelopmentSecret::Refused),
        ] {
            let config = read(ACME, &[("AWS_ENDPOINT_URL", url)]).expect("it starts");
            assert_eq!(config.development_secret, expected, "{url}");
        }
    }

    #[test]
    fn the_public_url_is_taken_as_it_is() {
        let url = "https://a.example/Hook?x=%2f";
        let config = read(SQUARE, &[("PUBLIC_URL", url)]).expect("it starts");
        assert_eq!(config.settings.public_url.as_deref(), Some(url));
    }

    #[test]
    fn the_public_url_is_required_only_if_the_provider_signs_it() {
        let config = read(ACME, &[("PUBLIC_URL", "")]).expect("it starts");
        assert_eq!(config.settings.public_url, None);
        let missing = "PUBLIC_URL is not set: square signs it, so set it to the URL that is \
                       registered with square";
        assert_eq!(error(SQUARE, "PUBLIC_URL", "").as_deref(), Some(missing));
    }

    #[test]
    fn a_public_url_that_is_not_a_url_is_an_error() {
        for value in [
            "a.example",
            "https://",
            "https://a.example/ b",
            "ftp://a.example",
            "https://a.example\n",
        ] {
            let expected = format!(
                "PUBLIC_URL cannot be used: {value:?} is not a URL that begins with https:// or \
                 http://"
            );
            assert_eq!(error(ACME, "PUBLIC_URL", value), Some(expected));
        }
    }
}
