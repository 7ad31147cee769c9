//! What stops the start, and what it says.

use crate::world::Setup;

async fn start_error(name: &str, value: &str) -> String {
    let mut world = Setup::new("pinwheel", true).await.with(name, value).start().await;
    assert_eq!(world.function.ended().await.code(), Some(1), "{name}={value}");
    world.function.log()
}

#[tokio::test]
async fn a_variable_that_is_missing_or_not_understood_is_named() {
    for (name, value, message) in [
        ("IDEMPOTENCY_TABLE", "", "Error: IDEMPOTENCY_TABLE is not set\n"),
        ("QUEUE_URL", "", "Error: QUEUE_URL is not set\n"),
        ("SIGNING_SECRET_ID", "", "Error: SIGNING_SECRET_ID is not set\n"),
        ("SECRET_CACHE_S", "5m", "Error: SECRET_CACHE_S is not a whole number of seconds, in digits alone\n"),
        (
            "TIMESTAMP_TOLERANCE_S",
            "-1",
            "Error: TIMESTAMP_TOLERANCE_S is not a whole number of seconds, in digits alone\n",
        ),
        (
            "RETENTION_S",
            "359",
            "Error: RETENTION_S is less than 360: a record must outlive the queue's five minutes of deduplication\n",
        ),
        ("RUST_LOG", "loud", "Error: RUST_LOG has a directive that is none: loud\n"),
        ("AWS_REGION", "", "Error: AWS_REGION is not set\n"),
    ] {
        let log = if name == "AWS_REGION" {
            let mut world =
                Setup::new("pinwheel", true).await.with("AWS_REGION", "").with("AWS_DEFAULT_REGION", "").start().await;
            assert_eq!(world.function.ended().await.code(), Some(1));
            world.function.log()
        } else {
            start_error(name, value).await
        };
        assert_eq!(log, message, "{name}={value}");
    }
}
