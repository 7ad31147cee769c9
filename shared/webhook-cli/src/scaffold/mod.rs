//! Adds and removes a provider in a checkout of this repository.
//!
//! Every change is computed before the first one is written. These are the places, and the files
//! here that know them:
//!
//! | place | file here |
//! |---|---|
//! | `shared/webhook-verify/src/providers/`: the list, and a folder with the description | `rust.rs`, `copied.rs` |
//! | `functions/<name>/` | `entry.rs` |
//! | `Cargo.lock` | `lock.rs` |
//! | `infra/template.yaml` | `template.rs`, `entry.rs` |
//! | `events/<name>/` | `samples.rs` |

mod checkout;
mod copied;
mod entry;
mod error;
mod lock;
mod names;
mod rust;
mod samples;
mod signed;
mod template;

pub(crate) use checkout::{Changes, Checkout};
pub use error::ScaffoldError;
pub(crate) use names::Name;
pub(crate) use rust::Pointers;
pub(crate) use signed::what_is_signed;

use names::has_word;
use webhook_verify::{Provider, catalogue::CATALOGUE, providers};

/// Where the list of providers is.
const LIST: &str = "shared/webhook-verify/src/providers/mod.rs";
const LOCK: &str = "Cargo.lock";
const TEMPLATE: &str = "infra/template.yaml";

