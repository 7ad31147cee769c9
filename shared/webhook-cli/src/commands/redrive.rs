//! `webhook redrive`: from a dead-letter queue back to where its messages came from.

use std::{collections::HashSet, io::Write, time::Duration};

use webhook_aws_sdk::{DeadLetter, DeadLetters};

use super::Outcome;
use crate::{
    Error, RedriveArgs,
    aws::{failed, with_aws},
    notice,
};

/// Long enough to move ten messages of the largest size over a slow line.
const HIDDEN_FOR: Duration = Duration::from_mins(5);

pub(super) fn run(args: &RedriveArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    if args.from == args.to || is_fifo(&args.from) != is_fifo(&args.to) {
        return Err(Error::QueuesUnfit);
    }
    with_aws(async |aws| {
        let from = DeadLetters::new(aws, args.from.clone());
        if args.dry_run { list(&from, args, out).await } else { move_all(&from, args, out).await }
    })
}

async fn move_all(from: &DeadLetters, args: &RedriveArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let mut moved = HashSet::new();
    loop {
        let letters = receive(from, args, moved.len()).await?;
        if letters.is_empty() {
            break;
        }
        for (position, letter) in letters.iter().enumerate() {
            let gone_on =
                if moved.contains(letter.id()) { Ok(None) } else { move_one(from, letter, &args.to).await.map(Some) };
            match gone_on {
                Ok(Some(sent_id)) => {
                    writeln!(out, "moved {} as {sent_id}{}", letter.id(), about(letter)).map_err(Error::Stdout)?;
                    moved.insert(sent_id);
                }
                // What was received after it stays behind it: a group keeps its order.
                Ok(None) => {
                    release(from, &letters[position..]).await;
                    notice(&format!("Message {} came back: a consumer fails on it.", letter.id()));
                    summary(from, "moved", moved.len()).await?;
                    return Ok(Outcome::Refused);
                }
                Err(error) => {
                    release(from, &letters[position..]).await;
                    return Err(error);
                }
            }
        }
    }
    summary(from, "moved", moved.len()).await?;
    Ok(Outcome::Done)
}

/// Sends, and only then deletes.
async fn move_one(from: &DeadLetters, letter: &DeadLetter, to: &str) -> Result<String, Error> {
    let sent_id = from.send(letter, to).await.map_err(failed("send the message"))?;
    match from.delete(letter).await {
        Ok(()) => Ok(sent_id),
        Err(source) => Err(Error::NotDeleted { id: letter.id().to_owned(), source }),
    }
}

async fn list(from: &DeadLetters, args: &RedriveArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let mut held = Vec::new();
    let listed = loop {
        match receive(from, args, held.len()).await {
            Ok(letters) if letters.is_empty() => break Ok(()),
            Ok(letters) => held.extend(letters),
            Err(error) => break Err(error),
        }
    };
    release(from, &held).await;
    listed?;
    for letter in &held {
        writeln!(out, "would move {}{}", letter.id(), about(letter)).map_err(Error::Stdout)?;
    }
    summary(from, "would be moved", held.len()).await?;
    Ok(Outcome::Done)
}

async fn receive(from: &DeadLetters, args: &RedriveArgs, so_far: usize) -> Result<Vec<DeadLetter>, Error> {
    let left = args.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX)).saturating_sub(so_far);
    if left == 0 {
        return Ok(Vec::new());
    }
    from.receive(left, HIDDEN_FOR).await.map_err(failed("receive from the dead-letter queue"))
}

/// One that cannot be released shows itself in time.
async fn release(from: &DeadLetters, letters: &[DeadLetter]) {
    for letter in letters {
        let _ = from.release(letter).await;
    }
}

async fn summary(from: &DeadLetters, what: &str, count: usize) -> Result<(), Error> {
    let left = from.about().await.map_err(failed("ask the dead-letter queue for its length"))?;
    notice(&format!("{count} {what}; the dead-letter queue holds about {left}."));
    Ok(())
}

/// What it is about, as far as its attributes say.
fn about(letter: &DeadLetter) -> String {
    let facts = [
        ("key", letter.attribute("idempotency_key")),
        ("type", letter.attribute("event_type")),
        ("group", letter.group_id()),
    ];
    facts.iter().filter_map(|(name, value)| Some(format!(", {name} {}", (*value)?))).collect()
}

fn is_fifo(url: &str) -> bool {
    url.strip_suffix(".fifo").is_some()
}
