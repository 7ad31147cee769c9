//! The function's configuration. An empty optional variable counts as absent; a value that is not understood stops the
//! start.

use std::env;

use tracing::Level;

/// The names of all variables that the function reads, beside AWS's own. The first is required.
pub const VARIABLES: [&str; 3] = ["CONSUMED_TABLE", "PAYLOAD_BUCKET", "RUST_LOG"];

/// What the environment says.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Config {
    pub(crate) consumed_table: String,
    pub(crate) payload_bucket: Option<String>,
    pub(crate) log_level: Level,
}

/// A variable that stops the start.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("RUST_LOG is no level: {0}")]
    LogLevel(String),
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(ConfigError::NotUtf8(name)),
        })
    }

    fn read(variable: impl Fn(&'static str) -> Result<Option<String>, ConfigError>) -> Result<Self, ConfigError> {
        let optional = |name| variable(name).map(|value| value.filter(|value| !value.is_empty()));
        let log_level = match optional("RUST_LOG")? {
            None => Level::INFO,
            // A level's number would be read as one, too.
            Some(text) if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                text.parse().map_err(|_| ConfigError::LogLevel(text))?
            }
            Some(text) => return Err(ConfigError::LogLevel(text)),
        };
        Ok(Self {
            consumed_table: optional("CONSUMED_TABLE")?.ok_or(ConfigError::Missing("CONSUMED_TABLE"))?,
            payload_bucket: optional("PAYLOAD_BUCKET")?,
            log_level,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| Ok(variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())))
    }

    #[test]
    fn the_table_is_required_and_empty_variables_count_as_absent() {
        let expected = Config { consumed_table: "t".to_owned(), payload_bucket: None, log_level: Level::INFO };
        assert_eq!(read(&[("CONSUMED_TABLE", "t"), ("PAYLOAD_BUCKET", ""), ("RUST_LOG", "")]), Ok(expected));
        assert_eq!(read(&[("CONSUMED_TABLE", "")]), Err(ConfigError::Missing("CONSUMED_TABLE")));
    }

    #[test]
    fn the_listed_variables_are_read_and_no_others() {
        let read = RefCell::new(BTreeSet::new());
        let config = Config::read(|name| {
            read.borrow_mut().insert(name);
            Ok(Some("info".to_owned()))
        });
        assert!(config.is_ok());
        assert_eq!(*read.borrow(), BTreeSet::from(VARIABLES));
    }

    #[test]
    fn a_level_is_a_word() {
        let level = |text| read(&[("CONSUMED_TABLE", "t"), ("RUST_LOG", text)]).map(|config| config.log_level);
        assert_eq!(level("debug"), Ok(Level::DEBUG));
        assert_eq!(level("WARN"), Ok(Level::WARN));
        for text in ["loud", "5", "info,hyper=trace"] {
            assert_eq!(level(text), Err(ConfigError::LogLevel(text.to_owned())));
        }
    }
}
