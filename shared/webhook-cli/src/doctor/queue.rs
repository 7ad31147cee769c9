//! Checks the queue and its dead-letter queue: which messages they take, and how long they keep
//! them.

use std::collections::HashMap;

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use serde_json::Value;
use webhook_aws::{SQS_MAX_BYTES, call_error, is_fifo};

use crate::doctor::{
    asked::Asked,
    functions::queue_of_arn,
    keys::Keys,
    report::{Finding, ok, skipped, unknown, warning, wrong},
    stack::Stack,
};

/// The longest time that SQS keeps a message.
const FOURTEEN_DAYS_S: u64 = 14 * 86_400;

/// A queue's ARN, and its attributes in SQS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    pub(crate) arn: String,
    attributes: HashMap<QueueAttributeName, String>,
}

impl Queue {
    fn text(&self, name: &QueueAttributeName) -> &str {
        self.attributes.get(name).map(String::as_str).unwrap_or_default()
    }

    fn number(&self, name: &QueueAttributeName) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    fn retention_s(&self) -> u64 {
        self.number(&QueueAttributeName::MessageRetentionPeriod)
    }

    /// Returns the ARN of its dead-letter queue.
    fn dead_letters(&self) -> Option<String> {
        let policy: Value =
            serde_json::from_str(self.text(&QueueAttributeName::RedrivePolicy)).ok()?;
        policy["deadLetterTargetArn"].as_str().map(str::to_owned)
    }
}

/// Checks both queues, and notes their keys.
pub(crate) async fn check(
    client: &Client,
    stack: &Stack,
    arn: &str,
    keys: &mut Keys,
) -> Vec<Finding> {
    let queue = match read(client, arn).await {
        Asked::Found(queue) => queue,
        Asked::Absent => {
            return vec![wrong(
                "queue",
                format!("{arn} does not exist: name another queue in ExistingQueueArn"),
            )];
        }
        Asked::Failed(error) => {
            return vec![unknown("queue", &format!("read the queue {arn}"), &error)];
        }
    };
    keys.used(Some(queue.text(&QueueAttributeName::KmsMasterKeyId)), "the queue", true);
    let mut findings = vec![kind(&queue), size(&queue), retention(&queue)];
    let known =
        stack.output("DeadLetterQueueArn").unwrap_or(stack.parameter("ExistingDeadLetterQueueArn"));
    findings.push(redrive(&queue, known));
    if let Some(arn) = queue.dead_letters() {
        findings.push(match read(client, &arn).await {
            Asked::Found(dead_letters) => {
                let key = dead_letters.text(&QueueAttributeName::KmsMasterKeyId);
                keys.used(Some(key), "the dead-letter queue", false);
                dead_letter_retention(&queue, &dead_letters)
            }
            Asked::Absent => wrong(
                "dead-letters.retention",
                format!("{arn} does not exist: name another in {REDRIVE}"),
            ),
            Asked::Failed(error) => {
                unknown("dead-letters.retention", &format!("read the queue {arn}"), &error)
            }
        });
    }
    findings
}

/// Where a queue names its dead-letter queue.
const REDRIVE: &str = "the queue's redrive policy";

async fn read(client: &Client, arn: &str) -> Asked<Queue> {
    let (account, name) = queue_of_arn(arn);
    let url =
        client.get_queue_url().queue_name(name).queue_owner_aws_account_id(account).send().await;
    let url = match Asked::from(url.map_err(|error| call_error(&error))) {
        Asked::Found(url) => url.queue_url.unwrap_or_default(),
        Asked::Absent => return Asked::Absent,
        Asked::Failed(error) => return Asked::Failed(error),
    };
    let read = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await;
    let read = read
        .map(|read| Queue { arn: arn.to_owned(), attributes: read.attributes.unwrap_or_default() });
    Asked::from(read.map_err(|error| call_error(&error)))
}

