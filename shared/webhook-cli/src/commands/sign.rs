//! `webhook sign`: the headers that sign a body, one a line.

use std::io::Write;

use super::Outcome;
use crate::{Error, SignArgs};

pub(super) fn run(args: &SignArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (delivery, _) = args.signing.sign()?;
    for header in delivery.signature_headers() {
        let line = [header.name().as_bytes(), b": ", header.value(), b"\n"].concat();
        out.write_all(&line).map_err(Error::Stdout)?;
    }
    Ok(Outcome::Done)
}
