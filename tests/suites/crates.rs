//! Every crate of the workspace, as cargo itself lists them, forbids unsafe code and obeys the
//! workspace's lints.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use webhook_tests::workspace;
use webhook_verify::providers::PROVIDERS;

/// Returns each crate's manifest, and the root files of its libraries and programs.
fn crates() -> Vec<(String, Vec<String>)> {
    let mut cargo = Command::new(std::env::var_os("CARGO").expect("cargo runs the tests"));
    let metadata = cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let output = metadata.current_dir(workspace()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let is_root =
        |target: &Value| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "bin");
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let roots = list(&package["targets"]).into_iter().filter(is_root);
            (
                text(&package["manifest_path"]),
                roots.map(|target| text(&target["src_path"])).collect(),
            )
        })
        .collect()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_crate_uses_the_workspaces_lints_which_forbid_unsafe_code() {
    let root = read(workspace().join("Cargo.toml"));
    assert!(root.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    let crates = crates();
    // A function for each provider, the example consumer, five shared crates, and the tests.
    assert!(crates.len() >= PROVIDERS.len() + 7, "{crates:?}");
    for (manifest, _) in crates {
        assert!(read(&manifest).contains("\n[lints]\nworkspace = true\n"), "{manifest}");
    }
}

#[test]
fn every_library_and_program_forbids_unsafe_code_at_its_root() {
    for root in crates().into_iter().flat_map(|(_, roots)| roots) {
        assert!(read(&root).contains("\n#![forbid(unsafe_code)]\n"), "{root}");
    }
}

/// Returns all Rust files below the folder, except in what is built or installed.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A checkout may be moved or copied together with its built programs.
#[test]
fn no_program_contains_the_path_in_which_it_was_compiled() {
    let kept = ["MANIFEST_DIR", "TARGET_TMPDIR", "BIN_EXE_webhook"]
        .map(|name| format!("env!(\"CARGO_{name}\")"));
    let files = rust_files(&workspace());
    assert!(files.len() > 100, "{files:?}");
    for file in files {
        let text = read(&file);
        assert!(!kept.iter().any(|kept| text.contains(kept)), "{}", file.display());
    }
}
