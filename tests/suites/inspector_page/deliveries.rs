//! The list of deliveries, one delivery in full, and the buttons.

use serde_json::json;
use webhook_tests::traffic::Kind;
use webhook_verify::providers::PROVIDERS;

use crate::{
    browser::{Browser, ColorScheme},
    world::{World, event, rows},
};

#[test]
fn sends_show_up_by_themselves_with_answer_and_reason() {
    let world = World::start();
    let browser = Browser::start();
    browser.open(&world.page("deliveries"), 1200, ColorScheme::Light);
    browser.wait_for(".empty h2", "No deliveries yet");
    for (line, provider) in browser.texts(".empty code").iter().zip(PROVIDERS) {
        let send = format!(
            "cargo webhook send {} --url {}",
            provider.name(),
            world.receiver(provider.name())
        );
        assert!(line.contains(&send), "{line}");
    }

    let event = event(Kind::in_turn(0));
    assert_eq!(
        [world.deliver(&event), world.deliver(&event), world.forge(&event)],
        [200, 200, 401]
    );
    browser.wait(&format!(
        "{} && document.querySelector('.row:first-child .reason').innerText",
        rows(3)
    ));
    assert_eq!(browser.texts(".row .chip"), ["401\nRefused", "200\nDuplicate", "200\nAccepted"]);
    assert_eq!(browser.texts(".row .provider"), [event.kind.provider.name(); 3]);
    let summaries = world.api("deliveries");
    for (index, shown) in browser.texts(".row .event").iter().enumerate() {
        let event_type = summaries["deliveries"][index]["event_type"].as_str();
        assert_eq!(shown, event_type.unwrap_or("no event"), "row {index}");
    }
    for took in browser.texts(".row .duration") {
        assert!(took.ends_with(" ms") || took.ends_with(" s"), "{took}");
    }
    assert_eq!(browser.text("#live"), "Live");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn an_accepted_delivery_is_shown_from_request_to_log_line() {
    for kind in Kind::all() {
        let world = World::start();
        let browser = Browser::start();
        let mut event = event(kind);
        // More digits than a JavaScript number has.
        event.body = event.body.replace("\"number\": ", "\"number\": 12345678901234567890");
        assert_eq!(world.deliver(&event), 200);
        let id = world.id_of(200);
        let delivery = world.api(&format!("deliveries/{id}"));
        browser.open(&world.page(&format!("deliveries/{id}")), 1600, ColorScheme::Light);
        browser.wait_for(".verdict h2", "The signature verifies");
        let steps = browser.evaluate(
            "[...document.querySelectorAll('.stop')].map(e => [e.dataset.step, e.dataset.tone])",
        );
        let all = ["verify", "claim", "send", "complete", "answer"].map(|step| [step, "good"]);
        assert_eq!(steps, json!(all), "{kind:?}");
        let described =
            browser.evaluate("document.querySelector('.journey svg').getAttribute('aria-label')");
        assert!(
            described.as_str().is_some_and(
                |text| text.starts_with("verify ") && text.ends_with(" ms, answer 200")
            )
        );

        browser.click("[data-key=raw]");
        assert_eq!(browser.text("[data-part=request] pre"), event.body, "{kind:?}");
        browser.click("[data-key=pretty]");
        let pretty = browser.text("[data-part=request] pre");
        assert!(
            pretty.contains("\n  ") && pretty.contains("\"number\": 12345678901234567890"),
            "{pretty}"
        );
        let key = delivery["idempotency_key"].as_str().expect("an event has a key");
        assert!(browser.text("[data-part=record]").contains(key), "{kind:?}");
        let message = browser.text("[data-part=message]");
        for expected in
            [key, "\"number\": 12345678901234567890", "\"specversion\": \"1.0\"", "idempotency_key"]
        {
            assert!(message.contains(expected), "{kind:?}: {expected} in {message}");
        }
        assert!(
            browser.text("[data-part=log]").contains("\"webhook.outcome\": \"accepted\""),
            "{kind:?}"
        );
        assert_eq!(delivery["request"]["body"], event.body.as_str());
        assert_eq!(browser.console(), [""; 0]);
    }
}

#[test]
fn a_refused_delivery_says_why_and_how_to_fix_it() {
    let world = World::start();
    let browser = Browser::start();
    assert_eq!(world.forge(&event(Kind::in_turn(0))), 401);
    let id = world.id_of(401);
    let explanation = world.api(&format!("deliveries/{id}"))["explanation"].clone();
    browser.open(&world.page("deliveries"), 1200, ColorScheme::Dark);
    browser.wait(&rows(1));
    browser.click(".row");
    browser.wait_for(".verdict h2", "Refused: signature_mismatch");
    assert_eq!(browser.text(".verdict .cause"), explanation["cause"].as_str().expect("a cause"));
    let verdict = browser.text(".verdict");
    for part in ["detail", "fix"] {
        let sentence = explanation[part].as_str().expect("a sentence");
        assert!(verdict.contains(sentence), "{verdict}");
    }
    let reached =
        "[...document.querySelectorAll('.stop:not([data-tone=none])')].map(e => e.dataset.step)";
    assert_eq!(browser.evaluate(reached), json!(["verify", "answer"]));
    assert_eq!(browser.text("[data-part=record] .hint"), "No record was written.");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn buttons_send_the_same_bytes_or_sign_them_again() {
    let world = World::start();
    let browser = Browser::start();
    let event = event(Kind::in_turn(0));
    assert_eq!([world.deliver(&event), world.forge(&event)], [200, 401]);
    let (good, forged) = (world.id_of(200), world.id_of(401));

    browser.open(&world.page(&format!("deliveries/{good}")), 1200, ColorScheme::Light);
    browser.wait_for("h1", "");
    browser.click("[data-key=send]");
    browser.wait_for(".notice", "Sent the same bytes again: 200 Duplicate.");
    browser.wait(&rows(3));
    browser.click(".notice a");
    browser.wait_for(".about", &format!("sent again from #{good}"));

    browser.open(&world.page(&format!("deliveries/{forged}")), 1200, ColorScheme::Light);
    browser.wait_for(".verdict h2", "Refused");
    browser.click("[data-key=send]");
    browser.wait_for(".notice", "Sent the same bytes again: 401 Refused.");
    browser.click("[data-key=sign]");
    browser.wait_for(".notice", "Signed again and sent: 200 Duplicate.");
    browser.wait(&rows(5));
    assert_eq!(browser.console(), [""; 0]);
}
