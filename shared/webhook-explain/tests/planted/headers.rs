//! Headers that were lost, renamed, repeated or rewritten.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use webhook_explain::Cause;
use webhook_verify::{
    Header,
    description::{Encoding, Form},
};

use crate::support::{Case, Planted, schemes};

/// Returns the name as gateways and frameworks write it.
fn renamed(name: &str, number: usize) -> String {
    match number {
        1 => name.replace('-', "_"),
        2 => format!("HTTP_{}", name.replace('-', "_").to_uppercase()),
        _ => format!("x-original-{name}"),
    }
}

#[test]
fn a_missing_or_renamed_header_is_recognised_with_similar_names() {
    let mut planted = Planted::of(Cause::HeaderMissing);
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let good = Case::good(provider, scheme, number);
            for place in 0..good.headers.len() {
                let mut missing = good.clone();
                let name = missing.headers.remove(place).name().to_owned();
                planted.plant(&missing, "missing");
                let near = renamed(&name, number);
                let case = good.clone().with_header(place, &near, &good.value(place));
                planted.plant(&case, &near);
                assert!(case.explain().detail.contains(&near), "{near}: {}", case.explain().detail);
                let forged = case.with_secrets(&[&provider.key().write("another-secret-of-all")]);
                planted.plant(&forged, &near);
                assert!(
                    forged.explain().detail.contains(&near),
                    "{near}: {}",
                    forged.explain().detail
                );
            }
            let all = good
                .headers
                .iter()
                .map(|header| Header::new(renamed(header.name(), number), header.value()));
            planted.plant(&Case { headers: all.collect(), ..good.clone() }, "all renamed");
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_repeated_header_is_recognised() {
    let mut planted = Planted::of(Cause::HeaderRepeated);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        for place in 0..good.headers.len() {
            let (name, value) = (good.headers[place].name().to_owned(), good.value(place));
            for other in [&*value, "7", ""] {
                let mut case = good.clone();
                case.headers.push(Header::new(name.to_uppercase(), other));
                planted.plant(&case, "twice");
            }
            let joined = good.clone().with_header(place, &name, &format!("{value}, {value}"));
            planted.plant(&joined, "joined");
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_differently_encoded_signature_is_recognised() {
    let mut planted = Planted::of(Cause::SignatureEncoding);
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let good = Case::good(provider, scheme, number);
            let digits = good.digits().to_owned();
            let tag = match scheme.signature.encoding {
                Encoding::Hex => hex::decode(&digits).expect("hexadecimal"),
                Encoding::Base64 => BASE64_STANDARD.decode(&digits).expect("base64"),
                Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.decode(&digits).expect("base64"),
            };
            for other in [
                hex::encode(&tag),
                hex::encode_upper(&tag),
                BASE64_STANDARD.encode(&tag),
                BASE64_URL_SAFE_NO_PAD.encode(&tag),
                BASE64_STANDARD.encode(hex::encode(&tag)),
            ] {
                let value = good.value(0).replace(&digits, &other);
                let name = good.headers[0].name().to_owned();
                let case = good.clone().with_header(0, &name, &value).hiding(&other);
                planted.plant(&case, &other);
                let forged = case.with_secrets(&[&provider.key().write("another-secret-of-all")]);
                if other != digits {
                    planted.plant(&forged, &other);
                }
            }
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_missing_or_wrong_prefix_of_the_signature_is_recognised() {
    let mut planted = Planted::of(Cause::SignaturePrefix);
    for (provider, scheme) in schemes() {
        let good = Case::good(provider, scheme, 1);
        let (name, value, digits) =
            (good.headers[0].name().to_owned(), good.value(0), good.digits().to_owned());
        let values = match scheme.signature.form {
            Form::Bare => {
                vec![
                    format!("sha256={digits}"),
                    format!("v1={digits}"),
                    format!(" {digits}"),
                    format!("\"{digits}\""),
                ]
            }
            Form::Prefixed(prefix) => {
                vec![
                    digits.clone(),
                    format!("v9={digits}"),
                    format!("{prefix} {digits}"),
                    format!("sha999={digits}"),
                ]
            }
            Form::Labelled { label, assign, .. } => {
                let pair = format!("{label}{assign}{digits}");
                assert!(value.contains(&pair), "{value}");
                let other = |text: String| value.replace(&pair, &text);
                vec![
                    digits.clone(),
                    other(format!("v9{assign}{digits}")),
                    other(digits.clone()),
                    other(format!("{label}:{digits}")),
                ]
            }
        };
        for other in values {
            let case = good.clone().with_header(0, &name, &other);
            planted.plant(&case, &other);
        }
        // The signature of one scheme of the provider under the prefix of another.
        for other in provider.schemes().iter().filter(|other| *other != scheme) {
            if let Form::Prefixed(prefix) = other.signature.form {
                planted.plant(
                    &good.clone().with_header(0, &name, &format!("{prefix}{digits}")),
                    prefix,
                );
            }
        }
    }
    planted.covers_schemes(4);
}
