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
        (
            "AWS_ENDPOINT_URL_SQS",
            "localhost",
            "Error: localhost is no URL: look at AWS_REGION and AWS_ENDPOINT_URL, and the latter's variants for a service\n",
        ),
        ("SSL_CERT_FILE", "/dev/null", "Error: SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate\n"),
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
