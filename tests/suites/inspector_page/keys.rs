//! The filter and the keys.

use webhook_tests::traffic::Kind;
use webhook_verify::providers::PROVIDERS;

use crate::{
    browser::{ARROW_DOWN, Browser, ColorScheme, ENTER, ESCAPE},
    world::{World, event, rows},
};

#[test]
fn the_filter_matches_text_provider_and_outcome() {
    let world = World::start();
    let browser = Browser::start();
    let events: Vec<_> = Kind::all().into_iter().map(event).collect();
    for event in &events {
        assert_eq!(world.deliver(event), 200);
    }
    assert_eq!(world.forge(&events[0]), 401);
    let all = events.len() + 1;
    browser.open(&world.page("deliveries"), 1200, ColorScheme::Light);
    browser.wait(&rows(all));

    browser.choose("#outcome", "refused");
    browser.wait(&rows(1));
    assert_eq!(browser.texts(".row .chip"), ["401\nRefused"]);
    assert_eq!(browser.text(".filter .total"), format!("1 of {all}"));
    browser.choose("#outcome", "");
    for provider in PROVIDERS {
        browser.choose("#provider", provider.name());
        let count =
            events.iter().filter(|event| event.kind.provider.name() == provider.name()).count();
        let forged = usize::from(provider.name() == events[0].kind.provider.name());
        browser.wait(&rows(count + forged));
        assert_eq!(browser.texts(".row .provider"), vec![provider.name(); count + forged]);
    }
    browser.choose("#provider", "");
    browser.replace_text("#search", &events[0].id);
    browser.wait(&rows(1));
    browser.replace_text("#search", "no such event");
    browser.wait_for(".empty h2", "No delivery matches the filter");
    browser.click(".empty button");
    browser.wait(&rows(all));
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn keys_select_open_close_and_filter_deliveries() {
    let world = World::start();
    let browser = Browser::start();
    for _ in 0..3 {
        assert_eq!(world.deliver(&event(Kind::in_turn(0))), 200);
    }
    let page = world.page("deliveries");
    browser.open(&page, 1200, ColorScheme::Light);
    browser.wait(&rows(3));
    let ids = browser.ids();
    let focused =
        || browser.evaluate("document.activeElement.dataset.id ?? document.activeElement.id");
    let opened = |id: &str| {
        browser
            .wait(&format!("location.hash === '#/deliveries/{id}' && document.querySelector('h1')"))
    };

    browser.press(&["j"]);
    assert_eq!(focused(), ids[0].as_str());
    assert_ne!(
        browser.evaluate("getComputedStyle(document.activeElement).outlineStyle"),
        "none",
        "the focus is visible"
    );
    for (key, expected) in [("j", 1), (ARROW_DOWN, 2), ("j", 2), ("k", 1)] {
        browser.press(&[key]);
        assert_eq!(focused(), ids[expected].as_str(), "{key}");
    }
    browser.press(&[ENTER]);
    opened(&ids[1]);
    browser.press(&["j"]);
    opened(&ids[2]);
    browser.press(&["k", "k"]);
    opened(&ids[0]);
    browser.press(&[ESCAPE]);
    browser.wait(&format!(
        "location.hash === '#/deliveries' && document.activeElement.dataset.id === '{}'",
        ids[0]
    ));
    browser.press(&["/"]);
    assert_eq!(focused(), "search");
    browser.press(&["j", "/"]);
    assert_eq!(
        browser.evaluate("document.querySelector('#search').value"),
        "j/",
        "what is typed goes into the field"
    );
    browser.press(&[ESCAPE]);
    assert_eq!(focused(), "");

    // On a narrow screen the delivery takes the list's place, and the focus goes with it.
    browser.open(&page, 400, ColorScheme::Light);
    browser.wait(&rows(3));
    browser.press(&["j", ENTER]);
    browser.wait("document.activeElement.matches('h1')");
    browser.click("[data-key=back]");
    browser.wait(&format!("document.activeElement.dataset.id === '{}'", ids[0]));
    assert_eq!(browser.console(), [""; 0]);
}
