//! `webhook replay`: an event on the queue again, as a replay.

use std::io::Write;

use webhook_aws::SqsQueue;
use webhook_ingest::{ClaimToken, EventQueue as _};

use super::Outcome;
use crate::{
    Error, NotReplayable, ReplayArgs,
    aws::{adapters, failed, with_aws},
    input,
    replay::Replay,
};

pub(super) fn run(args: &ReplayArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let queue_url = input::name(args.queue_url.as_ref(), "--queue-url", "QUEUE_URL")?;
    let bucket = input::name(args.payload_bucket.as_ref(), "--payload-bucket", "PAYLOAD_BUCKET").ok();
    let envelope = String::from_utf8(input::body(args.envelope.as_deref())?).map_err(|_| NotReplayable::NotAnObject)?;
    let replay = Replay::new(&envelope, input::now_ms()?, ClaimToken::random().as_str())?;
    let message_id = with_aws(async |aws| {
        let queue = SqsQueue::new(&adapters(aws).await?, queue_url, bucket)?;
        queue.send(&replay.message).await.map_err(failed("put the message on the queue"))
    })?;
    writeln!(out, "replayed {} as {}: message {message_id}", replay.of, replay.key).map_err(Error::Stdout)?;
    Ok(Outcome::Done)
}
