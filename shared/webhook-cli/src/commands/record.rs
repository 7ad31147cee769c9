//! `webhook record`: shows, finds and deletes what the table remembers of an event.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use webhook_aws::{Environment, Purge, Record, Records, TableName};
use webhook_ingest::UnixMillis;

use crate::{
    aws::{aws_help, failed, with_aws},
    error::CliError,
    exit_status::ExitStatus,
    input,
    terminal::{notice, printable},
};

const SHOW_EXAMPLES: &str = "\
Exit code: 0 if the record exists, 1 if it does not, 2 if the table could not be read.
Quote the key: to a shell, # may begin a comment.

Examples:
  cargo webhook record show '{provider}#e1' --table webhooks-records
  IDEMPOTENCY_TABLE=webhooks-records cargo webhook record show '{provider}#e1'";

const FIND_EXAMPLES: &str = "\
The table has no index on the event's id, so this reads, and you pay for, the whole table. If you
know the key, use `show`.

Exit code: 0 if a record was found, 1 if not, 2 if the table could not be read.

Examples:
  cargo webhook record find --event-id e1 --table webhooks-records";

const PURGE_EXAMPLES: &str = "\
The next delivery of the event is then queued again. (A FIFO queue still drops it within five
minutes of the first.) To hand consumers an event again, use `replay`.

A record that is IN_PROGRESS with a lease that has not expired is kept: a function is processing the
event, and without the record the next delivery would be queued as well. --force deletes it.

Exit code: 0 if it was deleted, 1 if it does not exist or is in use, 2 if --yes is missing or a call
failed.

Examples:
  cargo webhook record purge '{provider}#e1' --table webhooks-records
  cargo webhook record purge '{provider}#e1' --table webhooks-records --yes";

/// Shows, finds or deletes an event's idempotency record
#[derive(Args, Debug)]
pub(crate) struct RecordArgs {
    #[command(subcommand)]
    action: RecordAction,
}

#[derive(Debug, Subcommand)]
enum RecordAction {
    /// Prints the record with this key
    #[command(after_help = aws_help(SHOW_EXAMPLES))]
    Show(ShowArgs),
    /// Finds an event's records by the event's own id; reads the whole table
    #[command(after_help = aws_help(FIND_EXAMPLES))]
    Find(FindArgs),
    /// Deletes the record with this key, so that the event's next delivery counts as its first
    #[command(after_help = aws_help(PURGE_EXAMPLES))]
    Purge(PurgeArgs),
}

#[derive(Args, Debug)]
struct TableArgs {
    /// The table with the records [default: the variable `IDEMPOTENCY_TABLE`]
    #[arg(long, value_name = "NAME")]
    table: Option<TableName>,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The idempotency key, as logs and messages have it, such as `<provider>#<event id>`
    idempotency_key: String,

    #[command(flatten)]
    table: TableArgs,
}

#[derive(Args, Debug)]
struct FindArgs {
    /// The event's id, as the provider or the message has it
    #[arg(long, value_name = "ID")]
    event_id: String,

    #[command(flatten)]
    table: TableArgs,
}

#[derive(Args, Debug)]
struct PurgeArgs {
    /// The idempotency key, as logs and messages have it, such as `<provider>#<event id>`
    idempotency_key: String,

    #[command(flatten)]
    table: TableArgs,

    /// Delete it; without this nothing is deleted
    #[arg(long)]
    yes: bool,

    /// Delete it even while a function is processing the event
    #[arg(long)]
    force: bool,
}

impl RecordArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        match &self.action {
            RecordAction::Show(args) => args.exec(environment, out),
            RecordAction::Find(args) => args.exec(environment, out),
            RecordAction::Purge(args) => args.exec(environment, out),
        }
    }
}

impl TableArgs {
    fn name(&self, environment: &Environment) -> Result<TableName, CliError> {
        input::named(self.table.as_ref(), environment, "--table", "IDEMPOTENCY_TABLE")
    }
}

