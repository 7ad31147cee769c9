//! `webhook send`: a signed body to a receiver, and its answer: status, `Retry-After` where there is one, body.

use std::io::{self, Write};

use ureq::http::{Request, Response, StatusCode, header::RETRY_AFTER};

use super::Outcome;
use crate::{
    Error, OutgoingDelivery, SendArgs, http,
    input::{SECRET_VARIABLE, SecretSource},
    notice,
};

pub(super) fn run(args: &SendArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (delivery, secret) = args.signing.sign()?;
    let answer = post(args, &delivery)?;
    print(&answer, out).map_err(Error::Stdout)?;
    if answer.status() == StatusCode::UNAUTHORIZED && secret == SecretSource::Development {
        notice(&format!(
            "Signed with the development secret: name the receiver's with --secret-file or {SECRET_VARIABLE}."
        ));
    }
    Ok(if answer.status().is_success() { Outcome::Done } else { Outcome::Refused })
}

fn post(args: &SendArgs, delivery: &OutgoingDelivery) -> Result<Response<Vec<u8>>, Error> {
    let mut request = Request::post(&args.url);
    for header in delivery.headers() {
        request = request.header(header.name(), header.value());
    }
    http::exchange(request.body(delivery.body()))
}

fn print(answer: &Response<Vec<u8>>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", answer.status())?;
    if let Some(seconds) = answer.headers().get(RETRY_AFTER) {
        out.write_all(&[b"Retry-After: ", seconds.as_bytes(), b"\n"].concat())?;
    }
    out.write_all(answer.body())?;
    if answer.body().is_empty() || answer.body().ends_with(b"\n") { Ok(()) } else { writeln!(out) }
}
