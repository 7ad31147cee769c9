//! What an operator can ask for: records, redrive, replay.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::aws_help;

/// `webhook record`.
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// What to do with records.
    #[command(subcommand)]
    pub action: RecordAction,
}

/// What can be done with records.
#[derive(Debug, Subcommand)]
pub enum RecordAction {
    /// Prints the record with this key
    #[command(after_help = aws_help(SHOW_EXAMPLES))]
    Show(ShowArgs),
    /// Prints the records of an event by the event's own id: reads the whole table
    #[command(after_help = aws_help(FIND_EXAMPLES))]
    Find(FindArgs),
    /// Deletes the record with this key, so that the event's next delivery counts as its first
    #[command(after_help = aws_help(PURGE_EXAMPLES))]
    Purge(PurgeArgs),
}

/// Which table.
#[derive(Args, Debug)]
pub struct TableArgs {
    /// The table with the records [default: the variable `IDEMPOTENCY_TABLE`]
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
}

/// `webhook record show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The idempotency key, as logs and messages have it, such as `pinwheel#e1`
    #[arg(value_name = "IDEMPOTENCY_KEY")]
    pub id: String,

    /// Which table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// `webhook record find`.
#[derive(Args, Debug)]
pub struct FindArgs {
    /// The event's id, as the provider or the message has it
    #[arg(long, value_name = "ID")]
    pub event_id: String,

    /// Which table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// `webhook record purge`.
#[derive(Args, Debug)]
pub struct PurgeArgs {
    /// The idempotency key, as logs and messages have it, such as `pinwheel#e1`
    #[arg(value_name = "IDEMPOTENCY_KEY")]
    pub id: String,

    /// Which table.
    #[command(flatten)]
    pub table: TableArgs,

    /// Delete it; without this nothing is deleted
    #[arg(long)]
    pub yes: bool,

    /// Delete it even while a function is at work on the event
    #[arg(long)]
    pub force: bool,
}

/// `webhook redrive`.
#[derive(Args, Debug)]
pub struct RedriveArgs {
    /// URL of the dead-letter queue
    #[arg(long, value_name = "QUEUE_URL")]
    pub from: String,

    /// URL of the queue that its messages came from
    #[arg(long, value_name = "QUEUE_URL")]
    pub to: String,

    /// Move no more than so many messages [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max: Option<u64>,

    /// List what would be moved, and move nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `webhook replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// File with the body of the event's message (a `CloudEvents` object); standard input where it is `-` or absent
    pub envelope: Option<PathBuf>,

    /// URL of the queue [default: the variable `QUEUE_URL`]
    #[arg(long, value_name = "URL")]
    pub queue_url: Option<String>,

    /// Bucket for a message that is too large for the queue [default: the variable `PAYLOAD_BUCKET`]
    #[arg(long, value_name = "NAME")]
    pub payload_bucket: Option<String>,
}

const SHOW_EXAMPLES: &str = "\
Exit code: 0 where there is such a record, 1 where there is none, 2 where the table could not be asked.
Quote the key: to a shell, # may begin a comment.

Examples:
  cargo webhook record show 'pinwheel#e1' --table webhooks-records
  IDEMPOTENCY_TABLE=webhooks-records cargo webhook record show 'pinwheel#e1'";

const FIND_EXAMPLES: &str = "\
The table has no index on the event's id, so this reads all of it, and costs as much. With the key, use `show`.

Exit code: 0 where there is such a record, 1 where there is none, 2 where the table could not be asked.

Examples:
  cargo webhook record find --event-id e1 --table webhooks-records";

const PURGE_EXAMPLES: &str = "\
The next delivery of the event is then queued again. A FIFO queue drops it all the same within five minutes of the
first; to hand consumers an event again, use `replay`.

A record that is IN_PROGRESS under a lease that has not run out is kept: a function is at work on the event, and its
next delivery would be queued beside it. --force deletes it.

Exit code: 0 where it was deleted, 1 where there is none or it is in use, 2 where nothing was asked for or answered.

Examples:
  cargo webhook record purge 'pinwheel#e1' --table webhooks-records
  cargo webhook record purge 'pinwheel#e1' --table webhooks-records --yes";

/// `webhook redrive --help`.
pub(super) const REDRIVE_EXAMPLES: &str = "\
Each message is sent first and deleted afterwards, so that none is lost wherever this ends. It keeps its body, its
attributes, its group and its trace header. Messages of one group keep their order.

Its deduplication id is new. Under its old one, a FIFO queue would take it for a repetition within five minutes of the
first send: answer that it was sent, drop it, and the copy in the dead-letter queue would be deleted next. The new one
is made of the message's id, so that a redrive that ended between sending and deleting can be run again: within five
minutes the queue drops the second copy; later, consumers do, by the idempotency key.

Where a message comes back while this runs, a consumer still fails on it: nothing more is moved.

A FIFO queue shows the first ten messages of a group at most while they are not deleted, so --dry-run may list fewer
than there are.

Exit code: 0 where all went well, 1 where a message came back, 2 where a call failed (the lines say what was moved).

Examples:
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\" --dry-run
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\" --max 1
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\"";

/// `webhook replay --help`.
pub(super) const REPLAY_EXAMPLES: &str = "\
For an event that was handled and must be handled again. (One that failed lies in the dead-letter queue: `redrive`.)

The message has a fresh idempotency key, `<old key>#replay-<UUID>`, and a fresh deduplication id, so that neither the
queue nor a consumer that knows the old key drops it. All else is as it was: `id`, `type`, `time` and `data` (byte for
byte), and the group, so that it waits its turn behind the group's messages that are on the queue already.

It says what it is: the members `replayof` (the old key) and `replayedat`, and the message attribute replay=true. A
consumer that deduplicates on `idempotencykey` handles it as a new event. One that deduplicates on `id` drops it: let
it use the key. One whose work must not be done twice, such as a payment, looks at `replayof`.

The envelope is taken from you, and its signature is not checked again. The idempotency table is not touched.

A large message's body is in the bucket: copy the object that its pointer names, and replay that file.

Examples:
  cargo webhook replay envelope.json --queue-url \"$QUEUE_URL\"
  jq -r .Messages[0].Body received.json | cargo webhook replay --queue-url \"$QUEUE_URL\"
  aws s3 cp s3://webhooks-payloads/pinwheel/4f0c… - | cargo webhook replay --payload-bucket webhooks-payloads";