impl ShowArgs {
    fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let table = self.table.name(environment)?;
        let record = with_aws(async |aws| {
            Records::new(aws, table)
                .get(&self.idempotency_key)
                .await
                .map_err(failed("read the record"))
        })?;
        let Some(record) = record else { return Ok(absent(&self.idempotency_key)) };
        print(&record, UnixMillis::now(), out).map_err(CliError::Stdout)?;
        Ok(ExitStatus::Success)
    }
}

impl FindArgs {
    fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let (table, now) = (self.table.name(environment)?, UnixMillis::now());
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
            Records::new(aws, table)
                .find(&self.event_id, each)
                .await
                .map_err(failed("read the table"))
        })?;
        printed.map_err(CliError::Stdout)?;
        notice(&format!("{found} of {read} records."));
        Ok(if found == 0 { ExitStatus::Refused } else { ExitStatus::Success })
    }
}

impl PurgeArgs {
    fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let (table, now) = (self.table.name(environment)?, UnixMillis::now());
        with_aws(async |aws| {
            let records = Records::new(aws, table);
            if self.yes {
                self.delete(&records, now, out).await
            } else {
                self.preview(&records, now, out).await
            }
        })
    }

    /// Shows what `--yes` would delete.
    async fn preview(
        &self,
        records: &Records,
        now: UnixMillis,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let record = records.get(&self.idempotency_key).await.map_err(failed("read the record"))?;
        let Some(record) = record else { return Ok(absent(&self.idempotency_key)) };
        print(&record, now, out).map_err(CliError::Stdout)?;
        Err(CliError::NotConfirmed)
    }

    async fn delete(
        &self,
        records: &Records,
        now: UnixMillis,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let key = &self.idempotency_key;
        let purge = if self.force {
            records.purge_by_force(key).await
        } else {
            records.purge(key, now).await
        };
        match purge.map_err(failed("delete the record"))? {
            Purge::Absent => Ok(absent(key)),
            Purge::InProgress(record) => {
                print(&record, now, out).map_err(CliError::Stdout)?;
                notice(
                    "Nothing was deleted: a function is processing the event. Wait until its lease \
                     expires, or add --force.",
                );
                Ok(ExitStatus::Refused)
            }
            Purge::Deleted(record) => {
                print(&record, now, out).map_err(CliError::Stdout)?;
                notice("Deleted.");
                Ok(ExitStatus::Success)
            }
        }
    }
}

fn absent(idempotency_key: &str) -> ExitStatus {
    notice(&format!("There is no record {idempotency_key}."));
    ExitStatus::Refused
}

/// Prints one attribute per line, with times as dates too.
fn print(record: &Record, now: UnixMillis, out: &mut impl Write) -> io::Result<()> {
    record
        .attributes()
        .into_iter()
        .try_for_each(|(name, value)| writeln!(out, "{}", line(name, value, now)))
}

fn line(name: &str, value: &str, now: UnixMillis) -> String {
    let time = match name {
        "lease_expires_at_ms" => value.parse().ok().map(UnixMillis),
        "expires_at_s" => {
            value.parse().ok().map(|seconds: i64| UnixMillis(seconds.saturating_mul(1000)))
        }
        _ => None,
    };
    let (name, value) = (printable(name), printable(value));
    match time {
        Some(time) if time < now => format!("{name}: {value} ({}, which is past)", time.rfc3339()),
        Some(time) => format!("{name}: {value} ({})", time.rfc3339()),
        None => format!("{name}: {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_one_line_whatever_the_sender_wrote() {
        let now = UnixMillis(1_795_297_388_000);
        for (name, value, expected) in [
            (
                "event_type",
                "a\u{1b}[31m\nstatus: ENQUEUED",
                "event_type: a\\u001b[31m\\nstatus: ENQUEUED",
            ),
            ("a\rb", "\u{202e}", "a\\rb: \\u202e"),
            ("expires_at_s", "1795297388", "expires_at_s: 1795297388 (2026-11-21T21:43:08Z)"),
            (
                "lease_expires_at_ms",
                "1795297387999",
                "lease_expires_at_ms: 1795297387999 (2026-11-21T21:43:07.999Z, which is past)",
            ),
            ("expires_at_s", "soon", "expires_at_s: soon"),
        ] {
            assert_eq!(line(name, value, now), expected);
        }
    }
}
