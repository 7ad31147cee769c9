//! The dialog that saves a delivery as a sample.

use std::fs;

use webhook_tests::traffic::Kind;

use crate::{
    browser::{Browser, ColorScheme, ENTER, ESCAPE},
    world::{World, event},
};

#[test]
fn a_delivery_is_saved_as_a_sample_or_the_dialog_says_why_not() {
    let world = World::start();
    let browser = Browser::start();
    let event = event(Kind::in_turn(0));
    let folder = format!("events/{}/", event.kind.provider.name());
    assert_eq!(world.deliver(&event), 200);
    browser.open(
        &world.page(&format!("deliveries/{}", world.id_of(200))),
        1200,
        ColorScheme::Light,
    );
    browser.wait("document.querySelector('[data-key=save]')");
    browser.click("[data-key=save]");
    browser.wait("document.activeElement.id === 'sample-path'");
    let proposed = browser.evaluate("document.activeElement.value");
    let proposed = proposed.as_str().expect("a path");
    let name = proposed.strip_prefix(&folder).and_then(|name| name.strip_suffix(".json"));
    assert!(name.is_some_and(|name| !name.is_empty()), "{proposed}");

    browser.replace_text("#sample-path", "../outside.json");
    browser.press(&[ENTER]);
    browser.wait("document.querySelector('.fault').innerText");
    assert!(!browser.text(".fault").is_empty());
    let [answer] = &browser.console()[..] else { panic!("one answer other than 2xx") };
    assert!(answer.contains("400"), "{answer}");

    browser.replace_text("#sample-path", &format!("{folder}from_the_page.json"));
    browser.click("dialog .primary");
    browser.wait_for(".notice", &format!("Saved as {folder}from_the_page.json."));
    assert_eq!(browser.evaluate("document.querySelector('dialog')"), serde_json::Value::Null);
    let saved = fs::read_to_string(world.root().join(&folder).join("from_the_page.json"))
        .expect("it is there");
    let saved: serde_json::Value = serde_json::from_str(&saved).expect("is JSON");
    assert_eq!(saved["body"], event.body.as_str());
    assert_eq!(browser.console(), [""; 0]);

    browser.click("[data-key=save]");
    browser.wait("document.activeElement.id === 'sample-path'");
    browser.press(&[ESCAPE]);
    browser.wait("!document.querySelector('dialog')");
    assert_eq!(
        browser.evaluate("document.activeElement.dataset.key"),
        "save",
        "the focus is where it was"
    );
}
