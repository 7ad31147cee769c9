//! What stops the start and which error it prints, and what is ready after the start.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use webhook_tests::{emulator::Emulator, traffic::Event};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::world::{Setup, accepted, kind_of};

/// Returns the log of a start that must fail.
async fn start_error(provider: &'static Provider, variables: &[(&str, &str)]) -> String {
    let mut setup = Setup::new(provider, true).await;
    for (name, value) in variables {
        setup = setup.with(name, value);
    }
    let mut world = setup.start().await;
    assert_eq!(world.function.ended().await.code(), Some(1), "{provider:?}: {variables:?}");
    world.function.log()
}

#[tokio::test]
async fn a_variable_that_is_missing_or_cannot_be_used_is_named() {
    for provider in PROVIDERS {
        for (name, value, message) in [
            ("IDEMPOTENCY_TABLE", "", "IDEMPOTENCY_TABLE is not set"),
            ("QUEUE_URL", "", "QUEUE_URL is not set"),
            ("SIGNING_SECRET_ID", "", "SIGNING_SECRET_ID is not set"),
            (
                "SECRET_CACHE_S",
                "5m",
                "SECRET_CACHE_S cannot be used: \"5m\" is not a whole number from 0 to 4294967295, \
                 in digits alone",
            ),
            (
                "MAX_BODY_BYTES",
                "6291457",
                "MAX_BODY_BYTES cannot be used: \"6291457\" is not a whole number from 1 to \
                 6291456, in digits alone",
            ),
            (
                "PAYLOAD_BUCKET",
                "s3://payloads",
                "PAYLOAD_BUCKET cannot be used: \"s3://payloads\" is not a bucket's name (3 to 63 \
                 lower-case letters, digits, `-` and `.`), without s3:// and without a path",
            ),
            (
                "PUBLIC_URL",
                "example.com",
                "PUBLIC_URL cannot be used: \"example.com\" is not a URL that begins with https:// \
                 or http://",
            ),
            (
                "RUST_LOG",
                "loud",
                "RUST_LOG cannot be used: \"loud\" is not a log filter: give a level (off, error, \
                 warn, info, debug, trace), or a list such as warn,webhook_lambda=debug",
            ),
            (
                "SSL_CERT_FILE",
                "/dev/null",
                "cannot start: no certificate can be read from SSL_CERT_FILE or SSL_CERT_DIR",
            ),
            ("AWS_REGION", "", "AWS_REGION is not set"),
        ] {
            let mut variables = vec![(name, value)];
            if name == "AWS_REGION" {
                variables.push(("AWS_DEFAULT_REGION", ""));
            }
            let log = start_error(provider, &variables).await;
            assert_eq!(log, format!("Error: {message}\n"), "{provider:?}: {name}={value}");
        }
    }
}

#[tokio::test]
async fn an_unknown_scheme_stops_the_start_and_the_known_ones_are_named() {
    for provider in PROVIDERS {
        let log = start_error(provider, &[("SIGNATURE_SCHEMES", "of-nobody")]).await;
        let names: Vec<&str> = provider.schemes().iter().map(|scheme| scheme.name).collect();
        let expected = format!(
            "Error: SIGNATURE_SCHEMES cannot be used: \"of-nobody\" is not a comma-separated list \
             of schemes of {}: {}\n",
            provider.name(),
            names.join(", ")
        );
        assert_eq!(log, expected);
    }
}

#[tokio::test]
async fn retention_must_outlive_twice_the_tolerance_and_deduplication() {
    for provider in PROVIDERS {
        let twice_s = provider.tolerance().map_or(0, |tolerance| 2 * tolerance.as_secs());
        let (least_s, why) = if twice_s > 360 {
            let why = "twice TIMESTAMP_TOLERANCE_S: otherwise a captured delivery could be sent \
                       again after its record has expired";
            (twice_s, why)
        } else {
            (360, "because a record must outlive the queue's five minutes of deduplication")
        };
        let too_few = (least_s - 1).to_string();
        let log = start_error(provider, &[("RETENTION_S", &too_few)]).await;
        let expected = format!(
            "Error: RETENTION_S cannot be used: it is {too_few}, but must be at least {least_s}, \
             {why}\n"
        );
        assert_eq!(log, expected, "{provider:?}");
    }
}

#[tokio::test]
async fn a_provider_that_signs_its_url_needs_the_public_url() {
    for provider in PROVIDERS.iter().filter(|provider| provider.signs_url()) {
        let expected = format!(
            "Error: PUBLIC_URL is not set: {0} signs it, so set it to the URL that is registered \
             with {0}\n",
            provider.name()
        );
        assert_eq!(start_error(provider, &[("PUBLIC_URL", "")]).await, expected);
    }
}

/// Starts a proxy to the emulator that counts its connections.
async fn counting_proxy() -> (SocketAddr, watch::Receiver<usize>) {
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
                // Either side may close the connection.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, counted)
}

#[tokio::test]
async fn the_connections_of_the_first_delivery_are_open_before_it_comes() {
    for provider in PROVIDERS {
        let (table_proxy, mut to_table) = counting_proxy().await;
        let (queue_proxy, mut to_queue) = counting_proxy().await;
        let (secret_proxy, mut to_secret) = counting_proxy().await;
        let setup = Setup::new(provider, true)
            .await
            .with("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{table_proxy}"))
            .with("AWS_ENDPOINT_URL_SQS", &format!("http://{queue_proxy}"))
            .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &format!("http://{secret_proxy}"));
        let world = setup.start().await;
        for count in [&mut to_table, &mut to_queue, &mut to_secret] {
            let opened =
                timeout(Duration::from_secs(30), count.wait_for(|count| *count == 1)).await;
            opened.expect("it connects by itself").expect("the proxy stays open");
        }
        let event = Event::new(kind_of(provider), 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{provider:?}");
        assert_eq!(
            (*to_table.borrow(), *to_queue.borrow(), *to_secret.borrow()),
            (1, 1, 1),
            "{provider:?}"
        );
    }
}
