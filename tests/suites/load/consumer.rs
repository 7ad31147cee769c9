//! A consumer that takes messages off the queue while they arrive.

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use tokio::{sync::watch, task::JoinHandle};
use webhook_tests::{emulator::Aws, traffic::Taken};

pub(crate) struct Consumer {
    no_more: watch::Sender<bool>,
    taken: JoinHandle<Vec<Taken>>,
}

impl Consumer {
    pub(crate) fn start(aws: Aws, queue: String) -> Self {
        let (no_more, told) = watch::channel(false);
        Self { no_more, taken: tokio::spawn(async move { consume(&aws, &queue, &told).await }) }
    }

    /// Waits until the queue is empty, and returns all messages. Nobody may send any more when it
    /// is called.
    pub(crate) async fn finish(self) -> Vec<Taken> {
        self.no_more.send_replace(true);
        self.taken.await.expect("the consumer does not panic")
    }
}

async fn consume(aws: &Aws, queue: &str, no_more: &watch::Receiver<bool>) -> Vec<Taken> {
    let mut taken = Vec::new();
    loop {
        // Read before the queue is, so that no message that arrives in between is left behind.
        let is_last = *no_more.borrow();
        let receive = aws.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        // The call waits for messages as long as some may come.
        let receive = receive.wait_time_seconds(i32::from(!is_last));
        let messages = receive.send().await.expect("a queue is read").messages.unwrap_or_default();
        if messages.is_empty() && is_last {
            return taken;
        }
        let mut delete = aws.sqs.delete_message_batch().queue_url(queue);
        for (number, message) in messages.iter().enumerate() {
            let handle =
                message.receipt_handle.as_deref().expect("a received message has a handle");
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(handle);
            delete = delete.entries(entry.build().expect("is complete"));
        }
        if !messages.is_empty() {
            let deleted = delete.send().await.expect("messages are deleted");
            assert_eq!(deleted.failed.len(), 0, "{:?}", deleted.failed);
        }
        for message in messages {
            taken.push(Taken::read(aws, message).await);
        }
    }
}
