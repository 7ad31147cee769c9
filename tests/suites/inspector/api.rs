//! The API, for each provider: a good delivery, the same again, a forged one; and what can be done
//! with them.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};
use webhook_cli::{OutgoingDelivery, Sender, development_secret};
use webhook_tests::{http::post, now};
use webhook_verify::{Header, Provider, providers::PROVIDERS, sign::example_body};

use crate::dev::{Dev, Root, free_port};

fn delivery(provider: &'static Provider, number: usize, secret: &str) -> (Vec<Header>, Vec<u8>) {
    let scheme = provider.schemes().last().expect("there is one");
    let id = scheme.signed_headers().next().map(|_| format!("msg_{number}"));
    let sender = Sender { id, ..Sender::new(provider, scheme) };
    let secret = provider.key().read(secret).expect("is written so");
    let body = example_body(scheme, number, 1).into_bytes();
    let signed = OutgoingDelivery::sign(sender, &secret, now(), body).expect("can be signed");
    (signed.headers(), signed.body().to_vec())
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, step by step")]
fn deliveries_of_each_provider_are_shown_sent_again_and_saved() {
    let root = Root::new("api");
    let dev = Dev::start(&root, free_port(), "");
    let mut stream =
        BufReader::new(TcpStream::connect(("127.0.0.1", dev.port)).expect("it listens"));
    let host = format!("127.0.0.1:{}", dev.port);
    write!(stream.get_mut(), "GET /api/stream HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("is sent");

    let mut id = 0;
    for provider in PROVIDERS {
        let name = provider.name();
        let url = dev.url(&format!("/webhooks/{name}"));
        let (headers, body) = delivery(provider, 1, &development_secret(provider));
        let forged = provider.key().write("not-the-development-secret");
        let (forged_headers, forged_body) = delivery(provider, 2, &forged);
        let (status, accepted) = post(&url, &headers, &body);
        assert_eq!((status, &accepted["status"]), (200, &json!("accepted")), "{name}");
        let line = dev.line_with(name);
        assert!(line.contains(" 200 accepted"), "{line}");
        assert_eq!(
            post(&url, &headers, &body),
            (200, json!({ "status": "duplicate", "id": accepted["id"] })),
            "{name}"
        );
        assert!(dev.line_with(name).contains(" 200 duplicate"));
        assert_eq!(
            post(&url, &forged_headers, &forged_body),
            (401, json!({ "error": "unauthorized" })),
            "{name}"
        );
        let line = dev.line_with(name);
        assert!(line.contains(" 401 unauthorized signature_mismatch"), "{line}");

        let [good, again, refused] =
            [id + 1, id + 2, id + 3].map(|id| dev.get(&format!("/api/deliveries/{id}")));
        let key = good["idempotency_key"].as_str().expect("it has a key").to_owned();
        let text = String::from_utf8(body.clone()).expect("is text");
        for (shown, outcome, steps) in [
            (&good, "accepted", json!(["verify", "claim", "send", "complete"])),
            (&again, "duplicate", json!(["verify", "claim"])),
        ] {
            assert_eq!(shown["provider"], *name);
            assert_eq!(shown["door"], "stack");
            assert_eq!(shown["outcome"], outcome, "{shown}");
            assert_eq!(shown["log"]["webhook.outcome"], outcome, "{shown}");
            assert_eq!(shown["log"]["webhook.body_bytes"], body.len());
            assert_eq!(shown["explanation"]["verdict"], "verified");
            assert_eq!(shown["request"]["path"], format!("/webhooks/{name}"));
            assert_eq!(shown["request"]["body"], text);
            assert_eq!(shown["record"]["id"], key);
            assert_eq!(shown["record"]["status"], "ENQUEUED");
            assert_eq!(shown["message"]["idempotency_key"], key);
            assert_eq!(shown["message"]["envelope"]["idempotencykey"], key);
            assert_eq!(shown["message"]["offloaded"], false);
            let names: Vec<_> = shown["steps"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|step| step["name"].clone())
                .collect();
            assert_eq!(json!(names), steps, "{shown}");
        }
        assert_ne!(good["log"]["webhook.request_id"], again["log"]["webhook.request_id"]);
        assert_eq!(refused["reason"], "signature_mismatch");
        assert_eq!(refused["explanation"]["verdict"], "refused");
        assert_eq!(refused["cause"], refused["explanation"]["cause"]);
        assert_eq!([&refused["record"], &refused["message"]], [&Value::Null, &Value::Null]);
        assert_eq!(refused["steps"][0]["result"], "unauthorized");

        let (status, resent) = dev.post(&format!("/api/deliveries/{}/send", id + 1), &json!({}));
        assert_eq!((status, &resent["outcome"]), (200, &json!("duplicate")), "{name}");
        assert_eq!(resent["resent_from"], (id + 1).to_string());
        dev.line_with(name);
        let (status, signed) =
            dev.post(&format!("/api/deliveries/{}/send", id + 3), &json!({ "sign": true }));
        assert_eq!((status, &signed["outcome"]), (200, &json!("accepted")), "{name}: {signed}");
        dev.line_with(name);
        let shown = dev.get(&format!("/api/deliveries/{}", id + 5));
        assert_eq!(shown["request"]["body"], String::from_utf8(forged_body).expect("is text"));

        saves(&dev, &root, name, id + 3);
        id += 5;
    }

    let shown = dev.get("/api/deliveries");
    let ids: Vec<_> = shown["deliveries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(json!(ids), json!((1..=id).rev().map(|id: u64| id.to_string()).collect::<Vec<_>>()));
    // Two events of each provider were accepted; reading the queue twice takes nothing off it.
    for _ in 0..2 {
        let queue = dev.get("/api/queue");
        let messages = queue["messages"].as_array().expect("a list");
        assert_eq!(messages.len(), 2 * PROVIDERS.len());
        assert!(messages.iter().all(|message| message["receive_count"] == 0), "{queue}");
    }
    assert_eq!(dev.get("/api/dead-letters")["messages"], json!([]));
    assert_eq!(
        dev.get("/api/records")["records"].as_array().map(Vec::len),
        Some(2 * PROVIDERS.len())
    );
    let stack = dev.get("/api/stack");
    assert_eq!(stack["providers"].as_array().map(Vec::len), Some(PROVIDERS.len()));
    assert_eq!(
        stack["providers"][0]["url"],
        dev.url(&format!("/webhooks/{}", PROVIDERS[0].name()))
    );

    let mut told: HashMap<String, Vec<Value>> = HashMap::new();
    let mut line = String::new();
    while told.values().map(Vec::len).sum::<usize>() < 2 * usize::try_from(id).expect("is small") {
        line.clear();
        stream.read_line(&mut line).expect("the stream goes on");
        if let Some(summary) = line.strip_prefix("data: ") {
            let summary: Value = serde_json::from_str(summary).expect("JSON");
            told.entry(summary["id"].to_string()).or_default().push(summary);
        }
    }
    assert!(
        told.values().all(|summaries| summaries.len() == 2),
        "once with the response, once when everything is known"
    );

    refuses(&dev);
}

/// Asserts that a forged delivery is saved as a sample once, and only in its provider's folder.
fn saves(dev: &Dev, root: &Root, name: &str, id: u64) {
    let save =
        |path: &str| dev.post(&format!("/api/deliveries/{id}/sample"), &json!({ "path": path }));
    let path = format!("events/{name}/from_inspector.json");
    assert_eq!(save(&path), (201, json!({ "path": path })));
    assert_eq!(save(&path).0, 409, "it is there already");
    for elsewhere in ["events/x.json", "events/other/x.json", "../x.json", "/tmp/x.json"] {
        assert_eq!(save(elsewhere).0, 400, "{elsewhere}");
    }
    for name_of_file in
        ["../x.json", "a/b.json", ".x.json", "x.txt", ".json", "samples.json", "x\u{0}.json"]
    {
        assert_eq!(save(&format!("events/{name}/{name_of_file}")).0, 400, "{name_of_file}");
    }
    let folder = root.0.join("events").join(name);
    std::os::unix::fs::symlink("/dev/null", folder.join("link.json")).expect("a link is made");
    assert_eq!(save(&format!("events/{name}/link.json")).0, 409, "a link is not followed");
    fs::remove_file(folder.join("link.json")).expect("the link is removed");
    let manifest = fs::read_to_string(folder.join("samples.json")).expect("is there");
    let rows: Vec<Value> = serde_json::from_str(&manifest).expect("JSON");
    let row = rows.last().expect("a row");
    assert_eq!(row["file"], "from_inspector.json");
    assert_eq!((&row["forged"], &row["answer"]), (&json!(true), &json!("refused")));
    assert_eq!(row["reason"], "signature_mismatch");
    let event: Value =
        serde_json::from_slice(&fs::read(folder.join("from_inspector.json")).expect("is there"))
            .expect("JSON");
    assert_eq!(event["rawPath"], format!("/webhooks/{name}"));
}

/// Asserts what the API refuses.
fn refuses(dev: &Dev) {
    let own = format!("127.0.0.1:{}", dev.port);
    let elsewhere = "http://example.com";
    let [receiver, watched] =
        ["webhooks", "watch"].map(|door| format!("/{door}/{}", PROVIDERS[0].name()));
    for (method, path, headers, body, expected) in [
        ("GET", "/api/deliveries", vec![("host", "example.com")], "", 403),
        ("GET", "/", vec![("host", "127.0.0.1")], "", 403),
        ("GET", "/api/deliveries", vec![("origin", elsewhere)], "", 403),
        (
            "POST",
            "/api/deliveries/1/send",
            vec![("content-type", "application/json"), ("origin", "null")],
            "{}",
            403,
        ),
        ("POST", "/api/deliveries/1/send", vec![("content-type", "text/plain")], "{}", 400),
        (
            "POST",
            "/api/deliveries/1/send",
            vec![("content-type", "application/json")],
            "{\"sing\":true}",
            400,
        ),
        ("POST", receiver.as_str(), vec![("origin", elsewhere)], "{}", 403),
        ("POST", watched.as_str(), vec![("origin", "null")], "{}", 403),
        ("GET", "/api/deliveries", vec![("host", own.as_str())], "", 200),
        ("GET", "/api/deliveries/999", vec![], "", 404),
        ("GET", "/api/other", vec![], "", 404),
        ("GET", "/api/deliveries/1/send", vec![], "", 405),
        ("POST", "/webhooks/nobody-sends-so", vec![], "{}", 404),
    ] {
        let (status, answer) = dev.request(method, path, &headers, body.as_bytes());
        assert_eq!(status, expected, "{method} {path} {headers:?}: {answer}");
        assert!(
            expected == 200 || answer["error"].is_string(),
            "{method} {path} {headers:?}: {answer}"
        );
    }
    let large = vec![b' '; 128 * 1024];
    assert_eq!(
        dev.request(
            "POST",
            "/api/deliveries/1/send",
            &[("content-type", "application/json")],
            &large
        )
        .0,
        413
    );
    let name = PROVIDERS[0].name();
    let too_large = vec![b' '; 6 * 1024 * 1024 + 64 * 1024 + 1];
    assert_eq!(
        dev.request("POST", &format!("/webhooks/{name}"), &[("host", "example.com")], &too_large).0,
        413
    );

    let mut page = TcpStream::connect(("127.0.0.1", dev.port)).expect("it listens");
    write!(page, "GET / HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n").expect("is sent");
    let mut answer = String::new();
    page.read_to_string(&mut answer).expect("an answer");
    for header in [
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ] {
        assert!(answer.contains(&format!("\r\n{header}\r\n")), "{answer}");
    }
}
