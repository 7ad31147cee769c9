//! `webhook event`: a signed body as the event of an HTTP API.

use std::io::Write;

use super::Outcome;
use crate::{BodyEncoding, Error, EventArgs};

pub(super) fn run(args: &EventArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (delivery, _) = args.signing.sign_dated()?;
    let encoding = if args.base64 { BodyEncoding::Base64 } else { BodyEncoding::Text };
    out.write_all(delivery.to_lambda_event(encoding)?.as_bytes()).map_err(Error::Stdout)?;
    Ok(Outcome::Done)
}
