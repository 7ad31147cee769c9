//! Which secret signs, and the warnings about one that looks wrong.

use std::path::Path;

use webhook_cli::{Sender, development_secret};
use webhook_verify::{Key, Provider, providers::PROVIDERS};

use crate::support::{
    Ended, any_provider, body_of, dated, ended, file, lines, newest, signed, webhook,
};

/// Long enough to cause no warning.
const SECRET: &str = "sixteen-bytes-ok";

/// Returns what `sign` prints for `secret`, which is spelled as the provider spells secrets.
fn headers(provider: &'static Provider, secret: &str) -> String {
    lines(
        signed(Sender::new(provider, newest(provider)), secret, &body_of(provider))
            .signature_headers(),
    )
}

fn sign(provider: &'static Provider, options: &str, variable: Option<&str>) -> Ended {
    let line = format!("sign {}{}{options}", provider.name(), dated(newest(provider)));
    webhook(&line, variable, &body_of(provider))
}

fn sign_with(provider: &'static Provider, secret_file: &Path) -> Ended {
    sign(provider, &format!(" --secret-file {}", secret_file.display()), Some("another"))
}

#[test]
fn a_file_comes_before_the_environment_and_the_development_secret() {
    for provider in PROVIDERS {
        let name = provider.name();
        let secret = provider.key().write(SECRET);
        let development = headers(provider, &development_secret(provider));
        for variable in [None, Some("")] {
            assert_eq!(
                sign(provider, "", variable),
                ended(0, &development, ""),
                "{name} {variable:?}"
            );
        }
        let expected = ended(0, &headers(provider, &secret), "");
        assert_eq!(sign(provider, "", Some(&format!("{secret}\n"))), expected, "{name}");
        let path = file(&format!("plain-{name}.txt"), format!("{secret}\r\n").as_bytes());
        assert_eq!(sign_with(provider, &path), expected, "{name}");
    }
}

#[test]
fn a_json_object_with_a_signing_secret_signs_with_the_member() {
    for provider in PROVIDERS {
        let secret = provider.key().write(SECRET);
        let expected = ended(0, &headers(provider, &secret), "");
        let object = format!(r#"{{"signing_secret": "{secret}", "other": 1}}"#);
        let path = file(&format!("object-{}.json", provider.name()), object.as_bytes());
        assert_eq!(sign_with(provider, &path), expected, "{provider:?}");
        assert_eq!(sign(provider, "", Some(&object)), expected, "{provider:?}");
    }
}

#[test]
fn a_secret_in_another_spelling_than_the_providers_is_refused() {
    for provider in PROVIDERS {
        let reason = match provider.key() {
            Key::Text => continue,
            Key::Hex => "this provider's secrets are hexadecimal digits, but the value is not: \
                         store it as the provider shows it"
                .to_owned(),
            Key::Base64AfterPrefix(prefix) => format!(
                "this provider's secrets begin with `{prefix}`, but the value does not: store it \
                 as the provider shows it"
            ),
        };
        let path = file("other-spelling.txt", SECRET.as_bytes());
        assert_eq!(
            sign_with(provider, &path),
            ended(2, "", &format!("error: {}: {reason}\n", path.display()))
        );
    }
}

#[test]
fn a_file_without_a_usable_secret_is_refused_with_the_reason() {
    let utf16 = "the value is UTF-16 text, as PowerShell's `>` writes it: save it as UTF-8 without \
                 a byte-order mark";
    for (name, content, expected) in [
        ("empty.txt", b"\n".as_slice(), "the value is empty"),
        (
            "no-member.json",
            b"{}",
            "the value is a JSON object whose `signing_secret` is missing or not text",
        ),
        (
            "no-json.txt",
            b"{signing_secret: k}",
            "the value begins with `{` but is not a JSON object: store the secret itself, or \
             {\"signing_secret\": \"…\"}",
        ),
        (
            "mark.txt",
            b"\xef\xbb\xbfkey",
            "the value begins with a byte-order mark: store it again without one",
        ),
        ("utf16.txt", b"\xff\xfek\0e\0y\0", utf16),
        ("utf16-big.txt", b"\xfe\xff\0k\0e\0y", utf16),
        ("utf16-unmarked.txt", b"k\0e\0y\0", utf16),
        ("latin1.txt", b"k\xe9y", "the value is not text: store the secret as text"),
    ] {
        let path = file(name, content);
        assert_eq!(
            sign_with(any_provider(), &path),
            ended(2, "", &format!("error: {}: {expected}\n", path.display()))
        );
    }
    let expected = "error: WEBHOOK_SIGNING_SECRET: the value is empty\n";
    assert_eq!(sign(any_provider(), "", Some("\n")), ended(2, "", expected));
}

#[test]
fn a_secret_that_looks_wrong_is_used_as_it_is_with_a_warning() {
    // Secrets in hex or base64 have no such faults: they would not be read at all.
    for provider in PROVIDERS.iter().filter(|provider| provider.key() == Key::Text) {
        for (name, content, warnings) in [
            ("space.txt", " sixteen-bytes-ok", ["has white space before or after it"].as_slice()),
            ("quotes.txt", "\"sixteen-bytes-ok\"", &["has quotes around it"]),
            (
                "short.txt",
                "'k' ",
                &[
                    "has white space before or after it",
                    "has quotes around it",
                    "has fewer than 16 bytes",
                ],
            ),
        ] {
            let path = file(&format!("{}-{name}", provider.name()), content.as_bytes());
            let notices: String = warnings
                .iter()
                .map(|warning| {
                    format!(
                        "{}: the signing secret {warning}; it is used as it is\n",
                        path.display()
                    )
                })
                .collect::<Vec<_>>()
                .concat();
            assert_eq!(sign_with(provider, &path), ended(0, &headers(provider, content), &notices));
        }
    }
}
