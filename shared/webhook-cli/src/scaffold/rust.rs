//! The list of providers, and the description of one whose scheme is in the catalogue: as text, and
//! as a value with which this command signs the first samples before the text is compiled.

use webhook_verify::{
    Provider, Scheme,
    description::{EventType, Facts, Id},
};

use super::{LIST, error::ScaffoldError, names::Name};

const LIST_NAME: &str = "pub const PROVIDERS: &[&Provider] =";
const LIST_BEGIN: &str = "&[";
const LIST_END: &str = "];";

/// The places of a provider's facts that differ from those of the catalogue's entry.
#[derive(Debug, Default)]
pub(crate) struct Pointers {
    pub(crate) id: Vec<String>,
    pub(crate) event_type: Vec<String>,
    pub(crate) group: Vec<String>,
}

/// Returns the providers in the list.
pub(super) fn deployed(list: &str) -> Result<Vec<Name>, ScaffoldError> {
    let (_, constants, _) = parts(list)?;
    let names = constants.split(',').map(str::trim).filter(|constant| !constant.is_empty());
    let names =
        names.map(|constant| Name::new(&constant.to_ascii_lowercase().replace('_', "-")).ok());
    names.collect::<Option<_>>().ok_or(ScaffoldError::Unexpected(LIST))
}

/// Returns the list with one more provider, unformatted.
pub(super) fn with(list: &str, name: &Name) -> Result<String, ScaffoldError> {
    let mut names = deployed(list)?;
    names.push(name.clone());
    names.sort_by(|one, other| one.kebab().cmp(other.kebab()));
    let (before, _, after) = parts(list)?;
    let constants: Vec<_> = names.iter().map(Name::screaming).collect();
    let list = format!("{before}{LIST_NAME} {LIST_BEGIN}{}{LIST_END}{after}", constants.join(", "));
    // rustfmt puts them in order.
    let list = replaced(&list, "\nmod ", &format!("\nmod {};\nmod ", name.snake()))?;
    replaced(&list, "\npub use ", &format!("\n{}pub use ", exported(name)))
}

/// Returns the list without a provider, unformatted.
pub(super) fn without(list: &str, name: &Name) -> Result<String, ScaffoldError> {
    let (before, constants, after) = parts(list)?;
    let constant = name.screaming();
    let others =
        constants.split(',').map(str::trim).filter(|other| !other.is_empty() && *other != constant);
    let others: Vec<_> = others.collect();
    let list = format!("{before}{LIST_NAME} {LIST_BEGIN}{}{LIST_END}{after}", others.join(", "));
    let list = replaced(&list, &format!("\nmod {};\n", name.snake()), "\n")?;
    replaced(&list, &format!("\n{}", exported(name)), "\n")
}

/// Returns the list with the first `from` replaced, which must be there.
fn replaced(list: &str, from: &str, to: &str) -> Result<String, ScaffoldError> {
    if list.contains(from) {
        Ok(list.replacen(from, to, 1))
    } else {
        Err(ScaffoldError::Unexpected(LIST))
    }
}

fn exported(name: &Name) -> String {
    format!("pub use {}::{};\n", name.snake(), name.screaming())
}

/// Returns the text before the list, in it, and after it.
fn parts(list: &str) -> Result<(&str, &str, &str), ScaffoldError> {
    let parts = || {
        // The searches in this file expect lines that end with `\n` alone.
        let (before, rest) = list.split_once(LIST_NAME).filter(|_| !list.contains('\r'))?;
        // A long list begins in the next line.
        let (constants, after) =
            rest.trim_start().strip_prefix(LIST_BEGIN)?.split_once(LIST_END)?;
        Some((before, constants, after))
    };
    parts().ok_or(ScaffoldError::Unexpected(LIST))
}

