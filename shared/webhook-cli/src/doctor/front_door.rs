//! Checks a provider's URL: it must refuse an unsigned request, and recognise a signed one. Neither
//! request writes anything.

use ureq::http::{Request, Uri};
use webhook_ingest::UnixMillis;
use webhook_verify::{Header, Provider, Scheme, SigningSecret, sign::malformed_body};

use crate::{
    delivery::{OutgoingDelivery, Sender},
    doctor::{
        functions::Variables,
        report::{Finding, ok, skipped, wrong},
    },
    error::CliError,
    http::exchange,
};

/// Sends both kinds of request to the provider's URL. `variables` are those of the function behind
/// it.
pub(crate) fn check(
    provider: &'static Provider,
    url: &Uri,
    secret: Option<&SigningSecret>,
    variables: &Variables,
) -> Vec<Finding> {
    let answer = post(url, &[], b"{}");
    let mut findings = vec![unsigned(url, &answer)];
    if answer.is_err() {
        findings.push(skipped(
            "url.signed",
            format!("{url}: not tried, because the unsigned request got no answer"),
        ));
        return findings;
    }
    let Some(secret) = secret else {
        findings.push(skipped("url.signed", format!("{url}: there is no secret to sign with")));
        return findings;
    };
    let public_url = variables.get("PUBLIC_URL").filter(|url| !url.is_empty());
    for scheme in accepted(provider, variables) {
        let Some(body) = malformed_body(scheme) else {
            let text = format!(
                "{url}: not tried, because every body that {} signs would be queued",
                scheme.name
            );
            findings.push(skipped("url.signed", text));
            continue;
        };
        let sender = Sender { public_url: public_url.cloned(), ..Sender::new(provider, scheme) };
        let delivery =
            OutgoingDelivery::sign(sender, secret, UnixMillis::now().seconds(), body.into_bytes());
        let answer = delivery.and_then(|delivery| post(url, &delivery.headers(), delivery.body()));
        findings.push(signed(url, scheme, &answer));
    }
    findings
}

/// Returns the schemes that the function accepts.
fn accepted(provider: &'static Provider, variables: &Variables) -> Vec<&'static Scheme> {
    let list = variables.get("SIGNATURE_SCHEMES").map(String::as_str).unwrap_or_default();
    let is_accepted = |scheme: &&Scheme| {
        list.is_empty() || list.split(',').any(|name| name.trim() == scheme.name)
    };
    provider.schemes().iter().filter(is_accepted).collect()
}

fn post(url: &Uri, headers: &[Header], body: &[u8]) -> Result<u16, CliError> {
    let mut request = Request::post(url);
    for header in headers {
        request = request.header(header.name(), header.value());
    }
    exchange(request.body(body)).map(|reply| reply.status.as_u16())
}

fn unsigned(url: &Uri, answer: &Result<u16, CliError>) -> Finding {
    match answer {
        Ok(401) => ok("url.unsigned", format!("{url} refuses an unsigned request")),
        Ok(status) => wrong("url.unsigned", not_answered(url, "an unsigned request", *status, 401)),
        Err(error) => wrong("url.unsigned", error.to_string()),
    }
}

fn signed(url: &Uri, scheme: &Scheme, answer: &Result<u16, CliError>) -> Finding {
    match answer {
        Ok(400) => ok("url.signed", format!("{url} accepts the signature of {}", scheme.name)),
        Ok(401) => wrong(
            "url.signed",
            format!(
                "{url} refuses a request signed as {} with the secret: check the function's \
                 SIGNING_SECRET_ID and PUBLIC_URL, and this machine's clock",
                scheme.name
            ),
        ),
        Ok(status) => {
            let what = format!("a malformed request signed by {}", scheme.name);
            wrong("url.signed", not_answered(url, &what, *status, 400))
        }
        Err(error) => wrong("url.signed", error.to_string()),
    }
}

fn not_answered(url: &Uri, what: &str, status: u16, expected: u16) -> String {
    let hint = match status {
        403 => {
            "the front door has no permission to call the function, or the URL belongs to \
             something else"
        }
        404 => {
            "there is no such route; check that the URL is the provider's, and the API this stack's"
        }
        413 => "MaxBodyBytes is too small for any delivery; raise it",
        429 => {
            "the front door or Lambda throttles; check ThrottlingRateLimit and ReservedConcurrency"
        }
        500.. => "the function fails; its log has the reason",
        _ => "something else answers at this URL",
    };
    format!("{url} answers {status} to {what} instead of {expected}: {hint}")
}

#[cfg(test)]
mod tests {
    use webhook_verify::catalogue::{GITHUB, STRIPE};

    use super::*;

    #[test]
    fn only_401_unsigned_and_400_signed_are_ok() {
        let url = "https://hooks.example.com/webhooks/acme".parse().expect("a URL");
        let scheme = &GITHUB.schemes()[0];
        let right = ok(
            "url.unsigned",
            "https://hooks.example.com/webhooks/acme refuses an unsigned request",
        );
        assert_eq!(unsigned(&url, &Ok(401)), right);
        let known = ok(
            "url.signed",
            "https://hooks.example.com/webhooks/acme accepts the signature of github",
        );
        assert_eq!(signed(&url, scheme, &Ok(400)), known);
        for (status, hint) in [
            (200, "something else answers at this URL"),
            (
                403,
                "the front door has no permission to call the function, or the URL belongs to \
                 something else",
            ),
            (
                404,
                "there is no such route; check that the URL is the provider's, and the API this \
                 stack's",
            ),
            (413, "MaxBodyBytes is too small for any delivery; raise it"),
            (
                429,
                "the front door or Lambda throttles; check ThrottlingRateLimit and \
                 ReservedConcurrency",
            ),
            (502, "the function fails; its log has the reason"),
            (503, "the function fails; its log has the reason"),
        ] {
            let of = |what: &str, expected| {
                format!("{url} answers {status} to {what} instead of {expected}: {hint}")
            };
            let expected = wrong("url.unsigned", of("an unsigned request", 401));
            assert_eq!(unsigned(&url, &Ok(status)), expected);
            let expected = wrong("url.signed", of("a malformed request signed by github", 400));
            assert_eq!(signed(&url, scheme, &Ok(status)), expected);
        }
        let refused = "https://hooks.example.com/webhooks/acme refuses a request signed as github \
                       with the secret: check the function's SIGNING_SECRET_ID and PUBLIC_URL, and \
                       this machine's clock";
        assert_eq!(signed(&url, scheme, &Ok(401)), wrong("url.signed", refused));
    }

    #[test]
    fn only_schemes_that_the_function_accepts_are_tried() {
        let names = |list: &str| {
            let variables = Variables::from([("SIGNATURE_SCHEMES".to_owned(), list.to_owned())]);
            accepted(STRIPE, &variables).iter().map(|scheme| scheme.name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["stripe"]);
        assert_eq!(names("other, stripe"), ["stripe"]);
        assert_eq!(names("other"), [""; 0]);
    }
}
