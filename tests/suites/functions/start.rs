//! What stops the start, and what it says; what is ready when it is over.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use webhook_tests::emulator::Emulator;

use crate::world::{Setup, v2};

async fn start_error(name: &str, value: &str) -> String {
    let mut world = Setup::new("pinwheel", true).await.with(name, value).start().await;
    assert_eq!(world.function.ended().await.code(), Some(1), "{name}={value}");
    world.function.log()
}

#[tokio::test]
async fn a_variable_that_is_missing_or_cannot_be_used_is_named() {
    for (name, value, message) in [
        ("IDEMPOTENCY_TABLE", "", "Error: IDEMPOTENCY_TABLE is not set\n"),
        ("QUEUE_URL", "", "Error: QUEUE_URL is not set\n"),
        ("SIGNING_SECRET_ID", "", "Error: SIGNING_SECRET_ID is not set\n"),
        (
            "SECRET_CACHE_S",
            "5m",
            "Error: SECRET_CACHE_S cannot be used: \"5m\" is not a whole number from 0 to 4294967295, in digits alone\n",
        ),
        (
            "MAX_BODY_BYTES",
            "6291457",
            "Error: MAX_BODY_BYTES cannot be used: \"6291457\" is not a whole number from 1 to 6291456, in digits alone\n",
        ),
        (
            "RETENTION_S",
            "172799",
            "Error: RETENTION_S cannot be used: 172799 is less than 172800, twice TIMESTAMP_TOLERANCE_S, or a captured \
             delivery could be sent again after its record has expired\n",
        ),
        (
            "SIGNATURE_SCHEMES",
            "pinwheel-v3",
            "Error: SIGNATURE_SCHEMES cannot be used: \"pinwheel-v3\" is not a list, separated by commas, of schemes of \
             pinwheel: pinwheel-v1, pinwheel-v2\n",
        ),
        (
            "PAYLOAD_BUCKET",
            "s3://payloads",
            "Error: PAYLOAD_BUCKET cannot be used: \"s3://payloads\" is not a bucket's name (3 to 63 lower-case letters, \
             digits, `-` and `.`), without s3:// and without a path\n",
        ),
        (
            "RUST_LOG",
            "loud",
            "Error: RUST_LOG cannot be used: \"loud\" is not a log filter: give a level (off, error, warn, info, debug, \
             trace), or more such as warn,webhook_lambda=debug\n",
        ),
        ("SSL_CERT_FILE", "/dev/null", "Error: cannot start: SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate\n"),
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

/// A way to the emulator that counts the connections over it.
async fn counted_way() -> (SocketAddr, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let emulator = Emulator::shared().endpoint.replace("http://", "");
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            count.send_modify(|count| *count += 1);
            let emulator = emulator.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(emulator).await.expect("the emulator listens");
                // Either side may break off.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, counted)
}

#[tokio::test]
async fn the_connections_of_the_first_delivery_are_open_before_it_comes() {
    let (table_way, mut to_table) = counted_way().await;
    let (queue_way, mut to_queue) = counted_way().await;
    let (secret_way, mut to_secret) = counted_way().await;
    let setup = Setup::new("pinwheel", true)
        .await
        .with("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{table_way}"))
        .with("AWS_ENDPOINT_URL_SQS", &format!("http://{queue_way}"))
        .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &format!("http://{secret_way}"));
    let world = setup.start().await;
    for count in [&mut to_table, &mut to_queue, &mut to_secret] {
        let opened = timeout(Duration::from_secs(30), count.wait_for(|count| *count == 1)).await;
        opened.expect("it connects by itself").expect("the way stays open");
    }
    let body = r#"{"event":"account.added","event_id":"e-1","payload":{}}"#;
    let (status, ..) = world.deliver(&v2(body), body).await;
    assert_eq!((status, *to_table.borrow(), *to_queue.borrow(), *to_secret.borrow()), (200, 1, 1, 1));
}