fn kind(queue: &Queue) -> Finding {
    let Queue { arn, .. } = queue;
    if is_fifo(arn) {
        ok("queue", format!("{arn} is a FIFO queue"))
    } else {
        warning(
            "queue",
            format!(
                "{arn} is a standard queue: it may deliver events twice and out of order, so \
                 consumers must deduplicate"
            ),
        )
    }
}

fn size(queue: &Queue) -> Finding {
    let most = queue.number(&QueueAttributeName::MaximumMessageSize);
    let arn = &queue.arn;
    if most >= SQS_MAX_BYTES as u64 {
        return ok("queue.size", format!("{arn} takes messages of up to {most} bytes"));
    }
    warning(
        "queue.size",
        format!(
            "{arn} takes messages of up to {most} bytes: longer ones go to the payload bucket, \
             with a pointer on the queue; set MaximumMessageSize to {SQS_MAX_BYTES}"
        ),
    )
}

fn retention(queue: &Queue) -> Finding {
    let (arn, kept) = (&queue.arn, queue.retention_s());
    if kept >= FOURTEEN_DAYS_S {
        return ok("queue.retention", format!("{arn} keeps messages for 14 days"));
    }
    warning(
        "queue.retention",
        format!(
            "{arn} keeps messages for {kept} s: an event that no consumer has taken by then is \
             lost; set MessageRetentionPeriod to {FOURTEEN_DAYS_S}"
        ),
    )
}

/// `known` is the dead-letter queue that the stack has an alarm for, or empty.
fn redrive(queue: &Queue, known: &str) -> Finding {
    let arn = &queue.arn;
    match queue.dead_letters() {
        None => wrong(
            "dead-letters",
            format!(
                "{arn} has no dead-letter queue: a message that consumers fail on blocks its group \
                 until it expires; name one in the queue's redrive policy"
            ),
        ),
        Some(_) if known.is_empty() => skipped(
            "dead-letters",
            format!(
                "the dead-letter queue of {arn} has no alarm: name it in ExistingDeadLetterQueueArn"
            ),
        ),
        Some(actual) if actual == known => {
            ok("dead-letters", format!("{arn} sends failed messages to {known}"))
        }
        Some(actual) => wrong(
            "dead-letters",
            format!(
                "{arn} sends failed messages to {actual}, but the stack watches {known}: name the \
                 same queue in the redrive policy and in the stack"
            ),
        ),
    }
}

