//! A running `dev`, in a folder of its own with a copy of `events/`, and a client for its API.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;
use webhook_tests::{function::bootstrap, workspace};

/// Far longer than any answer takes on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) struct Dev {
    pub(crate) port: u16,
    child: Child,
    lines: Receiver<String>,
}

/// A folder that is removed when this is dropped.
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    pub(crate) fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("webhook-dev-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join(".tools")).expect("a folder is made");
        copy(&workspace().join("events"), &root.join("events"));
        Self(root)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is listed") {
        let entry = entry.expect("a folder is listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}

fn command(root: &Root, port: u16, clean: &str) -> Command {
    let mut command = Command::new(bootstrap("dev"));
    command.env("WEBHOOK_DEV_ROOT", &root.0).env("PORT", port.to_string()).env("CLEAN", clean);
    command.stdin(Stdio::null());
    command
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

impl Dev {
    /// Starts `dev` and waits until it serves.
    pub(crate) fn start(root: &Root, port: u16, clean: &str) -> Self {
        let mut child =
            command(root, port, clean).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let dev = Self { port, child, lines };
        dev.line_with("Ctrl-C stops everything");
        dev
    }

    /// Runs a `dev` that refuses to start, and returns its output.
    pub(crate) fn refused(root: &Root, port: u16) -> Output {
        command(root, port, "").output().expect("it runs")
    }

    /// Waits until `dev` prints a line with this text, and returns the line.
    pub(crate) fn line_with(&self, text: &str) -> String {
        loop {
            let line =
                self.lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no line has {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, answer) = self.request("GET", path, &[], b"");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match body {
            b"" => agent.run(request.body(()).expect("is a request")),
            body => agent.run(request.body(body).expect("is a request")),
        };
        let mut response = answered.expect("the inspector answers");
        let text = response.body_mut().read_to_string().expect("the answer is text");
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Sends a signal to `dev`, and returns how it ends.
    pub(crate) fn end(mut self, signal: &str) -> ExitStatus {
        kill(signal, self.child.id());
        self.child.wait().expect("it ends")
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill("TERM", self.child.id());
            let _ = self.child.wait();
        }
    }
}

pub(crate) fn kill(signal: &str, process: u32) {
    let status = Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -s {signal} {process}");
}
