//! Finds the cause of a refusal: from the refusal itself, or by the search.

use webhook_ingest::SecretError;
use webhook_verify::{Delivery, Malformed, VerifyError, description::TimeSource};

use crate::{
    Explanation, Question, Verdict, body,
    cause::Cause,
    change::Change,
    header, scheme,
    search::{Found, search},
    secret::{self, MOST_SECRETS},
    time,
    trial::{LaterRefusal, Refusal, Trials},
    words::{plain, quoted},
};

/// Ends the detail of a fault that must be fixed before any secret can verify the delivery.
const EVEN_THEN: &str = " Fix that first. Even then, none of the given secrets verifies it.";

/// Says what would have to be different for the delivery to be accepted.
pub(crate) fn diagnose(question: &Question<'_>, refusal: &Refusal) -> Explanation {
    let (change, more) = match (refusal, LaterRefusal::of(refusal)) {
        (Refusal::TooLarge, _) => (too_large(), String::new()),
        // The MAC was right, or had not been checked yet.
        (_, Some(refusal)) => (later_refusal(question, &refusal), String::new()),
        (_, None) => {
            let mut trials = Trials::new(question);
            match search(&mut trials) {
                Some(Found { change, other, refusal }) => {
                    let rest = refusal.map(|refusal| later_refusal(question, &refusal));
                    let more = other.into_iter().chain(rest).map(|also| {
                        let code = also.cause.code();
                        format!(" Another fault ({code}): {} {}", also.detail, also.fix)
                    });
                    (change, more.collect())
                }
                None => (unverified(question, refusal, trials.cut_short()), String::new()),
            }
        }
    };
    Explanation {
        verdict: Verdict::Refused,
        reason: Some(refusal.reason()),
        cause: Some(change.cause),
        detail: format!("{}{more}", change.detail),
        fix: change.fix.into_owned(),
    }
}

fn too_large() -> Change<()> {
    let detail = "The body is larger than 6 MiB (6,291,456 bytes). The receiver answers 413 before \
                  it verifies anything.";
    Change::new(Cause::Unknown, (), detail, "Have the provider send smaller deliveries.")
}

/// Says why a delivery is refused although its MAC is right, or before its MAC is checked.
fn later_refusal(question: &Question<'_>, refusal: &LaterRefusal) -> Change<()> {
    match refusal {
        LaterRefusal::NotAccepted(scheme) => scheme::not_accepted(question, scheme.name),
        LaterRefusal::Outside(skew) => time::outside(question, signed_time(question), *skew),
        LaterRefusal::Malformed(Malformed::NotAnObject) => {
            body::not_an_object(question.body, header::value(question.headers, &["content-type"]))
        }
        LaterRefusal::Malformed(Malformed::UnsignedFieldTooLong) => {
            let detail = "The delivery is authentic, but a field that the signature does not cover \
                          is longer than 1,024 bytes.";
            let fix = "Look at the body: somebody may have captured a delivery and made that field \
                       longer.";
            Change::new(Cause::Unknown, (), detail, fix)
        }
    }
}

/// Returns how the scheme that the headers name signs the time.
fn signed_time(question: &Question<'_>) -> Option<webhook_verify::description::Time> {
    let delivery = Delivery::new(question.headers, question.body).ok()?;
    match question.provider.parse(delivery) {
        Ok(unverified) => unverified.scheme().time,
        Err(_) => question.provider.schemes()[0].time,
    }
}

/// Explains a refusal from its own reason, because no changed delivery verifies.
fn unverified(question: &Question<'_>, refusal: &Refusal, cut_short: Option<&str>) -> Change<()> {
    let provider = question.provider;
    match refusal {
        Refusal::Verify(VerifyError::HeaderMissing(name)) => missing(question, name),
        Refusal::Verify(VerifyError::HeaderRepeated(name)) => {
            let detail = format!("The header {} came more than once.{EVEN_THEN}", quoted(name));
            Change::new(Cause::HeaderRepeated, (), detail, header::ONCE)
        }
        Refusal::Verify(VerifyError::HeaderMalformed(name) | VerifyError::SchemeUnknown(name)) => {
            malformed(question, name).unwrap_or_else(|| unknown(question, refusal, cut_short))
        }
        Refusal::Verify(VerifyError::NoSignedText(reason)) => {
            let detail = format!(
                "The signature covers the body, or a part of it, as Python writes it again. This \
                 body has no such form: {reason}. No secret can verify it."
            );
            let fix = "Have the sender send a JSON object, and pass the body on byte for byte.";
            Change::new(Cause::NotAnObject, (), detail, fix)
        }
        Refusal::Secret(error) => {
            let first = question.secrets.first();
            let kind = first.and_then(|given| secret::kind(provider, given, question.body));
            if let (Some(what), SecretError::Spelling(_)) = (kind, error) {
                return of_kind(question, what);
            }
            let what = match first {
                Some(given) => {
                    format!(
                        "The secret in {} cannot be used: {}",
                        quoted(&given.label),
                        plain(error)
                    )
                }
                None => "No secret is given".to_owned(),
            };
            let (cause, fix) = secret::unreadable(error);
            let detail = format!("{what}. The receiver answers 503 until it has a usable secret.");
            Change::new(cause, (), detail, fix)
        }
        Refusal::Verify(_) | Refusal::Malformed(_) | Refusal::TooLarge => {
            let first = question.secrets.first();
            match first.and_then(|given| secret::kind(provider, given, question.body)) {
                Some(what) => of_kind(question, what),
                None => unknown(question, refusal, cut_short),
            }
        }
    }
}

