//! Why a provider is not added or removed, in sentences for the user. Nothing was changed then.

use std::{io, path::PathBuf};

/// Why a provider cannot be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The command was run outside a checkout.
    #[error(
        "this folder is not in a checkout of this repository: no folder above it has functions/ \
         and shared/webhook-verify/"
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
    /// Another provider has the name, or a name that looks the same in one of its spellings.
    #[error("there is a provider {0} already")]
    Taken(String),
    /// Cargo would mistake one for the other.
    #[error("{0} cannot be a provider's name: Cargo.lock has a package of this name")]
    Package(String),
    /// Something else is at the provider's place.
    #[error("{0} exists already: remove it, or choose another name")]
    Exists(String),
    /// No provider has this name.
    #[error("there is no provider {name}: the providers are {known}")]
    Unknown {
        /// As the user wrote it.
        name: String,
        /// The names of all.
        known: String,
    },
    /// The catalogue has no entry of this name.
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
    /// Two pointers that lead to the same place, or one into the other.
    #[error(
        "{one} and {other} point to the same text, or one points into the other: give each a \
         place of its own"
    )]
    Overlap {
        /// The option, or that it is the entry's own.
        one: String,
        /// The other one.
        other: String,
    },
    /// An example does not have what the description says.
    #[error(
        "the pointers conflict: in an example body that is made from them, they do not find the \
         {fact}; give each a place of its own"
    )]
    Pointers {
        /// Which of the facts.
        fact: &'static str,
    },
    /// A file does not have the form that this command expects.
    #[error(
        "{0} does not have the form that this command expects (perhaps its lines end in CRLF): \
         nothing was changed"
    )]
    Unexpected(&'static str),
    /// rustfmt is missing, or fails.
    #[error("rustfmt cannot format the new code: {0}")]
    Rustfmt(String),
    /// The system refuses to read or write.
    #[error("cannot {what} {path}: {source}; nothing was changed")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refuses to write, and the changes before that could not be undone.
    #[error(
        "cannot write {path}: {source}; the changes before that could not be undone: see `git \
         status`"
    )]
    NotUndone {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
