//! `webhook provider`: lists, adds and removes providers.

use std::io::Write;

use clap::{ArgGroup, Args, Subcommand};
use webhook_verify::{
    Provider, Scheme,
    catalogue::CATALOGUE,
    description::{EventType, TimeSource, Unsigned},
    providers,
};

use crate::{
    error::CliError,
    exit_status::ExitStatus,
    provider::with_example_provider,
    scaffold::{self, Checkout, Name, Origin, Pointers, what_is_signed},
    terminal::notice,
};

const ADD_EXAMPLES: &str = "\
Writes the description, the function, the entry in the template, the package in Cargo.lock and
sample events. `make test` and `make lint` pass at once, without an edit. If anything fails, nothing
is changed.

A pointer is a path to a string in the body, through objects only, such as /data/object/id (a JSON
pointer without escapes). --id, --type and --group may be repeated: the first pointer that leads to
a string counts.

Examples:
  cargo webhook provider add acme-pay --scheme standard-webhooks
  cargo webhook provider add acme-pay --scheme stripe --id /event_id --type /event \\
    --group /account/id
  cargo webhook provider add acme-pay --like {provider}";

/// The most names in a pointer: deeper than real webhooks are nested, but within what parsers
/// accept.
const MAX_LEVELS: usize = 16;

const REMOVE_EXAMPLES: &str = "\
Deletes everything that `provider add` writes: the provider's own folders, and its lines in other
files.

A deployed stack keeps the provider's resources until the next `sam deploy`, which deletes them; its
secret stays.

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
    /// Adds a provider in every place that needs it
    #[command(after_help = with_example_provider(ADD_EXAMPLES))]
    Add(AddArgs),
    /// Removes a provider from every place
    #[command(after_help = with_example_provider(REMOVE_EXAMPLES))]
    Remove(RemoveArgs),
}

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("origin").required(true).args(["scheme", "like"])))]
struct AddArgs {
    /// Name in paths, keys and commands: lower-case letters and digits, with hyphens between words
    name: String,

    /// Entry of the catalogue that says how the provider signs
    #[arg(long, value_parser = catalogue_names())]
    scheme: Option<String>,

    /// Provider whose description is copied; the new name replaces the old one in headers, too
    #[arg(long, value_name = "PROVIDER")]
    like: Option<String>,

    /// Where the event's id is in the body [default: as in the catalogue's entry]
    #[arg(long, value_name = "POINTER", conflicts_with = "like", value_parser = pointer)]
    id: Vec<String>,

    /// Where the event's name is in the body [default: as in the catalogue's entry]
    #[arg(long = "type", value_name = "POINTER", conflicts_with = "like", value_parser = pointer)]
    event_type: Vec<String>,

    /// Where the body has what events of one group share, such as an account [default: as in the
    /// catalogue's entry]
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
        writeln!(out, "{kebab}: {schemes}; wired in: {wired}; missing: {missing}")
            .map_err(CliError::Stdout)?;
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
                let (id, event_type, group) =
                    (self.id.clone(), self.event_type.clone(), self.group.clone());
                Origin::Catalogue(
                    scheme.as_deref().unwrap_or_default(),
                    Pointers { id, event_type, group },
                )
            }
        };
        let addition = scaffold::add(checkout, &self.name, &origin)?;
        checkout.apply(&addition.changes)?;
        print(addition.changes.lines(), out)?;
        let provider = addition.provider;
        let (name, headers) = (provider.name(), headers(provider).join(", "));
        let reason = match &origin {
            Origin::Provider(like) => {
                format!("with its own name in place of {like}")
            }
            Origin::Catalogue(entry, _) => format!("as {entry} does"),
        };
        notice(&format!(
            "{name} has the headers {headers}, {reason}. If it has other headers, change the \
             description (docs/providers.md shows how), and sign the samples again: see \
             events/README.md."
        ));
        if provider.signs_url() {
            let parameter = scaffold::public_url_parameter(&self.name)?;
            notice(&format!(
                "{name} signs its URL: set the stack's parameter {parameter} to the URL that you \
                 register."
            ));
        }
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

/// Returns the headers that are read from a provider's deliveries, each once.
fn headers(provider: &Provider) -> Vec<&'static str> {
    let unsigned =
        |place: &Unsigned| if let Unsigned::Header(name) = place { Some(*name) } else { None };
    let mut headers = Vec::new();
    for scheme in provider.schemes() {
        headers.push(scheme.signature.header[0]);
        if let Some(TimeSource::Header(names)) = scheme.time.map(|time| time.source) {
            headers.push(names[0]);
        }
        headers.extend(scheme.signed_headers().map(|names| names[0]));
        if let EventType::Unsigned(place) = scheme.facts.event_type {
            headers.extend(unsigned(&place));
        }
        headers.extend(scheme.facts.delivery_id.iter().filter_map(unsigned));
    }
    let mut known = Vec::new();
    for header in headers {
        if !known.contains(&header) {
            known.push(header);
        }
    }
    known
}

/// Reads a pointer that a description can have and that an example body can follow.
fn pointer(text: &str) -> Result<String, &'static str> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'~' | b'"' | b'\\'))
    };
    let Some(path) = text.strip_prefix('/') else {
        return Err("expected names with a `/` before each");
    };
    if !path.split('/').all(is_name) {
        Err("expected names with a `/` before each, in visible ASCII characters without `~`, `\"` \
             and `\\`")
    } else if path.split('/').any(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
        Err("a pointer leads through objects, not into a list")
    } else if path.split('/').count() > MAX_LEVELS {
        Err("a pointer has at most 16 names")
    } else if path.split('/').next() == Some("number") {
        Err("the samples have a number of their own at /number, so no fact can be there")
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{GITHUB, SLACK, STANDARD_WEBHOOKS, STRIPE};

    use super::*;

    #[test]
    fn a_pointer_has_names_without_escapes() {
        let (deepest, deeper) = ("/a".repeat(16), "/a".repeat(17));
        for text in ["/id", "/data/object/id", "/a.b", "/a/number", "/numbers", "/2a", &deepest] {
            assert_eq!(pointer(text), Ok(text.to_owned()));
        }
        let names = "expected names with a `/` before each";
        for (text, expected) in [
            ("", names),
            ("/", names),
            ("id", names),
            ("/a/", names),
            ("//a", names),
            ("/a~1b", names),
            ("/a b", names),
            ("/é", names),
            ("/a\"b", names),
            ("/a\\b", names),
            ("/a/0", "a pointer leads through objects, not into a list"),
            ("/a/12/b", "a pointer leads through objects, not into a list"),
            (deeper.as_str(), "a pointer has at most 16 names"),
            ("/number", "the samples have a number of their own at /number"),
            ("/number/a", "the samples have a number of their own at /number"),
        ] {
            assert!(pointer(text).is_err_and(|error| error.starts_with(expected)), "{text}");
        }
    }

    #[test]
    fn the_headers_of_a_new_provider_are_all_listed_once() {
        assert_eq!(headers(STRIPE), ["stripe-signature"]);
        assert_eq!(headers(SLACK), ["x-slack-signature", "x-slack-request-timestamp"]);
        assert_eq!(
            headers(STANDARD_WEBHOOKS),
            ["webhook-signature", "webhook-timestamp", "webhook-id"]
        );
        assert_eq!(headers(GITHUB), ["x-hub-signature-256", "x-github-event", "x-github-delivery"]);
    }
}