fn dead_letter_retention(queue: &Queue, dead_letters: &Queue) -> Finding {
    let (arn, kept, before) = (&dead_letters.arn, dead_letters.retention_s(), queue.retention_s());
    let set = format!("set its MessageRetentionPeriod to {FOURTEEN_DAYS_S}");
    match (kept, is_fifo(arn)) {
        (FOURTEEN_DAYS_S.., _) => {
            ok("dead-letters.retention", format!("{arn} keeps messages for 14 days"))
        }
        // A standard queue counts from the message's first send.
        (kept, false) if kept <= before => wrong(
            "dead-letters.retention",
            format!(
                "{arn} keeps messages for {kept} s from their first send, no longer than the queue \
                 does: {set}"
            ),
        ),
        (kept, _) => {
            warning("dead-letters.retention", format!("{arn} keeps messages for {kept} s: {set}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    fn queue(name: &str, attributes: &[(QueueAttributeName, &str)]) -> Queue {
        let attributes =
            attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        Queue { arn: format!("arn:aws:sqs:eu-west-1:123456789012:{name}"), attributes }
    }

    const FIFO: &str = "arn:aws:sqs:eu-west-1:123456789012:events.fifo";

    #[test]
    fn a_smaller_message_size_is_a_warning() {
        let of_size =
            |bytes| size(&queue("events.fifo", &[(QueueAttributeName::MaximumMessageSize, bytes)]));
        assert_eq!(
            of_size("1048576"),
            ok("queue.size", format!("{FIFO} takes messages of up to 1048576 bytes"))
        );
        let small = format!(
            "{FIFO} takes messages of up to 262144 bytes: longer ones go to the payload bucket, \
             with a pointer on the queue; set MaximumMessageSize to 1048576"
        );
        assert_eq!(of_size("262144"), warning("queue.size", small));
    }

    #[test]
    fn a_standard_queue_is_a_warning() {
        assert_eq!(
            kind(&queue("events.fifo", &[])),
            ok("queue", format!("{FIFO} is a FIFO queue"))
        );
        let standard = "arn:aws:sqs:eu-west-1:123456789012:events is a standard queue: it may \
                        deliver events twice and out of order, so consumers must deduplicate";
        assert_eq!(kind(&queue("events", &[])), warning("queue", standard));
    }

    #[test]
    fn a_retention_of_less_than_14_days_is_a_warning() {
        let kept = |seconds| {
            retention(&queue(
                "events.fifo",
                &[(QueueAttributeName::MessageRetentionPeriod, seconds)],
            ))
        };
        assert_eq!(
            kept("1209600"),
            ok("queue.retention", format!("{FIFO} keeps messages for 14 days"))
        );
        let short = format!(
            "{FIFO} keeps messages for 345600 s: an event that no consumer has taken by then is \
             lost; set MessageRetentionPeriod to 1209600"
        );
        assert_eq!(kept("345600"), warning("queue.retention", short));
    }

    #[test]
    fn failed_messages_must_go_to_the_queue_that_the_stack_watches() {
        let policy = |target: &str| {
            format!("{{\"deadLetterTargetArn\":\"{target}\",\"maxReceiveCount\":5}}")
        };
        let with =
            |policy: &str| queue("events.fifo", &[(QueueAttributeName::RedrivePolicy, policy)]);
        let right = ok("dead-letters", format!("{FIFO} sends failed messages to arn:dead"));
        assert_eq!(redrive(&with(&policy("arn:dead")), "arn:dead"), right);
        let elsewhere = format!(
            "{FIFO} sends failed messages to arn:other, but the stack watches arn:dead: name the \
             same queue in the redrive policy and in the stack"
        );
        assert_eq!(
            redrive(&with(&policy("arn:other")), "arn:dead"),
            wrong("dead-letters", elsewhere)
        );
        let unwatched = format!(
            "the dead-letter queue of {FIFO} has no alarm: name it in ExistingDeadLetterQueueArn"
        );
        assert_eq!(redrive(&with(&policy("arn:dead")), ""), skipped("dead-letters", unwatched));
        let none = format!(
            "{FIFO} has no dead-letter queue: a message that consumers fail on blocks its group \
             until it expires; name one in the queue's redrive policy"
        );
        assert_eq!(redrive(&with(""), "arn:dead"), wrong("dead-letters", none));
    }

    #[test]
    fn dead_letters_must_be_kept_longer_than_in_the_queue() {
        let of = |name: &str, seconds| {
            queue(name, &[(QueueAttributeName::MessageRetentionPeriod, seconds)])
        };
        let judged = |name, seconds| {
            let finding = dead_letter_retention(&of("events", "345600"), &of(name, seconds));
            (finding.verdict, finding.text.replace("arn:aws:sqs:eu-west-1:123456789012:", ""))
        };
        let set = "set its MessageRetentionPeriod to 1209600";
        for (name, seconds, expected) in [
            (
                "dead.fifo",
                "1209600",
                (Verdict::Ok, "dead.fifo keeps messages for 14 days".to_owned()),
            ),
            (
                "dead.fifo",
                "345600",
                (Verdict::Warning, format!("dead.fifo keeps messages for 345600 s: {set}")),
            ),
            (
                "dead",
                "345600",
                (
                    Verdict::Wrong,
                    format!(
                        "dead keeps messages for 345600 s from their first send, no longer than \
                         the queue does: {set}"
                    ),
                ),
            ),
            (
                "dead",
                "345601",
                (Verdict::Warning, format!("dead keeps messages for 345601 s: {set}")),
            ),
        ] {
            assert_eq!(judged(name, seconds), expected, "{name} {seconds}");
        }
    }
}
