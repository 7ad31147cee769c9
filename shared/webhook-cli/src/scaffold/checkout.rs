//! Reads the files of a checkout of this repository, and makes all of a set of changes or none.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::error::ScaffoldError;

/// A checkout of this repository. Paths of its files are written with `/`.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
}

/// What to do with files: the new text of each, or `None` to delete it.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Changes(BTreeMap<String, (Kind, Option<String>)>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Written,
    Changed,
    Removed,
}

impl Changes {
    /// Adds a new file.
    pub(crate) fn write(&mut self, path: &str, text: String) {
        self.0.insert(path.to_owned(), (Kind::Written, Some(text)));
    }

    /// Changes an existing file.
    pub(crate) fn edit(&mut self, path: &str, text: String) {
        self.0.insert(path.to_owned(), (Kind::Changed, Some(text)));
    }

    /// Deletes a file, and the folders that this leaves empty.
    pub(crate) fn delete(&mut self, path: &str) {
        self.0.insert(path.to_owned(), (Kind::Removed, None));
    }

    /// Returns what is done to each file, by path.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(path, (kind, _))| match kind {
            Kind::Written => format!("wrote {path}"),
            Kind::Changed => format!("changed {path}"),
            Kind::Removed => format!("removed {path}"),
        })
    }
}

