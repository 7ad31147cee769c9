//! What a sender chose is shown as text: none of it becomes an element, and none of it runs.

use serde_json::{Value, json};
use webhook_tests::traffic::Kind;
use webhook_verify::{
    Header,
    description::{EventType, Unsigned},
};

use crate::{
    browser::{Browser, ColorScheme},
    world::{World, event, rows, signed},
};

const HOSTILE: &str =
    "<img src=x onerror=document.title='hacked'><script>document.title='hacked'</script>";

#[test]
fn a_hostile_event_name_is_shown_as_text_and_nothing_runs() {
    for kind in Kind::all() {
        let world = World::start();
        let browser = Browser::start();
        let mut event = event(kind);
        // The event's name, if the sender chooses it, and any other text that it chooses.
        event.body = event.body.replace("example.", HOSTILE).replace("grp_", HOSTILE);
        event.body =
            event.body.replacen('{', &format!("{{{}:{},", json!(HOSTILE), json!(HOSTILE)), 1);
        let mut headers = signed(&event);
        headers.push(Header::new("x-hostile", HOSTILE));
        if let EventType::Unsigned(Unsigned::Header(name)) = kind.scheme.facts.event_type {
            headers.retain(|header| !header.name().eq_ignore_ascii_case(name));
            headers.push(Header::new(name, HOSTILE));
        }
        assert_eq!(world.send(&event, &headers), 200, "{kind:?}");
        let id = world.id_of(200);
        let delivery = world.api(&format!("deliveries/{id}"));

        browser.open(&world.page("deliveries"), 1200, ColorScheme::Light);
        browser.wait(&rows(1));
        let event_type = delivery["event_type"].as_str().expect("an event has a name");
        assert_eq!(browser.text(".row .event"), event_type);
        browser.click(".row");
        browser.wait_for("h1", event_type);
        assert!(browser.text("[data-part=request] .pairs").contains(HOSTILE), "{kind:?}");
        assert!(
            browser.text("[data-part=request] pre").contains("<img src=x onerror="),
            "{kind:?}"
        );
        browser.click("[data-key=save]");
        browser.wait("document.querySelector('dialog[open]')");
        nothing_ran(&browser);
        for page in ["queue", "records"] {
            browser.open(&world.page(page), 1200, ColorScheme::Light);
            browser.click(".item summary");
            assert!(browser.text(".item").contains(event_type), "{kind:?}: {page}");
            nothing_ran(&browser);
        }
    }
}

#[test]
fn invisible_characters_are_shown_as_escapes() {
    let world = World::start();
    let browser = Browser::start();
    let mut event = event(Kind::in_turn(0));
    event.body = event
        .body
        .replacen('{', "{\"turned\": \"a\u{202e}b\u{0}\", ", 1)
        .replace('\u{0}', "\u{200b}");
    assert_eq!(world.send(&event, &signed(&event)), 200);
    browser.open(
        &world.page(&format!("deliveries/{}", world.id_of(200))),
        1200,
        ColorScheme::Light,
    );
    browser.wait_for("[data-part=request] pre", "\"a\\u{202e}b\\u{200b}\"");
}

/// Asserts that the page has no element and no title from the sender, and that the content security
/// policy had nothing to block.
fn nothing_ran(browser: &Browser) {
    assert_eq!(
        browser.evaluate("document.querySelectorAll('img, body script, iframe, [onerror]').length"),
        0
    );
    let title = browser.evaluate("document.title");
    assert!(title.as_str().is_some_and(|title| title.ends_with(" · Webhook inspector")), "{title}");
    assert_eq!(browser.console(), [""; 0]);
    assert_eq!(browser.evaluate("window.onerror"), Value::Null);
}
