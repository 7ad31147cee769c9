//! Hypotheses about who signed, and for which URL.

use webhook_verify::{
    Header, Provider, catalogue::CATALOGUE, description::TimeSource, providers::PROVIDERS,
};

use crate::{
    Question,
    cause::Cause,
    change::Change,
    header::{has_name, respelled, value},
    secret::MOST_SECRETS,
    trial::{Authentic, Parts, Secret, Trials, read, stored_text},
    words::quoted_to,
};

/// Longer URLs are not tried.
const LONGEST_URL: usize = 2_048;

/// Looks for another provider that the delivery verifies as. It may be refused even so.
pub(crate) fn other(trials: &mut Trials<'_>) -> Option<(Change<()>, Authentic)> {
    let question = trials.question;
    let own = question.provider;
    for provider in
        PROVIDERS.iter().chain(CATALOGUE).copied().filter(|other| other.name() != own.name())
    {
        if trials.are_used_up() {
            return None;
        }
        let mut ways = vec![(question.headers.to_vec(), false)];
        let moved = moved(own, provider, question.headers);
        ways.extend(respelled(provider, &moved).into_iter().map(|change| (change.value, true)));
        ways.push((moved, true));
        for (headers, is_moved) in &ways {
            for secret in secrets(provider, question) {
                let parts = Parts {
                    provider,
                    headers,
                    body: question.body,
                    secret: &secret,
                    public_url: question.public_url,
                };
                if let Some(authentic) = trials.authentic(parts) {
                    return Some((named(own, provider, *is_moved), authentic));
                }
            }
        }
    }
    None
}

fn named(own: &Provider, other: &Provider, is_moved: bool) -> Change<()> {
    let (own, other) = (own.name(), other.name());
    let detail = if is_moved {
        format!("It is signed as {other} signs, but its headers have the names that {own} uses.")
    } else {
        format!("It verifies as a delivery of {other}, not of {own}.")
    };
    let fix = if PROVIDERS.iter().any(|provider| provider.name() == other) {
        format!("Send it to the endpoint of {other}, or have the sender sign as {own} documents.")
    } else {
        format!(
            "Add a provider of that scheme (cargo webhook provider add NAME --scheme {other}), or \
             have the sender sign as {own} documents."
        )
    };
    Change::new(Cause::SchemeOther, (), detail, fix)
}

/// Reads the given secrets as the other provider writes them, and as they are.
fn secrets(provider: &Provider, question: &Question<'_>) -> Vec<Secret> {
    let mut all = Vec::new();
    for given in question.secrets.iter().take(MOST_SECRETS) {
        all.extend(read(provider, given));
        if let Ok(text) = stored_text(given) {
            all.extend(Secret::of_key(text.as_bytes()));
        }
    }
    all
}

/// Renames the headers of the signature and the time as the other provider names them.
fn moved(own: &Provider, other: &Provider, headers: &[Header]) -> Vec<Header> {
    let time = |provider: &Provider| match provider.schemes()[0].time.map(|time| time.source) {
        Some(TimeSource::Header(names)) => Some(names),
        Some(TimeSource::Label(_)) | None => None,
    };
    let (own_scheme, other_scheme) = (&own.schemes()[0], &other.schemes()[0]);
    let mut moves = vec![(own_scheme.signature.header, other_scheme.signature.header)];
    moves.extend(time(own).zip(time(other)));
    moves.extend(own_scheme.signed_headers().zip(other_scheme.signed_headers()));
    let renamed = |header: &Header| {
        let found = moves.iter().find(|(names, _)| has_name(header, names));
        found.map_or_else(|| header.clone(), |(_, names)| Header::new(names[0], header.value()))
    };
    headers.iter().map(renamed).collect()
}

/// Names the other providers whose signature header the delivery has.
pub(crate) fn senders(own: &Provider, headers: &[Header]) -> Vec<String> {
    let all = PROVIDERS.iter().chain(CATALOGUE).filter(|other| {
        let names = other.schemes()[0].signature.header;
        names != own.schemes()[0].signature.header
            && headers.iter().any(|header| has_name(header, names))
    });
    let mut names: Vec<_> = all.map(|other| other.name().to_owned()).collect();
    names.dedup();
    names
}

