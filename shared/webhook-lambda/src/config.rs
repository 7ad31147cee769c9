//! The function's configuration. Names are fixed; an empty optional variable counts as absent; a value that is not understood
//! stops the start.

use std::{env, time::Duration};

use webhook_ingest::Settings;
use webhook_verify::{Provider, Tolerance};

use crate::log::LogFilter;

/// The names of all variables that a function reads, beside AWS's own. The first three are required.
pub const VARIABLES: [&str; 8] = [
    "IDEMPOTENCY_TABLE",
    "QUEUE_URL",
    "SIGNING_SECRET_ID",
    "PAYLOAD_BUCKET",
    "TIMESTAMP_TOLERANCE_S",
    "RETENTION_S",
    "SECRET_CACHE_S",
    "RUST_LOG",
];

/// 30 days.
const RETENTION: Duration = Duration::from_hours(720);
/// A record must outlive SQS's five minutes of deduplication, counted from the send.
const LEAST_RETENTION: Duration = Duration::from_secs(360);
const SECRET_CACHE: Duration = Duration::from_mins(5);

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) idempotency_table: String,
    pub(crate) queue_url: String,
    pub(crate) signing_secret_id: String,
    pub(crate) payload_bucket: Option<String>,
    pub(crate) secret_cache: Duration,
    pub(crate) settings: Settings,
    pub(crate) log_filter: LogFilter,
}