/// Returns the description of a provider that signs as an entry of the catalogue does.
pub(super) fn description(name: &Name, entry: &Provider, pointers: &Pointers) -> String {
    let entry_name = entry.name().to_ascii_uppercase().replace('-', "_");
    let (title, kebab, screaming) = (name.title(), name.kebab(), name.screaming());
    let others = if entry.other_headers().is_empty() {
        String::new()
    } else {
        format!(".also_sends(catalogue::{entry_name}.other_headers())")
    };
    let list = |pointers: &[String]| format!("{pointers:?}");
    let facts = [
        (!pointers.id.is_empty()).then(|| format!("id: Id::Signed(&{}),", list(&pointers.id))),
        (!pointers.event_type.is_empty())
            .then(|| format!("event_type: EventType::Signed(&{}),", list(&pointers.event_type))),
        (!pointers.group.is_empty()).then(|| format!("group: &{},", list(&pointers.group))),
    ];
    let facts: String = facts.into_iter().flatten().collect();
    let imports = [
        (!pointers.event_type.is_empty()).then_some("EventType"),
        (!facts.is_empty()).then_some("Facts"),
        (!pointers.id.is_empty()).then_some("Id"),
        Some("Provider"),
        Some("Scheme"),
    ];
    let imports = imports.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let facts = if facts.is_empty() {
        facts
    } else {
        format!("facts: Facts {{ {facts} ..catalogue::{entry_name}.schemes()[0].facts }},")
    };
    format!(
        "//! {title} signs as [`catalogue::{entry_name}`] does.\n\
         //!\n\
         //! The catalogue links the documentation, and says which parts of a delivery are \
         unsigned.\n\n\
         use crate::{{catalogue, description::{{{imports}}}}};\n\n\
         /// {title}.\n\
         pub const {screaming}: &Provider = &Provider::new(\"{kebab}\", \
         catalogue::{entry_name}.key(), &[SCHEME]){others};\n\n\
         const SCHEME: Scheme = Scheme {{ name: \"{kebab}\", {facts} \
         ..catalogue::{entry_name}.schemes()[0] }};\n"
    )
}

/// Returns the provider that the text of [`description`] describes. It lives as long as the
/// command.
pub(super) fn provider(name: &Name, entry: &Provider, pointers: &Pointers) -> &'static Provider {
    let base = entry.schemes()[0];
    let id = if pointers.id.is_empty() { base.facts.id } else { Id::Signed(leak(&pointers.id)) };
    let event_type = match pointers.event_type.as_slice() {
        [] => base.facts.event_type,
        event_type => EventType::Signed(leak(event_type)),
    };
    let group = if pointers.group.is_empty() { base.facts.group } else { leak(&pointers.group) };
    let facts = Facts { id, event_type, group, ..base.facts };
    let kebab: &str = name.kebab().to_owned().leak();
    let provider =
        Provider::new(kebab, entry.key(), vec![Scheme { name: kebab, facts, ..base }].leak());
    Box::leak(Box::new(provider.also_sends(entry.other_headers())))
}

/// Refuses pointers if the first ones of two facts are equal or lead into each other: no example
/// could have a text at both.
pub(super) fn are_apart(entry: &Provider, pointers: &Pointers) -> Result<(), ScaffoldError> {
    let facts = entry.schemes()[0].facts;
    let own_id: &[&str] = if let Id::Signed(own) = facts.id { own } else { &[] };
    let own_type: &[&str] = if let EventType::Signed(own) = facts.event_type { own } else { &[] };
    let first = |option: &str, given: &[String], own: &[&str]| match (given, own) {
        ([pointer, ..], _) => Some((format!("{option} {pointer}"), format!("{pointer}/"))),
        ([], [pointer, ..]) => {
            Some((format!("the entry's own {option} {pointer}"), format!("{pointer}/")))
        }
        ([], []) => None,
    };
    let firsts = [
        first("--id", &pointers.id, own_id),
        first("--type", &pointers.event_type, own_type),
        first("--group", &pointers.group, facts.group),
    ];
    let firsts: Vec<_> = firsts.into_iter().flatten().collect();
    for (index, (other, other_path)) in firsts.iter().enumerate() {
        for (one, path) in &firsts[..index] {
            if path.starts_with(other_path) || other_path.starts_with(path) {
                return Err(ScaffoldError::Overlap { one: one.clone(), other: other.clone() });
            }
        }
    }
    Ok(())
}

