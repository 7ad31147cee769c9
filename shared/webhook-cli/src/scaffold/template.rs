//! A provider's entry in `infra/template.yaml`. It stands in several places, and the entries of all
//! providers differ in nothing but the name: so a new one is a copy of the last.

use super::{TEMPLATE, error::ScaffoldError, names::Name};

/// A place of an entry: how the first and the last item of its block begin. The block ends before the next line that is
/// indented no deeper than the last item.
struct Place {
    first: &'static str,
    last: &'static str,
    /// Whether an empty line follows, which is part of the block.
    has_empty_line: bool,
}

const PLACES: [Place; 6] = [
    Place::of_one("      - Label: { default: {Name} }\n", false),
    Place::of("  Enable{Name}:\n", "  Existing{Name}SecretArn:\n"),
    Place::of("  {Name}On:", "  {Name}UrlKnown:"),
    Place::of_one("  {Name}Provider:\n", true),
    Place::of_one("            - !Sub ${AWS::StackName}-{name}\n", false),
    Place::of("  {Name}Url:\n", "  {Name}FunctionName:\n"),
];

impl Place {
    const fn of(first: &'static str, last: &'static str) -> Self {
        Self { first, last, has_empty_line: false }
    }

    const fn of_one(item: &'static str, has_empty_line: bool) -> Self {
        Self { first: item, last: item, has_empty_line }
    }

    /// Returns where the block of a provider is in the text.
    fn block(&self, text: &str, name: &Name) -> Option<(usize, usize)> {
        let at = |begin: &str, from: usize| Some(from + text[from..].find(&format!("\n{}", spelled(begin, name)))? + 1);
        let start = at(self.first, 0)?;
        let last = at(self.last, start - 1)?;
        let indent = text[last..].len() - text[last..].trim_start_matches(' ').len();
        let mut end = last;
        for (index, line) in text[last..].split_inclusive('\n').enumerate() {
            if index > 0 && line.len() - line.trim_start_matches(' ').len() <= indent {
                end += usize::from(self.has_empty_line && line == "\n");
                break;
            }
            end += line.len();
        }
        Some((start, end))
    }
}

/// Returns the template with an entry like that of the last provider, behind it.
pub(super) fn with(before: &str, deployed: &[Name], name: &Name) -> Result<String, ScaffoldError> {
    let mut text = before.to_owned();
    for place in &PLACES {
        if place.block(&text, name).is_some() {
            return Err(ScaffoldError::Name {
                name: name.kebab().to_owned(),
                reason: "infra/template.yaml has something else of this name",
            });
        }
        let blocks = deployed.iter().filter_map(|model| Some((place.block(&text, model)?, model)));
        let last = blocks.max_by_key(|((_, end), _)| *end);
        let ((start, end), model) = last.ok_or(ScaffoldError::Unexpected(TEMPLATE))?;
        let block = name.in_place_of(model, &text[start..end]).replace(&name.title(), &name.pascal());
        text.insert_str(end, &block);
    }
    // What is added can be removed again.
    if without(&text, name).ok().as_deref() == Some(before) {
        Ok(text)
    } else {
        Err(ScaffoldError::Unexpected(TEMPLATE))
    }
}

/// Returns the template without the entry.
pub(super) fn without(text: &str, name: &Name) -> Result<String, ScaffoldError> {
    let mut text = text.to_owned();
    for place in &PLACES {
        let (start, end) = place.block(&text, name).ok_or(ScaffoldError::Unexpected(TEMPLATE))?;
        text.replace_range(start..end, "");
    }
    Ok(text)
}

/// Returns whether the template has the whole entry.
pub(super) fn has(text: &str, name: &Name) -> bool {
    PLACES.iter().all(|place| place.block(text, name).is_some())
}

