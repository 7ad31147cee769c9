//! Which secret signs, and what is said of one that looks wrong.

use std::path::Path;

use crate::support::{Ended, ended, file, webhook};

/// HMAC-SHA1 of `{}` under the development secret, computed with Python.
const DEVELOPMENT_HEADERS: &str = "x-endgrate-signature: cyb3dKDT4vsHNXQzg/EAvEO9Hsw=\n";

/// HMAC-SHA1 of `{}` under `sixteen-bytes-ok`, computed with Python.
const HEADERS: &str = "x-endgrate-signature: 0LnXcT0eYFeKc9CSedduwoa14ic=\n";

fn sign_with(secret_file: &Path) -> Ended {
    webhook(&format!("sign endgrate --secret-file {}", secret_file.display()), Some("another"), b"{}")
}

#[test]
fn the_secret_is_the_files_else_the_environments_else_the_development_one() {
    for secret in [None, Some("")] {
        assert_eq!(webhook("sign endgrate", secret, b"{}"), ended(0, DEVELOPMENT_HEADERS, ""), "{secret:?}");
    }
    assert_eq!(webhook("sign endgrate", Some("sixteen-bytes-ok\n"), b"{}"), ended(0, HEADERS, ""));
    assert_eq!(sign_with(&file("plain.txt", b"sixteen-bytes-ok\r\n")), ended(0, HEADERS, ""));
}

#[test]
fn a_json_object_with_a_signing_secret_signs_with_the_member() {
    let object = br#"{"signing_secret": "sixteen-bytes-ok", "other": 1}"#;
    assert_eq!(sign_with(&file("object.json", object)), ended(0, HEADERS, ""));
    let object = r#"{"signing_secret":"sixteen-bytes-ok"}"#;
    assert_eq!(webhook("sign endgrate", Some(object), b"{}"), ended(0, HEADERS, ""));
}

#[test]
fn a_file_without_a_usable_secret_is_refused_with_the_reason() {
    let utf16 = "the value is UTF-16 text, as PowerShell's `>` writes it: save it as UTF-8 without a byte-order mark";
    for (name, content, expected) in [
        ("empty.txt", b"\n".as_slice(), "the value is empty"),
        ("no-member.json", b"{}", "the value is a JSON object without the text `signing_secret`"),
        (
            "no-json.txt",
            b"{signing_secret: k}",
            "the value begins with `{` but is not a JSON object: store the secret itself, or {\"signing_secret\": \"…\"}",
        ),
        ("mark.txt", b"\xef\xbb\xbfkey", "the value begins with a byte-order mark: store it again without"),
        ("utf16.txt", b"\xff\xfek\0e\0y\0", utf16),
        ("utf16-big.txt", b"\xfe\xff\0k\0e\0y", utf16),
        ("utf16-unmarked.txt", b"k\0e\0y\0", utf16),
        ("latin1.txt", b"k\xe9y", "the value is not text: store the secret as text"),
    ] {
        let path = file(name, content);
        assert_eq!(sign_with(&path), ended(2, "", &format!("error: {}: {expected}\n", path.display())));
    }
    let expected = "error: WEBHOOK_SIGNING_SECRET: the value is empty\n";
    assert_eq!(webhook("sign endgrate", Some("\n"), b"{}"), ended(2, "", expected));
}

#[test]
fn a_secret_that_looks_wrong_signs_as_it_is_and_is_told_of() {
    for (name, content, signature, warnings) in [
        (
            "space.txt",
            " sixteen-bytes-ok",
            "lqGQKH6BV2PPpj4eVsYC4YZZLwM=",
            ["has white space before or after it"].as_slice(),
        ),
        ("quotes.txt", "\"sixteen-bytes-ok\"", "PS2ie52bJ2iAbyLTobzVsgi7g+Y=", &["has quotes round it"]),
        (
            "short.txt",
            "'k' ",
            "34LX6xIO0oyFQR9LHyi3zW1q9Ko=",
            &["has white space before or after it", "has quotes round it", "has fewer than 16 bytes"],
        ),
    ] {
        let path = file(name, content.as_bytes());
        let told = |warning: &&str| format!("{}: the signing secret {warning}; it is used as it is\n", path.display());
        let notices = warnings.iter().map(told).collect::<Vec<_>>().concat();
        let headers = format!("x-endgrate-signature: {signature}\n");
        assert_eq!(sign_with(&path), ended(0, &headers, &notices));
    }
}
