//! `webhook redrive`: moves messages from a dead-letter queue back to the queue that they came
//! from.

use std::{collections::HashSet, io::Write, time::Duration};

use clap::Args;
use webhook_aws::{DeadLetter, DeadLetters, QueueUrl};

use crate::{
    aws::{aws_help, failed, with_aws},
    error::CliError,
    exit_status::ExitStatus,
    terminal::{notice, printable},
};

const EXAMPLES: &str = "\
Each message is sent first and deleted afterwards, so none is lost if this is interrupted. It keeps
its body, its attributes, its group and its trace header.

Messages of one group keep their order. Each gets a new deduplication id. Under the old one, a FIFO
queue would drop it as a duplicate within five minutes of the first send but still answer that it
was sent, and the copy in the dead-letter queue would then be deleted. The new id is made of the
message's id, so a redrive that was interrupted between sending and deleting can be run again:
within five minutes the queue drops the second copy; later, consumers drop it by the idempotency
key.

If a message comes back while this runs, a consumer still fails on it, and nothing more is moved.

A FIFO queue shows at most the first ten messages of a group until they are deleted, so --dry-run
may list fewer than there are.

Exit code: 0 if all went well, 1 if a message came back, 2 if a call failed (the lines say what was
moved).

Examples:
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\" --dry-run
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\" --max 1
  cargo webhook redrive --from \"$DEAD_LETTER_QUEUE_URL\" --to \"$QUEUE_URL\"";

/// Long enough to move ten messages of the largest size over a slow line.
const HIDDEN_FOR: Duration = Duration::from_mins(5);

/// Puts the messages of a dead-letter queue back on the queue that they came from
#[derive(Args, Debug)]
#[command(after_help = aws_help(EXAMPLES))]
pub(crate) struct RedriveArgs {
    /// URL of the dead-letter queue
    #[arg(long, value_name = "QUEUE_URL")]
    from: QueueUrl,

    /// URL of the queue that its messages came from
    #[arg(long, value_name = "QUEUE_URL")]
    to: QueueUrl,

    /// Move at most this many messages [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,

    /// List what would be moved, and move nothing
    #[arg(long)]
    dry_run: bool,
}

impl RedriveArgs {
    pub(crate) fn exec(&self, out: &mut impl Write) -> Result<ExitStatus, CliError> {
        if self.from == self.to || self.from.is_fifo() != self.to.is_fifo() {
            return Err(CliError::QueuesDoNotMatch);
        }
        with_aws(async |aws| {
            let from = DeadLetters::new(aws, self.from.clone());
            if self.dry_run { self.list(&from, out).await } else { self.move_all(&from, out).await }
        })
    }

    async fn move_all(
        &self,
        from: &DeadLetters,
        out: &mut impl Write,
    ) -> Result<ExitStatus, CliError> {
        let mut moved = HashSet::new();
        loop {
            let letters = self.receive(from, moved.len()).await?;
            if letters.is_empty() {
                summary(from, "moved", moved.len()).await?;
                return Ok(ExitStatus::Success);
            }
            for (position, letter) in letters.iter().enumerate() {
                // The messages after it go back as well, because a group keeps its order.
                if moved.contains(letter.id()) {
                    release(from, &letters[position..]).await;
                    notice(&format!("Message {} came back: a consumer fails on it.", letter.id()));
                    summary(from, "moved", moved.len()).await?;
                    return Ok(ExitStatus::Refused);
                }
                let sent_id = match move_one(from, letter, &self.to).await {
                    Ok(sent_id) => sent_id,
                    Err(error) => {
                        release(from, &letters[position..]).await;
                        return Err(error);
                    }
                };
                if let Err(error) =
                    writeln!(out, "moved {} as {sent_id}{}", letter.id(), about(letter))
                {
                    release(from, &letters[position + 1..]).await;
                    return Err(CliError::Stdout(error));
                }
                moved.insert(sent_id);
            }
        }
    }

    async fn list(&self, from: &DeadLetters, out: &mut impl Write) -> Result<ExitStatus, CliError> {
        let mut held = Vec::new();
        let listed = loop {
            match self.receive(from, held.len()).await {
                Ok(letters) if letters.is_empty() => break Ok(()),
                Ok(letters) => held.extend(letters),
                Err(error) => break Err(error),
            }
        };
        release(from, &held).await;
        listed?;
        for letter in &held {
            writeln!(out, "would move {}{}", letter.id(), about(letter))
                .map_err(CliError::Stdout)?;
        }
        summary(from, "would be moved", held.len()).await?;
        Ok(ExitStatus::Success)
    }

    async fn receive(
        &self,
        from: &DeadLetters,
        so_far: usize,
    ) -> Result<Vec<DeadLetter>, CliError> {
        let left = self
            .max
            .map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX))
            .saturating_sub(so_far);
        if left == 0 {
            return Ok(Vec::new());
        }
        from.receive(left, HIDDEN_FOR).await.map_err(failed("receive from the dead-letter queue"))
    }
}

/// Sends, and only then deletes.
async fn move_one(
    from: &DeadLetters,
    letter: &DeadLetter,
    to: &QueueUrl,
) -> Result<String, CliError> {
    let sent_id = from.send(letter, to).await.map_err(failed("send the message"))?;
    match from.delete(letter).await {
        Ok(()) => Ok(sent_id),
        Err(source) => Err(CliError::NotDeleted { id: letter.id().to_owned(), source }),
    }
}

/// Makes the messages visible again. One that cannot be released becomes visible by itself when
/// [`HIDDEN_FOR`] is over.
async fn release(from: &DeadLetters, letters: &[DeadLetter]) {
    for letter in letters {
        let _ = from.release(letter).await;
    }
}

async fn summary(from: &DeadLetters, what: &str, count: usize) -> Result<(), CliError> {
    let left = from.about().await.map_err(failed("ask the dead-letter queue for its length"))?;
    notice(&format!("{count} {what}; the dead-letter queue holds about {left}."));
    Ok(())
}

fn about(letter: &DeadLetter) -> String {
    facts([
        ("key", letter.attribute("idempotency_key")),
        ("type", letter.attribute("event_type")),
        ("group", letter.group_id()),
    ])
}

/// Formats the facts that are known. A sender may have chosen them.
fn facts<const N: usize>(facts: [(&str, Option<&str>); N]) -> String {
    facts
        .iter()
        .filter_map(|(name, value)| Some(format!(", {name} {}", printable((*value)?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_the_sender_wrote() {
        let line = facts([
            ("key", Some("stripe#\u{2028}1")),
            ("type", Some("a\u{1b}[31m\nmoved b")),
            ("group", None),
        ]);
        assert_eq!(line, ", key stripe#\\u20281, type a\\u001b[31m\\nmoved b");
    }
}