/// Says which schemes are accepted.
pub(crate) fn not_accepted(question: &Question<'_>, scheme: &str) -> Change<()> {
    let accepted = question.provider.schemes().iter().filter(|scheme| question.accepts(scheme));
    let accepted: Vec<_> = accepted.map(|scheme| scheme.name).collect();
    let accepted = if accepted.is_empty() {
        "none of the provider's schemes".to_owned()
    } else {
        format!("only {}", accepted.join(", "))
    };
    let detail =
        format!("It is signed by the scheme {scheme}, but the receiver accepts {accepted}.");
    let fix = format!(
        "Add {scheme} to SIGNATURE_SCHEMES, or leave that variable empty to accept all schemes. Or \
         have the provider sign with an accepted scheme."
    );
    Change::new(Cause::SchemeNotAccepted, (), detail, fix)
}

/// Returns other URLs that the provider may have signed, if it signs one.
pub(crate) fn urls(question: &Question<'_>) -> Vec<Change<String>> {
    if !question.provider.signs_url() {
        return Vec::new();
    }
    let configured = question.public_url.unwrap_or_default();
    let mut all: Vec<String> = Vec::new();
    if let Some((scheme, rest)) = configured.split_once("://") {
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let mut hosts = vec![host.to_owned()];
        hosts.extend(hosts_of(question.headers));
        let small = host.to_ascii_lowercase();
        hosts.extend(
            [host, &small].map(|host| host.split(':').next().unwrap_or_default().to_owned()),
        );
        hosts.push(small);
        hosts.extend([":443", ":80", ":8080", ":3000"].map(|port| format!("{host}{port}")));
        hosts.push(host.strip_prefix("www.").map_or_else(|| format!("www.{host}"), str::to_owned));
        let plain = path.split(['?', '#']).next().unwrap_or_default();
        let mut paths =
            vec![path.to_owned(), format!("{path}/"), path.trim_end_matches('/').to_owned()];
        paths.extend([
            plain.to_owned(),
            format!("/webhooks/{}", question.provider.name()),
            String::new(),
            "/".to_owned(),
        ]);
        paths.extend(["/prod", "/Prod", "/dev", "/default"].map(|stage| format!("{stage}{path}")));
        paths.push(
            path.split_once('/')
                .and_then(|(_, rest)| rest.split_once('/'))
                .map_or_else(String::new, |(_, rest)| format!("/{rest}")),
        );
        paths.push(path.to_ascii_lowercase());
        let schemes = if scheme == "https" { ["https", "http"] } else { ["http", "https"] };
        // URLs that differ in one place come first.
        all.extend(paths.iter().map(|path| format!("{scheme}://{host}{path}")));
        all.extend(hosts.iter().map(|host| format!("{scheme}://{host}{path}")));
        for scheme in schemes {
            for host in &hosts {
                all.extend(paths.iter().map(|path| format!("{scheme}://{host}{path}")));
            }
        }
    } else {
        for host in hosts_of(question.headers) {
            let name = question.provider.name();
            for path in
                [format!("/webhooks/{name}"), format!("/{name}"), "/".to_owned(), String::new()]
            {
                all.extend(["https", "http"].map(|scheme| format!("{scheme}://{host}{path}")));
            }
        }
        all.push(String::new());
    }
    let mut known = vec![configured.to_owned()];
    all.retain(|url| {
        let is_new = url.len() <= LONGEST_URL && !known.contains(url);
        known.push(url.clone());
        is_new
    });
    all.into_iter().map(|url| differing(configured, url)).collect()
}

fn differing(configured: &str, url: String) -> Change<String> {
    let signed = quoted_to(&url, LONGEST_URL);
    let detail = if configured.is_empty() {
        format!("The signature covers the URL {signed}, but no URL is configured.")
    } else {
        format!(
            "The signature covers the URL {signed}, but {} is configured.",
            quoted_to(configured, LONGEST_URL)
        )
    };
    let fix = format!(
        "Set PUBLIC_URL (of cargo webhook: --public-url) to {signed}, or register the configured \
         URL with the provider, character for character."
    );
    Change::new(Cause::UrlDiffers, url, detail, fix)
}

/// Returns the hosts that the delivery was sent to, according to the sender and to proxies.
fn hosts_of(headers: &[Header]) -> Vec<String> {
    let is_host = |text: &&str| {
        (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let names = ["x-forwarded-host", "x-original-host", "host"];
    names
        .iter()
        .filter_map(|name| value(headers, &[name]))
        .map(str::trim)
        .filter(is_host)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_urls_are_shown_in_full() {
        let configured = format!("https://example.com/{}/", "a".repeat(90));
        let signed = configured.trim_end_matches('/').to_owned();
        let change = differing(&configured, signed.clone());
        let detail = format!(
            "The signature covers the URL \"{signed}\", but \"{configured}\" is configured."
        );
        assert_eq!(change.detail, detail);
        assert!(change.fix.contains(&format!("to \"{signed}\", or ")), "{}", change.fix);
    }
}
