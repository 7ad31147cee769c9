//! `webhook replay`: puts an event on the queue again.

use std::{io::Write, path::PathBuf};

use clap::Args;
use webhook_aws::{BucketName, Environment, QueueUrl, SqsQueue};
use webhook_ingest::{ClaimToken, EventQueue as _, UnixMillis};

use crate::{
    aws::{aws_help, failed, with_aws},
    error::CliError,
    exit_status::ExitStatus,
    input,
    replayed::{NotReplayable, Replay},
    terminal::printable,
};

const EXAMPLES: &str = "\
For an event that was handled and must be handled again. (One that failed is in the dead-letter
queue: see `redrive`.)

The message has a new idempotency key, `<old key>#replay-<UUID>`, and a new deduplication id, so
neither the queue nor a consumer that knows the old key drops it. All else is unchanged: `id`,
`type`, `time` and `data` (byte for byte), and the group, so the message waits behind the group's
messages that are already on the queue.

It is marked as a replay: by the members `replayof` (the old key) and `replayedat`, and by the
message attribute replay=true. A consumer that deduplicates by `idempotencykey` handles it as a new
event. One that deduplicates by `id` drops it, and should use the key instead. One whose work must
not be done twice, such as a payment, must check `replayof`.

The envelope is not verified again: you vouch for it. The idempotency table is not touched.

The body of a large message is in the bucket: download the object that its pointer names, and replay
that file.

Examples:
  cargo webhook replay envelope.json --queue-url \"$QUEUE_URL\"
  jq -r '.Messages[0].Body' received.json | cargo webhook replay --queue-url \"$QUEUE_URL\"
  aws s3 cp s3://webhooks-payloads/{provider}/4f0c… - |
    cargo webhook replay --payload-bucket webhooks-payloads";

/// Puts an event on the queue again although consumers have handled it
#[derive(Args, Debug)]
#[command(after_help = aws_help(EXAMPLES))]
pub(crate) struct ReplayArgs {
    /// File with the body of the event's message (a `CloudEvents` object); standard input if it is
    /// `-` or absent
    envelope: Option<PathBuf>,

    /// URL of the queue [default: the variable `QUEUE_URL`]
    #[arg(long, value_name = "URL")]
    queue_url: Option<QueueUrl>,

    /// Bucket for a message that is too large for the queue [default: the variable
    /// `PAYLOAD_BUCKET`]
    #[arg(long, value_name = "NAME")]
    payload_bucket: Option<BucketName>,
}

impl ReplayArgs {
    pub(crate) fn exec(
        &self,
        environment: &Environment,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let queue_url =
            input::named(self.queue_url.as_ref(), environment, "--queue-url", "QUEUE_URL")?;
        let bucket = match &self.payload_bucket {
            Some(bucket) => Some(bucket.clone()),
            None => environment.optional("PAYLOAD_BUCKET")?,
        };
        let envelope = input::body(self.envelope.as_deref())?;
        let envelope = str::from_utf8(&envelope).map_err(|_| NotReplayable::NotAnObject)?;
        let replay = Replay::new(envelope, UnixMillis::now(), ClaimToken::random())?;
        let message_id = with_aws(async |aws| {
            let queue = SqsQueue::new(aws, queue_url, bucket);
            queue.send(&replay.message).await.map_err(failed("put the message on the queue"))
        })?;
        let (old_key, key) = (printable(&replay.of), printable(&replay.message.idempotency_key));
        writeln!(out, "replayed {old_key} as {key}: message {message_id}")
            .map_err(CliError::Stdout)?;
        Ok(ExitStatus::Success)
    }
}
