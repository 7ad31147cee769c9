//! Endgrate's webhook endpoint. It names the provider, and nothing else.

#![forbid(unsafe_code)]

use webhook_verify::providers::ENDGRATE;

fn main() -> Result<(), webhook_lambda::StartError> {
    webhook_lambda::run(ENDGRATE)
}
