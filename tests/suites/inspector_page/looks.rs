//! Light and dark, narrow and wide; the other pages; the picture in README.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use webhook_tests::{http::post, now, samples, traffic::Kind, workspace};
use webhook_verify::description::{Body, Message};

use crate::{
    browser::{Browser, ColorScheme},
    world::{World, event, rows, signed},
};

#[test]
fn colours_follow_the_system() {
    let world = World::start();
    let browser = Browser::start();
    let ground = |scheme| {
        browser.open(&world.page("deliveries"), 1200, scheme);
        browser.wait_for("#live", "Live");
        browser.evaluate("getComputedStyle(document.body).backgroundColor")
    };
    assert_eq!(ground(ColorScheme::Light), "rgb(247, 247, 248)");
    assert_eq!(ground(ColorScheme::Dark), "rgb(15, 16, 18)");
}

#[test]
fn no_page_scrolls_sideways_at_400_or_1600_pixels() {
    let world = World::start();
    let browser = Browser::start();
    for page in ["deliveries", "queue", "dead-letters", "records"] {
        fits(&world, &browser, page, ".empty");
    }
    let event = event(Kind::in_turn(0));
    assert_eq!([world.deliver(&event), world.forge(&event)], [200, 401]);
    for page in ["deliveries".to_owned(), format!("deliveries/{}", world.id_of(200))] {
        fits(&world, &browser, &page, ".row");
    }
    fits(&world, &browser, &format!("deliveries/{}", world.id_of(401)), ".journey svg");
    for page in ["queue", "records"] {
        fits(&world, &browser, page, ".item");
    }
    assert_eq!(browser.console(), [""; 0]);
}

fn fits(world: &World, browser: &Browser, page: &str, shown: &str) {
    for width in [400, 1600] {
        browser.open(&world.page(page), width, ColorScheme::Light);
        browser.wait(&format!("document.querySelector({shown:?})"));
        browser.evaluate(
            "document.querySelectorAll('details').forEach(details => { details.open = true; })",
        );
        // The page, and each part that scrolls by itself, except for blocks of code.
        let wide = "[
                document.documentElement,
                ...document.querySelectorAll('.scroll, .contents, .detail, .list'),
            ]
            .filter(part => part.scrollWidth > part.clientWidth).map(part => part.className)";
        assert_eq!(browser.evaluate(wide), json!([]), "{page} at {width}");
    }
}

#[test]
fn the_other_pages_start_empty_and_show_what_comes() {
    let world = World::start();
    let browser = Browser::start();
    for (page, title) in [
        ("queue", "The queue is empty"),
        ("records", "No records"),
        ("dead-letters", "No dead letters"),
    ] {
        browser.open(&world.page(page), 1200, ColorScheme::Light);
        browser.wait_for(".empty h2", title);
    }
    let event = event(Kind::in_turn(0));
    for page in ["queue", "records"] {
        browser.open(&world.page(page), 1200, ColorScheme::Light);
        browser.wait_for("#live", "Live");
        assert_eq!(world.deliver(&event), 200);
        world.newest();
        browser.wait("document.querySelectorAll('.item').length === 1");
        browser.click(".item summary");
        browser.wait_for(".item", &event.key);
        assert_eq!(browser.text(".contents .total"), "1");
    }
    assert_eq!(browser.console(), [""; 0]);
}

/// Also writes `docs/inspector.png` if asked to:
/// `UPDATE_PICTURE=1 cargo test -p webhook-tests --test inspector_page picture`.
#[test]
fn the_picture_in_readme_is_of_samples_and_a_refused_delivery() {
    let world = World::start();
    let browser = Browser::start();
    for sample in samples::all() {
        let (headers, body) = sample.delivery_at(now());
        let (status, _) = post(&world.receiver(sample.sender.provider.name()), &headers, &body);
        assert_eq!(status, sample.answer.status(), "{}", sample.file);
    }
    // The body was parsed and written again on the way, as proxies and frameworks do.
    let is_raw = |kind: &Kind| matches!(kind.scheme.messages, [Message { body: Body::Raw, .. }]);
    let mut event = event(Kind::all().into_iter().rfind(is_raw).unwrap_or(Kind::in_turn(0)));
    let headers = signed(&event);
    event.body = event.body.replace(": ", ":").replace(", ", ",");
    world.send(&event, &headers);
    let id = world.newest();
    browser.open(&world.page(&format!("deliveries/{id}")), 1280, ColorScheme::Light);
    browser.resize(1280, 800);
    browser.wait(&format!(
        "{} && document.querySelector('.journey svg')",
        rows(samples::all().len() + 1)
    ));
    let picture = BASE64_STANDARD.decode(browser.screenshot()).expect("is base64");
    assert!(picture.len() < 200_000, "{} bytes", picture.len());
    if std::env::var_os("UPDATE_PICTURE").is_some() {
        fs::create_dir_all(workspace().join("docs")).expect("a folder is made");
        fs::write(workspace().join("docs/inspector.png"), picture)
            .expect("the picture can be written");
    }
}
