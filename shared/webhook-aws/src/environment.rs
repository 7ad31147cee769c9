//! Environment variables, read by the rules of the contract: an empty one counts as absent, and a
//! value that cannot be used stops the start with a sentence that names the variable.

use std::{collections::BTreeMap, env, ffi::OsString, fmt, io, str::FromStr};

/// The variables of a process, read once.
#[derive(Clone)]
pub struct Environment(BTreeMap<OsString, OsString>);

/// Why a program does not start, in a sentence for the operator.
#[derive(thiserror::Error)]
pub enum StartError {
    /// A required variable is absent or empty.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable is absent or empty that only some providers require.
    #[error("{variable} is not set: {reason}")]
    Required {
        /// The variable's name.
        variable: &'static str,
        /// Why it is required, and what to set it to.
        reason: String,
    },
    /// A variable has a value that cannot be used.
    #[error("{variable} cannot be used: {reason}")]
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value, and what to do.
        reason: String,
    },
    /// The system or the runtime refuses to start.
    #[error("cannot start: {0}")]
    Runtime(String),
}

impl StartError {
    /// Returns the error for a `variable` that cannot be used.
    pub fn invalid(variable: &'static str, reason: impl fmt::Display) -> Self {
        Self::Invalid { variable, reason: reason.to_string() }
    }
}

/// `main` prints an error with `Debug`, and an operator should see the sentence.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Runtime(error.to_string())
    }
}

impl Environment {
    /// Reads the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(env::vars_os().collect())
    }

    /// Returns the variable's value, or `None` if it is absent or empty.
    ///
    /// # Errors
    /// [`StartError`] if the value is not UTF-8, or if `T` does not accept it.
    pub fn optional<T>(&self, variable: &'static str) -> Result<Option<T>, StartError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let Some(value) =
            self.0.get(variable.as_ref() as &std::ffi::OsStr).filter(|value| !value.is_empty())
        else {
            return Ok(None);
        };
        let value =
            value.to_str().ok_or_else(|| StartError::invalid(variable, "it is not UTF-8"))?;
        value.parse().map(Some).map_err(|error| StartError::invalid(variable, error))
    }

    /// Returns the variable's value.
    ///
    /// # Errors
    /// [`StartError`] if the variable is absent or empty, if its value is not UTF-8, or if `T` does
    /// not accept it.
    pub fn required<T>(&self, variable: &'static str) -> Result<T, StartError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.optional(variable)?.ok_or(StartError::Missing(variable))
    }
}

/// For tests, which choose all variables.
impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn error(result: Result<impl Sized, StartError>) -> Option<String> {
        result.err().map(|error| error.to_string())
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let environment = Environment::from_iter([("EMPTY", ""), ("SET", "7")]);
        for (variable, expected) in [("EMPTY", None), ("ABSENT", None), ("SET", Some(7))] {
            assert_eq!(environment.optional::<u32>(variable).ok(), Some(expected), "{variable}");
        }
    }

    #[test]
    fn an_error_names_the_variable_and_says_what_is_wrong() {
        let not_utf8 = (OsString::from("BYTES"), OsString::from_vec(vec![0xff]));
        let environment =
            Environment::from_iter([(OsString::from("WORD"), OsString::from("x")), not_utf8]);
        assert_eq!(
            error(environment.required::<String>("ABSENT")).as_deref(),
            Some("ABSENT is not set")
        );
        let invalid = Some("WORD cannot be used: invalid digit found in string");
        assert_eq!(error(environment.required::<u32>("WORD")).as_deref(), invalid);
        let not_utf8 = Some("BYTES cannot be used: it is not UTF-8");
        assert_eq!(error(environment.optional::<String>("BYTES")).as_deref(), not_utf8);
    }

    #[test]
    fn debug_prints_the_sentence() {
        assert_eq!(format!("{:?}", StartError::Missing("QUEUE_URL")), "QUEUE_URL is not set");
    }
}