fn spelled(begin: &str, name: &Name) -> String {
    begin.replace("{Name}", &name.pascal()).replace("{name}", name.kebab())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Metadata:
      - Label: { default: Beta }
        Parameters:
          - EnableBeta
      - Label: { default: Others }

Parameters:
  EnableBeta:
    Type: String
  ExistingBetaSecretArn:
    Type: String
  Other:
    Type: String

Conditions:
  BetaOn: !Equals [!Ref EnableBeta, \"true\"]
  BetaUrlKnown: !Condition BetaOn
  Other: true

Resources:
  # ---- The providers ----

  BetaProvider:
    Type: AWS::CloudFormation::Stack
    Properties:
      Provider: beta

  Other:
            - !Sub ${AWS::StackName}-beta
        ApiId: a

Outputs:
  BetaUrl:
    Value: a
  BetaFunctionName:
    Value: b
";

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn an_entry_is_the_last_one_with_another_name_behind_it() {
        let with = with(TEXT, &[name("beta")], &name("acme-pay")).expect("has a model");
        let added: Vec<_> = with.lines().filter(|line| line.to_lowercase().contains("acme")).collect();
        assert_eq!(
            added,
            [
                "      - Label: { default: AcmePay }",
                "          - EnableAcmePay",
                "  EnableAcmePay:",
                "  ExistingAcmePaySecretArn:",
                "  AcmePayOn: !Equals [!Ref EnableAcmePay, \"true\"]",
                "  AcmePayUrlKnown: !Condition AcmePayOn",
                "  AcmePayProvider:",
                "      Provider: acme-pay",
                "            - !Sub ${AWS::StackName}-acme-pay",
                "  AcmePayUrl:",
                "  AcmePayFunctionName:",
            ]
        );
        let resource = "      Provider: beta\n\n  AcmePayProvider:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      \
                        Provider: acme-pay\n\n  Other:\n";
        assert!(with.contains(resource), "{with}");
        assert!(with.ends_with("  AcmePayUrl:\n    Value: a\n  AcmePayFunctionName:\n    Value: b\n"), "{with}");
    }

    #[test]
    fn a_name_that_is_a_part_of_other_words_is_a_model_like_any_other() {
        let text = TEXT.replace("Value: a\n", "Description: Whether webhooks of Beta are received\n");
        let one = with(&text, &[name("beta")], &name("wh")).expect("has a model");
        let two = with(&one, &[name("beta"), name("wh")], &name("acme-pay")).expect("has a model");
        assert!(two.contains("Description: Whether webhooks of AcmePay are received\n"), "{two}");
    }

    #[test]
    fn entries_that_were_added_are_removed_without_a_trace_in_any_order() {
        let one = with(TEXT, &[name("beta")], &name("acme")).expect("has a model");
        let two = with(&one, &[name("acme"), name("beta")], &name("acme-pay")).expect("has a model");
        assert_eq!(without(&two, &name("acme-pay")).ok().as_deref(), Some(one.as_str()));
        let without_one = without(&two, &name("acme")).expect("has the entry");
        assert_eq!(without(&without_one, &name("acme-pay")).ok().as_deref(), Some(TEXT));
        assert!(has(&two, &name("acme")) && !has(&without_one, &name("acme")));
    }

    #[test]
    fn a_template_without_a_model_or_with_other_items_of_the_name_is_refused() {
        let refused =
            |text: &str, new| with(text, &[name("beta")], &name(new)).map(|_| ()).map_err(|error| error.to_string());
        let unexpected = "infra/template.yaml does not have the form that this command knows: nothing was changed";
        assert_eq!(refused(&TEXT.replace("BetaOn", "On"), "acme"), Err(unexpected.to_owned()));
        assert_eq!(without(TEXT, &name("acme")).map_err(|error| error.to_string()), Err(unexpected.to_owned()));
        let has_another = TEXT.replace("  Other: true", "  AcmeOn: true\n  AcmeUrlKnown: true");
        let expected = "acme cannot be a provider's name: infra/template.yaml has something else of this name";
        assert_eq!(refused(&has_another, "acme"), Err(expected.to_owned()));
    }
}