fn of_kind(question: &Question<'_>, what: &str) -> Change<()> {
    let label = question.secrets.first().map_or_else(String::new, |given| quoted(&given.label));
    let detail = format!("The value in {label} looks like {what}. No variant of it verifies.");
    let fix = "Store the signing secret of this webhook endpoint, which the provider shows next to \
               the endpoint. It must be the secret for the mode (test or live) that sends the \
               delivery.";
    Change::new(Cause::SecretKind, (), detail, fix)
}

fn missing(question: &Question<'_>, name: &'static str) -> Change<()> {
    let near = header::near_names(question.provider, question.headers, name);
    let near = if near.is_empty() {
        " No header has a similar name.".to_owned()
    } else {
        let near = near.join(", ");
        format!(" Headers with similar names do not verify in its place: {near}.")
    };
    let senders = scheme::senders(question.provider, question.headers);
    let sender = match &senders[..] {
        [] => String::new(),
        senders => format!(
            " The delivery has the signature header of {}, but the given secrets do not verify it.",
            senders.join(" or ")
        ),
    };
    let detail = format!("The header {} is missing.{near}{sender}", quoted(name));
    let fix = "Proxies, gateways and mapping templates must pass the header on. If the provider \
               never sent it, the delivery is unsigned, or comes from a different provider.";
    Change::new(Cause::HeaderMissing, (), detail, fix)
}

/// Says what is wrong with the form of a header, if that can be seen without a secret.
fn malformed(question: &Question<'_>, name: &'static str) -> Option<Change<()>> {
    let provider = question.provider;
    let signature = provider.schemes()[0].signature.header;
    let is_time =
        provider.schemes().iter().any(|scheme| match scheme.time.map(|time| time.source) {
            Some(TimeSource::Header(names)) => names.contains(&name),
            Some(TimeSource::Label(_)) | None => false,
        });
    let text = header::value(question.headers, signature).unwrap_or_default();
    if is_time {
        let detail =
            format!("The time in the header {} is not a whole number.{EVEN_THEN}", quoted(name));
        let fix = "Have the sender write the time as the provider documents it: as whole seconds \
                   or milliseconds since 1970.";
        return Some(Change::new(Cause::TimestampUnit, (), detail, fix));
    }
    if !signature.contains(&name) {
        return None;
    }
    if let Some(change) = time::label_fault(provider, text) {
        return Some(change);
    }
    let respelled = header::respelled(provider, question.headers).into_iter().next()?;
    let detail = format!("{}{EVEN_THEN}", respelled.detail);
    Some(Change::new(respelled.cause, (), detail, respelled.fix))
}

/// Says that no hypothesis fits, and what was tried.
fn unknown(question: &Question<'_>, refusal: &Refusal, cut_short: Option<&str>) -> Change<()> {
    let looked_at = match question.secrets.len() {
        0 | 1 => "the secret".to_owned(),
        count => format!("each of {} secrets", count.min(MOST_SECRETS)),
    };
    let url = if question.provider.signs_url() { "; other forms of the URL" } else { "" };
    let mut detail = format!(
        "No explanation was found: {}. Tried: {looked_at} as it is, trimmed, without quotes, from \
         JSON, decoded and encoded; the body with other line breaks, decoded, decompressed, in \
         other character sets, as a form, and as JSON written by common programs; headers under \
         similar names and in other forms; the time in other units{url}; the schemes of all other \
         providers; and two of these at a time.",
        plain(refusal)
    );
    detail.push_str(cut_short.unwrap_or_default());
    if str::from_utf8(question.body).is_ok_and(|text| text.contains('\u{fffd}')) {
        detail.push_str(
            " The body has replacement characters (U+FFFD): something on the way decoded bytes \
             that were not UTF-8, and those bytes are lost.",
        );
    }
    let fix = "Most likely this is the wrong secret: it belongs to a different endpoint, account \
               or environment, or it was rotated. Try every secret that you have (--secret-file). \
               If none verifies, the body was changed in a way that cannot be undone: capture it \
               where it first arrives.";
    Change::new(Cause::Unknown, (), detail, fix)
}
