//! `webhook provider`: which providers there are; another one, or one less.

use std::io::Write;

use clap::{Args, Subcommand};
use webhook_verify::{Scheme, catalogue::CATALOGUE, providers};

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    provider::with_example_provider,
    scaffold::{self, Checkout, Name, Origin, Pointers, what_is_signed},
    terminal::notice,
};

const ADD_EXAMPLES: &str = "\
Writes the description, the function, the entry in the template, the package in Cargo.lock and sample events. `make test`
and `make lint` hold for them at once, without an edit. If anything fails, nothing is changed.

A pointer is a path to a text in the body, such as /data/object/id (a JSON pointer without escapes). Each of the options
may be repeated: the first that leads to a text counts.

Examples:
  cargo webhook provider add acme-pay --scheme standard-webhooks
  cargo webhook provider add acme-pay --scheme stripe --id /event_id --type /event --group /account/id
  cargo webhook provider add acme-pay --like {provider}";

const REMOVE_EXAMPLES: &str = "\
Deletes the folders that are the provider's own, and its lines elsewhere: what `provider add` writes.

A stack that is deployed keeps the provider's parts until the next `sam deploy`, which deletes them; its secret stays.

Examples:
  cargo webhook provider remove {provider}";

/// Lists, adds or removes the providers whose webhooks are received
#[derive(Args, Debug)]
pub(crate) struct ProviderArgs {
    #[command(subcommand)]
    action: ProviderAction,
}

#[derive(Debug, Subcommand)]
enum ProviderAction {
    /// Prints each provider: its schemes, what they sign, where it is wired in, and what is missing
    List,
    /// Adds a provider, in all places
    #[command(after_help = with_example_provider(ADD_EXAMPLES))]
    Add(AddArgs),
    /// Removes a provider, in all places
    #[command(after_help = with_example_provider(REMOVE_EXAMPLES))]
    Remove(RemoveArgs),
}

#[derive(Args, Debug)]
struct AddArgs {
    /// Name in paths, keys and commands: small letters and digits, with hyphens between words
    name: String,

    /// Entry of the catalogue that the provider signs by
    #[arg(long, required_unless_present = "like", value_parser = catalogue_names())]
    scheme: Option<String>,

    /// Provider whose description is copied; names of headers follow the new name
    #[arg(long, value_name = "PROVIDER", conflicts_with = "scheme")]
    like: Option<String>,

    /// Where the event's id is in the body [default: where the catalogue's entry has it]
    #[arg(long, value_name = "POINTER", conflicts_with = "like", value_parser = pointer)]
    id: Vec<String>,

    /// Where the event's name is [default: where the catalogue's entry has it]
    #[arg(long = "type", value_name = "POINTER", conflicts_with = "like", value_parser = pointer)]
    event_type: Vec<String>,

    /// Where the text is that events of one group share, such as an account [default: where the catalogue's entry has it]
    #[arg(long, value_name = "POINTER", conflicts_with = "like", value_parser = pointer)]
    group: Vec<String>,
}

#[derive(Args, Debug)]
struct RemoveArgs {
    /// Name of the provider
    name: String,
}

impl ProviderArgs {
    pub(crate) fn exec(&self, out: &mut impl Write) -> Result<ExitStatus, CliError> {
        let checkout = Checkout::here()?;
        match &self.action {
            ProviderAction::List => list(&checkout, out)?,
            ProviderAction::Add(args) => args.exec(&checkout, out)?,
            ProviderAction::Remove(args) => args.exec(&checkout, out)?,
        }
        Ok(ExitStatus::Success)
    }
}

fn list(checkout: &Checkout, out: &mut impl Write) -> Result<(), CliError> {
    for name in scaffold::deployed(checkout)? {
        let (wired, missing) = scaffold::wiring(checkout, &name)?;
        let schemes = schemes(&name);
        let missing = if missing.is_empty() { "nothing".to_owned() } else { missing.join(", ") };
        let (kebab, wired) = (name.kebab(), wired.join(", "));
        writeln!(out, "{kebab}: {schemes}; wired in: {wired}; missing: {missing}").map_err(CliError::Stdout)?;
    }
    Ok(())
}

fn schemes(name: &Name) -> String {
    let Some(provider) = providers::named(name.kebab()) else {
        return "not compiled into this command".to_owned();
    };
    let line = |scheme: &Scheme| format!("{} ({})", scheme.name, what_is_signed(scheme));
    provider.schemes().iter().map(line).collect::<Vec<_>>().join(", ")
}

impl AddArgs {
    fn exec(&self, checkout: &Checkout, out: &mut impl Write) -> Result<(), CliError> {
        let origin = match (&self.like, &self.scheme) {
            (Some(like), _) => Origin::Provider(like),
            (None, scheme) => {
                let (id, event_type, group) = (self.id.clone(), self.event_type.clone(), self.group.clone());
                Origin::Catalogue(scheme.as_deref().unwrap_or_default(), Pointers { id, event_type, group })
            }
        };
        let addition = scaffold::add(checkout, &self.name, &origin)?;
        checkout.apply(&addition.changes)?;
        print(addition.changes.lines(), out)?;
        let provider = addition.provider;
        let header = provider.schemes()[0].signature.header[0];
        let reason = match &origin {
            Origin::Provider(like) => format!("which follows the new name as {like}'s follows {like}"),
            Origin::Catalogue(entry, _) => format!("as {entry} does"),
        };
        notice(&format!(
            "{} signs in the header {header}, {reason}. If it uses another one, change the description, and sign the samples \
             again: see events/README.md.",
            provider.name()
        ));
        Ok(())
    }
}

impl RemoveArgs {
    fn exec(&self, checkout: &Checkout, out: &mut impl Write) -> Result<(), CliError> {
        let changes = scaffold::remove(checkout, &self.name)?;
        checkout.apply(&changes)?;
        print(changes.lines(), out)?;
        let mentions = scaffold::mentions(checkout, &self.name)?;
        if !mentions.is_empty() {
            notice(&format!("{} is still named in: {}", self.name, mentions.join(", ")));
        }
        Ok(())
    }
}

fn print(lines: impl Iterator<Item = String>, out: &mut impl Write) -> Result<(), CliError> {
    for line in lines {
        writeln!(out, "{line}").map_err(CliError::Stdout)?;
    }
    Ok(())
}

fn catalogue_names() -> clap::builder::PossibleValuesParser {
    CATALOGUE.iter().map(|entry| entry.name()).collect::<Vec<_>>().into()
}

/// Reads what a description can have as a pointer.
fn pointer(text: &str) -> Result<String, &'static str> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'~');
    match text.strip_prefix('/') {
        Some(path) if path.split('/').all(is_name) => Ok(text.to_owned()),
        Some(_) | None => Err("expected names with a `/` before each, in visible ASCII characters without `~`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_names_without_escapes() {
        for text in ["/id", "/data/object/id", "/a.b", "/a\"b"] {
            assert_eq!(pointer(text), Ok(text.to_owned()));
        }
        for text in ["", "/", "id", "/a/", "//a", "/a~1b", "/a b", "/é"] {
            assert!(pointer(text).is_err(), "{text}");
        }
    }
}
