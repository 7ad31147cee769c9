//! From a refusal to its cause: what the refusal itself says, or what the search finds.

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
    trial::{Late, Refusal, Trials},
    words::quoted,
};

/// Says what would have to be different for the delivery not to be refused.
pub(crate) fn diagnose(question: &Question<'_>, refusal: &Refusal) -> Explanation {
    let (change, more) = match (refusal, Late::of(refusal)) {
        (Refusal::TooLarge, _) => (too_large(), String::new()),
        // The MAC was right, or was not looked at yet.
        (_, Some(refusal)) => (late(question, &refusal), String::new()),
        (_, None) => {
            let mut trials = Trials::new(question);
            match search(&mut trials) {
                Some(Found { change, other, refusal }) => {
                    let rest = refusal.map(|refusal| late(question, &refusal));
                    let more = other.into_iter().chain(rest).map(|also| {
                        format!(" Besides ({}): {} {}", also.cause.code(), also.detail, also.fix)
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
    let detail = "The body has more than 6 MiB (6,291,456 bytes), which is answered 413 before anything is verified.";
    Change::new(Cause::Unknown, (), detail, "Let the provider send less at once.")
}

/// Says why a delivery is refused whose MAC is right, or is not looked at.
fn late(question: &Question<'_>, refusal: &Late) -> Change<()> {
    match refusal {
        Late::NotAccepted(scheme) => scheme::not_accepted(question, scheme.name),
        Late::Outside(skew) => time::outside(question, signed_time(question), *skew),
        Late::Malformed(Malformed::NotAnObject) => {
            body::not_an_object(question.body, header::value(question.headers, &["content-type"]))
        }
        Late::Malformed(Malformed::UnsignedFieldTooLong) => {
            let detail = "The delivery is authentic, and a field that no signature covers is longer than 1,024 bytes.";
            Change::new(
                Cause::Unknown,
                (),
                detail,
                "Look at the body: somebody may have made a captured delivery longer.",
            )
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

/// Says what the refusal itself says, if no changed delivery verifies.
fn unverified(question: &Question<'_>, refusal: &Refusal, cut_short: Option<&str>) -> Change<()> {
    const EVEN_SO: &str = " Mend that first; with the given secrets it does not verify even so.";
    let provider = question.provider;
    match refusal {
        Refusal::Verify(VerifyError::HeaderMissing(name)) => missing(question, name),
        Refusal::Verify(VerifyError::HeaderRepeated(name)) => {
            let detail = format!("The header {} is there more than once.{EVEN_SO}", quoted(name));
            let fix = "Let each hop pass the header on once: two values could be read differently by a proxy and by the receiver.";
            Change::new(Cause::HeaderRepeated, (), detail, fix)
        }
        Refusal::Verify(VerifyError::HeaderMalformed(name) | VerifyError::SchemeUnknown(name)) => {
            malformed(question, name).unwrap_or_else(|| unknown(question, refusal, cut_short))
        }
        Refusal::Verify(VerifyError::NoSignedText(reason)) => {
            let detail = format!(
                "The provider signs a part of the body that is written again, and the body has none: {reason}. No secret verifies that."
            );
            Change::new(
                Cause::NotAnObject,
                (),
                detail,
                "Pass the body on byte for byte, and let the sender send a JSON object.",
            )
        }
        Refusal::Secret(error) => {
            let first = question.secrets.first();
            let kind = first.and_then(|given| secret::kind(provider, given, question.body));
            if let (Some(what), SecretError::Spelling(_)) = (kind, error) {
                return of_kind(question, what);
            }
            let label =
                first.map_or_else(|| "No secret is given".to_owned(), |given| quoted(&given.label));
            let (cause, fix) = secret::unreadable(error);
            let detail =
                format!("{label}: {error}. The receiver answers 503 until it has a secret.");
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
    let detail =
        format!("By its beginning, the value of {label} is {what}: no change of it verifies.");
    let fix = "Store the signing secret of this webhook endpoint, which the provider shows beside the endpoint, of the mode that \
               sends the delivery.";
    Change::new(Cause::SecretKind, (), detail, fix)
}

fn missing(question: &Question<'_>, name: &'static str) -> Change<()> {
    let near = header::near_names(question.provider, question.headers, name);
    let near = if near.is_empty() {
        " No header has a name like it.".to_owned()
    } else {
        format!(" These have a name like it, and do not verify in its place: {}.", near.join(", "))
    };
    let senders = scheme::senders(question.provider, question.headers);
    let sender = match &senders[..] {
        [] => String::new(),
        senders => format!(
            " It has a signature as {} sends it, which does not verify with the given secrets.",
            senders.join(" or ")
        ),
    };
    let detail = format!("The header {} is missing.{near}{sender}", quoted(name));
    let fix = "Let proxies, gateways and mapping templates pass the header on. If the provider never sent it, the delivery is not \
               signed, or is another provider's.";
    Change::new(Cause::HeaderMissing, (), detail, fix)
}

/// Says what is wrong with the form of a header, if that can be seen without a secret.
fn malformed(question: &Question<'_>, name: &'static str) -> Option<Change<()>> {
    const EVEN_SO: &str = "with the given secrets it does not verify even so.";
    let provider = question.provider;
    let signature = provider.schemes()[0].signature.header;
    let is_time = provider.schemes().iter().any(|scheme| {
        matches!(scheme.time.map(|time| time.source), Some(TimeSource::Header(names)) if names.contains(&name))
    });
    let text = header::value(question.headers, signature).unwrap_or_default();
    if is_time {
        let detail =
            format!("The header {} has not only digits. Mend that first; {EVEN_SO}", quoted(name));
        let fix = "Let the sender write the time as whole seconds, or milliseconds, since 1970, as the provider documents.";
        return Some(Change::new(Cause::TimestampUnit, (), detail, fix));
    }
    if !signature.contains(&name) {
        return None;
    }
    if let Some(change) = time::label_fault(provider, text) {
        return Some(change);
    }
    let respelled = header::respelled(provider, question.headers).into_iter().next()?;
    let detail = format!("{} Mend that first; {EVEN_SO}", respelled.detail);
    Some(Change::new(respelled.cause, (), detail, respelled.fix))
}

/// Says honestly that nothing fits, and what was tried.
fn unknown(question: &Question<'_>, refusal: &Refusal, cut_short: Option<&str>) -> Change<()> {
    let looked_at = match question.secrets.len() {
        0 | 1 => "the secret".to_owned(),
        count => format!("each of {} secrets", count.min(MOST_SECRETS)),
    };
    let url = if question.provider.signs_url() { "; other forms of the URL" } else { "" };
    let mut detail = format!(
        "No hypothesis fits: {refusal}. Tried: {looked_at} as it is, trimmed, without quotes, from JSON, decoded and encoded; the \
         body with other line breaks, decoded, decompressed, in other character sets, as a form, and as JSON in the spellings of \
         common programs; the headers under near names and in other forms; the time in other units{url}; the schemes of all other \
         providers; and two of these at a time."
    );
    detail.push_str(cut_short.unwrap_or_default());
    if str::from_utf8(question.body).is_ok_and(|text| text.contains('\u{fffd}')) {
        detail.push_str(" The body has replacement characters (U+FFFD): something decoded it that was not UTF-8, and its bytes are lost.");
    }
    let fix = "Most likely the secret is another: that of another endpoint, account or environment, or one that was rotated. Give all \
               that you have with --secret-file. Else the body was changed in a way that cannot be undone: capture it where it first \
               arrives.";
    Change::new(Cause::Unknown, (), detail, fix)
}
