//! Endgrate's webhook endpoint. It names the provider, and nothing else.

#![forbid(unsafe_code)]

use webhook_verify::providers::Endgrate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), webhook_lambda::Error> {
    webhook_lambda::run(Endgrate).await
}
