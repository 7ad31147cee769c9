//! The inspector's setup for a deployed stack, which `make dev` and the tests of the page share.

use std::path::{Path, PathBuf};

use webhook_inspector::{Receiver, Setup};
use webhook_verify::providers::PROVIDERS;

use crate::{
    emulator::Aws,
    stack::{Stack, output},
};

/// Returns the setup for a stack. It expects `cargo lambda watch` at its default port, and prints
/// nothing.
///
/// # Panics
/// The stack lacks an output of the template.
#[must_use]
pub fn setup(stack: &Stack, root: &Path, journal: PathBuf) -> Setup {
    let receivers = PROVIDERS.iter().map(|provider| Receiver {
        provider,
        url: stack.url(provider.name()),
        secret_id: stack.outputs[&output(provider, "SecretArn")].clone(),
        function_name: stack.outputs[&output(provider, "FunctionName")].clone(),
    });
    Setup {
        endpoint: stack.endpoint.clone(),
        aws: Aws::at(&stack.endpoint).config,
        receivers: receivers.collect(),
        table: stack.outputs["IdempotencyTableName"].clone(),
        queue_url: stack.outputs["EventQueueUrl"].clone(),
        dead_letter_queue_url: stack.outputs["DeadLetterQueueUrl"].clone(),
        payload_bucket: stack.outputs["PayloadBucketName"].clone(),
        watch_endpoint: "http://127.0.0.1:9000".to_owned(),
        root: root.to_owned(),
        journal,
        say: Box::new(|_| ()),
    }
}
