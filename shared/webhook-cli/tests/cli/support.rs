//! Runs the command, and receives what it sends.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use webhook_cli::{OutgoingDelivery, Sender};
use webhook_verify::{
    Header, Provider, Scheme, UnixSeconds, providers::PROVIDERS, sign::example_body,
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

/// Returns the command's path, which cargo sets when it runs the tests. The path at compile time is
/// wrong in a copied checkout.
pub(crate) fn binary() -> PathBuf {
    env::var_os("CARGO_BIN_EXE_webhook").expect("cargo runs the tests").into()
}

/// Runs `webhook` with `body` on standard input. `secret` is the environment's.
pub(crate) fn webhook(arguments: &str, secret: Option<&str>, body: &[u8]) -> Ended {
    let variables: Vec<_> =
        secret.map(|secret| ("WEBHOOK_SIGNING_SECRET", secret)).into_iter().collect();
    webhook_with(arguments, &variables, body)
}

/// Runs `webhook` with these variables and no others.
pub(crate) fn webhook_with(arguments: &str, variables: &[(&str, &str)], body: &[u8]) -> Ended {
    let mut child = command(arguments, variables).spawn().expect("the binary starts");
    // A command that fails early does not read its input.
    let _ = child.stdin.take().expect("piped").write_all(body);
    let output = child.wait_with_output().expect("the binary ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Prepares a run, with pipes.
pub(crate) fn command(arguments: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env_clear().envs(variables.iter().copied());
    command
}

/// Writes a file that only one test uses.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    let folder = binary().with_file_name("webhook-cli-tests");
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, content))
        .expect("the build's folder can be written");
    path
}

/// Answers one request with `answer`. Returns the URL for it, and a thread that ends with the
/// request's text.
pub(crate) fn receiver(answer: impl Into<Vec<u8>>) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/webhooks/example?a=b", listener.local_addr().expect("bound"));
    let answer = answer.into();
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = read_request(&mut stream);
        // A sender that has seen enough closes the connection.
        let _ = stream.write_all(&answer);
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

/// When the tests' deliveries are signed.
pub(crate) const AT: UnixSeconds = UnixSeconds(860_860_860);

/// Returns a provider for tests that hold for each.
pub(crate) fn any_provider() -> &'static Provider {
    PROVIDERS[0]
}

/// Returns the scheme that signs if no option names another.
pub(crate) fn newest(provider: &'static Provider) -> &'static Scheme {
    provider.schemes().last().expect("a provider has a scheme")
}

/// Returns a body that the provider's newest scheme can sign.
pub(crate) fn body_of(provider: &'static Provider) -> Vec<u8> {
    example_body(newest(provider), 1, 1).into_bytes()
}

/// Returns `--timestamp` and [`AT`] if the scheme signs a time.
pub(crate) fn dated(scheme: &Scheme) -> String {
    if scheme.time.is_some() { format!(" --timestamp {}", AT.0) } else { String::new() }
}

/// Returns the delivery that the library makes at [`AT`].
pub(crate) fn signed(sender: Sender, secret: &str, body: &[u8]) -> OutgoingDelivery {
    let secret =
        sender.provider.key().read(secret).expect("spelled as the provider spells secrets");
    OutgoingDelivery::sign(sender, &secret, AT, body.to_vec()).expect("can be signed")
}

/// Returns headers as `sign` prints them.
pub(crate) fn lines(headers: &[Header]) -> String {
    let line = |header: &Header| {
        format!("{}: {}\n", header.name(), String::from_utf8_lossy(header.value()))
    };
    headers.iter().map(line).collect()
}

/// Returns the request line, the headers in alphabetical order, and the body.
pub(crate) fn sorted(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n").map(str::to_owned);
    let line = lines.next().expect("a request line");
    let mut headers: Vec<String> = lines.collect();
    headers.sort();
    (line, headers, body.to_owned())
}
