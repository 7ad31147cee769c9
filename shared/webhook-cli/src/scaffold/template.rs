//! A provider's entry in `infra/template.yaml`. It has a part in several places, each after the
//! part of the last provider there.

use super::{
    TEMPLATE,
    entry::{CONDITIONS, FUNCTION_NAME, LABEL, OUTPUTS, PARAMETERS, RESOURCE, spelled},
    error::ScaffoldError,
    names::{Name, has_word},
};

const PLACES: [&str; 6] = [LABEL, PARAMETERS, CONDITIONS, RESOURCE, FUNCTION_NAME, OUTPUTS];

/// Returns how the items of a text begin: its lines that are indented no deeper than the first.
/// Each ends with the line break or with the `:` of a key.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let indent = indent(text);
    let items = text
        .split_inclusive('\n')
        .filter(move |line| *line != "\n" && self::indent(line) == indent);
    items.map(|line| {
        let is_of_list = line.trim_start().starts_with("- ");
        let key = line.find(':').filter(|_| !is_of_list);
        key.map_or(line, |end| &line[..=end])
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns where the block of a provider is in the template. It ends before the next line that is
/// indented no deeper than its last item, or after an empty line that is part of it.
fn block(text: &str, place: &str, name: &Name) -> Option<(usize, usize)> {
    let of_name = spelled(place, name);
    let at = |begin: &str, from: usize| Some(from + text[from..].find(&format!("\n{begin}"))? + 1);
    let start = at(items(&of_name).next()?, 0)?;
    let last = at(items(&of_name).last()?, start - 1)?;
    let mut end = last;
    for (index, line) in text[last..].split_inclusive('\n').enumerate() {
        if index > 0 && indent(line) <= indent(place) {
            end += usize::from(place.ends_with("\n\n") && line == "\n");
            break;
        }
        end += line.len();
    }
    Some((start, end))
}

/// Returns the template with one more entry.
pub(super) fn with(before: &str, deployed: &[Name], name: &Name) -> Result<String, ScaffoldError> {
    let mut text = before.to_owned();
    for place in PLACES {
        let entry = spelled(place, name);
        if items(&entry).any(|item| before.contains(&format!("\n{item}"))) {
            return Err(name.refused("infra/template.yaml has something else of this name"));
        }
        let ends =
            deployed.iter().filter_map(|other| block(&text, place, other).map(|(_, end)| end));
        let end = ends.max().ok_or(ScaffoldError::Unexpected(TEMPLATE))?;
        text.insert_str(end, &entry);
    }
    // An entry that is added must be one that can be removed.
    if without(&text, name).ok().as_deref() == Some(before) {
        Ok(text)
    } else {
        Err(ScaffoldError::Unexpected(TEMPLATE))
    }
}

/// Returns the template without the entry.
pub(super) fn without(text: &str, name: &Name) -> Result<String, ScaffoldError> {
    let mut text = text.to_owned();
    for place in PLACES {
        let (start, end) = block(&text, place, name).ok_or(ScaffoldError::Unexpected(TEMPLATE))?;
        text.replace_range(start..end, "");
    }
    Ok(text)
}

/// Returns whether the template has the whole entry.
pub(super) fn has(text: &str, name: &Name) -> bool {
    PLACES.iter().all(|place| block(text, place, name).is_some())
}

/// Returns whether the name is used for something else: in a value or a logical id of the template
/// without its entries, or as another word of an entry. `make lint` could not tell that from the
/// provider: see `infra/rules/test_entries.py`.
pub(super) fn uses(text: &str, name: &Name) -> bool {
    let (kebab, pascal) = (name.kebab(), name.pascal());
    let is_in_id = |text: &str| followed(text, &pascal, |next| next.is_ascii_uppercase());
    let is_in_value = |text: &str| {
        ["-", "/", "\""].iter().any(|before| followed(text, &format!("{before}{kebab}"), ends))
    };
    // A character that no word contains.
    let blank = |place: &str| place.replace("{Name}", "\u{1}").replace("{name}", "\u{1}");
    let is_in_entry = PLACES.iter().map(|place| blank(place)).any(|entry| {
        has_word(&entry, kebab)
            || followed(&entry, &pascal, |next| {
                !next.is_ascii_lowercase() && !next.is_ascii_digit()
            })
    });
    is_in_id(text) || is_in_value(text) || is_in_entry
}

/// Returns whether a part of the text is followed by such a character.
fn followed(text: &str, part: &str, by: impl Fn(char) -> bool) -> bool {
    text.match_indices(part).any(|(at, _)| text[at + part.len()..].starts_with(&by))
}

fn ends(next: char) -> bool {
    !next.is_ascii_alphanumeric() && next != '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A template with an entry of Beta.
    fn text() -> String {
        let places = PLACES.map(|place| spelled(place, &name("beta")));
        let [label, parameters, conditions, resource, function_name, outputs] = places;
        format!(
            "Metadata:\n\
             {label}      - Label: {{ default: Others }}\n\n\
             Parameters:\n\
             {parameters}  Other:\n    Type: String\n\n\
             Conditions:\n\
             {conditions}  Other: true\n\n\
             Resources:\n  # The providers\n\n\
             {resource}  Other:\n    Names:\n\
             {function_name}        ApiId: a\n\n\
             Outputs:\n\
             {outputs}"
        )
    }

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn message(refused: Result<String, ScaffoldError>) -> Option<String> {
        refused.err().map(|error| error.to_string())
    }

    #[test]
    fn an_entry_is_added_after_the_last_one_in_each_place() {
        let with = with(&text(), &[name("beta")], &name("acme-pay")).expect("has a place");
        for place in PLACES {
            let both =
                format!("\n{}{}", spelled(place, &name("beta")), spelled(place, &name("acme-pay")));
            assert!(with.contains(&both), "{both}");
        }
        assert!(with.contains("\n        Provider: acme-pay\n"), "{with}");
        assert!(
            with.contains("\n    Description: Whether webhooks of AcmePay are received.\n"),
            "{with}"
        );
    }

    #[test]
    fn entries_that_were_added_are_removed_without_a_trace_in_any_order() {
        let one = with(&text(), &[name("beta")], &name("acme")).expect("has a place");
        let two =
            with(&one, &[name("acme"), name("beta")], &name("acme-pay")).expect("has a place");
        assert_eq!(without(&two, &name("acme-pay")).ok().as_deref(), Some(one.as_str()));
        let without_one = without(&two, &name("acme")).expect("has the entry");
        assert_eq!(without(&without_one, &name("acme-pay")).ok(), Some(text()));
        assert!(has(&two, &name("acme")) && !has(&without_one, &name("acme")));
    }

    #[test]
    fn a_name_like_a_word_of_the_entry_does_not_spoil_the_next_entry() {
        for word in ["api", "table", "parameters", "url", "stack-name"] {
            let one = with(&text(), &[name("beta")], &name(word)).expect("has a place");
            let two = with(&one, &[name("beta"), name(word)], &name("acme")).expect("has a place");
            for place in PLACES {
                assert!(two.contains(&spelled(place, &name("acme"))), "{word}: {two}");
            }
        }
    }

    #[test]
    fn a_template_without_an_entry_is_refused() {
        let unexpected = ScaffoldError::Unexpected(TEMPLATE).to_string();
        let other = text().replace("BetaOn:", "On:");
        assert_eq!(message(with(&other, &[name("beta")], &name("acme"))), Some(unexpected.clone()));
        assert_eq!(
            message(with(&text().replace('\n', "\r\n"), &[name("beta")], &name("acme"))),
            Some(unexpected.clone())
        );
        assert_eq!(message(without(&text(), &name("acme"))), Some(unexpected));
    }

    #[test]
    fn a_name_that_an_item_has_already_is_refused_in_every_place() {
        let expected =
            "acme cannot be a provider's name: infra/template.yaml has something else of this name";
        for item in
            ["  AcmeOn: true", "  AcmeUrl:\n    Value: a", "  AcmePublicUrl:\n    Type: String"]
        {
            let text = format!("{}{item}\n", text());
            assert_eq!(
                message(with(&text, &[name("beta")], &name("acme"))),
                Some(expected.to_owned()),
                "{item}"
            );
        }
    }

    #[test]
    fn words_of_the_template_are_found_and_other_names_are_not() {
        let text = "  HttpApiId: a\n  Path: /live-alias/${Name}\n  Text: \"front\"\n";
        for word in ["api", "live", "alias", "front", "http", "queue", "schemes", "webhooks"] {
            assert!(uses(text, &name(word)), "{word}");
        }
        for word in ["acme", "ap", "alia", "fronts", "path", "text"] {
            assert!(!uses(text, &name(word)), "{word}");
        }
    }
}