fn leak(texts: &[String]) -> &'static [&'static str] {
    texts.iter().map(|text| &*text.clone().leak()).collect::<Vec<&'static str>>().leak()
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{CATALOGUE, GITHUB, STRIPE};

    use super::*;

    const TEXT: &str = "\
//! The list.

mod beta;

pub use beta::BETA;

use crate::description::Provider;

/// Every provider, by name.
pub const PROVIDERS: &[&Provider] = &[BETA];
";

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn a_provider_is_listed_in_order_and_removed_without_a_trace() {
        let with = with(TEXT, &name("acme-pay")).expect("has a list");
        let expected = TEXT
            .replace("mod beta;", "mod acme_pay;\nmod beta;")
            .replace("pub use beta", "pub use acme_pay::ACME_PAY;\npub use beta")
            .replace("[BETA]", "[ACME_PAY, BETA]");
        assert_eq!(with, expected);
        assert_eq!(deployed(&with).ok(), Some(vec![name("acme-pay"), name("beta")]));
        assert_eq!(without(&with, &name("acme-pay")).ok().as_deref(), Some(TEXT));
        let vertical = with.replace(" &[ACME_PAY, BETA]", "\n    &[\n    ACME_PAY,\n    BETA,\n]");
        assert_eq!(without(&vertical, &name("acme-pay")).ok().as_deref(), Some(TEXT));
    }

    #[test]
    fn a_list_in_another_form_is_refused() {
        let unexpected = ScaffoldError::Unexpected(LIST).to_string();
        for text in ["", &TEXT.replace("[BETA]", "[beta::BETA]"), &TEXT.replace('\n', "\r\n")] {
            assert_eq!(
                deployed(text).map_err(|error| error.to_string()),
                Err(unexpected.clone()),
                "{text}"
            );
        }
        for text in
            [TEXT.replace("\nmod", "\npub mod"), TEXT.replace("\npub use", "\npub(crate) use")]
        {
            assert_eq!(
                with(&text, &name("acme")).map_err(|error| error.to_string()),
                Err(unexpected.clone()),
                "{text}"
            );
            assert_eq!(
                without(&text, &name("beta")).map_err(|error| error.to_string()),
                Err(unexpected.clone()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_description_says_only_what_differs_from_the_catalogue() {
        let expected = "\
//! Acme Pay signs as [`catalogue::STRIPE`] does.
//!
//! The catalogue links the documentation, and says which parts of a delivery are unsigned.

use crate::{catalogue, description::{Provider, Scheme}};

/// Acme Pay.
pub const ACME_PAY: &Provider = &Provider::new(\"acme-pay\", catalogue::STRIPE.key(), &[SCHEME]);

const SCHEME: Scheme = Scheme { name: \"acme-pay\",  ..catalogue::STRIPE.schemes()[0] };
";
        assert_eq!(description(&name("acme-pay"), STRIPE, &Pointers::default()), expected);
        let pointers = Pointers {
            id: vec!["/event/id".to_owned(), "/id".to_owned()],
            event_type: vec!["/kind".to_owned()],
            group: vec!["/account".to_owned()],
        };
        let with_facts = description(&name("acme"), GITHUB, &pointers);
        for part in [
            "description::{EventType, Facts, Id, Provider, Scheme}",
            "&[SCHEME]).also_sends(catalogue::GITHUB.other_headers());",
            "facts: Facts { id: Id::Signed(&[\"/event/id\", \"/id\"]),event_type: \
             EventType::Signed(&[\"/kind\"]),group: &[\"/account\"], \
             ..catalogue::GITHUB.schemes()[0].facts }, ..catalogue::GITHUB.schemes()[0] }",
        ] {
            assert!(with_facts.contains(part), "{with_facts}");
        }
        let of_name = Pointers { event_type: vec!["/Id::a".to_owned()], ..Pointers::default() };
        let with_name = description(&name("acme"), STRIPE, &of_name);
        assert!(
            with_name.contains("description::{EventType, Facts, Provider, Scheme}"),
            "{with_name}"
        );
        let facts = provider(&name("acme"), GITHUB, &pointers).schemes()[0].facts;
        assert!(matches!(facts.id, Id::Signed(["/event/id", "/id"])));
        assert!(matches!(facts.event_type, EventType::Signed(["/kind"])));
        assert_eq!(facts.group, ["/account"]);
    }

    #[test]
    fn each_entry_of_the_catalogue_has_the_one_scheme_that_is_used() {
        for entry in CATALOGUE {
            assert_eq!(entry.schemes().len(), 1, "{entry:?}");
        }
    }
}
