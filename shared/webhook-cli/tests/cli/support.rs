//! Runs of the command, and a receiver for what it sends.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

/// How a run ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn ended(code: i32, out: &str, err: &str) -> Ended {
    Ended { code: Some(code), out: out.to_owned(), err: err.to_owned() }
}

/// Runs `webhook` with `body` on standard input. `secret` is the environment's.
pub(crate) fn webhook(arguments: &str, secret: Option<&str>, body: &[u8]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webhook"));
    command.args(arguments.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_clear().envs(secret.map(|secret| ("WEBHOOK_SIGNING_SECRET", secret)));
    let mut child = command.spawn().expect("the binary starts");
    // A command that fails early does not read its input.
    let _ = child.stdin.take().expect("piped").write_all(body);
    let output = child.wait_with_output().expect("the binary ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A file of this test alone.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).expect("the folder for temporary files can be written");
    path
}

/// Answers one request with `answer`. Gives its URL, and the request's bytes once it is over.
pub(crate) fn receiver(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/webhooks/pinwheel?a=b", listener.local_addr().expect("bound"));
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = read_request(&mut stream);
        stream.write_all(answer.as_bytes()).expect("the sender listens");
        request
    });
    (url, request)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        request.push(byte[0]);
    }
    let head = String::from_utf8(request).expect("UTF-8");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a whole body");
    head + str::from_utf8(&body).expect("UTF-8")
}

/// The request line, the headers in alphabetical order, and the body.
pub(crate) fn sorted(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n").map(str::to_owned);
    let line = lines.next().expect("a request line");
    let mut headers: Vec<String> = lines.collect();
    headers.sort();
    (line, headers, body.to_owned())
}
