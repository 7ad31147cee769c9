//! The pages of the repository: every link leads somewhere.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use webhook_tests::workspace;

/// Returns every Markdown file, except in what is built or installed.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        let is_ours = name == ".github" || !name.starts_with('.') && name != "target" && name != "node_modules";
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
    let mut is_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(is_prose).collect()
}

/// Returns the targets of a page's links, without those that lead elsewhere.
fn links<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let targets = lines.iter().flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Returns the anchors that GitHub gives a page's headings.
fn anchors(lines: &[&str]) -> HashSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = lines.iter().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|next| next.is_alphanumeric() || matches!(next, ' ' | '-' | '_'));
        let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = seen.entry(anchor.clone()).and_modify(|times| *times += 1).or_default();
        if *before == 0 { anchor } else { format!("{anchor}-{before}") }
    };
    headings.map(anchor).collect()
}

/// Says which links of a page lead nowhere.
fn dead(page: &Path) -> Vec<String> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = read(page);
    let is_dead = |link: &&str| {
        let (file, anchor) = link.split_once('#').map_or((*link, None), |(file, anchor)| (file, Some(anchor)));
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

#[test]
fn links_and_headings_are_found_as_github_finds_them() {
    let page =
        "# A `b` (c), d\n[x](y.md#z) ![p](q.svg) [w](https://e.com)\n```sh\n# no heading\n[n](o)\n```\n## E\n## E\n";
    let lines = prose(page);
    assert_eq!(links(&lines), ["y.md#z", "q.svg"]);
    let expected = ["a-b-c-d", "e", "e-1"].map(str::to_owned);
    assert_eq!(anchors(&lines), HashSet::from(expected));
}