impl Checkout {
    /// Finds the checkout that the current folder is in.
    pub(crate) fn here() -> Result<Self, ScaffoldError> {
        let here = env::current_dir().map_err(|_| ScaffoldError::NoCheckout)?;
        let is_root = |folder: &&Path| {
            folder.join("Cargo.toml").is_file()
                && folder.join("functions").is_dir()
                && folder.join("shared/webhook-verify").is_dir()
        };
        let root = here.ancestors().find(is_root).ok_or(ScaffoldError::NoCheckout)?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, ScaffoldError> {
        let path = self.root.join(path);
        fs::read_to_string(&path).map_err(|source| ScaffoldError::File {
            what: "read",
            path,
            source,
        })
    }

    /// Returns the paths of all files below a folder, which need not exist, in order.
    pub(crate) fn files(&self, folder: &str) -> Result<Vec<String>, ScaffoldError> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let failed = |source| ScaffoldError::File {
                what: "read",
                path: self.root.join(&folder),
                source,
            };
            let entries = match fs::read_dir(self.root.join(&folder)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Returns Rust code as `cargo fmt` writes it here.
    pub(crate) fn formatted(&self, code: &str) -> Result<String, ScaffoldError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ScaffoldError::Rustfmt(
                "it is not installed; run `rustup component add rustfmt`".to_owned(),
            ),
            _ => ScaffoldError::Rustfmt(error.to_string()),
        };
        let mut command = Command::new("rustfmt");
        command.args(["--edition", "2024", "--config-path"]).arg(self.root.join("rustfmt.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        // rustfmt reads everything before it writes, so neither side waits for the other.
        child
            .stdin
            .take()
            .map_or(Ok(()), |mut stdin| stdin.write_all(code.as_bytes()))
            .map_err(failed)?;
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            return Err(ScaffoldError::Rustfmt(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| ScaffoldError::Rustfmt("its output is not UTF-8".to_owned()))
    }

    /// Makes all changes or, if one fails, none.
    pub(crate) fn apply(&self, changes: &Changes) -> Result<(), ScaffoldError> {
        let mut before = Vec::new();
        for (path, (_, text)) in &changes.0 {
            let full = self.root.join(path);
            let result = fs::read(&full).map(Some).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                _ => Err(error),
            });
            let result = result.and_then(|old| {
                before.push((path, old));
                self.put(path, text.as_deref().map(str::as_bytes))
            });
            if let Err(source) = result {
                self.undo(&before)?;
                return Err(ScaffoldError::File { what: "write", path: full, source });
            }
        }
        Ok(())
    }

    /// Puts all files back that can be, from the last to the first.
    fn undo(&self, before: &[(&String, Option<Vec<u8>>)]) -> Result<(), ScaffoldError> {
        let mut undone = Ok(());
        for (path, old) in before.iter().rev() {
            let full = self.root.join(path);
            // The file that failed may be unchanged, and writing to it would fail again.
            let is_as_before = old.is_some() && fs::read(&full).ok() == *old;
            if !is_as_before && let Err(source) = self.put(path, old.as_deref()) {
                undone = Err(ScaffoldError::NotUndone { path: full, source });
            }
        }
        undone
    }

    /// Writes or deletes one file, makes the folders that it needs, and deletes those that become
    /// empty.
    fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        let path = self.root.join(path);
        let parents = || path.ancestors().skip(1).take_while(|folder| *folder != self.root);
        if let Some(content) = content {
            parents().next().map_or(Ok(()), fs::create_dir_all)?;
            return fs::write(&path, content);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A folder that is not empty stays.
        parents().try_for_each(fs::remove_dir).unwrap_or_default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a folder that only one test uses.
    fn checkout(name: &str) -> Checkout {
        let root = env::temp_dir().join(format!("webhook-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("a/b")).expect("can be made");
        fs::write(root.join("a/b/old"), "old").expect("can be written");
        fs::write(root.join("kept"), "kept").expect("can be written");
        Checkout { root }
    }

    #[test]
    fn changes_are_made_in_the_order_of_their_paths() {
        let checkout = checkout("made");
        let mut changes = Changes::default();
        changes.delete("a/b/old");
        changes.write("c/d/new", "new".to_owned());
        changes.edit("kept", "changed".to_owned());
        let lines: Vec<_> = changes.lines().collect();
        assert_eq!(lines, ["removed a/b/old", "wrote c/d/new", "changed kept"]);
        checkout.apply(&changes).expect("can be made");
        assert_eq!(checkout.files("a").expect("is read"), [""; 0]);
        assert!(!checkout.root.join("a").exists());
        assert_eq!(checkout.read("c/d/new").expect("is there"), "new");
        assert_eq!(checkout.read("kept").expect("is there"), "changed");
        fs::remove_dir_all(&checkout.root).expect("can be removed");
    }

    #[test]
    fn changes_are_undone_if_one_fails() {
        let checkout = checkout("undone");
        let mut changes = Changes::default();
        changes.delete("a/b/old");
        changes.write("c/d/new", "new".to_owned());
        // `kept` is a file, so it cannot be a folder.
        changes.write("kept/new", "new".to_owned());
        let error = checkout.apply(&changes).expect_err("cannot be made").to_string();
        let path = checkout.root.join("kept/new").display().to_string();
        assert!(error.starts_with(&format!("cannot write {path}: ")), "{error}");
        assert!(error.ends_with("; nothing was changed"), "{error}");
        assert_eq!(checkout.read("a/b/old").expect("is back"), "old");
        assert!(!checkout.root.join("c").exists());
        assert_eq!(checkout.read("kept").expect("is there"), "kept");
        fs::remove_dir_all(&checkout.root).expect("can be removed");
    }

    /// Even root can read `/proc/version` but not write it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_written_leaves_every_other_one_as_it_was() {
        let checkout = checkout("unwritable");
        std::os::unix::fs::symlink("/proc/version", checkout.root.join("b")).expect("can be made");
        let mut changes = Changes::default();
        changes.delete("a/b/old");
        changes.edit("a/c", "new".to_owned());
        changes.edit("b", "new".to_owned());
        let error = checkout.apply(&changes).expect_err("cannot be made").to_string();
        let path = checkout.root.join("b").display().to_string();
        assert!(error.starts_with(&format!("cannot write {path}: ")), "{error}");
        assert!(error.ends_with("; nothing was changed"), "{error}");
        assert_eq!(checkout.files("a").expect("is read"), ["a/b/old"]);
        assert_eq!(checkout.read("a/b/old").expect("is back"), "old");
        fs::remove_dir_all(&checkout.root).expect("can be removed");
    }
}
