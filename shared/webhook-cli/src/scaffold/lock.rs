//! A function's package in `Cargo.lock`, so that `--locked` builds work without a network.

use super::{LOCK, error::ScaffoldError, names::Name};

/// Between two packages.
const SEPARATOR: &str = "\n[[package]]\n";

/// Returns the file with a copy of the model's package under the new name, in alphabetical order.
pub(super) fn with(text: &str, model: &Name, name: &Name) -> Result<String, ScaffoldError> {
    let mut packages = packages(text);
    if packages.iter().any(|package| package_name(package) == Some(name.kebab())) {
        return Err(ScaffoldError::Package(name.kebab().to_owned()));
    }
    let of_model = packages.iter().find(|package| package_name(package) == Some(model.kebab()));
    let of_model = of_model.ok_or(ScaffoldError::Unexpected(LOCK))?;
    let first_line = |name: &Name| format!("name = \"{}\"\n", name.kebab());
    let new = of_model.replacen(&first_line(model), &first_line(name), 1);
    let place = packages.iter().position(|package| package_name(package) > Some(name.kebab()));
    packages.insert(place.unwrap_or(packages.len()), &new);
    Ok(joined(&packages))
}

/// Returns the file without the package.
pub(super) fn without(text: &str, name: &Name) -> Result<String, ScaffoldError> {
    if !has(text, name) {
        return Err(ScaffoldError::Unexpected(LOCK));
    }
    let mut packages = packages(text);
    packages.retain(|package| package_name(package) != Some(name.kebab()));
    Ok(joined(&packages))
}

/// Returns whether the file has the package.
pub(super) fn has(text: &str, name: &Name) -> bool {
    packages(text).iter().any(|package| package_name(package) == Some(name.kebab()))
}

/// Returns the head of the file, and its packages, each with one line break at its end.
fn packages(text: &str) -> Vec<&str> {
    text.split(SEPARATOR).collect()
}

fn joined(packages: &[&str]) -> String {
    packages.join(SEPARATOR)
}

/// Returns a package's name, or `None` for the head.
fn package_name(package: &str) -> Option<&str> {
    package.lines().next()?.strip_prefix("name = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# generated
version = 4

[[package]]
name = \"beta\"
version = \"0.1.0\"
dependencies = [
 \"hex\",
]

[[package]]
name = \"hex\"
version = \"0.4.3\"
";

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn a_package_is_added_in_order_and_removed_without_a_trace() {
        for (new, before) in [("acme", "beta"), ("gamma", "hex"), ("zeta", "")] {
            let with = with(TEXT, &name("beta"), &name(new)).expect("has a model");
            let package = format!(
                "[[package]]\nname = \"{new}\"\nversion = \"0.1.0\"\ndependencies = [\n \
                 \"hex\",\n]\n"
            );
            let rest = with
                .split_once(&package)
                .map(|(_, rest)| rest.lines().nth(2).unwrap_or_default().to_owned());
            let expected =
                if before.is_empty() { String::new() } else { format!("name = \"{before}\"") };
            assert_eq!(rest, Some(expected), "{new}");
            assert_eq!(without(&with, &name(new)).ok().as_deref(), Some(TEXT), "{new}");
        }
    }

    #[test]
    fn a_taken_name_or_an_unexpected_lock_file_is_refused() {
        let refused =
            |model, new| with(TEXT, &name(model), &name(new)).map_err(|error| error.to_string());
        assert_eq!(
            refused("beta", "hex"),
            Err("hex cannot be a provider's name: Cargo.lock has a package of this name".to_owned())
        );
        let unexpected = ScaffoldError::Unexpected(LOCK).to_string();
        assert_eq!(refused("gamma", "acme"), Err(unexpected.clone()));
        assert_eq!(
            without(TEXT, &name("acme")).map_err(|error| error.to_string()),
            Err(unexpected)
        );
    }
}
