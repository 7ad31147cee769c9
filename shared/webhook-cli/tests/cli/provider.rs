//! `webhook provider`: what it does to a checkout. Nothing is compiled here.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use webhook_cli::development_url;
use webhook_verify::{
    Provider,
    catalogue::{self, CATALOGUE},
    providers::PROVIDERS,
};

use crate::support::{Ended, any_provider, binary, ended};

/// A copy of the files that the command reads. Each test has its own.
struct Checkout(PathBuf);

/// Every file's path and content.
type Files = BTreeMap<String, Vec<u8>>;

const LIST: &str = "shared/webhook-verify/src/providers/mod.rs";

impl Checkout {
    fn new(name: &str) -> Self {
        let original =
            PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"))
                .join("../..");
        let copy = Self(binary().with_file_name("webhook-cli-tests").join(name));
        let _ = fs::remove_dir_all(&copy.0);
        let templates = ["template", "provider", "provider-alarms", "monitoring"];
        let templates = templates.map(|name| format!("infra/{name}.yaml"));
        for path in ["Cargo.toml", "Cargo.lock", "rustfmt.toml"]
            .into_iter()
            .chain(templates.iter().map(String::as_str))
        {
            copy.write(path, &fs::read(original.join(path)).expect("is in the repository"));
        }
        for folder in ["functions", "events", "shared/webhook-verify/src/providers"] {
            for (path, content) in files(&original.join(folder)) {
                copy.write(&format!("{folder}/{path}"), &content);
            }
        }
        copy
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("can be made");
        fs::write(path, content).expect("can be written");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).expect("is there")
    }

    fn files(&self) -> Files {
        files(&self.0)
    }

    /// Runs `webhook provider` in a folder below the root.
    fn provider(&self, arguments: &str) -> Ended {
        let mut command = Command::new(binary());
        command.arg("provider").args(arguments.split(' ')).current_dir(self.0.join("events"));
        let output = command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Checks that a command fails with this sentence and changes nothing.
    fn refuses(&self, arguments: &str, expected: &str) {
        let before = self.files();
        assert_eq!(
            self.provider(arguments),
            ended(2, "", &format!("error: {expected}\n")),
            "{arguments}"
        );
        assert!(self.files() == before, "{arguments} changed a file");
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(root: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("is a folder") {
            let path = entry.expect("can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below =
                path.strip_prefix(root).expect("is below").to_string_lossy().replace('\\', "/");
            files.insert(below, fs::read(&path).expect("can be read"));
        }
    }
    files
}

fn names() -> String {
    PROVIDERS.iter().map(|provider| provider.name()).collect::<Vec<_>>().join(", ")
}

#[test]
fn add_lists_what_it_wrote_and_remove_restores_every_byte() {
    let checkout = Checkout::new("add-and-remove");
    let before = checkout.files();
    let written = |verb: &str, verb_of_lists: &str| {
        [
            format!("{verb_of_lists} Cargo.lock"),
            format!("{verb} events/zz-acme-pay/created.json"),
            format!("{verb} events/zz-acme-pay/repeated.json"),
            format!("{verb} events/zz-acme-pay/samples.json"),
            format!("{verb} events/zz-acme-pay/stale.json"),
            format!("{verb} events/zz-acme-pay/wrong_signature.json"),
            format!("{verb} functions/zz-acme-pay/Cargo.toml"),
            format!("{verb} functions/zz-acme-pay/src/main.rs"),
            format!("{verb_of_lists} infra/template.yaml"),
            format!("{verb_of_lists} {LIST}"),
            format!("{verb} shared/webhook-verify/src/providers/zz_acme_pay/mod.rs\n"),
        ]
        .join("\n")
    };
    let notice = "zz-acme-pay has the headers stripe-signature, as stripe does. If it has other \
                  headers, change the description (docs/providers.md shows how), and sign the \
                  samples again: see events/README.md.\n";
    let added = checkout.provider("add zz-acme-pay --scheme stripe");
    assert_eq!(added, ended(0, &written("wrote", "changed"), notice));
    let listed = checkout.provider("list").out;
    let line = "zz-acme-pay: not compiled into this command; wired in: \
                shared/webhook-verify/src/providers/zz_acme_pay/mod.rs, \
                functions/zz-acme-pay/src/main.rs, events/zz-acme-pay/samples.json, \
                infra/template.yaml, Cargo.lock; missing: nothing";
    assert!(listed.lines().any(|listed| listed == line), "{listed}");
    assert_eq!(
        checkout.provider("remove zz-acme-pay"),
        ended(0, &written("removed", "changed"), "")
    );
    assert!(checkout.files() == before, "a file differs");
    assert!(!checkout.0.join("functions/zz-acme-pay").exists(), "an empty folder stays");
}

#[test]
fn any_addition_is_removed_without_a_trace_in_any_order() {
    let checkout = Checkout::new("many");
    let before = checkout.files();
    let mut names: Vec<String> = Vec::new();
    let origins = CATALOGUE.iter().map(|entry| ("scheme", entry.name()));
    for (option, origin) in
        origins.chain(PROVIDERS.iter().map(|provider| ("like", provider.name())))
    {
        let name = format!("{}-{origin}", if names.len().is_multiple_of(2) { "aa" } else { "zz" });
        let added = checkout.provider(&format!("add {name} --{option} {origin}"));
        assert_eq!(added.code, Some(0), "{name}: {}", added.err);
        names.push(name);
    }
    for name in &names {
        assert_eq!(checkout.provider(&format!("remove {name}")).code, Some(0), "{name}");
    }
    assert!(checkout.files() == before, "a file differs");
}

#[test]
fn pointers_are_in_the_description_and_the_samples_follow_them() {
    let checkout = Checkout::new("pointers");
    let added = checkout.provider(
        "add zz-acme --scheme stripe --id /event/key --id /key --type /kind --group /account",
    );
    assert_eq!(added.code, Some(0), "{}", added.err);
    let expected = r#"//! Zz Acme signs as [`catalogue::STRIPE`] does.
//!
//! The catalogue links the documentation, and says which parts of a delivery are unsigned.

use crate::{
    catalogue,
    description::{EventType, Facts, Id, Provider, Scheme},
};

/// Zz Acme.
pub const ZZ_ACME: &Provider = &Provider::new("zz-acme", catalogue::STRIPE.key(), &[SCHEME]);

const SCHEME: Scheme = Scheme {
    name: "zz-acme",
    facts: Facts {
        id: Id::Signed(&["/event/key", "/key"]),
        event_type: EventType::Signed(&["/kind"]),
        group: &["/account"],
        ..catalogue::STRIPE.schemes()[0].facts
    },
    ..catalogue::STRIPE.schemes()[0]
};
"#;
    assert_eq!(checkout.read("shared/webhook-verify/src/providers/zz_acme/mod.rs"), expected);
    let sample: Value =
        serde_json::from_str(&checkout.read("events/zz-acme/created.json")).expect("JSON");
    let body = r#"{"event": {"key": "evt_1"}, "kind": "example.created", "account": "grp_1", "number": 1}"#;
    assert_eq!(
        (sample["rawPath"].as_str(), sample["body"].as_str()),
        (Some("/webhooks/zz-acme"), Some(body))
    );
    let function = "//! Zz Acme's webhook endpoint. It names the provider, and nothing else.\n";
    assert!(checkout.read("functions/zz-acme/src/main.rs").starts_with(function));
}

#[test]
fn a_copy_spells_the_new_name_wherever_the_other_one_was() {
    for provider in PROVIDERS {
        let name = provider.name();
        let checkout = Checkout::new(&format!("like-{name}"));
        let added = checkout.provider(&format!("add zzcopy --like {name}"));
        assert_eq!(added.code, Some(0), "{}", added.err);
        let files = checkout.files();
        let own = files.iter().filter(|(path, _)| path.contains("/zzcopy/"));
        let mut count = 0;
        for (path, content) in own {
            // The documentation is that of the provider whose scheme it is.
            let text = String::from_utf8_lossy(content).to_lowercase();
            let lines: Vec<_> = text.lines().filter(|line| !line.contains("https://")).collect();
            let in_file = words(&lines.join("\n"));
            let of_name = words(name);
            let is_free = catalogue_has(provider)
                || in_file.windows(of_name.len()).all(|words| words != of_name);
            assert!(is_free, "{path} names {name}");
            count += 1;
        }
        assert!(count >= 7, "{count} files");
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|next: char| !next.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns whether the provider's name contains the name of an entry of the catalogue. Then the
/// copy names that entry too.
fn catalogue_has(provider: &Provider) -> bool {
    CATALOGUE.iter().any(|entry| provider.name().contains(entry.name()))
}

#[test]
fn a_signed_url_is_that_of_the_new_provider() {
    let checkout = Checkout::new("url");
    let notice = "zz-acme has the headers x-square-hmacsha256-signature, as square does. If it has \
                  other headers, change the description (docs/providers.md shows how), and sign \
                  the samples again: see events/README.md.\nzz-acme signs its URL: set the stack's \
                  parameter ZzAcmePublicUrl to the URL that you register.\n";
    let added = checkout.provider("add zz-acme --scheme square");
    assert_eq!((added.code, added.err.as_str()), (Some(0), notice));
    let sample: Value =
        serde_json::from_str(&checkout.read("events/zz-acme/created.json")).expect("JSON");
    let header = catalogue::SQUARE.schemes()[0].signature.header[0];
    // Equal bodies under equal secrets: only the URL differs.
    assert_eq!(checkout.provider("add zz-beta --scheme square").code, Some(0));
    let other: Value =
        serde_json::from_str(&checkout.read("events/zz-beta/created.json")).expect("JSON");
    assert_eq!(sample["body"], other["body"]);
    assert_ne!(sample["headers"][header], other["headers"][header]);
    assert_eq!(development_url(catalogue::SQUARE), "https://example.com/webhooks/square");
}

#[test]
fn invalid_and_taken_names_are_refused_and_nothing_changes() {
    let checkout = Checkout::new("names");
    let name = any_provider().name();
    let rules = "it must be words with hyphens between them, each a lower-case letter followed by \
                 lower-case letters and digits";
    checkout.refuses(
        &format!("add {name} --scheme stripe"),
        &format!("there is a provider {name} already"),
    );
    for (name, reason) in [
        ("Acme", rules),
        ("acme_pay", rules),
        ("7acme", rules),
        ("../acme", rules),
        ("match", "Rust, Cargo, YAML or this repository uses the word"),
        ("lambda", "the templates use the word for something else"),
        ("event-queue", "infra/template.yaml has something else of this name"),
    ] {
        let expected = format!("{name} cannot be a provider's name: {reason}");
        checkout.refuses(&format!("add {name} --scheme stripe"), &expected);
    }
    let package = "hex cannot be a provider's name: Cargo.lock has a package of this name";
    checkout.refuses("add hex --scheme stripe", package);
    checkout.write("events/zz-acme/mine.json", b"{}");
    checkout.refuses(
        "add zz-acme --scheme stripe",
        "events/zz-acme exists already: remove it, or choose another name",
    );
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let checkout = Checkout::new("unknown");
    let expected = format!("there is no provider zz-acme: the providers are {}", names());
    checkout.refuses("remove zz-acme", &expected);
    checkout.refuses("add zz-beta --like zz-acme", &expected);
    let entries: Vec<_> = CATALOGUE.iter().map(|entry| entry.name()).collect();
    let refused = checkout.provider("add zz-acme --scheme zz-none");
    let expected = format!(
        "error: invalid value 'zz-none' for '--scheme <SCHEME>'\n  [possible values: {}]\n",
        entries.join(", ")
    );
    assert!(refused.code == Some(2) && refused.err.starts_with(&expected), "{}", refused.err);
}

#[test]
fn pointers_that_lead_into_each_other_are_refused() {
    let checkout = Checkout::new("overlap");
    for (pointers, one, other) in [
        ("--id /data --type /data/type", "--id /data", "--type /data/type"),
        ("--id /a --group /a", "--id /a", "--group /a"),
        ("--id /type", "--id /type", "the entry's own --type /type"),
        ("--type /data/object", "--type /data/object", "the entry's own --group /data/object/id"),
    ] {
        let expected = format!(
            "{one} and {other} point to the same text, or one points into the other: give each a \
             place of its own"
        );
        checkout.refuses(&format!("add zz-acme --scheme stripe {pointers}"), &expected);
    }
    // Here one name only begins like the other: neither pointer leads into the other.
    assert_eq!(checkout.provider("add zz-acme --scheme stripe --id /typeid").code, Some(0));
}

#[test]
fn a_new_provider_needs_either_a_scheme_or_another_provider() {
    let checkout = Checkout::new("origin");
    let refused = checkout.provider("add zz-acme");
    let expected = "error: the following required arguments were not provided:\n  <--scheme \
                    <SCHEME>|--like <PROVIDER>>\n";
    assert!(refused.code == Some(2) && refused.err.starts_with(expected), "{}", refused.err);
    assert_eq!(checkout.provider("add zz-acme --scheme stripe --like zz-beta").code, Some(2));
}

#[test]
fn a_long_name_is_refused_if_a_copied_scheme_would_be_too_long() {
    let checkout = Checkout::new("long");
    let name = format!("zz-{}", "a".repeat(29));
    for provider in PROVIDERS {
        let added = checkout.provider(&format!("add {name} --like {}", provider.name()));
        let has_longer_schemes =
            provider.schemes().iter().any(|scheme| scheme.name.len() > provider.name().len());
        if has_longer_schemes {
            let expected = format!(
                "error: {name} cannot be a provider's name: the name of a copied scheme would have \
                 more than 32 characters\n"
            );
            assert_eq!(added, ended(2, "", &expected));
        } else {
            assert_eq!(added.code, Some(0), "{}", added.err);
            assert_eq!(checkout.provider(&format!("remove {name}")).code, Some(0));
        }
    }
}

#[test]
fn a_name_like_a_word_of_the_manifest_does_not_spoil_the_next_provider() {
    let checkout = Checkout::new("words");
    let names = ["license", "lints", "dependencies", "zz-acme"];
    for name in names {
        let added = checkout.provider(&format!("add {name} --scheme stripe"));
        assert_eq!(added.code, Some(0), "{name}: {}", added.err);
    }
    for provider in PROVIDERS {
        assert_eq!(checkout.provider(&format!("remove {}", provider.name())).code, Some(0));
    }
    assert_eq!(checkout.provider("add zz-last --scheme stripe").code, Some(0));
    let file = |name: &str| checkout.read(&format!("functions/{name}/Cargo.toml"));
    assert_eq!(file("zz-last").replace("zz-last", "license"), file("license"));
    assert!(file("zz-last").contains("\nwebhook-verify.workspace = true\n"), "{}", file("zz-last"));
}

#[test]
fn the_last_provider_cannot_be_removed() {
    let checkout = Checkout::new("last");
    let (last, others) = PROVIDERS.split_last().expect("there is one");
    for provider in others {
        assert_eq!(checkout.provider(&format!("remove {}", provider.name())).code, Some(0));
    }
    let name = last.name();
    checkout.refuses(
        &format!("remove {name}"),
        &format!("{name} is the only provider, and one must remain: add another one first"),
    );
    // It is the model for another provider, which can then be the only one.
    assert_eq!(checkout.provider("add zz-acme --scheme slack").code, Some(0));
    assert_eq!(checkout.provider(&format!("remove {name}")).code, Some(0));
    assert!(checkout.read(LIST).contains("&[ZZ_ACME];"));
}

#[test]
fn remove_lists_the_files_that_still_have_the_name() {
    let checkout = Checkout::new("mentions");
    assert_eq!(checkout.provider("add zz-acme --scheme stripe").code, Some(0));
    for (path, text) in [
        ("README.md", "Zz Acme retries for a day.\n"),
        ("infra/OPERATIONS.md", "zz-acmes\n"),
        ("infra/monitoring.yaml", "zz-acme\n"),
        ("shared/webhook-cli/src/input.rs", "// zz-acme\n"),
        ("tests/src/other.rs", "use webhook_verify::providers::ZZ_ACME_PAY;\n"),
        ("tests/fuzz/corpus/headers/a", "zz-acme"),
        ("tests/src/traffic.rs", "use webhook_verify::providers::ZZ_ACME;\n"),
    ] {
        checkout.write(path, text.as_bytes());
    }
    let err = checkout.provider("remove zz-acme").err;
    assert_eq!(err, "zz-acme is still named in: tests/src/traffic.rs, README.md\n");
}

#[test]
fn a_checkout_in_an_unknown_form_is_refused_and_unchanged() {
    let checkout = Checkout::new("form");
    for path in ["Cargo.lock", "infra/template.yaml", LIST] {
        let text = checkout.read(path);
        checkout.write(path, b"other\n");
        let expected = format!(
            "{path} does not have the form that this command expects (perhaps its lines end in \
             CRLF): nothing was changed"
        );
        checkout.refuses("add zz-acme --scheme stripe", &expected);
        checkout.write(path, text.replace('\n', "\r\n").as_bytes());
        checkout.refuses("add zz-acme --scheme stripe", &expected);
        checkout.refuses(&format!("remove {}", any_provider().name()), &expected);
        checkout.write(path, text.as_bytes());
    }
    fs::remove_file(checkout.0.join("Cargo.toml")).expect("is there");
    let expected = "this folder is not in a checkout of this repository: no folder above it has \
                    functions/ and shared/webhook-verify/";
    // The copy is in the build's folder, which may be in a checkout itself.
    let elsewhere = env::temp_dir();
    let mut command = Command::new(binary());
    let output = command
        .args(["provider", "list"])
        .current_dir(elsewhere)
        .output()
        .expect("the binary starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("error: {expected}\n"));
}

#[test]
fn a_missing_rustfmt_is_an_error_and_changes_nothing() {
    let checkout = Checkout::new("rustfmt");
    let before = checkout.files();
    let mut command = Command::new(binary());
    command
        .args(["provider", "add", "zz-acme", "--scheme", "stripe"])
        .current_dir(&checkout.0)
        .env("PATH", "");
    let output = command.output().expect("the binary starts");
    let expected = "error: rustfmt cannot format the new code: it is not installed; run `rustup \
                    component add rustfmt`\n";
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(2), expected)
    );
    assert!(checkout.files() == before, "a file differs");
}

#[test]
fn list_has_a_line_for_each_provider_and_says_what_is_missing() {
    let checkout = Checkout::new("list");
    let name = any_provider().name();
    fs::remove_file(checkout.0.join(format!("events/{name}/samples.json"))).expect("is there");
    let listed = checkout.provider("list");
    let lines: Vec<_> = listed.out.lines().collect();
    assert_eq!((listed.code, lines.len()), (Some(0), PROVIDERS.len()));
    for (provider, line) in PROVIDERS.iter().zip(&lines) {
        assert!(
            line.starts_with(&format!(
                "{}: {} (HMAC-",
                provider.name(),
                provider.schemes()[0].name
            )),
            "{line}"
        );
    }
    assert!(lines[0].ends_with(&format!("; missing: events/{name}/samples.json")), "{}", lines[0]);
    assert!(lines[1..].iter().all(|line| line.ends_with("; missing: nothing")), "{lines:?}");
}
