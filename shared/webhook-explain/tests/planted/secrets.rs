//! Secrets that are stored or used differently from how the provider shows them.

use base64::{Engine, prelude::BASE64_STANDARD};
use webhook_explain::Cause;
use webhook_verify::Key;

use crate::support::{Case, Planted, key, schemes};

#[test]
fn white_space_in_or_around_a_secret_is_recognised() {
    let mut planted = Planted::of(Cause::SecretWhitespace);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let secret = provider.key().write(&key(1));
        let (start, end) = secret.split_at(7);
        for file in [
            format!(" {secret}"),
            format!("{secret} "),
            format!("{secret}\n\n"),
            format!("\t{secret}\r\n"),
            format!("{secret}\u{a0}\n"),
            format!("{start} {end}"),
            format!("{{\"signing_secret\": \"{secret} \"}}"),
        ] {
            planted.plant(&good.clone().with_secrets(&[&file]), &format!("{file:?}"));
        }
        if provider.key() == Key::Text {
            for end in ["\n", "\r\n", " "] {
                let signed = Case::of_key(provider, scheme, format!("{secret}{end}").as_bytes(), 1);
                planted.plant(&signed.with_secrets(&[&secret]), &format!("signed with {end:?}"));
            }
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn quotes_around_a_secret_are_recognised() {
    let mut planted = Planted::of(Cause::SecretQuotes);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let secret = provider.key().write(&key(1));
        for file in [
            format!("\"{secret}\""),
            format!("'{secret}'\n"),
            format!("“{secret}”"),
            format!(" \"{secret}\" "),
        ] {
            planted.plant(&good.clone().with_secrets(&[&file]), &file);
        }
        if provider.key() == Key::Text {
            let signed = Case::of_key(provider, scheme, format!("\"{secret}\"").as_bytes(), 1);
            planted.plant(&signed.with_secrets(&[&secret]), "signed with quotes");
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_secret_in_json_that_the_receiver_does_not_read_is_recognised() {
    let mut planted = Planted::of(Cause::SecretJson);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let secret = provider.key().write(&key(1));
        for file in [
            format!("{{\"secret\": \"{secret}\"}}"),
            format!("{{\"webhook\": {{\"key\": \"{secret}\"}}, \"n\": 7}}\n"),
            format!("{{signing_secret: {secret}}}"),
            format!("{{'signing_secret': '{secret}'}}"),
            format!("[\"{secret}\"]"),
            format!("{{\"signing_secret\": \"other-{secret}-other\", \"next\": \"{secret}\"}}"),
        ] {
            planted.plant(&good.clone().with_secrets(&[&file]), &file);
        }
        let file = format!("{{\"signing_secret\": \"{secret}\"}}");
        let signed = Case::of_key(provider, scheme, file.as_bytes(), 1);
        planted.plant(&signed.with_secrets(&[&file]), "signed with the JSON text");
    }
    planted.covers_schemes(4);
}

#[test]
fn only_well_known_members_of_a_json_text_are_named() {
    for (provider, scheme) in schemes() {
        let secret = provider.key().write(&key(1));
        for (member, expected) in
            [("secret", "with its member \"secret\"."), ("hunter2", "with one of its members.")]
        {
            let file = format!("{{\"{member}\": \"{secret}\"}}");
            let explanation = Case::good(provider, scheme, 1).with_secrets(&[&file]).explain();
            assert_eq!(explanation.cause, Some(Cause::SecretJson), "{}", scheme.name);
            assert!(explanation.detail.contains(expected), "{}", explanation.detail);
            assert!(!explanation.detail.contains("hunter2"), "{}", explanation.detail);
        }
    }
}

#[test]
fn a_secret_that_only_one_side_decodes_is_recognised() {
    let mut planted = Planted::of(Cause::SecretEncoding);
    for (provider, scheme) in schemes() {
        let bytes = *b"\x00\xffsixteen bytes.";
        let base64 = BASE64_STANDARD.encode(bytes);
        match provider.key() {
            Key::Text => {
                for (secret, used) in [
                    (hex::encode(bytes), bytes.to_vec()),
                    (base64.clone(), bytes.to_vec()),
                    (format!("whsec_{base64}"), bytes.to_vec()),
                    (format!("whsec_{base64}"), base64.clone().into_bytes()),
                    ("plain-secret-text".to_owned(), hex::encode("plain-secret-text").into_bytes()),
                    ("SECRET=plain-secret-text".to_owned(), b"plain-secret-text".to_vec()),
                ] {
                    let signed = Case::of_key(provider, scheme, &used, 1);
                    planted.plant(&signed.with_secrets(&[&secret]), &secret);
                }
            }
            Key::Hex | Key::Base64AfterPrefix(_) => {
                let secret = provider.key().write(&key(1));
                let bare = secret.rsplit('_').next().unwrap_or_default();
                let good = Case::good(provider, scheme, 1);
                planted.plant(&good.clone().with_secrets(&[bare]), "stored without its prefix");
                planted.plant(&good.with_secrets(&[&key(1)]), "stored after it was decoded");
                for used in [&*secret, bare] {
                    let signed = Case::of_key(provider, scheme, used.as_bytes(), 1);
                    planted.plant(&signed.with_secrets(&[&secret]), "signed with the text");
                }
            }
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_different_secret_that_verifies_is_named() {
    let mut planted = Planted::of(Cause::SecretOther);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let [right, wrong, third] = [1, 2, 3].map(|number| provider.key().write(&key(number)));
        for (files, named) in [
            (vec![&*wrong, &right], "\"2.txt\""),
            (vec![&wrong, &third, &right], "\"3.txt\""),
            (vec!["{}", &third, &right], "\"3.txt\""),
        ] {
            let case = good.clone().with_secrets(&files);
            planted.plant(&case, named);
            assert!(case.explain().detail.contains(named), "{}", case.explain().detail);
        }
        let development = provider.key().write(webhook_ingest::DEVELOPMENT_SECRET);
        let signed = Case::signed(provider, scheme, &development, b"{\"payload\":{}}", good.now);
        planted.plant(&signed.with_secrets(&[&right]), "the development secret");
    }
    planted.covers_schemes(4);
}

#[test]
fn an_api_key_or_a_secret_of_the_wrong_mode_is_recognised() {
    let mut planted = Planted::of(Cause::SecretKind);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        for file in [
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "https://example.com/hook\n",
        ] {
            planted.plant(&good.clone().with_secrets(&[file]), file);
        }
        if scheme.signed_member().is_none() && provider.key() == Key::Text {
            let body = br#"{"livemode": true}"#;
            let signed = Case::signed(provider, scheme, "acme_live_0000000000", body, good.now);
            planted.plant(&signed.with_secrets(&["acme_test_0000000000"]), "another mode");
        }
    }
    planted.covers_schemes(4);
}
