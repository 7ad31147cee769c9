//! Deliveries of other providers, schemes that are not accepted, different URLs, and two faults at
//! once.

use webhook_explain::Cause;
use webhook_verify::UnixSeconds;

use crate::support::{Case, NOW, Planted, URL, body, key, schemes};

#[test]
fn a_delivery_of_a_different_provider_is_recognised() {
    let mut planted = Planted::of(Cause::SchemeOther);
    for (provider, scheme) in schemes() {
        for (sender, signed_by) in schemes().filter(|(sender, _)| sender.name() != provider.name())
        {
            if signed_by.signature.header == scheme.signature.header {
                continue;
            }
            let sent = Case::good(sender, signed_by, 1);
            let case = Case { provider, scheme, ..sent };
            planted.plant(&case, sender.name());
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_scheme_that_is_not_accepted_is_recognised() {
    let mut planted = Planted::of(Cause::SchemeNotAccepted);
    for (provider, scheme) in schemes() {
        for number in 1..=3 {
            let case = Case { accepted: Some(&[]), ..Case::good(provider, scheme, number) };
            planted.plant(&case, "none is accepted");
            assert_eq!(case.explain().reason, Some("scheme_not_accepted"));
        }
    }
    planted.covers_schemes(4);
}

#[test]
fn a_different_url_is_recognised() {
    let mut planted = Planted::of(Cause::UrlDiffers);
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
            planted.plant(&Case { url: Some(url), ..good.clone() }, url);
        }
        let mut proxied = good.clone();
        proxied.headers.push(webhook_verify::Header::new("host", "hooks.example.com"));
        planted.plant(
            &Case { url: Some("http://10.0.0.7:8080/webhooks/provider"), ..proxied.clone() },
            "behind a proxy",
        );
        let detail = Case { url: Some("https://hooks.example.com/webhooks/provider/"), ..good }
            .explain()
            .detail;
        assert!(detail.contains(&format!("\"{URL}\"")), "{detail}");
    }
    planted.covers_schemes(signing.len().min(4));
}

#[test]
fn of_two_faults_one_is_the_cause_and_the_detail_names_the_other() {
    for (provider, scheme) in schemes() {
        let name = scheme.name;
        let secret = provider.key().write(&key(1));
        let with_space = format!("{secret} ");
        let signed = Case::signed(provider, scheme, &secret, body(scheme, 1).as_bytes(), NOW);
        let sent = [b"\xef\xbb\xbf".as_slice(), &signed.body].concat();
        let both = signed.clone().with_body(sent).with_secrets(&[&with_space]).explain();
        assert_eq!(both.cause, Some(Cause::SecretWhitespace), "{name}: {both:?}");
        assert!(both.detail.contains("Another fault (body_charset): "), "{name}: {}", both.detail);
        if let Some(time) = scheme.time {
            let past = i64::try_from(time.tolerance.as_secs()).expect("less than an age");
            let late =
                Case { now: UnixSeconds(NOW.0 + past + 60), ..signed.with_secrets(&[&with_space]) }
                    .explain();
            assert_eq!(late.cause, Some(Cause::SecretWhitespace), "{name}: {late:?}");
            assert!(
                late.detail.contains("Another fault (timestamp_stale): "),
                "{name}: {}",
                late.detail
            );
        }
    }
}