/// A variable that stops the start.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{0} is not a whole number of seconds, in digits alone")]
    NotSeconds(&'static str),
    #[error("RETENTION_S is less than {least_s}: {why}")]
    RetentionTooShort { least_s: u64, why: &'static str },
    #[error("RUST_LOG has a directive that is none: {0}")]
    LogFilter(String),
}

impl Config {
    pub(crate) fn from_env<P: Provider>() -> Result<Self, ConfigError> {
        Self::read::<P>(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(ConfigError::NotUtf8(name)),
        })
    }

    fn read<P: Provider>(
        variable: impl Fn(&'static str) -> Result<Option<String>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let optional = |name| variable(name).map(|value| value.filter(|value| !value.is_empty()));
        let required = |name| optional(name)?.ok_or(ConfigError::Missing(name));
        let seconds = |name, default: Duration| match optional(name)? {
            None => Ok(default),
            // Digits alone: `parse` would take a sign, too.
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map(Duration::from_secs).map_err(|_| ConfigError::NotSeconds(name))
            }
            Some(_) => Err(ConfigError::NotSeconds(name)),
        };

        let retention = seconds("RETENTION_S", RETENTION)?;
        if retention < LEAST_RETENTION {
            let why = "a record must outlive the queue's five minutes of deduplication";
            return Err(ConfigError::RetentionTooShort { least_s: LEAST_RETENTION.as_secs(), why });
        }
        let mut tolerance = Tolerance::default();
        if P::SIGNS_TIME {
            tolerance.past = seconds("TIMESTAMP_TOLERANCE_S", tolerance.past)?;
            let least = tolerance.past.saturating_mul(2);
            if retention < least {
                let why =
                    "twice TIMESTAMP_TOLERANCE_S, or a captured delivery could be sent again after its record is gone";
                return Err(ConfigError::RetentionTooShort { least_s: least.as_secs(), why });
            }
        }
        Ok(Self {
            idempotency_table: required("IDEMPOTENCY_TABLE")?,
            queue_url: required("QUEUE_URL")?,
            signing_secret_id: required("SIGNING_SECRET_ID")?,
            payload_bucket: optional("PAYLOAD_BUCKET")?,
            secret_cache: seconds("SECRET_CACHE_S", SECRET_CACHE)?,
            settings: Settings { tolerance, retention },
            log_filter: match optional("RUST_LOG")? {
                None => LogFilter::default(),
                Some(text) => LogFilter::parse(&text).map_err(ConfigError::LogFilter)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use webhook_verify::providers::{Endgrate, Pinwheel};

    use super::*;

    const REQUIRED: [(&str, &str); 3] =
        [("IDEMPOTENCY_TABLE", "records"), ("QUEUE_URL", "https://q/events.fifo"), ("SIGNING_SECRET_ID", "secret")];

    fn read<P: Provider>(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read::<P>(|name| {
            let set = more.iter().chain(&REQUIRED).find(|(set, _)| *set == name);
            Ok(set.map(|(_, value)| (*value).to_owned()))
        })
    }

    fn error<P: Provider>(name: &str, value: &str) -> Option<String> {
        read::<P>(&[(name, value)]).err().map(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_contract_and_an_empty_variable_counts_as_absent() {
        let optional = ["PAYLOAD_BUCKET", "TIMESTAMP_TOLERANCE_S", "RETENTION_S", "SECRET_CACHE_S", "RUST_LOG"];
        for set in [vec![], optional.map(|name| (name, "")).to_vec()] {
            let config = read::<Pinwheel>(&set).expect("starts");
            assert_eq!(config.settings.tolerance.past, Duration::from_secs(86_400));
            assert_eq!(config.settings.retention, Duration::from_secs(2_592_000));
            assert_eq!(config.secret_cache, Duration::from_secs(300));
            assert_eq!(config.payload_bucket, None);
        }
    }

    #[test]
    fn the_listed_variables_are_read_and_no_others() {
        let read = RefCell::new(BTreeSet::new());
        let config = Config::read::<Pinwheel>(|name| {
            read.borrow_mut().insert(name);
            Ok(REQUIRED.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
        });
        assert!(config.is_ok());
        assert_eq!(*read.borrow(), BTreeSet::from(VARIABLES));
        assert_eq!(REQUIRED.map(|(name, _)| name), VARIABLES[..3]);
    }

    #[test]
    fn each_required_variable_is_missed_by_its_name() {
        for (name, _) in REQUIRED {
            assert_eq!(error::<Pinwheel>(name, ""), Some(format!("{name} is not set")));
        }
    }

    #[test]
    fn seconds_are_digits_alone() {
        for name in ["TIMESTAMP_TOLERANCE_S", "RETENTION_S", "SECRET_CACHE_S"] {
            for value in ["-1", "+1", " 1", "1.5", "1e3", "5m", "18446744073709551616", "１"] {
                let expected = format!("{name} is not a whole number of seconds, in digits alone");
                assert_eq!(error::<Pinwheel>(name, value), Some(expected), "{value}");
            }
        }
        assert_eq!(error::<Endgrate>("TIMESTAMP_TOLERANCE_S", "x"), None, "Endgrate signs no time");
    }

    #[test]
    fn retention_outlives_deduplication_and_twice_the_tolerance() {
        let too_short = |least_s, why| Some(ConfigError::RetentionTooShort { least_s, why }.to_string());
        let minutes = "a record must outlive the queue's five minutes of deduplication";
        let twice = "twice TIMESTAMP_TOLERANCE_S, or a captured delivery could be sent again after its record is gone";
        assert_eq!(error::<Endgrate>("RETENTION_S", "359"), too_short(360, minutes));
        assert_eq!(error::<Endgrate>("RETENTION_S", "360"), None);
        assert_eq!(error::<Pinwheel>("RETENTION_S", "172799"), too_short(172_800, twice));
        assert_eq!(error::<Pinwheel>("RETENTION_S", "172800"), None);
        let longest = u64::MAX.to_string();
        assert_eq!(error::<Pinwheel>("TIMESTAMP_TOLERANCE_S", &longest), too_short(u64::MAX, twice));
        let wide = [("TIMESTAMP_TOLERANCE_S", "2000000000"), ("RETENTION_S", "4000000000")];
        assert_eq!(
            read::<Pinwheel>(&wide).map(|config| config.settings.tolerance.past.as_secs()).ok(),
            Some(2_000_000_000)
        );
    }

    #[test]
    fn a_log_filter_that_is_none_stops_the_start() {
        assert_eq!(
            error::<Pinwheel>("RUST_LOG", "info,a=b=c"),
            Some("RUST_LOG has a directive that is none: a=b=c".to_owned())
        );
    }
}
