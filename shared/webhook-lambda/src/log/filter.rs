//! `RUST_LOG`: which lines are written.

use std::{fmt, str::FromStr};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::filter::Targets;

/// Our crates: the target of each log line begins with the name of its crate.
const OURS: [&str; 4] = ["webhook_aws", "webhook_ingest", "webhook_lambda", "webhook_verify"];
/// Where the runtime logs the error that a handler returns. We have logged it by then.
const HANDLER_ERRORS: &str = "lambda_runtime::layers::panic";

/// Which lines are written: from our crates, those that `RUST_LOG` enables; from dependencies, only
/// warnings and errors, because the SDK's traces contain bodies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(Targets);

/// A text that is not a filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InvalidFilter(String);

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a log filter: give a level (off, error, warn, info, debug, trace), or a \
             list such as warn,webhook_lambda=debug",
            self.0
        )
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl FromStr for LogFilter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        let invalid = || InvalidFilter(text.to_owned());
        if text.contains(char::is_whitespace) || !text.split(',').all(is_meant) {
            return Err(invalid());
        }
        text.parse().map(Self).map_err(|_| invalid())
    }
}

/// Returns whether `Targets` certainly reads a directive as the operator means it. `Targets` takes
/// any word that is not a level for a target, so a typing error would switch logging off. It takes
/// an empty level for `error`.
fn is_meant(directive: &str) -> bool {
    match directive.split_once('=') {
        Some((_, level)) => !level.is_empty(),
        None => {
            is_ours(directive)
                || (!directive.is_empty() && directive.parse::<LevelFilter>().is_ok())
        }
    }
}

fn is_ours(target: &str) -> bool {
    OURS.iter().any(|name| target.starts_with(name))
}

impl LogFilter {
    pub(crate) fn enables(&self, target: &str, level: Level) -> bool {
        let may_be_written = is_ours(target) || (level <= Level::WARN && target != HANDLER_ERRORS);
        may_be_written && self.0.would_enable(target, &level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_follow_rust_log_and_dependencies_stay_at_warn() {
        for (text, target, level, expected) in [
            ("info", "webhook_lambda::log", Level::INFO, true),
            ("info", "webhook_lambda", Level::DEBUG, false),
            ("INFO", "webhook_lambda", Level::INFO, true),
            ("trace", "webhook_aws", Level::TRACE, true),
            ("trace", "aws_smithy_runtime", Level::INFO, false),
            ("trace", "aws_smithy_runtime", Level::WARN, true),
            ("trace,hyper=trace", "hyper", Level::DEBUG, false),
            ("error", "hyper", Level::WARN, false),
            ("off", "webhook_lambda", Level::ERROR, false),
            ("warn,webhook_lambda=debug", "webhook_lambda", Level::DEBUG, true),
            ("warn,webhook_lambda", "webhook_lambda", Level::TRACE, true),
            ("webhook_lambda=debug", "webhook_aws", Level::ERROR, false),
            ("trace", "lambda_runtime::layers::panic", Level::ERROR, false),
            ("info", "lambda_runtime::layers::api_client", Level::ERROR, true),
        ] {
            let filter: LogFilter = text.parse().expect("is a filter");
            assert_eq!(filter.enables(target, level), expected, "{text}: {target} at {level}");
        }
    }

    #[test]
    fn an_ambiguous_or_invalid_filter_is_refused() {
        for text in [
            "verbose",
            "hyper",
            "webhook",
            "info,",
            ",info",
            "info,webhook_lambda=",
            "info,webhook_lambda=loud",
            "info,a=b=c",
            "warn, webhook_lambda=debug",
            " info",
            "info\n",
            "!!!",
            "7",
        ] {
            assert_eq!(text.parse::<LogFilter>(), Err(InvalidFilter(text.to_owned())), "{text:?}");
        }
        let expected = "\"loud\" is not a log filter: give a level (off, error, warn, info, debug, \
                        trace), or a list such as warn,webhook_lambda=debug";
        assert_eq!(InvalidFilter("loud".to_owned()).to_string(), expected);
    }
}