/// What a new provider's description is made from.
#[derive(Debug)]
pub(crate) enum Origin<'o> {
    /// An entry of the catalogue, and the places of facts that differ from the entry's.
    Catalogue(&'o str, Pointers),
    /// A copy of another provider's, under the new name.
    Provider(&'o str),
}

/// A new provider: what is to be written, and what it sends.
#[derive(Debug)]
pub(crate) struct Addition {
    pub(crate) changes: Changes,
    pub(crate) provider: &'static Provider,
}

/// Computes the changes that add a provider.
pub(crate) fn add(
    checkout: &Checkout,
    name: &str,
    origin: &Origin<'_>,
) -> Result<Addition, ScaffoldError> {
    let name = Name::new(name)?;
    let list = checkout.read(LIST)?;
    let deployed = rust::deployed(&list)?;
    name.is_free_among(&deployed)?;
    let any = deployed.first().ok_or(ScaffoldError::Unexpected(LIST))?;
    let lock = lock::with(&checkout.read(LOCK)?, any, &name)?;
    let template = template::with(&checkout.read(TEMPLATE)?, &deployed, &name)?;
    is_unused_in_templates(checkout, &deployed, &name)?;
    let mut changes = Changes::default();
    for folder in folders(&name) {
        if !checkout.files(&folder)?.is_empty() {
            return Err(ScaffoldError::Exists(folder));
        }
    }
    let [function, description, events] = folders(&name);
    let provider = match origin {
        Origin::Catalogue(entry, pointers) => {
            let entry = CATALOGUE.iter().find(|known| known.name() == *entry);
            let entry = entry
                .ok_or_else(|| ScaffoldError::NotInCatalogue { known: names_of(CATALOGUE) })?;
            rust::are_apart(entry, pointers)?;
            let text = rust::description(&name, entry, pointers);
            changes.write(&format!("{description}/mod.rs"), checkout.formatted(&text)?);
            rust::provider(&name, entry, pointers)
        }
        Origin::Provider(like) => {
            let model = find(&deployed, like)?;
            let like = providers::named(like)
                .ok_or_else(|| ScaffoldError::NotCompiled((*like).to_owned()))?;
            let [_, folder, _] = folders(model);
            let mut source = String::new();
            for path in checkout.files(&folder)? {
                let below = path.strip_prefix(&folder).unwrap_or(&path).to_owned();
                if below == "/tests.rs" || below.starts_with("/tests/") {
                    continue;
                }
                let text = checkout.read(&path)?;
                source.push_str(&text);
                let text = copied::source(&text, model, &name);
                changes.write(&format!("{description}{below}"), checkout.formatted(&text)?);
            }
            copied::provider(like, model, &name, &source)?
        }
    };
    changes.write(&format!("{function}/Cargo.toml"), entry::spelled(entry::MANIFEST, &name));
    changes.write(
        &format!("{function}/src/main.rs"),
        checkout.formatted(&entry::spelled(entry::MAIN, &name))?,
    );
    for (file, text) in samples::of(provider)? {
        changes.write(&format!("{events}/{file}"), text);
    }
    changes.edit(LIST, checkout.formatted(&rust::with(&list, &name)?)?);
    changes.edit(LOCK, lock);
    changes.edit(TEMPLATE, template);
    Ok(Addition { changes, provider })
}

/// Refuses a name that the templates use outside the providers' entries.
fn is_unused_in_templates(
    checkout: &Checkout,
    deployed: &[Name],
    name: &Name,
) -> Result<(), ScaffoldError> {
    for path in checkout.files("infra")? {
        if !path
            .split_once('.')
            .is_some_and(|(stem, end)| end == "yaml" && stem.matches('/').count() == 1)
        {
            continue;
        }
        let mut text = checkout.read(&path)?;
        if path == TEMPLATE {
            for other in deployed {
                // If a provider is not in the template, there is nothing to take out.
                text = template::without(&text, other).unwrap_or(text);
            }
        }
        if template::uses(&text, name) {
            return Err(name.refused("the templates use the word for something else"));
        }
    }
    Ok(())
}

/// Computes the changes that remove a provider.
pub(crate) fn remove(checkout: &Checkout, name: &str) -> Result<Changes, ScaffoldError> {
    let list = checkout.read(LIST)?;
    let deployed = rust::deployed(&list)?;
    let name = find(&deployed, name)?;
    if deployed.len() == 1 {
        return Err(ScaffoldError::TheLast(name.kebab().to_owned()));
    }
    let mut changes = Changes::default();
    changes.edit(LIST, checkout.formatted(&rust::without(&list, name)?)?);
    changes.edit(LOCK, lock::without(&checkout.read(LOCK)?, name)?);
    changes.edit(TEMPLATE, template::without(&checkout.read(TEMPLATE)?, name)?);
    for folder in folders(name) {
        for path in checkout.files(&folder)? {
            changes.delete(&path);
        }
    }
    Ok(changes)
}

/// Returns the files that still name a removed provider: prose, and code that does not compile
/// without it.
pub(crate) fn mentions(checkout: &Checkout, name: &str) -> Result<Vec<String>, ScaffoldError> {
    let name = Name::new(name)?;
    let mut files = Vec::new();
    for folder in ["docs", "events", "functions", "infra", "shared", "tests"] {
        files.extend(checkout.files(folder)?);
    }
    files.extend(["CONTRIBUTING.md", "README.md", "SECURITY.md"].map(str::to_owned));
    // What the fuzzer found stays as it is.
    files.retain(|path| {
        checkout.has(path) && !path.contains("/corpus/") && !path.contains("/target/")
    });
    let constant = format!("providers::{}", name.screaming());
    files.retain(|path| {
        checkout.read(path).is_ok_and(|text| match path.rsplit_once('.') {
            Some((_, "md")) => name.is_named_in(&text),
            Some((_, "rs")) => has_word(&text, &constant),
            _ => false,
        })
    });
    Ok(files)
}

/// Returns the parameter of `infra/template.yaml` with the URL that a provider sends to.
pub(crate) fn public_url_parameter(name: &str) -> Result<String, ScaffoldError> {
    Ok(entry::spelled("{Name}PublicUrl", &Name::new(name)?))
}

/// Returns the names of the providers in the checkout, in the order of the list.
pub(crate) fn deployed(checkout: &Checkout) -> Result<Vec<Name>, ScaffoldError> {
    rust::deployed(&checkout.read(LIST)?)
}

/// Returns where a provider is wired in, and where it is not.
pub(crate) fn wiring(
    checkout: &Checkout,
    name: &Name,
) -> Result<(Vec<String>, Vec<String>), ScaffoldError> {
    let mut places = Vec::new();
    let [function, description, events] = folders(name);
    for file in [
        format!("{description}/mod.rs"),
        format!("{function}/src/main.rs"),
        format!("{events}/{}", samples::MANIFEST),
    ] {
        let is_there = checkout.has(&file);
        places.push((file, is_there));
    }
    places.push((TEMPLATE.to_owned(), template::has(&checkout.read(TEMPLATE)?, name)));
    places.push((LOCK.to_owned(), lock::has(&checkout.read(LOCK)?, name)));
    let (wired, missing): (Vec<_>, Vec<_>) =
        places.into_iter().partition(|(_, is_there)| *is_there);
    let paths = |places: Vec<(String, bool)>| places.into_iter().map(|(path, _)| path).collect();
    Ok((paths(wired), paths(missing)))
}

/// The folders that are a provider's own: function, description, sample events.
fn folders(name: &Name) -> [String; 3] {
    let (kebab, snake) = (name.kebab(), name.snake());
    [
        format!("functions/{kebab}"),
        format!("shared/webhook-verify/src/providers/{snake}"),
        format!("events/{kebab}"),
    ]
}

fn find<'d>(deployed: &'d [Name], name: &str) -> Result<&'d Name, ScaffoldError> {
    deployed.iter().find(|known| known.kebab() == name).ok_or_else(|| ScaffoldError::Unknown {
        name: name.to_owned(),
        known: deployed.iter().map(Name::kebab).collect::<Vec<_>>().join(", "),
    })
}

fn names_of(providers: &[&Provider]) -> String {
    providers.iter().map(|provider| provider.name()).collect::<Vec<_>>().join(", ")
}
