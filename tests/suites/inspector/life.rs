//! How `dev` starts, goes on from its kept state, and ends.

use std::{fs, process::Command};

use serde_json::json;
use webhook_cli::{OutgoingDelivery, Sender, development_secret};
use webhook_tests::{http::post, now};
use webhook_verify::{providers::PROVIDERS, sign::example_body};

use crate::dev::{Dev, Root, free_port};

#[test]
fn state_survives_a_restart_and_nothing_is_left_running() {
    let root = Root::new("life");
    let port = free_port();
    let provider = PROVIDERS[0];
    let name = provider.name();
    let scheme = provider.schemes().last().expect("there is one");
    let secret = provider.key().read(&development_secret(provider)).expect("is written so");
    let sender = Sender {
        id: scheme.signed_headers().next().map(|_| "msg_1".to_owned()),
        ..Sender::new(provider, scheme)
    };
    let body = example_body(scheme, 1, 1).into_bytes();
    let signed = OutgoingDelivery::sign(sender, &secret, now(), body).expect("can be signed");
    let send = |dev: &Dev, door: &str| {
        post(&dev.url(&format!("/{door}/{name}")), &signed.headers(), signed.body())
    };
    let variables = root.0.join(".tools/dev.env");

    let no_port = Dev::refused(&root, 0);
    assert_eq!(
        String::from_utf8_lossy(&no_port.stdout),
        "PORT is 0, but must be a number from 1 to 65535\n"
    );

    let dev = Dev::start(&root, port, "");
    assert!(variables.exists());
    let (status, accepted) = send(&dev, "webhooks");
    assert_eq!((status, &accepted["status"]), (200, &json!("accepted")));
    dev.line_with(name);
    // In a test nothing listens there.
    let (status, answer) = send(&dev, "watch");
    assert_eq!(status, 502);
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("cargo lambda watch did not answer at http://127.0.0.1:9000/"),
        "{answer}"
    );
    dev.line_with(name);
    let before = dev.get("/api/deliveries");
    let records = dev.get("/api/records");
    let queue = dev.get("/api/queue");

    let second = Dev::refused(&root, free_port());
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(
        said.starts_with(&format!(
            "`make dev` is already running, with its inspector at http://127.0.0.1:{port}"
        )),
        "{said}"
    );

    assert_eq!(dev.end("TERM").code(), Some(0));
    assert!(!variables.exists(), "it is removed when `dev` ends");
    assert_eq!(processes(&root), [""; 0], "nothing is left running");

    let dev = Dev::start(&root, port, "");
    assert_eq!(dev.get("/api/deliveries"), before);
    assert_eq!(dev.get("/api/records"), records);
    assert_eq!(dev.get("/api/queue"), queue);
    assert_eq!(
        send(&dev, "webhooks"),
        (200, json!({ "status": "duplicate", "id": accepted["id"] }))
    );
    dev.line_with(name);
    assert_eq!(dev.end("INT").code(), Some(0));

    let mut dev = Dev::start(&root, port, "1");
    assert_eq!(dev.get("/api/deliveries"), json!({ "deliveries": [] }));
    assert_eq!(dev.get("/api/records")["records"], json!([]));
    // If the emulator ends, but not the shell that would clean up after it, `dev` ends too.
    for line in processes(&root) {
        let mut words = line.split_whitespace();
        if let (Some(process), Some(program)) = (words.next(), words.next())
            && program != "sh"
        {
            crate::dev::kill("KILL", process.parse().expect("a process id"));
        }
    }
    dev.line_with("the AWS emulator has ended");
    assert_eq!(dev.wait().code(), Some(1));
    assert!(!variables.exists());
    assert!(
        fs::read_dir(root.0.join(".tools")).expect("is there").count() == 1,
        "only the kept state is left"
    );
}

/// Returns the processes whose environment has the folder, without `dev` itself: the emulator and
/// the functions.
fn processes(root: &Root) -> Vec<String> {
    let listed =
        Command::new("ps").args(["axeww", "-o", "pid=,command="]).output().expect("ps runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let state = format!("STATE_DIR={}", root.0.display());
    listed.lines().filter(|line| line.contains(&state)).map(str::to_owned).collect()
}
