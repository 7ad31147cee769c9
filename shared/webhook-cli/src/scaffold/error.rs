//! Why a provider is not added or removed, in sentences for the user. Nothing was changed then.

use std::{io, path::PathBuf};

/// Why a provider is neither added nor removed.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The command runs elsewhere.
    #[error(
        "this folder is not in a checkout of this repository: none above has functions/ and shared/webhook-verify/"
    )]
    NoCheckout,
    /// The name cannot be spelled in all places.
    #[error("{name} cannot be a provider's name: {reason}")]
    Name {
        /// As the user wrote it.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Another provider has the name, or one that is spelled alike somewhere.
    #[error("there is a provider {0} already")]
    Taken(String),
    /// Cargo would mistake one for the other.
    #[error("{0} cannot be a provider's name: Cargo.lock has a package of this name")]
    Package(String),
    /// Something else is at the provider's place.
    #[error("{0} exists already")]
    Exists(String),
    /// No provider has this name.
    #[error("there is no provider {name}: the providers are {known}")]
    Unknown {
        /// As the user wrote it.
        name: String,
        /// The names of all.
        known: String,
    },
    /// The catalogue has none of this name.
    #[error("the catalogue has no such scheme: it has {known}")]
    NotInCatalogue {
        /// The names of all.
        known: String,
    },
    /// The source has been changed since this command was compiled.
    #[error(
        "this command was compiled without {0}: run it as `cargo webhook`, which compiles it again"
    )]
    NotCompiled(String),
    /// A provider must remain.
    #[error("{0} is the only provider, and one must remain: add another one first")]
    TheLast(String),
    /// Pointers that lead to one place, or one into another.
    #[error("{one} and {other} do not lead to two texts: give each a place of its own")]
    Overlap {
        /// The option, or that it is the entry's own.
        one: String,
        /// The other one.
        other: String,
    },
    /// An example has not what the description says.
    #[error(
        "the pointers do not lead to texts of their own: an example's {fact} is not found at them"
    )]
    Pointers {
        /// Which of the facts.
        fact: &'static str,
    },
    /// A file is not as it was when this was written.
    #[error(
        "{0} does not have the form that this command knows (do its lines end in CRLF?): nothing was changed"
    )]
    Unexpected(&'static str),
    /// The compiler's tools are incomplete.
    #[error("rustfmt does not format what is to be written: {0}")]
    Rustfmt(String),
    /// The system refuses.
    #[error("cannot {what} {path}: {source}; nothing was changed")]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refuses, and what was done before could not be undone.
    #[error(
        "cannot write {path}: {source}; what was written before cannot be undone: see `git status`"
    )]
    NotUndone {
        /// With what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
