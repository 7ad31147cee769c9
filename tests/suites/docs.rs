//! The pages of the repository: every link leads somewhere, and every command exists.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use clap::{Parser as _, error::ErrorKind};
use webhook_cli::Cli;
use webhook_tests::workspace;

/// Stands for every shell variable in a page's code. Options that take a queue accept it too.
const A_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo";

/// Returns every Markdown file, except in what is built or installed.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        let is_ours = name == ".github"
            || !name.starts_with('.') && name != "target" && name != "node_modules";
        if path.is_dir() && is_ours {
            pages.extend(self::pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

/// Returns the lines of a page that are not code.
fn prose(text: &str) -> Vec<&str> {
    split(text).0
}

/// Returns the lines of a page: those of its prose, and those of its code.
fn split(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut prose, mut code, mut is_code) = (Vec::new(), Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            code.push(line);
        } else {
            prose.push(line);
        }
    }
    (prose, code)
}

/// Returns the targets of a page's links, without those that lead out of the repository.
fn links<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let targets = lines.iter().flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Returns the anchors that GitHub gives a page's headings.
fn anchors(lines: &[&str]) -> HashSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = lines
        .iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading
            .chars()
            .filter(|next| next.is_alphanumeric() || matches!(next, ' ' | '-' | '_'));
        let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = seen.entry(anchor.clone()).and_modify(|times| *times += 1).or_default();
        if *before == 0 { anchor } else { format!("{anchor}-{before}") }
    };
    headings.map(anchor).collect()
}

/// Returns the links of a page that lead nowhere.
fn dead(page: &Path) -> Vec<String> {
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let text = read(page);
    let is_dead = |link: &&str| {
        let (file, anchor) =
            link.split_once('#').map_or((*link, None), |(file, anchor)| (file, Some(anchor)));
        let target = if file.is_empty() { page.to_owned() } else { page.with_file_name(file) };
        match anchor {
            _ if !target.exists() => true,
            Some(anchor) => !anchors(&prose(&read(&target))).contains(anchor),
            None => false,
        }
    };
    let dead = links(&prose(&text)).into_iter().filter(is_dead);
    dead.map(|link| format!("{} links to {link}", page.display())).collect()
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    let pages = pages(&workspace());
    assert!(pages.len() > 5, "{pages:?}");
    let dead: Vec<_> = pages.iter().flat_map(|page| dead(page)).collect();
    assert!(dead.is_empty(), "{dead:#?}");
}

/// Returns the arguments of each `cargo webhook` in a page's code, as a shell would hand them over.
fn cli_calls(code: &[&str]) -> Vec<Vec<String>> {
    let joined = code.join("\n").replace("\\\n", " ");
    let commands =
        joined.lines().flat_map(|line| line.split(['|', ';']).flat_map(|part| part.split("&&")));
    let calls = commands.filter_map(|command| Some(command.split_once("cargo webhook ")?.1));
    calls.map(words).collect()
}

/// Splits a command as a shell does, up to a redirection or a comment. A variable becomes
/// [`A_URL`].
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for next in command.chars() {
        match (quote, next) {
            (Some(open), _) if next == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (None, '>' | '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(next),
        }
    }
    words.extend(word);
    words
        .into_iter()
        .map(|word| if word.starts_with('$') { A_URL.to_owned() } else { word })
        .collect()
}

#[test]
fn every_cargo_webhook_command_in_a_page_can_be_parsed() {
    let mut calls = 0;
    for page in pages(&workspace()) {
        let text = fs::read_to_string(&page).expect("a page can be read");
        for call in cli_calls(&split(&text).1) {
            calls += 1;
            let parsed =
                Cli::try_parse_from(std::iter::once("webhook".to_owned()).chain(call.clone()));
            // A provider that was removed from this copy may still be an example.
            let fails = parsed.err().filter(|error| error.kind() != ErrorKind::InvalidValue);
            let is_help =
                fails.as_ref().is_some_and(|error| error.kind() == ErrorKind::DisplayHelp);
            assert!(
                fails.is_none() || is_help,
                "{}: {call:?}: {}",
                page.display(),
                fails.expect("it fails")
            );
        }
    }
    assert!(calls > 10, "{calls}");
}

#[test]
fn every_make_target_in_a_page_exists() {
    let read = |name: &str| fs::read_to_string(workspace().join(name)).unwrap_or_default();
    let makefiles =
        ["Makefile", "tests/bench/bench.mk", "tests/copy/copy.mk", "tests/pages/pages.mk"]
            .map(read)
            .concat();
    for page in pages(&workspace()) {
        let text = fs::read_to_string(&page).expect("a page can be read");
        for line in split(&text).1 {
            let Some((_, target)) =
                line.split_once("make ").filter(|(before, _)| !before.contains('#'))
            else {
                continue;
            };
            let target = target.split([' ', ';', '`']).next().unwrap_or_default();
            let exists = makefiles.lines().any(|line| line.starts_with(&format!("{target}:")));
            assert!(exists, "{}: {line}", page.display());
        }
    }
}

#[test]
fn commands_are_split_as_a_shell_splits_them() {
    let code =
        ["echo '[]' | cargo webhook send acme --url \"$URL\" \\", "  --id 'a b' > out # comment"];
    assert_eq!(cli_calls(&code), [["send", "acme", "--url", A_URL, "--id", "a b"]]);
    assert!(cli_calls(&["cargo build"]).is_empty());
}

#[test]
fn links_and_headings_are_found_as_github_finds_them() {
    let page = "# A `b` (c), d\n[x](y.md#z) ![p](q.svg) [w](https://e.com)\n\
                ```sh\n# no heading\n[n](o)\n```\n## E\n## E\n";
    let lines = prose(page);
    assert_eq!(links(&lines), ["y.md#z", "q.svg"]);
    let expected = ["a-b-c-d", "e", "e-1"].map(str::to_owned);
    assert_eq!(anchors(&lines), HashSet::from(expected));
}
