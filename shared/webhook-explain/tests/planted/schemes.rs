//! Other providers' deliveries, schemes that are not accepted, other URLs; and two faults at once.

use webhook_explain::Cause;
use webhook_verify::UnixSeconds;

use crate::support::{Case, NOW, Plantation, URL, body, key, schemes};

#[test]
fn another_providers_delivery_is_told_with_its_name() {
    let mut plantation = Plantation::of(Cause::SchemeOther);
    for (provider, scheme) in schemes() {
        for (sender, signed_by) in schemes().filter(|(sender, _)| sender.name() != provider.name())
        {
            if signed_by.signature.header == scheme.signature.header {
                continue;
            }
            let sent = Case::good(sender, signed_by, 1);
            let case = Case { provider, scheme, ..sent };
            plantation.plant(&case, sender.name());
        }
    }
    plantation.is_dense(4);
}

#[test]
fn a_scheme_that_is_not_accepted_is_told() {
    let mut plantation = Plantation::of(Cause::SchemeNotAccepted);
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let case = Case { accepted: Some(&[]), ..Case::good(provider, scheme, number) };
            plantation.plant(&case, "none is accepted");
            assert_eq!(case.explain().reason, Some("scheme_not_accepted"));
        }
    }
    plantation.is_dense(4);
}

#[test]
fn another_url_is_told() {
    let mut plantation = Plantation::of(Cause::UrlDiffers);
    let signing: Vec<_> = schemes().filter(|(_, scheme)| scheme.signs_url()).collect();
    for (provider, scheme) in &signing {
        let good = Case::good(provider, scheme, 1);
        for url in [
            "https://hooks.example.com/webhooks/provider/",
            "http://hooks.example.com/webhooks/provider",
            "https://hooks.example.com:443/webhooks/provider",
            "https://HOOKS.example.com:8443/webhooks/provider",
            "https://hooks.example.com/webhooks/provider?a=b",
            "https://hooks.example.com/prod/webhooks/provider",
            "https://hooks.example.com/Webhooks/Provider",
        ] {
            plantation.plant(&Case { url: Some(url), ..good.clone() }, url);
        }
        let mut proxied = good.clone();
        proxied.headers.push(webhook_verify::Header::new("host", "hooks.example.com"));
        plantation.plant(
            &Case { url: Some("http://10.0.0.7:8080/webhooks/provider"), ..proxied.clone() },
            "behind a proxy",
        );
        let detail = Case { url: Some("https://hooks.example.com/webhooks/provider/"), ..good }
            .explain()
            .detail;
        assert!(detail.contains(&format!("`{URL}`")), "{detail}");
    }
    plantation.is_dense(signing.len().min(4));
}

#[test]
fn of_two_faults_the_first_is_the_cause_and_the_other_is_told_of() {
    for (provider, scheme) in schemes() {
        let name = scheme.name;
        let secret = provider.key().write(&key(1));
        let with_space = format!("{secret} ");
        let signed = Case::signed(provider, scheme, &secret, body(scheme, 1).as_bytes(), NOW);
        let sent = [b"\xef\xbb\xbf".as_slice(), &signed.body].concat();
        let both = signed.clone().with_body(sent).with_secrets(&[&with_space]).explain();
        assert_eq!(both.cause, Some(Cause::SecretWhitespace), "{name}: {both:?}");
        assert!(both.detail.contains("Besides (body_charset): "), "{name}: {}", both.detail);
        if let Some(time) = scheme.time {
            let past = i64::try_from(time.tolerance.as_secs()).expect("less than an age");
            let late =
                Case { now: UnixSeconds(NOW.0 + past + 60), ..signed.with_secrets(&[&with_space]) }
                    .explain();
            assert_eq!(late.cause, Some(Cause::SecretWhitespace), "{name}: {late:?}");
            assert!(late.detail.contains("Besides (timestamp_stale): "), "{name}: {}", late.detail);
        }
    }
}
