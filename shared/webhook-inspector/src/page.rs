//! The page. Its files are part of the program, so it needs no network.

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and text of each file.
const FILES: [(&str, &str, &str); 16] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/style.css", CSS, include_str!("../page/style.css")),
    ("/list.css", CSS, include_str!("../page/list.css")),
    ("/detail.css", CSS, include_str!("../page/detail.css")),
    ("/script.js", SCRIPT, include_str!("../page/script.js")),
    ("/api.js", SCRIPT, include_str!("../page/api.js")),
    ("/contents.js", SCRIPT, include_str!("../page/contents.js")),
    ("/detail.js", SCRIPT, include_str!("../page/detail.js")),
    ("/dom.js", SCRIPT, include_str!("../page/dom.js")),
    ("/journey.js", SCRIPT, include_str!("../page/journey.js")),
    ("/json.js", SCRIPT, include_str!("../page/json.js")),
    ("/list.js", SCRIPT, include_str!("../page/list.js")),
    ("/parts.js", SCRIPT, include_str!("../page/parts.js")),
    ("/sample.js", SCRIPT, include_str!("../page/sample.js")),
    ("/store.js", SCRIPT, include_str!("../page/store.js")),
    ("/words.js", SCRIPT, include_str!("../page/words.js")),
];

/// Returns a route for each file.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || async move { file(kind, text) }))
    })
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
