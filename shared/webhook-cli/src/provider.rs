//! The providers and schemes as the command line names them.

use clap::ValueEnum;
use webhook_verify::{
    Provider,
    providers::{Endgrate, Pinwheel},
};

/// Who the webhook is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ProviderName {
    /// Payroll events.
    Pinwheel,
    /// Integration events.
    Endgrate,
}

impl ProviderName {
    /// Returns every provider that a body can be signed for.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Returns the name in paths, keys, messages and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinwheel => Pinwheel::NAME,
            Self::Endgrate => Endgrate::NAME,
        }
    }

    /// Returns whether its signature covers a time.
    #[must_use]
    pub fn signs_time(self) -> bool {
        match self {
            Self::Pinwheel => Pinwheel::SIGNS_TIME,
            Self::Endgrate => Endgrate::SIGNS_TIME,
        }
    }

    /// Returns the members of a message's `data` that name what the event is about. The first that is present counts; if none
    /// is, the event's id does. Messages of one group keep their order.
    pub(crate) fn group_members(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Pinwheel => &[&["payload", "account_id"], &["payload", "end_user_id"]],
            Self::Endgrate => &[&["session_id"]],
        }
    }
}

/// Pinwheel's signature version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum SchemeName {
    /// Over the timestamp and the compact JSON of the body's `payload`.
    V1,
    /// Over the timestamp and the whole body.
    V2,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_spells_providers_as_paths_do() {
        let spelled = ProviderName::all()
            .iter()
            .map(|provider| (provider.name(), provider.to_possible_value().map(|value| value.get_name().to_owned())));
        assert_eq!(
            spelled.collect::<Vec<_>>(),
            [("pinwheel", Some("pinwheel".to_owned())), ("endgrate", Some("endgrate".to_owned()))]
        );
    }
}
