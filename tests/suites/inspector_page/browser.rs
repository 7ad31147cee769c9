//! Drives a headless Chromium through its `chromedriver`, by the few calls of
//! [WebDriver](https://www.w3.org/TR/webdriver2/) that the tests need. The calls are JSON over
//! HTTP, for which `ureq` and `serde_json` suffice. A client crate would bring twenty more crates,
//! most of them second versions of crates that are in the lock file.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

const INSTALL: &str = "Chromium and its chromedriver are needed to test the inspector's page: \
    install them \
    (Debian: apt-get install chromium chromium-driver; \
    Ubuntu: apt-get install chromium-browser chromium-chromedriver; \
    macOS: brew install --cask chromium chromedriver).";
/// How long a condition may take to become true: far longer than it takes on a loaded machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Keys without a character, as `press` takes them.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const ARROW_DOWN: &str = "\u{e015}";

/// What the reader's system prefers.
#[derive(Clone, Copy)]
pub(crate) enum ColorScheme {
    Light,
    Dark,
}

/// A browser with one page. It ends when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    /// Kept open: chromedriver ends if it cannot write.
    _output: BufReader<ChildStdout>,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// Chromium is not installed; the message says how to install it.
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = driver
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver does not start: {error}. {INSTALL}"));
        let mut output = BufReader::new(driver.stdout.take().expect("is piped"));
        let port = output.by_ref().lines().map_while(Result::ok).find_map(|line| port(&line));
        let url = format!("http://127.0.0.1:{}/session", port.expect("chromedriver says its port"));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut browser = Self { driver, _output: output, agent, session: url };
        // In a container, the user is often root, for whom Chromium has no sandbox.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "implicit": DEADLINE.as_millis(), "script": DEADLINE.as_millis() },
        });
        let session = browser.exchange(
            "POST",
            "",
            &json!({ "capabilities": { "alwaysMatch": capabilities } }),
        );
        let session =
            session.unwrap_or_else(|error| panic!("Chromium does not start: {error}. {INSTALL}"));
        let id = session["sessionId"].as_str().expect("a session has an id");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    /// Opens a page in a window of this width. Nothing of the page before is left.
    pub(crate) fn open(&self, url: &str, width: u32, scheme: ColorScheme) {
        self.resize(width, 900);
        self.prefer(scheme);
        self.post("/url", &json!({ "url": "about:blank" }));
        self.post("/url", &json!({ "url": url }));
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    fn prefer(&self, scheme: ColorScheme) {
        let value = match scheme {
            ColorScheme::Light => "light",
            ColorScheme::Dark => "dark",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": value },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Waits until a JavaScript expression is neither false, null, nor 0, and returns its value.
    ///
    /// # Panics
    /// The condition does not become true in time.
    pub(crate) fn wait(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0];
             const look = () => {{
                 const found = ({expression});
                 found ? done(found) : requestAnimationFrame(look);
             }};
             look();"
        );
        let waited =
            self.exchange("POST", "/execute/async", &json!({ "script": script, "args": [] }));
        waited.unwrap_or_else(|error| panic!("{expression}: {error}\n{}", self.text("body")))
    }

    /// Waits until an element has this text.
    pub(crate) fn wait_for(&self, selector: &str, text: &str) {
        self.wait(&format!(
            "document.querySelector({selector:?})?.innerText.includes({})",
            json!(text)
        ));
    }

    /// Returns the value of a JavaScript expression.
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        self.post(
            "/execute/sync",
            &json!({ "script": format!("return ({expression})"), "args": [] }),
        )
    }

    /// Returns the visible text of the first element that matches.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?})?.innerText ?? ''"));
        text.as_str().expect("a text").to_owned()
    }

    /// Returns the visible texts of all elements that match.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.evaluate(&format!(
            "[...document.querySelectorAll({selector:?})].map(e => e.innerText)"
        ));
        texts
            .as_array()
            .expect("a list")
            .iter()
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Returns the ids of the deliveries in the list, from the top.
    pub(crate) fn ids(&self) -> Vec<String> {
        let ids =
            self.evaluate("[...document.querySelectorAll('.row')].map(row => row.dataset.id)");
        ids.as_array()
            .expect("a list")
            .iter()
            .map(|id| id.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Clicks an element as a mouse does: it must be in view, and nothing may cover it.
    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), &json!({}));
    }

    /// Replaces the text of a field by typing.
    pub(crate) fn replace_text(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/clear"), &json!({}));
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Chooses the option with this value.
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        self.click(&format!("{selector} option[value={value:?}]"));
    }

    /// Presses keys one after another, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let strokes = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        let keyboard =
            json!({ "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Returns the window as a PNG in base64.
    pub(crate) fn screenshot(&self) -> String {
        let screenshot =
            self.exchange("GET", "/screenshot", &Value::Null).expect("a picture is taken");
        screenshot.as_str().expect("base64").to_owned()
    }

    /// Returns the console's messages since the last call: errors of scripts, what the content
    /// security policy has blocked, and responses other than 2xx.
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.post("/se/log", &json!({ "type": "browser" }));
        let lines = lines.as_array().expect("a list").iter();
        lines.map(|line| format!("{} {}", line["source"], line["message"])).collect()
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.expect("an element has an id").to_owned()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.exchange("POST", path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let response = match method {
            "POST" => self.agent.post(&url).send(body.to_string()),
            "DELETE" => self.agent.delete(&url).call(),
            _ => self.agent.get(&url).call(),
        };
        let mut response = response.map_err(|error| error.to_string())?;
        let body = response.body_mut().with_config().limit(16 << 20).read_to_string();
        let body: Value =
            serde_json::from_str(&body.map_err(|error| error.to_string())?).unwrap_or_default();
        if response.status().is_success() {
            Ok(body["value"].clone())
        } else {
            Err(body["value"]["message"].to_string())
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This ends Chromium. If only chromedriver ended, Chromium would be left running.
        let _ = self.exchange("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Returns the port, if this is the line in which chromedriver says that it has started.
fn port(line: &str) -> Option<u16> {
    line.strip_prefix("ChromeDriver was started successfully on port ")?
        .trim_end_matches('.')
        .parse()
        .ok()
}
