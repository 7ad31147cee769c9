//! `webhook record`: what the table remembers of an event.

use std::io::{self, Write};

use webhook_aws_sdk::{Purge, Record, Records};
use webhook_ingest::UnixMillis;

use super::Outcome;
use crate::{
    Error, FindArgs, PurgeArgs, RecordAction, RecordArgs, ShowArgs, TableArgs,
    aws::{failed, with_aws},
    input, notice,
};

pub(super) fn run(args: &RecordArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    match &args.action {
        RecordAction::Show(args) => show(args, out),
        RecordAction::Find(args) => find(args, out),
        RecordAction::Purge(args) => purge(args, out),
    }
}

fn show(args: &ShowArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (table, now) = (table(&args.table)?, input::now_ms()?);
    let record = with_aws(async |aws| Records::new(aws, table).get(&args.id).await.map_err(failed("read the record")))?;
    let Some(record) = record else { return Ok(none(&args.id)) };
    print(&record, now, out).map_err(Error::Stdout)?;
    Ok(Outcome::Done)
}

fn find(args: &FindArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (table, now) = (table(&args.table)?, input::now_ms()?);
    notice(&format!("Reading all of the table {table}: it has no index on the event's id."));
    let mut found = 0_u64;
    let mut printed = Ok(());
    let read = with_aws(async |aws| {
        let each = |record: Record| {
            let gap = if found == 0 { "" } else { "\n" };
            found += 1;
            if printed.is_ok() {
                printed = out.write_all(gap.as_bytes()).and_then(|()| print(&record, now, out));
            }
        };
        Records::new(aws, table).find(&args.event_id, each).await.map_err(failed("read the table"))
    })?;
    printed.map_err(Error::Stdout)?;
    notice(&format!("{found} of {read} records."));
    Ok(if found == 0 { Outcome::Refused } else { Outcome::Done })
}

fn purge(args: &PurgeArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let (table, now) = (table(&args.table)?, input::now_ms()?);
    let purged = with_aws(async |aws| {
        let records = Records::new(aws, table);
        if !args.yes {
            return Ok(match records.get(&args.id).await.map_err(failed("read the record"))? {
                Some(record) => Err(record),
                None => Ok(Purge::Absent),
            });
        }
        let purged =
            if args.force { records.purge_by_force(&args.id).await } else { records.purge(&args.id, now).await };
        purged.map(Ok).map_err(failed("delete the record"))
    })?;
    match purged {
        Err(record) => {
            print(&record, now, out).map_err(Error::Stdout)?;
            Err(Error::NotConfirmed)
        }
        Ok(Purge::Absent) => Ok(none(&args.id)),
        Ok(Purge::InProgress(record)) => {
            print(&record, now, out).map_err(Error::Stdout)?;
            notice(
                "Nothing was deleted: a function is at work on the event. Wait for the end of its lease, or add --force.",
            );
            Ok(Outcome::Refused)
        }
        Ok(Purge::Deleted(record)) => {
            print(&record, now, out).map_err(Error::Stdout)?;
            notice("Deleted.");
            Ok(Outcome::Done)
        }
    }
}

fn table(args: &TableArgs) -> Result<String, Error> {
    input::name(args.table.as_ref(), "--table", "IDEMPOTENCY_TABLE")
}

fn none(id: &str) -> Outcome {
    notice(&format!("There is no record {id}."));
    Outcome::Refused
}

/// One attribute a line; times in words as well.
fn print(record: &Record, now: UnixMillis, out: &mut impl Write) -> io::Result<()> {
    for (name, value) in record.attributes() {
        let time = match name {
            "lease_expires_at_ms" => value.parse().ok().map(UnixMillis),
            "expires_at_s" => value.parse().ok().map(|seconds: i64| UnixMillis(seconds.saturating_mul(1000))),
            _ => None,
        };
        match time {
            Some(time) if time < now => writeln!(out, "{name}: {value} ({}, which is past)", time.rfc3339())?,
            Some(time) => writeln!(out, "{name}: {value} ({})", time.rfc3339())?,
            None => writeln!(out, "{name}: {value}")?,
        }
    }
    Ok(())
}
